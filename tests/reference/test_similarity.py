"""The closed-form similarity against two solutions that were written by others or another way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.transform import SimilarityTransform

from facerec.align.landmarks import estimate_similarity, template_points


def by_least_squares(
    points: NDArray[np.float64], template: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve for a, b, x, y in u = a x - b y + x0, v = b x + a y + y0."""
    rows, values = [], []
    for (x, y), (u, v) in zip(points, template, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        values += [u, v]
    (a, b, x0, y0), *_ = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)
    return np.array([[a, -b, x0], [b, a, y0]])


def by_skimage(points: NDArray[np.float64], template: NDArray[np.float64]) -> NDArray[np.float64]:
    if hasattr(SimilarityTransform, "from_estimate"):  # scikit-image 0.26
        return SimilarityTransform.from_estimate(points, template).params[:2]
    transform = SimilarityTransform()
    assert transform.estimate(points, template)
    return transform.params[:2]


def faces() -> list[NDArray[np.float64]]:
    """Templates turned, scaled, shifted and distorted as landmarks of real faces are."""
    rng = np.random.default_rng(5)
    drawn = []
    for _ in range(200):
        angle, scale = rng.uniform(-np.pi, np.pi), np.exp(rng.uniform(-2, 3))
        turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        noise = rng.normal(0, rng.uniform(0, 8), (5, 2))
        drawn.append((template_points() + noise) @ turn + rng.uniform(-500, 4000, 2))
    return drawn


@pytest.mark.parametrize("size", [112, 128, 224])
def test_similarity_equals_linear_least_squares(size: int) -> None:
    template = template_points(size)

    for points in faces():
        np.testing.assert_allclose(
            estimate_similarity(points, template), by_least_squares(points, template), atol=1e-6
        )


@pytest.mark.parametrize("size", [112, 128, 224])
def test_similarity_equals_scikit_image(size: int) -> None:
    template = template_points(size)

    for points in faces():
        np.testing.assert_allclose(
            estimate_similarity(points, template), by_skimage(points, template), atol=1e-6
        )
