"""The list of files outside the gallery's folder that the program wrote people into.

An erasure reaches what is on this list, so whatever writes such a file says so here first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from facerec.gallery.tables import CopyRow


class CopyKind(StrEnum):
    """What a copy is.

    ``EXPORT`` is an archive of ``facerec gallery export``, ``PERSON_EXPORT`` one of
    ``export-person``, ``BACKUP`` a database of a whole gallery, as a file or in its folder.
    """

    EXPORT = "export"
    PERSON_EXPORT = "person_export"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """A file that may hold people.

    Attributes:
        path: absolute.
        kind: what it is.
        made_at: UTC.
    """

    path: Path
    kind: CopyKind
    made_at: datetime


def register_copy(session: Session, path: Path, kind: CopyKind) -> None:
    """Put a file on the list, within ``GalleryStore.write`` and before it is written.

    Args:
        session: of the transaction.
        path: of the file; an older entry for it is replaced.
        kind: what it is.
    """
    where = str(path.absolute())
    session.execute(delete(CopyRow).where(CopyRow.path == where))
    session.execute(insert(CopyRow).values(path=where, kind=kind, made_at=datetime.now(UTC)))


def list_copies(session: Session) -> list[StoredCopy]:
    """Return all files on the list, oldest first, whether they are still there or not."""
    rows = session.scalars(select(CopyRow).order_by(CopyRow.id))
    return [StoredCopy(Path(row.path), CopyKind(row.kind), row.made_at) for row in rows]


def forget_copies(session: Session, paths: Sequence[Path]) -> int:
    """Take files off the list, within ``GalleryStore.write``; returns how many were on it."""
    where = CopyRow.path.in_([str(path.absolute()) for path in paths])
    return len(session.execute(delete(CopyRow).where(where).returning(CopyRow.id)).all())
