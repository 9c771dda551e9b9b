"""Put another database into a gallery's place, keeping the one that was there.

A whole database is written over in one transaction: other programs that have it open go on, and see
the new content. A damaged one is kept as it is under another name, with its write-ahead log, and
the new file takes its place in one step. A program that is killed leaves the old or the new one.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from facerec.errors import DatabaseBusyError, StoreError
from facerec.gallery import migrate
from facerec.gallery.backends.sqlcipher import DatabaseKey
from facerec.gallery.backends.sqlite import (
    SqliteBackend,
    connect,
    database_errors,
)
from facerec.gallery.backends.sqlite_backup import MANIFEST_TABLE, copy_database
from facerec.gallery.backends.sqlite_file import (
    PAGE_SIZE_BYTES,
    is_open_here,
    sync_file,
    unfinished_name,
)
from facerec.gallery.backends.sqlite_pages import PageFile
from facerec.gallery.wiping import sync_folder

# SQLite's own lock of everybody who has a file open: first byte and how many.
_SHARED_LOCK = (0x40000002, 510)
_SIDE_FILES = ("-wal", "-shm")
# Read from the gallery that is replaced, so that its numbers are not given again.
_COPIES = "SELECT path, kind, made_at FROM copies"
_COUNTERS = "SELECT name, seq FROM sqlite_sequence"


@dataclass(frozen=True, slots=True)
class Carried:
    """What a gallery hands on to the one that takes its place.

    Attributes:
        revision: how many changes it had.
        sequences: table -> the highest id it ever gave.
        copies: path, kind and time of the files outside it that an erasure must reach.
    """

    revision: int = 0
    sequences: tuple[tuple[str, int], ...] = ()
    copies: tuple[tuple[str, str, str], ...] = ()


def carried_over(path: Path, busy_timeout_s: float, key: DatabaseKey | None = None) -> Carried:
    """Read what must be handed on; nothing of a database that cannot be read."""
    if not path.exists():
        return Carried()
    try:
        with contextlib.closing(connect(path, busy_timeout_s, key)) as connection:
            (revision,) = connection.execute("SELECT revision FROM gallery").fetchone()
            sequences = tuple(connection.execute(_COUNTERS).fetchall())
            copies: tuple[tuple[str, str, str], ...] = ()
            with contextlib.suppress(database_errors(key)):  # an older gallery has no such list
                copies = tuple(connection.execute(_COPIES).fetchall())
            return Carried(int(revision), sequences, copies)
    except (database_errors(key), TypeError):
        return Carried()


def make_ready(
    path: Path, carried: Carried, busy_timeout_s: float, key: DatabaseKey | None = None
) -> None:
    """Make a copy of a backup a gallery of its own: newest tables, new identity, no used ids."""
    backend = SqliteBackend(path, busy_timeout_s, key)
    try:
        with backend.translated():
            with backend.engine.connect() as reading:
                is_old = migrate.stored_revision(reading) != migrate.HEAD_REVISION
            if is_old:
                with backend.migrating() as connection:
                    migrate.upgrade(connection)
            with contextlib.closing(connect(path, busy_timeout_s, key)) as raw:
                _give_identity(raw, carried)
    finally:
        backend.close()


def _give_identity(connection: sqlite3.Connection, carried: Carried) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"DROP TABLE IF EXISTS {MANIFEST_TABLE}")
    connection.execute(
        "UPDATE gallery SET uuid = ?, vectors_token = ?, revision = max(revision, ?) + 1",
        (str(uuid.uuid4()), uuid.uuid4().hex, carried.revision),
    )
    connection.execute(
        "UPDATE gallery SET vectors_revision = revision, returned_revision = revision"
    )
    connection.executemany(
        "INSERT OR IGNORE INTO copies (path, kind, made_at) VALUES (?, ?, ?)", carried.copies
    )
    for name, highest in carried.sequences:
        changed = connection.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (highest, name)
        )
        is_table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        if not changed.rowcount and connection.execute(is_table, (name,)).fetchone():
            connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, highest))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def overwrite(path: Path, new: Path, busy_timeout_s: float, key: DatabaseKey | None = None) -> None:
    """Write a whole database over with another of the same key in one transaction.

    Raises:
        DatabaseBusyError: another program held it for too long.
        StoreError: it cannot be written; it is as it was.
    """
    backend = SqliteBackend(path, busy_timeout_s, key)
    try:
        with (
            backend.translated(),
            contextlib.closing(connect(new, busy_timeout_s, key)) as source,
            contextlib.closing(connect(path, busy_timeout_s, key)) as target,
        ):
            copy_database(source, target, busy_timeout_s)
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        backend.close()


def swap(path: Path, new: Path, aside: Path) -> None:
    """Put a new file in the place of a damaged one.

    Args:
        path: of the damaged database.
        new: a whole one in the same folder, which nobody has open.
        aside: a folder to be made, which gets the damaged one with what lies beside it.

    Raises:
        DatabaseBusyError: another program has the damaged one open.
        StoreError: the folder cannot be written; nothing was changed.
    """
    try:
        with _alone(path):
            _keep(path, aside)
            sync_file(new)
            # The old log must be gone before the new database is there: it would be taken for its.
            # What is in it goes into the damaged database first, should this end here.
            PageFile.read(path, usual_page_bytes=PAGE_SIZE_BYTES).settle(path)
            sync_file(path)
            for ending in _SIDE_FILES:
                (path.parent / (path.name + ending)).unlink(missing_ok=True)
            sync_folder(path.parent)
            new.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise StoreError(
            f"The damaged gallery cannot be replaced ({error.strerror}).",
            remedy="Check who may write to its folder, and whether the disk has enough space.",
        ) from error


def set_log_aside(path: Path, aside: Path) -> Path | None:
    """Move the write-ahead log of a database that is gone into a new folder, if there is one."""
    left = [path.with_name(path.name + ending) for ending in _SIDE_FILES]
    if not left[0].exists():
        return None
    aside.mkdir()
    for file in left:
        if file.exists():
            file.rename(aside / file.name)
    sync_folder(path.parent)
    return aside


def _keep(path: Path, aside: Path) -> None:
    """Copy a database and what lies beside it into a new folder, all or nothing."""
    making = unfinished_name(aside)
    making.mkdir()
    for name in (path.name, *(path.name + ending for ending in _SIDE_FILES)):
        if (path.parent / name).exists():
            shutil.copy2(path.parent / name, making / name)
            sync_file(making / name)
    sync_folder(making)
    making.rename(aside)
    sync_folder(aside.parent)


@contextlib.contextmanager
def new_database(path: Path, fill: Callable[[Path], None]) -> Iterator[Path]:
    """Make a database beside another, for the block to put into its place.

    Args:
        path: of the other one.
        fill: makes it in the file it is given.
    """
    making = unfinished_name(path)
    try:
        fill(making)
        yield making
    finally:
        for leftover in path.parent.glob(f"{making.name}*"):
            leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Take the lock that SQLite's users of a file share; where there is no such lock, go on."""
    if is_open_here(path):
        raise _still_open()
    try:
        import fcntl
    except ImportError:  # Windows, where a file that is open cannot be replaced anyway
        yield
        return
    with path.open("rb+") as stream:
        start, length = _SHARED_LOCK
        try:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
        except OSError as error:
            raise _still_open() from error
        yield


def _still_open() -> DatabaseBusyError:
    return DatabaseBusyError(
        "Another program has the damaged gallery open.", remedy="Close it, then try again."
    )
