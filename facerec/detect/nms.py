"""Non-maximum suppression: of boxes that overlap too much, the most certain one stays.

In go boxes and scores, out come the indices that stay. The greedy loop is compiled code; where
there is none, boxes are compared in blocks of a matrix, with the same answer.
"""

from __future__ import annotations

import ctypes
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.detect.native import address, library

# Boxes taken in at a time: few enough that most are compared with survivors only, many enough that
# numpy's calls do not count.
_BLOCK = 256


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
    *,
    groups: NDArray[np.integer[Any]] | None = None,
) -> NDArray[np.intp]:
    """Find the boxes that stay.

    Args:
        boxes: (N, 4), left, top, right, bottom in pixels.
        scores: (N,), higher is more certain; of equal ones the earlier goes first.
        threshold: a box goes when it overlaps a better one that stays by more than this.
        overlap: how the overlap is measured.
        groups: (N,) when given, boxes beat only those of their own group.

    Returns:
        (K,) indices of those that stay, best first.

    Reference:
        The greedy rule of Felzenszwalb et al. 2010, IEEE TPAMI 32(9), sect. 6.2; same results as
        ``torchvision.ops.nms`` (UNION) and facenet-pytorch's ``nms_numpy`` (SMALLER). Own
        implementation.
    """
    order = np.argsort(-scores, kind="stable")
    groups = np.zeros(len(order), dtype=np.int64) if groups is None else groups[order]
    compiled = library()
    if compiled is None:
        return order[_greedy_in_blocks(boxes[order], groups, threshold, overlap)]
    return order[_greedy(compiled, boxes[order], groups, threshold, overlap)]


def _greedy(
    compiled: ctypes.CDLL,
    boxes: NDArray[np.float32],
    groups: NDArray[np.integer[Any]],
    threshold: float,
    overlap: Overlap,
) -> NDArray[np.intp]:
    """Find which boxes (N, 4) in falling order of certainty stay, in compiled code."""
    boxes = np.ascontiguousarray(boxes, dtype=np.float32)
    groups = np.ascontiguousarray(groups, dtype=np.int64)
    kept = np.empty(len(boxes), dtype=np.int64)
    n_kept = compiled.suppress(
        address(boxes),
        address(groups),
        ctypes.c_int64(len(boxes)),
        ctypes.c_float(threshold),
        ctypes.c_int(overlap is Overlap.SMALLER),
        address(np.empty(len(boxes), dtype=np.float32)),
        address(kept),
    )
    return kept[:n_kept].astype(np.intp, copy=False)


def _greedy_in_blocks(
    boxes: NDArray[np.float32], groups: NDArray[np.integer[Any]], threshold: float, overlap: Overlap
) -> NDArray[np.intp]:
    """Do the same in numpy."""
    kept = np.empty(0, dtype=np.intp)
    for start in range(0, len(boxes), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(boxes)))
        if len(kept):
            beaten = _overlaps(boxes[kept], boxes[block], overlap) > threshold
            beaten &= groups[kept, None] == groups[block]
            block = block[~beaten.any(axis=0)]
        beats = _overlaps(boxes[block], boxes[block], overlap) > threshold
        beats &= groups[block, None] == groups[block]
        kept = np.concatenate([kept, block[_stays(beats)]])
    return kept


def _stays(beats: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Greedy suppression among boxes in falling order of certainty, as a fixed point.

    Each round removes what the present survivors beat. Round k has settled at least the first k
    boxes for good, so the only fixed point, the greedy answer, is reached; mostly in a few rounds.

    Args:
        beats: (N, N) whether box i overlaps box j too much; only i before j counts.
    """
    beats = np.triu(beats, k=1)
    stays: NDArray[np.bool_] = np.ones(len(beats), dtype=np.bool_)
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
    width = _common_length(boxes[:, 0::2], others[:, 0::2], extra)
    height = _common_length(boxes[:, 1::2], others[:, 1::2], extra)
    common = np.multiply(width, height, out=width)
    area, other_area = _areas(boxes, extra)[:, None], _areas(others, extra)
    if overlap is Overlap.SMALLER:
        base = np.minimum(area, other_area, out=height)
    else:
        base = np.add(area, other_area, out=height)
        base -= common
    with np.errstate(invalid="ignore"):  # (two boxes without area: 0 / 0, which beats nobody)
        return np.divide(common, base, out=base)


def _common_length(
    spans: NDArray[np.float32], others: NDArray[np.float32], extra: np.float32
) -> NDArray[np.float32]:
    """Length of what each span (N, 2) shares with each other one (M, 2), at least 0, as (N, M)."""
    length = np.minimum(spans[:, 1, None], others[:, 1])
    length -= np.maximum(spans[:, 0, None], others[:, 0])
    if extra:
        length += extra
    return np.maximum(length, 0, out=length)


def _areas(boxes: NDArray[np.float32], extra: np.float32) -> NDArray[np.float32]:
    return (boxes[:, 2] - boxes[:, 0] + extra) * (boxes[:, 3] - boxes[:, 1] + extra)
