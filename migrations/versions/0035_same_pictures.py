"""The same picture twice is found by its sum, in an area

Safe on a running system: the index is built beside what is written.

Revision ID: 0035
Revises: 0034
Create Date: 2026-11-30 11:50:00
"""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_attachment_same", "attachment", ["sha256", "path"], if_not_exists=True,
            postgresql_concurrently=True,
        )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_attachment_same", "attachment")
