"""The dossier of a renovation, and the accounts that grants are paid to

Safe on a running system: new tables.

Revision ID: 0022
Revises: 0021
Create Date: 2026-11-22 18:00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('dossier',
    sa.Column('plan_year', sa.SmallInteger(), nullable=True),
    sa.Column('kind', sa.String(length=32), nullable=True),
    sa.Column('way', sa.String(length=32), nullable=True),
    sa.Column('grade', sa.String(length=32), nullable=True),
    sa.Column('applied_on', sa.Date(), nullable=True),
    sa.Column('stage', sa.String(length=32), nullable=True),
    sa.Column('overdue', sa.Boolean(), nullable=False),
    sa.Column('started_on', sa.Date(), nullable=True),
    sa.Column('builder', sa.String(length=32), nullable=True),
    sa.Column('craftsman', types.NfcText(64), nullable=True),
    sa.Column('craftsman_id', types.NfcText(18), nullable=True),
    sa.Column('firm', types.NfcText(100), nullable=True),
    sa.Column('firm_code', types.NfcText(18), nullable=True),
    sa.Column('completed_on', sa.Date(), nullable=True),
    sa.Column('days', sa.Integer(), nullable=True),
    sa.Column('accepted', sa.Boolean(), nullable=True),
    sa.Column('accepted_on', sa.Date(), nullable=True),
    sa.Column('accepted_by', types.NfcText(100), nullable=True),
    sa.Column('structure', types.NfcText(32), nullable=True),
    sa.Column('storeys', sa.Integer(), nullable=True),
    sa.Column('floor_area', sa.Numeric(precision=12, scale=2), nullable=True),
    sa.Column('tenure', sa.String(length=32), nullable=True),
    sa.Column('central_subsidy', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('province_subsidy', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('city_subsidy', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('county_subsidy', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('granted', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('loan', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('own_funds', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('other_funds', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('total', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('payments', sa.JSON(), nullable=True),
    sa.Column('paid', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('paid_in_full', sa.Boolean(), nullable=True),
    sa.Column('suspended', sa.Boolean(), nullable=False),
    sa.Column('head_name', types.NfcText(64), nullable=False),
    sa.Column('head_id', types.NfcText(32), nullable=True),
    sa.Column('former_head', types.NfcText(64), nullable=True),
    sa.Column('standing', sa.String(length=32), nullable=True),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('submitted_by', types.UuidType(), nullable=True),
    sa.Column('submitted_at', types.UtcDateTime(), nullable=True),
    sa.Column('decided_at', types.UtcDateTime(), nullable=True),
    sa.Column('household_id', types.UuidType(), nullable=False),
    sa.Column('id', types.UuidType(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(), nullable=False),
    sa.Column('changed_at', types.UtcDateTime(), nullable=False),
    sa.Column('source_id', types.UuidType(), nullable=False),
    sa.Column('path', types.PathType(), nullable=False),
    sa.Column('county_id', sa.Integer(), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('region_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['region_id'], ['region.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_dossier_changed', 'dossier', ['changed_at', 'id'])
    op.create_index('ix_dossier_changed_county', 'dossier', ['county_id', 'changed_at', 'id'])
    op.create_index('ix_dossier_changed_province', 'dossier', ['province_id', 'changed_at', 'id'])
    op.create_index('ix_dossier_head', 'dossier', ['head_id'])
    op.create_index('ix_dossier_household', 'dossier', ['household_id'])
    op.create_index('ix_dossier_overdue', 'dossier', ['path', 'id'], postgresql_where=sa.text('overdue'), sqlite_where=sa.text('overdue'))
    op.create_index('ix_dossier_place', 'dossier', ['path', 'id'])
    op.create_index('ix_dossier_source', 'dossier', ['source_id'], unique=True)
    op.create_index('ix_dossier_stage', 'dossier', ['stage', 'path', 'id'])
    op.create_index('ix_dossier_state', 'dossier', ['state', 'path', 'id'])
    op.create_index('ix_dossier_unfinished', 'dossier', ['started_on'], postgresql_where=sa.text("stage = 'started'"), sqlite_where=sa.text("stage = 'started'"))
    op.create_index('ix_dossier_year', 'dossier', ['plan_year', 'path', 'id'])

    op.create_table('paid_account',
    sa.Column('id', types.UuidType(), nullable=False),
    sa.Column('dossier_id', types.UuidType(), nullable=False),
    sa.Column('household_id', types.UuidType(), nullable=False),
    sa.Column('account', sa.String(length=30), nullable=False),
    sa.Column('path', types.PathType(), nullable=False),
    sa.Column('county_id', sa.Integer(), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('region_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['region_id'], ['region.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_paid_account_account', 'paid_account', ['account'])
    op.create_index('ix_paid_account_dossier', 'paid_account', ['dossier_id'])



def downgrade() -> None:
    op.drop_table('paid_account')
    op.drop_table('dossier')
