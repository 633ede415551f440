"""What several records say alike

Safe on a running system: a new table, which a job fills after the deploy.

Revision ID: 0050
Revises: 0049
Create Date: 2026-11-30 20:15:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shared_value",
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "owners",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "digest"),
    )
    op.create_index(
        "ix_shared_value_many",
        "shared_value",
        ["kind", "digest"],
        postgresql_where=sa.text("n > 1"),
        sqlite_where=sa.text("n > 1"),
    )


def downgrade() -> None:
    op.drop_index("ix_shared_value_many", table_name="shared_value")
    op.drop_table("shared_value")
