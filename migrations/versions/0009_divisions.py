"""Staged changes of divisions and their history

Safe on a running system: two new, empty tables and a nullable column.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-22 11:25:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('region', sa.Column('last_label', sa.Integer(), nullable=True))
    op.create_table(
        'region_change',
        sa.Column('region_id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('kind', sa.String(length=32), nullable=False),
        sa.Column('level', sa.SmallInteger(), nullable=False),
        sa.Column('path', types.PathType(), nullable=False),
        sa.Column('parent_id', sa.Integer(), nullable=False),
        sa.Column('code', types.NfcText(12), nullable=False),
        sa.Column('national_code', types.NfcText(12), nullable=False),
        sa.Column('name', types.NfcText(60), nullable=False),
        sa.Column('sort', sa.Integer(), nullable=False),
        sa.Column('department', types.NfcText(40), nullable=False),
        sa.Column('into_id', sa.Integer(), nullable=True),
        sa.Column('forced', sa.Boolean(), nullable=False),
        sa.Column('version', sa.SmallInteger(), nullable=False),
        sa.Column('made_at', types.UtcDateTime(), nullable=False),
        sa.Column('made_by', types.UuidType(), nullable=False),
        sa.Column('made_by_name', types.NfcText(128), nullable=False),
        sa.PrimaryKeyConstraint('region_id'),
    )
    op.create_index('ix_region_change_place', 'region_change', ['path', 'level'])
    op.create_index('ix_region_change_parent', 'region_change', ['parent_id'])
    op.create_index('ix_region_change_code', 'region_change', ['level', 'code'])
    op.create_index('ix_region_change_into', 'region_change', ['into_id'])
    op.create_table(
        'region_history',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('region_id', sa.Integer(), nullable=False),
        sa.Column('into_id', sa.Integer(), nullable=True),
        sa.Column('kind', sa.String(length=32), nullable=False),
        sa.Column('level', sa.SmallInteger(), nullable=False),
        sa.Column('path', types.PathType(), nullable=False),
        sa.Column('parent_id', sa.Integer(), nullable=True),
        sa.Column('code', types.NfcText(12), nullable=False),
        sa.Column('name', types.NfcText(60), nullable=False),
        sa.Column('full_name', types.NfcText(200), nullable=False),
        sa.Column('changes', sa.JSON(), nullable=False),
        sa.Column('at', types.UtcDateTime(), nullable=False),
        sa.Column('account_id', types.UuidType(), nullable=True),
        sa.Column('account_name', types.NfcText(128), nullable=True),
        sa.PrimaryKeyConstraint('id'),
        sqlite_autoincrement=True,
    )
    op.create_index('ix_region_history_region', 'region_history', ['region_id', 'at'])
    op.create_index('ix_region_history_into', 'region_history', ['into_id'])
    op.create_index('ix_region_history_parent', 'region_history', ['parent_id'])
    op.create_index('ix_region_history_code', 'region_history', ['code'])
    op.create_index('ix_region_history_name', 'region_history', ['name'])


def downgrade() -> None:
    op.drop_table('region_history')
    op.drop_table('region_change')
    with op.batch_alter_table('region') as batch:
        batch.drop_column('last_label')
