"""Options that several commands share, made from the settings table, and what they open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import click

from facerec.config import Settings, load_settings
from facerec.services.from_settings import (
    gallery_folder,
    match_rule,
    opened_gallery,
    opened_pipeline,
)
from facerec.settings_table import Kind, Setting, find_setting

__all__ = [
    "DECISION",
    "DETECTION",
    "GALLERY",
    "ONE_FACE",
    "RECOGNITION",
    "THRESHOLD",
    "gallery_folder",
    "json_option",
    "match_rule",
    "opened_gallery",
    "opened_pipeline",
    "setting_options",
    "settings",
]

F = TypeVar("F", bound=Callable[..., Any])

DETECTION = ("detect.min_face_px", "detect.detector", "runtime.device", "runtime.n_threads")
RECOGNITION = ("embed.model", "embed.mirror", *DETECTION)
GALLERY = ("store.gallery",)
THRESHOLD = ("match.threshold", "match.fmr")
DECISION = (*THRESHOLD, "match.required_margin")
ONE_FACE = ("match.several_faces",)


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
    given = {name.replace("__", "."): value for name, value in flags.items()}
    loaded = load_settings(given).settings
    # Threshold and false match rate are two ways to say one thing: the flag wins over the file.
    if given.get("match.threshold") is not None and given.get("match.fmr") is None:
        return replace(loaded, match=replace(loaded.match, fmr=None))
    if given.get("match.fmr") is not None and given.get("match.threshold") is None:
        return replace(loaded, match=replace(loaded.match, threshold=None))
    return loaded


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
