"""The gallery's tables: people and what is known of them, steps, calibrations, a change of model.

Row classes live only inside ``facerec.gallery``; what leaves it are the value types of
``people.py`` and ``templates.py``. Constraints are named by a convention, since SQLite cannot
migrate unnamed ones.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# Ids are never given twice, not even after the highest one was removed (design, law 1).
_NEVER_REUSED = {"sqlite_autoincrement": True}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC: aware in Python, without a zone in SQLite, which has no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware moment into UTC."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone was about to be stored.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back to what was stored without a zone."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it from the class)
        datetime: UtcDateTime,
        str: String,
        bytes: LargeBinary,
        float: Double,
    }


class GalleryRow(Base):
    """The one row about the gallery itself.

    Attributes:
        uuid: tells this gallery from a restored or copied other one.
        revision: counts writing transactions.
        vectors_revision: the revision that last added, removed or changed a vector.
        vectors_token: drawn at random by that change; an index that carries it is up to date, also
            when the database was restored from a backup and counts the same revisions again.
        returned_revision: the revision that last brought vectors of older ids back among those
            compared; an index from before it cannot tell from the highest id what is new.
        contract_id: contract of the vectors that are compared; NULL while nobody was enrolled.
    """

    __tablename__ = "gallery"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str]
    revision: Mapped[int]
    vectors_revision: Mapped[int]
    vectors_token: Mapped[str]
    returned_revision: Mapped[int] = mapped_column(server_default="0")
    contract_id: Mapped[str | None]
    created_at: Mapped[datetime]


class PersonRow(Base):
    """A named identity.

    Attributes:
        name: as the user wrote it, in NFC.
        name_key: the name's casefolded form; two people cannot share it.
        ignored_at: since when the Person is never named, only told apart; NULL when named.
    """

    __tablename__ = "people"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    ignored_at: Mapped[datetime | None]


class ImageRow(Base):
    """A picture that Templates were made from; the picture itself is not kept.

    Attributes:
        sha256: digest of the file's bytes, or of the pixels of an image that came as an array.
        source_name: the file's own name without its folders; empty for arrays.
    """

    __tablename__ = "images"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    source_name: Mapped[str]
    height_px: Mapped[int]
    width_px: Mapped[int]
    created_at: Mapped[datetime]


class TemplateRow(Base):
    """An Embedding stored for a Person.

    Attributes:
        contract_id: what the vector was made under; vectors of other contracts are not compared.
        dimension: length of the vector.
        vector: ``dimension`` little-endian float32 numbers of unit length.
        quality: in [0, 1], higher is better.
        left, top, right, bottom: the Face's box in the picture, in pixels.
        set_aside_at: since when the Template is kept without being compared; NULL when it is.
    """

    __tablename__ = "templates"
    __table_args__ = (
        CheckConstraint("length(vector) = 4 * dimension", name="vector_length"),
        Index(None, "person_id"),
        Index(None, "image_id"),
        Index(None, "contract_id", "set_aside_at"),
        _NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    contract_id: Mapped[str]
    dimension: Mapped[int]
    vector: Mapped[bytes]
    quality: Mapped[float]
    left: Mapped[float]
    top: Mapped[float]
    right: Mapped[float]
    bottom: Mapped[float]
    created_at: Mapped[datetime]
    set_aside_at: Mapped[datetime | None]


class StepRow(Base):
    """One change of the gallery that can be reversed; see ``facerec.gallery.steps``.

    Attributes:
        kind: a ``StepKind``.
        sentence: what was done, for people.
        undone_revision: the gallery's revision that undid it; NULL while it is done.
    """

    __tablename__ = "steps"
    __table_args__ = (Index(None, "made_at"), _NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    made_at: Mapped[datetime]
    sentence: Mapped[str]
    undone_revision: Mapped[int | None]


class StepPersonRow(Base):
    """A Person whom a step's sentence names, enrolled or not any more."""

    __tablename__ = "step_people"
    __table_args__ = (Index(None, "person_id"),)

    step_id: Mapped[int] = mapped_column(
        ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    person_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class StepChangeRow(Base):
    """What reversing a step must write: one cell of one row, or that a row was new.

    Attributes:
        table_name: of the row that was changed.
        row_id: its primary key.
        kind: ``insert``, ``update`` or ``delete``: what happened to the row.
        column_name: whose value ``old`` is; NULL for an inserted row, which goes as a whole.
        old: the value before, of whatever type it was: BLOB columns convert nothing.
    """

    __tablename__ = "step_changes"
    __table_args__ = (Index(None, "step_id"), Index(None, "table_name", "row_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    step_id: Mapped[int] = mapped_column(ForeignKey("steps.id", ondelete="CASCADE"))
    table_name: Mapped[str]
    row_id: Mapped[int]
    kind: Mapped[str]
    column_name: Mapped[str | None]
    old: Mapped[bytes | None]


class CropRow(Base):
    """The Crop of a Template as PNG, from which another network embeds it again.

    It lies apart from ``templates`` so that reading all vectors does not read all pictures.
    """

    __tablename__ = "crops"

    template_id: Mapped[int] = mapped_column(
        ForeignKey("templates.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    png: Mapped[bytes]


class ExclusionRow(Base):
    """The fact that a face is not a Person: of a Template, or of a face that is not enrolled.

    Attributes:
        person_id: who it is not.
        template_id: whose face; NULL for a face that is not enrolled.
        contract_id: what that face's vector was made under; NULL for a Template, like the next two.
        dimension: length of the vector.
        vector: ``dimension`` little-endian float32 numbers of unit length.
    """

    __tablename__ = "exclusions"
    __table_args__ = (
        CheckConstraint("(template_id IS NULL) = (vector IS NOT NULL)", name="one_face"),
        CheckConstraint("vector IS NULL OR length(vector) = 4 * dimension", name="vector_length"),
        Index(None, "person_id"),
        Index(None, "template_id"),
        _NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    template_id: Mapped[int | None] = mapped_column(ForeignKey("templates.id", ondelete="CASCADE"))
    contract_id: Mapped[str | None]
    dimension: Mapped[int | None]
    vector: Mapped[bytes | None]
    created_at: Mapped[datetime]


class SightingRow(Base):
    """One visit of one face before a camera: when it came and went, and who it was.

    Nothing that could recognise the face again is in it.

    Attributes:
        person_id: who; NULL when nobody was named, or the Person was removed since.
        source: of the video, in words.
        began_at, ended_at: when the face was first and last seen.
        score: of the name given; NULL when there was none.
        reason: the rule that decided.
    """

    __tablename__ = "sightings"
    __table_args__ = (Index(None, "person_id"), Index(None, "began_at"), _NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    source: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    score: Mapped[float | None]
    reason: Mapped[str]


class UnknownFaceRow(Base):
    """A face nobody was named for, kept for a short time so that somebody can name it.

    Attributes:
        seen_at: when its best look was taken.
        expires_at: when it is deleted.
        contract_id: what the vector was made under.
        dimension: length of the vector.
        vector: ``dimension`` little-endian float32 numbers of unit length.
        quality: in [0, 1].
        png: the Crop.
    """

    __tablename__ = "unknown_faces"
    __table_args__ = (
        CheckConstraint("length(vector) = 4 * dimension", name="vector_length"),
        Index(None, "expires_at"),
        _NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    contract_id: Mapped[str]
    dimension: Mapped[int]
    vector: Mapped[bytes]
    quality: Mapped[float]
    png: Mapped[bytes]


class CalibrationRow(Base):
    """The Threshold found for this gallery.

    Attributes:
        contract_id: contract of the vectors it was found with; it holds for no other.
        requested_fpir: highest share of strangers that may be taken for somebody.
        threshold: smallest Score that counts.
        fpir, fpir_low: what is expected at the Threshold, and the lower bound of it; the upper one
            is ``requested_fpir``.
        expected_threshold, threshold_low: where the rate is expected to be the requested one, and
            the lower bound of that; the upper one is ``threshold``.
        n_people, n_templates: size of the gallery at the time.
        origin: ``own`` people or the model's ``reference``.
        data: which people the Scores are of, in words.
        data_people, data_comparisons: how many people and comparisons of Templates.
        fnir, fnir_low, fnir_high: share of searches for enrolled people that miss; NULL when nobody
            has two Templates.
        fnir_people, fnir_searches: what that rests on.
    """

    __tablename__ = "calibrations"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[str]
    requested_fpir: Mapped[float]
    threshold: Mapped[float]
    fpir: Mapped[float]
    fpir_low: Mapped[float]
    expected_threshold: Mapped[float]
    threshold_low: Mapped[float]
    n_people: Mapped[int]
    n_templates: Mapped[int]
    origin: Mapped[str]
    data: Mapped[str]
    data_people: Mapped[int]
    data_comparisons: Mapped[int]
    fnir: Mapped[float | None]
    fnir_low: Mapped[float | None]
    fnir_high: Mapped[float | None]
    fnir_people: Mapped[int]
    fnir_searches: Mapped[int]
    created_at: Mapped[datetime]


class ConsentRow(Base):
    """What a Person agreed to, and for how long they may be kept.

    Attributes:
        consent: how it was given, in words.
        purpose: what for, in words.
        recorded_at: when it was last changed.
        keep_until: the moment from which the Person is not named any more; NULL for no end.
        noticed_at: when the program first saw that this moment was over; NULL before.
    """

    __tablename__ = "consents"
    __table_args__ = (Index(None, "keep_until"),)

    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    consent: Mapped[str]
    purpose: Mapped[str]
    recorded_at: Mapped[datetime]
    keep_until: Mapped[datetime | None]
    noticed_at: Mapped[datetime | None]


class AccessRow(Base):
    """One line of the access log; see ``facerec.gallery.access``.

    Attributes:
        at: when.
        account: of the operating system.
        program: which command or program.
        action: what was done.
        n: how often, or with how many people.
        person_id: with whom; NULL for several or nobody. No reference: it stays after an erasure.
    """

    __tablename__ = "access_log"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    account: Mapped[str]
    program: Mapped[str]
    action: Mapped[str]
    n: Mapped[int]
    person_id: Mapped[int | None]


class CopyRow(Base):
    """A file outside the gallery's folder that the program wrote people into.

    Attributes:
        path: absolute.
        kind: a ``CopyKind``.
    """

    __tablename__ = "copies"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    made_at: Mapped[datetime]


class ModelChangeRow(Base):
    """The one change of model that is prepared, or was made and can be taken back.

    Which of the two contracts serves, says the gallery's own row.

    Attributes:
        old_model, new_model: as the setting ``embed.model`` names them.
        old_contract_id, new_contract_id: what their vectors are made under.
        prepared_at: when no Template was left to embed; NULL before.
        accepted_at: when the new model last came into use; NULL before.
    """

    __tablename__ = "model_changes"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    old_model: Mapped[str]
    new_model: Mapped[str]
    old_contract_id: Mapped[str]
    new_contract_id: Mapped[str]
    started_at: Mapped[datetime]
    prepared_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]


class SpareVectorRow(Base):
    """A Template's vector under the contract of a change of model that does not serve.

    It is never compared. Changing the model and going back exchange it with the Template's own.

    Attributes:
        contract_id: what the vector was made under.
        dimension: length of the vector.
        vector: ``dimension`` little-endian float32 numbers of unit length.
    """

    __tablename__ = "spare_vectors"
    __table_args__ = (
        CheckConstraint("length(vector) = 4 * dimension", name="vector_length"),
        Index(None, "contract_id"),
    )

    template_id: Mapped[int] = mapped_column(
        ForeignKey("templates.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    contract_id: Mapped[str]
    dimension: Mapped[int]
    vector: Mapped[bytes]


class FailedTemplateRow(Base):
    """A Template that the other model could not embed.

    Attributes:
        reason: why, in words; names nobody.
    """

    __tablename__ = "failed_templates"

    template_id: Mapped[int] = mapped_column(
        ForeignKey("templates.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    reason: Mapped[str]
