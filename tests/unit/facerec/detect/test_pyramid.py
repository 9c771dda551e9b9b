"""Levels and cells of the pyramid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.detect.pyramid import plan_pyramid, pyramid_scales


def test_scales_are_those_of_the_reference() -> None:
    # facenet-pytorch's loop for 250 x 250, min_face_size=40, factor=0.709.
    assert pyramid_scales((250, 250), min_face_px=40, factor=0.709) == [
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
    assert len(pyramid_scales(image_hw, min_face_px=40, factor=0.709)) == n_scales


@given(height=st.integers(12, 400), width=st.integers(12, 400))
def test_cells_are_as_many_as_the_nets_layers_leave(height: int, width: int) -> None:
    pyramid = plan_pyramid((height, width), min_face_px=12, factor=0.5)

    for size, cells in zip(pyramid.sizes, pyramid.cells, strict=True):
        for side, n_cells in zip(size, cells, strict=True):
            # 3 x 3, pooling by two with what is left of a pair, twice 3 x 3.
            assert n_cells == -(-(side - 2) // 2) - 4
            assert n_cells >= 1


def test_a_cells_number_says_where_it_lies() -> None:
    pyramid = plan_pyramid((90, 120), min_face_px=20, factor=0.6)
    expected = [
        (level, row, column)
        for level, (rows, columns) in enumerate(pyramid.cells)
        for row in range(rows)
        for column in range(columns)
    ]

    places = pyramid.places(np.arange(pyramid.n_cells))

    assert len(expected) == pyramid.n_cells
    assert list(zip(*(part.tolist() for part in places), strict=True)) == expected


def test_the_plan_is_made_once_a_size() -> None:
    first = plan_pyramid((90, 120), min_face_px=20, factor=0.6)

    assert plan_pyramid((90, 120), min_face_px=20, factor=0.6) is first
