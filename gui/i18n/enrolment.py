"""What became of an enrolment, in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from facerec.services.enroll import EnrollStatus, ImageOutcome, PersonOutcome
from gui.i18n.errors import translated_error, translated_issue
from gui.i18n.fill import fill
from gui.i18n.mark import marked


def outcome_words(image: ImageOutcome) -> str:
    """Return what became of one Image, and why."""
    if image.status is EnrollStatus.ADDED:
        return _tr(marked("enrolment", "Enrolled"))
    if image.status is EnrollStatus.ALREADY_THERE:
        return _tr(marked("enrolment", "Enrolled before"))
    if image.conflict is not None:
        text = _tr(marked("enrolment", "Looks like %1, who is enrolled already (score %2)."))
        return fill(text, image.conflict.name, f"{image.conflict.score:.2f}")
    if image.quality_issues:
        return " ".join(translated_issue(issue) for issue in image.quality_issues)
    return "" if image.error is None else " ".join(translated_error(image.error)).strip()


def refusal_words(outcome: PersonOutcome) -> str:
    """Return why the first Image that was refused was; empty when none was."""
    refused = [image for image in outcome.images if image.status is EnrollStatus.REFUSED]
    return outcome_words(refused[0]) if refused else ""


def person_words(outcome: PersonOutcome) -> str:
    """Return what became of a Person whose Images were not all refused."""
    name = outcome.name if outcome.person is None else outcome.person.name
    if not outcome.n_added:
        return fill(_tr(marked("enrolment", "%1 has this picture already.")), name)
    if outcome.created:
        return fill(_tr(marked("enrolment", "%1 is enrolled.")), name)
    return fill(_tr(marked("enrolment", "%1 has another picture.")), name)


def _tr(text: str) -> str:
    return QCoreApplication.translate("enrolment", text)
