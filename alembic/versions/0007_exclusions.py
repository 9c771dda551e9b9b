"""Add ignored people, and the facts that a face is not a Person.

Why: a known stranger is told apart without being named, and "not this person" is respected by every
later search and every later look at the gallery's health.

Revision: 0007
Follows: 0004
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("people", sa.Column("ignored_at", MOMENT, nullable=True))
    op.create_table(
        "exclusions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=True),
        sa.Column("contract_id", sa.String(), nullable=True),
        sa.Column("dimension", sa.Integer(), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "(template_id IS NULL) = (vector IS NOT NULL)", name=op.f("ck_exclusions_one_face")
        ),
        sa.CheckConstraint(
            "vector IS NULL OR length(vector) = 4 * dimension",
            name=op.f("ck_exclusions_vector_length"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_exclusions_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["templates.id"],
            name=op.f("fk_exclusions_template_id_templates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusions")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_exclusions_person_id"), "exclusions", ["person_id"])
    op.create_index(op.f("ix_exclusions_template_id"), "exclusions", ["template_id"])


def downgrade() -> None:
    op.drop_table("exclusions")
    op.drop_column("people", "ignored_at")
