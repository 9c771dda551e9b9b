"""Visits before a camera, and unknown faces that wait for a name. Rows go in and out as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from facerec.gallery.tables import PersonRow, SightingRow, UnknownFaceRow
from facerec.gallery.templates import blob_from_vector, vector_from_blob
from facerec.types import Embedding


@dataclass(frozen=True, slots=True)
class Sighting:
    """One visit.

    Attributes:
        id: never given twice.
        person_id: who; None when nobody was named.
        name: of that Person as they are called now; None when nobody was named.
        source: of the video, in words.
        began_at: when the face was first seen, UTC.
        ended_at: when it was last seen, UTC.
        score: of the name; None when there was none.
        reason: the rule that decided.
    """

    id: int
    person_id: int | None
    name: str | None
    source: str
    began_at: datetime
    ended_at: datetime
    score: float | None
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class UnknownFace:
    """A face that waits for a name.

    Attributes:
        id: never given twice.
        source: of the video, in words.
        seen_at: when its best look was taken, UTC.
        expires_at: when it is deleted, UTC.
        embedding: of that look.
        quality: in [0, 1].
        crop_png: see ``facerec.gallery.crops``.
    """

    id: int
    source: str
    seen_at: datetime
    expires_at: datetime
    embedding: Embedding
    quality: float
    crop_png: bytes


def add_sighting(
    session: Session,
    *,
    person_id: int | None,
    source: str,
    began_at: datetime,
    ended_at: datetime,
    score: float | None,
    reason: str,
) -> int:
    """Store a visit.

    Returns:
        Its id.
    """
    if person_id is not None and session.get(PersonRow, person_id) is None:
        person_id, score = None, None  # (removed a moment ago)
    statement = insert(SightingRow).values(
        person_id=person_id,
        source=source,
        began_at=began_at,
        ended_at=ended_at,
        score=score,
        reason=reason,
    )
    return session.execute(statement.returning(SightingRow.id)).scalar_one()


def list_sightings(
    session: Session,
    *,
    person_id: int | None = None,
    since: datetime | None = None,
    limit: int = 1000,
) -> list[Sighting]:
    """Return visits, newest first.

    Args:
        session: reading.
        person_id: of one Person only.
        since: that ended at or after this moment.
        limit: at most so many.
    """
    statement = (
        select(SightingRow, PersonRow.name)
        .outerjoin(PersonRow, PersonRow.id == SightingRow.person_id)
        .order_by(SightingRow.began_at.desc(), SightingRow.id.desc())
        .limit(limit)
    )
    if person_id is not None:
        statement = statement.where(SightingRow.person_id == person_id)
    if since is not None:
        statement = statement.where(SightingRow.ended_at >= since)
    return [
        Sighting(
            id=row.id,
            person_id=row.person_id,
            name=name,
            source=row.source,
            began_at=row.began_at,
            ended_at=row.ended_at,
            score=row.score,
            reason=row.reason,
        )
        for row, name in session.execute(statement)
    ]


def remove_sightings(session: Session, *, before: datetime | None = None) -> int:
    """Delete visits that ended before a moment, or all of them; returns how many."""
    statement = delete(SightingRow)
    if before is not None:
        statement = statement.where(SightingRow.ended_at < before)
    return len(session.execute(statement.returning(SightingRow.id)).all())


def add_unknown(
    session: Session,
    *,
    source: str,
    seen_at: datetime,
    expires_at: datetime,
    embedding: Embedding,
    quality: float,
    crop_png: bytes,
) -> int:
    """Store a face that nobody was named for.

    Returns:
        Its id.
    """
    statement = insert(UnknownFaceRow).values(
        source=source,
        seen_at=seen_at,
        expires_at=expires_at,
        contract_id=embedding.contract_id,
        dimension=embedding.vector.size,
        vector=blob_from_vector(embedding.vector),
        quality=quality,
        png=crop_png,
    )
    return session.execute(statement.returning(UnknownFaceRow.id)).scalar_one()


def list_unknown_faces(session: Session, *, contract_id: str, at: datetime) -> list[UnknownFace]:
    """Return the faces that wait for a name and have not expired, by id.

    Args:
        session: reading.
        contract_id: under which their Embeddings were made; others cannot be compared.
        at: now, UTC.
    """
    statement = (
        select(UnknownFaceRow)
        .where(UnknownFaceRow.contract_id == contract_id, UnknownFaceRow.expires_at > at)
        .order_by(UnknownFaceRow.id)
    )
    return [
        UnknownFace(
            id=row.id,
            source=row.source,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
            embedding=Embedding(vector_from_blob(row.vector, row.dimension), row.contract_id),
            quality=row.quality,
            crop_png=row.png,
        )
        for row in session.execute(statement).scalars()
    ]


def remove_unknown_faces(
    session: Session, *, ids: Sequence[int] | None = None, expired_at: datetime | None = None
) -> int:
    """Delete faces that wait for a name: some, those that have expired, or all.

    Args:
        session: writing.
        ids: only these.
        expired_at: only those that have expired at this moment.

    Returns:
        How many were deleted.
    """
    statement = delete(UnknownFaceRow)
    if ids is not None:
        statement = statement.where(UnknownFaceRow.id.in_(ids))
    if expired_at is not None:
        statement = statement.where(UnknownFaceRow.expires_at <= expired_at)
    return len(session.execute(statement.returning(UnknownFaceRow.id)).all())
