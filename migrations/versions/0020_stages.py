"""A step of a record that is reviewed stage by stage says which one it concerns

Safe on a running system: a column that may be empty.

Revision ID: 0020
Revises: 0019
Create Date: 2026-11-22 17:50:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('history_entry', sa.Column('stage', sa.String(32)))


def downgrade() -> None:
    op.drop_column('history_entry', 'stage')
