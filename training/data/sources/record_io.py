"""RecordIO files of MXNet, as InsightFace distributes its training sets, read without MXNet.

A file is a row of parts, each on a border of four bytes: the magic number, a word whose upper three
bits say which part of a record it is (0 a whole one, 1 first, 2 middle, 3 last) and whose lower 29
bits are its length, the data, zeros up to the next border. A record in which the magic number stood
on such a border was cut there, without it. A record of a data set begins with ``IRHeader``: flag
(uint32), label (float32), id and second id (uint64); with ``flag`` > 0 so many float32 labels
follow; then the image file. InsightFace's record 0 is no image: its labels a and b say that the
images are records 1 .. a - 1, and that records a .. b - 1 hold each person's range, without image.

The index beside it (``.idx``) is not needed, since records are read in the order of the file.

Reference:
    dmlc-core, ``include/dmlc/recordio.h``; MXNet, ``python/mxnet/recordio.py`` (Apache-2.0; formats
    only, own implementation).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from training.data.sources.base import CUT_OFF, MAX_IMAGE_BYTES, CropFile, Skipped, SourceLog

_MAGIC = struct.pack("<I", 0xCED7230A)
_PART = struct.Struct("<4sI")
_LENGTH_BITS = 29
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_HEADER = struct.Struct("<IfQQ")
_LABEL_BYTES = 4
_BORDER = 4
# Beside the image: the header and a few labels.
_MAX_RECORD_BYTES = MAX_IMAGE_BYTES + 2**16
_SEARCH_BYTES = 2**12


@dataclass(frozen=True)
class RecordSource:
    """See ``Source``.

    Attributes:
        name: see ``Source``.
        path: the ``.rec`` file.
    """

    name: str
    path: Path

    @property
    def n_images(self) -> int:
        """How many the first record announces; 0 when it does not."""
        with self.path.open("rb") as stream:
            for _, record in _Records(stream, self.path.stat().st_size):
                return _announced(record)
        return 0

    def crops(self, log: SourceLog) -> Iterator[CropFile]:
        """See ``Source.crops``; people are called by their label, images by their record."""
        n_found = announced = 0
        with self.path.open("rb") as stream:
            records = _Records(stream, self.path.stat().st_size)
            for number, (start, record) in enumerate(records):
                if number == 0 and (announced := _announced(record)):
                    continue
                file = f"record {number} at byte {start}"
                person, content, reason = _read_record(record)
                if reason:
                    log.skipped.append(Skipped(self.name, file, reason))
                elif content:
                    n_found += 1
                    yield CropFile(person, file, content)
        if records.note:
            log.notes.append(f"{self.path.name} {records.note}")
        if announced and n_found < announced:
            log.notes.append(
                f"{self.path.name} announces {announced:,} images; {n_found:,} were read."
            )


class _Records:
    """Goes from record to record; where one is damaged, on to the next that begins anywhere.

    Attributes:
        note: where the file breaks off; empty when it does not.
    """

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream = stream
        self._length = length
        self.note = ""

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield where each record begins and its bytes, None for one that is damaged."""
        start: int | None = 0
        while start is not None and start < self._length:
            record, end = self._record(start)
            if record is not None:
                yield start, record
                start = end
                continue
            following = self._search(max(end, start + _BORDER))
            if following is None:
                self.note = (
                    f"breaks off at byte {start:,} of {self._length:,}; what lies before was read."
                )
            else:
                yield start, None
            start = following

    def _record(self, start: int) -> tuple[bytes | None, int]:
        """Read one record; returns its bytes, if they are whole, and where that ended."""
        parts: list[bytes] = []
        wanted, end = (_WHOLE, _FIRST), start
        while True:
            kind, data, after = self._part(end, wanted, _MAX_RECORD_BYTES - sum(map(len, parts)))
            if data is None:
                return None, end
            parts.append(data)
            end = after
            if kind in (_WHOLE, _LAST):
                return _MAGIC.join(parts), end
            wanted = (_MIDDLE, _LAST)

    def _part(
        self, start: int, wanted: tuple[int, int], max_bytes: int
    ) -> tuple[int, bytes | None, int]:
        """Read one part; returns its kind, its data and where the next one begins."""
        self._stream.seek(start)
        head = self._stream.read(_PART.size)
        if len(head) < _PART.size or not head.startswith(_MAGIC):
            return _WHOLE, None, start
        kind, length = _kind_and_length(head)
        is_inside = start + _PART.size + length <= self._length
        if kind not in wanted or not is_inside or length > max_bytes:
            return kind, None, start
        data = self._stream.read(length)
        if next(_borders_with_magic(data), None) is not None:
            return kind, None, start  # the length is wrong: it swallows the next record
        padded = -(-length // _BORDER) * _BORDER
        return kind, data, start + _PART.size + padded

    def _search(self, start: int) -> int | None:
        """Find the first byte from ``start`` on where a record may begin."""
        start = -(-start // _BORDER) * _BORDER
        size = _SEARCH_BYTES
        while start < self._length:
            self._stream.seek(start)
            block = self._stream.read(size)
            for at in _borders_with_magic(block[:-_BORDER]):
                if _kind_and_length(block, at)[0] in (_WHOLE, _FIRST):
                    return start + at
            # The last few bytes once more: a magic number may begin there.
            start += max(len(block) - 2 * _BORDER, _BORDER)
            size *= 2
        return None


def _borders_with_magic(data: bytes) -> Iterator[int]:
    at = data.find(_MAGIC)
    while at >= 0:
        if at % _BORDER == 0:
            yield at
        at = data.find(_MAGIC, at + 1)


def _kind_and_length(head: bytes, at: int = 0) -> tuple[int, int]:
    word = _PART.unpack_from(head, at)[1]
    return word >> _LENGTH_BITS, word & ((1 << _LENGTH_BITS) - 1)


def _announced(record: bytes | None) -> int:
    """Return how many images a data set's first record says there are; 0 when it is an image."""
    if record is None or len(record) < _HEADER.size:
        return 0
    n_labels = _HEADER.unpack_from(record)[0]
    if n_labels < 2 or len(record) != _HEADER.size + n_labels * _LABEL_BYTES:
        return 0
    end = struct.unpack_from("<f", record, _HEADER.size)[0]
    return max(int(end) - 1, 0) if math.isfinite(end) else 0


def _read_record(record: bytes | None) -> tuple[str, bytes, str]:
    """Take a record apart.

    Returns:
        Who it shows; the image file, empty when the record holds a person's range; and why it
        cannot be used, empty when it can.
    """
    if record is None or len(record) < _HEADER.size:
        return "", b"", CUT_OFF
    n_labels, label, _, _ = _HEADER.unpack_from(record)
    start = _HEADER.size + n_labels * _LABEL_BYTES
    if start > len(record):
        return "", b"", CUT_OFF
    if n_labels:
        label = struct.unpack_from("<f", record, _HEADER.size)[0]
    content = record[start:]
    if not content:
        return "", b"", "" if n_labels else CUT_OFF
    if not math.isfinite(label) or label != int(label):
        return "", b"", "Its label is no whole number."
    return (str(int(label)) if label >= 0 else ""), content, ""
