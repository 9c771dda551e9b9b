"""Where the five landmarks belong in a Crop, and the transform that carries them there.

Landmarks in, a 2x3 matrix out. Knows nothing of pixels, detectors or networks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.errors import DegenerateLandmarksError, RangeError, ShapeError
from facerec.types import Affine2x3, Points5

# What model cards call the template below; part of the embedding contract.
TEMPLATE_NAME = "arcface-112"
DEFAULT_CROP_SIZE_PX = 112

# InsightFace's `arcface_dst` (x, y) for 112x112; nearly all recognisers are trained on it.
# Not to be confused with face.evoLVe's points for 96x112, which lie 8 px further left.
_ARCFACE_112 = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
# The other family of sizes: 128 is the 112 template at equal scale with 8 px more on either side.
_WIDE_SIZE_PX = 128
_WIDE_SHIFT_XY = np.array([8.0, 0.0])

# Below this share of the spread the points say nothing of scale and rotation (float32 input).
_SMALLEST_RELATION = 1e-6


@lru_cache(maxsize=16)
def template_points(size: int = DEFAULT_CROP_SIZE_PX) -> NDArray[np.float64]:
    """Return where the landmarks of an upright face lie in a Crop.

    Args:
        size: side of the Crop in pixels; a multiple of 112, or else of 128.

    Returns:
        (5, 2) float64, read-only, pixels of the Crop.

    Raises:
        RangeError: the template is not defined for this size.

    Reference:
        InsightFace, python-package/insightface/utils/face_align.py (MIT): the points and the rule.
    """
    if size > 0 and size % DEFAULT_CROP_SIZE_PX == 0:
        points = _ARCFACE_112 * (size / DEFAULT_CROP_SIZE_PX)
    elif size > 0 and size % _WIDE_SIZE_PX == 0:
        points = (_ARCFACE_112 + _WIDE_SHIFT_XY) * (size / _WIDE_SIZE_PX)
    else:
        raise RangeError(
            f"A crop has a side of a multiple of 112 or 128 pixels; got {size}.",
            remedy="Use 112, which the networks here take.",
        )
    points.flags.writeable = False
    return points


def estimate_similarity(points: Points5, template: Points5) -> Affine2x3:
    """Find the rotation, uniform scale and shift that best carry five landmarks onto a template.

    Closed-form least squares; reflection is excluded, so a mirrored face is not "repaired".

    Args:
        points: (5, 2), pixels of the source image.
        template: (5, 2), pixels of the crop.

    Returns:
        (2, 3) float64 matrix, source pixels -> crop pixels (what ``cv2.warpAffine`` expects as
        ``M``).

    Convention:
        Points are (x, y), origin at the centre of the top-left pixel. Order: eye, eye, nose, mouth
        corner, mouth corner, left one first; "left" is the viewer's left. Points on one line are
        fine: two distinct points already fix a similarity.

    Raises:
        ShapeError: either input is not (5, 2).
        DegenerateLandmarksError: a number is not finite, the points coincide, or they resemble the
            template in no rotation, so that the scale is undefined.

    Reference:
        Umeyama 1991, IEEE TPAMI 13(4):376-380, eqs. 38-43. Own implementation: in the plane the
        singular value decomposition comes down to one dot and one cross product.
    """
    source = _five_points(points)
    target = _five_points(template)
    with np.errstate(all="ignore"):  # what overflows or is no number is refused below
        return _similarity(source, target)


def _similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Affine2x3:
    source_mean = source.mean(axis=0)
    target_mean = target.mean(axis=0)
    x, y = (source - source_mean).T
    u, v = (target - target_mean).T
    dot = float(x @ u + y @ v)
    cross = float(x @ v - y @ u)
    source_spread = float(x @ x + y @ y)  # n σ² of the source in eq. 38
    target_spread = float(u @ u + v @ v)
    relation = np.hypot(dot, cross)
    # Written so that NaN and infinity fail it too.
    if not (
        relation > _SMALLEST_RELATION * np.sqrt(source_spread) * np.sqrt(target_spread)
        and source_spread > _SMALLEST_RELATION**2
        and np.isfinite(relation / source_spread)
    ):
        raise DegenerateLandmarksError(
            "The landmarks coincide or are no numbers, so the face cannot be aligned.",
            remedy="Detect the face again, or mark its landmarks by hand.",
        )
    cosine = dot / source_spread  # c cos θ, eq. 42
    sine = cross / source_spread
    linear = np.array([[cosine, -sine], [sine, cosine]])
    shift = target_mean - linear @ source_mean  # eq. 41
    return np.column_stack([linear, shift])


def _five_points(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    array = np.asarray(points, dtype=np.float64)
    if array.shape != (5, 2):
        raise ShapeError(f"Five landmarks are an array (5, 2); got {array.shape}.")
    return array
