"""Facts of the kind "this face is not that Person", within ``GalleryStore.write`` and ``read``.

The face is that of a Template, or one that is not enrolled, whose vector is kept with the fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from facerec.errors import RangeError
from facerec.gallery.people import Person
from facerec.gallery.regroup import owners_by_name
from facerec.gallery.tables import ExclusionRow, TemplateRow
from facerec.gallery.templates import blob_from_vector, vector_from_blob
from facerec.types import Embedding


@dataclass(frozen=True, slots=True)
class Exclusion:
    """The fact that a face is not a Person.

    Attributes:
        id: never given twice.
        person_id: who it is not.
        template_id: whose face; None for a face that is not enrolled.
        created_at: UTC.
    """

    id: int
    person_id: int
    template_id: int | None
    created_at: datetime


def exclude_templates(
    session: Session, person: Person, template_ids: Sequence[int], *, at: datetime
) -> int:
    """Note that Templates of others are not a Person.

    Returns:
        How many facts are new.

    Raises:
        NotFoundError: there is no such Template.
        RangeError: one of them is the Person's own.
    """
    owners = owners_by_name(session, template_ids)
    if person.id in {owner.id for owner in owners}:
        raise RangeError(
            f"Some of these templates are {person.name}'s own.",
            remedy="Give them to somebody else: facerec gallery split, or facerec gallery move.",
        )
    known = set(
        session.scalars(select(ExclusionRow.template_id).where(ExclusionRow.person_id == person.id))
    )
    new = [
        {"person_id": person.id, "template_id": template_id, "created_at": at}
        for template_id in template_ids
        if template_id not in known
    ]
    if new:
        session.execute(insert(ExclusionRow), new)
    return len(new)


def exclude_faces(
    session: Session, person: Person, embeddings: Sequence[Embedding], *, at: datetime
) -> int:
    """Note that faces which are not enrolled are not a Person; returns how many."""
    rows = [
        {
            "person_id": person.id,
            "contract_id": embedding.contract_id,
            "dimension": embedding.vector.size,
            "vector": blob_from_vector(embedding.vector),
            "created_at": at,
        }
        for embedding in embeddings
    ]
    if rows:
        session.execute(insert(ExclusionRow), rows)
    return len(rows)


def forget_exclusions(session: Session, person: Person) -> int:
    """Forget who is not a Person; returns how many facts there were."""
    statement = delete(ExclusionRow).where(ExclusionRow.person_id == person.id)
    return len(session.execute(statement.returning(ExclusionRow.id)).all())


def list_exclusions(session: Session, person_id: int | None = None) -> list[Exclusion]:
    """Return the facts about one Person, or about everybody, by id."""
    statement = select(ExclusionRow).order_by(ExclusionRow.id)
    if person_id is not None:
        statement = statement.where(ExclusionRow.person_id == person_id)
    return [
        Exclusion(row.id, row.person_id, row.template_id, row.created_at)
        for row in session.scalars(statement)
    ]


def excluded_vectors(
    session: Session, person_ids: Iterable[int], contract_id: str
) -> dict[int, NDArray[np.float32]]:
    """Return, by Person, the vectors (E, D) of faces that are not them; most people have none.

    Args:
        session: reading.
        person_ids: of whom.
        contract_id: only vectors made under it.
    """
    if not session.scalar(select(func.count()).select_from(ExclusionRow)):
        return {}
    statement = (
        select(
            ExclusionRow.person_id,
            func.coalesce(TemplateRow.vector, ExclusionRow.vector).label("vector"),
            func.coalesce(TemplateRow.dimension, ExclusionRow.dimension).label("dimension"),
        )
        .outerjoin(TemplateRow, TemplateRow.id == ExclusionRow.template_id)
        .where(
            or_(
                TemplateRow.contract_id == contract_id,
                and_(TemplateRow.id.is_(None), ExclusionRow.contract_id == contract_id),
            )
        )
    )
    wanted = set(person_ids)
    found: dict[int, list[NDArray[np.float32]]] = {}
    for person_id, blob, dimension in session.execute(statement):
        if person_id in wanted:
            found.setdefault(person_id, []).append(vector_from_blob(blob, dimension))
    return {person_id: np.stack(vectors) for person_id, vectors in found.items()}
