"""Non-maximum suppression: of boxes that overlap too much, the most certain one stays.

In go boxes and scores, out come the indices that stay. Boxes are compared in blocks of a matrix, so
there is no loop over single boxes; the answer is that of the plain greedy loop.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

# Boxes compared at a time: 512 x 512 float32 is 1 MB, which stays in the processor's cache.
_BLOCK = 512


class Overlap(StrEnum):
    """What the common area of two boxes is divided by.

    ``UNION`` measures boxes as intervals of real numbers; ``SMALLER`` counts whole pixels, both
    ends included (one more per side). The reference mixes the two, and parity needs both.
    """

    UNION = "union"
    SMALLER = "smaller"


def suppress(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    threshold: float,
    overlap: Overlap = Overlap.UNION,
) -> NDArray[np.intp]:
    """Find the boxes that stay.

    Args:
        boxes: (N, 4), left, top, right, bottom in pixels.
        scores: (N,), higher is more certain; of equal ones the earlier goes first.
        threshold: a box goes when it overlaps a better one that stays by more than this.
        overlap: how the overlap is measured.

    Returns:
        (K,) indices of those that stay, best first.

    Reference:
        The greedy rule of Felzenszwalb et al. 2010, IEEE TPAMI 32(9), sect. 6.2; same results as
        ``torchvision.ops.nms`` (UNION) and facenet-pytorch's ``nms_numpy`` (SMALLER). Own
        implementation.
    """
    order = np.argsort(-scores, kind="stable")
    kept = order[:0]
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        if len(kept):
            beaten = _overlaps(boxes[kept], boxes[block], overlap) > threshold
            block = block[~beaten.any(axis=0)]
        kept = np.concatenate([kept, block[_stays(boxes[block], threshold, overlap)]])
    return kept


def _stays(boxes: NDArray[np.float32], threshold: float, overlap: Overlap) -> NDArray[np.bool_]:
    """Greedy suppression among boxes in falling order of certainty, as a fixed point.

    Each round removes what the present survivors beat. Round k has settled at least the first k
    boxes for good, so the only fixed point, the greedy answer, is reached; mostly in a few rounds.
    """
    beats = np.triu(_overlaps(boxes, boxes, overlap) > threshold, k=1)
    stays: NDArray[np.bool_] = np.ones(len(boxes), dtype=np.bool_)
    while True:
        settled = np.logical_not(np.any(beats[stays], axis=0))
        if np.array_equal(settled, stays):
            return stays
        stays = settled


def _overlaps(
    boxes: NDArray[np.float32], others: NDArray[np.float32], overlap: Overlap
) -> NDArray[np.float32]:
    """Overlap of each box with each other one, (N, M)."""
    extra = np.float32(overlap is Overlap.SMALLER)
    left, top, right, bottom = boxes.T[:, :, None]
    other_left, other_top, other_right, other_bottom = others.T[:, None, :]
    width = np.minimum(right, other_right) - np.maximum(left, other_left) + extra
    height = np.minimum(bottom, other_bottom) - np.maximum(top, other_top) + extra
    common = np.maximum(width, 0) * np.maximum(height, 0)
    area = (right - left + extra) * (bottom - top + extra)
    other_area = (other_right - other_left + extra) * (other_bottom - other_top + extra)
    base = (
        np.minimum(area, other_area) if overlap is Overlap.SMALLER else area + other_area - common
    )
    with np.errstate(invalid="ignore"):  # (two boxes without area: 0 / 0, which beats nobody)
        shares: NDArray[np.float32] = common / base
    return shares
