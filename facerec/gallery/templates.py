"""Templates in the gallery: add, list, remove, and read all vectors quickly for the index.

Vectors are stored as little-endian float32 with their dimension and contract id. Reading them goes
past the mapped classes on purpose: making an object per row costs several times the reading itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from facerec.errors import DatabaseCorruptError, NotFoundError
from facerec.gallery.people import remove_unused_images, touch_person
from facerec.gallery.session import gallery_state, mark_vectors_changed, set_contract
from facerec.gallery.tables import CropRow, ExclusionRow, ImageRow, PersonRow, TemplateRow
from facerec.types import UNIT_NORM_TOLERANCE, Embedding

_LITTLE_FLOAT32 = np.dtype("<f4")
# Rows fetched at a time: large enough to hide the calls, small enough to stay in the cache.
_ROWS_PER_FETCH = 4096
# Those of the gallery's contract, unless they are set aside.
_COMPARED = "FROM templates WHERE contract_id = ? AND set_aside_at IS NULL"
# SQLite takes at most 999 parameters in its oldest builds still around.
_IDS_PER_STATEMENT = 900


@dataclass(frozen=True, slots=True)
class ImageSourceInfo:
    """Where Templates come from.

    Attributes:
        sha256: hexadecimal digest; see ``facerec.services.source``.
        source_name: the file's own name without folders; empty when there was no file.
    """

    sha256: str
    source_name: str
    height_px: int
    width_px: int


@dataclass(frozen=True, slots=True, eq=False)
class NewTemplate:
    """A Template about to be stored.

    Attributes:
        box_xyxy: (4,) float, the Face's box in its Image, pixels.
        quality: in [0, 1].
        crop_png: see ``facerec.gallery.crops``.
    """

    embedding: Embedding
    quality: float
    box_xyxy: NDArray[np.float32]
    crop_png: bytes


@dataclass(frozen=True, slots=True)
class Template:
    """A stored Template, without its vector.

    Attributes:
        box_ltrb: left, top, right, bottom of the Face in its Image, pixels.
        created_at: UTC.
        set_aside_at: UTC, since when it is kept without being compared; None when it is compared.
    """

    id: int
    person_id: int
    contract_id: str
    dimension: int
    quality: float
    source: ImageSourceInfo
    box_ltrb: tuple[float, float, float, float]
    created_at: datetime
    set_aside_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The Person a Template belongs to.

    Attributes:
        ignored: whether the Person is never named.
    """

    person_id: int
    name: str
    ignored: bool = False


def blob_from_vector(vector: NDArray[np.float32]) -> bytes:
    """Turn a vector (D,) into little-endian float32 bytes."""
    return np.ascontiguousarray(vector, dtype=_LITTLE_FLOAT32).tobytes()


def vector_from_blob(blob: bytes, dimension: int) -> NDArray[np.float32]:
    """Turn stored bytes into a vector (D,).

    Raises:
        DatabaseCorruptError: the bytes are not ``dimension`` numbers.
    """
    if len(blob) != dimension * _LITTLE_FLOAT32.itemsize:
        raise _damaged_vectors()
    return np.frombuffer(blob, dtype=_LITTLE_FLOAT32).astype(np.float32)


def find_image(session: Session, sha256: str) -> int | None:
    """Return the id of the Image with that digest, None when it is new."""
    return session.execute(select(ImageRow.id).where(ImageRow.sha256 == sha256)).scalar()


def add_template(
    session: Session, person_id: int, source: ImageSourceInfo, new: NewTemplate, *, at: datetime
) -> int:
    """Store a Template with its Crop and, when it is new, its Image.

    Returns:
        The Template's id.
    """
    image_id = find_image(session, source.sha256)
    if image_id is None:
        image_id = session.execute(
            insert(ImageRow)
            .values(
                sha256=source.sha256,
                source_name=source.source_name,
                height_px=source.height_px,
                width_px=source.width_px,
                created_at=at,
            )
            .returning(ImageRow.id)
        ).scalar_one()
    left, top, right, bottom = (float(value) for value in new.box_xyxy)
    template_id = session.execute(
        insert(TemplateRow)
        .values(
            person_id=person_id,
            image_id=image_id,
            contract_id=new.embedding.contract_id,
            dimension=new.embedding.vector.size,
            vector=blob_from_vector(new.embedding.vector),
            quality=new.quality,
            left=left,
            top=top,
            right=right,
            bottom=bottom,
            created_at=at,
        )
        .returning(TemplateRow.id)
    ).scalar_one()
    session.execute(insert(CropRow).values(template_id=template_id, png=new.crop_png))
    touch_person(session, person_id, at=at)
    mark_vectors_changed(session)
    return template_id


def list_templates(session: Session, person_id: int | None = None) -> list[Template]:
    """Return the Templates of one Person, or of everybody, by id."""
    statement = (
        select(TemplateRow, ImageRow)
        .join(ImageRow, ImageRow.id == TemplateRow.image_id)
        .order_by(TemplateRow.id)
    )
    if person_id is not None:
        statement = statement.where(TemplateRow.person_id == person_id)
    return [_template(template, image) for template, image in session.execute(statement)]


def templates_of(session: Session, template_ids: Sequence[int]) -> dict[int, Template]:
    """Return some Templates by id, rising; ids that are not there are left out."""
    found: dict[int, Template] = {}
    for start in range(0, len(template_ids), _IDS_PER_STATEMENT):
        part = template_ids[start : start + _IDS_PER_STATEMENT]
        statement = (
            select(TemplateRow, ImageRow)
            .join(ImageRow, ImageRow.id == TemplateRow.image_id)
            .where(TemplateRow.id.in_(part))
            .order_by(TemplateRow.id)
        )
        found.update((row.id, _template(row, image)) for row, image in session.execute(statement))
    return found


def template_of_image(
    session: Session, person_id: int, sha256: str, contract_id: str
) -> int | None:
    """Return the Template a Person already has from an Image; None when there is none."""
    statement = (
        select(TemplateRow.id)
        .join(ImageRow, ImageRow.id == TemplateRow.image_id)
        .where(
            TemplateRow.person_id == person_id,
            ImageRow.sha256 == sha256,
            TemplateRow.contract_id == contract_id,
        )
    )
    return session.execute(statement).scalars().first()


def remove_template(session: Session, template_id: int, *, at: datetime) -> None:
    """Remove one Template with its Crop, and its Image when nothing else was made from it.

    Raises:
        NotFoundError: there is no such Template.
    """
    person_id = session.execute(
        select(TemplateRow.person_id).where(TemplateRow.id == template_id)
    ).scalar()
    if person_id is None:
        raise NotFoundError(
            f"There is no template {template_id}.", remedy="See: facerec gallery show NAME."
        )
    session.execute(delete(ExclusionRow).where(ExclusionRow.template_id == template_id))
    session.execute(delete(CropRow).where(CropRow.template_id == template_id))
    session.execute(delete(TemplateRow).where(TemplateRow.id == template_id))
    remove_unused_images(session)
    touch_person(session, person_id, at=at)
    mark_vectors_changed(session)


def replace_embedding(session: Session, template_id: int, embedding: Embedding) -> None:
    """Give a Template the vector another network made of its Crop."""
    session.execute(
        update(TemplateRow)
        .where(TemplateRow.id == template_id)
        .values(
            contract_id=embedding.contract_id,
            dimension=embedding.vector.size,
            vector=blob_from_vector(embedding.vector),
        )
    )
    mark_vectors_changed(session, older_ids=True)


def crop_png(session: Session, template_id: int) -> bytes | None:
    """Return the PNG bytes of a Template's Crop; None when it has none."""
    return session.execute(select(CropRow.png).where(CropRow.template_id == template_id)).scalar()


def crop_pngs(session: Session, template_ids: Sequence[int]) -> dict[int, bytes]:
    """Return the PNG bytes of several Templates' Crops; ids without one are left out."""
    found: dict[int, bytes] = {}
    for start in range(0, len(template_ids), _IDS_PER_STATEMENT):
        part = template_ids[start : start + _IDS_PER_STATEMENT]
        statement = select(CropRow.template_id, CropRow.png).where(CropRow.template_id.in_(part))
        found.update((row.template_id, row.png) for row in session.execute(statement))
    return found


def best_templates(session: Session, person_ids: Sequence[int]) -> dict[int, int]:
    """Return, by Person, the Template of the highest quality; people without any are left out."""
    best: dict[int, int] = {}
    for start in range(0, len(person_ids), _IDS_PER_STATEMENT):
        part = person_ids[start : start + _IDS_PER_STATEMENT]
        statement = (
            select(TemplateRow.person_id, TemplateRow.id)
            .where(TemplateRow.person_id.in_(part))
            .order_by(TemplateRow.quality, TemplateRow.id.desc())
        )
        # The last one of a Person stays: the best, and of equals the oldest.
        best.update((row.person_id, row.id) for row in session.execute(statement))
    return best


def qualities(session: Session) -> dict[int, float]:
    """Return the quality of every Template, by id."""
    statement = select(TemplateRow.id, TemplateRow.quality)
    return dict(session.execute(statement).all())


def embedding_of(session: Session, template_id: int) -> Embedding:
    """Return a Template's Embedding.

    Raises:
        NotFoundError: there is no such Template.
        DatabaseCorruptError: its bytes are damaged.
    """
    row = session.execute(
        select(TemplateRow.vector, TemplateRow.dimension, TemplateRow.contract_id).where(
            TemplateRow.id == template_id
        )
    ).first()
    if row is None:
        raise NotFoundError(f"There is no template {template_id}.")
    vector = vector_from_blob(row.vector, row.dimension)
    _require_unit(vector[None])
    return Embedding(vector, row.contract_id)


def vectors_of_person(session: Session, person_id: int, contract_id: str) -> NDArray[np.float32]:
    """Return a Person's compared vectors, (N, D), by Template id; (0, 0) when none.

    Raises:
        DatabaseCorruptError: a vector is damaged.
    """
    statement = (
        select(TemplateRow.vector, TemplateRow.dimension)
        .where(
            TemplateRow.person_id == person_id,
            TemplateRow.contract_id == contract_id,
            TemplateRow.set_aside_at.is_(None),
        )
        .order_by(TemplateRow.id)
    )
    rows = [vector_from_blob(blob, size) for blob, size in session.execute(statement)]
    if not rows:
        return np.empty((0, 0), np.float32)
    vectors = np.stack(rows)
    _require_unit(vectors)
    return vectors


def count_templates(session: Session, *, contract_id: str | None = None) -> int:
    """Count Templates, of one contract or of all."""
    statement = select(func.count()).select_from(TemplateRow)
    if contract_id is not None:
        statement = statement.where(TemplateRow.contract_id == contract_id)
    return session.execute(statement).scalar_one()


def owners_of(session: Session, template_ids: Sequence[int]) -> Mapping[int, Owner]:
    """Return who the Templates belong to; ids that are not there are left out."""
    owners: dict[int, Owner] = {}
    for start in range(0, len(template_ids), _IDS_PER_STATEMENT):
        part = template_ids[start : start + _IDS_PER_STATEMENT]
        statement = (
            select(TemplateRow.id, PersonRow.id, PersonRow.name, PersonRow.ignored_at)
            .join(PersonRow, PersonRow.id == TemplateRow.person_id)
            .where(TemplateRow.id.in_(part))
        )
        for template_id, person_id, name, ignored_at in session.execute(statement):
            owners[template_id] = Owner(person_id, name, ignored_at is not None)
    return owners


class TemplateVectors:
    """The vectors that are compared, as one session sees them: what an index is built from.

    Attributes:
        gallery_uuid: which gallery.
        revision: the revision that last changed a vector.
        token: drawn at random by that change.
        returned_revision: the revision that last brought vectors of older ids back.
        contract_id: whose vectors: the gallery's own; empty while nobody is enrolled.
    """

    def __init__(self, session: Session) -> None:
        state = gallery_state(session)
        self._session = session
        self.gallery_uuid = state.uuid
        self.revision = state.vectors_revision
        self.token = state.vectors_token
        self.returned_revision = state.returned_revision
        self.contract_id = state.contract_id or ""

    def dimension(self) -> int:
        """Length of the vectors; 0 when there are none."""
        first = next(self._rows(f"SELECT dimension {_COMPARED} LIMIT 1"), None)
        return int(first[0]) if first else 0

    def count(self, *, up_to_id: int | None = None) -> int:
        """How many vectors there are, with ids up to and including ``up_to_id``."""
        sql = f"SELECT count(*) {_COMPARED}"
        if up_to_id is not None:
            rows = self._rows(f"{sql} AND id <= ?", up_to_id)
        else:
            rows = self._rows(sql)
        return int(next(iter(rows))[0])

    def ids(self) -> NDArray[np.int64]:
        """Ids of all vectors, (N,), rising."""
        rows = self._rows(f"SELECT id {_COMPARED} ORDER BY id")
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def vectors(self, *, after_id: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Read the vectors with ids above ``after_id``.

        Returns:
            ids (N,) rising, and vectors (N, D) float32 of unit length.

        Raises:
            DatabaseCorruptError: a vector has the wrong length or is not of unit length.
        """
        dimension = self.dimension()
        n = self.count() - (self.count(up_to_id=after_id) if after_id else 0)
        ids = np.empty(n, np.int64)
        vectors = np.empty((n, dimension), np.float32)
        result = self._session.connection().exec_driver_sql(
            f"SELECT id, vector {_COMPARED} AND id > ? ORDER BY id",
            (self.contract_id, after_id),
        )
        filled = 0
        while rows := result.fetchmany(_ROWS_PER_FETCH):
            part_ids, blobs = zip(*rows, strict=True)
            joined = np.frombuffer(b"".join(blobs), dtype=_LITTLE_FLOAT32)
            if joined.size != len(rows) * dimension or filled + len(rows) > n:
                raise _damaged_vectors()
            ids[filled : filled + len(rows)] = part_ids
            part = vectors[filled : filled + len(rows)]
            part[:] = joined.reshape(len(rows), dimension)
            _require_unit(part)
            filled += len(rows)
        if filled != n:
            raise _damaged_vectors()
        return ids, vectors

    def _rows(self, sql: str, *extra: int) -> Iterator[tuple[int, ...]]:
        result = self._session.connection().exec_driver_sql(sql, (self.contract_id, *extra))
        return (tuple(row) for row in result)


def _template(template: TemplateRow, image: ImageRow) -> Template:
    return Template(
        id=template.id,
        person_id=template.person_id,
        contract_id=template.contract_id,
        dimension=template.dimension,
        quality=template.quality,
        source=ImageSourceInfo(image.sha256, image.source_name, image.height_px, image.width_px),
        box_ltrb=(template.left, template.top, template.right, template.bottom),
        created_at=template.created_at,
        set_aside_at=template.set_aside_at,
    )


def _require_unit(vectors: NDArray[np.float32]) -> None:
    """Refuse vectors (N, D) whose bytes were damaged in a way that shows in their length."""
    squares = np.einsum("nd,nd->n", vectors, vectors)
    # |norm^2 - 1| is about twice |norm - 1|; written so that NaN is refused too.
    if not (np.abs(squares - 1.0) <= 2.5 * UNIT_NORM_TOLERANCE).all():
        raise _damaged_vectors()


def _damaged_vectors() -> DatabaseCorruptError:
    return DatabaseCorruptError(
        "The gallery is damaged: stored vectors are not what they should be.",
        remedy="Restore it from a backup or an export.",
    )


def forget_contract_when_empty(session: Session) -> None:
    """Let the next enrolment choose the model when no Template is left."""
    if not count_templates(session):
        set_contract(session, None)
