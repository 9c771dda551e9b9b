"""Area sampling against plain loops over pixels."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.detect import pyramid
from facerec.detect.pyramid import AreaSampler, Arena, Cuts, lay_out, pyramid_scales


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


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(height, width, 3): the only copy on a canvas of its own."""
    canvas = lay_out(image.shape[:2], [(height, width)])
    return AreaSampler(image).painted(canvas)[0, :height, :width]


def crops_of(image: np.ndarray, boxes: np.ndarray, side: int) -> np.ndarray:
    return AreaSampler(image).crops(Cuts.of(boxes, side))


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

    result = resized(image, *size_hw)

    assert result.dtype == np.float32
    np.testing.assert_allclose(result, area_resized(image, *size_hw), rtol=1e-6)


@pytest.mark.parametrize("image_hw", [(90, 120), (121, 77), (300, 41)])
def test_copies_on_a_canvas_are_whole_and_do_not_overlap(image_hw, monkeypatch) -> None:
    image = noise(*image_hw)
    sizes = [(round(image_hw[0] * f), round(image_hw[1] * f)) for f in (0.7, 0.5, 0.35, 0.2, 0.1)]
    canvas = lay_out(image_hw, sizes)
    monkeypatch.setattr(pyramid, "_BAND_PX", 17 * canvas.width)  # (several bands of rows)

    picture = AreaSampler(image).painted(canvas)[0]

    covered = np.zeros(picture.shape[:2], dtype=int)
    for slot, size in zip(canvas.slots, sizes, strict=True):
        assert (slot.height, slot.width) == size
        assert slot.top % 2 == slot.left % 2 == 0
        part = np.s_[slot.top : slot.top + size[0], slot.left : slot.left + size[1]]
        covered[part] += 1
        np.testing.assert_allclose(picture[part], area_resized(image, *size), rtol=1e-6)
    assert covered.max() == 1
    assert (picture[covered == 0] == 0).all()


def test_cells_belong_to_the_copy_they_lie_in() -> None:
    canvas = lay_out((90, 120), [(63, 84), (45, 60), (20, 27), (12, 13)])

    numbers = canvas.cell_slots(12, 2)

    for (row, column), number in np.ndenumerate(numbers):
        inside = [
            index
            for index, slot in enumerate(canvas.slots)
            if slot.top <= 2 * row
            and 2 * row + 12 <= slot.top + slot.height + slot.height % 2
            and slot.left <= 2 * column
            and 2 * column + 12 <= slot.left + slot.width + slot.width % 2
        ]
        assert inside == ([] if number < 0 else [number])


def test_geometry_is_kept_for_small_canvases_only(monkeypatch) -> None:
    canvas = lay_out((90, 120), [(63, 84)])
    assert canvas.geometry(0, 20) is canvas.geometry(0, 20)

    monkeypatch.setattr(pyramid, "_KEPT_PX", 10)
    assert canvas.geometry(0, 20) is not canvas.geometry(0, 20)


@given(seed=st.integers(0, 1000), n=st.integers(1, 5), side=st.sampled_from([3, 24, 48]))
def test_crop_is_the_resized_cut_out(seed: int, n: int, side: int) -> None:
    image = noise(50, 70)
    rng = np.random.default_rng(seed)
    first = rng.integers(0, (70, 50), (n, 2))
    end = rng.integers(first + 1, (71, 51))

    crops = crops_of(image, np.concatenate([first, end], axis=1), side)

    for crop, (left, top), (right, bottom) in zip(crops, first, end, strict=True):
        expected = area_resized(image[top:bottom, left:right], side, side)
        np.testing.assert_allclose(crop, expected, rtol=1e-6)


def test_images_too_long_for_opencv_are_sampled_all_the_same(monkeypatch) -> None:
    image = noise(30, 50)
    boxes = np.array([[3, 4, 40, 29]])
    usual = resized(image, 9, 14), crops_of(image, boxes, 24)
    monkeypatch.setattr(pyramid, "_REMAP_LIMIT", 10)

    assert (resized(image, 9, 14) == usual[0]).all()
    assert (crops_of(image, boxes, 24) == usual[1]).all()


def test_an_image_of_33000_pixels_in_length_is_sampled() -> None:
    image = noise(2, 33_000)

    result = resized(image, 1, 11_000)

    expected = image.reshape(2, 11_000, 3, 3).mean(axis=(0, 2))[None]
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_sums_beyond_32_bits_do_not_matter() -> None:
    white = np.full((3000, 3000, 3), 255, dtype=np.uint8)

    crops = crops_of(white, np.array([[2900, 2900, 3000, 3000]]), 24)

    assert (crops == 255).all()


def test_results_in_one_arena_do_not_overlap() -> None:
    arena = Arena()
    image = noise(40, 60)
    for _ in range(3):
        arena.reset()
        sampler = AreaSampler(image)
        cuts = [Cuts.of(np.array([[k, k, 30 + k, 35]]), 24) for k in range(4)]
        results = [sampler.crops(cut, arena) for cut in cuts]
        expected = [sampler.crops(cut) for cut in cuts]

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
