"""The ledger of C and D households, and the job that makes its rows of what was approved before

Safe on a running system: a new table; look-back surveys are read by the job, afterwards.

Revision ID: 0024
Revises: 0023
Create Date: 2026-11-22 18:00:00
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op

from app.core import types
from app.core.clock import uuid7


revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None

_JOB = sa.table(
    'job',
    sa.column('id', types.UuidType()),
    sa.column('kind', sa.String),
    sa.column('subject', sa.String),
    sa.column('args', sa.JSON),
    sa.column('locale', sa.String),
    sa.column('state', sa.String),
    sa.column('done', sa.BigInteger),
    sa.column('total', sa.BigInteger),
    sa.column('message', sa.Text),
    sa.column('attempt', sa.Integer),
    sa.column('files', sa.JSON),
    sa.column('created', types.UtcDateTime()),
)


def upgrade() -> None:
    op.create_table(
        'risk',
        sa.Column('id', types.UuidType(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('created_at', types.UtcDateTime(), nullable=False),
        sa.Column('changed_at', types.UtcDateTime(), nullable=False),
        sa.Column('region_id', sa.Integer(), nullable=False),
        sa.Column('path', types.PathType(), nullable=False),
        sa.Column('county_id', sa.Integer(), nullable=False),
        sa.Column('province_id', sa.Integer(), nullable=False),
        sa.Column('household_id', types.UuidType(), nullable=False),
        sa.Column('head_name', types.NfcText(64), nullable=False),
        sa.Column('head_id', types.NfcText(32), nullable=True),
        sa.Column('former_head', types.NfcText(64), nullable=True),
        sa.Column('standing', sa.String(length=32), nullable=True),
        sa.Column('poverty_exit', sa.Boolean(), nullable=True),
        sa.Column('low_income', sa.Boolean(), nullable=True),
        sa.Column('grade', sa.String(length=32), nullable=True),
        sa.Column('secured', sa.Boolean(), nullable=True),
        sa.Column('measure', sa.String(length=32), nullable=True),
        sa.Column('measure_year', sa.SmallInteger(), nullable=True),
        sa.Column('interim_measure', types.NfcText(500), nullable=True),
        sa.Column('origin', sa.String(length=32), nullable=True),
        sa.Column('surveyed_on', sa.Date(), nullable=True),
        sa.Column('survey_of', sa.String(length=32), nullable=True),
        sa.Column('survey_id', types.UuidType(), nullable=True),
        sa.Column('decided_at', types.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['region_id'], ['region.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_risk_place', 'risk', ['path', 'id'])
    op.create_index('ix_risk_secured', 'risk', ['secured', 'path', 'id'])
    op.create_index('ix_risk_grade', 'risk', ['grade', 'path', 'id'])
    op.create_index('ix_risk_household', 'risk', ['household_id'], unique=True)
    op.create_index('ix_risk_changed', 'risk', ['changed_at', 'id'])
    op.create_index('ix_risk_changed_county', 'risk', ['county_id', 'changed_at', 'id'])
    op.create_index('ix_risk_changed_province', 'risk', ['province_id', 'changed_at', 'id'])
    bind = op.get_bind()
    approved = sa.text("SELECT 1 FROM lookback WHERE state = 'approved' LIMIT 1")
    if bind.scalar(approved):
        job = {
            'id': uuid7(), 'kind': 'risk.backfill', 'subject': '', 'args': {}, 'locale': 'zh',
            'state': 'queued', 'done': 0, 'total': 0, 'message': '', 'attempt': 0, 'files': [],
            'created': dt.datetime.now(dt.UTC),
        }  # fmt: skip
        op.execute(sa.insert(_JOB).values(job))


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM job WHERE kind = 'risk.backfill'"))
    op.execute(sa.text("DELETE FROM counter WHERE register = 'risk'"))
    op.execute(sa.text("DELETE FROM counter_day WHERE register = 'risk'"))
    op.drop_table('risk')
