"""Figures and what they were counted by; texts of two tables compare by bytes as all others do

Safe on a running system: a new table. On PostgreSQL a column gets another collation without its rows being
rewritten; the two tables are small.

Revision ID: 0031
Revises: 0030
Create Date: 2026-11-29 23:59:15
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

#: Made without a collation, so that beginnings of names were searched by the database's own order.
TEXTS = {
    "craftsman": {
        "entered_name": 128,
        "name": 64,
        "id_number": 18,
        "phone": 32,
        "village_group": 40,
        "notes": 500,
    },
    "handover": {
        "name": 64,
        "number": 32,
        "asked_name": 128,
        "asked_person": 64,
        "asked_phone": 32,
        "reason": 500,
        "answered_name": 128,
        "answered_person": 64,
        "answered_phone": 32,
        "answer": 500,
    },
}


def upgrade() -> None:
    op.create_table(
        "figure",
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=48), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("filled_at", types.UtcDateTime()),
        sa.PrimaryKeyConstraint("register", "name"),
    )
    collate('COLLATE "C"')


def downgrade() -> None:
    collate('COLLATE pg_catalog."default"')
    op.drop_table("figure")


def collate(how: str) -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table, columns in TEXTS.items():
        for name, length in columns.items():
            op.execute(
                "-- squawk-ignore changing-column-type\n"
                f"ALTER TABLE {table} ALTER COLUMN {name} TYPE VARCHAR({length}) {how}"
            )
