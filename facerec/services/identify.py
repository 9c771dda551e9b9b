"""Identification, 1:N and open-set: who of the enrolled people is in an Image, if anybody?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facerec.match.decide import FaceCandidates, decide_image
from facerec.match.rule import MatchRule
from facerec.pipeline import AnalyzedFace, Pipeline
from facerec.services.gallery import OpenGallery, stacked
from facerec.types import Decision, Face, ImageRGB


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedFace:
    """One Face of an Image and who it is.

    Attributes:
        analyzed: the Face with its Crop, Embedding and quality.
        decision: the answer with its evidence.
    """

    analyzed: AnalyzedFace
    decision: Decision

    @property
    def face(self) -> Face:
        """The detection."""
        return self.analyzed.face


def identify(
    gallery: OpenGallery, pipeline: Pipeline, image: ImageRGB, *, rule: MatchRule
) -> list[IdentifiedFace]:
    """Name the Faces of an Image, as far as they are enrolled.

    Args:
        gallery: who is enrolled.
        pipeline: finds and embeds.
        image: (H, W, 3) uint8, RGB; read it with ``facerec.imaging.read.read_image``.
        rule: when a Score is enough.

    Returns:
        One entry per Face in the detector's order; empty when there is none.

    Raises:
        EmbeddingMismatchError: the gallery was made with another model.
        StoreError: the gallery cannot be read.
    """
    return identify_faces(gallery, pipeline.analyze(image), rule=rule)


def identify_faces(
    gallery: OpenGallery, faces: Sequence[AnalyzedFace], *, rule: MatchRule
) -> list[IdentifiedFace]:
    """Name Faces of *one* Image that are already described.

    Args:
        gallery: who is enrolled.
        faces: of one Image; nobody is among them twice.
        rule: when a Score is enough.

    Raises:
        EmbeddingMismatchError: the gallery was made with another model.
        StoreError: the gallery cannot be read.
    """
    if not faces:
        return []
    vectors = stacked([face.embedding.vector for face in faces])
    with gallery.store.read() as session:
        nearest = gallery.candidates(session, vectors, faces[0].embedding.contract_id)
    decisions = decide_image(
        [
            FaceCandidates(candidates, face.quality_issues)
            for candidates, face in zip(nearest, faces, strict=True)
        ],
        threshold=rule.threshold,
        required_margin=rule.required_margin,
    )
    return [IdentifiedFace(face, decision) for face, decision in zip(faces, decisions, strict=True)]
