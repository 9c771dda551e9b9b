"""Read a SQLite file page by page, without SQLite, which refuses a damaged one as a whole.

Only what is needed to take rows out is here, of the format that https://www.sqlite.org/fileformat2.html
describes. Nothing read is trusted: whatever contradicts the format is damage, never an exception.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13
_KINDS = {INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE}
_HEADER_BYTES = 100
_WAL_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_WAL_BIG_ENDIAN, _WAL_LITTLE_ENDIAN = 0x377F0683, 0x377F0682
_MASK = 0xFFFFFFFF
# Serial type -> bytes of an integer; 7 is a float, 0 NULL, 8 and 9 the numbers 0 and 1.
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_FLOAT, _FIRST_BLOB = 7, 12
_MAX_VARINT_BYTES = 9

Value = None | int | float | str | bytes


class _DamagedError(Exception):
    """Something contradicts the format."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of a table, or one entry of an index.

    Attributes:
        rowid: of a table's row; 0 in an index, where it is the last value.
        values: as stored: the column that is the row's own number is NULL. None when damaged.
    """

    rowid: int
    values: tuple[Value, ...] | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a table or index.

    Attributes:
        kind: one of the four constants.
        cells: of all kinds but ``INTERIOR_TABLE``, which has only children.
        children: numbers of the pages below it.
        is_whole: whether all of it was read.
    """

    kind: int
    cells: tuple[Cell, ...]
    children: tuple[int, ...] = ()
    is_whole: bool = True


@dataclass(slots=True)
class PageFile:
    """The pages of a database with those of its write-ahead log on top.

    Attributes:
        page_bytes: size of a page.
        usable_bytes: what SQLite uses of it.
        n_pages: how many there are.
    """

    page_bytes: int
    usable_bytes: int
    n_pages: int
    _data: bytes | mmap.mmap
    _newer: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, *, usual_page_bytes: int) -> PageFile:
        """Read a database and its log.

        Args:
            path: of the database; its log lies beside it, if there is one.
            usual_page_bytes: taken where the file's own first page does not say.

        Raises:
            OSError: it cannot be read.
        """
        data: bytes | mmap.mmap = b""
        if path.stat().st_size:
            with path.open("rb") as stream:
                data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        page_bytes, reserved = _sizes(data[:_HEADER_BYTES], usual_page_bytes)
        log = path.with_name(f"{path.name}-wal")
        newer = _log_pages(log.read_bytes(), page_bytes) if log.exists() else {}
        n_pages = max([-(-len(data) // page_bytes), *newer])
        return cls(page_bytes, page_bytes - reserved, n_pages, data, newer)

    def page(self, number: int) -> Page | None:
        """Read a page of a table or index; None when it is of another kind, or not to be read."""
        data = self._bytes(number)
        start = _HEADER_BYTES if number == 1 else 0
        if len(data) < self.page_bytes or data[start] not in _KINDS:
            return None
        kind = data[start]
        is_interior = kind in {INTERIOR_INDEX, INTERIOR_TABLE}
        n_cells = _u16(data, start + 3)
        pointers = start + (12 if is_interior else 8)
        if pointers + 2 * n_cells > self.usable_bytes:
            return None
        offsets = [_u16(data, pointers + 2 * i) for i in range(n_cells)]
        inside = [pointers + 2 * n_cells <= offset < self.usable_bytes for offset in offsets]
        offsets = [offset for offset, fits in zip(offsets, inside, strict=True) if fits]
        children: list[int] = []
        if is_interior:
            children = [_u32(data, offset) for offset in offsets if offset + 4 < len(data)]
            children.append(_u32(data, start + 8))
        cells = () if kind == INTERIOR_TABLE else tuple(self._cells(data, kind, offsets))
        is_whole = all(inside) and all(cell.values is not None for cell in cells)
        return Page(kind, cells, tuple(children), is_whole)

    def pages_below(self, root: int) -> tuple[dict[int, Page], bool]:
        """Read all pages of a table or index.

        Returns:
            Number -> page, and whether none was missing or damaged.
        """
        found: dict[int, Page] = {}
        whole = True
        waiting = [root]
        while waiting:
            number = waiting.pop()
            page = self.page(number) if number not in found else None
            if page is None:
                whole = False
                continue
            found[number] = page
            whole &= page.is_whole
            waiting.extend(page.children)
        return found, whole

    def _bytes(self, number: int) -> bytes:
        newer = self._newer.get(number)
        if newer is not None:
            return newer
        start = (number - 1) * self.page_bytes
        return self._data[start : start + self.page_bytes] if number > 0 else b""

    def _cells(self, data: bytes, kind: int, offsets: list[int]) -> Iterator[Cell]:
        for offset in offsets:
            rowid = 0
            try:
                start = offset + (4 if kind == INTERIOR_INDEX else 0)
                size, start = _varint(data, start)
                if kind == LEAF_TABLE:
                    number, start = _varint(data, start)
                    rowid = number - 2**64 if number >= 2**63 else number
                payload = self._payload(data, start, size, is_table=kind == LEAF_TABLE)
                yield Cell(rowid, _record(payload))
            except (_DamagedError, UnicodeDecodeError, IndexError, struct.error):
                yield Cell(rowid, None)

    def _payload(self, data: bytes, start: int, size: int, *, is_table: bool) -> bytes:
        """Join a cell's own bytes and those on its overflow pages."""
        usable = self.usable_bytes
        least = (usable - 12) * 32 // 255 - 23
        most = usable - 35 if is_table else (usable - 12) * 64 // 255 - 23
        if size <= most:
            return _part(data, start, size)
        if size > usable * self.n_pages:
            raise _DamagedError
        local = least + (size - least) % (usable - 4)
        local = local if local <= most else least
        parts = [_part(data, start, local)]
        next_page, left = _u32(data, start + local), size - local
        while left > 0:
            page = self._bytes(next_page)
            if len(page) < self.page_bytes:
                raise _DamagedError
            parts.append(page[4 : 4 + min(left, usable - 4)])
            left -= len(parts[-1])
            next_page = _u32(page, 0)
        if next_page != 0:
            raise _DamagedError
        return b"".join(parts)

    def settle(self, path: Path) -> None:
        """Write the pages of the log into the database, as SQLite itself would have."""
        with path.open("rb+") as stream:
            for number, page in self._newer.items():
                stream.seek((number - 1) * self.page_bytes)
                stream.write(page)


def _sizes(header: bytes, usual_page_bytes: int) -> tuple[int, int]:
    """Size of a page, and how much at its end is reserved for extensions."""
    if len(header) < _HEADER_BYTES or not header.startswith(b"SQLite format 3\x00"):
        return usual_page_bytes, 0
    size = _u16(header, 16)
    size = 65536 if size == 1 else size
    is_possible = size >= 512 and size & (size - 1) == 0
    return (size, header[20]) if is_possible else (usual_page_bytes, 0)


def _log_pages(log: bytes, page_bytes: int) -> dict[int, bytes]:
    """Pages of all finished transactions in a write-ahead log."""
    if len(log) < _WAL_HEADER_BYTES or _u32(log, 8) != page_bytes:
        return {}
    magic = _u32(log, 0)
    if magic not in {_WAL_BIG_ENDIAN, _WAL_LITTLE_ENDIAN}:
        return {}
    order = ">" if magic == _WAL_BIG_ENDIAN else "<"
    sums = _checksum(log[:24], order, (0, 0))
    if sums != (_u32(log, 24), _u32(log, 28)):
        return {}
    finished: dict[int, bytes] = {}
    unfinished: dict[int, bytes] = {}
    step = _FRAME_HEADER_BYTES + page_bytes
    for start in range(_WAL_HEADER_BYTES, len(log) - step + 1, step):
        frame = log[start : start + step]
        sums = _checksum(frame[:8] + frame[_FRAME_HEADER_BYTES:], order, sums)
        if frame[8:16] != log[16:24] or sums != (_u32(frame, 16), _u32(frame, 20)):
            break
        unfinished[_u32(frame, 0)] = frame[_FRAME_HEADER_BYTES:]
        if _u32(frame, 4):  # the last one of a transaction says how many pages there are then
            finished.update(unfinished)
            unfinished = {}
    return finished


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for one, two in zip(words, words, strict=True):
        first = (first + one + second) & _MASK
        second = (second + two + first) & _MASK
    return first, second


def _record(payload: bytes) -> tuple[Value, ...]:
    header_bytes, position = _varint(payload, 0)
    start = header_bytes
    values: list[Value] = []
    while position < header_bytes:
        serial, position = _varint(payload, position)
        value, start = _value(payload, start, serial)
        values.append(value)
    if position != header_bytes or start != len(payload):
        raise _DamagedError
    return tuple(values)


def _value(payload: bytes, start: int, serial: int) -> tuple[Value, int]:
    if serial in {0, 8, 9}:
        return (None if serial == 0 else serial - 8), start
    if serial in _INTEGER_BYTES:
        size = _INTEGER_BYTES[serial]
        return int.from_bytes(_part(payload, start, size), "big", signed=True), start + size
    if serial == _FLOAT:
        return float(struct.unpack(">d", _part(payload, start, 8))[0]), start + 8
    if serial < _FIRST_BLOB:
        raise _DamagedError
    size = (serial - _FIRST_BLOB) // 2
    data = _part(payload, start, size)
    return (data if serial % 2 == 0 else data.decode()), start + size


def _varint(data: bytes, start: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    number = 0
    for i in range(_MAX_VARINT_BYTES - 1):
        byte = data[start + i]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, start + i + 1
    return number << 8 | data[start + 8], start + _MAX_VARINT_BYTES


def _part(data: bytes, start: int, size: int) -> bytes:
    part = data[start : start + size]
    if len(part) != size:
        raise _DamagedError
    return part


def _u16(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 2], "big")


def _u32(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 4], "big")
