"""Notices are read by each account: what one has taken note of is new for another

What somebody of a division took note of before, and nobody saw any more, stays read for all accounts that it
has now. On a running system pages of before the deploy fail on notices until their process ends.

Revision ID: 0039
Revises: 0038
Create Date: 2026-11-30 16:15:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice_seen",
        sa.Column("notice_id", types.UuidType(), nullable=False),
        sa.Column("account_id", types.UuidType(), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("notice_id", "account_id"),
    )
    op.execute(
        "INSERT INTO notice_seen (notice_id, account_id, at)"
        " SELECT n.id, u.uuid, n.seen_at FROM notice n JOIN ab_user u ON u.region_id = n.region_id"
        " WHERE n.seen_at IS NOT NULL"
    )
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_notice_told", "notice", ["region_id", "at"], if_not_exists=True,
            postgresql_concurrently=True,
        )  # fmt: skip
        op.drop_index(
            "ix_notice_region", "notice", if_exists=True, postgresql_concurrently=True
        )
    for name in ("seen_by", "seen_at"):
        op.execute(f"-- squawk-ignore ban-drop-column\nALTER TABLE notice DROP COLUMN {name}")


def downgrade() -> None:
    op.drop_index("ix_notice_told", table_name="notice")
    op.add_column("notice", sa.Column("seen_at", types.UtcDateTime()))
    op.add_column("notice", sa.Column("seen_by", types.UuidType()))
    op.execute(
        "UPDATE notice SET seen_at = (SELECT min(s.at) FROM notice_seen s WHERE s.notice_id = notice.id)"
    )
    op.create_index("ix_notice_region", "notice", ["region_id", "seen_at", "at"])
    op.drop_table("notice_seen")
