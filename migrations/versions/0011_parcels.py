"""Footprints of buildings, earlier results about houses; look-back surveys by parcel

Safe on a running system: two new tables, two indexes.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-22 14:27:04.189991
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'parcel',
        sa.Column('number', types.NfcText(40), nullable=True),
        sa.Column('storeys', sa.Integer(), nullable=True),
        sa.Column('floor_area', sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column('year_built', types.NfcText(32), nullable=True),
        sa.Column('structure', types.NfcText(32), nullable=True),
        sa.Column('way_built', types.NfcText(32), nullable=True),
        sa.Column('land_nature', types.NfcText(32), nullable=True),
        sa.Column('address', types.NfcText(200), nullable=True),
        sa.Column('use', types.NfcText(40), nullable=True),
        sa.Column('outline', sa.Text(), nullable=False),
        sa.Column('cell', sa.Integer(), nullable=False),
        sa.Column('lon', sa.Float(), nullable=False),
        sa.Column('lat', sa.Float(), nullable=False),
        sa.Column('west', sa.Float(), nullable=False),
        sa.Column('south', sa.Float(), nullable=False),
        sa.Column('east', sa.Float(), nullable=False),
        sa.Column('north', sa.Float(), nullable=False),
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('created_at', types.UtcDateTime(), nullable=False),
        sa.Column('changed_at', types.UtcDateTime(), nullable=False),
        sa.Column('path', types.PathType(), nullable=False),
        sa.Column('county_id', sa.Integer(), nullable=False),
        sa.Column('province_id', sa.Integer(), nullable=False),
        sa.Column('region_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['region_id'], ['region.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_parcel_cell', 'parcel', ['cell', 'path'])
    op.create_index('ix_parcel_number', 'parcel', ['number'], unique=True)
    op.create_index('ix_parcel_place', 'parcel', ['path', 'number'])

    op.create_table(
        'prior_fact',
        sa.Column('kind', sa.String(length=32), nullable=True),
        sa.Column('found_on', sa.Date(), nullable=True),
        sa.Column('head_name', types.NfcText(64), nullable=True),
        sa.Column('id_number', types.NfcText(18), nullable=True),
        sa.Column('parcel_number', types.NfcText(40), nullable=True),
        sa.Column('judged', sa.String(length=32), nullable=True),
        sa.Column('grade', sa.String(length=32), nullable=True),
        sa.Column('judged_by', types.NfcText(100), nullable=True),
        sa.Column('judged_by_code', types.NfcText(18), nullable=True),
        sa.Column('seismic_result', sa.String(length=32), nullable=True),
        sa.Column('storeys', sa.Integer(), nullable=True),
        sa.Column('floor_area', sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column('year_built', types.NfcText(32), nullable=True),
        sa.Column('structure', types.NfcText(32), nullable=True),
        sa.Column('way_built', types.NfcText(32), nullable=True),
        sa.Column('land_nature', types.NfcText(32), nullable=True),
        sa.Column('address', types.NfcText(200), nullable=True),
        sa.Column('match_key', sa.String(length=64), nullable=False),
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('created_at', types.UtcDateTime(), nullable=False),
        sa.Column('changed_at', types.UtcDateTime(), nullable=False),
        sa.Column('path', types.PathType(), nullable=False),
        sa.Column('county_id', sa.Integer(), nullable=False),
        sa.Column('province_id', sa.Integer(), nullable=False),
        sa.Column('region_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['region_id'], ['region.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_prior_fact_key', 'prior_fact', ['match_key'], unique=True)
    op.create_index('ix_prior_fact_number', 'prior_fact', ['id_number', 'path'])
    op.create_index('ix_prior_fact_parcel', 'prior_fact', ['parcel_number', 'path'])

    op.create_index('ix_lookback_parcel', 'lookback', ['parcel_number'], if_not_exists=True)
    op.create_index('ix_lookback_parcel_state', 'lookback', ['parcel_state', 'path', 'id'], if_not_exists=True)



def downgrade() -> None:
    op.drop_index('ix_lookback_parcel_state', 'lookback')
    op.drop_index('ix_lookback_parcel', 'lookback')

    op.drop_index('ix_prior_fact_parcel', 'prior_fact')
    op.drop_index('ix_prior_fact_number', 'prior_fact')
    op.drop_index('ix_prior_fact_key', 'prior_fact')

    op.drop_table('prior_fact')
    op.drop_index('ix_parcel_place', 'parcel')
    op.drop_index('ix_parcel_number', 'parcel')
    op.drop_index('ix_parcel_cell', 'parcel')

    op.drop_table('parcel')
