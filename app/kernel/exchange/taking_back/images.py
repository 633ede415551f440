"""What an import did to rows, kept for 30 days: which it made, and what those said before that it changed.

The flush is watched while an import writes, so whatever follows from a row in its transaction (its household,
the records that repeat a name) is kept with it. A row is known by its version afterwards: another one
then means that somebody changed it since. Rows that go in past the ORM are told by who writes them
(:func:`keep_made`). Rows that follow from others (``Register.derived``) follow again, and are not kept.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    delete,
    event,
    func,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.access.scope import current_actor
from app.core.bulk import insert_rows
from app.core.choices import Choices
from app.core.clock import now, uuid7
from app.core.db import Model, db, outermost
from app.core.i18n import mark
from app.core.jobs.table import JobContext, daily_job
from app.core.kept import Kept
from app.core.transactions import transaction
from app.core.types import CodeSetType, CodeType, NfcText, PathType, UtcDateTime, UuidType
from app.kernel.declare.register import register_of
from app.kernel.figures import writing
from app.kernel.kinds.children import RowsType
from app.kernel.rows.record import Record

KEPT_DAYS = 30
_AT_ONCE = 500
#: What a row is besides its values: it follows from them, or is the program's own.
_OWN = frozenset({"path", "county_id", "province_id", "version", "created_at", "changed_at"})
#: The version of a row that somebody changed between two writes of one import: none is the same.
_MIXED = -1


class Wrote(Choices):
    """What an import did to a row."""

    MADE = "made"
    CHANGED = "changed"
    DELETED = "deleted"


class ImportRun(Model):
    """An import that wrote something. ``remaining``: of how much of it the images are kept and not taken back; the
    rest says what was.
    """

    __tablename__ = "import_run"
    __table_args__ = (Index("ix_import_run_place", "path", "made_at"),)

    id: Mapped[uuid.UUID] = mapped_column(ForeignKey("job.id"), primary_key=True)
    register: Mapped[str] = mapped_column(String(32), nullable=False)
    path: Mapped[str] = mapped_column(PathType, nullable=False)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    expires: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    remaining: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    taking: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    taken_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    taken_by: Mapped[str] = mapped_column(NfcText(128), nullable=False, default="")
    reason: Mapped[str] = mapped_column(NfcText(200), nullable=False, default="")
    gone: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    restored: Mapped[int] = mapped_column(Integer, nullable=False, default=0)

    @property
    def expired(self) -> bool:
        return self.expires <= now()


class ImportImage(Model):
    """A row that an import wrote. ``unit`` is what is taken back as one: a household with all that is
    about it, else the row itself. ``before`` holds the values of what was changed or deleted, as text.
    """

    __tablename__ = "import_image"

    run_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    unit: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    key: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    table_name: Mapped[str] = mapped_column(String(32), nullable=False)
    wrote: Mapped[Wrote] = mapped_column(CodeType(Wrote), nullable=False)
    version: Mapped[int] = mapped_column(Integer, nullable=False)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    @property
    def model(self) -> Any:
        return _models()[self.table_name]

    def said(self) -> dict[str, Any]:
        """The values before, as the model holds them."""
        columns = inspect(self.model).columns
        return {name: _meant(columns[name].type, v) for name, v in (self.before or {}).items()}


@cache
def _models() -> dict[str, Any]:
    """Every model of records by its table."""
    known = (mapper.class_ for mapper in Model.registry.mappers)
    return {model.__tablename__: model for model in known if issubclass(model, Record)}


# ---- while an import writes ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """What became of a row in this transaction."""

    row: Any
    wrote: Wrote
    before: Mapping[str, Any]
    version: int  # before it


@dataclass(frozen=True)
class _Run:
    """The import that writes now."""

    id: uuid.UUID
    register: str


#: A row of the ORM by its key; table, unit and key of those that went in past it.
_seen: Kept[dict[uuid.UUID, _Seen]] = Kept(dict)
_bulk: Kept[list[tuple[str, uuid.UUID, uuid.UUID]]] = Kept(list)
_run: ContextVar[_Run | None] = ContextVar("import_run", default=None)


@contextmanager
def keeping(job: JobContext) -> Iterator[None]:
    """What transactions inside write is kept as this import's. Nobody listens to others: a save of a form
    does not pass here.
    """
    token = _run.set(_Run(job.id, str(job.args.get("register") or "")))
    for moment, listener in _LISTENERS:
        event.listen(Session, moment, listener)
    try:
        yield
    finally:
        for moment, listener in _LISTENERS:
            event.remove(Session, moment, listener)
        _run.reset(token)


def keep_made(model: Any, keys: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """New rows that go in past the ORM: unit and key of each."""
    if _run.get() is not None:
        _bulk.of(db.session()).extend((model.__tablename__, *key) for key in keys)


def unit_of(row: Any) -> uuid.UUID:
    """What the row is taken back with: records that only name a household stand by themselves."""
    register = register_of(type(row))
    if register is not None and not register.of_households:
        key: uuid.UUID = row.id
        return key
    return getattr(row, "household_id", None) or row.id


def _see(session: Session, _context: Any, _instances: Any) -> None:
    if _run.get() is None or outermost(session) is not session:
        return
    seen = _seen.of(session)
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Record) and not _follows(row) and (one := _written(session, row)):
            row.id = row.id or uuid7()
            seen[row.id] = _joined(seen.get(row.id), one)


def _follows(row: Any) -> bool:
    register = register_of(type(row))
    return register is not None and register.derived is not None


def _written(session: Session, row: Any) -> _Seen | None:
    """What the flush is about to do to the row; None where that is nothing."""
    if row in session.deleted:
        return _Seen(row, Wrote.DELETED, _values(row, _names(row.__tablename__)), row.version)
    if row in session.new:
        return _Seen(row, Wrote.MADE, {}, 0)
    attrs = inspect(row).attrs
    changed = [n for n in _names(row.__tablename__) if attrs[n].history.has_changes()]
    return _Seen(row, Wrote.CHANGED, _values(row, changed), row.version) if changed else None


@cache
def _names(table: str) -> tuple[str, ...]:
    names = (one.key for one in inspect(_models()[table]).column_attrs)
    return tuple(name for name in names if name not in _OWN and name != "id")


def _values(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """What the database holds of these columns, as JSON keeps it."""
    attrs, found = inspect(row).attrs, {}
    for name in names:
        history = attrs[name].history
        old = history.deleted[0] if history.deleted else None
        found[name] = _told(old if history.has_changes() else getattr(row, name))
    return found


def _joined(before: _Seen | None, now_: _Seen) -> _Seen:
    """A row that was flushed more than once."""
    if before is None or before.wrote == Wrote.MADE:
        return now_ if before is None else replace(before, row=now_.row)
    return replace(now_, before={**now_.before, **before.before}, version=before.version)


def _keep(session: Session) -> None:
    """After all that follows was written, too (:mod:`app.kernel.figures.writing`)."""
    run = _run.get()
    if run is None or session.in_nested_transaction() or outermost(session) is not session:
        return
    writing.tell(session)
    session.flush()
    seen, bulk = _seen.of(session), _bulk.of(session)
    if seen or bulk:
        units = _keep_seen(session, run, seen) | {unit for _table, unit, _key in bulk}
        _keep_rows(session, [_row(run, t, u, k, Wrote.MADE, 1, None) for t, u, k in bulk])
        _count(session, run, units)
    seen.clear()
    bulk.clear()


_LISTENERS = (("before_flush", _see), ("before_commit", _keep))


def _keep_seen(session: Session, run: _Run, seen: Mapping[uuid.UUID, _Seen]) -> set[uuid.UUID]:
    """Keep the images; gives the units of which none was kept before."""
    units = {key: unit_of(one.row) for key, one in seen.items()}
    there = _there(session, run, set(units.values()))
    new = []
    for key, one in seen.items():
        image = there.get((units[key], key))
        if image is None:
            if one.wrote == Wrote.DELETED or not inspect(one.row).deleted:
                new.append(_row(run, type(one.row).__tablename__, units[key], key,
                                one.wrote, one.row.version, dict(one.before)))  # fmt: skip
            continue
        image.version = one.row.version if image.version == one.version else _MIXED
        if image.wrote != Wrote.MADE:
            image.wrote, image.before = one.wrote, {**one.before, **(image.before or {})}
    _keep_rows(session, new)
    return set(units.values()) - {unit for unit, _key in there}


def _there(
    session: Session, run: _Run, units: Collection[uuid.UUID]
) -> dict[tuple[uuid.UUID, uuid.UUID], ImportImage]:
    query = select(ImportImage).where(ImportImage.run_id == run.id, ImportImage.unit.in_(units))
    return {(image.unit, image.key): image for image in session.scalars(query)}


def _row(
    run: _Run, table: str, unit: uuid.UUID, key: uuid.UUID, wrote: Wrote, version: int, before: Any
) -> dict[str, Any]:
    return {
        "run_id": run.id, "unit": unit, "key": key, "table_name": table, "wrote": wrote,
        "version": version, "before": before,
    }  # fmt: skip


def _keep_rows(session: Session, rows: list[dict[str, Any]]) -> None:
    insert_rows(session.connection(), ImportImage.__table__, rows)


def _count(session: Session, run: _Run, units: Collection[uuid.UUID]) -> None:
    """Tell the run, which is made with its first rows, of how much more there is."""
    mine = update(ImportRun).where(ImportRun.id == run.id).returning(ImportRun.id)
    more = mine.values(remaining=ImportRun.remaining + len(units))
    if session.scalar(more.execution_options(synchronize_session=False)) is not None:
        return
    actor, moment = current_actor(), now()
    session.add(
        ImportRun(
            id=run.id, register=run.register, path=actor.path if actor else "",
            made_at=moment, expires=moment + dt.timedelta(days=KEPT_DAYS), remaining=len(units),
        )
    )  # fmt: skip


# ---- values as text ------------------------------------------------------------------------------


def _told(value: Any) -> Any:
    """A value as JSON keeps it."""
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_told(one) for one in value]
    if isinstance(value, dict):  # a row of children
        return {name: _told(part) for name, part in value.items()}
    return str(value) if isinstance(value, Decimal | str) else value


def _meant(kind: Any, value: Any) -> Any:
    """What JSON kept of a column of this type."""
    if value is None:
        return None
    if isinstance(kind, UuidType):
        return uuid.UUID(value)
    if isinstance(kind, RowsType):
        return kind.process_result_value(value, None)
    if isinstance(kind, CodeSetType):
        return tuple(value)
    if isinstance(kind, CodeType):
        return kind.choices(value)
    if isinstance(kind, UtcDateTime | DateTime):
        return dt.datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return dt.date.fromisoformat(value)
    return Decimal(value) if isinstance(kind, Numeric) and kind.asdecimal else value


# ---- until they go -------------------------------------------------------------------------------


def units(run_id: uuid.UUID, after: uuid.UUID | None, most: int) -> list[list[ImportImage]]:
    """The images of the next units of a run, those of each together."""
    of_run = ImportImage.run_id == run_id
    keys = select(ImportImage.unit).where(of_run).distinct()
    keys = keys.order_by(ImportImage.unit).limit(most)
    if after is not None:
        keys = keys.where(ImportImage.unit > after)
    wanted = list(db.session.scalars(keys))
    query = select(ImportImage).where(of_run, ImportImage.unit.in_(wanted))
    found: dict[uuid.UUID, list[ImportImage]] = {key: [] for key in wanted}
    ordered = query.order_by(ImportImage.unit, ImportImage.key)
    for image in db.session.scalars(ordered.execution_options(populate_existing=True)):
        found[image.unit].append(image)
    return [images for images in found.values() if images]


def forget(run_id: uuid.UUID, done: Collection[uuid.UUID]) -> None:
    """These units are taken back."""
    of_them = delete(ImportImage).where(ImportImage.run_id == run_id, ImportImage.unit.in_(done))
    db.session.execute(of_them.execution_options(synchronize_session=False))
    mine = update(ImportRun).where(ImportRun.id == run_id)
    less = mine.values(remaining=ImportRun.remaining - len(done))
    db.session.execute(less.execution_options(synchronize_session=False))


@daily_job("imports.images", title=mark("清除30天前导入前的原内容"))
def expire(job: JobContext) -> dict[str, Any]:
    """What can no longer be taken back says no longer what was before."""
    old = select(ImportRun.id).where(ImportRun.expires <= now(), ImportRun.remaining > 0)
    ended = list(db.session.scalars(old))
    for number, run_id in enumerate(ended):
        while some := _some(run_id):
            with transaction():
                keys = delete(ImportImage).where(ImportImage.run_id == run_id)
                db.session.execute(keys.where(ImportImage.unit.in_(some)))
            job.progress(number, len(ended))
        with transaction():
            db.session.execute(update(ImportRun).where(ImportRun.id == run_id).values(remaining=0))
    return {"imports": len(ended)}


def _some(run_id: uuid.UUID) -> list[uuid.UUID]:
    keys = select(ImportImage.unit).where(ImportImage.run_id == run_id).distinct().limit(_AT_ONCE)
    return list(db.session.scalars(keys))


def counted(run_id: uuid.UUID) -> dict[Wrote, int]:
    """How many rows a run made, changed and deleted, of what is left."""
    query = select(ImportImage.wrote, func.count()).where(ImportImage.run_id == run_id)
    return dict(db.session.execute(query.group_by(ImportImage.wrote)).all())
