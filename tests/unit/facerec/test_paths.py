"""Where things lie."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from facerec import paths


def test_one_variable_moves_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEREC_HOME", str(tmp_path))

    assert paths.data_dir() == tmp_path
    assert paths.config_file() == tmp_path / "config.toml"
    assert paths.cache_dir() == tmp_path / "cache"
    assert paths.default_gallery_dir() == tmp_path / "gallery"
    assert paths.user_models_dir() == tmp_path / "models"


def test_platform_decides_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEREC_HOME")

    assert paths.data_dir() == Path(platformdirs.user_data_dir("facerec", False))
    assert paths.config_file().parent == Path(platformdirs.user_config_dir("facerec", False))
    assert paths.cache_dir() == Path(platformdirs.user_cache_dir("facerec", False))


def test_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEREC_HOME", "")

    assert paths.data_dir() == Path(platformdirs.user_data_dir("facerec", False))


@pytest.mark.parametrize(
    ("function", "inside", "beside"),
    [
        (paths.shipped_models_dir, "_models", "models"),
        (paths.migrations_dir, "_migrations", "alembic"),
    ],
)
def test_shipped_files_are_found_in_wheel_and_checkout(
    function: object, inside: str, beside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "facerec"
    package.mkdir()
    monkeypatch.setattr(paths, "_PACKAGE", package)

    assert function() == tmp_path / beside  # type: ignore[operator]
    (package / inside).mkdir()
    assert function() == package / inside  # type: ignore[operator]
