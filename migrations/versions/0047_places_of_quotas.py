"""Quotas lie in a county and province, where their division does

Safe on a running system: two nullable columns of a table of some thousand rows.

Revision ID: 0047
Revises: 0046
Create Date: 2026-11-30 20:00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("quota", sa.Column("county_id", sa.Integer(), nullable=True))
    op.add_column("quota", sa.Column("province_id", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE quota SET"
        " county_id = (SELECT county_id FROM region WHERE region.id = quota.region_id),"
        " province_id = (SELECT province_id FROM region WHERE region.id = quota.region_id)"
    )


def downgrade() -> None:
    op.drop_column("quota", "province_id")
    op.drop_column("quota", "county_id")
