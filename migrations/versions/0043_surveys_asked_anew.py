"""Surveys of before an accepted renovation are told in lists

Safe on a running system: no survey is asked for anew until the job that the deploy step adds has
looked; the index is built beside what is written.

Revision ID: 0043
Revises: 0042
Create Date: 2026-11-30 17:20:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_TABLES = ("lookback", "monitoring")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(
            table,
            sa.Column("to_resurvey", sa.Boolean(), nullable=False, server_default=sa.false()),
        )
    only = sa.text("to_resurvey")
    with op.get_context().autocommit_block():
        for table in _TABLES:
            op.create_index(
                f"ix_{table}_to_resurvey", table, ["path", "id"], if_not_exists=True,
                postgresql_concurrently=True, postgresql_where=only, sqlite_where=only,
            )  # fmt: skip


def downgrade() -> None:
    for table in _TABLES:
        op.drop_index(f"ix_{table}_to_resurvey", table)
        op.drop_column(table, "to_resurvey")
