"""The scope guard: below every view, each ORM read is limited to the actor's subtree and each
write outside it is refused. It fails closed: without an actor there are no rows.

The guard does not see Core selects on ``__table__``, text and bulk inserts; these stand only in
modules named in ``tests/contracts/test_scope_guard.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from sqlalchemy import ForeignKey, Integer, event, inspect
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    declared_attr,
    mapped_column,
    with_loader_criteria,
)

from app.access.actor import Actor
from app.access.regions import Region, subtree
from app.core.db import db
from app.core.errors import OutsideScope
from app.core.types import PathType

_NOTHING = ("\x7f", "\x7f")  # an empty range: no path lies in it
_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def current_actor() -> Actor | None:
    """Who acts in this request or job, or None."""
    return _actor.get()


def set_actor(actor: Actor | None) -> None:
    """Bind the actor of this request; the web layer calls it at the start of each."""
    _actor.set(actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[Actor]:
    """Everything inside is done by ``actor`` (jobs, commands, tests)."""
    token = _actor.set(actor)
    try:
        yield actor
    finally:
        _actor.reset(token)


@contextmanager
def unscoped(why: str) -> Iterator[Session]:
    """A session of its own that sees every row. ``why`` must say what needs that.

    Committed by the caller; closed at the end.
    """
    if not why:
        raise ValueError("unscoped() needs a reason")
    session = Session(db.engine, expire_on_commit=False, info={"unscoped": why})
    try:
        yield session
    finally:
        session.close()


class Scoped:
    """A row that lies in a division. Only ``region_id`` is set by code; the rest follows."""

    @declared_attr
    def region_id(cls) -> Mapped[int]:  # noqa: N805
        return mapped_column(ForeignKey("region.id"), nullable=False)

    # active_history: where a row comes from is known even if it was not loaded before it moved
    path: Mapped[str] = mapped_column(PathType, nullable=False, active_history=True)
    county_id: Mapped[int] = mapped_column(Integer, nullable=False, active_history=True)
    province_id: Mapped[int] = mapped_column(Integer, nullable=False)


def place(row: Any, region: Region) -> None:
    """Put ``row`` into ``region``: a county or something under one."""
    if region.county_id is None or region.province_id is None:
        raise OutsideScope("a record lies in a county or under one")
    row.region_id, row.path = region.id, region.path
    row.county_id, row.province_id = region.county_id, region.province_id


def in_scope(path: str) -> bool:
    """Does ``path`` lie in the current actor's area?"""
    low, high = _bounds()
    return low <= path < high


def _bounds() -> tuple[str, str]:
    actor = _actor.get()
    return subtree(actor.path) if actor else _NOTHING


@event.listens_for(Session, "do_orm_execute")
def _limit_reads(state: ORMExecuteState) -> None:
    if "unscoped" in state.session.info:
        return
    if state.is_insert or state.is_from_statement:
        if any(issubclass(mapper.class_, Scoped) for mapper in state.all_mappers):
            raise OutsideScope("the guard cannot limit this statement: add rows, select entities")
    elif (state.is_select or state.is_update or state.is_delete) and not state.is_column_load:
        state.statement = state.statement.options(_limit(*_bounds()))


@lru_cache(maxsize=2048)
def _limit(low: str, high: str) -> Any:
    """The limit of an area, made once for those who work there: every statement carries it."""
    return with_loader_criteria(
        Scoped, lambda cls: (cls.path >= low) & (cls.path < high), include_aliases=True
    )


@event.listens_for(Session, "before_flush")
def _refuse_foreign_writes(session: Session, _context: Any, _instances: Any) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, Scoped):
            continue
        _keep_place(session, row)
        if "unscoped" in session.info:
            continue
        before = inspect(row).attrs.path.history.deleted
        if not all(in_scope(path) for path in (row.path, *before)):
            raise OutsideScope(f"write outside the area: {type(row).__name__}")


def _keep_place(session: Session, row: Any) -> None:
    """The place columns follow ``region_id``; nobody sets them by hand."""
    history = inspect(row).attrs.region_id.history
    if history.has_changes() or row.path is None:
        region = session.get(Region, row.region_id)
        if region is None:
            raise OutsideScope("no such division")
        place(row, region)
