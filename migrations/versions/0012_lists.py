"""Lists: filters kept under a name, columns chosen by an account, results of searches in the background

Safe on a running system: new tables, and a nullable column of accounts.

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-22 14:40:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'saved_filter',
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('account_id', types.UuidType(), nullable=False),
        sa.Column('account_name', types.NfcText(128), nullable=False),
        sa.Column('register', sa.String(32), nullable=False),
        sa.Column('menu', sa.String(32), nullable=False),
        sa.Column('name', types.NfcText(30), nullable=False),
        sa.Column('asked', sa.JSON(), nullable=False),
        sa.Column('path', types.PathType(), nullable=True),
        sa.Column('saved_at', types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('account_id', 'register', 'menu', 'name', name='uq_saved_filter_name'),
    )
    op.create_index('ix_saved_filter_shared', 'saved_filter', ['path', 'register', 'menu'])
    op.create_table(
        'result_row',
        sa.Column('search_id', types.UuidType(), nullable=False),
        sa.Column('position', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('record_id', types.UuidType(), nullable=False),
        sa.PrimaryKeyConstraint('search_id', 'position'),
    )
    op.create_index('ix_result_row_record', 'result_row', ['search_id', 'record_id'], unique=True)
    # Never in a batch: SQLite would make the table anew, and with it every account's roles go.
    op.add_column('ab_user', sa.Column('list_columns', sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column('ab_user', 'list_columns')
    op.drop_table('result_row')
    op.drop_table('saved_filter')
