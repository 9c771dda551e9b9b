"""A change of model as rows: the other vectors beside those compared, and which failed.

Each Template has its own vector and at most one spare one. The gallery's own row says which
contract serves; ``settle_vectors`` makes that true row by row, in the transaction that changed it:
where the spare vector is of that contract, the two are exchanged. So preparing writes spare
vectors, accepting and going back write one cell and exchange, and an undo across a change does the
same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from facerec.gallery.session import gallery_state, mark_vectors_changed
from facerec.gallery.steps import forget_changes_of_model
from facerec.gallery.tables import (
    FailedTemplateRow,
    ImageRow,
    ModelChangeRow,
    PersonRow,
    SpareVectorRow,
    TemplateRow,
)
from facerec.gallery.templates import blob_from_vector, count_templates, vector_from_blob
from facerec.types import Embedding

# Templates exchanged at a time: 2 MB of vectors of 512 numbers.
_ROWS_PER_EXCHANGE = 512


@dataclass(frozen=True, slots=True)
class StoredChange:
    """The change of model a gallery is in; see ``ModelChangeRow``.

    Attributes:
        is_accepted: whether the new model serves.
        started_at, prepared_at, accepted_at: UTC.
    """

    old_model: str
    new_model: str
    old_contract_id: str
    new_contract_id: str
    is_accepted: bool
    started_at: datetime
    prepared_at: datetime | None
    accepted_at: datetime | None


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


def find_change(session: Session) -> StoredChange | None:
    """Return the change the gallery is in; None when there is none.

    One between two models of which neither serves any more is none.
    """
    row = session.execute(select(ModelChangeRow)).scalar()
    serving = gallery_state(session).contract_id
    if row is None or serving not in (row.old_contract_id, row.new_contract_id):
        return None
    return StoredChange(
        row.old_model,
        row.new_model,
        row.old_contract_id,
        row.new_contract_id,
        serving == row.new_contract_id,
        row.started_at,
        row.prepared_at,
        row.accepted_at,
    )


def begin_change(
    session: Session,
    *,
    old: tuple[str, str],
    new: tuple[str, str],
    at: datetime,
) -> None:
    """Begin a change of model, within ``write()``; what was kept of another one goes.

    Args:
        session: of the transaction.
        old: name and contract id of the model that serves.
        new: of the other one.
        at: when, UTC.
    """
    drop_change(session)
    session.execute(
        insert(ModelChangeRow).values(
            id=1,
            old_model=old[0],
            old_contract_id=old[1],
            new_model=new[0],
            new_contract_id=new[1],
            started_at=at,
        )
    )


def drop_change(session: Session) -> None:
    """Forget the change with the vectors that do not serve, within ``write()``."""
    for table in (SpareVectorRow, FailedTemplateRow, ModelChangeRow):
        session.execute(delete(table))
    forget_changes_of_model(session)


def note_prepared(session: Session, at: datetime) -> None:
    """Note, within ``write()``, when the last Template got its other vector."""
    session.execute(
        update(ModelChangeRow).where(ModelChangeRow.prepared_at.is_(None)).values(prepared_at=at)
    )


def note_accepted(session: Session, at: datetime | None) -> None:
    """Note, within ``write()``, when the new model came into use; None when it went again."""
    session.execute(update(ModelChangeRow).values(accepted_at=at))


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
    rows = sorted(session.execute(union_all(own, spare)), key=lambda row: row[0])
    vectors = [vector_from_blob(row.vector, row.dimension) for row in rows]
    return VectorsBeside(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.stack(vectors) if vectors else np.empty((0, 0), np.float32),
    )


def settle_vectors(session: Session) -> None:
    """Let each Template's own vector be of the gallery's contract where it has one of it.

    The other one becomes its spare vector. Spare vectors of no change go. To be called at the end
    of each transaction, outside of recorded steps: which contract serves is what a step records.
    """
    if find_change(session) is None:
        if _any(session, select(SpareVectorRow.template_id)) or _any(
            session, select(ModelChangeRow.id)
        ):
            drop_change(session)
        return
    serving = gallery_state(session).contract_id
    of_serving = SpareVectorRow.contract_id == serving
    ids = list(session.scalars(select(SpareVectorRow.template_id).where(of_serving)))
    for start in range(0, len(ids), _ROWS_PER_EXCHANGE):
        _exchange(session, ids[start : start + _ROWS_PER_EXCHANGE])
    if ids:
        mark_vectors_changed(session, older_ids=True)


def has_old_vectors_up_to(session: Session, moment: datetime) -> bool:
    """Say whether vectors are kept for going back on a change made at that moment or before."""
    change = find_change(session)
    accepted_at = None if change is None or not change.is_accepted else change.accepted_at
    return accepted_at is not None and accepted_at <= moment


def forget_old_vectors_up_to(session: Session, moment: datetime) -> None:
    """Drop, within ``write()``, a change that was accepted up to a moment, with what it kept."""
    if has_old_vectors_up_to(session, moment):
        drop_change(session)


def _has_vector(contract_id: str) -> ColumnElement[bool]:
    spare = exists().where(
        SpareVectorRow.template_id == TemplateRow.id, SpareVectorRow.contract_id == contract_id
    )
    return (TemplateRow.contract_id == contract_id) | spare


def _present(session: Session, template_ids: Sequence[int]) -> list[int]:
    """Return those of the ids that are still there."""
    statement = select(TemplateRow.id).where(TemplateRow.id.in_(template_ids))
    return list(session.scalars(statement))


def _any(session: Session, statement: Select[tuple[int]]) -> bool:
    return session.execute(select(literal(1)).where(statement.exists())).scalar() is not None


def _exchange(session: Session, template_ids: Sequence[int]) -> None:
    """Exchange own and spare vectors; a spare one of the same contract just goes."""
    own = select(
        TemplateRow.id, TemplateRow.contract_id, TemplateRow.dimension, TemplateRow.vector
    ).where(TemplateRow.id.in_(template_ids))
    spare = select(
        SpareVectorRow.template_id,
        SpareVectorRow.contract_id,
        SpareVectorRow.dimension,
        SpareVectorRow.vector,
    ).where(SpareVectorRow.template_id.in_(template_ids))
    serve = {row[0]: tuple(row[1:]) for row in session.execute(spare)}
    rest = {row[0]: tuple(row[1:]) for row in session.execute(own)}
    rest = {one: cells for one, cells in rest.items() if cells[0] != serve[one][0]}
    names = ("of_contract", "of_dimension", "of_vector")
    session.connection().execute(
        update(TemplateRow)
        .where(TemplateRow.id == bindparam("of_template"))
        .values(
            contract_id=bindparam("of_contract"),
            dimension=bindparam("of_dimension"),
            vector=bindparam("of_vector"),
        ),
        [{"of_template": one, **dict(zip(names, serve[one], strict=True))} for one in serve],
    )
    session.execute(delete(SpareVectorRow).where(SpareVectorRow.template_id.in_(template_ids)))
    rows = [
        {"template_id": one, "contract_id": contract, "dimension": size, "vector": vector}
        for one, (contract, size, vector) in rest.items()
    ]
    if rows:
        session.execute(insert(SpareVectorRow), rows)
