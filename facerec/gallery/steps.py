"""Steps: every change of the gallery, listed, and undone and redone in the order it was made.

What a step changed is recorded and written back by ``recording.py``; here is which step may be
reversed, and for how long steps are kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from facerec.errors import NotFoundError, StepError
from facerec.gallery.people import Person
from facerec.gallery.recording import GALLERY_TABLE, recording, reverse_changes
from facerec.gallery.session import gallery_state, mark_vectors_changed
from facerec.gallery.tables import StepChangeRow, StepPersonRow, StepRow, TemplateRow

_LATER_FIRST = "Undo the later steps first; facerec gallery history shows them."


class StepKind(StrEnum):
    """What a step did."""

    ENROL = "enrol"
    RENAME = "rename"
    MERGE = "merge"
    SPLIT = "split"
    MOVE = "move"
    SET_ASIDE = "set_aside"
    TAKE_BACK = "take_back"
    REMOVE = "remove"
    REMOVE_TEMPLATE = "remove_template"
    IMPORT = "import"
    RE_EMBED = "re_embed"
    CONSENT = "consent"
    CHANGE_MODEL = "change_model"
    IGNORE = "ignore"
    HEED = "heed"
    EXCLUDE = "exclude"
    ADMIT = "admit"


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the gallery.

    Attributes:
        id: never given to another step.
        made_at: UTC.
        sentence: what was done, for people.
        is_undone: whether it was undone, and can be redone.
    """

    id: int
    kind: StepKind
    made_at: datetime
    sentence: str
    is_undone: bool


@dataclass(slots=True)
class Change:
    """A step in the making.

    Attributes:
        session: through which everything is written.
        at: the moment noted beside what is written, UTC.
        sentence: what was done; needed as soon as something was.
        person_ids: whom the sentence names.
    """

    session: Session
    at: datetime
    sentence: str = ""
    person_ids: set[int] = field(default_factory=set)

    def says(self, sentence: str, *people: Person) -> None:
        """Set the sentence, and say whom it names."""
        self.sentence = sentence
        self.person_ids = {person.id for person in people}


@contextlib.contextmanager
def recorded_step(session: Session, kind: StepKind, *, at: datetime) -> Iterator[Change]:
    """Record what the block writes as one step; what was undone before cannot be redone any more.

    A block that changes nothing is no step.

    Args:
        session: of ``GalleryStore.write``, whose transaction the step is part of.
        kind: what the step does.
        at: when, UTC.
    """
    step_id = session.execute(
        insert(StepRow).values(kind=kind, made_at=at, sentence="").returning(StepRow.id)
    ).scalar_one()
    change = Change(session, at)
    with recording(session, step_id):
        yield change
    if session.scalar(select(~exists().where(StepChangeRow.step_id == step_id))):
        session.execute(delete(StepRow).where(StepRow.id == step_id))
        return
    if not change.sentence:
        raise ValueError(f"A step ({kind}) has no sentence.")
    session.execute(delete(StepRow).where(StepRow.undone_revision.is_not(None)))
    session.execute(update(StepRow).where(StepRow.id == step_id).values(sentence=change.sentence))
    named = [{"step_id": step_id, "person_id": person_id} for person_id in change.person_ids]
    if named:
        session.execute(insert(StepPersonRow), named)


def list_steps(session: Session, *, limit: int | None = None) -> list[Step]:
    """Return the newest steps, newest first; all that are kept when there is no limit."""
    statement = select(StepRow).order_by(StepRow.id.desc()).limit(limit)
    return [_step(row) for row in session.scalars(statement)]


def steps_of_person(session: Session, person_id: int) -> list[Step]:
    """Return the steps whose sentence names a Person, newest first."""
    named = select(StepPersonRow.step_id).where(StepPersonRow.person_id == person_id)
    statement = select(StepRow).where(StepRow.id.in_(named)).order_by(StepRow.id.desc())
    return [_step(row) for row in session.scalars(statement)]


def undo_step(session: Session, step_id: int | None = None) -> Step:
    """Take back a step, within ``GalleryStore.write``.

    Args:
        session: of the transaction.
        step_id: which; the last one that is not undone when not given.

    Returns:
        The step, now undone.

    Raises:
        StepError: there is nothing to undo, it is undone already, or later changes build on it.
        NotFoundError: there is no such step.
    """
    row = _last_done(session) if step_id is None else _required(session, step_id)
    if row.undone_revision is not None:
        raise StepError(f"Step {row.id} is undone already.", remedy="See: facerec gallery redo.")
    _require_nothing_built_on(session, row)
    _reverse(session, row)
    row.undone_revision = gallery_state(session).revision
    session.flush()
    return _step(row)


def redo_step(session: Session) -> Step:
    """Do again what was undone last, within ``GalleryStore.write``.

    Returns:
        The step, now done.

    Raises:
        StepError: nothing was undone, or something was changed since.
    """
    statement = (
        select(StepRow)
        .where(StepRow.undone_revision.is_not(None))
        .order_by(StepRow.undone_revision.desc())
        .limit(1)
    )
    row = session.scalars(statement).first()
    if row is None:
        raise StepError(
            "There is nothing to redo.", remedy="Only what was undone last can be redone."
        )
    _reverse(session, row)
    row.undone_revision = None
    session.flush()
    return _step(row)


def has_steps_up_to(session: Session, moment: datetime) -> bool:
    """Say whether there are steps from that moment or before."""
    return bool(session.scalar(select(exists().where(StepRow.made_at <= moment))))


def forget_steps_up_to(session: Session, moment: datetime) -> None:
    """Remove, within ``GalleryStore.write``, the steps made up to a moment, and what they kept.

    Steps before one that goes always go with it, whatever a wrong clock wrote beside them: a step
    can only be reversed when all later ones are known.
    """
    newest = select(func.max(StepRow.id)).where(StepRow.made_at <= moment).scalar_subquery()
    session.execute(delete(StepRow).where(StepRow.id <= newest))


def forget_changes_of_model(session: Session) -> None:
    """Remove, within ``GalleryStore.write``, the steps that only vectors kept aside can reverse."""
    session.execute(delete(StepRow).where(StepRow.kind == StepKind.CHANGE_MODEL))


def _step(row: StepRow) -> Step:
    return Step(
        row.id, StepKind(row.kind), row.made_at, row.sentence, row.undone_revision is not None
    )


def _last_done(session: Session) -> StepRow:
    statement = (
        select(StepRow)
        .where(StepRow.undone_revision.is_(None))
        .order_by(StepRow.id.desc())
        .limit(1)
    )
    row = session.scalars(statement).first()
    if row is None:
        raise StepError(
            "There is nothing to undo.",
            remedy="Steps are kept for the days that the setting store.keep_days says.",
        )
    return row


def _required(session: Session, step_id: int) -> StepRow:
    row = session.get(StepRow, step_id)
    if row is None:
        raise NotFoundError(f"There is no step {step_id}.", remedy="See: facerec gallery history.")
    return row


def _require_nothing_built_on(session: Session, row: StepRow) -> None:
    """Refuse a step when a later one wrote a row that it wrote too, or it changed the contract."""
    own, later = aliased(StepChangeRow), aliased(StepChangeRow)
    same_row = (own.table_name == later.table_name) & (own.row_id == later.row_id)
    written_again = (
        select(own.id)
        .join(later, same_row)
        .where(own.step_id == row.id, later.step_id == StepRow.id)
        .exists()
    )
    left_contract = (
        select(own.id)
        .where(own.step_id == row.id, own.table_name == GALLERY_TABLE, own.old.is_not(None))
        .exists()
    )
    statement = (
        select(StepRow)
        .where(
            StepRow.id > row.id, StepRow.undone_revision.is_(None), written_again | left_contract
        )
        .order_by(StepRow.id)
        .limit(1)
    )
    found = session.scalars(statement).first()
    if found is not None:
        raise StepError(
            f"Step {row.id} cannot be undone, because step {found.id} builds on it: "
            f"{found.sentence}.",
            remedy=_LATER_FIRST,
        )


def _reverse(session: Session, row: StepRow) -> None:
    try:
        touched = reverse_changes(session, row.id)
    except (IntegrityError, LookupError) as error:
        raise StepError(
            f"Step {row.id} cannot be reversed, because later changes build on it.",
            remedy=_LATER_FIRST,
        ) from error
    if touched & {GALLERY_TABLE, TemplateRow.__tablename__}:
        mark_vectors_changed(session, older_ids=True)
