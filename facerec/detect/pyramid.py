"""Area sampling: one table of sums of an Image gives every smaller copy and every cut-out of it.

The reference resizes by adaptive average pooling: pixel ``i`` of ``m`` is the mean over the source
pixels ``floor(i n / m)`` up to, not including, ``ceil((i + 1) n / m)``, so neighbours may share a
row. With an integral image each such mean takes four look-ups, whatever its size. Sums are whole
numbers, so nothing is lost before the last multiplication.

All smaller copies lie side by side on one canvas, so that one gather makes them all.

Must not know: nets, thresholds, what a face is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.imaging.opencv import cv2
from facerec.types import ImageRGB

# cv2.remap takes 16-bit coordinates; longer images go through numpy.
_REMAP_LIMIT = 32_000
# Crops are made so many look-ups at a time: three int32 each, which stay in the processor's cache.
_LOOK_UPS = 100_000
# Pixels of a canvas that are painted at a time, as a band of rows: less work in Python than many
# small bands, less memory than one for the largest Images.
_BAND_PX = 262_144
# Pixels of a canvas whose geometry is kept for the next Image of the same size.
_KEPT_PX = 1_000_000
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


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one smaller copy lies on the canvas.

    Attributes:
        top: first row, even.
        left: first column, even.
        height: of the copy, in pixels.
        width: of the copy, in pixels.
    """

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Canvas:
    """The layout of all smaller copies of Images of one size.

    Copies start at even rows and columns, so that a net of stride two counts its cells alike on the
    canvas and on a copy by itself.

    Attributes:
        image_hw: height and width of the Images.
        slots: where each copy lies.
        height: of the canvas, in pixels, even.
        width: of the canvas, in pixels, even.
    """

    image_hw: tuple[int, int]
    slots: tuple[Slot, ...]
    height: int
    width: int

    def geometry(self, start: int, stop: int) -> Geometry:
        """Say where rows ``start`` to ``stop`` take their pixels from."""
        if self.height * self.width > _KEPT_PX:
            return self._geometry(start, stop)
        if (start, stop) not in self._kept:
            self._kept[start, stop] = self._geometry(start, stop)
        return self._kept[start, stop]

    @cached_property
    def _kept(self) -> dict[tuple[int, int], Geometry]:
        return {}

    def cell_slots(self, cell_px: int, stride_px: int) -> NDArray[np.int16]:
        """Number of the slot in which each cell of a sliding window lies, -1 for none: (h, w).

        Args:
            cell_px: side of the window, even.
            stride_px: from one cell to the next; 2.
        """
        shape = [(size - cell_px) // stride_px + 1 for size in (self.height, self.width)]
        numbers = np.full(shape, -1, dtype=np.int16)
        for number, slot in enumerate(self.slots):
            rows, columns = (
                slice(first // stride_px, (first + _even(size) - cell_px) // stride_px + 1)
                for first, size in ((slot.top, slot.height), (slot.left, slot.width))
            )
            numbers[rows, columns] = number
        return numbers

    def _geometry(self, start: int, stop: int) -> Geometry:
        kind = np.int16 if max(self.image_hw) <= _REMAP_LIMIT else np.int32
        places = np.zeros((4, stop - start, self.width, 2), dtype=kind)
        shares = np.zeros((stop - start, self.width, 3), dtype=np.float32)
        for slot in self.slots:
            first = max(slot.top, start)
            last = min(slot.top + slot.height, stop)
            if first >= last:
                continue
            rows = slice(first - slot.top, last - slot.top)
            tops, bottoms = (edge[0, rows] for edge in _spans(self.image_hw[0], slot.height))
            lefts, rights = (edge[0] for edge in _spans(self.image_hw[1], slot.width))
            part = np.s_[first - start : last - start, slot.left : slot.left + slot.width]
            edges = ((bottoms, rights), (tops, rights), (bottoms, lefts), (tops, lefts))
            for corner, (row, column) in zip(places, edges, strict=True):
                corner[part][..., 0] = column
                corner[part][..., 1] = row[:, None]
            area = (bottoms - tops)[:, None] * (rights - lefts)
            shares[part] = (np.float32(1) / area.astype(np.float32))[..., None]
        return Geometry(places, shares)


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Where some rows of a canvas take their pixels from.

    Attributes:
        places: (4, h, w, 2) x and y in the table of sums; the mean is made of the sums at corners
            0 - 1 - 2 + 3.
        shares: (h, w, 3) float32, one by the number of pixels summed; 0 where there is no copy.
    """

    places: NDArray[np.int16] | NDArray[np.int32]
    shares: NDArray[np.float32]


def lay_out(image_hw: tuple[int, int], sizes: Sequence[tuple[int, int]]) -> Canvas:
    """Lay smaller copies out on one canvas with little space between them.

    Args:
        image_hw: height and width of the Images.
        sizes: height and width of each copy, the widest first.
    """
    width = _even(sizes[0][1])
    free = [(0, 0, width, math.inf)]  # top, left, width, height
    slots = []
    for copy_h, copy_w in sizes:
        h, w = _even(copy_h), _even(copy_w)
        place = min(space for space in free if space[2] >= w and space[3] >= h)
        free.remove(place)
        top, left, space_w, space_h = place
        slots.append(Slot(top, left, copy_h, copy_w))
        free += [(top, left + w, space_w - w, h), (top + h, left, space_w, space_h - h)]
    height = max(slot.top + _even(slot.height) for slot in slots)
    return Canvas(image_hw, tuple(slots), height, width)


def _even(size: int) -> int:
    return size + size % 2


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
    """Makes smaller copies and cut-outs of one Image; several threads may ask it.

    Attributes:
        image_hw: height and width in pixels.
    """

    def __init__(self, image: ImageRGB) -> None:
        """Sum up an image, (H, W, 3) uint8, once."""
        self.image_hw = (image.shape[0], image.shape[1])
        # Beyond 8 million pixels int32 wraps around; differences come out right all the same.
        self._sums = np.asarray(cv2.integral(image, sdepth=cv2.CV_32S), dtype=np.int32)

    def painted(self, canvas: Canvas, arena: Arena | None = None) -> NDArray[np.float32]:
        """Paint a canvas.

        Args:
            canvas: laid out for this Image's size.
            arena: where the result lies; it is valid until the arena's next ``reset``.

        Returns:
            (1, canvas.height, canvas.width, 3) float32, 0..255; 0 where there is no copy.
        """
        arena = arena or Arena()
        size = (1, canvas.height, canvas.width, 3)
        means: NDArray[np.float32] = arena.take(size, np.float32)
        n_rows = max(1, _BAND_PX // canvas.width)
        for start in range(0, canvas.height, n_rows):
            band = means[0, start : start + n_rows]
            with arena.borrowed():
                self._paint(canvas.geometry(start, start + len(band)), band, arena)
        return means

    def _paint(self, geometry: Geometry, band: NDArray[np.float32], arena: Arena) -> None:
        sums, other = arena.take(band.shape, np.int32), arena.take(band.shape, np.int32)
        _look_up(self._sums, geometry.places[0], sums)
        for places, change in zip(
            geometry.places[1:], (np.subtract, np.subtract, np.add), strict=True
        ):
            _look_up(self._sums, places, other)
            change(sums, other, out=sums)
        band[...] = sums
        band *= geometry.shares

    def crops(self, cuts: Cuts, arena: Arena | None = None) -> NDArray[np.float32]:
        """Cut boxes out and resize each to a square.

        Args:
            cuts: where, inside the image.
            arena: where the result lies; it is valid until the arena's next ``reset``.

        Returns:
            (N, side, side, 3) float32, 0..255.
        """
        arena = arena or Arena()
        n, side = len(cuts.columns), cuts.columns.shape[1] // 2
        means: NDArray[np.float32] = arena.take((n, side, side, 3), np.float32)
        at_once = max(1, _LOOK_UPS // (2 * side) ** 2)
        for start in range(0, n, at_once):
            part = slice(start, start + at_once)
            with arena.borrowed():
                self._cut_out(cuts[part], means[part], arena)
        return means

    def _cut_out(self, cuts: Cuts, means: NDArray[np.float32], arena: Arena) -> None:
        """Write the means over N boxes to (N, side, side, 3).

        All steps run over whole rows of memory: with the three channels innermost and alone, numpy
        would crawl.
        """
        n, side = means.shape[:2]
        places = arena.take((n, 2 * side, 2 * side, 2), cuts.columns.dtype.type)
        places[..., 0] = cuts.columns[:, None, :]
        places[..., 1] = cuts.rows[:, :, None]
        corners = arena.take((n, 2 * side, 2 * side, 3), np.int32)
        flat = (n * 2 * side, 2 * side)
        _look_up(self._sums, places.reshape(*flat, 2), corners.reshape(*flat, 3))
        strips = np.subtract(corners[:, side:], corners[:, :side], out=corners[:, side:])
        sums = np.subtract(strips[:, :, side:], strips[:, :, :side], out=strips[:, :, side:])
        means[...] = sums
        lines = means.reshape(n, side, side * 3)
        lines *= cuts.column_shares[:, None, :]
        lines *= cuts.row_shares[:, :, None]


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """Boxes of an Image, divided into bins for squares of one size.

    Attributes:
        columns: (N, 2 * side) left edges of all bins, then right edges.
        rows: (N, 2 * side) top edges, then bottom edges.
        column_shares: (N, 3 * side) float32, one by the width of each bin, once a channel.
        row_shares: (N, side) float32, one by the height of each bin.
    """

    columns: NDArray[np.int16] | NDArray[np.int32]
    rows: NDArray[np.int16] | NDArray[np.int32]
    column_shares: NDArray[np.float32]
    row_shares: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, part: slice) -> Cuts:
        return Cuts(
            self.columns[part], self.rows[part], self.column_shares[part], self.row_shares[part]
        )

    @classmethod
    def of(cls, boxes: NDArray[np.int64], side: int) -> Cuts:
        """Divide boxes.

        Args:
            boxes: (N, 4), left, top, right, bottom in pixels, right and bottom exclusive, at least
                one pixel wide and high.
            side: of the squares.
        """
        corner, end = boxes[:, :2].reshape(-1), boxes[:, 2:].reshape(-1)
        first, last = _bins(corner, end, side)  # columns and rows take turns
        shares = np.float32(1) / (last - first).astype(np.float32)
        edges: NDArray[Any] = np.concatenate([first, last], axis=1)
        edges = edges.astype(np.int16 if boxes.max(initial=0) <= _REMAP_LIMIT else np.int32)
        return cls(edges[0::2], edges[1::2], np.repeat(shares[0::2], 3, axis=1), shares[1::2])


def _look_up(
    sums: NDArray[np.int32],
    places: NDArray[np.int16] | NDArray[np.int32],
    found: NDArray[np.int32],
) -> None:
    """Copy the sums (H, W, 3) at places (h, w, 2), x and y, to found (h, w, 3)."""
    if places.dtype == np.int16 and max(places.shape) <= _REMAP_LIMIT:
        cv2.remap(sums, places, None, cv2.INTER_NEAREST, found)  # type: ignore[call-overload]
    else:
        found[...] = sums[places[..., 1], places[..., 0]]


def _spans(length: int, n_bins: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First pixel, and one after the last, of each bin over a whole side, as (1, n_bins)."""
    return _bins(np.array([0]), np.array([length]), n_bins)


def _bins(
    first: NDArray[np.int64], end: NDArray[np.int64], n_bins: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First pixel, and one after the last, of each bin over the spans (N,), as (N, n_bins)."""
    steps = np.arange(n_bins + 1, dtype=np.int64) * (end - first)[:, None]
    return first[:, None] + steps[:, :-1] // n_bins, first[:, None] - (-steps[:, 1:] // n_bins)
