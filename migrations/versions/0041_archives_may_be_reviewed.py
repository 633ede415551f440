"""Archives may be reviewed where their county wants it

Safe on a running system: nullable columns, and one with a constant default: what is there was entered.

Revision ID: 0041
Revises: 0040
Create Date: 2026-11-30 17:00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("archive", sa.Column("submitted_by", types.UuidType(), nullable=True))
    op.add_column("archive", sa.Column("submitted_at", types.UtcDateTime(), nullable=True))
    op.add_column("archive", sa.Column("decided_at", types.UtcDateTime(), nullable=True))
    op.add_column(
        "archive",
        sa.Column("state", sa.String(length=32), nullable=False, server_default="draft"),
    )
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_archive_state", "archive", ["state", "path", "id"], if_not_exists=True,
            postgresql_concurrently=True,
        )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_archive_state", "archive")
    for name in ("state", "decided_at", "submitted_at", "submitted_by"):
        op.drop_column("archive", name)
