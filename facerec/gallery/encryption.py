"""Encrypt a gallery's database, decrypt it, or change its key: one rewriting of the whole file.

The new file is made whole and checked beside the old one while nobody else can use the gallery, and
then takes its place in one step. Whenever the program is killed, the gallery is the old one or the
new one, and the next opening destroys what else is there. The old file is overwritten.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from facerec.errors import DatabaseBusyError, DatabaseCorruptError, GalleryLockedError, StoreError
from facerec.gallery.backends.sqlcipher import DatabaseKey, connect_unlocked, require_sqlcipher
from facerec.gallery.backends.sqlite import APPLICATION_ID
from facerec.gallery.backends.sqlite_file import PAGE_SIZE_BYTES, is_open_here, leftover_names
from facerec.gallery.wiping import destroy_file, overwrite, sync_folder

_BUSY_TIMEOUT_S = 2.0


def rewrite_database(path: Path, *, old: DatabaseKey | None, new: DatabaseKey | None) -> None:
    """Write a gallery's database anew under another key.

    Args:
        path: of the database.
        old: its key; None for a plain file.
        new: the key from now on; None for a plain file.

    Raises:
        DatabaseBusyError: another program uses the gallery.
        GalleryLockedError: the old key is wrong.
        StoreError: the disk is full or fails; the gallery is as it was.
    """
    if is_open_here(path):
        raise _busy()
    making, was = leftover_names(path)
    with _translated(), contextlib.ExitStack() as stack:
        # Closed last: closing a file lets go of all locks that this process has on it.
        before = stack.enter_context(path.open("rb+"))
        connection = stack.enter_context(_alone(path, old))
        stack.callback(destroy_file, making)
        _copy(connection, making, new)
        _require_equal(connection, making, new)
        with contextlib.suppress(OSError):  # a file system without hard links
            os.link(path, was)
        making.replace(path)
        sync_folder(path.parent)
        overwrite(before)
        was.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path: Path, key: DatabaseKey | None) -> Iterator[sqlite3.Connection]:
    """Give a connection that nobody else can have one beside, with an empty write-ahead log."""
    connection = connect_unlocked(path, key, _BUSY_TIMEOUT_S)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        if connection.execute("PRAGMA journal_mode = DELETE").fetchone() != ("delete",):
            raise _busy()
        yield connection
    finally:
        connection.close()


def _copy(connection: sqlite3.Connection, making: Path, key: DatabaseKey | None) -> None:
    literal = "" if key is None else key.literal
    connection.execute("ATTACH DATABASE ? AS made KEY ?", (str(making), literal))
    try:
        connection.execute(f"PRAGMA made.page_size = {PAGE_SIZE_BYTES}").fetchall()
        connection.execute("PRAGMA made.journal_mode = DELETE").fetchall()
        connection.execute("PRAGMA made.synchronous = FULL").fetchall()
        connection.execute("SELECT sqlcipher_export('made')").fetchall()
        connection.execute(f"PRAGMA made.application_id = {APPLICATION_ID}").fetchall()
    finally:
        connection.execute("DETACH DATABASE made")
    with making.open("rb+") as stream:
        os.fsync(stream.fileno())


def _require_equal(connection: sqlite3.Connection, making: Path, key: DatabaseKey | None) -> None:
    """Open the new file as any program would, and compare it with the old one."""
    made = connect_unlocked(making, key, _BUSY_TIMEOUT_S)
    try:
        (found,) = made.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok" or _contents(made) != _contents(connection):
            raise DatabaseCorruptError(
                "The new file of the gallery is not as it should be, so the old one was kept.",
                remedy="Check the disk; then try again.",
            )
    finally:
        made.close()


def _contents(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Return the tables and indexes with their definitions, and how many rows each table has."""
    schema = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name"
    ).fetchall()
    counts = [
        # (names are the program's own)
        (name, *connection.execute(f'SELECT count(*) FROM "{name}"').fetchone())  # noqa: S608  (names of our own tables)
        for kind, name, _ in schema
        if kind == "table"
    ]
    return [*schema, *counts]


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except require_sqlcipher().Error as error:
        text = str(error)
        if "locked" in text:
            raise _busy() from error
        if "not a database" in text:
            raise GalleryLockedError(
                "The key does not open this gallery.",
                remedy="Give the passphrase it was encrypted with.",
            ) from error
        raise StoreError(
            f"The gallery could not be written anew ({text}); it is as it was.",
            remedy="Check the space and the disk.",
        ) from error
    except OSError as error:
        raise StoreError(
            f"The gallery could not be written anew ({error.strerror}).",
            remedy="Check the space on the disk and who may write to the folder.",
        ) from error


def _busy() -> DatabaseBusyError:
    return DatabaseBusyError(
        "Another program uses the gallery.", remedy="Close it, then try again."
    )
