"""The pyramid of smaller copies of an Image over which a small net slides.

Must not know: pixels, thresholds, what a face is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

# P-Net's cell: 12 pixels wide, one every 2.
CELL_PX = 12
CELL_STRIDE_PX = 2


@dataclass(frozen=True)
class Pyramid:
    """The levels for Images of one size; hashable, and the same for the same size.

    Attributes:
        scales: of each level, falling.
        sizes: height and width of each level in pixels.
        cells: rows and columns of cells on each level.
    """

    scales: tuple[float, ...]
    sizes: tuple[tuple[int, int], ...]
    cells: tuple[tuple[int, int], ...]

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(L + 1,) how many cells lie on the levels before each one, and in all."""
        counts = [rows * columns for rows, columns in self.cells]
        return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])

    @property
    def n_cells(self) -> int:
        """Cells of all levels."""
        return int(self.starts[-1])

    def places(
        self, numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Say where cells lie that are counted through level by level, row by row.

        Args:
            numbers: (N,) of cells.

        Returns:
            Level, row and column, each (N,).
        """
        levels = np.searchsorted(self.starts, numbers, side="right") - 1
        columns = np.array([size[1] for size in self.cells], dtype=np.int64)[levels]
        within = numbers - self.starts[levels]
        return levels, within // columns, within % columns


@lru_cache(maxsize=64)
def plan_pyramid(image_hw: tuple[int, int], *, min_face_px: float, factor: float) -> Pyramid:
    """Plan the levels on which P-Net sees all faces from ``min_face_px`` up.

    Args:
        image_hw: height and width in pixels.
        min_face_px: smallest face wanted.
        factor: from one scale to the next, below 1.

    Returns:
        No levels when the Image is smaller than the smallest face.
    """
    height, width = image_hw
    scales = pyramid_scales(image_hw, min_face_px=min_face_px, factor=factor)
    sizes = tuple((int(height * scale + 1), int(width * scale + 1)) for scale in scales)
    cells = tuple((_n_cells(level_h), _n_cells(level_w)) for level_h, level_w in sizes)
    return Pyramid(tuple(scales), sizes, cells)


def pyramid_scales(image_hw: tuple[int, int], *, min_face_px: float, factor: float) -> list[float]:
    """List the falling scales of a pyramid; see ``plan_pyramid``."""
    scale = CELL_PX / min_face_px
    shorter_px = min(image_hw) * scale
    scales = []
    while shorter_px >= CELL_PX:
        scales.append(scale)
        scale *= factor
        shorter_px *= factor
    return scales


def _n_cells(size_px: int) -> int:
    """Cells along a side; P-Net pools what is left of a pair at its border (``ceil_mode``)."""
    return -(-(size_px - CELL_PX) // CELL_STRIDE_PX) + 1
