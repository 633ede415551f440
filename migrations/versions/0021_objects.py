"""The list of low-income households, members of households, requests of the receiving side

Safe on a running system: new tables, and two columns of a small one.

Revision ID: 0021
Revises: 0020
Create Date: 2026-11-22 18:00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('person_number',
    sa.Column('number', sa.String(length=18), nullable=False),
    sa.Column('household_id', types.UuidType(), nullable=False),
    sa.PrimaryKeyConstraint('number')
    )
    op.create_index('ix_person_number_household', 'person_number', ['household_id'])

    op.create_table('household_member',
    sa.Column('household_id', types.UuidType(), nullable=False),
    sa.Column('name', types.NfcText(64), nullable=True),
    sa.Column('id_number', types.NfcText(32), nullable=True),
    sa.Column('sex', sa.String(length=32), nullable=True),
    sa.Column('phone', types.NfcText(32), nullable=True),
    sa.Column('relation', types.NfcText(32), nullable=True),
    sa.Column('low_income', sa.Boolean(), nullable=False),
    sa.Column('shown', sa.Boolean(), nullable=False),
    sa.Column('household_was', types.UuidType(), nullable=True),
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
    op.create_index('ix_household_member_household', 'household_member', ['household_id', 'id'])
    op.create_index('ix_household_member_place', 'household_member', ['path', 'id'])
    op.create_index(
        'ix_household_member_was', 'household_member', ['household_was'],
        postgresql_where=sa.text('household_was IS NOT NULL'), sqlite_where=sa.text('household_was IS NOT NULL'),
    )

    op.create_table('low_income',
    sa.Column('head_name', types.NfcText(64), nullable=True),
    sa.Column('head_id', types.NfcText(32), nullable=True),
    sa.Column('former_head', types.NfcText(64), nullable=True),
    sa.Column('standing', sa.String(length=32), nullable=True),
    sa.Column('sex', sa.String(length=32), nullable=True),
    sa.Column('phone', types.NfcText(32), nullable=True),
    sa.Column('groups', sa.String(length=400), nullable=True),
    sa.Column('housing', types.NfcText(32), nullable=True),
    sa.Column('condition', sa.String(length=32), nullable=True),
    sa.Column('low_income', sa.Boolean(), nullable=False),
    sa.Column('unplaced', sa.Boolean(), nullable=True),
    sa.Column('head_low_income', sa.Boolean(), nullable=False),
    sa.Column('origin', sa.String(length=32), nullable=False),
    sa.Column('upkeep', sa.String(length=32), nullable=False),
    sa.Column('added_on', sa.Date(), nullable=True),
    sa.Column('left_on', sa.Date(), nullable=True),
    sa.Column('left_reason', sa.String(length=32), nullable=True),
    sa.Column('left_note', types.NfcText(200), nullable=True),
    sa.Column('left_to', types.UuidType(), nullable=True),
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
    op.create_index(
        'ix_low_income_added_on', 'low_income', ['path', 'id'],
        postgresql_where=sa.text('added_on IS NOT NULL'), sqlite_where=sa.text('added_on IS NOT NULL'),
    )
    op.create_index('ix_low_income_changed', 'low_income', ['changed_at', 'id'])
    op.create_index('ix_low_income_changed_county', 'low_income', ['county_id', 'changed_at', 'id'])
    op.create_index('ix_low_income_changed_province', 'low_income', ['province_id', 'changed_at', 'id'])
    op.create_index('ix_low_income_household', 'low_income', ['household_id'], unique=True)
    op.create_index(
        'ix_low_income_left_on', 'low_income', ['path', 'id'],
        postgresql_where=sa.text('left_on IS NOT NULL'), sqlite_where=sa.text('left_on IS NOT NULL'),
    )
    op.create_index('ix_low_income_place', 'low_income', ['path', 'id'])
    op.create_index(
        'ix_low_income_unplaced', 'low_income', ['path', 'id'],
        postgresql_where=sa.text('unplaced IS NOT NULL'), sqlite_where=sa.text('unplaced IS NOT NULL'),
    )
    op.create_index('ix_low_income_upkeep', 'low_income', ['upkeep', 'path', 'id'])

    op.add_column('transfer', sa.Column('asked_side', sa.String(length=32), nullable=False, server_default='from'))
    op.add_column('transfer', sa.Column('member_id', types.UuidType(), nullable=True))


def downgrade() -> None:
    op.drop_column('transfer', 'member_id')
    op.drop_column('transfer', 'asked_side')

    op.drop_table('low_income')

    op.drop_table('household_member')

    op.drop_table('person_number')
