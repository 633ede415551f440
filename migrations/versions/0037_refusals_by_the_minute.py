"""What is refused is gathered by account and network address

Safe on a running system: a new table.

Revision ID: 0037
Revises: 0036
Create Date: 2026-11-30 12:30:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import app.core.types

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refusals",
        sa.Column("account_id", app.core.types.UuidType(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("since", app.core.types.UtcDateTime(), nullable=False),
        sa.Column("last", app.core.types.UtcDateTime(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("account_name", app.core.types.NfcText(length=128), nullable=True),
        sa.Column("path", app.core.types.PathType(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "address", name=op.f("pk_refusals")),
    )


def downgrade() -> None:
    op.drop_table("refusals")
