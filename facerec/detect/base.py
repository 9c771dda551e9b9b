"""What a detector is: Image in, Faces out. Which Face is "the" Face.

A detector knows pixels and nothing of people. It enters itself into ``DETECTORS`` and is from then
on a choice of the command line and a subject of the contract tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from facerec.errors import NoFaceError
from facerec.registry import Registry
from facerec.types import Face, ImageRGB


class Detector(Protocol):
    """Finds faces.

    Attributes:
        device: what it runs on.
    """

    device: str

    def detect(self, image: ImageRGB) -> list[Face]:
        """Find all faces of an image.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            Most certain first, then from left to right, then from top to bottom; the same list
            every time. Empty when there is no face.

        Raises:
            ShapeError: the image has another shape or type.
        """
        ...


class DetectorFactory(Protocol):
    """Makes a detector; further settings belong to the detector that has them."""

    def __call__(
        self, *, device: str = "cpu", n_threads: int = 0, min_face_px: int = 40
    ) -> Detector:
        """Load it.

        Args:
            device: see ``facerec.runtime.open_session``.
            n_threads: threads of one inference; 0 leaves it to the runtime.
            min_face_px: smallest face to look for, in pixels.
        """
        ...


DETECTORS: Registry[DetectorFactory] = Registry("detector")


class PrimaryPolicy(StrEnum):
    """Which of several Faces is "the" Face of an Image."""

    LARGEST = "largest"
    CENTRAL = "central"
    CERTAIN = "certain"


def primary_face(
    faces: Sequence[Face],
    image_hw: tuple[int, int],
    policy: PrimaryPolicy = PrimaryPolicy.LARGEST,
) -> Face:
    """Choose one Face; of equal ones the first.

    Args:
        faces: at least one.
        image_hw: height and width of the Image in pixels.
        policy: the largest box, the one nearest the middle of the Image, or the best score.

    Raises:
        NoFaceError: there is none to choose from.
    """
    if not faces:
        raise NoFaceError(
            "No face was found.",
            remedy="Use a sharper or larger picture, or look for smaller faces with --min-face.",
        )
    policy = PrimaryPolicy(policy)
    if policy is PrimaryPolicy.LARGEST:
        return max(faces, key=lambda face: face.width_px * face.height_px)
    if policy is PrimaryPolicy.CERTAIN:
        return max(faces, key=lambda face: face.score)
    middle_x, middle_y = image_hw[1] / 2, image_hw[0] / 2

    def distance_squared(face: Face) -> float:
        x, y = face.centre_xy
        return (x - middle_x) ** 2 + (y - middle_y) ** 2

    return min(faces, key=distance_squared)
