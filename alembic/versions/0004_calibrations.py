"""Add the calibrations: the Threshold found for this gallery, with what it promises.

Why: a Threshold holds for one model, one size of gallery and one wanted rate of false alarms, so it
is kept with all three beside the people it was found for.

Revision: 0004
Follows: 0003
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calibrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.String(), nullable=False),
        sa.Column("requested_fpir", sa.Double(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("fpir", sa.Double(), nullable=False),
        sa.Column("fpir_low", sa.Double(), nullable=False),
        sa.Column("expected_threshold", sa.Double(), nullable=False),
        sa.Column("threshold_low", sa.Double(), nullable=False),
        sa.Column("n_people", sa.Integer(), nullable=False),
        sa.Column("n_templates", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("data", sa.String(), nullable=False),
        sa.Column("data_people", sa.Integer(), nullable=False),
        sa.Column("data_comparisons", sa.Integer(), nullable=False),
        sa.Column("fnir", sa.Double(), nullable=True),
        sa.Column("fnir_low", sa.Double(), nullable=True),
        sa.Column("fnir_high", sa.Double(), nullable=True),
        sa.Column("fnir_people", sa.Integer(), nullable=False),
        sa.Column("fnir_searches", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibrations")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("calibrations")
