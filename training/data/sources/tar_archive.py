"""Tar archives of crops, plain or packed with gzip or bzip2, WebDataset shards among them.

Members are listed by ``tarfile`` and their bytes read where it says they lie. Links, devices and
sparse files are left out. A member ``7.cls`` beside ``7.jpg`` (WebDataset) names the person.
"""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zlib
from pathlib import Path
from typing import IO, cast

from facerec.errors import ImageReadError
from facerec.imaging.read import is_image_name
from training.data.names import clean_path
from training.data.sources.base import CUT_OFF, MAX_IMAGE_BYTES, TOO_LONG, BoundedReader

GZIP_ENDINGS = (".tar.gz", ".tgz")
BZIP2_ENDINGS = (".tar.bz2", ".tbz2")
TAR_ENDINGS = (".tar", *GZIP_ENDINGS, *BZIP2_ENDINGS)
# A packed archive that grows beyond this many times its size holds no images.
_MAX_RATIO = 100
_FLOOR_BYTES = 64 * 2**20
# Headers with long names; some versions of ``tarfile`` take quadratic time over them.
_MAX_HEADER_BYTES = 64 * 2**10
_LABEL_ENDING = ".cls"
_MAX_LABEL_BYTES = 256
_PLAIN_TYPES = (tarfile.REGTYPE, tarfile.AREGTYPE)
# What ``tarfile`` and the decompressors raise on damaged files.
TAR_FAULTS = (
    tarfile.TarError,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    OverflowError,
    RuntimeError,
    MemoryError,
    zlib.error,
)


class TarArchive:
    """See ``Archive``."""

    def __init__(self, path: Path) -> None:
        """List the images of an archive.

        Raises:
            OSError: the file cannot be opened.
        """
        self.path = path
        self.names: list[str] = []
        self.labels: dict[str, str] = {}
        self.note = ""
        self._places: list[tuple[int, int]] = []  # offset, size
        with self._open(_MAX_HEADER_BYTES) as stream:
            reached = self._list(stream)
            is_whole = _ends_well(stream, reached)
        if not is_whole:
            self.note = (
                f"{path.name} is damaged or cut off near byte {reached:,} of its content; what "
                "lies before was read."
            )

    def open(self) -> BoundedReader:
        """See ``Archive.open``."""
        return self._open(MAX_IMAGE_BYTES)

    def _open(self, max_read: int) -> BoundedReader:
        name, length = self.path.name.lower(), self.path.stat().st_size
        unpacked = max(_MAX_RATIO * length, _FLOOR_BYTES)
        stream: io.BufferedIOBase
        if name.endswith(GZIP_ENDINGS):
            stream, length = gzip.GzipFile(self.path), unpacked
        elif name.endswith(BZIP2_ENDINGS):
            stream, length = bz2.BZ2File(self.path), unpacked
        else:
            stream = self.path.open("rb")
        return BoundedReader(stream, length=length, max_read=max_read)

    def read(self, stream: BoundedReader, row: int) -> bytes:
        """See ``Archive.read``."""
        offset, size = self._places[row]
        if size > MAX_IMAGE_BYTES:
            raise ImageReadError(TOO_LONG)
        try:
            stream.seek(offset)
            content = stream.read(size)
        except TAR_FAULTS as exc:
            raise ImageReadError(CUT_OFF) from exc
        if len(content) != size:
            raise ImageReadError(CUT_OFF)
        return content

    def _list(self, stream: BoundedReader) -> int:
        """Fill ``names`` and ``labels``; returns the byte where the last whole member ends."""
        reached = 0
        labels: dict[str, str] = {}
        try:
            with tarfile.TarFile(fileobj=cast("IO[bytes]", stream), errorlevel=0) as archive:
                while (member := archive.next()) is not None:
                    if member.offset < reached or member.size < 0:
                        break  # it points backwards: going on would not end
                    self._note_member(stream, member, labels)
                    reached = archive.offset
                    # The list would hold a kilobyte a member.
                    archive.members.clear()  # type: ignore[attr-defined]
        except TAR_FAULTS:
            pass
        self.labels = {name: labels[key] for name in self.names if (key := _sample(name)) in labels}
        return reached

    def _note_member(
        self, stream: BoundedReader, member: tarfile.TarInfo, labels: dict[str, str]
    ) -> None:
        if member.type not in _PLAIN_TYPES:
            return
        name = clean_path(member.name)
        *folders, file = name.split("/")
        if any(folder.startswith(".") for folder in folders):
            return
        if is_image_name(file):
            self.names.append(name)
            self._places.append((member.offset_data, member.size))
        elif file.endswith(_LABEL_ENDING) and member.size <= _MAX_LABEL_BYTES:
            stream.seek(member.offset_data)
            label = stream.read(member.size).decode("utf-8", "replace")
            labels[_sample(name)] = clean_path(label).replace("/", " ")


def _sample(name: str) -> str:
    """WebDataset's key: the name up to the first dot of the file's own name."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def _ends_well(stream: BoundedReader, reached: int) -> bool:
    """Whether an end mark follows: at least one block of zeros."""
    try:
        stream.seek(reached)
        block = stream.read(tarfile.BLOCKSIZE)
    except TAR_FAULTS:
        return False
    return block == bytes(tarfile.BLOCKSIZE)
