"""Delete or replace files so that the disk's blocks do not keep what they held.

The old bytes are overwritten before the file goes. A solid-state disk or a file system with
snapshots may keep old blocks all the same; ``docs/security.md`` says so.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_STEP_BYTES = 2**20
_DISK_FAILED = {errno.EIO, errno.ENOSPC}


def destroy_file(path: Path) -> bool:
    """Overwrite a file with zeros and delete it.

    Returns:
        Whether it was there.

    Raises:
        OSError: it is there and cannot be overwritten or deleted.
    """
    try:
        with path.open("rb+") as stream:
            overwrite(stream)
    except FileNotFoundError:
        return False
    path.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def replace_destroying(making: Path, path: Path) -> None:
    """Give a finished file another one's name, and overwrite what that one held.

    Raises:
        OSError: it cannot be replaced; it is there as it was.
    """
    with path.open("rb+") as old:
        making.replace(path)
        sync_folder(path.parent)
        overwrite(old)


def overwrite(stream: BinaryIO) -> None:
    """Write zeros over everything in an open file, and put them on the disk."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    for start in range(0, size, _STEP_BYTES):
        stream.write(bytes(min(_STEP_BYTES, size - start)))
    stream.flush()
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


@contextlib.contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Give the name of a hidden file beside ``path``; what is left of it is destroyed at the end.

    Whoever finishes it moves it to its place.
    """
    making = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        yield making
    finally:
        destroy_file(making)
