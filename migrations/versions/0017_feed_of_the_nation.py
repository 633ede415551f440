"""The order of change of the whole nation: an index instead of 34 ranges that are merged

On a running system with millions of rows build both by hand first, CONCURRENTLY, under these names.

Revision ID: 0017
Revises: 0016
Create Date: 2026-11-22 15:40:00
"""

from __future__ import annotations

from alembic import op


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('household', 'lookback'):
        op.create_index(
            f'ix_{table}_changed', table, ['changed_at', 'id'], if_not_exists=True
        )


def downgrade() -> None:
    for table in ('household', 'lookback'):
        op.drop_index(f'ix_{table}_changed', table)
