"""Photos keep what the camera said of them, a small picture, and their sender's name of them

Safe on a running system: columns that may be empty (one with a constant default) and a unique
index over NULLs only.

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-22 14:40:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

_COLUMNS = (
    ('thumb_key', sa.String(80)),
    ('sent_key', types.UuidType()),
    ('width', sa.SmallInteger()),
    ('height', sa.SmallInteger()),
    ('pages', sa.SmallInteger()),
    ('taken_at', sa.DateTime()),
    ('latitude', sa.Double()),
    ('longitude', sa.Double()),
    ('device', types.NfcText(60)),
)


def upgrade() -> None:
    for name, kind in _COLUMNS:
        op.add_column('attachment', sa.Column(name, kind, nullable=True))
    op.add_column(
        'attachment', sa.Column('turned', sa.SmallInteger(), nullable=False, server_default='0')
    )
    op.create_index('uq_attachment_sent', 'attachment', ['record_id', 'sent_key'], unique=True)


def downgrade() -> None:
    op.drop_index('uq_attachment_sent', 'attachment')
    for name in ('turned', *(name for name, _kind in _COLUMNS)):
        op.drop_column('attachment', name)
