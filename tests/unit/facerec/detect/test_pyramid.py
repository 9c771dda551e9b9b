"""Area sampling against plain loops over pixels."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.detect import pyramid
from facerec.detect.pyramid import AreaSampler, Arena, pyramid_scales


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def area_resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(3, height, width) by the definition: the mean over every pixel the bin touches."""
    result = np.empty((3, height, width))
    for i in range(height):
        top = floor(Fraction(i * image.shape[0], height))
        bottom = ceil(Fraction((i + 1) * image.shape[0], height))
        for j in range(width):
            left = floor(Fraction(j * image.shape[1], width))
            right = ceil(Fraction((j + 1) * image.shape[1], width))
            result[:, i, j] = image[top:bottom, left:right].mean(axis=(0, 1))
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

    resized = AreaSampler(image).resized(*size_hw)

    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized[0], area_resized(image, *size_hw), rtol=1e-6)


@given(seed=st.integers(0, 1000), n=st.integers(1, 5), side=st.sampled_from([3, 24, 48]))
def test_crop_is_the_resized_cut_out(seed: int, n: int, side: int) -> None:
    image = noise(50, 70)
    rng = np.random.default_rng(seed)
    first = rng.integers(0, (70, 50), (n, 2))
    end = rng.integers(first + 1, (71, 51))

    crops = AreaSampler(image).crops(np.concatenate([first, end], axis=1), side)

    for crop, (left, top), (right, bottom) in zip(crops, first, end, strict=True):
        expected = area_resized(image[top:bottom, left:right], side, side)
        np.testing.assert_allclose(crop, expected, rtol=1e-6)


def test_images_too_long_for_opencv_are_sampled_all_the_same(monkeypatch) -> None:
    image = noise(30, 50)
    usual = AreaSampler(image).resized(9, 14)
    monkeypatch.setattr(pyramid, "_REMAP_LIMIT", 10)

    assert (AreaSampler(image).resized(9, 14) == usual).all()


def test_an_image_of_33000_pixels_in_length_is_sampled() -> None:
    image = noise(2, 33_000)

    resized = AreaSampler(image).resized(1, 11_000)

    expected = image.reshape(2, 11_000, 3, 3).mean(axis=(0, 2)).T[:, None]
    np.testing.assert_allclose(resized[0], expected, rtol=1e-6)


def test_sums_beyond_32_bits_do_not_matter() -> None:
    white = np.full((3000, 3000, 3), 255, dtype=np.uint8)

    crops = AreaSampler(white).crops(np.array([[2900, 2900, 3000, 3000]]), 24)

    assert (crops == 255).all()


def test_results_in_one_arena_do_not_overlap() -> None:
    arena = Arena()
    image = noise(40, 60)
    for _ in range(3):
        arena.reset()
        sampler = AreaSampler(image, arena)
        results = [sampler.resized(13 + k, 19) for k in range(4)]
        expected = [AreaSampler(image).resized(13 + k, 19) for k in range(4)]

        assert all((a == b).all() for a, b in zip(results, expected, strict=True))


def test_an_arena_gives_the_same_memory_again_after_a_reset() -> None:
    arena = Arena()
    arena.take((100,), np.float32)
    arena.reset()
    first = arena.take((100,), np.float32)
    arena.reset()

    assert np.shares_memory(first, arena.take((100,), np.float32))


def test_an_arena_takes_back_what_was_borrowed() -> None:
    arena = Arena()
    arena.take((300,), np.uint8)
    arena.reset()
    with arena.borrowed():
        inside = arena.take((100,), np.uint8)

    assert np.shares_memory(inside, arena.take((100,), np.uint8))


def test_scales_are_those_of_the_reference() -> None:
    # facenet-pytorch's loop for 250 x 250, min_face_size=40, factor=0.709.
    assert pyramid_scales((250, 250), cell_px=12, min_face_px=40, factor=0.709) == [
        0.3,
        0.3 * 0.709,
        0.3 * 0.709 * 0.709,
        0.3 * 0.709 * 0.709 * 0.709,
        0.3 * 0.709 * 0.709 * 0.709 * 0.709,
        0.3 * 0.709 * 0.709 * 0.709 * 0.709 * 0.709,
    ]


@pytest.mark.parametrize(
    ("image_hw", "n_scales"), [((39, 500), 0), ((40, 40), 1), ((500, 41), 1), ((1, 1), 0)]
)
def test_an_image_smaller_than_the_smallest_face_has_no_scales(image_hw, n_scales) -> None:
    scales = pyramid_scales(image_hw, cell_px=12, min_face_px=40, factor=0.709)

    assert len(scales) == n_scales
