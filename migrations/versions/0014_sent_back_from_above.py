"""退回整改 is a state of its own; what an account used last is kept

Safe on a running system: a new small table; the look-backs that a level above the county sent back
are found by the index of states. Counters of the two new figures are counted from the rows; records
that move in this moment are put right by ``flask stats rebuild``.

Revision ID: 0014
Revises: 0013
Create Date: 2026-11-22 14:40:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

_SENT_BACK_FROM_ABOVE = """
    UPDATE history_entry SET target = 'rectify' WHERE target = 'returned' AND label = '退回整改'
"""
_RECTIFY = """
    UPDATE lookback SET state = 'rectify'
    WHERE state = 'returned' AND (
        SELECT h.target FROM history_entry h WHERE h.record_id = lookback.id
        AND h.target IN ('returned', 'rectify') ORDER BY h.at DESC, h.id DESC LIMIT 1
    ) = 'rectify'
"""
_COUNT = """
    INSERT INTO counter (register, figure, county_id, path, n)
    SELECT 'lookback', '{figure}', l.county_id, r.path, count(*)
    FROM lookback l JOIN region r ON r.id = l.county_id
    WHERE l.state = '{state}' GROUP BY l.county_id, r.path
"""


def upgrade() -> None:
    op.create_table(
        'habit',
        sa.Column('account_id', types.UuidType(), nullable=False),
        sa.Column('register', sa.String(32), nullable=False),
        sa.Column('fields', sa.JSON(), nullable=False),
        sa.Column('reasons', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('account_id', 'register'),
    )
    op.execute(_SENT_BACK_FROM_ABOVE)
    op.execute(_RECTIFY)
    op.execute(_COUNT.format(figure='returned_county', state='returned'))
    op.execute(_COUNT.format(figure='rectify', state='rectify'))


def downgrade() -> None:
    op.execute("DELETE FROM counter WHERE figure IN ('returned_county', 'rectify')")
    op.execute("UPDATE lookback SET state = 'returned' WHERE state = 'rectify'")
    op.execute("UPDATE history_entry SET target = 'returned' WHERE target = 'rectify'")
    op.drop_table('habit')
