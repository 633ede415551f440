"""Households that split off and that move: their standing on the list, requests to move

Safe on running systems: adds columns that may be empty, partial indexes on them, two new tables.

Revision ID: 0016
Revises: 0015
Create Date: 2026-11-22 14:40:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def only_where(condition: str) -> dict[str, sa.TextClause]:
    return {'postgresql_where': sa.text(condition), 'sqlite_where': sa.text(condition)}


def upgrade() -> None:
    for table in ('household', 'lookback'):
        op.add_column(table, sa.Column('standing', sa.String(length=32), nullable=True))
    op.add_column('household', sa.Column('parent_id', types.UuidType(), nullable=True))
    op.create_index('ix_household_parent', 'household', ['parent_id'], unique=False,
                    **only_where('parent_id IS NOT NULL'))
    op.add_column('lookback', sa.Column('moved', sa.Boolean(), nullable=True))
    # In words, as SQLite takes a key of another table in no other way without making it anew.
    op.execute('ALTER TABLE lookback ADD COLUMN new_place INTEGER REFERENCES region (id)')
    op.create_index('ix_lookback_split', 'lookback', ['path', 'id'], unique=False,
                    **only_where('standing IS NOT NULL'))
    op.create_index('ix_lookback_new_place', 'lookback', ['new_place'], unique=False,
                    **only_where('new_place IS NOT NULL'))
    op.create_table(
        'transfer',
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('register', sa.String(length=32), nullable=False),
        sa.Column('record_id', types.UuidType(), nullable=False),
        sa.Column('household_id', types.UuidType(), nullable=False),
        sa.Column('from_region_id', sa.Integer(), nullable=False),
        sa.Column('from_path', types.PathType(), nullable=False),
        sa.Column('to_region_id', sa.Integer(), nullable=False),
        sa.Column('to_path', types.PathType(), nullable=False),
        sa.Column('state', sa.String(length=32), nullable=False),
        sa.Column('asked_at', types.UtcDateTime(), nullable=False),
        sa.Column('asked_by', types.UuidType(), nullable=False),
        sa.Column('from_agreed_at', types.UtcDateTime(), nullable=True),
        sa.Column('to_agreed_at', types.UtcDateTime(), nullable=True),
        sa.Column('ended_at', types.UtcDateTime(), nullable=True),
        sa.Column('ended_by', sa.String(length=32), nullable=True),
        sa.Column('kept', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(['from_region_id'], ['region.id']),
        sa.ForeignKeyConstraint(['to_region_id'], ['region.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_transfer_from', 'transfer', ['from_path', 'asked_at'])
    op.create_index('ix_transfer_to', 'transfer', ['to_path', 'asked_at'])
    op.create_index('ix_transfer_state', 'transfer', ['state', 'asked_at', 'id'])
    op.create_index('ix_transfer_household', 'transfer', ['household_id', 'asked_at'])
    op.create_index('ix_transfer_waiting', 'transfer', ['household_id'], unique=True,
                    **only_where("state = 'waiting'"))
    op.create_table(
        'transfer_word',
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('transfer_id', types.UuidType(), nullable=False),
        sa.Column('at', types.UtcDateTime(), nullable=False),
        sa.Column('word', sa.String(length=32), nullable=False),
        sa.Column('side', sa.String(length=32), nullable=False),
        sa.Column('account_id', types.UuidType(), nullable=False),
        sa.Column('account_name', types.NfcText(length=128), nullable=False),
        sa.Column('person', types.NfcText(length=64), nullable=False),
        sa.Column('phone', types.NfcText(length=32), nullable=False),
        sa.Column('opinion', types.NfcText(length=1000), nullable=True),
        sa.ForeignKeyConstraint(['transfer_id'], ['transfer.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_transfer_word_transfer', 'transfer_word', ['transfer_id', 'at'])


def downgrade() -> None:
    op.drop_table('transfer_word')
    op.drop_table('transfer')
    op.drop_index('ix_lookback_new_place', table_name='lookback')
    op.drop_index('ix_lookback_split', table_name='lookback')
    op.drop_index('ix_household_parent', table_name='household')
    with op.batch_alter_table('lookback') as batch:
        for name in ('new_place', 'moved', 'standing'):
            batch.drop_column(name)
    with op.batch_alter_table('household') as batch:
        for name in ('parent_id', 'standing'):
            batch.drop_column(name)
