"""Mend a gallery: remove what was left half made, save what can be read, make the index anew."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from facerec.errors import DatabaseCorruptError, IndexCorruptError, IndexStaleError
from facerec.gallery.backends import sqlite_replace
from facerec.gallery.backends.sqlite import connect, make_gallery_file
from facerec.gallery.backends.sqlite_file import (
    DATABASE_NAME,
    PAGE_SIZE_BYTES,
    require_place,
    unfinished_files,
)
from facerec.gallery.backends.sqlite_salvage import Salvaged, salvage
from facerec.gallery.session import DEFAULT_BUSY_TIMEOUT_S
from facerec.index.cache import INDEX_NAME, read_index_file
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.services.reindex import ReindexReport, reindex
from facerec.services.restore import moment


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What was found and done.

    Attributes:
        removed: files that programs which were stopped left half made.
        salvaged: what was saved of a damaged database; None when it was whole.
        kept: folder with the damaged database, as it was; None when it was whole.
        index_fault: what was wrong with the index file; empty when nothing was.
        index: made anew.
    """

    removed: tuple[Path, ...]
    salvaged: Salvaged | None
    kept: Path | None
    index_fault: str
    index: ReindexReport


def repair(folder: Path) -> RepairReport:
    """Make a gallery whole again, as far as it can be read.

    A damaged database is kept as it was, in a folder beside the new one. A whole gallery stays as
    it is; only its index is made anew.

    Args:
        folder: of the gallery.

    Raises:
        NotFoundError: there is none.
        DatabaseCorruptError: nothing of it can be read; it was left as it is.
        DatabaseTooNewError: a newer program wrote it.
        DatabaseBusyError: another program has the damaged gallery open, or held it for too long.
        StoreError: the folder cannot be written.
    """
    require_place(folder, create=False)
    removed = _remove_unfinished(folder)
    try:
        return _reindexed(folder, removed, None, None)
    except DatabaseCorruptError:
        salvaged, kept = _salvage(folder)
    return _reindexed(folder, removed, salvaged, kept)


def _reindexed(
    folder: Path, removed: tuple[Path, ...], salvaged: Salvaged | None, kept: Path | None
) -> RepairReport:
    """Check the whole database, and make the index anew.

    Raises:
        DatabaseCorruptError: it is damaged, or a vector in it is.
    """
    with open_gallery(folder, create=False, keep_days=None) as gallery:
        fault = _index_fault(gallery)
        return RepairReport(removed, salvaged, kept, fault, reindex(gallery))


def _salvage(folder: Path) -> tuple[Salvaged, Path]:
    path, kept = folder / DATABASE_NAME, folder / f"damaged-{moment()}"
    with sqlite_replace.new_database(path, make_gallery_file) as new:
        with contextlib.closing(connect(new, DEFAULT_BUSY_TIMEOUT_S)) as target:
            found = salvage(path, target, usual_page_bytes=PAGE_SIZE_BYTES)
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        sqlite_replace.swap(path, new, kept)
    return found, kept


def _remove_unfinished(folder: Path) -> tuple[Path, ...]:
    """Remove what nobody is working on any more."""
    found = unfinished_files(folder)
    found += folder.glob(f"{INDEX_NAME}.*.tmp")
    for path in found:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return tuple(found)


def _index_fault(gallery: OpenGallery) -> str:
    token = gallery.state().vectors_token
    try:
        read_index_file(gallery.index.path, expected_token=token)
    except FileNotFoundError:
        return ""
    except IndexStaleError:
        return "out of date"
    except (IndexCorruptError, OSError):
        return "damaged"
    return ""
