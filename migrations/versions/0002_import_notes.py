"""Notes of imports; room for wrong numbers in the look-back register

Safe on a running system: add a column as nullable, backfill in a job, then tighten; build an
index on a large table concurrently; never rewrite a large table inside a deploy.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-22 08:50:33.730522
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('import_note',
    sa.Column('job_id', types.UuidType(), nullable=False),
    sa.Column('row', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('rejected', sa.Boolean(), nullable=False),
    sa.Column('name', types.NfcText(64), nullable=False),
    sa.Column('household_id', types.UuidType(), nullable=True),
    sa.Column('notes', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['job.id'], ),
    sa.PrimaryKeyConstraint('job_id', 'row')
    )
    with op.batch_alter_table('lookback') as batch:
        batch.alter_column('head_id', type_=types.NfcText(32), existing_type=types.NfcText(18))


def downgrade() -> None:
    with op.batch_alter_table('lookback') as batch:
        batch.alter_column('head_id', type_=types.NfcText(18), existing_type=types.NfcText(32))
    op.drop_table('import_note')
