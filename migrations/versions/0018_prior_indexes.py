"""Earlier results are looked up by number alone

With the path behind the number SQLite skipped through the numbers for the area's sake.

Safe on a running system: small indexes.

Revision ID: 0018
Revises: 0017
Create Date: 2026-11-22 16:00:00
"""

from __future__ import annotations

from alembic import op


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index('ix_prior_fact_number', 'prior_fact')
    op.drop_index('ix_prior_fact_parcel', 'prior_fact')
    op.create_index('ix_prior_fact_number', 'prior_fact', ['id_number'])
    op.create_index('ix_prior_fact_parcel', 'prior_fact', ['parcel_number'])


def downgrade() -> None:
    op.drop_index('ix_prior_fact_number', 'prior_fact')
    op.drop_index('ix_prior_fact_parcel', 'prior_fact')
    op.create_index('ix_prior_fact_number', 'prior_fact', ['id_number', 'path'])
    op.create_index('ix_prior_fact_parcel', 'prior_fact', ['parcel_number', 'path'])
