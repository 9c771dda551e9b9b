"""Changes from a page: they are told at the foot of the window, where they can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import QCoreApplication

from facerec.gallery.steps import StepKind
from facerec.progress import Task
from facerec.services.enroll import PersonOutcome
from facerec.services.gallery import OpenGallery
from facerec.services.steps import history, undo
from gui.i18n.enrolment import person_words
from gui.pages.page import Page

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """What became of a change of the gallery.

    Attributes:
        outcome: what the service said.
        step_ids: what undoes it, newest first; empty when nothing was stored.
    """

    outcome: T
    step_ids: tuple[int, ...]


def changed(
    gallery: OpenGallery, change: Callable[[], T], kind: StepKind = StepKind.ENROL
) -> Changed[T]:
    """Change the gallery, and find the steps that undo it; a job's business."""
    before = last_step_id(gallery)
    return Changed(change(), steps_since(gallery, before, kind))


def last_step_id(gallery: OpenGallery) -> int:
    """Return the id of the newest step; 0 when there is none."""
    return max((step.id for step in history(gallery, limit=1)), default=0)


def steps_since(
    gallery: OpenGallery, step_id: int, kind: StepKind = StepKind.ENROL
) -> tuple[int, ...]:
    """Return the steps of a kind after another step, newest first."""
    return tuple(
        step.id
        for step in history(gallery)
        if step.id > step_id and step.kind is kind and not step.is_undone
    )


def tell_enrolled(page: Page, done: Changed[PersonOutcome]) -> None:
    """Tell everybody of a Person's new Templates."""
    tell_change(page, person_words(done.outcome), done.step_ids)


def tell_change(page: Page, text: str, step_ids: Sequence[int]) -> None:
    """Tell everybody that the gallery changed, and offer *Undo* at the foot of the window."""
    if not step_ids:
        page.context.say(text)
        return
    page.context.gallery_was_changed()
    label = QCoreApplication.translate("changes", "Undo")
    page.context.say(text, label, lambda: _undo(page, step_ids))


def _undo(page: Page, step_ids: Sequence[int]) -> None:
    context = page.context

    def take_back(task: Task) -> None:
        for done, step_id in enumerate(step_ids):
            task.step("undo", done, len(step_ids))
            undo(context.gallery(), step_id)

    def tell(_: object) -> None:
        context.gallery_was_changed()
        context.say(QCoreApplication.translate("changes", "Undone."))

    page.run(context.runners.compute, take_back, tell, shown=len(step_ids) > 1)
