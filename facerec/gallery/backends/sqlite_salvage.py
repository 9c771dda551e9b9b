"""Take everything that can still be read out of a damaged gallery into a new, whole one.

Rows are taken from the pages of the file (``sqlite_pages``). Pages that hang together with a root
belong to its table; a page whose way to the root is damaged is known by the shape of its rows. What
contradicts itself goes: vectors that are not of unit length, Crops that cannot be decoded, rows
that refer to nothing. What was lost is found by what is left in indexes and in other tables.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from facerec.errors import DatabaseCorruptError
from facerec.gallery.backends.sqlite_pages import LEAF_TABLE, Cell, Page, PageFile, Value
from facerec.gallery.crops import crop_from_png
from facerec.types import UNIT_NORM_TOLERANCE

_SCHEMA_COLUMNS = 5
# Indexes that tell who was there after the rows themselves are gone, by what they list.
_NAMES_INDEX, _OWNERS_INDEX = "sqlite_autoindex_people_1", "ix_templates_person_id"
_HISTORY = ("steps", "step_people", "step_changes")
# Of the new gallery, not of the damaged one: its revision of the tables, and its own counters.
_NOT_COPIED = ("alembic_version", "sqlite_sequence")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "INT": (int,),
    "DOU": (float, int),
    "FLO": (float, int),
    "BLO": (bytes,),
}


@dataclass(frozen=True, slots=True)
class LostTemplate:
    """A Template, or its Crop, that could not be read; ``person`` is empty when unknown."""

    id: int
    person: str


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was recovered, and what was not.

    Attributes:
        n_people, n_templates: how many are in the new gallery.
        renamed_people: whose name is gone, by the name they have now.
        lost_templates: which Templates are gone.
        lost_crops: whose Crops alone are gone: they answer, and cannot be embedded again.
        keeps_history: whether steps can still be undone.
    """

    n_people: int
    n_templates: int
    renamed_people: tuple[str, ...]
    lost_templates: tuple[LostTemplate, ...]
    lost_crops: tuple[LostTemplate, ...]
    keeps_history: bool


@dataclass(slots=True)
class _Evidence:
    """What is known of rows apart from the rows themselves.

    Attributes:
        keys: Person -> compared name.
        owners: Template -> Person.
        templates: which Templates there were.
        is_whole: whether nothing was missing so far.
    """

    keys: dict[int, str] = field(default_factory=dict)
    owners: dict[int, int] = field(default_factory=dict)
    templates: set[int] = field(default_factory=set)
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Root:
    """A table or index of the damaged file."""

    kind: str
    name: str
    page: int
    sql: str


def salvage(damaged: Path, target: sqlite3.Connection, *, usual_page_bytes: int) -> Salvaged:
    """Copy what can be read of a damaged gallery.

    Args:
        damaged: its database; it is only read.
        target: a new, empty gallery of this program's revision, without a transaction.
        usual_page_bytes: taken where the damaged file does not say.

    Raises:
        DatabaseCorruptError: nothing can be read.
        OSError: the file cannot be read.
    """
    pages = PageFile.read(damaged, usual_page_bytes=usual_page_bytes)
    evidence = _Evidence()
    target.execute("PRAGMA foreign_keys = OFF")
    target.execute("BEGIN IMMEDIATE")
    target.execute("CREATE TEMP TABLE damaged_sequence (name, seq)")
    try:
        for table, columns, cells in _tables(pages, _shapes(target), evidence):
            _copy(target, table, columns, cells, evidence)
        _require_something(target)
        lost_crops = _remove_damaged_values(target, evidence)
        renamed = _name_the_nameless(target, evidence)
        lost = _lost_templates(target, evidence)
        keeps_history = evidence.is_whole and not lost and not renamed and not lost_crops
        _make_consistent(target, evidence, keeps_history=keeps_history)
        report = Salvaged(
            _count(target, "people"),
            _count(target, "templates"),
            renamed,
            lost,
            lost_crops,
            keeps_history,
        )
        target.execute("DROP TABLE temp.damaged_sequence")
        target.execute("COMMIT")
    except BaseException:
        target.execute("ROLLBACK")
        raise
    target.execute("PRAGMA foreign_keys = ON")
    return report


def _tables(
    pages: PageFile, shapes: dict[str, dict[str, str]], evidence: _Evidence
) -> Iterator[tuple[str, list[str], Iterable[Cell]]]:
    """Give (table, names of columns, rows), first those of trees, then those of single pages."""
    schema, is_whole = pages.pages_below(1)
    evidence.is_whole &= is_whole
    seen = set(schema)
    for root in _roots(schema.values()):
        found, is_whole = pages.pages_below(root.page)
        seen.update(found)
        if root.kind == "index":
            _note_index(root.name, found.values(), evidence)
        elif root.name in shapes or root.name == "sqlite_sequence":
            evidence.is_whole &= is_whole
            columns = _columns_of(root.sql) or list(shapes.get(root.name, ()))
            yield root.name, columns, _rows(found.values())
    for number in range(1, pages.n_pages + 1):
        page = pages.page(number) if number not in seen else None
        if page is None or page.kind != LEAF_TABLE or not page.cells:
            continue
        evidence.is_whole = False
        table = _table_by_shape(page, shapes)
        if table is not None:
            yield table, list(shapes[table]), page.cells


def _rows(pages: Iterable[Page]) -> Iterator[Cell]:
    for page in pages:
        if page.kind == LEAF_TABLE:
            yield from page.cells


def _roots(schema: Iterable[Page]) -> list[_Root]:
    """Tables and indexes, as the file's own schema lists them; none when that is damaged."""
    roots = []
    for cell in _rows(schema):
        values = cell.values
        if values is None or len(values) != _SCHEMA_COLUMNS:
            continue
        kind, name, _, page, sql = values
        if kind in {"table", "index"} and isinstance(page, int) and page > 1:
            roots.append(_Root(str(kind), str(name), page, str(sql or "")))
    return roots


def _shapes(target: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Table -> column -> declared type, of this program's revision."""
    names = target.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {
        name: {row[1]: row[2] for row in target.execute(f"PRAGMA table_info({name})")}
        for (name,) in names
        if name not in _NOT_COPIED
    }


def _columns_of(sql: str) -> list[str]:
    """Names of the columns a definition in the damaged file declares; none when it is no SQL."""
    with contextlib.closing(sqlite3.connect(":memory:")) as scratch:
        try:
            scratch.execute(sql)
            (name,) = scratch.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
            return [row[1] for row in scratch.execute(f'PRAGMA table_info("{name}")')]
        except (sqlite3.Error, TypeError):
            return []


def _table_by_shape(page: Page, shapes: dict[str, dict[str, str]]) -> str | None:
    """Say which table's rows a page holds; None when that is not certain."""
    rows = [cell.values for cell in page.cells if cell.values is not None]
    fitting = [
        name
        for name, columns in shapes.items()
        if rows and all(_fits(row, list(columns.values())) for row in rows)
    ]
    if "people" in fitting:
        # Consents look the same, but only of people one text is the other's compared form.
        are_names = all(str(row[1]).casefold() == row[2] for row in rows)
        fitting = ["people"] if are_names else [name for name in fitting if name != "people"]
    return fitting[0] if len(fitting) == 1 else None


def _fits(row: tuple[Value, ...], types: list[str]) -> bool:
    if len(row) != len(types):
        return False
    allowed = [_PYTHON_TYPES.get(kind[:3].upper(), (str,)) for kind in types]
    return all(
        value is None or isinstance(value, kinds) for value, kinds in zip(row, allowed, strict=True)
    )


def _note_index(name: str, pages: Iterable[Page], evidence: _Evidence) -> None:
    entries = [cell.values for page in pages for cell in page.cells]
    for key, number in (entry for entry in entries if entry is not None and len(entry) == 2):
        if name == _NAMES_INDEX and isinstance(key, str) and isinstance(number, int):
            evidence.keys[number] = key
        if name == _OWNERS_INDEX and isinstance(key, int) and isinstance(number, int):
            evidence.owners[number] = key
            evidence.templates.add(number)


def _copy(
    target: sqlite3.Connection,
    table: str,
    columns: list[str],
    cells: Iterable[Cell],
    evidence: _Evidence,
) -> None:
    """Write rows into the new gallery; those it refuses are damaged."""
    if table == "sqlite_sequence":
        rows = [cell.values for cell in cells if cell.values is not None and len(cell.values) == 2]
        target.executemany("INSERT INTO temp.damaged_sequence VALUES (?, ?)", rows)
        return
    known = {row[1]: row[5] for row in target.execute(f"PRAGMA table_info({table})")}
    keys = [name for name, part in known.items() if part]
    for cell in cells:
        if table in {"templates", "crops"}:
            evidence.templates.add(cell.rowid)
        if cell.values is None:
            continue
        row = {name: v for name, v in zip(columns, cell.values, strict=False) if name in known}
        if len(keys) == 1 and row.get(keys[0]) is None:
            row[keys[0]] = cell.rowid
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        # The gallery's own row is there already; names of tables and columns are the program's own.
        verb = "REPLACE" if table == "gallery" else "IGNORE"
        sql = f"INSERT OR {verb} INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  (names of our own tables)
        target.execute(sql, tuple(row.values()))


def _require_something(target: sqlite3.Connection) -> None:
    if not (_count(target, "people") or _count(target, "templates")):
        raise DatabaseCorruptError(
            "Nothing of the damaged gallery can be read; it was left as it is.",
            remedy="Restore a backup: facerec gallery restore FILE.",
        )


def _remove_damaged_values(
    target: sqlite3.Connection, evidence: _Evidence
) -> tuple[LostTemplate, ...]:
    """Remove Templates and Crops whose bytes are damaged; say whose Crops alone are gone."""
    for number, blob in target.execute("SELECT id, vector FROM templates").fetchall():
        vector = np.frombuffer(blob, "<f4").astype(float)
        # |norm^2 - 1| is about twice |norm - 1|; written so that NaN is damage too.
        if not abs(float(vector @ vector) - 1.0) <= 2.5 * UNIT_NORM_TOLERANCE:
            target.execute("DELETE FROM templates WHERE id = ?", (number,))
    for (number,) in target.execute("SELECT template_id FROM crops").fetchall():
        png = target.execute("SELECT png FROM crops WHERE template_id = ?", (number,)).fetchone()[0]
        try:
            crop_from_png(png)
        except DatabaseCorruptError:
            target.execute("DELETE FROM crops WHERE template_id = ?", (number,))
    without = target.execute(
        "SELECT templates.id, person_id FROM templates "
        "LEFT JOIN crops ON template_id = templates.id WHERE png IS NULL ORDER BY 1"
    ).fetchall()
    evidence.owners.update(without)
    return tuple(LostTemplate(number, _name(target, evidence, number)) for number, _ in without)


def _name_the_nameless(target: sqlite3.Connection, evidence: _Evidence) -> tuple[str, ...]:
    """Enter people again whose own rows are lost, by their compared name or by number."""
    owners = {row[0] for row in target.execute("SELECT DISTINCT person_id FROM templates")}
    there = {row[0] for row in target.execute("SELECT id FROM people")}
    at = datetime.now(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    named = []
    for number in sorted((owners | set(evidence.keys)) - there):
        name = evidence.keys.get(number, f"Recovered {number}")
        row = (number, name, name.casefold(), at, at)
        sql = "INSERT OR IGNORE INTO people (id, name, name_key, created_at, updated_at) "
        if target.execute(f"{sql} VALUES (?, ?, ?, ?, ?)", row).rowcount:
            named.append(name)
    return tuple(named)


def _lost_templates(target: sqlite3.Connection, evidence: _Evidence) -> tuple[LostTemplate, ...]:
    there = {row[0] for row in target.execute("SELECT id FROM templates")}
    missing = sorted(evidence.templates - there)
    return tuple(LostTemplate(number, _name(target, evidence, number)) for number in missing)


def _name(target: sqlite3.Connection, evidence: _Evidence, template_id: int) -> str:
    owner = evidence.owners.get(template_id)
    row = target.execute("SELECT name FROM people WHERE id = ?", (owner,)).fetchone()
    return str(row[0]) if row else evidence.keys.get(owner or 0, "")


def _make_consistent(
    target: sqlite3.Connection, evidence: _Evidence, *, keeps_history: bool
) -> None:
    """Remove what refers to nothing, and set the gallery's own row and counters."""
    for number in _missing_images(target):
        lost = hashlib.sha256(f"lost image {number}".encode()).hexdigest()
        target.execute(
            "INSERT INTO images SELECT ?, ?, '', 0, 0, created_at FROM gallery", (number, lost)
        )
    if not keeps_history:
        for table in _HISTORY:
            target.execute(f"DELETE FROM {table}")  # noqa: S608  (names of our own tables)
    while loose := target.execute("PRAGMA foreign_key_check").fetchall():
        for table, rowid, *_ in loose:
            target.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))  # noqa: S608  (names of our own tables)
    target.execute("DELETE FROM images WHERE id NOT IN (SELECT image_id FROM templates)")
    _set_counters(target, evidence)


def _missing_images(target: sqlite3.Connection) -> list[int]:
    sql = "SELECT DISTINCT image_id FROM templates WHERE image_id NOT IN (SELECT id FROM images)"
    return [row[0] for row in target.execute(sql)]


def _set_counters(target: sqlite3.Connection, evidence: _Evidence) -> None:
    """Ids stay unused that were used, and every index in memory or in a file is out of date."""
    target.execute(
        "INSERT INTO sqlite_sequence SELECT name, 0 FROM sqlite_master WHERE type = 'table' "
        "AND sql LIKE '%AUTOINCREMENT%' AND name NOT IN (SELECT name FROM sqlite_sequence)"
    )
    target.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT max(seq) FROM "
        "temp.damaged_sequence AS old WHERE old.name = sqlite_sequence.name), 0))"
    )
    for table, used in (("templates", evidence.templates), ("people", set(evidence.keys))):
        target.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?",
            (max(used, default=0), table),
        )
    contracts = Counter(row[0] for row in target.execute("SELECT contract_id FROM templates"))
    usual = contracts.most_common(1)[0][0] if contracts else None
    target.execute(
        "UPDATE gallery SET uuid = ?, vectors_token = ?, revision = revision + 1, "
        "vectors_revision = revision + 1, returned_revision = revision + 1, "
        "contract_id = CASE WHEN ? IS NULL THEN NULL ELSE coalesce(contract_id, ?) END",
        (str(uuid.uuid4()), uuid.uuid4().hex, usual, usual),
    )


def _count(target: sqlite3.Connection, table: str) -> int:
    # (the table's name is one of ours)
    return int(target.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  (names of our own tables)
