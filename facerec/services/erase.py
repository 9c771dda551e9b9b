"""Erase a Person so that no file of the gallery's folder holds anything of them."""

from __future__ import annotations

from dataclasses import dataclass

from facerec.errors import DatabaseBusyError
from facerec.gallery.erase import ErasedRows, erase_person
from facerec.gallery.templates import TemplateVectors
from facerec.services.gallery import OpenGallery


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What was erased.

    Attributes:
        rows: of the gallery and its step log.
        is_wiped: whether the database was written anew and its log emptied; while another program
            uses the gallery they may hold traces, until that is closed.
    """

    rows: ErasedRows
    is_wiped: bool


def erase(gallery: OpenGallery, name: str) -> ErasureReport:
    """Erase a Person with everything the step log keeps. This cannot be undone.

    The database is written anew without free pages, its write-ahead log emptied, and the index made
    again.

    Args:
        gallery: from where.
        name: of somebody enrolled, or removed and still kept for undo.

    Raises:
        NotFoundError: nobody of that name is enrolled or kept.
        StoreError: the gallery cannot be written.
    """
    with gallery.writing(gallery.now()) as session:
        rows = erase_person(session, name)
    gallery.index.forget_unfinished_files()
    try:
        is_wiped = gallery.store.wipe()
    except DatabaseBusyError:
        is_wiped = False
    with gallery.store.read() as session:
        gallery.index.rebuild(TemplateVectors(session))
    return ErasureReport(rows, is_wiped)
