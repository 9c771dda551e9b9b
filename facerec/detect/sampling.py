"""Area sampling: one table of sums of an Image gives every smaller copy and every cut-out of it.

The reference resizes by adaptive average pooling: pixel ``i`` of ``m`` is the mean over the source
pixels ``floor(i n / m)`` up to, not including, ``ceil((i + 1) n / m)``, so neighbours may share a
row. With an integral image each such mean takes four look-ups, whatever its size. Sums are whole
numbers, so nothing is lost before the last multiplications.

Must not know: nets, thresholds, what a face is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.imaging.opencv import cv2
from facerec.types import ImageRGB

Whole = NDArray[np.integer[Any]]
# Compiled code reads three numbers as four.
_SPARE = 4
# cv2.remap takes 16-bit coordinates; longer images go through numpy.
_REMAP_LIMIT = 32_000


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """The integral image of an Image.

    Attributes:
        table: (H + 1, W + 1, 3) int32, contiguous, with a few numbers to spare behind it: sums over
            all pixels above and to the left. Beyond 8 million pixels they wrap around; differences
            come out right all the same.
    """

    table: NDArray[np.int32]

    @classmethod
    def of(cls, image: ImageRGB) -> Sums:
        """Sum up an Image, (H, W, 3) uint8."""
        shape = (image.shape[0] + 1, image.shape[1] + 1, 3)
        size = shape[0] * shape[1] * shape[2]
        table = np.empty(size + _SPARE, dtype=np.int32)[:size].reshape(shape)
        cv2.integral(image, sum=table, sdepth=cv2.CV_32S)
        return cls(table)

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width of the Image in pixels."""
        return self.table.shape[0] - 1, self.table.shape[1] - 1

    def resized(self, height: int, width: int) -> NDArray[np.float32]:
        """Resize the whole Image to (height, width, 3) float32, 0..255."""
        box = np.array([[0, 0, self.image_hw[1], self.image_hw[0]]])
        return self._means(box, height, width).reshape(height, width, 3)

    def crops(self, boxes: Whole, side: int) -> NDArray[np.float32]:
        """Cut boxes out and resize each to a square.

        Args:
            boxes: (N, 4), left, top, right, bottom in pixels, right and bottom exclusive, inside
                the Image and at least one pixel wide and high.
            side: of the squares.

        Returns:
            (N, side, side, 3) float32, 0..255.
        """
        return self._means(boxes, side, side)

    def _means(self, boxes: Whole, height: int, width: int) -> NDArray[np.float32]:
        lefts, rights = _bins(boxes[:, 0], boxes[:, 2], width)
        tops, bottoms = _bins(boxes[:, 1], boxes[:, 3], height)
        sums = self._look_up(bottoms, rights)
        sums -= self._look_up(tops, rights)
        sums -= self._look_up(bottoms, lefts)
        sums += self._look_up(tops, lefts)
        means = sums.astype(np.float32).reshape(len(boxes), height, width, 3)
        means *= (np.float32(1) / (rights - lefts).astype(np.float32))[:, None, :, None]
        means *= (np.float32(1) / (bottoms - tops).astype(np.float32))[:, :, None, None]
        return means

    def _look_up(self, rows: Whole, columns: Whole) -> NDArray[np.int32]:
        """Sums at rows (N, h) and columns (N, w), as (N * h, w, 3)."""
        shape = (rows.size, columns.shape[1])
        if not rows.size or max(*self.table.shape, *shape) > _REMAP_LIMIT:
            return self.table[rows[:, :, None], columns[:, None]].reshape(*shape, 3)
        # The same look-up in compiled code.
        places = np.empty((*shape, 2), dtype=np.int16)
        places.reshape(*rows.shape, shape[1], 2)[..., 0] = columns[:, None]
        places[..., 1] = rows.reshape(-1, 1)
        found = np.empty((*shape, 3), dtype=np.int32)
        cv2.remap(self.table, places, None, cv2.INTER_NEAREST, found)  # type: ignore[call-overload]
        return found


def _bins(first: Whole, end: Whole, n_bins: int) -> tuple[Whole, Whole]:
    """First pixel, and one after the last, of each bin over the spans (N,), as (N, n_bins)."""
    steps = np.arange(n_bins + 1, dtype=np.int64) * (end - first)[:, None].astype(np.int64)
    return first[:, None] + steps[:, :-1] // n_bins, first[:, None] - (-steps[:, 1:] // n_bins)
