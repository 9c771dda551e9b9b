"""Where things lie: the user's data, the shipped models and migrations.

Data lives where ``platformdirs`` says; ``FACEREC_HOME`` overrides all of it with one folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "FACEREC_HOME"
_PACKAGE = Path(__file__).resolve().parent


def data_dir() -> Path:
    """Folder of galleries and the user's own models."""
    override = os.environ.get(HOME_VARIABLE)
    return Path(override) if override else Path(platformdirs.user_data_dir("facerec", False))


def config_file() -> Path:
    """The user's settings file, which need not exist."""
    override = os.environ.get(HOME_VARIABLE)
    base = Path(override) if override else Path(platformdirs.user_config_dir("facerec", False))
    return base / "config.toml"


def cache_dir() -> Path:
    """Folder of what can be made again."""
    override = os.environ.get(HOME_VARIABLE)
    return (
        Path(override) / "cache"
        if override
        else Path(platformdirs.user_cache_dir("facerec", False))
    )


def default_gallery_dir() -> Path:
    """The gallery that commands use when none is named."""
    return data_dir() / "gallery"


def user_models_dir() -> Path:
    """Models the user trained or added."""
    return data_dir() / "models"


def shipped_models_dir() -> Path:
    """Models that came with the program: inside the wheel, or beside the package in a checkout."""
    return _shipped("_models", "models")


def migrations_dir() -> Path:
    """Alembic's scripts: inside the wheel, or beside the package in a checkout."""
    return _shipped("_migrations", "alembic")


def _shipped(installed_name: str, checkout_name: str) -> Path:
    installed = _PACKAGE / installed_name
    return installed if installed.is_dir() else _PACKAGE.parent / checkout_name
