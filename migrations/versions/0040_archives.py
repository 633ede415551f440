"""The household archives of 2009 and 2012

Safe on a running system: a new table.

Revision ID: 0040
Revises: 0039
Create Date: 2026-11-30 16:15:40
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archive",
        sa.Column("progress", sa.String(length=32), nullable=False),
        sa.Column("village_group", types.NfcText(40), nullable=True),
        sa.Column("border", sa.Boolean(), nullable=True),
        sa.Column("no_number", sa.Boolean(), nullable=True),
        sa.Column("head_id", types.NfcText(32), nullable=True),
        sa.Column("no_number_why", types.NfcText(100), nullable=True),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("ethnicity", types.NfcText(32), nullable=True),
        sa.Column("poverty_kind", sa.String(length=32), nullable=True),
        sa.Column("disabled_poor", sa.Boolean(), nullable=True),
        sa.Column("income", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("old_decade", sa.String(length=32), nullable=True),
        sa.Column("old_area", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("old_structure", sa.String(length=32), nullable=True),
        sa.Column("no_phone", sa.Boolean(), nullable=True),
        sa.Column("phone", types.NfcText(32), nullable=True),
        sa.Column("no_phone_why", types.NfcText(100), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("way", sa.String(length=32), nullable=True),
        sa.Column("built_by", sa.String(length=32), nullable=True),
        sa.Column("structure", sa.String(length=32), nullable=True),
        sa.Column("area", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("owner", sa.String(length=32), nullable=True),
        sa.Column("plan_year", sa.SmallInteger(), nullable=True),
        sa.Column("approved_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("subsidy_kind", sa.String(length=32), nullable=True),
        sa.Column("invested", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("subsidy", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("xinjiang_aid", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("loan", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("own_funds", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("demonstration", sa.Boolean(), nullable=True),
        sa.Column("energy_saving", sa.String(length=400), nullable=True),
        sa.Column("energy_cost", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("face_shown", sa.Boolean(), nullable=True),
        sa.Column("head_name", types.NfcText(64), nullable=True),
        sa.Column("unique_key", sa.String(length=80), nullable=True),
        sa.Column("household_id", types.UuidType(), nullable=True),
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["region_id"],
            ["region.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_archive_changed", "archive", ["changed_at", "id"], unique=False)
    op.create_index(
        "ix_archive_changed_county", "archive", ["county_id", "changed_at", "id"], unique=False
    )
    op.create_index(
        "ix_archive_changed_province", "archive", ["province_id", "changed_at", "id"], unique=False
    )
    op.create_index(
        "ix_archive_household",
        "archive",
        ["household_id"],
        unique=False,
        postgresql_where=sa.text("household_id IS NOT NULL"),
        sqlite_where=sa.text("household_id IS NOT NULL"),
    )
    op.create_index("ix_archive_name", "archive", ["head_name", "id"], unique=False)
    op.create_index(
        "ix_archive_name_county", "archive", ["county_id", "head_name", "id"], unique=False
    )
    op.create_index("ix_archive_number", "archive", ["head_id"], unique=False)
    op.create_index("ix_archive_place", "archive", ["path", "id"], unique=False)
    op.create_index("ix_archive_progress", "archive", ["progress", "path", "id"], unique=False)
    op.create_index("ix_archive_year", "archive", ["plan_year", "path", "id"], unique=False)
    op.create_index("uq_archive_key", "archive", ["unique_key"], unique=True)


def downgrade() -> None:
    op.drop_table("archive")
