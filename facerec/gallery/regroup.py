"""Templates that change hands or are set aside, within ``GalleryStore.write``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from facerec.errors import DuplicateError, NotFoundError, RangeError
from facerec.gallery import people
from facerec.gallery.consents import copy_consent
from facerec.gallery.people import Person, require_person, touch_person
from facerec.gallery.session import mark_vectors_changed
from facerec.gallery.tables import ExclusionRow, PersonRow, TemplateRow


@dataclass(frozen=True, slots=True)
class Regrouped:
    """What became of some Templates.

    Attributes:
        person: the Person who has them now.
        owners: the people who had them, by name.
        n_templates: how many.
    """

    person: Person
    owners: tuple[Person, ...]
    n_templates: int


def owners_by_name(session: Session, template_ids: Sequence[int]) -> tuple[Person, ...]:
    """Return the people who have these Templates, by name.

    Raises:
        RangeError: no Template is given, or one twice.
        NotFoundError: there is no such Template.
    """
    if not template_ids or len(set(template_ids)) != len(template_ids):
        raise RangeError("Templates are named once each.", remedy="See: facerec gallery show NAME.")
    names = set()
    for template_id in template_ids:
        statement = (
            select(PersonRow.name)
            .join(TemplateRow, TemplateRow.person_id == PersonRow.id)
            .where(TemplateRow.id == template_id)
        )
        name = session.scalar(statement)
        if name is None:
            raise NotFoundError(
                f"There is no template {template_id}.", remedy="See: facerec gallery show NAME."
            )
        names.add(name)
    found = [require_person(session, name) for name in names]
    return tuple(sorted(found, key=lambda person: people.name_key(person.name)))


def split_person(
    session: Session, template_ids: Sequence[int], new_name: str, *, at: datetime
) -> Regrouped:
    """Make a new Person of some Templates of one Person.

    Raises:
        NotFoundError: there is no such Template.
        DuplicateError: somebody has the new name already; moving is the way then.
        RangeError: the Templates are of several people, all of one, or the name is none.
    """
    owners = owners_by_name(session, template_ids)
    if len(owners) > 1:
        named = " and ".join(owner.name for owner in owners)
        raise RangeError(
            f"These templates belong to {named}.", remedy="Split one person at a time."
        )
    if owners[0].n_templates == len(template_ids):
        raise RangeError(
            f"These are all templates of {owners[0].name}.",
            remedy="Rename the person instead: facerec gallery rename.",
        )
    new = people.add_person(session, new_name, at=at)
    copy_consent(session, owners[0].id, new.id)
    return _hand_over(session, template_ids, new, owners, at=at)


def move_templates(
    session: Session, template_ids: Sequence[int], into: str, *, at: datetime
) -> Regrouped:
    """Give Templates, of one Person or several, to another Person who is enrolled.

    Raises:
        NotFoundError: there is no such Template, or nobody of that name.
        RangeError: the Person has one of them already.
        DuplicateError: the Person has another Template of the same Image.
    """
    taker = require_person(session, into)
    owners = owners_by_name(session, template_ids)
    if taker.id in {owner.id for owner in owners}:
        raise RangeError(
            f"{taker.name} has some of these templates already.",
            remedy="Name only templates of other people.",
        )
    _require_other_images(session, template_ids, taker)
    return _hand_over(session, template_ids, taker, owners, at=at)


def set_templates_aside(
    session: Session, template_ids: Sequence[int], *, aside: bool, at: datetime
) -> int:
    """Keep Templates without comparing them, or compare them again.

    Returns:
        How many were changed; the others were so already.

    Raises:
        NotFoundError: there is no such Template.
    """
    owners = owners_by_name(session, template_ids)
    is_other_way = (
        TemplateRow.set_aside_at.is_(None) if aside else TemplateRow.set_aside_at.is_not(None)
    )
    n_changed = 0
    for template_id in template_ids:
        found = session.execute(
            update(TemplateRow)
            .where(TemplateRow.id == template_id, is_other_way)
            .values(set_aside_at=at if aside else None)
            .returning(TemplateRow.id)
        )
        n_changed += len(found.all())
    if n_changed:
        for owner in owners:
            touch_person(session, owner.id, at=at)
        mark_vectors_changed(session, older_ids=not aside)
    return n_changed


def _require_other_images(session: Session, template_ids: Sequence[int], taker: Person) -> None:
    """Refuse two Templates of one Image and contract for one Person: it is the same Face twice."""
    columns = (TemplateRow.image_id, TemplateRow.contract_id)
    own = select(*columns).where(TemplateRow.person_id == taker.id)
    taken = {tuple(row) for row in session.execute(own)}
    for template_id in template_ids:
        source = tuple(session.execute(select(*columns).where(TemplateRow.id == template_id)).one())
        if source in taken:
            raise DuplicateError(
                f"{taker.name} has a template of the image of template {template_id} already.",
                remedy=f"Remove it instead: facerec gallery remove-template {template_id}.",
            )
        taken.add(source)


def _hand_over(
    session: Session,
    template_ids: Sequence[int],
    taker: Person,
    owners: tuple[Person, ...],
    *,
    at: datetime,
) -> Regrouped:
    for template_id in template_ids:
        session.execute(
            update(TemplateRow).where(TemplateRow.id == template_id).values(person_id=taker.id)
        )
    # Whatever was said before, they are the taker's now.
    session.execute(
        delete(ExclusionRow).where(
            ExclusionRow.person_id == taker.id, ExclusionRow.template_id.in_(template_ids)
        )
    )
    for person in (taker, *owners):
        touch_person(session, person.id, at=at)
    return Regrouped(require_person(session, taker.name), owners, len(template_ids))
