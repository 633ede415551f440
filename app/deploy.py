"""The deploy step: tables, roles, lists of choices, divisions. Safe when many start at once."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from app.access import policy, regions_seed
from app.access.scope import unscoped
from app.core.db import db
from app.registry import lists
from app.registry.register import all_registers

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_LOCK = 0x616E6A76  # any number that no other advisory lock of ours uses


def deploy(app: Flask, only_divisions: Collection[str] = (regions_seed.WHOLE,)) -> int:
    """Bring the database up to date; returns how many divisions were loaded now.

    On PostgreSQL an advisory lock makes a second caller wait; on SQLite the file's write lock does.
    """
    with app.app_context(), db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            connection.commit()  # the lock stays with the connection, no transaction stays open
        else:
            connection.rollback()
        upgrade(directory=str(MIGRATIONS))
        with unscoped("the deploy step fills roles and lists") as session:
            policy.sync_roles(session, [r.name for r in all_registers()])
            lists.seed(session)
            session.commit()
        return regions_seed.load(db.engine, only_divisions)
