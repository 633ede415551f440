"""Corrections of many records, what became of each, and rules for later ones

Safe on a running system: three new tables that nobody else knows.

Revision ID: 0049
Revises: 0048
Create Date: 2026-11-30 20:15:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "correction",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("pairs", sa.JSON(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("subject", types.NfcText(1000), nullable=False),
        sa.Column("reason", types.NfcText(200), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("account_id", types.UuidType(), nullable=False),
        sa.Column("account_name", types.NfcText(128), nullable=False),
        sa.Column("seen_at", types.UtcDateTime(), nullable=False),
        sa.Column("made_at", types.UtcDateTime(), nullable=False),
        sa.Column("done_at", types.UtcDateTime(), nullable=True),
        sa.Column("undone_by", types.NfcText(128), nullable=True),
        sa.Column("undone_at", types.UtcDateTime(), nullable=True),
        sa.Column("job_id", types.UuidType(), nullable=True),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_correction_made", "correction", ["register", "made_at"])
    op.create_table(
        "corrected_row",
        sa.Column("correction_id", types.UuidType(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_id", types.UuidType(), nullable=False),
        sa.Column("fate", sa.String(length=32), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("note", types.NfcText(300), nullable=True),
        sa.ForeignKeyConstraint(["correction_id"], ["correction.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("correction_id", "position"),
    )
    op.create_index("ix_corrected_row_fate", "corrected_row", ["correction_id", "fate", "position"])
    op.create_table(
        "standing_rule",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("old", sa.JSON(), nullable=False),
        sa.Column("new", sa.JSON(), nullable=True),
        sa.Column("reason", types.NfcText(200), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("account_name", types.NfcText(128), nullable=False),
        sa.Column("made_at", types.UtcDateTime(), nullable=False),
        sa.Column("off_by", types.NfcText(128), nullable=True),
        sa.Column("off_at", types.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_standing_rule_register", "standing_rule", ["register", "off_at"])


def downgrade() -> None:
    op.drop_table("standing_rule")
    op.drop_table("corrected_row")
    op.drop_table("correction")
