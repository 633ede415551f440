"""Applications for a renovation

Safe on a running system: a new table; a job fills it for surveys that are approved already.

Revision ID: 0026
Revises: 0025
Create Date: 2026-11-22 18:05:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('application',
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('basis', sa.String(length=32), nullable=False),
    sa.Column('checker', types.NfcText(64), nullable=True),
    sa.Column('checker_phone', types.NfcText(32), nullable=True),
    sa.Column('checked_on', sa.Date(), nullable=True),
    sa.Column('number', sa.SmallInteger(), nullable=False),
    sa.Column('survey_register', sa.String(length=32), nullable=False),
    sa.Column('survey_id', types.UuidType(), nullable=False),
    sa.Column('surveyed_at', types.UtcDateTime(), nullable=False),
    sa.Column('no_house', sa.Boolean(), nullable=True),
    sa.Column('grade', sa.String(length=32), nullable=True),
    sa.Column('kind', sa.String(length=32), nullable=True),
    sa.Column('energy_saving', sa.Boolean(), nullable=True),
    sa.Column('barrier_free', sa.Boolean(), nullable=True),
    sa.Column('way', sa.String(length=32), nullable=True),
    sa.Column('plan_year', sa.SmallInteger(), nullable=True),
    sa.Column('sex', sa.String(length=32), nullable=True),
    sa.Column('population', sa.Integer(), nullable=True),
    sa.Column('ethnicity', types.NfcText(32), nullable=True),
    sa.Column('phone', types.NfcText(32), nullable=True),
    sa.Column('priority', sa.Boolean(), nullable=True),
    sa.Column('hardship', sa.String(length=400), nullable=True),
    sa.Column('veteran', sa.Boolean(), nullable=True),
    sa.Column('disabled', sa.Boolean(), nullable=True),
    sa.Column('elder', sa.Boolean(), nullable=True),
    sa.Column('child', sa.Boolean(), nullable=True),
    sa.Column('minority', sa.Boolean(), nullable=True),
    sa.Column('applied_on', sa.Date(), nullable=True),
    sa.Column('published', sa.Boolean(), nullable=True),
    sa.Column('judged_by', types.NfcText(100), nullable=True),
    sa.Column('judged_by_code', types.NfcText(18), nullable=True),
    sa.Column('judged_on', sa.Date(), nullable=True),
    sa.Column('head_name', types.NfcText(64), nullable=False),
    sa.Column('head_id', types.NfcText(32), nullable=True),
    sa.Column('former_head', types.NfcText(64), nullable=True),
    sa.Column('standing', sa.String(length=32), nullable=True),
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
    sa.ForeignKeyConstraint(['region_id'], ['region.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    for name, columns in _INDEXES.items():
        op.create_index(f'ix_application_{name}', 'application', columns)
    op.create_index('ix_application_household', 'application', ['household_id', 'number'], unique=True)
    for basis, columns in _OF_BASIS.items():
        where = sa.text(f"basis = '{basis}'")
        op.create_index(
            f'ix_application_{basis}', 'application', columns,
            postgresql_where=where, sqlite_where=where,
        )


def downgrade() -> None:
    op.drop_table('application')


_INDEXES = {
    'changed': ['changed_at', 'id'],
    'changed_county': ['county_id', 'changed_at', 'id'],
    'changed_province': ['province_id', 'changed_at', 'id'],
    'place': ['path', 'id'],
    'state': ['state', 'path', 'id'],
    'year': ['plan_year', 'path', 'id'],
}
_OF_BASIS = {'doubted': ['path', 'id'], 'waiting': ['plan_year', 'id']}
