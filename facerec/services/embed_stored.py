"""Embed Templates again: from the Crop that is stored, or from the picture where that is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facerec.align.warp import align_faces
from facerec.embed.base import Embedder
from facerec.errors import (
    DatabaseCorruptError,
    FacerecError,
    ShapeError,
    WeightsIncompatibleError,
)
from facerec.gallery.crops import crop_from_png
from facerec.gallery.templates import Template, crop_pngs, templates_of
from facerec.imaging.read import list_images, read_image
from facerec.services.source import file_digest
from facerec.track.motion import overlaps
from facerec.types import Crop, Embedding

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from facerec.detect.base import Detector

# Crops embedded at a time.
BATCH = 64
# A Face whose box covers less of the one it was enrolled with is another one.
_MIN_OVERLAP = 0.5


@dataclass(slots=True)
class Embedded:
    """Template id -> new Embedding, or why there is none."""

    embeddings: dict[int, Embedding] = field(default_factory=dict)
    errors: dict[int, FacerecError] = field(default_factory=dict)


class Originals:
    """Pictures that people were enrolled from, found again in a folder by their digest."""

    def __init__(self, folder: Path, detector: Detector) -> None:
        """Read the digests of all pictures in a folder and below it.

        Raises:
            ImageReadError: there is no such folder.
        """
        self._detector = detector
        self._paths: dict[str, Path] = {}
        for path in list_images(folder):
            digest = file_digest(path)
            if digest is not None:
                self._paths[digest] = path

    def crop(self, template: Template, size_px: int) -> Crop | None:
        """Cut a Template's Face out of its picture again.

        Returns:
            (size_px, size_px, 3) uint8, RGB; None when the picture or the Face is not found.
        """
        path = self._paths.get(template.source.sha256)
        if path is None:
            return None
        try:
            return self._cut(path, template.box_ltrb, size_px)
        except FacerecError:  # (the stored Crop is the other way)
            return None

    def _cut(
        self, path: Path, box_ltrb: tuple[float, float, float, float], size_px: int
    ) -> Crop | None:
        image = read_image(path)
        faces = self._detector.detect(image)
        boxes = np.array([face.box_xyxy for face in faces], np.float64).reshape(-1, 4)
        covered = overlaps(boxes, np.array([box_ltrb], np.float64))[:, 0]
        if not len(covered) or covered.max() < _MIN_OVERLAP:
            return None
        crop: Crop = align_faces(image, [faces[int(covered.argmax())]], size=size_px)[0]
        return crop


def embed_stored(
    session: Session,
    template_ids: Sequence[int],
    embedder: Embedder,
    originals: Originals | None = None,
) -> Embedded:
    """Embed Templates from their pictures where those are given, and else from stored Crops.

    Args:
        session: which state of the gallery.
        template_ids: as many as fit one batch.
        embedder: the model.
        originals: where pictures are looked for.
    """
    made = Embedded()
    templates = templates_of(session, template_ids)
    pngs = crop_pngs(session, template_ids)
    crops: dict[int, Crop] = {}
    for template_id, template in templates.items():
        try:
            found = originals.crop(template, embedder.crop_size_px) if originals else None
            png = pngs.get(template_id)
            crops[template_id] = found if found is not None else _stored(png, embedder.crop_size_px)
        except FacerecError as error:
            made.errors[template_id] = error
    if crops:
        _embed(embedder, crops, made)
    return made


def _embed(embedder: Embedder, crops: dict[int, Crop], made: Embedded) -> None:
    """Embed Crops together, or one by one where one of them has no vector."""
    try:
        embeddings = embedder.embed(np.stack(list(crops.values())))
        made.embeddings.update(zip(crops, embeddings, strict=True))
    except WeightsIncompatibleError as error:
        if len(crops) == 1:
            made.errors.update(dict.fromkeys(crops, error))
            return
        for template_id, crop in crops.items():
            _embed(embedder, {template_id: crop}, made)


def _stored(png: bytes | None, size_px: int) -> Crop:
    if png is None:
        raise DatabaseCorruptError(
            "A template has no stored crop.", remedy="Enrol the person again from the picture."
        )
    crop = crop_from_png(png)
    if len(crop) != size_px:
        raise ShapeError(
            f"The stored crop has {len(crop)} pixels a side; the model takes {size_px}.",
            remedy="Enrol the person again from the picture.",
        )
    return crop
