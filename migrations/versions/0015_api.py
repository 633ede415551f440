"""Tokens of the API, requests sent twice, and the order of change of households and surveys

On a running system with millions of rows build the four indexes by hand first, CONCURRENTLY, under
these names: each takes minutes and would hold writers.

Revision ID: 0015
Revises: 0014
Create Date: 2026-11-22 14:40:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

_FEEDS = ('household', 'lookback')
_PLACES = ('county', 'province')


def upgrade() -> None:
    op.create_table(
        'access_token',
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('region_id', sa.Integer(), nullable=False),
        sa.Column('name', types.NfcText(60), nullable=False),
        sa.Column('secret_hash', sa.String(64), nullable=False),
        sa.Column('hint', sa.String(8), nullable=False),
        sa.Column('registers', sa.JSON(), nullable=False),
        sa.Column('expires_on', sa.Date(), nullable=False),
        sa.Column('created_at', types.UtcDateTime(), nullable=False),
        sa.Column('created_by', types.UuidType(), nullable=True),
        sa.Column('created_by_name', types.NfcText(128), nullable=True),
        sa.Column('used_at', types.UtcDateTime(), nullable=True),
        sa.Column('used_from', sa.String(64), nullable=True),
        sa.Column('revoked_at', types.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['account_id'], ['ab_user.id'], ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['region_id'], ['region.id']),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('secret_hash'),
    )
    op.create_index('ix_access_token_account_id', 'access_token', ['account_id'])
    op.create_index('ix_access_token_region_id', 'access_token', ['region_id'])
    op.create_table(
        'repeat',
        sa.Column('account_id', types.UuidType(), nullable=False),
        sa.Column('key', sa.String(64), nullable=False),
        sa.Column('digest', sa.String(64), nullable=False),
        sa.Column('at', types.UtcDateTime(), nullable=False),
        sa.Column('status', sa.SmallInteger(), nullable=True),
        sa.Column('result', types.UuidType(), nullable=True),
        sa.PrimaryKeyConstraint('account_id', 'key'),
    )
    for table in _FEEDS:
        for place in _PLACES:
            op.create_index(
                f'ix_{table}_changed_{place}', table, [f'{place}_id', 'changed_at', 'id'],
                if_not_exists=True,
            )


def downgrade() -> None:
    for table in _FEEDS:
        for place in _PLACES:
            op.drop_index(f'ix_{table}_changed_{place}', table)
    op.drop_table('repeat')
    op.drop_table('access_token')
