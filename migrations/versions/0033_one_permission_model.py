"""One permission model: rights are named as FAB names its own, and what a deploy gave is known

Safe on a running system: one UPDATE of some fifteen rows, a new table of some hundred. A program that still
runs with the old names finds no rights until it is replaced, which refuses and shows nothing.

Revision ID: 0033
Revises: 0032
Create Date: 2026-11-30 07:20:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_RENAMED = "UPDATE ab_permission SET name = '{new}' || substr(name, 5) WHERE name LIKE '{old}' ESCAPE '!'"
_HELD = """
    INSERT INTO role_default (role, "right")
    SELECT DISTINCT r.name, p.name || ':' || v.name
    FROM ab_role r
    JOIN ab_permission_view_role h ON h.role_id = r.id
    JOIN ab_permission_view pv ON pv.id = h.permission_view_id
    JOIN ab_permission p ON p.id = pv.permission_id
    JOIN ab_view_menu v ON v.id = pv.view_menu_id
    WHERE p.name LIKE 'can!_%' ESCAPE '!'
"""


def upgrade() -> None:
    op.create_table(
        "role_default",
        sa.Column("role", types.NfcText(64), nullable=False),
        sa.Column("right", types.NfcText(360), nullable=False),
        sa.PrimaryKeyConstraint("role", "right"),
    )
    op.execute(_RENAMED.format(new="can_", old="may!_%"))
    op.execute(_HELD)


def downgrade() -> None:
    op.execute(_RENAMED.format(new="may_", old="can!_%"))
    op.drop_table("role_default")
