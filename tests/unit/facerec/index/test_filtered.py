"""What only the filtered index does."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.errors import ShapeError
from facerec.index.faiss import MIN_SIGN_BITS, FaissFilteredIndex


def test_refuses_sketches_that_do_not_fit():
    with pytest.raises(ShapeError):
        FaissFilteredIndex(4).add(
            np.array([1]), np.eye(4, dtype=np.float32)[:1], np.zeros((1, 1), np.uint8)
        )


@pytest.mark.parametrize("dimension", [3, 128, 512, 1023, 1500])
def test_keeps_enough_signs_whatever_the_dimension(dimension):
    index = FaissFilteredIndex(dimension)
    vector = np.eye(dimension, dtype=np.float32)[:1]
    index.add(np.array([1]), vector)

    n_bits = 8 * index.sketches_of(np.array([1])).shape[1]

    assert max(MIN_SIGN_BITS, dimension) <= n_bits < max(MIN_SIGN_BITS, dimension) + 8


def test_signs_differ_by_the_angle_between_vectors():
    """Charikar 2002: the share of differing signs is the angle over pi, on average."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 512)).astype(np.float32)
    b = 0.6 * a / np.linalg.norm(a) + 0.8 * (b - a * (a @ b) / (a @ a)) / np.linalg.norm(b)
    vectors = np.stack([a / np.linalg.norm(a), b / np.linalg.norm(b)]).astype(np.float32)
    index = FaissFilteredIndex(512)
    index.add(np.array([1, 2]), vectors)

    first, second = np.unpackbits(index.sketches_of(np.array([1, 2])), axis=1)

    expected = np.arccos(vectors[0] @ vectors[1]) / np.pi
    # The standard error of a share of 1024 signs is at most 0.016.
    assert (first != second).mean() == pytest.approx(expected, abs=0.07)
