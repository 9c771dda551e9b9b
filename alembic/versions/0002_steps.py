"""Add the step log, Templates that are set aside, and the mark of vectors that came back.

Why: every change of the gallery can be undone. ``step_changes.old`` is a BLOB column because SQLite
converts nothing in one, so that each value comes back as it was. Templates that are set aside are
left out by the index of ``templates`` that finds those of a contract.

Revision: 0002
Follows: 0001
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "gallery", sa.Column("returned_revision", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("templates", sa.Column("set_aside_at", MOMENT, nullable=True))
    op.drop_index(op.f("ix_templates_contract_id"), table_name="templates")
    op.create_index(
        op.f("ix_templates_contract_id_set_aside_at"), "templates", ["contract_id", "set_aside_at"]
    )
    op.create_table(
        "steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("undone_revision", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_steps")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_steps_made_at"), "steps", ["made_at"])
    op.create_table(
        "step_people",
        sa.Column("step_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["step_id"], ["steps.id"], name=op.f("fk_step_people_step_id_steps"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("step_id", "person_id", name=op.f("pk_step_people")),
    )
    op.create_index(op.f("ix_step_people_person_id"), "step_people", ["person_id"])
    op.create_table(
        "step_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("column_name", sa.String(), nullable=True),
        sa.Column("old", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["step_id"],
            ["steps.id"],
            name=op.f("fk_step_changes_step_id_steps"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_changes")),
    )
    op.create_index(op.f("ix_step_changes_step_id"), "step_changes", ["step_id"])
    op.create_index(
        op.f("ix_step_changes_table_name_row_id"), "step_changes", ["table_name", "row_id"]
    )


def downgrade() -> None:
    for table in ("step_changes", "step_people", "steps"):
        op.drop_table(table)
    op.drop_index(op.f("ix_templates_contract_id_set_aside_at"), table_name="templates")
    op.create_index(op.f("ix_templates_contract_id"), "templates", ["contract_id"])
    op.drop_column("templates", "set_aside_at")
    op.drop_column("gallery", "returned_revision")
