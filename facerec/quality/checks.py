"""Quality: Face and Crop -> the reasons why the face is hard to recognise.

The same reasons block an enrolment and make an identification unsure. Each carries what was
measured and what would have been enough. Turning the head sideways in the image plane (roll) is no
reason: alignment undoes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.align.landmarks import estimate_similarity, template_points
from facerec.imaging.opencv import cv2
from facerec.types import Crop, Face, QualityIssue

_MAX_8_BIT = 255.0

# The part of the Crop that is face in every pose, as shares of its side: left, top, right, bottom.
_FACE_REGION = (0.2, 0.25, 0.8, 0.9)
# Dark and bright ends of the region, leaving eyebrows, nostrils and reflections out.
_DARK_PERCENTILE, _BRIGHT_PERCENTILE = 10.0, 90.0
# Points a side at which the region is held against the border of the image.
_BORDER_GRID = 9


@dataclass(frozen=True, slots=True)
class Check:
    """One measure with its limit.

    Attributes:
        code: stable word.
        message: what to tell the user.
        worst: measured value at which the quality is 0.
        limit: measured value that is just enough, quality 0.5.
        good: measured value from which on the quality is 1.
    """

    code: str
    message: str
    worst: float
    limit: float
    good: float

    def score(self, value: float) -> float:
        """Map a measured value to [0, 1], 0.5 at the limit, linearly on either side."""
        ends = [self.worst, self.limit, self.good]
        sign = 1.0 if self.good > self.worst else -1.0
        return float(np.interp(sign * value, [sign * end for end in ends], [0.0, 0.5, 1.0]))

    def issue(self, value: float) -> QualityIssue | None:
        """Return the issue when ``value`` is on the wrong side of the limit; the limit is fine."""
        wrong = value < self.limit if self.good > self.worst else value > self.limit
        return QualityIssue(self.code, self.message, value, self.limit) if wrong else None


TOO_SMALL = Check("too_small", "The face is too small; come closer.", 10.0, 32.0, 90.0)
BLURRED = Check("blurred", "The face is blurred; hold the camera still and focus.", 0.0, 0.1, 0.5)
TOO_DARK = Check("too_dark", "The face is too dark; add light.", 10.0, 40.0, 120.0)
TOO_BRIGHT = Check("too_bright", "The face is overexposed; use less light.", 250.0, 220.0, 100.0)
LOW_CONTRAST = Check("low_contrast", "The face has hardly any contrast.", 5.0, 20.0, 80.0)
TURNED_ASIDE = Check("turned_aside", "The face is turned aside; look at the camera.", 0.8, 0.5, 0.1)
TILTED = Check("tilted", "The face looks up or down; look at the camera.", 0.6, 0.3, 0.05)
CUT_OFF = Check("cut_off", "The face is cut off by the border of the image.", 0.5, 0.1, 0.0)
UNCERTAIN = Check("uncertain", "It is not certain that this is a face.", 0.6, 0.9, 0.999)


def check_face(face: Face, crop: Crop, image_hw: tuple[int, int]) -> tuple[QualityIssue, ...]:
    """Find what makes a face hard to recognise.

    Args:
        face: the detection.
        crop: (S, S, 3) uint8, RGB, the square aligned from it.
        image_hw: height and width of the image in pixels.

    Returns:
        One issue per failed check; empty when all is well.
    """
    measured = [*_measures(face, crop), (CUT_OFF, _share_outside(face, image_hw))]
    issues = (check.issue(value) for check, value in measured)
    return tuple(issue for issue in issues if issue is not None)


def quality_score(face: Face, crop: Crop) -> float:
    """Rate a face from 0 (useless) to 1 (as good as a good photograph).

    The weakest check decides, so the score is below 0.5 exactly when one of them fails (being cut
    off apart, which cannot be seen from here).

    Args:
        face: the detection.
        crop: (S, S, 3) uint8, RGB, the square aligned from it.

    Returns:
        The score, in [0, 1].
    """
    return min(check.score(value) for check, value in _measures(face, crop))


def _measures(face: Face, crop: Crop) -> list[tuple[Check, float]]:
    luma = _face_region(crop)
    dark, bright = np.percentile(luma, [_DARK_PERCENTILE, _BRIGHT_PERCENTILE])
    yaw, pitch = _pose(face.landmarks)
    return [
        (TOO_SMALL, min(face.width_px, face.height_px)),
        (BLURRED, _sharpness(luma)),
        (TOO_DARK, float(bright)),
        (TOO_BRIGHT, float(dark)),
        (LOW_CONTRAST, float(bright - dark)),
        (TURNED_ASIDE, abs(yaw)),
        (TILTED, abs(pitch)),
        (UNCERTAIN, face.score),
    ]


def _face_region(crop: Crop) -> NDArray[np.uint8]:
    size = len(crop)
    left, top, right, bottom = (round(share * size) for share in _FACE_REGION)
    region = np.ascontiguousarray(crop[top:bottom, left:right])
    return cv2.cvtColor(region, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def _sharpness(luma: NDArray[np.uint8]) -> float:
    laplacian = cv2.Laplacian(luma, cv2.CV_32F)
    return float(laplacian.var() / (float(luma.var()) + 1.0))


def _pose(landmarks: NDArray[np.float32]) -> tuple[float, float]:
    """Yaw and pitch as offsets of the nose, in shares of the distance from eyes to mouth."""
    eyes = landmarks[:2].mean(axis=0)
    mouth = landmarks[3:].mean(axis=0)
    nose = landmarks[2]
    down = mouth - eyes
    length_squared = float(down @ down) + 1e-6
    offset = nose - eyes
    along = float(offset @ down) / length_squared
    across = float(offset[0] * down[1] - offset[1] * down[0]) / length_squared
    return across, along - 0.5


def _share_outside(face: Face, image_hw: tuple[int, int]) -> float:
    """Share of the face region that lies beyond the image."""
    template = template_points()
    side = 112
    left, top, right, bottom = (share * side for share in _FACE_REGION)
    xs, ys = np.meshgrid(
        np.linspace(left, right, _BORDER_GRID), np.linspace(top, bottom, _BORDER_GRID)
    )
    back = estimate_similarity(template, face.landmarks)
    grid = np.stack([xs.ravel(), ys.ravel(), np.ones(xs.size)])
    x, y = back @ grid
    height, width = image_hw
    outside = (x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)
    return float(outside.mean())
