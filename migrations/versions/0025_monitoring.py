"""Monitoring of low-income households: records that follow one another

Safe on a running system: a new table. No household stood on the list before.

Revision ID: 0025
Revises: 0024
Create Date: 2026-11-22 18:00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None


INDEXES = {
    'place': ['path', 'id'],
    'state': ['state', 'path', 'id'],
    'grade': ['grade', 'path', 'id'],
    'household': ['household_id', 'id'],
    'parcel': ['parcel_number'],
    'changed': ['changed_at', 'id'],
    'changed_county': ['county_id', 'changed_at', 'id'],
    'changed_province': ['province_id', 'changed_at', 'id'],
}


def only_where(condition: str) -> dict[str, sa.TextClause]:
    return {'postgresql_where': sa.text(condition), 'sqlite_where': sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        'monitoring',
        sa.Column('state', sa.String(length=32), nullable=False),
        sa.Column('low_income', sa.Boolean(), nullable=False),
        sa.Column('origin', sa.String(length=32), nullable=True),
        sa.Column('groups', sa.String(length=400), nullable=True),
        sa.Column('living', sa.String(length=32), nullable=True),
        sa.Column('has_house', sa.Boolean(), nullable=True),
        sa.Column('other_home', sa.String(length=32), nullable=True),
        sa.Column('other_home_text', types.NfcText(200), nullable=True),
        sa.Column('corrected_id', types.NfcText(18), nullable=True),
        sa.Column('sex', sa.String(length=32), nullable=True),
        sa.Column('ethnicity', types.NfcText(32), nullable=True),
        sa.Column('population', sa.Integer(), nullable=True),
        sa.Column('phone', types.NfcText(32), nullable=True),
        sa.Column('village_group', types.NfcText(40), nullable=True),
        sa.Column('died', sa.Boolean(), nullable=True),
        sa.Column('head_changed', sa.Boolean(), nullable=True),
        sa.Column('new_head_name', types.NfcText(64), nullable=True),
        sa.Column('new_head_id', types.NfcText(18), nullable=True),
        sa.Column('new_head_phone', types.NfcText(32), nullable=True),
        sa.Column('new_head_relation', types.NfcText(32), nullable=True),
        sa.Column('split', sa.Boolean(), nullable=True),
        sa.Column('split_heads', sa.JSON(), nullable=True),
        sa.Column('moved', sa.Boolean(), nullable=True),
        sa.Column('new_place', sa.Integer(), nullable=True),
        sa.Column('surveyor', types.NfcText(64), nullable=True),
        sa.Column('surveyed_on', sa.Date(), nullable=True),
        sa.Column('secured', sa.Boolean(), nullable=True),
        sa.Column('measure', sa.String(length=32), nullable=True),
        sa.Column('measure_year', sa.SmallInteger(), nullable=True),
        sa.Column('interim_measure', types.NfcText(500), nullable=True),
        sa.Column('judged', sa.String(length=32), nullable=True),
        sa.Column('judged_on', sa.Date(), nullable=True),
        sa.Column('grade', sa.String(length=32), nullable=True),
        sa.Column('judged_by', types.NfcText(100), nullable=True),
        sa.Column('judged_by_code', types.NfcText(18), nullable=True),
        sa.Column('risky_parts', sa.String(length=400), nullable=True),
        sa.Column('seismic_judged', sa.Boolean(), nullable=True),
        sa.Column('seismic_judged_on', sa.Date(), nullable=True),
        sa.Column('seismic_result', sa.String(length=32), nullable=True),
        sa.Column('seismic_judged_by', types.NfcText(100), nullable=True),
        sa.Column('geological_hazard', sa.Boolean(), nullable=True),
        sa.Column('hazard_kinds', sa.String(length=400), nullable=True),
        sa.Column('seismic_design', sa.Boolean(), nullable=True),
        sa.Column('seismic_built', sa.Boolean(), nullable=True),
        sa.Column('seismic_kinds', sa.String(length=400), nullable=True),
        sa.Column('strengthened', sa.Boolean(), nullable=True),
        sa.Column('strengthened_on', sa.Date(), nullable=True),
        sa.Column('damage_then', sa.String(length=400), nullable=True),
        sa.Column('altered', sa.Boolean(), nullable=True),
        sa.Column('altered_times', sa.Integer(), nullable=True),
        sa.Column('altered_what', sa.String(length=400), nullable=True),
        sa.Column('business', sa.Boolean(), nullable=True),
        sa.Column('business_approved', sa.Boolean(), nullable=True),
        sa.Column('business_kind', types.NfcText(32), nullable=True),
        sa.Column('heating', types.NfcText(32), nullable=True),
        sa.Column('cooking', types.NfcText(32), nullable=True),
        sa.Column('policy_enjoyed', sa.Boolean(), nullable=True),
        sa.Column('policies', sa.String(length=400), nullable=True),
        sa.Column('parcel_state', sa.String(length=32), nullable=True),
        sa.Column('parcel_number', types.NfcText(40), nullable=True),
        sa.Column('residence_type', types.NfcText(32), nullable=True),
        sa.Column('address', types.NfcText(200), nullable=True),
        sa.Column('storeys', sa.Integer(), nullable=True),
        sa.Column('floor_area', sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column('year_built', types.NfcText(32), nullable=True),
        sa.Column('structure', types.NfcText(32), nullable=True),
        sa.Column('way_built', types.NfcText(32), nullable=True),
        sa.Column('land_nature', types.NfcText(32), nullable=True),
        sa.Column('planning_permit', sa.Boolean(), nullable=True),
        sa.Column('planning_number', types.NfcText(60), nullable=True),
        sa.Column('planning_date', sa.Date(), nullable=True),
        sa.Column('planning_issuer', types.NfcText(100), nullable=True),
        sa.Column('homestead_permit', sa.Boolean(), nullable=True),
        sa.Column('homestead_number', types.NfcText(60), nullable=True),
        sa.Column('homestead_date', sa.Date(), nullable=True),
        sa.Column('homestead_issuer', types.NfcText(100), nullable=True),
        sa.Column('property_certificate', sa.Boolean(), nullable=True),
        sa.Column('property_number', types.NfcText(60), nullable=True),
        sa.Column('property_date', sa.Date(), nullable=True),
        sa.Column('property_issuer', types.NfcText(100), nullable=True),
        sa.Column('owners', sa.JSON(), nullable=True),
        sa.Column('occupants', sa.JSON(), nullable=True),
        sa.Column('head_name', types.NfcText(64), nullable=False),
        sa.Column('head_id', types.NfcText(32), nullable=True),
        sa.Column('former_head', types.NfcText(64), nullable=True),
        sa.Column('standing', sa.String(length=32), nullable=True),
        sa.Column('current', sa.Boolean(), nullable=False),
        sa.Column('year', sa.SmallInteger(), nullable=True),
        sa.Column('newest_of_year', sa.Boolean(), nullable=False),
        sa.Column('predecessor_id', types.UuidType(), nullable=True),
        sa.Column('submitted_by', types.UuidType(), nullable=True),
        sa.Column('submitted_at', types.UtcDateTime(), nullable=True),
        sa.Column('decided_at', types.UtcDateTime(), nullable=True),
        sa.Column('household_id', types.UuidType(), nullable=False),
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('created_at', types.UtcDateTime(), nullable=False),
        sa.Column('changed_at', types.UtcDateTime(), nullable=False),
        sa.Column('path', types.PathType(), nullable=False),
        sa.Column('county_id', sa.Integer(), nullable=False),
        sa.Column('province_id', sa.Integer(), nullable=False),
        sa.Column('region_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['new_place'], ['region.id']),
        sa.ForeignKeyConstraint(['region_id'], ['region.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    for name, columns in INDEXES.items():
        op.create_index(f'ix_monitoring_{name}', 'monitoring', columns)
    op.create_index('ix_monitoring_new_place', 'monitoring', ['new_place'],
                    **only_where('new_place IS NOT NULL'))
    op.create_index('ix_monitoring_current', 'monitoring', ['household_id'], unique=True,
                    **only_where('"current"'))
    op.create_index('ix_monitoring_blank', 'monitoring', ['household_id'], unique=True,
                    **only_where("NOT \"current\" AND state = 'missing'"))


def downgrade() -> None:
    op.drop_table('monitoring')
