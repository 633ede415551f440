"""The dossiers that a craftsman built are found by the craftsman's number

Safe on a running system: a partial index of a table that is still small.

Revision ID: 0029
Revises: 0028
Create Date: 2026-11-22 18:45:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0029'
down_revision = '0028'
branch_labels = None
depends_on = None


def upgrade() -> None:
    given = sa.text('craftsman_id IS NOT NULL')
    op.create_index(
        'ix_dossier_craftsman', 'dossier', ['craftsman_id'],
        postgresql_where=given, sqlite_where=given,
    )


def downgrade() -> None:
    op.drop_index('ix_dossier_craftsman', 'dossier')
