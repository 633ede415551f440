"""A grant may be for one register

Safe on a running system: a column that is empty says what grants said before.

Revision ID: 0045
Revises: 0044
Create Date: 2026-11-30 20:10:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account_grant", sa.Column("register", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("account_grant", "register")
