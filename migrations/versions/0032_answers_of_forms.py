"""What a form that is sent again is answered

Safe on a running system: a new column without a value.

Revision ID: 0032
Revises: 0031
Create Date: 2026-11-30 03:20:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("repeat", sa.Column("answer", sa.Text()))


def downgrade() -> None:
    op.drop_column("repeat", "answer")
