"""Days of what figures add up

Safe on a running system: a new table.

Revision ID: 0052
Revises: 0051
Create Date: 2026-12-01 04:57:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sum_day",
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("figure", sa.String(length=48), nullable=False),
        sa.Column("region_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("register", "figure", "region_id", "day"),
    )
    op.create_index("ix_sum_day_day", "sum_day", ["day"])


def downgrade() -> None:
    op.drop_index("ix_sum_day_day", "sum_day")
    op.drop_table("sum_day")
