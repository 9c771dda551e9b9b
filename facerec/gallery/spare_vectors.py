"""The other vectors of Templates in a change of model: those there, waiting, and failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, delete, exists, func, insert, select
from sqlalchemy.orm import Session

from facerec.gallery.tables import (
    FailedTemplateRow,
    ImageRow,
    PersonRow,
    SpareVectorRow,
    TemplateRow,
)
from facerec.gallery.templates import blob_from_vector, count_templates, vector_from_blob
from facerec.types import Embedding


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the vectors of one contract are.

    Attributes:
        n_templates: of the gallery, set aside or not.
        n_ready: have a vector of the contract.
        n_failed: could not be embedded.
    """

    n_templates: int
    n_ready: int
    n_failed: int

    @property
    def n_waiting(self) -> int:
        """How many are still to be embedded."""
        return self.n_templates - self.n_ready - self.n_failed


@dataclass(frozen=True, slots=True)
class FailedTemplate:
    """A Template without a vector of the other model, and why."""

    template_id: int
    person: str
    source_name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class VectorsBeside:
    """Vectors of one contract, served or not, of Templates that are not set aside.

    Attributes:
        template_ids: (N,) int64, rising.
        person_ids: (N,) int64.
        vectors: (N, D) float32 of unit length.
    """

    template_ids: NDArray[np.int64]
    person_ids: NDArray[np.int64]
    vectors: NDArray[np.float32]


def waiting_templates(session: Session, contract_id: str, *, limit: int | None = None) -> list[int]:
    """Return ids of Templates without a vector of a contract, and not known to fail, rising."""
    failed = exists().where(FailedTemplateRow.template_id == TemplateRow.id)
    statement = (
        select(TemplateRow.id)
        .where(~_has_vector(contract_id), ~failed)
        .order_by(TemplateRow.id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def store_spare_vectors(session: Session, embeddings: Mapping[int, Embedding]) -> None:
    """Keep other vectors of Templates, within ``write()``; of those that are gone, none.

    Args:
        session: of the transaction.
        embeddings: Template id -> its other Embedding.
    """
    ids = _present(session, list(embeddings))
    session.execute(delete(SpareVectorRow).where(SpareVectorRow.template_id.in_(ids)))
    rows = [
        {
            "template_id": template_id,
            "contract_id": embeddings[template_id].contract_id,
            "dimension": embeddings[template_id].vector.size,
            "vector": blob_from_vector(embeddings[template_id].vector),
        }
        for template_id in ids
    ]
    if rows:
        session.execute(insert(SpareVectorRow), rows)


def store_failures(session: Session, reasons: Mapping[int, str]) -> None:
    """Note which Templates could not be embedded, within ``write()``."""
    rows = [{"template_id": one, "reason": reasons[one]} for one in _present(session, [*reasons])]
    if rows:
        session.execute(insert(FailedTemplateRow), rows)


def forget_failures(session: Session) -> None:
    """Let the Templates that failed be tried again, within ``write()``."""
    session.execute(delete(FailedTemplateRow))


def list_failures(session: Session) -> list[FailedTemplate]:
    """Return the Templates that could not be embedded, by id."""
    statement = (
        select(FailedTemplateRow.template_id, PersonRow.name, ImageRow.source_name)
        .add_columns(FailedTemplateRow.reason)
        .join(TemplateRow, TemplateRow.id == FailedTemplateRow.template_id)
        .join(PersonRow, PersonRow.id == TemplateRow.person_id)
        .join(ImageRow, ImageRow.id == TemplateRow.image_id)
        .order_by(FailedTemplateRow.template_id)
    )
    return [FailedTemplate(*row) for row in session.execute(statement)]


def progress_of(session: Session, contract_id: str) -> Progress:
    """Say how far the vectors of a contract are."""
    ready = select(func.count()).select_from(TemplateRow).where(_has_vector(contract_id))
    failed = (
        select(func.count())
        .select_from(TemplateRow)
        .where(
            ~_has_vector(contract_id),
            exists().where(FailedTemplateRow.template_id == TemplateRow.id),
        )
    )
    return Progress(
        count_templates(session),
        session.execute(ready).scalar_one(),
        session.execute(failed).scalar_one(),
    )


def vectors_beside(session: Session, contract_id: str) -> VectorsBeside:
    """Read the vectors of a contract, whether it serves or not.

    Raises:
        DatabaseCorruptError: a vector is damaged.
    """
    compared = TemplateRow.set_aside_at.is_(None)
    own = select(
        TemplateRow.id, TemplateRow.person_id, TemplateRow.dimension, TemplateRow.vector
    ).where(TemplateRow.contract_id == contract_id, compared)
    spare = (
        select(
            TemplateRow.id, TemplateRow.person_id, SpareVectorRow.dimension, SpareVectorRow.vector
        )
        .join(TemplateRow, TemplateRow.id == SpareVectorRow.template_id)
        .where(
            SpareVectorRow.contract_id == contract_id,
            TemplateRow.contract_id != contract_id,
            compared,
        )
    )
    rows = [*session.execute(own), *session.execute(spare)]
    rows.sort(key=lambda row: row.id)
    vectors = [vector_from_blob(row.vector, row.dimension) for row in rows]
    return VectorsBeside(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.stack(vectors) if vectors else np.empty((0, 0), np.float32),
    )


def _has_vector(contract_id: str) -> ColumnElement[bool]:
    spare = exists().where(
        SpareVectorRow.template_id == TemplateRow.id, SpareVectorRow.contract_id == contract_id
    )
    return (TemplateRow.contract_id == contract_id) | spare


def _present(session: Session, template_ids: Sequence[int]) -> list[int]:
    """Return those of the ids that are still there."""
    statement = select(TemplateRow.id).where(TemplateRow.id.in_(template_ids))
    return list(session.scalars(statement))
