"""The audit log is searched by area and kind of act; the database itself keeps it append-only

On a running system with a large log build the five indexes concurrently beforehand, under the same
names; then this step finds them. The path of an entry may change: it follows its division.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-22 11:30:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

AREA_WIDTHS = (5, 8, 11)
KEPT = 'id, at, act, account_id, account_name, address, register, record_id, detail'

POSTGRESQL = (
    """
    CREATE FUNCTION audit_entry_keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$
    """,
    f"""
    CREATE TRIGGER audit_entry_keep BEFORE DELETE OR UPDATE OF {KEPT} ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_keep()
    """,
    """
    CREATE TRIGGER audit_entry_keep_all BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_keep()
    """,
)
SQLITE = (
    f"""
    CREATE TRIGGER audit_entry_no_update BEFORE UPDATE OF {KEPT} ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END
    """,
    """
    CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END
    """,
    # INSERT OR REPLACE deletes without asking the trigger above
    """
    CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON audit_entry
    WHEN EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END
    """,
)


def upgrade() -> None:
    make = {'if_not_exists': True}
    op.create_index('ix_audit_entry_act', 'audit_entry', ['act', 'at', 'id'], **make)
    columns = ['register', 'act', 'at', 'id']
    op.create_index('ix_audit_entry_register', 'audit_entry', columns, **make)
    for n in AREA_WIDTHS:
        op.create_index(
            f'ix_audit_entry_area_{n}',
            'audit_entry',
            [sa.text(f'substr(path, 1, {n})'), 'act', 'at', 'id'],
            **make,
        )
    for statement in POSTGRESQL if op.get_bind().dialect.name == 'postgresql' else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP TRIGGER audit_entry_keep ON audit_entry')
        op.execute('DROP TRIGGER audit_entry_keep_all ON audit_entry')
        op.execute('DROP FUNCTION audit_entry_keep()')
    else:
        for name in ('no_update', 'no_delete', 'no_replace'):
            op.execute(f'DROP TRIGGER audit_entry_{name}')
    for name in (*(f'area_{n}' for n in AREA_WIDTHS), 'register', 'act'):
        op.drop_index(f'ix_audit_entry_{name}', 'audit_entry')
