"""One Face of an Image where a use case needs exactly one."""

from __future__ import annotations

from enum import StrEnum

from facerec.detect.base import PrimaryPolicy, primary_face
from facerec.errors import ManyFacesError, NoFaceError
from facerec.pipeline import AnalyzedFace, Pipeline
from facerec.types import ImageRGB


class FacePolicy(StrEnum):
    """What happens when one Face is needed and several are there."""

    REFUSE = "refuse"
    LARGEST = "largest"
    CENTRAL = "central"
    CERTAIN = "certain"


def analyze_one(
    pipeline: Pipeline, image: ImageRGB, policy: FacePolicy = FacePolicy.REFUSE
) -> AnalyzedFace:
    """Describe the one Face that counts; the others are not embedded.

    Args:
        pipeline: finds and embeds.
        image: (H, W, 3) uint8, RGB.
        policy: which Face counts when there are several.

    Raises:
        NoFaceError: there is none.
        ManyFacesError: there are several and the policy refuses that.
    """
    faces = pipeline.detector.detect(image)
    if not faces:
        raise NoFaceError(
            "No face was found.",
            remedy="Use a picture that shows the face larger, upright and unobstructed.",
        )
    if len(faces) > 1 and policy is FacePolicy.REFUSE:
        raise ManyFacesError(
            f"{len(faces)} faces were found where one is needed.",
            remedy="Crop the picture, or say which face counts with --faces "
            "largest, central or certain.",
            n_faces=len(faces),
        )
    height, width = image.shape[:2]
    face = (
        faces[0]
        if policy is FacePolicy.REFUSE
        else primary_face(faces, (height, width), PrimaryPolicy(policy.value))
    )
    return pipeline.analyze_faces(image, [face])[0]
