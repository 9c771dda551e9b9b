"""What a step changed, row by row: recorded while it is made, written back when it is reversed.

While a step runs, temporary triggers note what each written row was before. Reversing a step writes
that back, newest change first, and records meanwhile what reverses the reversal: undo and redo are
the same work. Vectors, Crops, ids and times come back as they were.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import Connection, Table, delete, func, select
from sqlalchemy.orm import Session

from facerec.gallery.tables import Base, GalleryRow, SpareVectorRow, StepChangeRow, TemplateRow
from facerec.gallery.templates import forget_contract_when_empty

# Whose rows are recorded. Of the gallery's own row the contract is too; its counters never go back.
RECORDED_TABLES = (
    "people",
    "images",
    "templates",
    "crops",
    "consents",
    "spare_vectors",
    "exclusions",
)
GALLERY_TABLE = GalleryRow.__tablename__
_CHANGES_PER_FETCH = 2048


@contextlib.contextmanager
def recording(session: Session, step_id: int) -> Iterator[None]:
    """Note under a step what the block writes, within ``GalleryStore.write``.

    A rollback removes the triggers too.
    """
    connection = session.connection()
    triggers = _triggers(step_id)
    for name, rest in triggers.items():
        connection.exec_driver_sql(f"CREATE TEMP TRIGGER {name} {rest}")
    yield
    for name in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER temp.{name}")


def reverse_changes(session: Session, step_id: int) -> set[str]:
    """Write back what a step changed, and record how to reverse that in its place.

    Returns:
        Names of the tables written.

    Raises:
        IntegrityError: a name is taken, or a row would go that is used, or one is missing.
        LookupError: a row is not as the step left it.
    """
    connection = session.connection()
    own = StepChangeRow.step_id == step_id
    newest = session.scalar(select(func.max(StepChangeRow.id)).where(own)) or 0
    touched = set()
    with recording(session, step_id):
        for (table, row_id, kind), cells in groupby(
            _newest_first(connection, step_id, newest), key=lambda change: change[:3]
        ):
            # Older values of the same cell come later and win.
            old = {cell[3]: cell[4] for cell in cells}
            _write_back(connection, table, row_id, kind, old)
            touched.add(table)
        forget_contract_when_empty(session)
    session.execute(delete(StepChangeRow).where(own, StepChangeRow.id <= newest))
    return touched


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
    if table == GALLERY_TABLE and None in cells.values():
        return  # the contract goes when no Template is left, and not before
    key = _key(table)
    values: list[object]
    if kind == "insert":
        _require_no_templates(connection, table, row_id)
        # (tables and columns come from the schema, never from a user)
        sql, values = f"DELETE FROM {table} WHERE {key} = ?", [row_id]  # noqa: S608  (names of our own tables)
    elif kind == "update":
        assignments = ", ".join(f'"{name}" = ?' for name in cells)
        sql = f"UPDATE {table} SET {assignments} WHERE {key} = ?"  # noqa: S608  (names of our own tables)
        values = [*cells.values(), row_id]
    else:
        names = ", ".join(f'"{name}"' for name in (key, *cells))
        marks = ", ".join("?" * (1 + len(cells)))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  (names of our own tables)
        values = [row_id, *cells.values()]
    changed = connection.exec_driver_sql(sql, tuple(values)).rowcount
    # Spare vectors come and go with a change of model, also between a step and its reversal.
    if changed != 1 and table != SpareVectorRow.__tablename__:
        raise LookupError(f"{table} {row_id}")


def _require_no_templates(connection: Connection, table: str, row_id: int) -> None:
    """Refuse to delete a Person who was given Templates since; they would go along silently."""
    owned = select(TemplateRow.id).where(TemplateRow.person_id == row_id).limit(1)
    if table == "people" and connection.execute(owned).first() is not None:
        raise LookupError(f"people {row_id}")


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
    made[f"step_update_{GALLERY_TABLE}"] = _update_trigger(
        into, step_id, GALLERY_TABLE, ["contract_id"]
    )
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
