"""The ledger of C and D households says how far their renovation is

Safe on a running system: two columns that may be empty, another that is named for what it says.

Revision ID: 0030
Revises: 0029
Create Date: 2026-11-22 18:40:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0030'
down_revision = '0029'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('ALTER TABLE risk RENAME COLUMN origin TO told_by')
    op.add_column('risk', sa.Column('application', sa.String(length=32), nullable=True))
    op.add_column('risk', sa.Column('dossier', sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column('risk', 'dossier')
    op.drop_column('risk', 'application')
    op.execute('ALTER TABLE risk RENAME COLUMN told_by TO origin')
