"""Erase a Person from the tables and from everything the step log keeps.

Steps that name the Person go as a whole. From the others, which name nobody, only what concerns the
Person goes, so that they can still be undone for everybody else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from facerec.gallery.people import find_person, name_key, require_person
from facerec.gallery.session import mark_vectors_changed
from facerec.gallery.templates import forget_contract_when_empty

_MARKED_TABLES = ("erased_people", "erased_templates", "erased_images", "erased_exclusions")

# People who were merged into those marked, and are nobody else now.
_MERGED = """
INSERT OR IGNORE INTO erased_people
SELECT giver.person_id FROM steps
JOIN step_people AS taker ON taker.step_id = steps.id
JOIN step_people AS giver ON giver.step_id = steps.id
WHERE steps.kind = 'merge' AND taker.person_id IN (SELECT id FROM erased_people)
AND giver.person_id NOT IN (SELECT id FROM people)
"""
# Who is not enrolled, but kept by the log under that name: removed, or enrolled and undone.
_KEPT_PEOPLE = """
INSERT OR IGNORE INTO erased_people
SELECT row_id FROM step_changes WHERE table_name = 'people' AND kind = 'delete'
AND column_name = 'name_key' AND old = ?
AND row_id NOT IN (SELECT id FROM people)
"""
_TEMPLATES = """
INSERT OR IGNORE INTO erased_templates
SELECT id FROM templates WHERE person_id IN (SELECT id FROM erased_people)
UNION
SELECT row_id FROM step_changes WHERE table_name = 'templates' AND kind = 'delete'
AND column_name = 'person_id' AND old IN (SELECT id FROM erased_people)
AND row_id NOT IN (SELECT id FROM templates)
"""
_IMAGES = """
INSERT OR IGNORE INTO erased_images
SELECT image_id FROM templates WHERE id IN (SELECT id FROM erased_templates)
UNION
SELECT old FROM step_changes WHERE table_name = 'templates' AND kind = 'delete'
AND column_name = 'image_id' AND row_id IN (SELECT id FROM erased_templates)
"""
# Images that somebody else's Template, stored or kept, was made from too.
_SHARED_IMAGES = """
DELETE FROM erased_images WHERE id IN (
SELECT image_id FROM templates WHERE id NOT IN (SELECT id FROM erased_templates)
UNION
SELECT old FROM step_changes WHERE table_name = 'templates' AND kind = 'delete'
AND column_name = 'image_id' AND row_id NOT IN (SELECT id FROM erased_templates))
"""
_NAMES = """
SELECT name FROM people WHERE id IN (SELECT id FROM erased_people)
UNION
SELECT old FROM step_changes WHERE table_name = 'people' AND column_name = 'name'
AND row_id IN (SELECT id FROM erased_people)
"""
_BLOBS = """
SELECT vector FROM templates WHERE id IN (SELECT id FROM erased_templates)
UNION
SELECT png FROM crops WHERE template_id IN (SELECT id FROM erased_templates)
UNION
SELECT old FROM step_changes WHERE column_name IN ('vector', 'png')
AND table_name IN ('templates', 'crops') AND row_id IN (SELECT id FROM erased_templates)
"""
# Somebody else's Templates with the same bytes: of the same Image, or with an equal Crop.
_OTHERS = """
SELECT id FROM templates WHERE image_id IN (SELECT id FROM erased_images)
AND id NOT IN (SELECT id FROM erased_templates)
UNION
SELECT template_id FROM crops WHERE template_id NOT IN (SELECT id FROM erased_templates)
AND length(png) IN
(SELECT length(png) FROM crops WHERE template_id IN (SELECT id FROM erased_templates))
AND png IN (SELECT png FROM crops WHERE template_id IN (SELECT id FROM erased_templates))
"""
_OTHERS_BLOBS = f"""
SELECT vector FROM templates WHERE id IN ({_OTHERS})
UNION
SELECT png FROM crops WHERE template_id IN ({_OTHERS})
"""  # noqa: S608  (nothing in it comes from a user)
_ALL_BLOBS = """
SELECT id, vector FROM templates
UNION ALL
SELECT template_id, png FROM crops
UNION ALL
SELECT row_id, old FROM step_changes WHERE column_name IN ('vector', 'png')
"""
_MARK_TEMPLATE = "INSERT OR IGNORE INTO erased_templates VALUES (?)"
_PEOPLE_OF_NAME = "INSERT OR IGNORE INTO erased_people SELECT id FROM people WHERE name_key = ?"
# People of whom nothing but marked Templates is left; the copy may know them by another name.
_EMPTIED_PEOPLE = """
INSERT OR IGNORE INTO erased_people
SELECT person_id FROM templates WHERE id IN (SELECT id FROM erased_templates)
AND person_id NOT IN
(SELECT person_id FROM templates WHERE id NOT IN (SELECT id FROM erased_templates))
"""
# The same look of a camera may wait for a name.
_UNKNOWN_FACES = """
DELETE FROM unknown_faces WHERE vector IN
(SELECT vector FROM templates WHERE id IN (SELECT id FROM erased_templates))
OR png IN (SELECT png FROM crops WHERE template_id IN (SELECT id FROM erased_templates))
"""
# Facts about them, and facts whose face is theirs.
_EXCLUSIONS = """
INSERT OR IGNORE INTO erased_exclusions
SELECT id FROM exclusions WHERE person_id IN (SELECT id FROM erased_people)
OR template_id IN (SELECT id FROM erased_templates)
UNION
SELECT row_id FROM step_changes WHERE table_name = 'exclusions' AND kind = 'delete'
AND (column_name = 'person_id' AND old IN (SELECT id FROM erased_people)
OR column_name = 'template_id' AND old IN (SELECT id FROM erased_templates))
"""
_STEPS = """
DELETE FROM steps WHERE id IN
(SELECT step_id FROM step_people WHERE person_id IN (SELECT id FROM erased_people))
"""
_CHANGES = """
DELETE FROM step_changes WHERE
(table_name IN ('people', 'consents') AND row_id IN (SELECT id FROM erased_people))
OR (table_name IN ('templates', 'crops', 'spare_vectors')
    AND row_id IN (SELECT id FROM erased_templates))
OR (table_name = 'exclusions' AND row_id IN (SELECT id FROM erased_exclusions))
OR (table_name = 'images' AND row_id IN (SELECT id FROM erased_images))
"""
_EMPTIED_STEPS = "DELETE FROM steps WHERE id NOT IN (SELECT step_id FROM step_changes)"
_ROWS = (
    "DELETE FROM spare_vectors WHERE template_id IN (SELECT id FROM erased_templates)",
    "DELETE FROM failed_templates WHERE template_id IN (SELECT id FROM erased_templates)",
    "DELETE FROM exclusions WHERE id IN (SELECT id FROM erased_exclusions)",
    "DELETE FROM crops WHERE template_id IN (SELECT id FROM erased_templates)",
    "DELETE FROM templates WHERE id IN (SELECT id FROM erased_templates)",
    "DELETE FROM images WHERE id IN (SELECT id FROM erased_images)",
    "DELETE FROM people WHERE id IN (SELECT id FROM erased_people)",
)


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """What was erased.

    Attributes:
        name: whose.
        n_templates: with their Crops, in the gallery and in the step log.
        n_images: Images nobody else's Templates were made from.
        n_steps: steps that are not in the history any more.
    """

    name: str
    n_templates: int
    n_images: int
    n_steps: int


@dataclass(frozen=True, slots=True)
class Traces:
    """By what a Person is found again in a copy of the gallery, whatever was done since.

    Attributes:
        name_keys: of all names the gallery knows for the Person.
        blobs: the bytes of all vectors and Crops that nobody else has too.
    """

    name_keys: frozenset[str] = frozenset()
    blobs: frozenset[bytes] = frozenset()

    def joined(self, other: Traces) -> Traces:
        """Return the traces of both."""
        return Traces(self.name_keys | other.name_keys, self.blobs | other.blobs)


def erase_person(session: Session, name: str) -> ErasedRows:
    """Remove every row of a Person for good, within ``GalleryStore.write``.

    The Person may be enrolled, or removed and still kept by the step log. Whoever was merged into
    the Person, and is kept by the log, goes too.

    Raises:
        NotFoundError: nobody of that name is enrolled or kept.
    """
    connection = session.connection()
    with _marks(connection):
        erased_name = _mark_people(session, name)
        connection.exec_driver_sql(_TEMPLATES)
        counts = _erase_marked(connection)
    forget_contract_when_empty(session)
    mark_vectors_changed(session)
    return ErasedRows(erased_name, *counts)


def traces_of(session: Session, name: str) -> Traces:
    """Return by what somebody can be found in copies, before they are erased.

    Raises:
        NotFoundError: nobody of that name is enrolled or kept.
    """
    connection = session.connection()
    with _marks(connection):
        names = {_mark_people(session, name)}
        for statement in (_TEMPLATES, _IMAGES):
            connection.exec_driver_sql(statement)
        names.update(connection.exec_driver_sql(_NAMES).scalars())
        blobs = frozenset(bytes(blob) for blob in connection.exec_driver_sql(_BLOBS).scalars())
        others = {bytes(blob) for blob in connection.exec_driver_sql(_OTHERS_BLOBS).scalars()}
    return Traces(frozenset(map(name_key, names)), blobs - others)


def erase_traces(session: Session, traces: Traces) -> bool:
    """Erase what the traces find in another copy of the gallery, within its ``write``.

    Returns:
        Whether there was anything.
    """
    connection = session.connection()
    with _marks(connection):
        for key in traces.name_keys:
            connection.exec_driver_sql(_PEOPLE_OF_NAME, (key,))
            connection.exec_driver_sql(_KEPT_PEOPLE, (key,))
        _mark_merged(connection)
        for template_id, blob in connection.exec_driver_sql(_ALL_BLOBS).fetchall():
            if bytes(blob) in traces.blobs:
                connection.exec_driver_sql(_MARK_TEMPLATE, (template_id,))
        for statement in (_TEMPLATES, _EMPTIED_PEOPLE):
            connection.exec_driver_sql(statement)
        found = _count(connection, "erased_people") + _count(connection, "erased_templates")
        if found:
            _erase_marked(connection)
    if found:
        forget_contract_when_empty(session)
        mark_vectors_changed(session)
    return bool(found)


def _erase_marked(connection: Connection) -> tuple[int, int, int]:
    """Erase the marked people and Templates; say how many Templates, Images and steps went."""
    for statement in (_IMAGES, _SHARED_IMAGES, _EXCLUSIONS):
        connection.exec_driver_sql(statement)
    n_templates, n_images = (
        _count(connection, "erased_templates"),
        _count(connection, "erased_images"),
    )
    n_steps = _count(connection, "steps")
    for statement in (_UNKNOWN_FACES, _STEPS, _CHANGES, _EMPTIED_STEPS, *_ROWS):
        connection.exec_driver_sql(statement)
    return n_templates, n_images, n_steps - _count(connection, "steps")


@contextlib.contextmanager
def _marks(connection: Connection) -> Iterator[None]:
    """Keep the ids of what is to be erased in temporary tables."""
    for table in _MARKED_TABLES:
        connection.exec_driver_sql(f"CREATE TEMP TABLE {table} (id INTEGER PRIMARY KEY)")
    yield
    for table in _MARKED_TABLES:
        connection.exec_driver_sql(f"DROP TABLE temp.{table}")


def _mark_people(session: Session, name: str) -> str:
    """Mark whoever has the name, and who was merged into them; give the name as it was stored."""
    connection = session.connection()
    person = find_person(session, name)
    if person is not None:
        connection.exec_driver_sql("INSERT INTO erased_people VALUES (?)", (person.id,))
    connection.exec_driver_sql(_KEPT_PEOPLE, (name_key(name),))
    if not _count(connection, "erased_people"):
        require_person(session, name)
    _mark_merged(connection)
    return name if person is None else person.name


def _mark_merged(connection: Connection) -> None:
    while connection.exec_driver_sql(_MERGED).rowcount:
        pass


def _count(connection: Connection, table: str) -> int:
    # (the table's name is one of ours)
    found = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608  (names of our own tables)
    return int(found)
