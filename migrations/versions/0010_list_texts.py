"""Lists of choices have a history: later texts, English, one row a code; a version to watch

Safe on a running system: small tables.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-22 12:00:00
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'list_text',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('list', types.NfcText(32), nullable=False),
        sa.Column('code', types.NfcText(32), nullable=False),
        sa.Column('text', types.NfcText(100), nullable=False),
        sa.Column('english', types.NfcText(200), nullable=True),
        sa.Column('since', types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('list', 'code', 'since', name='uq_list_text_since'),
    )
    version = op.create_table(
        'list_version',
        sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('value', types.UuidType(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.bulk_insert(version, [{'id': 1, 'value': uuid.uuid4()}])
    with op.batch_alter_table('list_item') as batch:
        batch.add_column(sa.Column('english', types.NfcText(200), nullable=True))
        batch.create_unique_constraint('uq_list_item_code', ['list', 'code'])


def downgrade() -> None:
    with op.batch_alter_table('list_item') as batch:
        batch.drop_constraint('uq_list_item_code', type_='unique')
        batch.drop_column('english')
    op.drop_table('list_version')
    op.drop_table('list_text')
