"""Records that follow one another (spec 03): an approved one is never changed, a new one is entered
and reviewed; the earlier ones stay as history, so that what held on any day can be told.

Opening the form of a new record (:func:`renew`) makes a blank row, which nobody counts or lists. At
its first save it becomes the household's current record and the one before stops being it; deleting
what it says gives the one before back.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.core.clock import day_begins, local, now
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.i18n import _, translate
from app.kernel import hooks
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.register import Register
from app.kernel.hook import Having
from app.kernel.records import copies
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import get_household
from app.kernel.rows.reading import values_of
from app.kernel.rows.record import HistoryEntry


def may_renew(register: Register, row: Any, actor: Actor) -> bool:
    """May this actor enter a new record after this one now?"""
    open_now = register.renewal and row.current and row.state == State.APPROVED
    return (
        bool(open_now)
        and register.listed.test(values_of(row))
        and policy.may(Capability.ENTER, register.name, row, actor=actor)
    )


def renew(register: Register, record_id: uuid.UUID) -> Any:
    """A blank record after an approved one, whose form takes over what that says; asked again, the
    same one.

    :raises NotFound: the register has no such records. :raises Conflict: it is not the household's
        current record, not approved, or the household is on the list no more.
    """
    if not register.renewal:
        raise NotFound(_("没有这一操作。"))
    row = records.get(register, record_id, lock=True)
    actor = policy.require(Capability.ENTER, register.name, row)
    if known := _blank(register, row.household_id):
        return known
    if row.superseded or row.state != State.APPROVED:
        raise Conflict(_not_now(register, row), row=row)
    if not may_renew(register, row, actor):
        raise Conflict(_("该户已不在名单中，不能再录入。"), row=row)
    household = get_household(row.household_id)
    made = register.model(
        household_id=row.household_id,
        region_id=row.region_id,
        predecessor_id=row.id,
        current=False,
        **copies.of(household, register.model),
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError:  # somebody was a moment earlier
        if known := _blank(register, row.household_id):
            return known
        raise
    detail = {"after": str(row.id)}
    audit.record(db.session, Act.CREATE, register=register.name, row=made, detail=detail)
    return made


def _not_now(register: Register, row: Any) -> str:
    step = register.renewal.label if register.renewal else ""
    if row.superseded:
        return _("该户已有更新的%(what)s，请在最新的一份上办理。", what=_word(register))
    return _(
        "该户的%(what)s现在是“%(state)s”，请直接修改，审核通过后才能%(step)s。",
        what=_word(register),
        state=register.state_text(row.state),
        step=step,
    )


def _word(register: Register) -> str:
    return translate(register.record_word)


def _blank(register: Register, household_id: uuid.UUID) -> Any:
    """The household's record that was opened and never saved, or None."""
    model = register.model
    query = select(model).where(
        model.household_id == household_id,
        model.current.is_(False),
        model.state == State.MISSING,
    )
    return db.session.scalar(query)


# ---- which one counts ----------------------------------------------------------------------------


@hooks.saved.listen(of=Having("renewal"), order=70)
def take_its_place(register: Register, row: Any, _changes: Mapping[str, Any]) -> None:
    """The first save makes a new record the current one.

    :raises Conflict: the one before was sent back meanwhile: that is corrected first.
    """
    if not row.current:
        before = _predecessor(register, row)
        if before is None or not before.current or before.state != State.APPROVED:
            raise Conflict(_not_now(register, before or row), row=row)
        _hand_over(before, row)
    row.year = row.surveyed_on.year if row.surveyed_on else row.year or local(now()).year
    _settle_years(register, row)


@hooks.clearing.listen(of=Having("renewal"), order=30)
def give_back(register: Register, row: Any) -> None:
    """With what a new record says goes its place: the one before counts again."""
    row.year = None
    before = _predecessor(register, row)
    if before is not None:
        _hand_over(row, before)
    _settle_years(register, row)


@hooks.stepping.listen(order=40)
def only_the_last(register: Register, row: Any, step: Transition) -> None:
    """What a later record has replaced is history: nobody decides on it any more."""
    if row.superseded:
        raise Conflict(_not_now(register, row), row=row)
    if step.undoes and register.renewal and _blank(register, row.household_id):
        raise Conflict(_("该户已开始录入新的%(what)s。", what=_word(register)), row=row)


def _predecessor(register: Register, row: Any) -> Any:
    if row.predecessor_id is None:
        return None
    return db.session.get(
        register.model, row.predecessor_id, with_for_update=True, populate_existing=True
    )


def _hand_over(old: Any, new: Any) -> None:
    old.current = False
    db.session.flush()  # one of a household is current at any time, also between two statements
    new.current = True


def _settle_years(register: Register, row: Any) -> None:
    """Say of each year's records which is the newest."""
    model = register.model
    query = select(model).where(model.household_id == row.household_id)
    query = query.order_by(model.created_at, model.id)
    newest = {one.year: one for one in db.session.scalars(query) if one.year}
    for one in db.session.scalars(query):
        wanted = newest.get(one.year) is one
        if one.newest_of_year != wanted:
            one.newest_of_year = wanted


# ---- looking back --------------------------------------------------------------------------------


def chain(register: Register, row: Any) -> Sequence[Any]:
    """The household's records that say something or are to, the newest first; of a register whose
    records do not follow one another the record alone. One statement.
    """
    if not register.renewal:
        return [row]
    model = register.model
    query = select(model).where(model.household_id == row.household_id)
    latest = query.order_by(model.created_at.desc(), model.id.desc())
    return [one for one in db.session.scalars(latest) if not one.blank]


def approved_entry(register: Register, row: Any) -> HistoryEntry | None:
    """What the record before this one said when it was approved: the submission of that."""
    if not register.renewal or row.predecessor_id is None:
        return None
    query = select(HistoryEntry).where(
        HistoryEntry.record_id == row.predecessor_id, HistoryEntry.snapshot.is_not(None)
    )
    return db.session.scalar(
        query.order_by(HistoryEntry.at.desc(), HistoryEntry.id.desc()).limit(1)
    )


@dataclass(frozen=True)
class Held:
    """What was approved and in force on a day: ``said`` is the record as forms hold it."""

    record: Any
    approved_at: dt.datetime
    said: Mapping[str, Any]


def on_day(register: Register, household_id: uuid.UUID, day: dt.date) -> Held | None:
    """What held of the household at the end of a day of China: its latest record that was approved
    then. None: nothing was. Two statements.
    """
    model = register.model
    rows = {
        one.id: one
        for one in db.session.scalars(select(model).where(model.household_id == household_id))
    }
    return held_of(rows, db.session.scalars(until(rows, day)))


def until(keys: Iterable[uuid.UUID], day: dt.date) -> Select[HistoryEntry]:
    """What was done to these records until the end of a day of China, oldest first."""
    end = day_begins(day + dt.timedelta(days=1))
    query = select(HistoryEntry).where(HistoryEntry.record_id.in_(keys), HistoryEntry.at < end)
    return query.order_by(HistoryEntry.at, HistoryEntry.id)


def held_of(rows: Mapping[uuid.UUID, Any], entries: Iterable[HistoryEntry]) -> Held | None:
    """Which of the records, by key, held after what was done to them, oldest first."""
    submitted: dict[uuid.UUID, Mapping[str, Any]] = {}
    held: dict[uuid.UUID, Held] = {}
    for entry in entries:
        key = entry.record_id
        if entry.snapshot is not None:
            submitted[key] = entry.snapshot
        if entry.target != State.APPROVED:
            held.pop(key, None)
        elif entry.source != State.APPROVED:
            held[key] = Held(rows[key], entry.at, submitted.get(key, {}))
    return max(held.values(), key=lambda one: one.approved_at, default=None)


@dataclass(frozen=True)
class Taken:
    """A value that a new record takes over, and from where, in words."""

    value: Any
    source: str


def taken(register: Register, row: Any) -> dict[str, Taken]:
    """What a new record that was never saved takes over: from the one before, or from what became
    otherwise since.
    """
    before = preceding(register, row)
    if before is None or not row.blank or register.renewal is None:
        return {}
    without = set(register.renewal.without.split())
    source = _("按上次记录带出")
    found = {
        name: Taken(getattr(before, name), source)
        for name, made in register.fields.items()
        if made.typed and name not in without
    }
    for name, value, where in reversed(hooks.renewed_facts(register, row, before)):
        found[name] = Taken(value, where)
    return found


def taken_over(register: Register, row: Any) -> dict[str, Any]:
    """The values of :func:`taken`."""
    return {name: one.value for name, one in taken(register, row).items()}


def papers(register: Register, row: Any) -> list[Attachment]:
    """The papers of the record before, which a new one that may be changed can take over."""
    before = preceding(register, row)
    if before is None or row.superseded:
        return []
    kinds = {name for name, made in register.fields.items() if made.accept == "paper"}
    return [file for file in records.attachments_of(before) if file.field in kinds]


def preceding(register: Register, row: Any) -> Any:
    """The record that this one follows, or None."""
    if not register.renewal or row.predecessor_id is None:
        return None
    return db.session.get(register.model, row.predecessor_id)
