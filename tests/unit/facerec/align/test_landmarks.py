"""The template and the transform onto it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from facerec.align.landmarks import estimate_similarity, template_points
from facerec.errors import DegenerateLandmarksError, RangeError, ShapeError

# A face as a detector gives it: off the template in every way, and no exact similarity of it.
POINTS = np.array([[80.0, 60], [130, 72], [100, 95], [72, 118], [118, 131]])


def similarity(angle_rad: float, scale: float, shift: tuple[float, float]) -> NDArray[np.float64]:
    cosine, sine = scale * np.cos(angle_rad), scale * np.sin(angle_rad)
    return np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]])


def moved(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:, :2].T + matrix[:, 2]


similarities = st.builds(
    similarity,
    st.floats(-np.pi, np.pi),
    st.floats(0.05, 20),
    st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)),
)


def test_template_is_the_published_one_at_112() -> None:
    # InsightFace, face_align.arcface_dst
    expected = [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]

    assert template_points(112).tolist() == expected


@pytest.mark.parametrize(
    ("size", "first_point"),
    [
        pytest.param(224, (76.5892, 103.3926), id="multiple of 112: scaled"),
        pytest.param(128, (46.2946, 51.6963), id="128: 8 px wider on each side"),
        pytest.param(256, (92.5892, 103.3926), id="multiple of 128: wider, then scaled"),
        pytest.param(896, (306.3568, 413.5704), id="multiple of both: as for 112"),
    ],
)
def test_template_follows_the_size_rule(size: int, first_point: tuple[float, float]) -> None:
    np.testing.assert_allclose(template_points(size)[0], first_point, rtol=1e-12)


@pytest.mark.parametrize("size", [0, -112, 1, 100, 160])
def test_template_is_refused_when_size_has_no_rule(size: int) -> None:
    with pytest.raises(RangeError, match="112 or 128"):
        template_points(size)


def test_template_cannot_be_changed_by_a_caller() -> None:
    with pytest.raises(ValueError, match="read-only"):
        template_points(112)[0, 0] = 0.0


def test_template_itself_needs_no_transform() -> None:
    matrix = estimate_similarity(template_points(), template_points())

    np.testing.assert_allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-12)


@given(truth=similarities)
def test_transform_is_recovered_when_points_are_exact(truth: NDArray[np.float64]) -> None:
    target = moved(POINTS, truth)

    matrix = estimate_similarity(POINTS, target)

    np.testing.assert_allclose(moved(POINTS, matrix), target, atol=1e-6)
    np.testing.assert_allclose(matrix[:, :2], truth[:, :2], rtol=1e-6, atol=1e-7)


@given(motion=similarities)
def test_crop_positions_do_not_change_when_the_image_is_moved(motion: NDArray[np.float64]) -> None:
    """Rotating, scaling or shifting the image leaves the aligned face where it was."""
    before = moved(POINTS, estimate_similarity(POINTS, template_points()))

    points = moved(POINTS, motion)
    after = moved(points, estimate_similarity(points, template_points()))

    np.testing.assert_allclose(after, before, atol=1e-6)


@given(noise=st.lists(st.floats(-15, 15), min_size=10, max_size=10))
def test_no_nearby_similarity_fits_better(noise: list[float]) -> None:
    points = POINTS + np.reshape(noise, (5, 2))
    matrix = estimate_similarity(points, template_points())
    error = np.sum((moved(points, matrix) - template_points()) ** 2)
    steps = [(0.01, 0, 0, 0), (-0.01, 0, 0, 0), (0, 0.01, 0, 0), (0, 0, 0.1, 0), (0, 0, 0, -0.1)]

    for a, b, x, y in steps:
        other = matrix + np.array([[a, -b, x], [b, a, y]])
        assert np.sum((moved(points, other) - template_points()) ** 2) >= error


@given(noise=st.lists(st.floats(-15, 15), min_size=10, max_size=10))
def test_transform_never_reflects(noise: list[float]) -> None:
    mirrored = (POINTS + np.reshape(noise, (5, 2))) * [-1, 1]

    matrix = estimate_similarity(mirrored, template_points())

    assert np.linalg.det(matrix[:, :2]) > 0


def test_points_on_one_line_are_aligned() -> None:
    line = np.array([[0.0, 0], [10, 0], [20, 0], [30, 0], [40, 0]])

    matrix = estimate_similarity(line, line * 2 + [3, 4])

    np.testing.assert_allclose(matrix, [[2, 0, 3], [0, 2, 4]], atol=1e-12)


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(np.full((5, 2), 7.0), id="all in one place"),
        pytest.param(np.zeros((5, 2)), id="all at the origin"),
        pytest.param(np.full((5, 2), 7.0) + np.eye(5, 2) * 1e-9, id="all but in one place"),
        pytest.param(np.where(np.eye(5, 2) > 0, np.nan, POINTS), id="not a number"),
        pytest.param(np.where(np.eye(5, 2) > 0, np.inf, POINTS), id="infinite"),
        pytest.param(POINTS * 1e200, id="beyond any image"),
    ],
)
def test_degenerate_points_are_refused(points: NDArray[np.float64]) -> None:
    with pytest.raises(DegenerateLandmarksError, match="coincide"):
        estimate_similarity(points, template_points())


def test_points_unlike_the_template_in_every_rotation_are_refused() -> None:
    square = np.array([[1.0, 1], [-1, 1], [-1, -1], [1, -1], [0, 0]])
    mirrored = square[[1, 0, 3, 2, 4]]  # the other way round: no rotation correlates with it

    with pytest.raises(DegenerateLandmarksError, match="coincide"):
        estimate_similarity(mirrored, square)


@pytest.mark.parametrize("shape", [(4, 2), (5, 3), (10,), (1, 5, 2), (0, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"\(5, 2\)"):
        estimate_similarity(np.ones(shape), template_points())
    with pytest.raises(ShapeError, match=r"\(5, 2\)"):
        estimate_similarity(POINTS, np.ones(shape))


def test_float32_points_are_computed_in_float64() -> None:
    matrix = estimate_similarity(POINTS.astype(np.float32) + np.float32(5000), template_points())

    assert matrix.dtype == np.float64
    np.testing.assert_allclose(
        matrix[:, :2], estimate_similarity(POINTS, template_points())[:, :2], atol=1e-6
    )
