"""What a search must not answer: faces that are not a Person, and people who are never named."""

from __future__ import annotations

from collections.abc import Sequence

from facerec.gallery import exclusions, people
from facerec.gallery.people import Person
from facerec.gallery.regroup import owners_by_name
from facerec.gallery.session import gallery_state
from facerec.gallery.steps import StepKind
from facerec.services.gallery import OpenGallery, require_contract
from facerec.types import Embedding
from facerec.wording import counted


def exclude_templates(gallery: OpenGallery, name: str, template_ids: Sequence[int]) -> int:
    """Note that Templates of other people are not this Person.

    The health check proposes neither to move them there nor to merge their owners, and a face as
    near to one of them as to the Person is not named so.

    Returns:
        How many facts are new.

    Raises:
        NotFoundError: nobody has that name, or there is no such Template.
        RangeError: one of them is the Person's own.
    """
    with gallery.change(StepKind.EXCLUDE) as change:
        person = people.require_person(change.session, name)
        n = exclusions.exclude_templates(change.session, person, template_ids, at=change.at)
        owners = owners_by_name(change.session, template_ids)
        noted = f"Noted {counted(n, 'template')} of others as not '{person.name}'"
        change.says(noted, person, *owners)
    return n


def exclude_faces(gallery: OpenGallery, name: str, embeddings: Sequence[Embedding]) -> int:
    """Note that faces which are not enrolled, seen by a camera or in an image, are not this Person.

    A face at least as near to one of them as to the Person is not named so from then on. The facts
    hold for the model that made the Embeddings.

    Returns:
        How many facts are new.

    Raises:
        NotFoundError: nobody has that name.
        EmbeddingMismatchError: they were made with another model than the gallery.
    """
    with gallery.change(StepKind.EXCLUDE) as change:
        for embedding in embeddings:
            require_contract(gallery_state(change.session), embedding.contract_id)
        person = people.require_person(change.session, name)
        n = exclusions.exclude_faces(change.session, person, embeddings, at=change.at)
        change.says(f"Noted {counted(n, 'face')} as not '{person.name}'", person)
    return n


def forget_exclusions(gallery: OpenGallery, name: str) -> int:
    """Forget all that was noted not to be this Person; returns how many facts there were.

    Raises:
        NotFoundError: nobody has that name.
    """
    with gallery.change(StepKind.ADMIT) as change:
        person = people.require_person(change.session, name)
        n = exclusions.forget_exclusions(change.session, person)
        change.says(f"Forgot what is not '{person.name}' ({counted(n, 'face')})", person)
    return n


def ignore_person(gallery: OpenGallery, name: str) -> Person:
    """Never name this Person from now on; whoever looks like them is UNKNOWN, and why is said.

    Raises:
        NotFoundError: nobody has that name.
    """
    with gallery.change(StepKind.IGNORE) as change:
        person = people.set_ignored(change.session, name, ignored=True, at=change.at)
        change.says(f"Ignored '{person.name}'", person)
    return person


def heed_person(gallery: OpenGallery, name: str) -> Person:
    """Name a Person again who was ignored.

    Raises:
        NotFoundError: nobody has that name.
    """
    with gallery.change(StepKind.HEED) as change:
        person = people.set_ignored(change.session, name, ignored=False, at=change.at)
        change.says(f"Took '{person.name}' out of those ignored", person)
    return person
