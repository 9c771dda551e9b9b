"""Quality: Face and Crop -> the reasons why the face is hard to recognise.

The same reasons block an enrolment and make an identification unsure. Each carries what was
measured and what would have been enough. Leaning the head to one shoulder (roll) is no reason:
alignment undoes it. Light is judged by the spread of the face's brightness and by clipped ends,
never by its mean, so that no complexion counts as bad light.

Where the limits come from. Measured on the 1,549 images of the 1,468 people of LFW outside View 2,
primary face by the reference MTCNN, embedded by a public MobileFaceNet. "Flagged" is the share of
these images beyond the limit; "cosine" is the median between a face's vector before and after it
was degraded to about the limit.

============  ================================================  =====  =======  ======
check         measure                                           limit  flagged  cosine
============  ================================================  =====  =======  ======
too_small     shorter side of the box, pixels                   32     0.0 %    0.92
blurred       perceptual blur, 0 sharp to 1                     0.64   0.5 %    0.90
too_dark      90th percentile of luma                           50     0.0 %    0.92
too_bright    10th percentile of luma                           190    0.0 %    0.9
low_contrast  difference of these two                           25     0.0 %    0.85
turned_aside  nose off the middle, share of eyes to mouth       0.40   0.3 %    -
tilted        nose too high or low, share of eyes to mouth      0.30   0.3 %    -
cut_off       share of the face beyond the image                0.15   0.0 %    0.9
uncertain     the detector's score                              0.90   0.0 %    -
============  ================================================  =====  =======  ======

A cosine of 0.85 with itself costs little; the same faces at twice the blur or a third of the light
fall to 0.6. Motion blur along a diagonal is seen less well than along rows or columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.align.landmarks import DEFAULT_CROP_SIZE_PX, estimate_similarity, template_points
from facerec.imaging.opencv import cv2
from facerec.types import Crop, Face, QualityIssue

# The part of a Crop that is face in every pose, as shares of its side: left, top, right, bottom.
_FACE_REGION = (0.2, 0.25, 0.8, 0.9)
# Dark and bright ends of the region, leaving eyebrows, nostrils and reflections out.
_DARK_SHARE, _BRIGHT_SHARE = 0.1, 0.9
# Crete et al. blur with 9 pixels; a Crop's features are always about as large.
_REBLUR_PX = 9
# Where the nose of a face that looks straight ahead lies between eyes (0) and mouth (1).
_NOSE_HEIGHT = 0.5


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
        sign = 1.0 if self.good > self.worst else -1.0
        ends = [sign * self.worst, sign * self.limit, sign * self.good]
        return float(np.interp(sign * value, ends, [0.0, 0.5, 1.0]))

    def issue(self, value: float) -> QualityIssue | None:
        """Return the issue when ``value`` is on the wrong side of the limit; the limit is fine."""
        wrong = value < self.limit if self.good > self.worst else value > self.limit
        return QualityIssue(self.code, self.message, value, self.limit) if wrong else None


TOO_SMALL = Check("too_small", "The face is too small; come closer.", 8.0, 32.0, 112.0)
BLURRED = Check("blurred", "The face is blurred; hold still and focus.", 0.85, 0.64, 0.45)
TOO_DARK = Check("too_dark", "The face is too dark; add light.", 10.0, 50.0, 130.0)
TOO_BRIGHT = Check("too_bright", "The face is overexposed; use less light.", 245.0, 190.0, 125.0)
LOW_CONTRAST = Check("low_contrast", "The face has hardly any contrast.", 5.0, 25.0, 60.0)
TURNED_ASIDE = Check("turned_aside", "The face is turned aside; look straight.", 0.8, 0.4, 0.08)
TILTED = Check("tilted", "The face looks up or down; look straight.", 0.6, 0.3, 0.08)
CUT_OFF = Check("cut_off", "The face is cut off by the border of the image.", 0.5, 0.15, 0.0)
UNCERTAIN = Check("uncertain", "It is not certain that this is a face.", 0.6, 0.9, 0.999)

CHECKS = (
    TOO_SMALL,
    BLURRED,
    TOO_DARK,
    TOO_BRIGHT,
    LOW_CONTRAST,
    TURNED_ASIDE,
    TILTED,
    CUT_OFF,
    UNCERTAIN,
)


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """What all checks together say.

    Attributes:
        score: 0 (useless) to 1 (as good as a good photograph); below 0.5 exactly when there is an
            issue, for the weakest check decides.
        issues: one per failed check.
    """

    score: float
    issues: tuple[QualityIssue, ...]


def assess_face(face: Face, crop: Crop, image_hw: tuple[int, int] | None = None) -> FaceQuality:
    """Run all checks once.

    Args:
        face: the detection.
        crop: (S, S, 3) uint8, RGB, the square aligned from it.
        image_hw: height and width of the image in pixels; without it nothing counts as cut off.

    Returns:
        Score and issues.
    """
    measured = _measures(face, crop)
    if image_hw is not None:
        measured.append((CUT_OFF, _share_outside(face, image_hw)))
    issues = (check.issue(value) for check, value in measured)
    return FaceQuality(
        score=min(check.score(value) for check, value in measured),
        issues=tuple(issue for issue in issues if issue is not None),
    )


def assess_crop(crop: Crop) -> FaceQuality:
    """Run the checks that need nothing but the Crop: blur and light.

    Args:
        crop: (S, S, 3) uint8, RGB.

    Returns:
        Score and issues.
    """
    measured = _crop_measures(crop)
    issues = (check.issue(value) for check, value in measured)
    return FaceQuality(
        score=min(check.score(value) for check, value in measured),
        issues=tuple(issue for issue in issues if issue is not None),
    )


def check_face(face: Face, crop: Crop, image_hw: tuple[int, int]) -> tuple[QualityIssue, ...]:
    """Find what makes a face hard to recognise.

    Args:
        face: the detection.
        crop: (S, S, 3) uint8, RGB, the square aligned from it.
        image_hw: height and width of the image in pixels.

    Returns:
        One issue per failed check; empty when all is well.
    """
    return assess_face(face, crop, image_hw).issues


def quality_score(face: Face, crop: Crop) -> float:
    """Rate a face from 0 (useless) to 1 (as good as a good photograph).

    Args:
        face: the detection.
        crop: (S, S, 3) uint8, RGB, the square aligned from it.

    Returns:
        The score, in [0, 1]; below 0.5 exactly when a check fails (being cut off apart, which
        cannot be seen from here).
    """
    return assess_face(face, crop).score


def _measures(face: Face, crop: Crop) -> list[tuple[Check, float]]:
    yaw, pitch = _pose(face.landmarks)
    return [
        (TOO_SMALL, min(face.width_px, face.height_px)),
        *_crop_measures(crop),
        (TURNED_ASIDE, abs(yaw)),
        (TILTED, abs(pitch)),
        (UNCERTAIN, face.score),
    ]


def _crop_measures(crop: Crop) -> list[tuple[Check, float]]:
    luma = _face_region(crop)
    dark, bright = _ends(luma)
    return [
        (BLURRED, _blur(luma)),
        (TOO_DARK, float(bright)),
        (TOO_BRIGHT, float(dark)),
        (LOW_CONTRAST, float(bright - dark)),
    ]


def _face_region(crop: Crop) -> NDArray[np.uint8]:
    left, top, right, bottom = (round(share * len(crop)) for share in _FACE_REGION)
    region = np.ascontiguousarray(crop[top:bottom, left:right])
    return cv2.cvtColor(region, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def _ends(luma: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the 10th and 90th percentile, from the histogram."""
    up_to = np.bincount(luma.ravel(), minlength=256).cumsum()
    dark, bright = np.searchsorted(up_to, [_DARK_SHARE * luma.size, _BRIGHT_SHARE * luma.size])
    return int(dark), int(bright)


def _blur(luma: NDArray[np.uint8]) -> float:
    """Measure how little a further blur would change: 0 sharp, 1 blurred.

    The worse of both directions counts, so that motion blur is seen as well as bad focus.

    Reference:
        Crete, Dolmiere, Ladret, Nicolas 2007, "The blur effect: perception and estimation with a
        new no-reference perceptual blur metric", eqs. 1-6; gradients by Sobel as scikit-image does.
    """
    image = luma.astype(np.float32)
    inner = slice(2, -2)  # the border of both filters says nothing
    blurs = []
    for along, kernel in (((1, 0), (_REBLUR_PX, 1)), ((0, 1), (1, _REBLUR_PX))):
        variation = np.abs(cv2.Sobel(image, cv2.CV_32F, *along)[inner, inner])
        reblurred = np.abs(cv2.Sobel(cv2.blur(image, kernel), cv2.CV_32F, *along)[inner, inner])
        total = float(variation.sum())
        lost = float(np.maximum(variation - reblurred, 0).sum())
        blurs.append((total - lost) / total if total > 0 else 1.0)
    return max(blurs)


def _pose(landmarks: NDArray[np.float32]) -> tuple[float, float]:
    """Yaw and pitch: where the nose lies off the middle, in shares of the way from eyes to mouth.

    Both are free of roll and size; their signs are those of the image's x and y.
    """
    eyes = landmarks[:2].mean(axis=0)
    down = landmarks[3:].mean(axis=0) - eyes
    nose = landmarks[2] - eyes
    length_squared = float(down @ down)
    if length_squared == 0:
        return np.inf, np.inf
    across = float(nose[0] * down[1] - nose[1] * down[0]) / length_squared
    return across, float(nose @ down) / length_squared - _NOSE_HEIGHT


def _region_grid() -> NDArray[np.float64]:
    """(3, 81) homogeneous points spread over the face region of a 112-pixel Crop."""
    left, top, right, bottom = (share * DEFAULT_CROP_SIZE_PX for share in _FACE_REGION)
    xs, ys = np.meshgrid(np.linspace(left, right, 9), np.linspace(top, bottom, 9))
    return np.stack([xs.ravel(), ys.ravel(), np.ones(xs.size)])


_GRID = _region_grid()


def _share_outside(face: Face, image_hw: tuple[int, int]) -> float:
    """Share of the face region that lies beyond the image."""
    x, y = estimate_similarity(template_points(), face.landmarks) @ _GRID
    height, width = image_hw
    outside = (x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)
    return float(outside.mean())
