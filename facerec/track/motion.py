"""Where a face will be: constant speed, learnt from where it was.

Must not know: pixels of an Image, identities.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Share of a surprise that goes into the speed.
_LEARNING = 0.5
# A face that is not seen any more slows down: its speed falls to a third in this time.
_COASTING_S = 0.4
# The shortest time between two frames that a speed is taken from.
_MIN_STEP_S = 0.005

Floats = NDArray[np.float64]


class Motion:
    """Place, size and speed of one face.

    Attributes:
        seen_s: when it was last seen, in seconds of the video.
    """

    def __init__(self, box_xyxy: NDArray[np.float32], time_s: float) -> None:
        """Begin at rest.

        Args:
            box_xyxy: (4,) left, top, right, bottom, pixels.
            time_s: when.
        """
        self.seen_s = time_s
        self._state = _centre_and_size(box_xyxy)
        self._speed = np.zeros(4)
        self._n_seen = 1

    def predicted(self, time_s: float) -> Floats:
        """Say where the box will be.

        Args:
            time_s: when, not before it was last seen.

        Returns:
            (4,) left, top, right, bottom, pixels.
        """
        ahead_s = max(0.0, time_s - self.seen_s)
        # The way of something that slows down: speed * (1 - exp(-t/T)) * T.
        way = self._speed * _COASTING_S * -np.expm1(-ahead_s / _COASTING_S)
        x, y, width, height = self._state + way
        width, height = max(width, 1.0), max(height, 1.0)
        return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])

    def forget(self) -> None:
        """Forget the speed: the face was somewhere else meanwhile."""
        self._speed[:] = 0.0
        self._n_seen = 0

    def see(self, box_xyxy: NDArray[np.float32], time_s: float) -> None:
        """Take in where the face is.

        Args:
            box_xyxy: (4,) left, top, right, bottom, pixels.
            time_s: when.
        """
        step_s = max(time_s - self.seen_s, _MIN_STEP_S)
        new = _centre_and_size(box_xyxy)
        measured = (new - self._state) / step_s
        # The second sight gives the first speed; later ones correct it. Sizes change slowly.
        share = np.array([1.0, 1.0, 0.2, 0.2]) * (1.0 if self._n_seen == 1 else _LEARNING)
        if self._n_seen:
            self._speed += share * (measured - self._speed)
        self._state = new
        self.seen_s = time_s
        self._n_seen += 1


def _centre_and_size(box: NDArray[np.float32]) -> Floats:
    left, top, right, bottom = (float(side) for side in box)
    return np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])


def enlarged(boxes: Floats, share: float) -> Floats:
    """Grow boxes (N, 4) on each side by a share of their width or height."""
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    result: Floats = boxes + share * size * [-1, -1, 1, 1]
    return result


def overlaps(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union of each box with each other one.

    Args:
        boxes: (N, 4) left, top, right, bottom.
        others: (M, 4) likewise.

    Returns:
        (N, M).
    """
    common = _common(boxes, others)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    other_area = np.prod(others[:, 2:] - others[:, :2], axis=1)
    result: Floats = common / np.maximum(area[:, None] + other_area - common, 1e-9)
    return result


def covered_shares(boxes: Floats, others: Floats) -> Floats:
    """Share of each box that lies within each other one.

    Args:
        boxes: (N, 4) left, top, right, bottom.
        others: (M, 4) likewise.

    Returns:
        (N, M), in [0, 1].
    """
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    result: Floats = _common(boxes, others) / np.maximum(area[:, None], 1e-9)
    return result


def distances(boxes: Floats, others: Floats) -> Floats:
    """Distance of the middles in widths of a face, and how much the sizes differ.

    Args:
        boxes: (N, 4) left, top, right, bottom.
        others: (M, 4) likewise.

    Returns:
        (N, M): the distance; infinite where one is more than twice as large as the other.
    """
    middle = (
        boxes[:, None, :2] + boxes[:, None, 2:] - others[None, :, :2] - others[None, :, 2:]
    ) / 2
    size = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
    other_size = np.sqrt(np.prod(others[:, 2:] - others[:, :2], axis=1))
    ratio = size[:, None] / np.maximum(other_size, 1e-9)
    width = np.sqrt(size[:, None] * other_size)
    result: Floats = np.linalg.norm(middle, axis=2) / np.maximum(width, 1e-9)
    result[(ratio > 2.0) | (ratio < 0.5)] = np.inf
    return result


def _common(boxes: Floats, others: Floats) -> Floats:
    """Area (N, M) that boxes (N, 4) have in common with others (M, 4)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    area: Floats = np.prod(np.maximum(high - low, 0.0), axis=2)
    return area
