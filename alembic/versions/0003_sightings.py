"""Add the history of a camera: visits, and unknown faces that wait for a name.

Why: the live view tells who came and went, and lets a stranger be named afterwards. Unknown faces
carry the moment at which they are deleted.

Revision: 0003
Follows: 0002
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sightings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_sightings_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sightings")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sightings_person_id"), "sightings", ["person_id"])
    op.create_index(op.f("ix_sightings_began_at"), "sightings", ["began_at"])
    op.create_table(
        "unknown_faces",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("contract_id", sa.String(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("quality", sa.Double(), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "length(vector) = 4 * dimension", name=op.f("ck_unknown_faces_vector_length")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unknown_faces")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_unknown_faces_expires_at"), "unknown_faces", ["expires_at"])


def downgrade() -> None:
    op.drop_table("unknown_faces")
    op.drop_table("sightings")
