"""Value types that cross the borders between stages: Image, Face, Crop, Embedding, Decision.

They know nothing of files, networks or databases. Arrays inside them are read-only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.errors import RangeError, ShapeError

# (H, W, 3) uint8, RGB, EXIF rotation applied.
ImageRGB = NDArray[np.uint8]
# (S, S, 3) uint8, RGB: the aligned square cut from one Face.
Crop = NDArray[np.uint8]
# (5, 2) points (x, y) in pixels; eye, eye, nose, mouth corner, mouth corner, viewer's left first.
Points5 = NDArray[np.floating[Any]]
# (2, 3) float64, source pixels -> destination pixels.
Affine2x3 = NDArray[np.float64]

# |‖v‖ - 1| allowed for something called normalised; float32 sums of 512 squares err below 1e-6.
UNIT_NORM_TOLERANCE = 1e-3


def _readonly(array: NDArray[Any], dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    result = np.array(array, dtype=dtype)
    if result.shape != shape:
        raise ShapeError(f"Expected an array of shape {shape}, got {result.shape}.")
    if not np.isfinite(result).all():
        raise RangeError("Expected finite numbers, got NaN or infinity.")
    result.flags.writeable = False
    return result


def check_image(image: NDArray[Any]) -> None:
    """Refuse an array that is not an Image.

    Args:
        image: anything; an Image is (H, W, 3) uint8 with H, W >= 1.

    Raises:
        ShapeError: not (H, W, 3), not uint8, or empty.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ShapeError(
            f"An image is an RGB uint8 array (H, W, 3); got {image.dtype} {image.shape}."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One detection, without identity.

    Attributes:
        box_xyxy: (4,) float32, left, top, right, bottom in pixels; may reach beyond the Image.
        landmarks: (5, 2) float32, see ``Points5``.
        score: the detector's certainty in [0, 1].
    """

    box_xyxy: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "box_xyxy", _readonly(self.box_xyxy, np.float32, (4,)))
        object.__setattr__(self, "landmarks", _readonly(self.landmarks, np.float32, (5, 2)))
        left, top, right, bottom = self.box_xyxy
        if not (right > left and bottom > top):
            raise RangeError(f"A box runs from left-top to right-bottom; got {self.box_xyxy}.")
        if not 0.0 <= self.score <= 1.0:
            raise RangeError(f"A detection score lies in [0, 1]; got {self.score}.")

    @property
    def width_px(self) -> float:
        """Width of the box in pixels."""
        return float(self.box_xyxy[2] - self.box_xyxy[0])

    @property
    def height_px(self) -> float:
        """Height of the box in pixels."""
        return float(self.box_xyxy[3] - self.box_xyxy[1])

    @property
    def centre_xy(self) -> tuple[float, float]:
        """Middle of the box in pixels."""
        left, top, right, bottom = self.box_xyxy
        return float(left + right) / 2, float(top + bottom) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """The L2-normalised vector of one Crop, with the contract it was made under.

    Attributes:
        vector: (D,) float32, unit length; D is 512 by default.
        contract_id: see ``facerec.contract``; vectors with different ids are never compared.
    """

    vector: NDArray[np.float32]
    contract_id: str

    def __post_init__(self) -> None:
        vector = np.array(self.vector, dtype=np.float32)
        if vector.ndim != 1 or vector.size == 0:
            raise ShapeError(f"An embedding is one vector (D,); got {vector.shape}.")
        norm = float(np.linalg.norm(vector))
        if not math.isfinite(norm) or abs(norm - 1.0) > UNIT_NORM_TOLERANCE:
            raise RangeError(f"An embedding has unit length; got {norm:.4f}.")
        vector.flags.writeable = False
        object.__setattr__(self, "vector", vector)


@dataclass(frozen=True, slots=True)
class QualityIssue:
    """One reason why a Face is hard to recognise.

    Attributes:
        code: stable word, for example ``too_small``.
        message: a sentence for the user, with what to do.
        value: what was measured.
        limit: what would have been enough.
    """

    code: str
    message: str
    value: float
    limit: float


class Verdict(StrEnum):
    """The three answers to "who is this?"."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    UNSURE = "unsure"


class Reason(StrEnum):
    """Which rule decided; one per Decision. The last two occur in videos only."""

    ABOVE_THRESHOLD = "above_threshold"
    EMPTY_GALLERY = "empty_gallery"
    BELOW_THRESHOLD = "below_threshold"
    IGNORED = "ignored"
    SMALL_MARGIN = "small_margin"
    LOW_QUALITY = "low_quality"
    TAKEN_IN_IMAGE = "taken_in_image"
    TOO_FEW_LOOKS = "too_few_looks"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Person as an answer to a Probe: the best Score over that Person's Templates.

    Attributes:
        ignored: whether the Person is told apart, but never named.
    """

    person_id: int
    name: str
    score: float
    template_id: int
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one Face, with its evidence.

    Attributes:
        verdict: known, unknown or unsure.
        reason: the rule that decided.
        person: the named Candidate; set only when the verdict is ``KNOWN``.
        candidates: the nearest people, best first, at most three.
        threshold: the smallest Score that counts as the same Person (inclusive).
        margin: Score of the best Person less that of the second; None with fewer than two people.
        required_margin: the smallest margin that counts as clear.
        quality_issues: why the Face is hard to recognise; empty when it is not.
    """

    verdict: Verdict
    reason: Reason
    person: Candidate | None
    candidates: tuple[Candidate, ...]
    threshold: float
    margin: float | None
    required_margin: float
    quality_issues: tuple[QualityIssue, ...] = ()

    def __post_init__(self) -> None:
        if (self.verdict is Verdict.KNOWN) != (self.person is not None):
            raise RangeError("A decision names a person exactly when its verdict is KNOWN.")
