"""A folder of crops with one subfolder a person, as ``facerec align`` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facerec.errors import ImageReadError
from facerec.imaging.read import check_regular_file
from training.data.names import clean_path
from training.data.sources.base import (
    MAX_IMAGE_BYTES,
    TOO_LONG,
    CropFile,
    Skipped,
    SourceLog,
    person_of,
)


@dataclass(frozen=True)
class FolderSource:
    """See ``Source``.

    Attributes:
        name: see ``Source``.
        folder: the folder.
        paths: its images, sorted.
    """

    name: str
    folder: Path
    paths: tuple[Path, ...]

    @property
    def n_images(self) -> int:
        """See ``Source``."""
        return len(self.paths)

    def crops(self, log: SourceLog) -> Iterator[CropFile]:
        """See ``Source.crops``."""
        for path in self.paths:
            file = clean_path(path.relative_to(self.folder).as_posix())
            try:
                content = _content(path)
            except ImageReadError as exc:
                log.skipped.append(Skipped(self.name, file, exc.message))
                continue
            yield CropFile(person_of(file), file, content)


def _content(path: Path) -> bytes:
    check_regular_file(path)
    try:
        if path.stat().st_size > MAX_IMAGE_BYTES:
            raise ImageReadError(TOO_LONG)
        return path.read_bytes()
    except OSError as exc:
        raise ImageReadError(f"It cannot be read: {exc.strerror}.") from exc
