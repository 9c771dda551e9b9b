"""Options that several commands share, made from the settings table, and what they open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from facerec.config import Settings, load_settings
from facerec.paths import default_gallery_dir
from facerec.settings_table import Kind, Setting, find_setting

if TYPE_CHECKING:
    from facerec.match.rule import MatchRule
    from facerec.pipeline import Pipeline
    from facerec.services.gallery import OpenGallery

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


def gallery_folder(current: Settings) -> Path:
    """Return the folder of the gallery to use."""
    return current.store.gallery or default_gallery_dir()


def opened_gallery(current: Settings, *, create: bool = False) -> OpenGallery:
    """Open the gallery to use.

    Raises:
        StoreError: see ``facerec.services.gallery.open_gallery``.
    """
    from facerec.services.gallery import open_gallery

    return open_gallery(gallery_folder(current), create=create)


def opened_pipeline(current: Settings) -> Pipeline:
    """Load detector and embedder as the settings say.

    Raises:
        FacerecError: see ``facerec.pipeline.open_pipeline``.
    """
    from facerec.pipeline import open_pipeline

    return open_pipeline(
        model=current.embed.model,
        detector=current.detect.detector,
        device=current.runtime.device,
        n_threads=current.runtime.n_threads,
        min_face_px=current.detect.min_face_px,
        mirror=current.embed.mirror,
    )


def match_rule(current: Settings, gallery: OpenGallery | None = None) -> MatchRule:
    """Return when a score is enough: the user's own threshold, the gallery's, or the model's.

    Args:
        current: the settings.
        gallery: whose calibration is used where the settings name no threshold.

    Raises:
        FacerecError: see ``facerec.match.rule.rule_from_card``.
    """
    from facerec.match.rule import MatchRule, rule_from_card
    from facerec.zoo import find_model

    match = current.match
    if match.threshold is not None and match.fmr is None:
        return MatchRule(match.threshold, match.required_margin)
    rule = rule_from_card(
        find_model(current.embed.model),
        threshold=match.threshold,
        fmr=match.fmr,
        required_margin=match.required_margin,
    )
    if gallery is None or match.fmr is not None:
        return rule
    from facerec.services.calibrate import calibrated_rule

    return calibrated_rule(gallery, rule)


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
