"""Zip archives of crops, whole ones by their directory, cut-off ones file by file.

A zip's directory stands at its end. Where that is missing, the header before each file still says
what it is, so that everything before the break can be read.
"""

from __future__ import annotations

import bz2
import contextlib
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from facerec.errors import ImageReadError
from facerec.imaging.read import is_image_name
from training.data.names import clean_path
from training.data.sources.base import CUT_OFF, MAX_IMAGE_BYTES, TOO_LONG, BoundedReader

# PKWARE APPNOTE 4.3.7: signature, version, flags, method, time, date, CRC-32, packed and unpacked
# size, length of name and of extra field.
_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_DIRECTORY_SIGNATURES = (b"PK\x01\x02", b"PK\x05\x06")
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
_IS_LOCKED, _HAS_DESCRIPTOR, _IS_UTF8 = 0x1, 0x8, 0x800
_STORED, _DEFLATED, _BZIP2 = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2
# LZMA is left out: its window may take gigabytes, and images gain nothing by it.
_METHODS = (_STORED, _DEFLATED, _BZIP2)
# Images hardly get smaller by packing; an empty one of 112 x 112 pixels without compression does.
_MAX_RATIO = 100
_FLOOR_BYTES = 64 * 2**10
_CHUNK_BYTES = 2**16
_METADATA_FOLDER = "__MACOSX"
# What ``zipfile`` and the decompressors raise on damaged files.
ZIP_FAULTS = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    OverflowError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    start: int  # of the local header
    packed_size: int
    size: int
    crc: int
    method: int
    is_locked: bool


class ZipArchive:
    """See ``Archive``."""

    labels: ClassVar[Mapping[str, str]] = {}

    def __init__(self, path: Path) -> None:
        """List the images of an archive.

        Raises:
            OSError: the file cannot be opened.
        """
        self.path = path
        self.note = ""
        self._length = path.stat().st_size
        with self.open() as stream:
            try:
                found = self._from_directory(stream)
            except ZIP_FAULTS:
                found = self._from_headers(stream)
        self._members = [one for one in found if _is_wanted(one.name)]
        self.names = [one.name for one in self._members]

    def open(self) -> BoundedReader:
        """See ``Archive.open``."""
        return BoundedReader(self.path.open("rb"), length=self._length, max_read=self._length)

    def read(self, stream: BoundedReader, row: int) -> bytes:
        """See ``Archive.read``."""
        member = self._members[row]
        if member.is_locked:
            raise ImageReadError("It is locked with a password.")
        if member.method not in _METHODS:
            raise ImageReadError("It is compressed in a way that is not read here.")
        if member.size > min(MAX_IMAGE_BYTES, _FLOOR_BYTES + _MAX_RATIO * member.packed_size):
            raise ImageReadError(TOO_LONG)
        try:
            content = _unpacked(member, _packed(stream, member))
        except ZIP_FAULTS as exc:
            raise ImageReadError(CUT_OFF) from exc
        if len(content) != member.size or zlib.crc32(content) != member.crc:
            raise ImageReadError(CUT_OFF)
        return content

    def _from_directory(self, stream: BoundedReader) -> list[_Member]:
        with zipfile.ZipFile(stream) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
        if sum(info.compress_size for info in infos) > self._length:
            raise zipfile.BadZipFile("files overlap")
        return [
            _Member(
                _name(info.orig_filename, info.flag_bits),
                info.header_offset,
                info.compress_size,
                info.file_size,
                info.CRC,
                info.compress_type,
                bool(info.flag_bits & _IS_LOCKED),
            )
            for info in infos
        ]

    def _from_headers(self, stream: BoundedReader) -> list[_Member]:
        """Go from header to header; sets ``note`` to where that ends."""
        found: list[_Member] = []
        start = 0
        while True:
            stream.seek(start)
            raw = stream.read(_LOCAL.size)
            if found and raw[:4] in _DIRECTORY_SIGNATURES:
                self.note = f"The directory of {self.path.name} is damaged; its files were read."
                return found
            member, start = self._member(stream, raw, start)
            if member is None:
                self.note = (
                    f"{self.path.name} breaks off at byte {start:,} of {self._length:,}; what lies "
                    "before was read."
                )
                return found
            found.append(member)

    def _member(self, stream: BoundedReader, raw: bytes, start: int) -> tuple[_Member | None, int]:
        """Describe the file whose header this is, and say where the next one begins.

        None, and where it began itself, when it is not there to its end.
        """
        if len(raw) < _LOCAL.size or not raw.startswith(_LOCAL_SIGNATURE):
            return None, start
        fields = _LOCAL.unpack(raw)
        flags, method, (crc, packed_size, size, n_name, n_extra) = fields[2], fields[3], fields[6:]
        name = stream.read(n_name).decode("utf-8" if flags & _IS_UTF8 else "cp437", "replace")
        data = start + _LOCAL.size + n_name + n_extra
        end = data + packed_size
        if flags & _HAS_DESCRIPTOR and not packed_size:
            measured = _measured(stream, data) if method == _DEFLATED else None
            if measured is None:
                return None, start
            crc, packed_size, size, end = measured
        if end > self._length:
            return None, start
        is_locked = bool(flags & _IS_LOCKED)
        return _Member(_name(name, flags), start, packed_size, size, crc, method, is_locked), end


def _packed(stream: BoundedReader, member: _Member) -> bytes:
    stream.seek(member.start)
    header = _LOCAL.unpack(stream.read(_LOCAL.size))
    if header[0] != _LOCAL_SIGNATURE:
        raise ImageReadError(CUT_OFF)
    stream.seek(header[-2] + header[-1], io.SEEK_CUR)
    return stream.read(member.packed_size)


def _measured(stream: BoundedReader, data: int) -> tuple[int, int, int, int] | None:
    """Unpack a file whose length stands behind it.

    Returns:
        CRC-32, packed size, size, and where the next file begins; None when it has no end.
    """
    stream.seek(data)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    crc = size = packed_size = 0
    while not unpacker.eof:
        chunk = stream.read(_CHUNK_BYTES)
        try:
            content = unpacker.decompress(chunk, MAX_IMAGE_BYTES)
        except zlib.error:
            return None
        crc, size, packed_size = (
            zlib.crc32(content, crc),
            size + len(content),
            packed_size + len(chunk),
        )
        if not chunk or unpacker.unconsumed_tail or size > MAX_IMAGE_BYTES:
            return None
    packed_size -= len(unpacker.unused_data)
    stream.seek(data + packed_size)
    has_signature = stream.read(len(_DESCRIPTOR_SIGNATURE)) == _DESCRIPTOR_SIGNATURE
    return crc, packed_size, size, data + packed_size + (16 if has_signature else 12)


def _name(name: str, flags: int) -> str:
    """Undo code page 437 where the bytes are UTF-8: many programs forget to say so."""
    if not flags & _IS_UTF8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return clean_path(name)


def _is_wanted(name: str) -> bool:
    *folders, file = name.split("/")
    is_hidden = any(part.startswith(".") or part == _METADATA_FOLDER for part in folders)
    return is_image_name(file) and not is_hidden


def _unpacked(member: _Member, packed: bytes) -> bytes:
    """Unpack at most one byte more than the file is said to have."""
    if member.method == _STORED:
        return packed
    if member.method == _DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, member.size + 1)
    return bz2.BZ2Decompressor().decompress(packed, member.size + 1)
