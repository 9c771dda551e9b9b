"""Changing the settings file keeps everything else in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.config import load_settings
from facerec.errors import ConfigError
from facerec.settings_file import change_settings


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
            '# mine\n[window]\ntheme = "light"\n\n[match]\nfmr = 0.01\n',
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


def test_file_written_in_another_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('window = { theme = "dark" }\n')

    with pytest.raises(ConfigError, match="text editor"):
        change_settings({"window.theme": "light"}, file=path)

    assert path.read_text() == 'window = { theme = "dark" }\n'
    assert list(tmp_path.iterdir()) == [path]
