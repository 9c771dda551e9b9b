"""People in the gallery: add, find, rename, merge, remove. Rows go in and out as value types."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from facerec.errors import DuplicateError, NotFoundError, RangeError
from facerec.gallery.session import mark_vectors_changed
from facerec.gallery.tables import (
    ConsentRow,
    CropRow,
    ExclusionRow,
    ImageRow,
    PersonRow,
    SightingRow,
    TemplateRow,
)

MAX_NAME_LENGTH = 200
# Joiners that Persian, Urdu and Indic names are spelt with; every other invisible sign is refused.
_ALLOWED_INVISIBLE = {"\u200c", "\u200d"}
_REFUSED_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Person:
    """A named identity as the gallery holds it.

    Attributes:
        id: never given to anybody else, even after removal.
        n_templates: how many Templates are stored, under any contract.
        created_at: UTC.
        updated_at: UTC, of the last change to the name or the Templates.
        ignored_at: UTC, since when the Person is never named; None when named.
    """

    id: int
    name: str
    n_templates: int
    created_at: datetime
    updated_at: datetime
    ignored_at: datetime | None = None


def clean_name(name: str) -> str:
    """Return a name in NFC with single spaces.

    Raises:
        RangeError: nothing is left, it is too long, or it has control or invisible characters.

    Example:
        >>> clean_name("  Ada   Lovelace ")
        'Ada Lovelace'
    """
    cleaned = clean_text(name, "A name")
    if not cleaned.strip("".join(_ALLOWED_INVISIBLE)):
        raise RangeError("The name is empty.", remedy="Give the person a name.")
    if len(cleaned) > MAX_NAME_LENGTH:
        raise RangeError(
            f"The name has {len(cleaned)} characters; {MAX_NAME_LENGTH} are the most.",
            remedy="Shorten it.",
        )
    return cleaned


def clean_text(text: str, what: str) -> str:
    """Return a text in NFC with single spaces; ``what`` says in an error what it is.

    Raises:
        RangeError: it has control or invisible characters.
    """
    for char in text:
        if unicodedata.category(char) in _REFUSED_CATEGORIES and char not in _ALLOWED_INVISIBLE:
            raise RangeError(
                f"{what} has no control or invisible characters; this one has U+{ord(char):04X}.",
                remedy="Type it again.",
            )
    return " ".join(unicodedata.normalize("NFC", text).split())


def name_key(name: str) -> str:
    """Return what two names are compared by: cleaned, casefolded, NFC.

    Example:
        >>> name_key("JOSE\u0301") == name_key("josé")
        True
    """
    return unicodedata.normalize("NFC", clean_name(name).casefold())


def list_people(session: Session) -> list[Person]:
    """Return everybody, by name."""
    return _people(session)


def find_person(session: Session, name: str) -> Person | None:
    """Return the Person of that name, whatever its case; None when there is nobody."""
    found = _people(session, key=name_key(name))
    return found[0] if found else None


def require_person(session: Session, name: str) -> Person:
    """Return the Person of that name.

    Raises:
        NotFoundError: there is nobody; the remedy names those who come near.
    """
    person = find_person(session, name)
    if person is not None:
        return person
    statement = select(PersonRow.name_key, PersonRow.name)
    keys = dict(session.execute(statement).all())
    near = [keys[key] for key in get_close_matches(name_key(name), keys, n=3)]
    raise NotFoundError(
        f"Nobody named {clean_name(name)!r} is enrolled.",
        remedy=f"Did you mean {', '.join(near)}?" if near else "See: facerec gallery list.",
        near=near,
    )


def add_person(session: Session, name: str, *, at: datetime) -> Person:
    """Enter a new name.

    Raises:
        DuplicateError: somebody has it already.
    """
    cleaned = clean_name(name)
    _require_free(session, cleaned)
    statement = (
        insert(PersonRow)
        .values(name=cleaned, name_key=name_key(cleaned), created_at=at, updated_at=at)
        .returning(PersonRow.id)
    )
    person_id = session.execute(statement).scalar_one()
    return Person(person_id, cleaned, 0, at, at)


def touch_person(session: Session, person_id: int, *, at: datetime) -> None:
    """Note that a Person's Templates changed."""
    session.execute(update(PersonRow).where(PersonRow.id == person_id).values(updated_at=at))


def rename_person(session: Session, name: str, new_name: str, *, at: datetime) -> Person:
    """Give a Person another name.

    Raises:
        NotFoundError: nobody has the old name.
        DuplicateError: somebody else has the new one; merging is the way then.
    """
    person = require_person(session, name)
    cleaned = clean_name(new_name)
    _require_free(session, cleaned, except_id=person.id)
    session.execute(
        update(PersonRow)
        .where(PersonRow.id == person.id)
        .values(name=cleaned, name_key=name_key(cleaned), updated_at=at)
    )
    return require_person(session, cleaned)


def merge_people(session: Session, source: str, into: str, *, at: datetime) -> Person:
    """Move all Templates of one Person to another and remove the emptied name.

    A Template made from an Image that the other Person has a Template of under the same contract is
    dropped: it is the same Face twice.

    Raises:
        NotFoundError: one of them is not enrolled.
        RangeError: both are the same Person.
    """
    giver, taker = require_person(session, source), require_person(session, into)
    if giver.id == taker.id:
        raise RangeError(
            f"{giver.name} cannot be merged with themselves.", remedy="Name two people."
        )
    theirs = select(TemplateRow.image_id, TemplateRow.contract_id).where(
        TemplateRow.person_id == taker.id
    )
    kept = {(image_id, contract_id) for image_id, contract_id in session.execute(theirs)}
    own = select(TemplateRow.id, TemplateRow.image_id, TemplateRow.contract_id).where(
        TemplateRow.person_id == giver.id
    )
    moved = [row.id for row in session.execute(own) if (row.image_id, row.contract_id) not in kept]
    for template_id in moved:
        session.execute(
            update(TemplateRow).where(TemplateRow.id == template_id).values(person_id=taker.id)
        )
    session.execute(
        update(SightingRow).where(SightingRow.person_id == giver.id).values(person_id=taker.id)
    )
    hand_over_exclusions(session, giver.id, taker.id)
    _delete_person(session, giver.id)
    touch_person(session, taker.id, at=at)
    return require_person(session, into)


def remove_person(session: Session, name: str) -> Person:
    """Remove a Person with all Templates, Crops and Images that nobody else shares.

    Returns:
        Who was removed, as they were.

    Raises:
        NotFoundError: nobody has that name.
    """
    person = require_person(session, name)
    _delete_person(session, person.id)
    return person


def set_ignored(session: Session, name: str, *, ignored: bool, at: datetime) -> Person:
    """Say that a Person is never named, only told apart; or is named again.

    Raises:
        NotFoundError: nobody has that name.
    """
    person = require_person(session, name)
    if (person.ignored_at is not None) != ignored:
        values = {"ignored_at": at if ignored else None, "updated_at": at}
        session.execute(update(PersonRow).where(PersonRow.id == person.id).values(values))
    return require_person(session, name)


def hand_over_exclusions(session: Session, giver_id: int, taker_id: int) -> None:
    """Let what is not one Person not be another one, who gets their Templates.

    The taker's own Templates are the taker's now, whatever was said before.
    """
    session.execute(
        update(ExclusionRow).where(ExclusionRow.person_id == giver_id).values(person_id=taker_id)
    )
    own = select(TemplateRow.id).where(TemplateRow.person_id == taker_id)
    session.execute(
        delete(ExclusionRow).where(
            ExclusionRow.person_id == taker_id, ExclusionRow.template_id.in_(own)
        )
    )


def remove_unused_images(session: Session) -> None:
    """Forget Images that no Template was made from."""
    used = select(TemplateRow.image_id).where(TemplateRow.image_id == ImageRow.id).exists()
    session.execute(delete(ImageRow).where(~used))


def _delete_person(session: Session, person_id: int) -> None:
    templates = select(TemplateRow.id).where(TemplateRow.person_id == person_id)
    session.execute(delete(ConsentRow).where(ConsentRow.person_id == person_id))
    of_them = ExclusionRow.template_id.in_(templates)
    session.execute(delete(ExclusionRow).where((ExclusionRow.person_id == person_id) | of_them))
    session.execute(delete(CropRow).where(CropRow.template_id.in_(templates)))
    session.execute(delete(TemplateRow).where(TemplateRow.person_id == person_id))
    session.execute(delete(PersonRow).where(PersonRow.id == person_id))
    remove_unused_images(session)
    mark_vectors_changed(session)


def _require_free(session: Session, name: str, *, except_id: int | None = None) -> None:
    taken = find_person(session, name)
    if taken is not None and taken.id != except_id:
        raise DuplicateError(
            f"{taken.name} is enrolled already.",
            remedy="Use another name, or join the two: facerec gallery merge.",
        )


def _people(session: Session, *, key: str | None = None) -> list[Person]:
    statement = (
        select(
            PersonRow.id,
            PersonRow.name,
            func.count(TemplateRow.id),
            PersonRow.created_at,
            PersonRow.updated_at,
            PersonRow.ignored_at,
        )
        .outerjoin(TemplateRow, TemplateRow.person_id == PersonRow.id)
        .group_by(PersonRow.id)
        .order_by(PersonRow.name_key)
    )
    if key is not None:
        statement = statement.where(PersonRow.name_key == key)
    return [Person(*row) for row in session.execute(statement)]
