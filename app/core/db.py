"""The one database handle. FAB's metadata carries FAB's tables and ours, so Alembic sees all."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, auto
from typing import Any

from flask import has_app_context
from flask_appbuilder import Model
from flask_appbuilder.models.sqla.base import SQLA
from psycopg import Error as PsycopgError
from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import History
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE
from sqlalchemy.pool import ConnectionPoolEntry, Pool
from sqlalchemy.sql.dml import UpdateBase

__all__ = [
    "JOINED",
    "Model",
    "db",
    "is_connected",
    "on_sqlite_connect",
    "only_where",
    "outermost",
    "read_only",
    "set_read_only",
    "upsert",
]

db = SQLA(metadata=Model.metadata, session_options={"expire_on_commit": False})


class _Way(Enum):
    """How transactions begin."""

    WRITES = auto()  # on SQLite with the one write lock
    READS = auto()  # a transaction that takes no lock: nothing is written
    ALONE = auto()  # as READS; on PostgreSQL each statement stands by itself


_way: ContextVar[_Way] = ContextVar("way", default=_Way.WRITES)
#: In ``Connection.info``: its transaction only reads.
_READS = "reads"
#: In ``Session.info``: the session in whose transaction it works.
JOINED = "joined"
_REST_SECONDS = 2.0
_sqlite_hooks: list[Callable[[sqlite3.Connection], object]] = []


def on_sqlite_connect(hook: Callable[[sqlite3.Connection], object]) -> None:
    """Run ``hook`` on every new SQLite connection, e.g. to register SQL functions."""
    _sqlite_hooks.append(hook)


def set_read_only(value: bool) -> None:
    """Tell this context's next transactions whether they only read, as those of requests do until
    somebody says :func:`app.core.transactions.transaction`.
    """
    _way.set(_Way.ALONE if value else _Way.WRITES)


@contextmanager
def read_only(*, value: bool = True) -> Iterator[None]:
    """Transactions begun inside only read: on SQLite they take no write lock. ``value=False`` inside
    what reads: they write.
    """
    token = _way.set(_Way.READS if value else _Way.WRITES)
    try:
        yield
    finally:
        _way.reset(token)


def is_connected() -> bool:
    """Is there an application whose database can be asked?"""
    return has_app_context()


def only_where(condition: str) -> dict[str, Any]:
    """Options of an index that holds only some rows; the condition is SQL of both databases."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


def upsert(session: Session, model: Any) -> Any:
    """The database's own INSERT into a model's table, which knows ``on_conflict_do_update``."""
    dialect = session.get_bind().dialect.name
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(model)


def history_of(row: Any, name: str) -> History:
    """What a change of a row that is not written yet adds to a column and deletes from it; nothing is read."""
    return inspect(row).get_history(name, PASSIVE_NO_INITIALIZE)


def outermost(session: Session) -> Session:
    """The session whose transaction this is: itself, or the one that it was joined to."""
    found: Session = session.info.get(JOINED, session)
    return found


@event.listens_for(Pool, "checkin")
def _note_rest(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["rests_since"] = time.monotonic()


@event.listens_for(Pool, "checkout")
def _ping_rested(connection: Any, record: ConnectionPoolEntry, _fairy: Any) -> None:
    """Ask a connection that has rested whether its server is still there; the pool replaces a dead
    one. A ping at every request would be a seventh of a list's round trips.
    """
    rests_since = record.info.get("rests_since")
    if rests_since is None or isinstance(connection, sqlite3.Connection):
        return
    if time.monotonic() - rests_since > _REST_SECONDS:
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except PsycopgError as error:
            raise DisconnectionError from error


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
def _begin(connection: Connection) -> None:
    way = _way.get()
    connection.info[_READS] = way is not _Way.WRITES
    if connection.dialect.name == "sqlite":
        # A plain BEGIN that reads first and writes later fails at once under concurrency.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if way is _Way.WRITES else "BEGIN")
        return
    if "isolation_level" in connection.get_execution_options():
        return  # asked for by the caller
    driver: Any = connection.connection.dbapi_connection
    alone = way is _Way.ALONE
    if driver.autocommit is not alone:
        # Each statement of a page sees what is committed, within a transaction or without: BEGIN
        # and ROLLBACK would be two of its seven round trips.
        driver.autocommit = alone


@event.listens_for(Engine, "before_cursor_execute")
def _refuse_statement(
    connection: Connection, _cursor: Any, _text: str, _values: Any, context: Any, _many: bool
) -> None:
    if not connection.info.get(_READS) or context is None or context.compiled is None:
        return
    statement = context.compiled.statement
    if isinstance(statement, UpdateBase) or getattr(statement, "_for_update_arg", None) is not None:
        raise RuntimeError(f"without a transaction nothing is written or locked: {_text}")


@event.listens_for(Session, "before_flush")
def _refuse_flush(session: Session, _context: Any, _instances: Any) -> None:
    if _way.get() is not _Way.WRITES and (session.new or session.dirty or session.deleted):
        raise RuntimeError("without a transaction nothing is written")
