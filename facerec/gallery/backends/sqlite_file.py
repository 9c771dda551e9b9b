"""The file of a gallery in SQLite: find it, refuse what is none, make a new one in one step."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from facerec.errors import DatabaseCorruptError, NotFoundError, StoreError
from facerec.gallery.backends.base import refuse_damaged

DATABASE_NAME = "gallery.db"
# A half-made database of a killed program is left alone this long; it may still be in the making.
ABANDONED_AFTER_S = 3600.0
_DISK_FAILED = {errno.EIO, errno.ENOSPC}
_SQLITE_MAGIC = b"SQLite format 3\x00"


def require_place(folder: Path, *, create: bool) -> None:
    """Refuse a folder that cannot hold a gallery; make it when it is not there and may be made.

    Raises:
        NotFoundError: there is no gallery and ``create`` is false.
        DatabaseCorruptError: the database is a folder.
        StoreError: the folder is a file, or cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(
            f"{folder} is a file; a gallery is a folder.", remedy="Name another folder."
        )
    if (folder / DATABASE_NAME).is_dir():
        raise DatabaseCorruptError(
            f"{folder / DATABASE_NAME} is a folder; it should be the gallery's database.",
            remedy="Restore it from a backup or an export.",
        )
    if create:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The gallery's folder {folder} cannot be made ({error.strerror}).",
                remedy="Name a folder that can be written.",
            ) from error
    elif not (folder / DATABASE_NAME).exists():
        raise NotFoundError(
            f"There is no gallery in {folder}.",
            remedy="Enrol somebody first: facerec enroll NAME IMAGE; or, if it was moved, name its "
            "folder with --gallery.",
        )


# Files that this process has open as galleries, and how often. Closing any handle of a file takes
# away all locks this process has on it, SQLite's too: what is open is not opened beside SQLite.
_open_here: Counter[tuple[int, int]] = Counter()
_opening = threading.Lock()


def note_open(path: Path) -> tuple[int, int]:
    """Check a database that is about to be opened, and note that it is.

    Returns:
        What ``note_closed`` takes.

    Raises:
        DatabaseCorruptError: it is no SQLite database.
        StoreError: the file cannot be read.
    """
    with _opening:
        if not is_open_here(path):
            require_sqlite(path)
        status = path.stat()
        _open_here[status.st_dev, status.st_ino] += 1
        return status.st_dev, status.st_ino


def note_closed(place: tuple[int, int]) -> None:
    """Note that one of this process's uses of a database has ended."""
    with _opening:
        _open_here[place] -= 1
        if _open_here[place] <= 0:
            del _open_here[place]


def is_open_here(path: Path) -> bool:
    """Say whether this process has a database open as a gallery."""
    try:
        status = path.stat()
    except OSError:
        return False
    return _open_here[status.st_dev, status.st_ino] > 0


def require_sqlite(path: Path) -> None:
    """Refuse what SQLite would take for an empty database, or not for a database at all.

    Raises:
        DatabaseCorruptError: it is no SQLite database.
        StoreError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_SQLITE_MAGIC))
    except OSError as error:
        raise StoreError(
            f"The gallery {path} cannot be read ({error.strerror}).",
            remedy="Check who may read it.",
        ) from error
    if head != _SQLITE_MAGIC:
        refuse_damaged("its file is empty" if not head else "its file is no SQLite database")


def make_file(path: Path, fill: Callable[[Path], None]) -> None:
    """Make a whole empty gallery under another name, then give it its own in one step.

    So a database that is there was once complete, and an empty file is damage, not a beginning.

    Args:
        path: of the database.
        fill: makes a whole gallery in the file it is given, and lets go of it.

    Raises:
        DatabaseCorruptError: parts of a lost gallery are there.
        StoreError: the folder cannot be written.
    """
    _remove_abandoned(path)
    if any(path.parent.glob(f"{path.name}-wal")):
        refuse_damaged("its write-ahead log is there, but its database is gone")
    making = unfinished_name(path)
    try:
        fill(making)
        sync_file(making)
        _publish(making, path)
    except OSError as error:
        raise StoreError(
            f"The gallery cannot be made in {path.parent} ({error.strerror}).",
            remedy="Name a folder that can be written.",
        ) from error
    finally:
        for leftover in path.parent.glob(f"{making.name}*"):
            leftover.unlink(missing_ok=True)


def _publish(making: Path, path: Path) -> None:
    """Give the finished file its name, unless another process was first."""
    with contextlib.suppress(FileExistsError):
        try:
            os.link(making, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if not path.exists():
                making.replace(path)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Put a file's content on the disk."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Put a folder's entries on the disk, where the system can (Windows cannot).

    Raises:
        OSError: the disk failed.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in _DISK_FAILED:  # other answers mean that this drive has no such thing
            raise
    finally:
        os.close(handle)


def unfinished_name(path: Path) -> Path:
    """Return what a file is called while this process makes it."""
    return path.with_name(f"{path.name}.new-{os.getpid()}-{uuid.uuid4().hex[:8]}")


def unfinished_files(folder: Path, name: str = "*") -> list[Path]:
    """List what is half made in a folder, and nobody is working on any more.

    That is what has not been written to for an hour, and what carries the number of a process that
    is not running.

    Args:
        folder: where.
        name: of the finished file; any when not given.
    """
    found = []
    for path in folder.glob(f"{name}.new-*"):
        with contextlib.suppress(OSError):
            is_old = time.time() - path.stat().st_mtime > ABANDONED_AFTER_S
            if is_old or not _is_being_made(path):
                found.append(path)
    return sorted(found)


def _is_being_made(path: Path) -> bool:
    """Say whether the process whose number is in a file's name still runs."""
    number = re.search(r"\.new-(\d+)-", path.name)
    if number is None or os.name == "nt":  # where a question would end the process
        return True
    try:
        os.kill(int(number.group(1)), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _remove_abandoned(path: Path) -> None:
    for leftover in path.parent.glob(f"{path.name}.new-*"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > ABANDONED_AFTER_S:
                leftover.unlink()
