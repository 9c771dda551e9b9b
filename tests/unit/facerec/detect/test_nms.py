"""Suppression against the plain greedy loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.detect.nms import Overlap, suppress


def overlap_of_two(a: np.ndarray, b: np.ndarray, overlap: Overlap) -> float:
    extra = 1.0 if overlap is Overlap.SMALLER else 0.0
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + extra)
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + extra)
    areas = [(box[2] - box[0] + extra) * (box[3] - box[1] + extra) for box in (a, b)]
    common = width * height
    base = min(areas) if overlap is Overlap.SMALLER else sum(areas) - common
    return common / base


def greedy_loop(boxes, scores, threshold, overlap):
    waiting = sorted(range(len(boxes)), key=lambda i: (-scores[i], i))
    kept = []
    while waiting:
        best = waiting.pop(0)
        kept.append(best)
        waiting = [
            i for i in waiting if not overlap_of_two(boxes[best], boxes[i], overlap) > threshold
        ]
    return kept


def random_boxes(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 150, (n, 2))
    size = rng.uniform(20, 60, (n, 2))
    boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
    return boxes, rng.permutation(n).astype(np.float32)


@pytest.mark.parametrize("overlap", list(Overlap))
@pytest.mark.parametrize("n", [1, 2, 40, 127, 128, 129, 400])
def test_result_is_that_of_the_greedy_loop(n: int, overlap: Overlap) -> None:
    boxes, scores = random_boxes(n, n)

    kept = suppress(boxes, scores, 0.4, overlap)

    assert kept.tolist() == greedy_loop(boxes.astype(float), scores, 0.4, overlap)


@pytest.mark.parametrize("n", [1, 40, 129, 400])
def test_groups_do_not_touch_each_other(n: int) -> None:
    boxes, scores = random_boxes(n, n)
    groups = np.random.default_rng(n).integers(0, 3, n)

    kept = suppress(boxes, scores, 0.4, groups=groups)

    expected = []
    for group in range(3):
        members = np.flatnonzero(groups == group)
        alone = greedy_loop(boxes[members].astype(float), scores[members], 0.4, Overlap.UNION)
        expected += members[alone].tolist()
    assert kept.tolist() == sorted(expected, key=lambda i: -scores[i])


@given(seed=st.integers(0, 10_000), n=st.integers(0, 60), threshold=st.floats(0.05, 0.95))
def test_survivors_do_not_overlap_and_the_others_are_beaten(
    seed: int, n: int, threshold: float
) -> None:
    boxes, scores = random_boxes(seed, n)

    kept = suppress(boxes, scores, threshold).tolist()

    assert kept == greedy_loop(boxes.astype(float), scores, threshold, Overlap.UNION)


def test_a_chain_keeps_every_second_box() -> None:
    """Each box beats the next one only; a beaten box beats nobody."""
    left = np.arange(6, dtype=np.float32) * 4
    boxes = np.stack([left, left * 0, left + 10, left * 0 + 10], axis=1)

    kept = suppress(boxes, np.arange(6, 0, -1).astype(np.float32), 0.4)

    assert kept.tolist() == [0, 2, 4]


def test_overlap_equal_to_the_threshold_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5]], dtype=np.float32)

    kept = suppress(boxes, np.array([0.9, 0.8], dtype=np.float32), 0.5)

    assert kept.tolist() == [0, 1]


def test_of_equal_scores_the_earlier_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10]], dtype=np.float32)

    kept = suppress(boxes, np.array([0.5, 0.5], dtype=np.float32), 0.5)

    assert kept.tolist() == [0]


def test_a_box_inside_another_goes_only_when_measured_by_the_smaller() -> None:
    boxes = np.array([[0, 0, 100, 100], [40, 40, 50, 50]], dtype=np.float32)
    scores = np.array([0.9, 0.8], dtype=np.float32)

    assert suppress(boxes, scores, 0.7, Overlap.UNION).tolist() == [0, 1]
    assert suppress(boxes, scores, 0.7, Overlap.SMALLER).tolist() == [0]


def test_boxes_without_area_beat_nobody() -> None:
    boxes = np.array([[5, 5, 5, 5], [5, 5, 5, 5]], dtype=np.float32)

    kept = suppress(boxes, np.array([0.9, 0.8], dtype=np.float32), 0.5)

    assert kept.tolist() == [0, 1]


def test_no_boxes_give_none() -> None:
    empty = np.empty((0, 4), dtype=np.float32)

    assert suppress(empty, empty[:, 0], 0.5).tolist() == []
