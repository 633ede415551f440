"""Accounts: persons behind them, registers, grants for a time; officers of divisions, notices

Safe on a running system: nullable columns, an index on a small table, new empty tables.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-22 11:30:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Never in a batch: SQLite would make the table anew, and with it every account's roles go.
    op.add_column('ab_user', sa.Column('entry_person', types.NfcText(64), nullable=True))
    op.add_column('ab_user', sa.Column('review_person', types.NfcText(64), nullable=True))
    op.add_column('ab_user', sa.Column('registers', sa.JSON(none_as_null=True), nullable=True))
    op.create_index('ix_ab_user_place', 'ab_user', ['path', 'id'])
    op.create_table(
        'account_grant',
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('capability', sa.String(length=32), nullable=False),
        sa.Column('region_id', sa.Integer(), nullable=False),
        sa.Column('ends_on', sa.Date(), nullable=False),
        sa.Column('reason', types.NfcText(200), nullable=False),
        sa.Column('granted_at', types.UtcDateTime(), nullable=False),
        sa.Column('granted_by', types.UuidType(), nullable=True),
        sa.Column('granted_by_name', types.NfcText(128), nullable=True),
        sa.Column('revoked_at', types.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['account_id'], ['ab_user.id'], ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['region_id'], ['region.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_account_grant_account_id', 'account_grant', ['account_id'])
    op.create_table(
        'notice',
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('region_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(length=32), nullable=False),
        sa.Column('values', sa.JSON(), nullable=False),
        sa.Column('url', sa.String(length=200), nullable=False),
        sa.Column('at', types.UtcDateTime(), nullable=False),
        sa.Column('seen_at', types.UtcDateTime(), nullable=True),
        sa.Column('seen_by', types.UuidType(), nullable=True),
        sa.ForeignKeyConstraint(['region_id'], ['region.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_notice_region', 'notice', ['region_id', 'seen_at', 'at'])
    op.create_table(
        'officer',
        sa.Column('region_id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('post', sa.String(length=32), nullable=False),
        sa.Column('name', types.NfcText(64), nullable=False),
        sa.Column('employer', types.NfcText(100), nullable=True),
        sa.Column('position', types.NfcText(64), nullable=True),
        sa.Column('office_phone', types.NfcText(32), nullable=True),
        sa.Column('fax', types.NfcText(32), nullable=True),
        sa.Column('mobile', types.NfcText(32), nullable=True),
        sa.Column('email', types.NfcText(100), nullable=True),
        sa.Column('changed_at', types.UtcDateTime(), nullable=False),
        sa.Column('changed_by', types.UuidType(), nullable=True),
        sa.ForeignKeyConstraint(['region_id'], ['region.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('region_id', 'post'),
    )


def downgrade() -> None:
    op.drop_table('officer')
    op.drop_table('notice')
    op.drop_table('account_grant')
    op.drop_index('ix_ab_user_place', 'ab_user')
    op.drop_column('ab_user', 'registers')
    op.drop_column('ab_user', 'review_person')
    op.drop_column('ab_user', 'entry_person')
