"""Verification, 1:1: are two Images of the same Person?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from facerec.contract import require_same_contract
from facerec.errors import InputError
from facerec.imaging.read import ImageSource, read_image
from facerec.match.rule import MatchRule
from facerec.pipeline import AnalyzedFace, Pipeline
from facerec.services.one_face import FacePolicy, analyze_one
from facerec.services.source import source_label


class PairVerdict(StrEnum):
    """The answers to "is this the same person?"."""

    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """The answer with its evidence.

    Attributes:
        verdict: same when the Score reaches the Threshold.
        score: cosine in [-1, 1].
        rule: Threshold and the false match rate it was set at.
        face_a: the Face taken from the first Image, with its quality issues.
        face_b: the Face taken from the second Image.
    """

    verdict: PairVerdict
    score: float
    rule: MatchRule
    face_a: AnalyzedFace
    face_b: AnalyzedFace

    @property
    def same(self) -> bool:
        """Whether the verdict is ``SAME``."""
        return self.verdict is PairVerdict.SAME


def verify(
    pipeline: Pipeline,
    image_a: ImageSource,
    image_b: ImageSource,
    *,
    rule: MatchRule,
    policy: FacePolicy = FacePolicy.REFUSE,
) -> Verification:
    """Compare the Faces of two Images.

    Poor quality does not change the verdict, since no name is given; it is in the result.

    Args:
        pipeline: finds and embeds.
        image_a: a path, encoded bytes, an array (H, W, 3) or (H, W), or a PIL image.
        image_b: likewise.
        rule: the Threshold; its margin plays no part.
        policy: which Face counts when there are several.

    Raises:
        InputError: an image cannot be read, has no face, or several and the policy refuses that;
            its ``details["source"]`` names the image.
    """
    face_a = _face(pipeline, image_a, policy)
    face_b = _face(pipeline, image_b, policy)
    return compare_faces(face_a, face_b, rule=rule)


def compare_faces(face_a: AnalyzedFace, face_b: AnalyzedFace, *, rule: MatchRule) -> Verification:
    """Compare two Faces that are described already.

    Raises:
        EmbeddingMismatchError: they were made under different contracts.
    """
    require_same_contract(face_a.embedding.contract_id, face_b.embedding.contract_id)
    # In double precision, so that an image compared with itself scores 1 on every machine.
    cosine = np.dot(
        face_a.embedding.vector.astype(np.float64), face_b.embedding.vector.astype(np.float64)
    )
    score = float(np.clip(cosine, -1.0, 1.0))
    verdict = PairVerdict.SAME if score >= rule.threshold else PairVerdict.DIFFERENT
    return Verification(verdict, score, rule, face_a, face_b)


def _face(pipeline: Pipeline, source: ImageSource, policy: FacePolicy) -> AnalyzedFace:
    label = source_label(source)
    try:
        return analyze_one(pipeline, read_image(source), policy)
    except InputError as error:
        error.details.setdefault("source", label)
        if label not in error.message:
            error.message = f"{label}: {error.message[0].lower()}{error.message[1:]}"
        raise
