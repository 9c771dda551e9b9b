"""What a source of crops is, and what all kinds share: limits, the log, how people are named.

In come files, out come encoded images with their people's names. Nothing is ever extracted to disk.
What cannot be read is passed over and logged; only a source without any image is an error.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from facerec.errors import ImageReadError

# A crop of 112 x 112 pixels takes 38 kB without compression; a photograph that is to be resized
# seldom takes more than this.
MAX_IMAGE_BYTES = 32 * 2**20
TOO_LONG = f"It has more than {MAX_IMAGE_BYTES // 2**20} MiB."
CUT_OFF = "It is damaged or cut off."

# Folders around all people that are looked through.
MAX_WRAPPING = 8


@dataclass(frozen=True, slots=True)
class CropFile:
    """One encoded image of a source.

    Attributes:
        person: who it shows, unique within the source; empty when unknown.
        file: where it lies in the source.
        content: the image file's bytes.
    """

    person: str
    file: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Skipped:
    """An image that was passed over, and why in one sentence."""

    source: str
    file: str
    reason: str


@dataclass(slots=True)
class SourceLog:
    """What went wrong on the way.

    Attributes:
        skipped: single images that could not be read.
        notes: sentences about whole files, such as where one breaks off.
    """

    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Source(Protocol):
    """A data set.

    Attributes:
        name: tells its people from those of other sources.
        n_images: how many images are expected; 0 when unknown.
    """

    @property
    def name(self) -> str:
        """See above."""
        ...

    @property
    def n_images(self) -> int:
        """See above."""
        ...

    def crops(self, log: SourceLog) -> Iterator[CropFile]:
        """Read all images in an order that only the files decide.

        Args:
            log: hears of images that cannot be read.
        """
        ...


class Archive(Protocol):
    """One archive file, its images listed.

    Attributes:
        path: the file.
        names: cleaned names of its images, in its own order.
        labels: name -> person, where the archive says so itself.
        note: where it breaks off, in one sentence; empty when it is whole.
    """

    @property
    def path(self) -> Path:
        """See above."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """See above."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """See above."""
        ...

    @property
    def note(self) -> str:
        """See above."""
        ...

    def open(self) -> BoundedReader:
        """Open the file for ``read``."""
        ...

    def read(self, stream: BoundedReader, row: int) -> bytes:
        """Return the bytes of the image ``names[row]``.

        Args:
            stream: from ``open``.
            row: which image.

        Raises:
            ImageReadError: they are too many, damaged, locked or missing.
        """
        ...


@dataclass(frozen=True)
class ArchiveSource:
    """One archive, or the shards of one, with one folder a person inside.

    Attributes:
        name: see ``Source``.
        archives: the shards.
    """

    name: str
    archives: tuple[Archive, ...]

    @property
    def n_images(self) -> int:
        """See ``Source``."""
        return sum(len(archive.names) for archive in self.archives)

    def crops(self, log: SourceLog) -> Iterator[CropFile]:
        """See ``Source.crops``."""
        depth = wrapping_depth([name for archive in self.archives for name in archive.names])
        for archive in self.archives:
            shard = "" if len(self.archives) == 1 else f"{archive.path.name}/"
            with archive.open() as stream:
                for row, name in enumerate(archive.names):
                    try:
                        content = archive.read(stream, row)
                    except ImageReadError as exc:
                        log.skipped.append(Skipped(self.name, shard + name, exc.message))
                        continue
                    person = archive.labels.get(name) or person_of(name, depth)
                    yield CropFile(person, shard + name, content)
            if archive.note:
                log.notes.append(archive.note)


def person_of(name: str, depth: int = 0) -> str:
    """Return the folder that an image lies in: the outermost one below ``depth`` wrapping ones."""
    parts = name.split("/")[depth:]
    return parts[0] if len(parts) > 1 else ""


def wrapping_depth(names: Sequence[str]) -> int:
    """Count the folders that wrap all people of an archive, such as ``lfw/`` in ``lfw.zip``.

    A folder that holds everything is a wrapping only where all images lie in folders of their own
    inside it; otherwise it is the one person there is.
    """
    for depth in range(MAX_WRAPPING):
        first = Counter(name.split("/", depth + 1)[depth] for name in names)
        is_nested = all(name.count("/") >= depth + 2 for name in names)
        if len(first) != 1 or not is_nested:
            return depth
    return MAX_WRAPPING


class BoundedReader(io.RawIOBase):
    """A stream that never hands out more than it has, nor more at once than is reasonable.

    The libraries that read archives believe the lengths they find there. Asked for too much, this
    raises ``OSError`` before any memory is taken.
    """

    def __init__(self, stream: io.BufferedIOBase, *, length: int, max_read: int) -> None:
        """Wrap a stream.

        Args:
            stream: seekable; closed with this one.
            length: bytes it has, or beyond which it is not followed.
            max_read: bytes it hands out at once.
        """
        super().__init__()
        self._stream = stream
        self._length = length
        self._max_read = max_read

    def read(self, size: int | None = -1, /) -> bytes:
        """See ``io.RawIOBase``."""
        rest = max(self._length - self._stream.tell(), 0)
        wanted = rest if size is None or size < 0 else min(size, rest)
        if wanted > self._max_read:
            raise OSError("more than the limit at once")
        return self._stream.read(wanted)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """See ``io.RawIOBase``."""
        if whence == io.SEEK_SET and not 0 <= offset <= self._length:
            raise OSError("beyond the end")
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """See ``io.RawIOBase``."""
        return self._stream.tell()

    def seekable(self) -> bool:
        """See ``io.RawIOBase``."""
        return True

    def readable(self) -> bool:
        """See ``io.RawIOBase``."""
        return True

    def close(self) -> None:
        """See ``io.RawIOBase``."""
        self._stream.close()
        super().close()
