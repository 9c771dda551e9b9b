"""Use cases on people and their Templates. Each change is one transaction and one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facerec.gallery import people, regroup
from facerec.gallery.consents import Consent, find_consent, join_consents
from facerec.gallery.people import Person
from facerec.gallery.regroup import Regrouped
from facerec.gallery.session import gallery_state
from facerec.gallery.steps import StepKind
from facerec.gallery.templates import (
    Template,
    forget_contract_when_empty,
    list_templates,
)
from facerec.gallery.templates import (
    remove_template as remove_stored_template,
)
from facerec.services.gallery import OpenGallery
from facerec.wording import counted


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """A Person with the Templates.

    Attributes:
        templates: by id.
        n_not_compared: how many of them were made with another model and play no part.
        n_set_aside: how many of them are set aside.
        consent: what the Person agreed to; None when nothing is recorded.
    """

    person: Person
    templates: tuple[Template, ...]
    n_not_compared: int
    n_set_aside: int
    consent: Consent | None


def list_people(gallery: OpenGallery) -> list[Person]:
    """Return everybody, by name."""
    with gallery.store.read() as session:
        return people.list_people(session)


def show_person(gallery: OpenGallery, name: str) -> PersonDetails:
    """Return a Person with the Templates.

    Raises:
        NotFoundError: nobody has that name.
    """
    with gallery.store.read() as session:
        person = people.require_person(session, name)
        templates = tuple(list_templates(session, person.id))
        contract_id = gallery_state(session).contract_id
        consent = find_consent(session, person.id)
    others = sum(template.contract_id != contract_id for template in templates)
    aside = sum(template.set_aside_at is not None for template in templates)
    return PersonDetails(person, templates, others, aside, consent)


def rename_person(gallery: OpenGallery, name: str, new_name: str) -> Person:
    """Give a Person another name.

    Raises:
        NotFoundError: nobody has the old name.
        DuplicateError: somebody else has the new one.
        RangeError: the new one is no name.
    """
    with gallery.change(StepKind.RENAME) as change:
        before = people.require_person(change.session, name)
        person = people.rename_person(change.session, name, new_name, at=change.at)
        change.says(f"Renamed '{before.name}' to '{person.name}'", person)
    return person


def merge_people(gallery: OpenGallery, source: str, into: str) -> Person:
    """Move all Templates of one Person to another and remove the emptied name.

    Returns:
        The Person who is left.

    Raises:
        NotFoundError: one of them is not enrolled.
        RangeError: both are the same Person.
    """
    return merge_all(gallery, [source], into)


def merge_all(gallery: OpenGallery, sources: Sequence[str], into: str) -> Person:
    """Merge several people into another, as one step; see ``merge_people``."""
    with gallery.change(StepKind.MERGE) as change:
        givers = [people.require_person(change.session, name) for name in sources]
        taker = people.require_person(change.session, into)
        for giver in givers:
            if giver.id != taker.id:
                join_consents(change.session, giver.id, taker.id)
            people.merge_people(change.session, giver.name, into, at=change.at)
        person = people.require_person(change.session, into)
        moved = counted(sum(giver.n_templates for giver in givers), "template")
        sentence = f"Merged {_quoted(givers)} into '{person.name}' ({moved})"
        change.says(sentence, *givers, person)
    return person


def split_person(gallery: OpenGallery, template_ids: Sequence[int], new_name: str) -> Regrouped:
    """Make a new Person of some Templates of one Person.

    Raises:
        NotFoundError: there is no such Template.
        DuplicateError: somebody has the new name already.
        RangeError: the Templates are of several people, all of one, or the name is none.
    """
    with gallery.change(StepKind.SPLIT) as change:
        done = regroup.split_person(change.session, template_ids, new_name, at=change.at)
        moved = counted(done.n_templates, "template")
        sentence = f"Split '{done.person.name}' from '{done.owners[0].name}' ({moved})"
        change.says(sentence, done.person, *done.owners)
    return done


def move_templates(gallery: OpenGallery, template_ids: Sequence[int], into: str) -> Regrouped:
    """Give Templates to another Person who is enrolled; their owners stay, even without any.

    Raises:
        NotFoundError: there is no such Template, or nobody of that name.
        RangeError: the Person has one of them already.
        DuplicateError: the Person has another Template of the same Image.
    """
    with gallery.change(StepKind.MOVE) as change:
        done = regroup.move_templates(change.session, template_ids, into, at=change.at)
        moved = counted(done.n_templates, "template")
        sentence = f"Moved {moved} from {_quoted(done.owners)} to '{done.person.name}'"
        change.says(sentence, done.person, *done.owners)
    return done


def set_aside(gallery: OpenGallery, template_ids: Sequence[int]) -> int:
    """Keep Templates without comparing them any more.

    Returns:
        How many were set aside; the others were already.

    Raises:
        NotFoundError: there is no such Template.
    """
    with gallery.change(StepKind.SET_ASIDE) as change:
        owners = regroup.owners_by_name(change.session, template_ids)
        n = regroup.set_templates_aside(change.session, template_ids, aside=True, at=change.at)
        change.says(f"Set {counted(n, 'template')} of {_quoted(owners)} aside", *owners)
    return n


def take_back(gallery: OpenGallery, template_ids: Sequence[int]) -> int:
    """Compare Templates again that were set aside.

    Returns:
        How many were taken back; the others were compared already.

    Raises:
        NotFoundError: there is no such Template.
    """
    with gallery.change(StepKind.TAKE_BACK) as change:
        owners = regroup.owners_by_name(change.session, template_ids)
        n = regroup.set_templates_aside(change.session, template_ids, aside=False, at=change.at)
        change.says(f"Took {counted(n, 'template')} of {_quoted(owners)} back", *owners)
    return n


def remove_person(gallery: OpenGallery, name: str) -> Person:
    """Remove a Person with all Templates and Crops; the step log keeps them until it expires.

    Returns:
        Who was removed, as they were.

    Raises:
        NotFoundError: nobody has that name.
    """
    return remove_people(gallery, [name])[0]


def remove_people(gallery: OpenGallery, names: Sequence[str]) -> list[Person]:
    """Remove several people, as one step; see ``remove_person``."""
    with gallery.change(StepKind.REMOVE) as change:
        gone = [people.remove_person(change.session, name) for name in names]
        forget_contract_when_empty(change.session)
        templates = counted(sum(person.n_templates for person in gone), "template")
        change.says(f"Removed {_quoted(gone)} ({templates})", *gone)
    return gone


def remove_template(gallery: OpenGallery, template_id: int) -> None:
    """Remove one Template with its Crop; the Person stays, even without any.

    Raises:
        NotFoundError: there is no such Template.
    """
    remove_templates(gallery, [template_id])


def remove_templates(gallery: OpenGallery, template_ids: Sequence[int]) -> None:
    """Remove several Templates, as one step; see ``remove_template``."""
    with gallery.change(StepKind.REMOVE_TEMPLATE) as change:
        owners = regroup.owners_by_name(change.session, template_ids)
        for template_id in template_ids:
            remove_stored_template(change.session, template_id, at=change.at)
        forget_contract_when_empty(change.session)
        removed = counted(len(template_ids), "template")
        change.says(f"Removed {removed} of {_quoted(owners)}", *owners)


def _quoted(owners: Sequence[Person]) -> str:
    """Names of a few people; of many only how many."""
    if len(owners) > 3:
        return counted(len(owners), "person", "people")
    return " and ".join(f"'{owner.name}'" for owner in owners)
