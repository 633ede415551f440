"""The one database handle. FAB's metadata carries FAB's tables and ours, so Alembic sees all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.models.sqla.base import SQLA
from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

__all__ = ["Model", "db", "on_sqlite_connect", "read_only", "set_read_only", "upsert"]

db = SQLA(metadata=Model.metadata, session_options={"expire_on_commit": False})

_writes: ContextVar[bool] = ContextVar("writes", default=True)
_sqlite_hooks: list[Callable[[sqlite3.Connection], None]] = []


def on_sqlite_connect(hook: Callable[[sqlite3.Connection], None]) -> None:
    """Run ``hook`` on every new SQLite connection, e.g. to register SQL functions."""
    _sqlite_hooks.append(hook)


def set_read_only(value: bool) -> None:
    """Tell this context's next transactions whether they only read (GET requests do)."""
    _writes.set(not value)


@contextmanager
def read_only() -> Iterator[None]:
    """Transactions begun inside take no write lock on SQLite."""
    token = _writes.set(False)
    try:
        yield
    finally:
        _writes.reset(token)


def upsert(session: Session, model: Any) -> Any:
    """The database's own INSERT into a model's table, which knows ``on_conflict_do_update``."""
    dialect = session.get_bind().dialect.name
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(model)


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # what was acknowledged survives kill -9 and a power cut
        "foreign_keys=ON",
        "busy_timeout=20000",
        "cache_size=-65536",
        "mmap_size=1073741824",
    ):
        connection.execute(f"PRAGMA {pragma}")
    for hook in _sqlite_hooks:
        hook(connection)


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # A plain BEGIN that reads first and writes later fails at once under concurrency.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _writes.get() else "BEGIN")
