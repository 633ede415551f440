"""The deploy step: tables, roles, lists of choices, divisions. Safe when many start at once."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, text

import config
from app.access import roles
from app.access.divisions import seed as regions_seed
from app.access.scope import joined
from app.core.db import db
from app.core.jobs.table import enqueue_once
from app.core.transactions import transaction
from app.kernel.declare import choice_lists
from app.kernel.declare.register import all_registers
from app.kernel.households import filling

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_LOCK = 0x616E6A76  # any number that no other advisory lock of ours uses
_PAUSE = 0.1
_MADE = re.compile(r"create_table\(\s*['\"](\w+)['\"]")


def migrated_tables() -> set[str]:
    """The tables that some migration makes, whatever a database has."""
    texts = (path.read_text(encoding="utf-8") for path in MIGRATIONS.glob("versions/*.py"))
    return {name for text in texts for name in _MADE.findall(text)}


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """One deploy at a time, the others wait. SQLite commits between migrations, so its own write lock
    would let a second one in half-way: a file beside the database is locked instead.
    """
    if engine.dialect.name != "postgresql":
        if not (database := engine.url.database):  # in memory: nobody else has it
            yield
            return
        with FileLock(f"{database}.deploy"):
            yield
        return
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")  # no transaction stays open …
    with alone.connect() as connection:  # … but the lock, with the connection
        # asked for again and again: an index that is built concurrently waits for every statement that
        # runs, and one that waits for the lock is one
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}):
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})


def deploy(app: Flask, only_divisions: Collection[str] = (regions_seed.WHOLE,)) -> int:
    """Bring the database up to date; returns how many divisions were loaded now."""
    with app.app_context(), _alone(db.engine):
        upgrade(directory=str(MIGRATIONS))
        why = "the deploy step fills roles and lists"
        with transaction(), joined(why, writes=True) as session:
            registers = [register.name for register in all_registers()]
            roles.sync(session, registers, whole=not config.modules_without())
            choice_lists.seed(session)
        loaded = regions_seed.load(db.engine, only_divisions)
        enqueue_once(done=loaded > 0)
        with transaction():
            filling.require()
        return loaded
