"""One setting changes; comments, line ends and permissions stay; a failure changes nothing."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from facerec.config import load_settings
from facerec.errors import ConfigError
from facerec.settings_file import change_settings, changed_settings, require_file_decides


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "# mine\n[embed]\nmodel = 'a' # why\nmirror = true\n\n[match]\nfmr = 0.001 # strict\n",
            '# mine\n[embed]\nmodel = "b" # why\nmirror = true\n\n[match]\nfmr = 0.001 # strict\n',
            id="in place",
        ),
        pytest.param(
            "[detect]\nmin_face_px = 50\n",
            '[detect]\nmin_face_px = 50\n\n[embed]\nmodel = "b"\n',
            id="new section",
        ),
        pytest.param("embed.model = 'a'\n", 'embed.model = "b"\n', id="dotted key"),
        pytest.param(
            "embed = { model = 'a', mirror = true }\n",
            'embed = { model = "b", mirror = true }\n',
            id="inline table",
        ),
        pytest.param(
            "[embed]\r\nmodel = 'a'\r\n", '[embed]\r\nmodel = "b"\r\n', id="line ends of Windows"
        ),
        pytest.param("", '[embed]\nmodel = "b"\n', id="empty"),
    ],
)
def test_only_the_value_changes(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(before.encode())

    with changed_settings({"embed.model": "b"}, file=path):
        assert path.read_bytes() == before.encode()

    assert path.read_bytes().decode() == after
    assert tomllib.loads(after)["embed"]["model"] == "b"
    assert list(tmp_path.iterdir()) == [path]


def test_file_and_folder_are_made(home: Path) -> None:
    with changed_settings({"embed.model": "b"}, file=home / "new" / "config.toml"):
        pass
    with changed_settings({"embed.model": "c"}):
        pass

    assert load_settings(file=home / "new" / "config.toml").settings.embed.model == "b"
    assert load_settings().settings.embed.model == "c"


@pytest.mark.skipif(os.name == "nt", reason="permissions and links differ there")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    kept, link = tmp_path / "kept.toml", tmp_path / "config.toml"
    kept.write_text("[embed]\nmodel = 'a'\n")
    kept.chmod(0o600)
    link.symlink_to(kept)

    with changed_settings({"embed.model": "b"}, file=link):
        pass

    assert link.is_symlink()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert load_settings(file=kept).settings.embed.model == "b"


def test_body_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[embed]\nmodel = 'a'\n")

    with pytest.raises(ZeroDivisionError), changed_settings({"embed.model": "b"}, file=path):
        raise ZeroDivisionError

    assert path.read_text() == "[embed]\nmodel = 'a'\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "key", "value", "sentence"),
    [
        pytest.param("[embed\n", "embed.model", "b", "not valid TOML", id="damaged file"),
        pytest.param("[embed]\nmodle = 1\n", "embed.model", "b", "embed.modle", id="unknown key"),
        pytest.param("", "match.threshold", 7.0, "cannot be 7.0", id="out of range"),
    ],
)
def test_invalid_file_or_value_is_refused_before_the_body(
    tmp_path: Path, content: str, key: str, value: object, sentence: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(content)

    with pytest.raises(ConfigError, match=sentence), changed_settings({key: value}, file=path):
        pytest.fail("The body ran.")

    assert path.read_text() == content


def test_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "config.toml"

    with (
        pytest.raises(ConfigError, match=r"config\.toml cannot be") as caught,
        changed_settings({"embed.model": "b"}, file=path),
    ):
        pytest.fail("The body ran.")

    assert caught.value.remedy


def test_environment_that_decides_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    require_file_decides("embed.model")
    monkeypatch.setenv("FACEREC__EMBED__MODEL", "a")

    with pytest.raises(ConfigError, match="FACEREC__EMBED__MODEL overrides"):
        require_file_decides("embed.model")


def _change(path: Path, text: str | None, changes: dict[str, object]) -> str:
    if text is not None:
        path.write_text(text, encoding="utf-8")
    change_settings(changes, file=path)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        pytest.param(
            None, {"window.theme": "dark"}, '[window]\ntheme = "dark"\n', id="no file yet"
        ),
        pytest.param(
            '# mine\n[window]\ntheme = "dark" # at night\n\n[match]\nfmr = 0.01\n',
            {"window.theme": "light"},
            '# mine\n[window]\ntheme = "light" # at night\n\n[match]\nfmr = 0.01\n',
            id="one line changes",
        ),
        pytest.param(
            "[match]\nfmr = 0.01\n",
            {"match.fmr": None, "match.threshold": 0.5},
            "[match]\nthreshold = 0.5\n",
            id="one goes, one comes",
        ),
        pytest.param(
            "[match]\nfmr = 0.01\n",
            {"detect.min_face_px": 60},
            "[match]\nfmr = 0.01\n\n[detect]\nmin_face_px = 60\n",
            id="a new section",
        ),
        pytest.param(
            "[embed]", {"embed.mirror": True}, "[embed]\nmirror = true\n", id="an empty section"
        ),
        pytest.param(
            "[detect]\nmin_face_px = 50\n",
            {"window.theme": None},
            "[detect]\nmin_face_px = 50\n",
            id="removing what is not there",
        ),
    ],
)
def test_file_after_a_change(
    tmp_path: Path, before: str | None, changes: dict[str, object], after: str
) -> None:
    assert _change(tmp_path / "config.toml", before, changes) == after


@pytest.mark.parametrize("name", ['quote "and\\ backslash', "人脸库", "tab\there"])
def test_text_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    path = tmp_path / "config.toml"
    change_settings({"store.gallery": tmp_path / name}, file=path)

    assert load_settings(environ={}, file=path).settings.store.gallery == tmp_path / name


@pytest.mark.parametrize("changes", [{"window.them": "dark"}, {"window.theme": "pink"}])
def test_wrong_change_is_refused_and_nothing_written(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    path = tmp_path / "config.toml"

    with pytest.raises(ConfigError):
        change_settings(changes, file=path)

    assert not path.exists()
