"""Craftsmen, and the requests to take over a record that another account entered

Safe on a running system: new tables.

Revision ID: 0023
Revises: 0022
Create Date: 2026-11-22 18:05:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core.types import PathType, UtcDateTime, UuidType

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'craftsman',
        sa.Column('id', UuidType(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('changed_at', UtcDateTime(), nullable=False),
        sa.Column('region_id', sa.Integer(), nullable=False),
        sa.Column('path', PathType(), nullable=False),
        sa.Column('county_id', sa.Integer(), nullable=False),
        sa.Column('province_id', sa.Integer(), nullable=False),
        sa.Column('entered_by', UuidType()),
        sa.Column('entered_name', sa.String(128), nullable=False),
        sa.Column('name', sa.String(64)),
        sa.Column('id_number', sa.String(18)),
        sa.Column('phone', sa.String(32)),
        sa.Column('village_group', sa.String(40)),
        sa.Column('lead', sa.Boolean()),
        sa.Column('qualified', sa.Boolean()),
        sa.Column('trades', sa.String(400)),
        sa.Column('person_kinds', sa.String(400)),
        sa.Column('notes', sa.String(500)),
        sa.Column('certificates', sa.JSON()),
        sa.Column('trainings', sa.JSON()),
        sa.Column('works', sa.JSON()),
        sa.Column('certified', sa.Boolean(), nullable=False),
        sa.Column('certificates_hold', sa.String(32), nullable=False),
        sa.Column('certified_until', sa.Date()),
        sa.Column('training_years', sa.String(400)),
        sa.ForeignKeyConstraint(['region_id'], ['region.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('uq_craftsman_number', 'craftsman', ['id_number'], unique=True)
    op.create_index('ix_craftsman_place', 'craftsman', ['path', 'id'])
    op.create_index('ix_craftsman_name', 'craftsman', ['name', 'id'])
    op.create_index('ix_craftsman_name_county', 'craftsman', ['county_id', 'name', 'id'])
    op.create_index(
        'ix_craftsman_certificates', 'craftsman', ['certificates_hold', 'path', 'id']
    )
    op.create_index(
        'ix_craftsman_runs_out', 'craftsman', ['certified_until'],
        postgresql_where=sa.text('certified_until IS NOT NULL'),
        sqlite_where=sa.text('certified_until IS NOT NULL'),
    )
    op.create_index('ix_craftsman_changed', 'craftsman', ['changed_at', 'id'])
    op.create_index(
        'ix_craftsman_changed_county', 'craftsman', ['county_id', 'changed_at', 'id']
    )
    op.create_index(
        'ix_craftsman_changed_province', 'craftsman', ['province_id', 'changed_at', 'id']
    )


def downgrade() -> None:
    op.drop_table('craftsman')
