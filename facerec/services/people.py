"""Use cases on people: list, show, rename, merge, remove. Each change is one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from facerec.gallery import people
from facerec.gallery.people import Person
from facerec.gallery.session import gallery_state
from facerec.gallery.templates import (
    Template,
    forget_contract_when_empty,
    list_templates,
)
from facerec.gallery.templates import (
    remove_template as remove_stored_template,
)
from facerec.services.gallery import OpenGallery


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """A Person with the Templates.

    Attributes:
        templates: by id.
        n_not_compared: how many of them were made with another model and play no part.
    """

    person: Person
    templates: tuple[Template, ...]
    n_not_compared: int


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
    others = sum(template.contract_id != contract_id for template in templates)
    return PersonDetails(person, templates, others)


def rename_person(gallery: OpenGallery, name: str, new_name: str) -> Person:
    """Give a Person another name.

    Raises:
        NotFoundError: nobody has the old name.
        DuplicateError: somebody else has the new one.
        RangeError: the new one is no name.
    """
    with gallery.store.write() as session:
        return people.rename_person(session, name, new_name, at=gallery.now())


def merge_people(gallery: OpenGallery, source: str, into: str) -> Person:
    """Move all Templates of one Person to another and remove the emptied name.

    Returns:
        The Person who is left.

    Raises:
        NotFoundError: one of them is not enrolled.
        RangeError: both are the same Person.
    """
    with gallery.erase() as session:
        return people.merge_people(session, source, into, at=gallery.now())


def remove_person(gallery: OpenGallery, name: str) -> Person:
    """Remove a Person with all Templates and Crops, from the index and its file too.

    Returns:
        Who was removed, as they were.

    Raises:
        NotFoundError: nobody has that name.
    """
    with gallery.erase() as session:
        person = people.remove_person(session, name)
        forget_contract_when_empty(session)
    return person


def remove_template(gallery: OpenGallery, template_id: int) -> None:
    """Remove one Template with its Crop; the Person stays, even without any.

    Raises:
        NotFoundError: there is no such Template.
    """
    with gallery.erase() as session:
        remove_stored_template(session, template_id, at=gallery.now())
        forget_contract_when_empty(session)
