"""What the list called a village that no village fits

Safe on a running system: add a column as nullable, backfill in a job, then tighten; build an
index on a large table concurrently; never rewrite a large table inside a deploy.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-22 09:55:31.532717
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('household') as batch:
        batch.add_column(sa.Column('place_written', types.NfcText(120), nullable=True))



def downgrade() -> None:
    with op.batch_alter_table('household') as batch:
        batch.drop_column('place_written')

