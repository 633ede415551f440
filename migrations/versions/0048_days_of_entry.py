"""Archives keep the days on which they were entered, and whether that was soon enough

Safe on a running system: nullable columns; of what is there nobody knows the days.

Revision ID: 0048
Revises: 0047
Create Date: 2026-11-30 20:15:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("archive", sa.Column("entered_on", sa.Date(), nullable=True))
    op.add_column("archive", sa.Column("completion_told_on", sa.Date(), nullable=True))
    op.add_column("archive", sa.Column("timely", sa.Boolean(), nullable=True))


def downgrade() -> None:
    for name in ("timely", "completion_told_on", "entered_on"):
        op.drop_column("archive", name)
