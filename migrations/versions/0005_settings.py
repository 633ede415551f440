"""Settings of divisions (参数设置)

Safe on a running system: a new, empty table.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-22 11:10:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'setting',
        sa.Column('region_id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('value', sa.JSON(), nullable=False),
        sa.Column('set_at', types.UtcDateTime(), nullable=False),
        sa.Column('set_by', types.UuidType(), nullable=True),
        sa.Column('set_by_name', types.NfcText(128), nullable=True),
        sa.ForeignKeyConstraint(['region_id'], ['region.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('region_id', 'name'),
    )


def downgrade() -> None:
    op.drop_table('setting')
