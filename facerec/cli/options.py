"""Options that several commands share, made from the settings table, and what they open."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from facerec.cli import output
from facerec.config import Settings, load_settings
from facerec.services.from_settings import (
    gallery_folder,
    match_rule,
    opened_pipeline,
)
from facerec.services.from_settings import (
    opened_gallery as open_as_set,
)
from facerec.settings_table import Kind, Setting, find_setting

if TYPE_CHECKING:
    from facerec.services.expire import ExpiryReport
    from facerec.services.gallery import OpenGallery

__all__ = [
    "DECISION",
    "DETECTION",
    "GALLERY",
    "ONE_FACE",
    "RECOGNITION",
    "THRESHOLD",
    "ask_for_passphrase",
    "expiry_lines",
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
KEEPING = ("store.keep_days", "store.grace_days")
THRESHOLD = ("match.threshold", "match.fmr")
DECISION = (*THRESHOLD, "match.required_margin")
ONE_FACE = ("match.several_faces",)


def json_option(function: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")(
        function
    )


def opened_gallery(
    current: Settings, *, create: bool = False, keeps_terms: bool = True
) -> OpenGallery:
    """Open the gallery to use, and say what became of people whose time in it is over.

    Raises:
        StoreError: see ``facerec.services.gallery.open_gallery``.
    """
    ask_for_passphrase(gallery_folder(current))
    gallery = open_as_set(
        current,
        create=create,
        program=click.get_current_context().command_path,
        keeps_terms=keeps_terms,
    )
    for line in expiry_lines(gallery.expiry):
        output.remark(line)
    return gallery


def ask_for_passphrase(folder: Path) -> None:
    """Ask for the passphrase of an encrypted gallery, unless somebody gave it already.

    Raises:
        ConfigError: see ``facerec.services.keys.find_secret``.
    """
    from facerec.services import keys

    path = keys.database_in(folder)
    if keys.is_encrypted(folder) and sys.stdin.isatty() and keys.find_secret(path) is None:
        keys.remember(path, click.prompt("Passphrase", hide_input=True, err=True))


def expiry_lines(report: ExpiryReport | None) -> list[str]:
    """Say what was done about people whose time is over."""
    if report is None:
        return []
    lines = []
    if report.n_erased:
        people = output.counted(report.n_erased, "person", "people")
        lines.append(f"Erased for good, their time in the gallery being over: {people}.")
        lines.extend(f"This file may still hold them: {path}" for path in report.left_copies)
        if not report.is_wiped:
            lines.append(
                "Another program uses the gallery; its files may hold traces until it is closed."
            )
    if report.n_waiting:
        people = output.counted(report.n_waiting, "person", "people")
        lines.append(
            f"Not named any more, their time in the gallery being over: {people}; "
            "see: facerec gallery expire --dry-run."
        )
    return lines


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
