"""Steps: every change of the gallery is recorded so that it can be undone and redone.

While a step runs, temporary triggers note what each written row was before. Reversing a step writes
that back, newest change first, and records meanwhile what reverses the reversal: undo and redo are
the same work. Vectors, Crops, ids and times come back as they were.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from sqlalchemy import Connection, Table, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from facerec.errors import NotFoundError, StepError
from facerec.gallery.people import Person
from facerec.gallery.session import gallery_state, mark_vectors_changed
from facerec.gallery.tables import (
    Base,
    GalleryRow,
    StepChangeRow,
    StepPersonRow,
    StepRow,
    TemplateRow,
)
from facerec.gallery.templates import forget_contract_when_empty

# Whose rows are recorded. Of the gallery's own row the contract is too; its counters never go back.
RECORDED_TABLES = ("people", "images", "templates", "crops")
_GALLERY = GalleryRow.__tablename__
_CHANGES_PER_FETCH = 2048
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
    with _recording(session, step_id):
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
        .where(own.step_id == row.id, own.table_name == _GALLERY, own.old.is_not(None))
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
            f"{found.sentence}",
            remedy=_LATER_FIRST,
        )


def _reverse(session: Session, row: StepRow) -> None:
    """Write back what a step changed, and record how to reverse that in its place."""
    connection = session.connection()
    own = StepChangeRow.step_id == row.id
    newest = session.scalar(select(func.max(StepChangeRow.id)).where(own)) or 0
    touches_vectors = False
    with _recording(session, row.id):
        try:
            for (table, row_id, kind), cells in groupby(
                _newest_first(connection, row.id, newest), key=lambda change: change[:3]
            ):
                # Older values of the same cell come later and win.
                old = {cell[3]: cell[4] for cell in cells}
                _write_back(connection, table, row_id, kind, old)
                touches_vectors |= table in (_GALLERY, TemplateRow.__tablename__)
        except (IntegrityError, LookupError) as error:
            raise _built_on(row.id) from error
        forget_contract_when_empty(session)
    session.execute(delete(StepChangeRow).where(own, StepChangeRow.id <= newest))
    if touches_vectors:
        mark_vectors_changed(session, older_ids=True)


def _built_on(step_id: int) -> StepError:
    return StepError(
        f"Step {step_id} cannot be reversed, because later changes build on it.",
        remedy=_LATER_FIRST,
    )


def _newest_first(
    connection: Connection, step_id: int, newest: int
) -> Iterator[tuple[str, int, str, str, object]]:
    """Give (table, row id, kind, column, old value) of a step's changes, a few at a time.

    Below the mapped classes, which would take ``old`` for bytes.
    """
    before = newest + 1
    while rows := connection.exec_driver_sql(
        "SELECT table_name, row_id, kind, column_name, old, id FROM step_changes "
        "WHERE step_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
        (step_id, before, _CHANGES_PER_FETCH),
    ).fetchall():
        before = rows[-1].id
        for row in rows:
            yield tuple(row[:5])


def _write_back(
    connection: Connection, table: str, row_id: int, kind: str, cells: dict[str, object]
) -> None:
    """Reverse what happened to one row.

    Raises:
        IntegrityError: a name is taken, or a row is used that would go or is missing that is used.
        LookupError: the row is not as the step left it.
    """
    if table == _GALLERY and None in cells.values():
        return  # the contract goes when no Template is left, and not before
    key = _key(table)
    values: list[object]
    if kind == "insert":
        _require_no_templates(connection, table, row_id)
        sql, values = f"DELETE FROM {table} WHERE {key} = ?", [row_id]  # noqa: S608
    elif kind == "update":
        assignments = ", ".join(f'"{name}" = ?' for name in cells)
        sql = f"UPDATE {table} SET {assignments} WHERE {key} = ?"  # noqa: S608
        values = [*cells.values(), row_id]
    else:
        names = ", ".join(f'"{name}"' for name in (key, *cells))
        marks = ", ".join("?" * (1 + len(cells)))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
        values = [row_id, *cells.values()]
    if connection.exec_driver_sql(sql, tuple(values)).rowcount != 1:
        raise LookupError(f"{table} {row_id}")


def _require_no_templates(connection: Connection, table: str, row_id: int) -> None:
    """Refuse to delete a Person who was given Templates since; they would go along silently."""
    owned = select(TemplateRow.id).where(TemplateRow.person_id == row_id).limit(1)
    if table == "people" and connection.execute(owned).first() is not None:
        raise LookupError(f"people {row_id}")


@contextlib.contextmanager
def _recording(session: Session, step_id: int) -> Iterator[None]:
    """Note under a step what the block writes. A rollback removes the triggers too."""
    connection = session.connection()
    triggers = _triggers(step_id)
    for name, rest in triggers.items():
        connection.exec_driver_sql(f"CREATE TEMP TRIGGER {name} {rest}")
    yield
    for name in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER temp.{name}")


def _triggers(step_id: int) -> dict[str, str]:
    """Name -> the rest of its definition. Names of tables and columns are the program's own."""
    into = "INSERT INTO step_changes (step_id, table_name, row_id, kind, column_name, old)"
    made = {}
    for table in RECORDED_TABLES:
        key = _key(table)
        columns = Base.metadata.tables[table].columns
        names = [column.name for column in columns if column.name != key]
        new_row = f"{into} VALUES ({step_id}, '{table}', NEW.{key}, 'insert', NULL, NULL);"
        removed = " ".join(
            f"{into} VALUES ({step_id}, '{table}', OLD.{key}, 'delete', '{name}', OLD.\"{name}\");"
            for name in names
        )
        made[f"step_insert_{table}"] = f"AFTER INSERT ON {table} BEGIN {new_row} END"
        made[f"step_delete_{table}"] = f"AFTER DELETE ON {table} BEGIN {removed} END"
        made[f"step_update_{table}"] = _update_trigger(into, step_id, table, names)
    made[f"step_update_{_GALLERY}"] = _update_trigger(into, step_id, _GALLERY, ["contract_id"])
    return made


def _update_trigger(into: str, step_id: int, table: str, names: list[str]) -> str:
    key = _key(table)
    cells = " ".join(
        f"{into} SELECT {step_id}, '{table}', OLD.{key}, 'update', '{name}', OLD.\"{name}\" "
        f'WHERE OLD."{name}" IS NOT NEW."{name}";'
        for name in names
    )
    of = ", ".join(f'"{name}"' for name in names)
    return f"AFTER UPDATE OF {of} ON {table} BEGIN {cells} END"


def _key(table: str) -> str:
    """Name of a table's primary key."""
    found: Table = Base.metadata.tables[table]
    (column,) = found.primary_key.columns
    return column.name
