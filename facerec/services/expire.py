"""Act on the end of people's time in the gallery.

From that moment nobody is named by it any more; nothing needs to run for that. The first opening
after it notes that it has seen it, and says so; the first opening after the days of grace erases
the Person. So nobody is erased without notice, nor because a clock was wrong for a while, and a new
consent within the days of grace brings the Person back.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime

from facerec.errors import NotFoundError, StoreError
from facerec.gallery.access import Action
from facerec.gallery.consents import OverduePerson, note_overdue, overdue_people
from facerec.services.gallery import OpenGallery


@dataclass(frozen=True, slots=True)
class Overdue:
    """Somebody whose time is over, and who is not named any more.

    Attributes:
        keep_until: when it was over, UTC.
        erased_from: the first opening from this moment on erases them, UTC; None when no opening
            has noted yet that the time is over.
    """

    name: str
    keep_until: datetime
    erased_from: datetime | None


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """What was done about people whose time is over.

    Attributes:
        n_waiting: how many are not named any more and will be erased.
        n_erased: how many were erased.
        is_wiped: see ``ErasureReport``.
        left_copies: files that may still hold the erased.
    """

    n_waiting: int = 0
    n_erased: int = 0
    is_wiped: bool = True
    left_copies: tuple[str, ...] = ()


def list_overdue(gallery: OpenGallery) -> list[Overdue]:
    """Return the people whose time is over, by name."""
    with gallery.store.read() as session:
        people = overdue_people(session, at=gallery.now())
    return [
        Overdue(
            person.name,
            person.keep_until,
            None if person.noticed_at is None else person.noticed_at + gallery.grace,
        )
        for person in people
    ]


def expire(gallery: OpenGallery) -> ExpiryReport:
    """Erase everybody whose time is over, without waiting for the days of grace.

    Raises:
        StoreError: the gallery cannot be written.
    """
    with gallery.store.read() as session:
        people = overdue_people(session, at=gallery.now())
    return _erase(gallery, people, n_waiting=0)


def keep_to_terms(gallery: OpenGallery) -> ExpiryReport:
    """Note whose time is over, and erase those for whom that was noted before the days of grace.

    A gallery that cannot be written stays as it is.
    """
    now = gallery.now()
    with gallery.store.read() as session:
        people = overdue_people(session, at=now)
    due = [person for person in people if _noted_before(person, now - gallery.grace)]
    waiting = len(people) - len(due)
    try:
        if any(person.noticed_at is None or person.noticed_at > now for person in people):
            with gallery.writing(now) as session:
                note_overdue(session, at=now)
        return _erase(gallery, due, n_waiting=waiting)
    except StoreError:
        return ExpiryReport(len(people))


def _noted_before(person: OverduePerson, moment: datetime) -> bool:
    return person.noticed_at is not None and person.noticed_at <= moment


def _erase(gallery: OpenGallery, people: list[OverduePerson], *, n_waiting: int) -> ExpiryReport:
    if not people:
        return ExpiryReport(n_waiting)
    # Imported here because hardly any opening has somebody to erase.
    from facerec.services.erase import erase_people

    names = [person.name for person in people]
    # Another process may have erased them a moment ago.
    with contextlib.suppress(NotFoundError):
        report = erase_people(gallery, names, action=Action.EXPIRED)
        left = tuple(str(copy.path) for copy in report.copies if not copy.is_clean)
        return ExpiryReport(n_waiting, len(names), report.is_wiped, left)
    return ExpiryReport(n_waiting)
