"""Record what a Person agreed to: one step that can be undone."""

from __future__ import annotations

from facerec.gallery import consents, people
from facerec.gallery.consents import Consent, Terms
from facerec.gallery.steps import StepKind
from facerec.services.gallery import OpenGallery


def record_consent(gallery: OpenGallery, name: str, terms: Terms) -> Consent:
    """Change what is recorded of a Person's consent, purpose and time.

    Args:
        gallery: where.
        name: of the Person.
        terms: what to change; an end that is over already stops the naming at once.

    Returns:
        What is recorded now.

    Raises:
        NotFoundError: nobody has that name.
        RangeError: a text is too long or has control characters.
        StoreError: the gallery cannot be written; nothing was changed.
    """
    with gallery.change(StepKind.CONSENT) as change:
        person = people.require_person(change.session, name)
        consent = consents.store_terms(change.session, person, terms, at=change.at)
        change.says(f"Recorded the consent of '{person.name}'", person)
    return consent


def list_consents(gallery: OpenGallery) -> dict[int, Consent]:
    """Return what everybody agreed to, by person id."""
    with gallery.store.read() as session:
        return consents.all_consents(session)
