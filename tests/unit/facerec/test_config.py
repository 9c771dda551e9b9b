"""Settings: precedence, origins, refusals, and agreement of table and dataclasses."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from facerec.config import Settings, load_settings
from facerec.errors import ConfigError
from facerec.settings_table import SETTINGS, Kind, find_setting


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_hold_when_nothing_is_set(tmp_path: Path) -> None:
    loaded = load_settings(environ={}, file=tmp_path / "none.toml")

    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}


def test_later_sources_win_when_all_set_the_same_key(tmp_path: Path) -> None:
    file = _file(
        tmp_path, "[detect]\nmin_face_px = 50\n[embed]\nmodel = 'a'\n[match]\nthreshold = 0\n"
    )
    environ = {"FACEREC__DETECT__MIN_FACE_PX": "60", "FACEREC__EMBED__MODEL": "b"}

    loaded = load_settings({"detect.min_face_px": 70}, environ=environ, file=file)

    assert loaded.settings.detect.min_face_px == 70
    assert loaded.settings.embed.model == "b"
    assert loaded.settings.match.threshold == 0.0
    assert loaded.origins["detect.min_face_px"] == "option --min-face"
    assert loaded.origins["embed.model"] == "environment FACEREC__EMBED__MODEL"
    assert loaded.origins["match.threshold"] == str(file)
    assert loaded.origins["runtime.device"] == "default"


def test_flag_that_is_not_given_changes_nothing(tmp_path: Path) -> None:
    loaded = load_settings({"embed.model": None}, environ={}, file=tmp_path / "none")

    assert loaded.settings.embed.model == "default"


def test_explicit_zero_threshold_is_kept() -> None:
    loaded = load_settings({"match.threshold": 0.0}, environ={}, file=Path("/nonexistent"))

    assert loaded.settings.match.threshold == 0.0


def test_empty_variable_unsets_an_optional_setting(tmp_path: Path) -> None:
    file = _file(tmp_path, "[match]\nthreshold = 0.5\n")

    loaded = load_settings(environ={"FACEREC__MATCH__THRESHOLD": ""}, file=file)

    assert loaded.settings.match.threshold is None


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        pytest.param("[detect]\nmin_face = 50\n", "'detect.min_face_px'", id="misspelt name"),
        pytest.param("[detct]\nmin_face_px = 50\n", "'detect.min_face_px'", id="misspelt section"),
        pytest.param("threshold = 0.5\n", "'match.threshold'", id="key without section"),
    ],
)
def test_unknown_key_is_refused_with_the_nearest_one(
    tmp_path: Path, text: str, nearest: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={}, file=_file(tmp_path, text))

    assert nearest in caught.value.remedy
    assert "config.toml" in caught.value.message


def test_unknown_variable_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={"FACEREC__EMBED__MODLE": "a"}, file=tmp_path / "none")

    assert "FACEREC__EMBED__MODEL" in caught.value.remedy


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("detect.min_face_px", 11, id="below range"),
        pytest.param("detect.min_face_px", 40.5, id="no whole number"),
        pytest.param("detect.min_face_px", True, id="switch for a number"),
        pytest.param("match.threshold", 1.01, id="above range"),
        pytest.param("match.threshold", float("nan"), id="not a number"),
        pytest.param("match.several_faces", "first", id="no such choice"),
        pytest.param("embed.mirror", "yes", id="text for a switch"),
        pytest.param("embed.model", "", id="empty name"),
        pytest.param("embed.model", None, id="cannot be unset"),
    ],
)
def test_value_that_does_not_fit_is_refused(tmp_path: Path, key: str, value: object) -> None:
    section, _, name = key.partition(".")
    literal = {True: "true", "yes": "'yes'", "": "''", "first": "'first'", None: "[]"}.get(
        value, str(value)
    )

    with pytest.raises(ConfigError, match=key):
        load_settings(environ={}, file=_file(tmp_path, f"[{section}]\n{name} = {literal}\n"))


@pytest.mark.parametrize("text", ["x", "4.5", ""])
def test_variable_that_is_no_number_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="whole number"):
        load_settings(environ={"FACEREC__DETECT__MIN_FACE_PX": text}, file=tmp_path / "none")


@pytest.mark.parametrize(("text", "value"), [("on", True), ("FALSE", False), ("1", True)])
def test_switch_takes_the_usual_words(tmp_path: Path, text: str, value: bool) -> None:
    loaded = load_settings(environ={"FACEREC__EMBED__MIRROR": text}, file=tmp_path / "none")

    assert loaded.settings.embed.mirror is value


def test_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml is not valid TOML"):
        load_settings(environ={}, file=_file(tmp_path, "[detect\n"))


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(environ={}, file=tmp_path)


def test_users_file_is_read_from_the_home_folder(home: Path) -> None:
    (home / "config.toml").write_text("[runtime]\nn_threads = 3\n")

    assert load_settings().settings.runtime.n_threads == 3


def test_folder_of_the_user_is_expanded(tmp_path: Path) -> None:
    loaded = load_settings({"store.gallery": "~/faces"}, environ={}, file=tmp_path / "none")

    assert loaded.settings.store.gallery == Path.home() / "faces"


def test_table_and_dataclasses_hold_the_same_keys() -> None:
    settings = Settings()
    keys = {
        f"{section.name}.{entry.name}"
        for section in fields(settings)
        for entry in fields(getattr(settings, section.name))
    }

    assert {setting.key for setting in SETTINGS} == keys


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.key)
def test_default_fits_its_own_row(setting: object) -> None:
    row = find_setting(setting.key)
    value = Settings().value(row.key)

    if value is None:
        assert row.optional
    else:
        assert (
            load_settings({row.key: value}, environ={}, file=Path("/none")).settings == Settings()
        )
    assert row.kind in Kind
    assert row.help.endswith(".")


def test_row_that_does_not_exist_is_a_mistake_of_the_program() -> None:
    with pytest.raises(KeyError):
        find_setting("detect.nothing")
