"""Area sampling: one table of sums of an Image gives every smaller copy and every cut-out of it.

The reference resizes by adaptive average pooling: pixel ``i`` of ``m`` is the mean over the source
pixels ``floor(i n / m)`` up to, not including, ``ceil((i + 1) n / m)``, so neighbours may share a
row. With an integral image each such mean takes four look-ups, whatever its size, and all of them
are made in one gather. Sums are whole numbers, so nothing is lost before the last division.

Must not know: nets, thresholds, what a face is.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from facerec.imaging.opencv import cv2
from facerec.types import ImageRGB

# cv2.remap takes 16-bit coordinates; longer images go through numpy.
_REMAP_LIMIT = 32_000


def pyramid_scales(
    image_hw: tuple[int, int], *, cell_px: int, min_face_px: float, factor: float
) -> list[float]:
    """List the scales at which a net with ``cell_px`` cells sees all faces from ``min_face_px`` up.

    Args:
        image_hw: height and width in pixels.
        cell_px: side of the net's field of view; the shorter side never gets smaller.
        min_face_px: smallest face wanted.
        factor: from one scale to the next, below 1.

    Returns:
        Falling scales; none when the image is smaller than the smallest face.
    """
    scale = cell_px / min_face_px
    shorter_px = min(image_hw) * scale
    scales = []
    while shorter_px >= cell_px:
        scales.append(scale)
        scale *= factor
        shorter_px *= factor
    return scales


class AreaSampler:
    """Makes smaller copies and cut-outs of one Image.

    Attributes:
        image_hw: height and width in pixels.
    """

    def __init__(self, image: ImageRGB) -> None:
        """Sum up an image once.

        Args:
            image: (H, W, 3) uint8.
        """
        self.image_hw = (image.shape[0], image.shape[1])
        # Beyond 8 million pixels int32 wraps around; differences come out right all the same.
        self._sums = np.asarray(cv2.integral(image, sdepth=cv2.CV_32S), dtype=np.int32)

    def resized(self, height: int, width: int) -> NDArray[np.float32]:
        """Resize the whole image.

        Args:
            height: of the result, in pixels.
            width: of the result, in pixels.

        Returns:
            (1, 3, height, width) float32, 0..255.
        """
        image_height, image_width = self.image_hw
        tops, bottoms = _bins(image_height, height)
        lefts, rights = _bins(image_width, width)
        rows = np.concatenate([tops, bottoms])[None]
        columns = np.concatenate([lefts, rights])[None]
        return self._means(rows, columns)

    def crops(self, boxes: NDArray[np.int64], side: int) -> NDArray[np.float32]:
        """Cut boxes out and resize each to a square.

        Args:
            boxes: (N, 4), left, top, right, bottom in pixels, right and bottom exclusive, inside
                the image and at least one pixel wide and high.
            side: of the squares.

        Returns:
            (N, 3, side, side) float32, 0..255.
        """
        left, top, right, bottom = boxes.T[:, :, None]
        steps = np.arange(side)
        width, height = right - left, bottom - top
        rows = np.concatenate(
            [top + steps * height // side, top - (-(steps + 1) * height // side)], axis=1
        )
        columns = np.concatenate(
            [left + steps * width // side, left - (-(steps + 1) * width // side)], axis=1
        )
        return self._means(rows, columns)

    def _means(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Means over bins; (N, 2h) row borders and (N, 2w) column borders -> (N, 3, h, w).

        The first half of the borders are starts, the second half ends.
        """
        height, width = rows.shape[1] // 2, columns.shape[1] // 2
        corners = self._gather(rows, columns)
        upper, lower = corners[:, :height], corners[:, height:]
        strips = np.subtract(lower, upper, out=lower)
        sums = strips[:, :, width:] - strips[:, :, :width]
        areas = (rows[:, height:] - rows[:, :height])[:, :, None] * (
            columns[:, width:] - columns[:, :width]
        )[:, None]
        means = np.empty((len(rows), 3, height, width), dtype=np.float32)
        shares = np.float32(1) / areas.astype(np.float32)
        np.multiply(sums.astype(np.float32).transpose(0, 3, 1, 2), shares[:, None], out=means)
        return means

    def _gather(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int32]:
        """Look sums up at all crossings: (N, 2h), (N, 2w) -> (N, 2h, 2w, 3)."""
        n, n_rows = rows.shape
        n_columns = columns.shape[1]
        if max(*self.image_hw, n * n_rows, n_columns) > _REMAP_LIMIT:
            return self._sums[rows[:, :, None], columns[:, None, :]]
        places = np.empty((n, n_rows, n_columns, 2), dtype=np.int16)
        places[..., 0] = columns[:, None, :]
        places[..., 1] = rows[:, :, None]
        flat = places.reshape(n * n_rows, n_columns, 2)
        found = cv2.remap(self._sums, flat, None, cv2.INTER_NEAREST)  # type: ignore[call-overload]
        return np.asarray(found).reshape(n, n_rows, n_columns, 3)


@lru_cache(maxsize=128)
def _bins(n: int, m: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First pixel, and one after the last, of each of ``m`` bins over ``n`` pixels."""
    steps = np.arange(m, dtype=np.int64)
    return steps * n // m, -(-(steps + 1) * n // m)
