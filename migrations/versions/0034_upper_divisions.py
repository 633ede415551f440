"""The divisions down to the county in their order, among 660,000: for lists of them

Safe on a running system: an index of some 3,400 rows, which blocks nobody while it is built.

Revision ID: 0034
Revises: 0033
Create Date: 2026-11-30 10:10:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_UPPER = sa.text("level <= 3")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_region_upper", "region", ["path"], if_not_exists=True,
            postgresql_concurrently=True, postgresql_where=_UPPER, sqlite_where=_UPPER,
        )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_region_upper", "region")
