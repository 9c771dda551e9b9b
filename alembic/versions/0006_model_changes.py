"""Add the change of model: what is prepared beside what serves, and what could not be.

Why: embedding a gallery again takes long and may be broken off, and the new model should not serve
before it was compared with the old one, nor the old vectors go before the new ones have proved
themselves. So both lie side by side, one of them compared.

Revision: 0006
Follows: 0004
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("old_model", sa.String(), nullable=False),
        sa.Column("new_model", sa.String(), nullable=False),
        sa.Column("old_contract_id", sa.String(), nullable=False),
        sa.Column("new_contract_id", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_model_changes_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_changes")),
    )
    op.create_table(
        "spare_vectors",
        sa.Column("template_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contract_id", sa.String(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "length(vector) = 4 * dimension", name=op.f("ck_spare_vectors_vector_length")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["templates.id"],
            name=op.f("fk_spare_vectors_template_id_templates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_spare_vectors")),
    )
    op.create_index(op.f("ix_spare_vectors_contract_id"), "spare_vectors", ["contract_id"])
    op.create_table(
        "failed_templates",
        sa.Column("template_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["templates.id"],
            name=op.f("fk_failed_templates_template_id_templates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_failed_templates")),
    )


def downgrade() -> None:
    """What was prepared goes, and so do the vectors kept for going back."""
    op.drop_table("failed_templates")
    op.drop_table("spare_vectors")
    op.drop_table("model_changes")
