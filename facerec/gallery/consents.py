"""What people agreed to, and for how long they may be kept. Rows go in and out as value types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.orm import Session

from facerec.errors import ExpiredError, RangeError
from facerec.gallery.people import Person, clean_text, touch_person
from facerec.gallery.tables import ConsentRow, PersonRow

MAX_WORDS_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Consent:
    """What a Person agreed to.

    Attributes:
        consent: how it was given, in words; may be empty.
        purpose: what for, in words; may be empty.
        recorded_at: when it was last changed, UTC.
        keep_until: from when on the Person is not named any more, UTC; None for no end.
        noticed_at: when the program first saw that this moment was over, UTC; None before.
    """

    consent: str
    purpose: str
    recorded_at: datetime
    keep_until: datetime | None
    noticed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What to record of a Person's consent; what is None stays as it was.

    Attributes:
        consent: how it was given, in words.
        purpose: what for, in words.
        keep_until: from when on the Person is not named any more; aware.
        without_end: there is no such moment.
    """

    consent: str | None = None
    purpose: str | None = None
    keep_until: datetime | None = None
    without_end: bool = False


@dataclass(frozen=True, slots=True)
class OverduePerson:
    """Somebody whose time is over.

    Attributes:
        keep_until: since when, UTC.
        noticed_at: when the program first saw that, UTC; None when it did not yet.
    """

    person_id: int
    name: str
    keep_until: datetime
    noticed_at: datetime | None


def find_consent(session: Session, person_id: int) -> Consent | None:
    """Return what a Person agreed to; None when nothing is recorded."""
    row = session.get(ConsentRow, person_id)
    return None if row is None else _consent(row)


def all_consents(session: Session) -> dict[int, Consent]:
    """Return what everybody agreed to, by person id."""
    return {row.person_id: _consent(row) for row in session.scalars(select(ConsentRow))}


def store_terms(session: Session, person: Person, terms: Terms, *, at: datetime) -> Consent:
    """Record what a Person agreed to, within ``GalleryStore.write``.

    Raises:
        RangeError: a text is too long or has control characters.
    """
    before = find_consent(session, person.id) or Consent("", "", at, None)
    end = None if terms.without_end else terms.keep_until or before.keep_until
    consent = Consent(
        consent_words(before.consent if terms.consent is None else terms.consent),
        consent_words(before.purpose if terms.purpose is None else terms.purpose),
        at,
        end,
        before.noticed_at if end == before.keep_until else None,
    )
    store_consent(session, person.id, consent)
    touch_person(session, person.id, at=at)
    return consent


def store_consent(session: Session, person_id: int, consent: Consent) -> None:
    """Write a Person's consent, in the place of the one before."""
    values = {
        "consent": consent.consent,
        "purpose": consent.purpose,
        "recorded_at": consent.recorded_at,
        "keep_until": consent.keep_until,
        "noticed_at": consent.noticed_at,
    }
    if find_consent(session, person_id) is None:
        session.execute(insert(ConsentRow).values(person_id=person_id, **values))
    else:
        session.execute(
            update(ConsentRow).where(ConsentRow.person_id == person_id).values(**values)
        )


def copy_consent(session: Session, source_id: int, into_id: int) -> None:
    """Give a Person who was split off what the other one agreed to."""
    consent = find_consent(session, source_id)
    if consent is not None:
        store_consent(session, into_id, consent)


def join_consents(session: Session, source_id: int, into_id: int) -> None:
    """Merge what two people agreed to: the words of the one who stays, and the earlier end."""
    giver, taker = find_consent(session, source_id), find_consent(session, into_id)
    session.execute(delete(ConsentRow).where(ConsentRow.person_id == source_id))
    if giver is None:
        return
    if taker is None:
        store_consent(session, into_id, giver)
    elif giver.keep_until is not None and _ends_before(giver, taker):
        joined = Consent(
            taker.consent, taker.purpose, taker.recorded_at, giver.keep_until, giver.noticed_at
        )
        store_consent(session, into_id, joined)


def overdue_ids(session: Session, *, at: datetime) -> frozenset[int]:
    """Return the ids of people whose time was over at a moment: they are not named any more."""
    return frozenset(session.scalars(select(ConsentRow.person_id).where(_is_over(at))))


def overdue_people(session: Session, *, at: datetime) -> list[OverduePerson]:
    """Return the people whose time was over at a moment, by name."""
    statement = (
        select(PersonRow.id, PersonRow.name, ConsentRow.keep_until, ConsentRow.noticed_at)
        .join(ConsentRow, ConsentRow.person_id == PersonRow.id)
        .where(_is_over(at))
        .order_by(PersonRow.name_key)
    )
    return [
        OverduePerson(person_id, name, end, noticed)
        for person_id, name, end, noticed in session.execute(statement)
        if end is not None
    ]


def note_overdue(session: Session, *, at: datetime) -> None:
    """Note when it was first seen that somebody's time is over.

    A note from the future was written by a wrong clock, and is written anew.
    """
    not_noticed = ConsentRow.noticed_at.is_(None) | (ConsentRow.noticed_at > at)
    session.execute(update(ConsentRow).where(_is_over(at), not_noticed).values(noticed_at=at))


def require_in_time(session: Session, person: Person, *, at: datetime) -> None:
    """Refuse to go on storing somebody whose time is over.

    Raises:
        ExpiredError: it is.
    """
    if person.id in overdue_ids(session, at=at):
        raise ExpiredError(
            f"The time that {person.name} may be kept is over.",
            remedy="Record a new consent: facerec gallery consent NAME --keep-until DATE.",
        )


def _is_over(at: datetime) -> ColumnElement[bool]:
    return ConsentRow.keep_until <= at


def _ends_before(giver: Consent, taker: Consent) -> bool:
    if giver.keep_until is None:
        return False
    return taker.keep_until is None or giver.keep_until < taker.keep_until


def consent_words(text: str) -> str:
    """Return a text of a consent, cleaned.

    Raises:
        RangeError: it is too long or has control characters.
    """
    cleaned = clean_text(text, "A consent or purpose")
    if len(cleaned) > MAX_WORDS_LENGTH:
        raise RangeError(
            f"A consent or purpose has at most {MAX_WORDS_LENGTH} characters; "
            f"this one has {len(cleaned)}.",
            remedy="Shorten it, for example to the number of the signed form.",
        )
    return cleaned


def _consent(row: ConsentRow) -> Consent:
    return Consent(row.consent, row.purpose, row.recorded_at, row.keep_until, row.noticed_at)
