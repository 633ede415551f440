"""What a flush writes under a generated view: whose it is to mend and to tell of, and what the audit log
keeps of it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from app.access.audit.log import Act
from app.kernel.kinds.values import to_json

if TYPE_CHECKING:
    from app.web.crud.interface import ScopedInterface

#: Columns of a scoped row that follow from its division.
PLACE = ("path", "county_id", "province_id")
_WRITERS = "crud_writers"  # in Session.info: the data models that write, the innermost last


@dataclass(frozen=True)
class Placed:
    """Where an entry of the audit log belongs, and which row it is about."""

    path: str | None
    id: uuid.UUID | None = None

    @classmethod
    def of(cls, item: Any) -> Placed:
        key = getattr(item, "id", None)
        return cls(getattr(item, "path", None), key if isinstance(key, uuid.UUID) else None)


@contextmanager
def by(session: Session, writer: ScopedInterface) -> Iterator[None]:
    """Inside, what the session flushes is the writer's to mend and to tell of, and of those around it: a
    view's hook may write rows of another model, which flushes its own as well.
    """
    writers: list[ScopedInterface] = session.info.setdefault(_WRITERS, [])
    writers.append(writer)
    if len(writers) == 1:
        event.listen(session, "before_flush", _mend_what_is_written)
        event.listen(session, "after_flush", _note_what_was_written)
    try:
        yield
    finally:
        writers.pop()
        if not writers:
            event.remove(session, "before_flush", _mend_what_is_written)
            event.remove(session, "after_flush", _note_what_was_written)


def is_by(session: Session, writer: ScopedInterface) -> bool:
    """Is what the session flushes now the writer's?"""
    return writer in session.info.get(_WRITERS, ())


def _of_writers(session: Session, rows: Iterable[Any]) -> list[tuple[ScopedInterface, Any]]:
    """The rows that somebody writes here, each with the innermost who does."""
    by_model = {writer.obj: writer for writer in session.info[_WRITERS]}
    return [(by_model[type(row)], row) for row in rows if type(row) in by_model]


def _mend_what_is_written(session: Session, _context: Any, _instances: Any) -> None:
    for writer, row in _of_writers(session, [*session.new, *session.dirty]):
        writer.mend(row)


def _note_what_was_written(session: Session, _context: Any) -> None:
    for rows, act in (
        (session.new, Act.CREATE), (session.dirty, Act.UPDATE), (session.deleted, Act.DELETE),
    ):  # fmt: skip
        for writer, row in _of_writers(session, rows):
            writer.wrote(row, act)


def changes_of(item: Any, act: Act) -> dict[str, list[Any]]:
    """{column: [old, new]} of what a flush writes, as the audit log keeps it."""
    state, changes = inspect(item), {}
    for attribute in state.mapper.column_attrs:
        name = attribute.key
        if name in PLACE or attribute.columns[0].primary_key:
            continue
        history = state.attrs[name].history
        if act is Act.UPDATE and not history.has_changes():
            continue
        now = getattr(item, name)
        old, new = (now, None) if act is Act.DELETE else (first(history.deleted), now)
        if old != new:
            changes[name] = [_said(old), _said(new)]
    for relation in state.mapper.relationships:
        if relation.secondary is not None:
            history = state.attrs[relation.key].history
            if history.added or history.deleted:
                changes[relation.key] = [_texts(history.deleted), _texts(history.added)]
    return changes


def first(values: Sequence[Any] | None) -> Any:
    """The value of a history that has one, or none."""
    return values[0] if values else None


def _texts(rows: Sequence[Any] | None) -> Any:
    return to_json(sorted(str(row) for row in rows or ()))


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else to_json(value)
