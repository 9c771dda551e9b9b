"""Write a backup of a gallery while it is in use, and check one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facerec.errors import DuplicateError
from facerec.gallery.backends.sqlite_backup import Manifest, verify_backup, write_backup
from facerec.gallery.copies import CopyKind, register_copy
from facerec.gallery.session import DEFAULT_BUSY_TIMEOUT_S
from facerec.services.gallery import OpenGallery

__all__ = ["BackupReport", "Manifest", "back_up", "verify_backup"]


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A backup that was written and read back.

    Attributes:
        path: of the file.
        n_bytes: its size.
        manifest: what it holds.
    """

    path: Path
    n_bytes: int
    manifest: Manifest


def back_up(gallery: OpenGallery, out: Path) -> BackupReport:
    """Write everything a gallery holds to one file, history included, and verify it.

    Other programs may read and write meanwhile: the backup is of one moment. Under its name there
    is a whole backup or none, whenever the program is stopped. An encrypted gallery's backup is
    encrypted with the same key, and an erasure reaches it while it stays at its place.

    Args:
        gallery: what to back up.
        out: the file to make.

    Raises:
        DuplicateError: the file is there already.
        StoreError: it cannot be written, or the gallery cannot be read.
    """
    if out.exists():
        raise DuplicateError(f"{out} is there already.", remedy="Name another file.")
    with gallery.writing(gallery.now()) as session:
        register_copy(session, out, CopyKind.BACKUP)
    store = gallery.store
    manifest = write_backup(
        store.database_path, out, busy_timeout_s=DEFAULT_BUSY_TIMEOUT_S, key=store.key
    )
    return BackupReport(out, out.stat().st_size, manifest)
