"""Everything a gallery holds, for comparing two states or two galleries."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from facerec.gallery.templates import TemplateVectors
from facerec.services.gallery import OpenGallery

_TABLES = ("people", "images", "templates", "crops")


def all_rows(gallery: OpenGallery) -> dict[str, list[tuple[object, ...]]]:
    """Every cell of people, images, templates and crops, and the contract; not the step log."""
    with closing(sqlite3.connect(gallery.store.database_path)) as connection:
        rows = {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # noqa: S608
            for table in _TABLES
        }
        rows["contract"] = connection.execute("SELECT contract_id FROM gallery").fetchall()
    return rows


def meaning(gallery: OpenGallery) -> dict[str, object]:
    """What a gallery holds, without ids and times: two galleries of equal meaning answer alike."""
    with closing(sqlite3.connect(gallery.store.database_path)) as connection:
        return {
            "people": connection.execute(
                "SELECT name, name_key FROM people ORDER BY name_key"
            ).fetchall(),
            "images": connection.execute(
                "SELECT sha256, source_name, height_px, width_px FROM images ORDER BY sha256"
            ).fetchall(),
            "templates": connection.execute(
                "SELECT people.name, sha256, contract_id, dimension, vector, quality, "
                '"left", top, "right", bottom, set_aside_at IS NULL, png FROM templates '
                "JOIN people ON people.id = person_id JOIN images ON images.id = image_id "
                "JOIN crops ON template_id = templates.id ORDER BY name, sha256, contract_id"
            ).fetchall(),
            "contract": connection.execute("SELECT contract_id FROM gallery").fetchone(),
        }


def answers(gallery: OpenGallery) -> list[tuple[str, str, str, float]]:
    """What the index finds for each of its own vectors: probe, name and image found, Score."""
    with gallery.store.read() as session:
        source = TemplateVectors(session)
        index = gallery.index.refresh(source)
        ids, vectors = source.vectors()
    assert (0 if index is None else len(index)) == ids.size
    if index is None or not ids.size:
        return []
    with closing(sqlite3.connect(gallery.store.database_path)) as connection:
        named = {
            number: (name, sha256)
            for number, name, sha256 in connection.execute(
                "SELECT templates.id, people.name, sha256 FROM templates "
                "JOIN people ON people.id = person_id JOIN images ON images.id = image_id"
            )
        }
    result = index.search(vectors, 2)
    rows = []
    for probe, found, scores in zip(ids.tolist(), result.ids.tolist(), result.scores, strict=True):
        for number, score in zip(found, scores.tolist(), strict=True):
            if number in named:
                rows.append((*named[probe], *named[number], round(score, 5)))
    return sorted(rows)
