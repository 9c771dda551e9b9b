"""The exports and backups the program made: list them, and erase people from them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from facerec.errors import FacerecError
from facerec.gallery import copies
from facerec.gallery.backends.sqlite import SqliteBackend, connect
from facerec.gallery.backends.sqlite_backup import is_sealed, seal
from facerec.gallery.backends.sqlite_file import DATABASE_NAME
from facerec.gallery.copies import CopyKind, StoredCopy
from facerec.gallery.erase import Traces, erase_traces
from facerec.gallery.session import DEFAULT_BUSY_TIMEOUT_S, GalleryStore
from facerec.gallery.wiping import destroy_file, replace_destroying, staged
from facerec.services.archive_erase import archive_without, holds_person
from facerec.services.gallery import OpenGallery
from facerec.services.keys import find_secret


class CopyState(StrEnum):
    """What became of a copy when somebody was erased."""

    UNTOUCHED = "untouched"  # it did not hold them
    REWRITTEN = "rewritten"
    DESTROYED = "destroyed"  # it held nobody else
    MISSING = "missing"  # moved, or on a disk that is not there
    UNREACHED = "unreached"  # it could not be read or written


@dataclass(frozen=True, slots=True)
class CopyOutcome:
    """What became of one copy.

    Attributes:
        why: it could not be reached; empty when it was.
    """

    path: Path
    kind: CopyKind
    state: CopyState
    why: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether nothing of the erased is in it any more."""
        return self.state not in (CopyState.MISSING, CopyState.UNREACHED)


def list_copies(gallery: OpenGallery) -> list[StoredCopy]:
    """Return the files the program wrote people into, oldest first, there or not."""
    with gallery.store.read() as session:
        return copies.list_copies(session)


def forget_missing_copies(gallery: OpenGallery) -> int:
    """Take files off the list that are not at their place any more; returns how many."""
    gone = [copy.path for copy in list_copies(gallery) if not copy.path.exists()]
    with gallery.writing(gallery.now()) as session:
        return copies.forget_copies(session, gone)


def erase_from_copies(gallery: OpenGallery, traces: Traces) -> tuple[CopyOutcome, ...]:
    """Erase from every file on the list what the traces find there.

    A file that held nobody else is deleted and taken off the list; any other is written anew, and
    what it held before is overwritten on the disk.
    """
    outcomes = tuple(_erase_from(copy, traces) for copy in list_copies(gallery))
    gone = [found.path for found in outcomes if found.state is CopyState.DESTROYED]
    if gone:
        with gallery.writing(gallery.now()) as session:
            copies.forget_copies(session, gone)
    return outcomes


def _erase_from(copy: StoredCopy, traces: Traces) -> CopyOutcome:
    if not copy.path.exists():
        return CopyOutcome(copy.path, copy.kind, CopyState.MISSING)
    try:
        state = _ERASERS[copy.kind](copy.path, traces)
    except FacerecError as error:
        return CopyOutcome(copy.path, copy.kind, CopyState.UNREACHED, error.message)
    except OSError as error:
        return CopyOutcome(copy.path, copy.kind, CopyState.UNREACHED, error.strerror or str(error))
    return CopyOutcome(copy.path, copy.kind, state)


def _erase_from_export(path: Path, traces: Traces) -> CopyState:
    with staged(path) as making:
        n_left, n_erased = archive_without(path, traces, making)
        if not n_erased:
            return CopyState.UNTOUCHED
        if n_left:
            replace_destroying(making, path)
            return CopyState.REWRITTEN
    destroy_file(path)
    return CopyState.DESTROYED


def _erase_person_export(path: Path, traces: Traces) -> CopyState:
    if not holds_person(path, traces):
        return CopyState.UNTOUCHED
    destroy_file(path)
    return CopyState.DESTROYED


def _erase_from_backup(path: Path, traces: Traces) -> CopyState:
    """Erase within a second copy beside it, which then takes its place."""
    database = path / DATABASE_NAME if path.is_dir() else path
    folder = Path(tempfile.mkdtemp(prefix=".facerec-", dir=database.parent))
    making = folder / DATABASE_NAME
    try:
        shutil.copyfile(database, making)
        with GalleryStore.open(folder, create=False, find_secret=find_secret) as store:
            with store.write() as session:
                found = erase_traces(session, traces)
            store.wipe()
            key = store.key
        if found:
            with (
                SqliteBackend(making, DEFAULT_BUSY_TIMEOUT_S, key).translated(),
                closing(connect(making, DEFAULT_BUSY_TIMEOUT_S, key)) as raw,
            ):
                if is_sealed(raw):
                    seal(raw)
                raw.execute("PRAGMA journal_mode = DELETE").fetchall()
            replace_destroying(making, database)
    finally:
        for left in folder.iterdir():
            destroy_file(left)
        folder.rmdir()
    return CopyState.REWRITTEN if found else CopyState.UNTOUCHED


_ERASERS: dict[CopyKind, Callable[[Path, Traces], CopyState]] = {
    CopyKind.EXPORT: _erase_from_export,
    CopyKind.PERSON_EXPORT: _erase_person_export,
    CopyKind.BACKUP: _erase_from_backup,
}
