"""What a program opens as its Settings say: gallery, pipeline and rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from facerec.config import Settings
from facerec.paths import default_gallery_dir

if TYPE_CHECKING:
    from facerec.match.rule import MatchRule
    from facerec.pipeline import Pipeline
    from facerec.services.gallery import OpenGallery


def gallery_folder(current: Settings) -> Path:
    """Return the folder of the gallery to use."""
    return current.store.gallery or default_gallery_dir()


def opened_gallery(
    current: Settings, *, create: bool = False, program: str = "", keeps_terms: bool = True
) -> OpenGallery:
    """Open the gallery to use, and act on the end of people's time in it.

    Args:
        current: the settings.
        create: make the gallery when it is not there.
        program: for the access log.
        keeps_terms: whether people are erased whose days of grace are over.

    Raises:
        StoreError: see ``facerec.services.gallery.open_gallery``.
    """
    from facerec.services.expire import keep_to_terms
    from facerec.services.gallery import open_gallery

    gallery = open_gallery(
        gallery_folder(current),
        create=create,
        keep_days=current.store.keep_days,
        grace_days=current.store.grace_days,
        program=program,
    )
    try:
        if keeps_terms:
            gallery.expiry = keep_to_terms(gallery)
    except BaseException:
        gallery.close()
        raise
    return gallery


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
