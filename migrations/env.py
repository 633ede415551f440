"""Alembic's environment: the program's engine and metadata; our column types by short names."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from app import modules
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


def next_revision(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """The next migration has the next number; where nothing changed there is none."""
    if (
        getattr(context.config.cmd_opts, "autogenerate", False)
        and directives[0].upgrade_ops.is_empty()
    ):
        directives[:] = []
        return
    head = ScriptDirectory.from_config(context.config).get_current_head() or "0"
    directives[0].rev_id = f"{int(head) + 1:04}"


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


UNKNOWN = """\
This database stands at migration {revision}, which this version of the program does not have.
Migrations are squashed now and then: bring the database up to date with the version before that, then
come back. This names it:

    git log -1 --format=%H^ --diff-filter=D -- 'migrations/versions/{revision}_*'

If that names nothing, a newer version made this database: run that one. A database that holds nothing
worth keeping may simply be deleted."""


def refuse_unknown(connection: Connection) -> None:
    """A database at a migration that was squashed away is told what to do.

    Raises: CommandError, which the command line and the deploy step print before they end.
    """
    scripts = ScriptDirectory.from_config(context.config)
    known = {script.revision for script in scripts.walk_revisions()}
    for revision in MigrationContext.configure(connection).get_current_heads():
        if revision not in known:
            raise CommandError(UNKNOWN.format(revision=revision))
    connection.rollback()


def of_loaded(_item: Any, _name: str | None, kind: str, reflected: bool, twin: Any) -> bool:  # noqa: FBT001
    """Tables of modules that this program leaves out stay as they are."""
    return kind != "table" or not reflected or twin is not None


def wait_briefly(connection: Connection) -> None:
    """While a migration waits for a table, everybody queues behind it: rather fail, and deploy again."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")


def run() -> None:
    migrate = current_app.extensions["migrate"]
    options = {**migrate.configure_args, "render_item": render_item}
    options.setdefault("process_revision_directives", next_revision)
    if modules.LEFT_OUT:
        options["include_object"] = of_loaded
    with migrate.db.engine.connect() as connection:
        refuse_unknown(connection)
        with rebuilding_tables(connection):
            migrate_on(connection, target_metadata=migrate.db.metadata, **options)


def migrate_on(connection: Connection, **options: Any) -> None:
    context.configure(connection=connection, **options)
    with context.begin_transaction():
        wait_briefly(connection)
        context.run_migrations()
    if connection.dialect.name != "sqlite":
        connection.commit()


run()
