"""Quotas: how many records divisions give those below them to do

Revision ID: 0042
Revises: 0041
Create Date: 2026-11-30 17:15:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quota",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("giver_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("set_at", types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["giver_id"], ["region.id"]),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_quota_giver", "quota", ["giver_id", "register", "year"])
    op.create_index("ix_quota_receiver", "quota", ["region_id", "register", "year"])


def downgrade() -> None:
    op.drop_table("quota")
