"""Enrolment from a page: the outcome in words, and a message that offers to undo it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from facerec.gallery.steps import StepKind
from facerec.progress import Task
from facerec.services.enroll import EnrollStatus, PersonOutcome
from facerec.services.gallery import OpenGallery
from facerec.services.steps import history, undo
from gui.i18n.errors import translated_error, translated_issue
from gui.i18n.fill import fill
from gui.i18n.mark import marked
from gui.pages.page import Page


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of one enrolment.

    Attributes:
        outcome: see ``PersonOutcome``.
        step_id: what ``undo`` takes it back by; None when nothing was stored.
    """

    outcome: PersonOutcome
    step_id: int | None


def enrolled(gallery: OpenGallery, enrol: Callable[[], PersonOutcome]) -> Enrolled:
    """Enrol and find the step that undoes it; a job's business."""
    before = {step.id for step in history(gallery, limit=1)}
    outcome = enrol()
    if not outcome.n_added:
        return Enrolled(outcome, None)
    new = [
        step
        for step in history(gallery, limit=3)
        if step.kind is StepKind.ENROL and step.id not in before
    ]
    return Enrolled(outcome, new[-1].id if new else None)


def tell_enrolled(page: Page, done: Enrolled) -> None:
    """Tell everybody of new Templates, and offer *Undo* at the foot of the window."""
    outcome = done.outcome
    name = outcome.name if outcome.person is None else outcome.person.name
    if not outcome.n_added:
        page.context.say(fill(_tr(marked("naming", "%1 has this picture already.")), name))
        return
    page.context.gallery_was_changed()
    text = (
        _tr(marked("naming", "%1 is enrolled."))
        if outcome.created
        else _tr(marked("naming", "%1 has another picture."))
    )
    step_id = done.step_id
    if step_id is None:
        page.context.say(fill(text, name))
        return
    page.context.say(fill(text, name), _tr(marked("naming", "Undo")), lambda: _undo(page, step_id))


def refusal_words(outcome: PersonOutcome) -> str:
    """Return why the first Image that was refused was."""
    refused = [image for image in outcome.images if image.status is EnrollStatus.REFUSED]
    if not refused:
        return ""
    image = refused[0]
    if image.conflict is not None:
        text = _tr(marked("naming", "Looks like %1, who is enrolled already (score %2)."))
        return fill(text, image.conflict.name, f"{image.conflict.score:.2f}")
    if image.quality_issues:
        return " ".join(translated_issue(issue) for issue in image.quality_issues)
    return "" if image.error is None else " ".join(translated_error(image.error)).strip()


def _undo(page: Page, step_id: int) -> None:
    context = page.context

    def take_back(task: Task) -> None:
        del task
        undo(context.gallery(), step_id)

    def tell(_: object) -> None:
        context.gallery_was_changed()
        context.say(_tr(marked("naming", "Undone.")))

    page.run(context.runners.compute, take_back, tell)


def _tr(text: str) -> str:
    return QCoreApplication.translate("naming", text)
