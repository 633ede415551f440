"""Counters of counties and towns in one wide table; days are found by their date

A new table takes the place of ``counter``, which goes. Nothing is counted here: the deploy step finds every
figure open and queues the job that fills them, county by county; until then they say 统计中. Processes of the
version before are stopped first: what they saved would be counted nowhere, so without their table they cannot.

Revision ID: 0036
Revises: 0035
Create Date: 2026-11-30 11:30:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("register", _text(32), nullable=False),
        sa.Column("dim", _text(24), nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("part", sa.SmallInteger(), autoincrement=False, nullable=False),
        *(
            sa.Column(f"v{n:02}", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for n in range(32)
        ),
        sa.PrimaryKeyConstraint("register", "dim", "level", "path", "part"),
        postgresql_with={"fillfactor": 80},
    )
    op.create_table(
        "tally_slot",
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("figure", sa.String(length=48), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("register", "figure"),
        sa.UniqueConstraint("register", "part", "slot", name="uq_tally_slot"),
    )
    op.execute("UPDATE figure SET filled_at = NULL WHERE name <> ''")
    op.execute("-- squawk-ignore ban-drop-table\nDROP TABLE counter")
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_counter_day_day", "counter_day", ["day"], if_not_exists=True,
            postgresql_concurrently=True,
        )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_counter_day_day", "counter_day")
    op.create_table(
        "counter",
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("figure", sa.String(length=48), nullable=False),
        sa.Column("county_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("register", "figure", "county_id"),
    )
    op.create_index("ix_counter_scope", "counter", ["register", "figure", "path", "n"])
    op.execute("UPDATE figure SET filled_at = NULL WHERE name <> ''")
    op.drop_table("tally_slot")
    op.drop_table("tally")


def _text(length: int) -> sa.String:
    c = sa.String(length=length, collation="C")
    return sa.String(length=length).with_variant(c, "postgresql")
