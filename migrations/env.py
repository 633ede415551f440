"""Alembic's environment: the program's engine and metadata; our column types by short names."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from app.core.types import NfcText, PathType, UtcDateTime, UuidType

# SQLite cannot say what an index on an expression is; a table that has one is not rebuilt.
warnings.filterwarnings("ignore", ".*expression-based index")

NAMED = {
    UuidType: "types.UuidType()",
    PathType: "types.PathType()",
    UtcDateTime: "types.UtcDateTime()",
}


def render_item(kind: str, item: Any, _autogen: Any) -> str | bool:
    """Types of ours by name; those over enums as the plain column that they are."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    if isinstance(item, NfcText):
        return f"types.NfcText({item.length})"
    if type(item) in NAMED:
        return NAMED[type(item)]
    length = getattr(item.impl, "length", None)
    name = type(item.impl).__name__
    return f"sa.{name}(length={length})" if length else f"sa.{name}()"


def no_empty_revision(_context: Any, _revision: Any, directives: list[Any]) -> None:
    if (
        getattr(context.config.cmd_opts, "autogenerate", False)
        and directives[0].upgrade_ops.is_empty()
    ):
        directives[:] = []


@contextmanager
def rebuilding_tables(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by rebuilding it; dropping the old one would delete, by their ON DELETE
    CASCADE, all rows that point at it. So foreign keys rest meanwhile and are checked at the end.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    plain: Any = connection.connection  # outside a transaction: inside one the pragma does nothing
    plain.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
            raise RuntimeError(f"the migration leaves rows that point nowhere: {broken[:5]}")
        connection.commit()
    finally:
        connection.rollback()
        plain.execute("PRAGMA foreign_keys=ON")


def run() -> None:
    migrate = current_app.extensions["migrate"]
    options = {**migrate.configure_args, "render_item": render_item}
    options.setdefault("process_revision_directives", no_empty_revision)
    with migrate.db.engine.connect() as connection, rebuilding_tables(connection):
        context.configure(connection=connection, target_metadata=migrate.db.metadata, **options)
        with context.begin_transaction():
            context.run_migrations()
        if connection.dialect.name != "sqlite":
            connection.commit()


run()
