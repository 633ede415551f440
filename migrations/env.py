"""Alembic's environment: the program's engine and metadata; our column types by short names."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy.types import TypeDecorator

from app.core.types import NfcText, PathType, UtcDateTime, UuidType

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


def run() -> None:
    migrate = current_app.extensions["migrate"]
    options = {**migrate.configure_args, "render_item": render_item}
    options.setdefault("process_revision_directives", no_empty_revision)
    with migrate.db.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=migrate.db.metadata, **options)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
