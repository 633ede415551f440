"""The corrected ID number in the look-back survey; an account's unread note of its last login goes

Safe on running systems: adds a nullable column, drops one that nothing read.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-22 09:55:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('lookback', sa.Column('corrected_id', types.NfcText(18), nullable=True))
    # Never in a batch: SQLite would make the table anew, and with it every account's roles go.
    op.drop_column('ab_user', 'previous_login')


def downgrade() -> None:
    op.add_column('ab_user', sa.Column('previous_login', sa.String(96), nullable=True))
    op.drop_column('lookback', 'corrected_id')
