"""Options that several commands share, made from the settings table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from facerec.config import Settings, load_settings
from facerec.paths import default_gallery_dir
from facerec.settings_table import Kind, Setting, find_setting

F = TypeVar("F", bound=Callable[..., Any])

DETECTION = ("detect.min_face_px", "detect.detector", "runtime.device", "runtime.n_threads")
RECOGNITION = ("embed.model", "embed.mirror", *DETECTION)
GALLERY = ("store.gallery",)


def json_option(function: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")(
        function
    )


def setting_options(*keys: str) -> Callable[[F], F]:
    """Add one option per setting; the command receives them as ``**flags`` for ``settings``."""

    def add(function: F) -> F:
        for key in reversed(keys):
            function = _option(find_setting(key))(function)
        return function

    return add


def settings(flags: Mapping[str, object]) -> Settings:
    """Read the settings with a command's own flags on top.

    Raises:
        ConfigError: see ``facerec.config.load_settings``.
    """
    return load_settings({name.replace("__", "."): value for name, value in flags.items()}).settings


def gallery_folder(current: Settings) -> Path:
    """Return the folder of the gallery to use."""
    return current.store.gallery or default_gallery_dir()


def _option(setting: Setting) -> Callable[[F], F]:
    name = setting.key.replace(".", "__")
    if setting.kind is Kind.SWITCH:
        flags = f"{setting.flag}/--no-{setting.flag.removeprefix('--')}"
        return click.option(flags, name, default=None, help=setting.help)
    if setting.choices:
        kind: Any = click.Choice(setting.choices)
    else:
        kind = {Kind.INTEGER: int, Kind.NUMBER: float, Kind.TEXT: str, Kind.FOLDER: str}[
            setting.kind
        ]
    metavar = "DIR" if setting.kind is Kind.FOLDER else None
    return click.option(
        setting.flag, name, type=kind, default=None, metavar=metavar, help=setting.help
    )
