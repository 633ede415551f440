"""The scope guard: below every view, each ORM read is limited to the actor's subtree and each
write outside it is refused. It fails closed: without an actor there are no rows.

The guard does not see Core selects on ``__table__``, text and bulk inserts; these stand only in
modules named in ``tests/access/test_scope_guard.py``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from sqlalchemy import Date, ForeignKey, Integer, event, func, select
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    declared_attr,
    mapped_column,
    with_loader_criteria,
)

from app.access.actor import Actor
from app.access.divisions.regions import Region, subtree
from app.core import transactions
from app.core.db import JOINED, db, history_of, read_only
from app.core.errors import OutsideScope, TryAgain
from app.core.i18n import _
from app.core.kept import Kept
from app.core.types import PathType

#: Advisory locks (this, county): shared by those who write rows there, held alone by who moves
#: divisions there; (this, 0) is held alone by who publishes anything.
LOCK = 0x616E6A
#: Counties whose lock the transaction holds, and keys and paths of divisions that it saw stand so.
_held: Kept[set[int]] = Kept(set)
_seen: Kept[set[tuple[int, str]]] = Kept(set)
#: Execution option of a statement that is a module's constant, its values bound when it runs.
MADE_ONCE = "made_once"
_NOTHING = ("\x7f", "\x7f")  # an empty range: no path lies in it
_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)
_shows_hidden: ContextVar[bool] = ContextVar("shows_hidden", default=False)


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


@contextmanager
def joined(why: str, *, writes: bool = False) -> Iterator[Session]:
    """As :func:`unscoped`, within the transaction that the request has open: it sees what that has
    written, nothing of it is ended here, and an error undoes all. Where none is open (a page that
    only reads) it reads beside.

    ``writes``: rows are changed, which needs one that is open; what our own session had loaded is read
    anew after it.
    """
    if not transactions.is_open():
        if writes:
            raise RuntimeError("nobody would commit what is written here")
        with read_only(), unscoped(why) as session:
            yield session
        return
    ours = db.session()
    ours.flush()
    session = Session(
        ours.connection(),
        join_transaction_mode="rollback_only",
        expire_on_commit=False,
        info={"unscoped": why, JOINED: ours},
    )
    try:
        yield session
        if writes:
            session.flush()
            ours.expire_all()
    finally:
        session.close()


class Guarded:
    """A row that lies in a division: what the guard limits. A model derives from one of the two below."""

    @declared_attr
    def region_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("region.id"), nullable=False)

    # active_history: where a row comes from is known even if it was not loaded before it moved
    path: Mapped[str] = mapped_column(PathType, nullable=False, active_history=True)


class Scoped(Guarded):
    """A row of a county or of what lies in one. Only ``region_id`` is set by code; the rest follows."""

    county_id: Mapped[int] = mapped_column(Integer, nullable=False, active_history=True)
    province_id: Mapped[int] = mapped_column(Integer, nullable=False)


class Anywhere(Guarded):
    """The same of a division of any level: above the county it has no county, and the nation's no
    province. Who is asked for it sees what is its own and below it, like everything.
    """

    county_id: Mapped[int | None] = mapped_column(Integer, active_history=True)
    province_id: Mapped[int | None] = mapped_column(Integer)


class Hides:
    """A row that a delete hides: no read of an actor finds it then but inside :func:`showing_hidden`."""

    hidden_on: Mapped[dt.date | None] = mapped_column(Date)


def is_hidden(row: Any) -> bool:
    """Was the row deleted, of a kind that is only hidden then?"""
    return isinstance(row, Hides) and row.hidden_on is not None


def is_present(row: Any) -> bool:
    """Is there such a row, for reads of this moment? A session gives a row that it holds unasked."""
    return row is not None and (_shows_hidden.get() or not is_hidden(row))


@contextmanager
def showing_hidden(*, when: bool = True) -> Iterator[None]:
    """Reads inside find hidden rows of the actor's area, too; who opens it asks whether the actor may see them."""
    token = _shows_hidden.set(when)
    try:
        yield
    finally:
        _shows_hidden.reset(token)


def place(row: Any, region: Region) -> None:
    """Put ``row`` into ``region``: a county or something under one, unless it lies :class:`Anywhere`."""
    lies = region.county_id is not None and region.province_id is not None
    if not lies and not isinstance(row, Anywhere):
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
        if any(issubclass(mapper.class_, Guarded) for mapper in state.all_mappers):
            raise OutsideScope("the guard cannot limit this statement: add rows, select entities")
    elif (state.is_select or state.is_update or state.is_delete) and not state.is_column_load:
        low, high = _bounds()
        hidden = _shows_hidden.get()
        if state.execution_options.get(MADE_ONCE):
            state.statement = _limited(state.statement, low, high, hidden=hidden)
        else:
            state.statement = state.statement.options(*_limits(low, high, hidden=hidden))


@lru_cache(maxsize=4096)
def _limited(statement: Any, low: str, high: str, *, hidden: bool) -> Any:
    """A statement that is made once, limited once for each area: else SQLAlchemy would work out
    anew, at every request, that it is the statement it knows.
    """
    return statement.options(*_limits(low, high, hidden=hidden))


#: What leaves hidden rows out.
_PRESENT = with_loader_criteria(Hides, lambda cls: cls.hidden_on.is_(None), include_aliases=True)


def _limits(low: str, high: str, *, hidden: bool) -> tuple[Any, ...]:
    area = _limit(low, high)
    return (area,) if hidden else (area, _PRESENT)


@lru_cache(maxsize=2048)
def _limit(low: str, high: str) -> Any:
    """The limit of an area, made once for those who work there: every statement carries it."""
    return with_loader_criteria(
        Guarded, lambda cls: (cls.path >= low) & (cls.path < high), include_aliases=True
    )


def hold(session: Session, places: set[tuple[int, str]], counties: set[int]) -> None:
    """What is written lies where the tree says now, and stays there until the commit; ``places``
    holds key and path of each division written to, ``counties`` all that a row comes from or goes to, 0
    for what lies above them: nothing at all is published then.

    Who moves or merges divisions waits for the commit. The other way round nobody waits, for that
    one may want rows which this transaction has locked: it is told to try again.

    :raises TryAgain: a division was moved, merged or deleted since it was read, or is just now.
    """
    held = _held.of(session)
    free = counties - held
    if free and session.get_bind().dialect.name == "postgresql":
        for county in sorted(free):
            taken = func.pg_try_advisory_xact_lock_shared(LOCK, county)
            if not session.scalar(select(taken)):
                raise _moving()
    held |= free
    seen = _seen.of(session)
    if unseen := places - seen:
        query = select(Region.id, Region.path).where(Region.id.in_({key for key, _ in unseen}))
        if unseen - {(key, path) for key, path in session.execute(query)}:
            raise _moving()
        seen |= unseen


def _moving() -> TryAgain:
    return TryAgain(_("这里的行政区划刚刚调整，内容没有写入。请稍候再保存一次。"))


@event.listens_for(Session, "before_flush")
def _refuse_foreign_writes(session: Session, _context: Any, _instances: Any) -> None:
    rows: list[Any] = [
        row for row in (*session.new, *session.dirty, *session.deleted) if isinstance(row, Guarded)
    ]
    there = {row.region_id: row for row in rows if not _is_placed_anew(row)}
    for row in rows:
        if _is_placed_anew(row):
            _keep_place(session, row, there.get(row.region_id))
    if rows:
        before = [county for row in rows for county in history_of(row, "county_id").deleted]
        counties = {county or 0 for county in (*before, *(row.county_id for row in rows))}
        hold(session, {(row.region_id, row.path) for row in rows}, counties)
    if "unscoped" in session.info:
        return
    for row in rows:
        if not all(in_scope(path) for path in (row.path, *history_of(row, "path").deleted)):
            raise OutsideScope(f"write outside the area: {type(row).__name__}")


def _is_placed_anew(row: Any) -> bool:
    return history_of(row, "region_id").has_changes() or row.path is None


def _keep_place(session: Session, row: Any, beside: Any) -> None:
    """The place columns follow ``region_id``; nobody sets them by hand. They are those of a row that
    is written ``beside`` it in the same division, which :func:`hold` looks at, else the division's.
    """
    if beside is not None:
        row.path = beside.path
        row.county_id, row.province_id = beside.county_id, beside.province_id
        return
    region = session.get(Region, row.region_id)
    if region is None:
        raise OutsideScope("no such division")
    place(row, region)
