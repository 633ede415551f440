"""Archives are hidden when they are deleted, with their files; they keep when their photos were taken

Safe on a running system: columns that are empty where nothing is hidden.

Revision ID: 0046
Revises: 0045
Create Date: 2026-11-30 20:30:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attachment", sa.Column("hidden_on", sa.Date(), nullable=True))
    op.add_column("archive", sa.Column("hidden_on", sa.Date(), nullable=True))
    op.add_column("archive", sa.Column("hidden_by", _text(128), nullable=True))
    op.add_column("archive", sa.Column("hidden_why", _text(1000), nullable=True))
    op.add_column("archive", sa.Column("before_taken", sa.Date(), nullable=True))
    op.add_column("archive", sa.Column("after_taken", sa.Date(), nullable=True))


def downgrade() -> None:
    for name in ("after_taken", "before_taken", "hidden_why", "hidden_by", "hidden_on"):
        op.drop_column("archive", name)
    op.drop_column("attachment", "hidden_on")


def _text(length: int) -> sa.String:
    """Compared by bytes, as the models say."""
    return sa.String(length=length).with_variant(sa.String(length=length, collation="C"), "postgresql")
