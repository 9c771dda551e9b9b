"""Area sampling: one table of sums of an Image gives every smaller copy and every cut-out of it.

The reference resizes by adaptive average pooling: pixel ``i`` of ``m`` is the mean over the source
pixels ``floor(i n / m)`` up to, not including, ``ceil((i + 1) n / m)``, so neighbours may share a
row. With an integral image each such mean takes four look-ups, whatever its size, and all of them
are made in one gather. Sums are whole numbers, so nothing is lost before the last division.

Must not know: nets, thresholds, what a face is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.imaging.opencv import cv2
from facerec.types import ImageRGB

# cv2.remap takes 16-bit coordinates; longer images go through numpy.
_REMAP_LIMIT = 32_000
# Sums looked up at a time: 32768 of three int32 are 400 kB, which stay in the processor's cache.
_LOOK_UPS = 32_768
_ALIGNMENT = 64


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


class Arena:
    """Memory for arrays that live no longer than one Image, used again for the next one.

    Fresh memory costs more than the arithmetic done in it: the system clears each page when it is
    first touched. Arrays taken here are valid until the next ``reset``.
    """

    def __init__(self) -> None:
        self._block = np.empty(0, dtype=np.uint8)
        self._used = 0
        self._needed = 0

    def reset(self) -> None:
        """Take everything back; grow to what the last Image needed."""
        if self._needed > self._block.size:
            self._block = np.empty(self._needed, dtype=np.uint8)
        self._used = self._needed = 0

    def take(self, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        """Return an array with arbitrary content.

        Args:
            shape: its shape.
            dtype: of its elements.
        """
        n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        start, self._used = self._used, self._used + -(-n_bytes // _ALIGNMENT) * _ALIGNMENT
        self._needed = max(self._needed, self._used)
        if self._used > self._block.size:
            return np.empty(shape, dtype)
        return self._block[start : start + n_bytes].view(dtype).reshape(shape)

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Take back what is taken inside the ``with``."""
        used = self._used
        try:
            yield
        finally:
            self._used = used


class AreaSampler:
    """Makes smaller copies and cut-outs of one Image.

    Attributes:
        image_hw: height and width in pixels.
    """

    def __init__(self, image: ImageRGB, arena: Arena | None = None) -> None:
        """Sum up an image once.

        Args:
            image: (H, W, 3) uint8.
            arena: where results lie; they are valid until its next ``reset``.
        """
        self.image_hw = (image.shape[0], image.shape[1])
        self._arena = arena or Arena()
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
        whole = np.array([[0, 0, self.image_hw[1], self.image_hw[0]]])
        return self._means(whole, height, width)

    def crops(self, boxes: NDArray[np.int64], side: int) -> NDArray[np.float32]:
        """Cut boxes out and resize each to a square.

        Args:
            boxes: (N, 4), left, top, right, bottom in pixels, right and bottom exclusive, inside
                the image and at least one pixel wide and high.
            side: of the squares.

        Returns:
            (N, 3, side, side) float32, 0..255.
        """
        return self._means(boxes, side, side)

    def _means(self, boxes: NDArray[np.int64], height: int, width: int) -> NDArray[np.float32]:
        """Resize boxes (N, 4) to (N, 3, height, width), a few rows of bins at a time."""
        tops, bottoms = _bins(boxes[:, 1], boxes[:, 3], height)
        lefts, rights = _bins(boxes[:, 0], boxes[:, 2], width)
        means: NDArray[np.float32] = self._arena.take((len(boxes), 3, height, width), np.float32)
        columns = np.concatenate([lefts, rights], axis=1)
        shares = np.repeat(np.float32(1) / (rights - lefts).astype(np.float32), 3, axis=1)
        n_rows = max(1, _LOOK_UPS // (4 * len(boxes) * width))
        for start in range(0, height, n_rows):
            part = slice(start, start + n_rows)
            with self._arena.borrowed():
                strip = self._strip(tops[:, part], bottoms[:, part], columns, shares)
                np.copyto(means[:, :, part], strip.transpose(0, 3, 1, 2))
        return means

    def _strip(
        self,
        tops: NDArray[np.int64],
        bottoms: NDArray[np.int64],
        columns: NDArray[np.int64],
        column_shares: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Means over some rows of bins, as (N, h, w, 3).

        All steps run over whole rows of memory: with the three channels innermost and alone, numpy
        would crawl.
        """
        n, height = tops.shape
        width = columns.shape[1] // 2
        corners = self._looked_up(np.concatenate([tops, bottoms], axis=1), columns)
        strips = np.subtract(corners[:, height:], corners[:, :height], out=corners[:, height:])
        sums = np.subtract(strips[:, :, width:], strips[:, :, :width], out=strips[:, :, width:])
        means = self._arena.take((n, height, width, 3), np.float32)
        means[...] = sums
        rows = means.reshape(n, height, width * 3)
        rows *= column_shares[:, None]
        rows /= (bottoms - tops).astype(np.float32)[:, :, None]
        return means

    def _looked_up(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int32]:
        """Sums at all crossings of (N, 2h) rows and (N, 2w) columns: (N, 2h, 2w, 3)."""
        n, n_rows = rows.shape
        n_columns = columns.shape[1]
        if max(*self.image_hw, n * n_rows, n_columns) > _REMAP_LIMIT:
            return self._sums[rows[:, :, None], columns[:, None, :]]
        places = self._arena.take((n, n_rows, n_columns, 2), np.int16)
        places[..., 0] = columns[:, None, :]
        places[..., 1] = rows[:, :, None]
        found = self._arena.take((n * n_rows, n_columns, 3), np.int32)
        places = places.reshape(n * n_rows, n_columns, 2)
        cv2.remap(self._sums, places, None, cv2.INTER_NEAREST, found)  # type: ignore[call-overload]
        return found.reshape(n, n_rows, n_columns, 3)


def _bins(
    first: NDArray[np.int64], end: NDArray[np.int64], n_bins: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First pixel, and one after the last, of each bin over the spans (N,), as (N, n_bins)."""
    steps = np.arange(n_bins + 1, dtype=np.int64) * (end - first)[:, None]
    return first[:, None] + steps[:, :-1] // n_bins, first[:, None] - (-steps[:, 1:] // n_bins)
