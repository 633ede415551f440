"""A household stands on two lists: poverty-exit households and low-income ones

Safe on a running system: a column with a constant default rewrites no table.

Revision ID: 0019
Revises: 0018
Create Date: 2026-11-22 17:45:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column('low_income', sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column('household', column)


def downgrade() -> None:
    op.drop_column('household', 'low_income')
