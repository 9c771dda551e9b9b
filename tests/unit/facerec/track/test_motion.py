"""Prediction of places, and overlaps."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.track.motion import Motion, covered_shares, distances, overlaps


def box_at(x: float, y: float = 100.0, size: float = 50.0) -> np.ndarray:
    return np.array([x, y, x + size, y + size], dtype=np.float32)


def test_a_steady_walk_is_foreseen() -> None:
    motion = Motion(box_at(0), 0.0)
    for step in range(1, 11):
        motion.see(box_at(5 * step), step * 0.04)

    left, top, right, bottom = motion.predicted(0.44)

    # 125 pixels a second, a little slowed down: after 40 ms nearly 5 pixels further.
    assert left == pytest.approx(54.8, abs=0.3)
    assert (top, right - left, bottom - top) == pytest.approx((100, 50, 50), abs=0.01)


def test_a_hidden_face_slows_down_and_stops() -> None:
    motion = Motion(box_at(0), 0.0)
    motion.see(box_at(5), 0.04)

    ways = [motion.predicted(0.04 + t)[0] - 5 for t in (0.4, 10.0)]

    assert ways == pytest.approx([125 * 0.4 * (1 - np.exp(-1)), 125 * 0.4], rel=1e-6)


def test_a_face_that_turned_back_is_foreseen_there() -> None:
    motion = Motion(box_at(0), 0.0)
    for step in range(1, 6):
        motion.see(box_at(5 * step), step * 0.04)
    for step in range(6, 14):
        motion.see(box_at(50 - 5 * step), step * 0.04)

    assert motion.predicted(14 * 0.04)[0] < 50 - 5 * 13


def test_overlaps_are_intersection_over_union() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 4, 4]], dtype=float)
    others = np.array([[5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 10, 10]], dtype=float)

    np.testing.assert_allclose(overlaps(boxes, others), [[50 / 150, 0, 1], [0, 0, 0.16]])


def test_distances_are_in_widths_and_far_sizes_do_not_compare() -> None:
    boxes = np.array([[0, 0, 10, 10]], dtype=float)
    others = np.array([[30, 0, 40, 10], [0, 0, 21, 21], [0, 0, 4, 4]], dtype=float)

    np.testing.assert_allclose(distances(boxes, others), [[3.0, np.inf, np.inf]])


def test_covered_shares_are_of_the_first_box() -> None:
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 2.0, 2.0]])
    others = np.array([[5.0, 5.0, 25.0, 25.0], [1.0, 0.0, 3.0, 4.0], [40.0, 0.0, 50.0, 9.0]])

    np.testing.assert_allclose(covered_shares(boxes, others), [[0.25, 0.08, 0], [0, 0.5, 0]])
