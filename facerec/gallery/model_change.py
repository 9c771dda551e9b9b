"""A change of model as rows: the other vectors beside those compared, and which failed.

Each Template has its own vector and at most one spare one. The gallery's own row says which
contract serves; ``settle_vectors`` makes that true row by row, in the transaction that changed it:
where the spare vector is of that contract, the two are exchanged. So preparing writes spare
vectors, accepting and going back write one cell and exchange, and an undo across a change does the
same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Select,
    bindparam,
    delete,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from facerec.gallery.session import gallery_state, mark_vectors_changed
from facerec.gallery.steps import forget_changes_of_model
from facerec.gallery.tables import (
    FailedTemplateRow,
    ModelChangeRow,
    SpareVectorRow,
    TemplateRow,
)

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
