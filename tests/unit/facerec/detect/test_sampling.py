"""Area sampling against plain loops over pixels."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.detect import sampling
from facerec.detect.sampling import Sums


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def area_resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(height, width, 3) by the definition: the mean over every pixel the bin touches."""
    result = np.empty((height, width, 3))
    for i in range(height):
        top = floor(Fraction(i * image.shape[0], height))
        bottom = ceil(Fraction((i + 1) * image.shape[0], height))
        for j in range(width):
            left = floor(Fraction(j * image.shape[1], width))
            right = ceil(Fraction((j + 1) * image.shape[1], width))
            result[i, j] = image[top:bottom, left:right].mean(axis=(0, 1))
    return result


@pytest.mark.parametrize(
    ("image_hw", "size_hw"),
    [
        pytest.param((40, 60), (13, 19), id="smaller, bins that share pixels"),
        pytest.param((40, 60), (20, 15), id="smaller, bins that do not"),
        pytest.param((7, 5), (16, 24), id="larger"),
        pytest.param((1, 1), (3, 4), id="one pixel"),
        pytest.param((33, 21), (33, 21), id="same size"),
    ],
)
def test_resized_image_is_the_mean_over_each_bin(image_hw, size_hw) -> None:
    image = noise(*image_hw)

    result = Sums.of(image).resized(*size_hw)

    assert result.dtype == np.float32
    np.testing.assert_allclose(result, area_resized(image, *size_hw), rtol=1e-6)


@given(seed=st.integers(0, 1000), n=st.integers(0, 5), side=st.sampled_from([3, 24, 48]))
def test_crop_is_the_resized_cut_out(seed: int, n: int, side: int) -> None:
    image = noise(50, 70)
    rng = np.random.default_rng(seed)
    first = rng.integers(0, (70, 50), (n, 2))
    end = rng.integers(first + 1, (71, 51))

    crops = Sums.of(image).crops(np.concatenate([first, end], axis=1), side)

    assert crops.shape == (n, side, side, 3)
    for crop, (left, top), (right, bottom) in zip(crops, first, end, strict=True):
        expected = area_resized(image[top:bottom, left:right], side, side)
        np.testing.assert_allclose(crop, expected, rtol=1e-6)


def test_images_too_long_for_opencv_are_sampled_all_the_same(monkeypatch) -> None:
    sums = Sums.of(noise(30, 50))
    boxes = np.array([[3, 4, 40, 29], [0, 0, 50, 30]])
    usual = sums.resized(9, 14), sums.crops(boxes, 24)
    monkeypatch.setattr(sampling, "_REMAP_LIMIT", 10)

    assert (sums.resized(9, 14) == usual[0]).all()
    assert (sums.crops(boxes, 24) == usual[1]).all()


def test_an_image_of_33000_pixels_in_length_is_sampled() -> None:
    image = noise(2, 33_000)

    result = Sums.of(image).resized(1, 11_000)

    expected = image.reshape(2, 11_000, 3, 3).mean(axis=(0, 2))[None]
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_sums_beyond_32_bits_do_not_matter() -> None:
    white = np.full((3000, 3000, 3), 255, dtype=np.uint8)

    crops = Sums.of(white).crops(np.array([[2900, 2900, 3000, 3000]]), 24)

    np.testing.assert_allclose(crops, 255, rtol=1e-6)


def test_a_view_of_an_image_is_summed_like_a_copy() -> None:
    view = noise(20, 31)[::-1, ::2]

    sums = Sums.of(view)

    assert sums.image_hw == (20, 16)
    assert (sums.table == Sums.of(view.copy()).table).all()
    assert (sums.table[-1, -1] == view.sum(axis=(0, 1))).all()
