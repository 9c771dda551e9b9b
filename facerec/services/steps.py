"""Undo, redo and the history of a gallery's steps."""

from __future__ import annotations

from facerec.gallery import steps
from facerec.gallery.access import Action
from facerec.gallery.steps import Step
from facerec.services.gallery import OpenGallery


def undo(gallery: OpenGallery, step_id: int | None = None) -> Step:
    """Take back the last step, or an older one that no later step builds on.

    Args:
        gallery: whose step.
        step_id: as in ``history``; the last one that is not undone when not given.

    Returns:
        The step, now undone.

    Raises:
        StepError: there is nothing to undo, it is undone already, or later changes build on it.
        NotFoundError: there is no such step.
        StoreError: the gallery cannot be written; in every case nothing was changed.
    """
    with gallery.writing(gallery.now()) as session:
        step = steps.undo_step(session, step_id)
        gallery.log(session, Action.UNDONE)
    return step


def redo(gallery: OpenGallery) -> Step:
    """Do again what was undone last, unless something was changed since.

    Returns:
        The step, now done.

    Raises:
        StepError: there is nothing to redo.
        StoreError: the gallery cannot be written; in every case nothing was changed.
    """
    with gallery.writing(gallery.now()) as session:
        step = steps.redo_step(session)
        gallery.log(session, Action.REDONE)
    return step


def history(gallery: OpenGallery, *, limit: int | None = None) -> list[Step]:
    """Return the newest steps, newest first; all that are kept when there is no limit."""
    with gallery.store.read() as session:
        return steps.list_steps(session, limit=limit)
