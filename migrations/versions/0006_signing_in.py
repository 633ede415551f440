"""Open sessions, limits that hold over workers, locked accounts

Safe on a running system: new tables, nullable columns, an index over no rows. Every session ends
once, because the new version asks for its row.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-22 11:25:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'limit_count',
        sa.Column('name', sa.String(length=32), nullable=False),
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('n', sa.Integer(), nullable=False),
        sa.Column('since', types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('name', 'key'),
    )
    op.create_table(
        'open_session',
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('since', types.UtcDateTime(), nullable=False),
        sa.Column('seen', types.UtcDateTime(), nullable=False),
        sa.Column('address', sa.String(length=64), nullable=False),
        sa.Column('device', types.NfcText(64), nullable=False),
        sa.ForeignKeyConstraint(['account_id'], ['ab_user.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_open_session_account_id', 'open_session', ['account_id'])
    # Never in a batch: SQLite would make the table anew, and with it every account's roles go.
    op.add_column('ab_user', sa.Column('locked_at', types.UtcDateTime(), nullable=True))
    op.add_column('ab_user', sa.Column('lock_reason', types.NfcText(200), nullable=True))
    locked = sa.text('locked_at IS NOT NULL')
    op.create_index(
        'ix_ab_user_locked', 'ab_user', ['path'], sqlite_where=locked, postgresql_where=locked
    )


def downgrade() -> None:
    op.drop_index('ix_ab_user_locked', 'ab_user')
    op.drop_column('ab_user', 'lock_reason')
    op.drop_column('ab_user', 'locked_at')
    op.drop_table('open_session')
    op.drop_table('limit_count')
