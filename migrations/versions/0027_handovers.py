"""Requests to take over a record that another account entered

Safe on a running system: a new table.

Revision ID: 0027
Revises: 0026
Create Date: 2026-11-22 18:28:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core.types import PathType, UtcDateTime, UuidType

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'handover',
        sa.Column('id', UuidType(), nullable=False),
        sa.Column('register', sa.String(32), nullable=False),
        sa.Column('record_id', UuidType(), nullable=False),
        sa.Column('name', sa.String(64), nullable=False),
        sa.Column('number', sa.String(32), nullable=False),
        sa.Column('from_region_id', sa.Integer(), nullable=False),
        sa.Column('from_path', PathType(), nullable=False),
        sa.Column('to_region_id', sa.Integer(), nullable=False),
        sa.Column('to_path', PathType(), nullable=False),
        sa.Column('state', sa.String(32), nullable=False),
        sa.Column('asked_at', UtcDateTime(), nullable=False),
        sa.Column('asked_by', UuidType(), nullable=False),
        sa.Column('asked_name', sa.String(128), nullable=False),
        sa.Column('asked_person', sa.String(64), nullable=False),
        sa.Column('asked_phone', sa.String(32), nullable=False),
        sa.Column('reason', sa.String(500), nullable=False),
        sa.Column('answered_at', UtcDateTime()),
        sa.Column('answered_name', sa.String(128)),
        sa.Column('answered_person', sa.String(64)),
        sa.Column('answered_phone', sa.String(32)),
        sa.Column('answer', sa.String(500)),
        sa.ForeignKeyConstraint(['from_region_id'], ['region.id']),
        sa.ForeignKeyConstraint(['to_region_id'], ['region.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index(
        'uq_handover_waiting', 'handover', ['record_id'], unique=True,
        postgresql_where=sa.text("state = 'waiting'"), sqlite_where=sa.text("state = 'waiting'"),
    )
    op.create_index('ix_handover_from', 'handover', ['from_path', 'asked_at'])
    op.create_index('ix_handover_to', 'handover', ['to_path', 'asked_at'])


def downgrade() -> None:
    op.drop_table('handover')
