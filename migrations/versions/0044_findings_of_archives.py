"""Archives keep which rules they break

Safe on a running system: two columns that nobody else writes; a job fills them after the deploy.

Revision ID: 0044
Revises: 0043
Create Date: 2026-11-30 17:15:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("archive", sa.Column("severities", sa.String(length=400), nullable=True))
    op.add_column("archive", sa.Column("broken", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("archive", "broken")
    op.drop_column("archive", "severities")
