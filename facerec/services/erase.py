"""Erase people so that no file of the gallery's folder, and no copy on its list, holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facerec.errors import DatabaseBusyError
from facerec.gallery.access import Action
from facerec.gallery.erase import ErasedRows, Traces, erase_person, traces_of
from facerec.gallery.templates import TemplateVectors
from facerec.services.copies import CopyOutcome, erase_from_copies
from facerec.services.gallery import OpenGallery


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What was erased.

    Attributes:
        people: rows of the gallery and its step log, per Person.
        is_wiped: whether the database was written anew and its log emptied; while another program
            uses the gallery they may hold traces, until that is closed.
        copies: what became of the files outside the folder that the program wrote people into.
    """

    people: tuple[ErasedRows, ...]
    is_wiped: bool
    copies: tuple[CopyOutcome, ...] = ()

    @property
    def rows(self) -> ErasedRows:
        """Rows of the first Person."""
        return self.people[0]


def erase(gallery: OpenGallery, name: str) -> ErasureReport:
    """Erase a Person with everything the step log keeps. This cannot be undone.

    The database is written anew without free pages, its write-ahead log emptied, and the index made
    again. Exports and backups that the program made are written anew without the Person, or
    deleted; those it cannot reach are named.

    Args:
        gallery: from where.
        name: of somebody enrolled, or removed and still kept for undo.

    Raises:
        NotFoundError: nobody of that name is enrolled or kept.
        StoreError: the gallery cannot be written.
    """
    return erase_people(gallery, [name])


def erase_people(
    gallery: OpenGallery, names: Sequence[str], *, action: Action = Action.ERASED
) -> ErasureReport:
    """Erase several people in one transaction; see ``erase``.

    Args:
        gallery: from where.
        names: of the people.
        action: what the access log calls it.
    """
    traces = Traces()
    with gallery.writing(gallery.now()) as session:
        for name in names:
            traces = traces.joined(traces_of(session, name))
        rows = tuple(erase_person(session, name) for name in names)
        gallery.log(session, action, n=len(rows))
    gallery.index.forget_unfinished_files()
    try:
        is_wiped = gallery.store.wipe()
    except DatabaseBusyError:
        is_wiped = False
    with gallery.store.read() as session:
        gallery.index.rebuild(TemplateVectors(session))
    return ErasureReport(rows, is_wiped, erase_from_copies(gallery, traces))
