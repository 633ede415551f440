"""Households whose survey says that they live in a house of their own

Safe on a running system: a column with a constant default rewrites no table; a job marks the rest.

Revision ID: 0028
Revises: 0027
Create Date: 2026-11-22 18:30:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0028'
down_revision = '0027'
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column('own_house', sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column('household', column)


def downgrade() -> None:
    op.drop_column('household', 'own_house')
