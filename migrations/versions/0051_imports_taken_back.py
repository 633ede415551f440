"""Imports can be taken back

Safe on a running system: two new tables; imports from before the deploy cannot be taken back.

Revision ID: 0051
Revises: 0050
Create Date: 2026-11-30 20:10:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("made_at", types.UtcDateTime(), nullable=False),
        sa.Column("expires", types.UtcDateTime(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("taking", types.UuidType(), nullable=True),
        sa.Column("taken_at", types.UtcDateTime(), nullable=True),
        sa.Column("taken_by", types.NfcText(length=128), nullable=False),
        sa.Column("reason", types.NfcText(length=200), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("restored", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["job.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_import_run_place", "import_run", ["path", "made_at"])
    op.create_table(
        "import_image",
        sa.Column("run_id", types.UuidType(), nullable=False),
        sa.Column("unit", types.UuidType(), nullable=False),
        sa.Column("key", types.UuidType(), nullable=False),
        sa.Column("table_name", sa.String(length=32), nullable=False),
        sa.Column("wrote", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "unit", "key"),
    )


def downgrade() -> None:
    op.drop_table("import_image")
    op.drop_table("import_run")
