"""What was done to a record, by whom: the lines of its history, and the person behind each."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from app.access.actor import Actor
from app.core.db import db
from app.core.i18n import _
from app.kernel.declare import stages
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.kinds import formats
from app.kernel.rows.record import HistoryEntry


@dataclass(frozen=True)
class Contact:
    """The person behind the account at a step (spec 00): many accounts belong to an office."""

    person: str
    phone: str


def usual_contact(actor: Actor) -> Contact:
    """Who stood behind the account the last time."""
    return Contact(actor.contact_name or actor.name, actor.contact_phone)


def contact_problems(contact: Contact) -> list[Problem]:
    """What is wrong with the person's name and phone."""
    problems = []
    if not contact.person.strip():
        problems.append(Problem("contact_name", "person.required", _("请填写办理人姓名。")))
    if contact.phone and not formats.phone_valid(contact.phone):
        message = _("电话号码不正确，请填写 11 位手机号，或区号-号码。")
        problems.append(Problem("contact_phone", "phone.invalid", message))
    return problems + too_long(
        ("contact_name", HistoryEntry.person, contact.person),
        ("contact_phone", HistoryEntry.phone, contact.phone),
    )


def too_long(*said: tuple[str, Any, str]) -> list[Problem]:
    """What does not fit its column: (field, column, text)."""
    problems = []
    for name, column, text in said:
        if len(text) > (longest := column.type.length):
            message = _("最多 %(n)s 个字，现有 %(m)s 个。", n=longest, m=len(text))
            problems.append(Problem(name, f"{column.key}.long", message))
    return problems


def note(
    register: Register,
    row: Any,
    actor: Actor,
    step: str,
    label: str,
    *,
    source: State | None = None,
    contact: Contact | None = None,
    opinion: str = "",
    reasons: tuple[str, ...] = (),
) -> HistoryEntry:
    """Add a line to the row's history in the row's session; the caller commits. ``source`` is the state before, unless it
    stays as it is; without a ``contact`` it is the account's usual one.
    """
    who = contact or usual_contact(actor)
    entry = HistoryEntry(
        register=register.name,
        record_id=row.id,
        region_id=row.region_id,
        step=step,
        label=label,
        source=source or row.state,
        target=row.state,
        account_id=actor.account_id,
        account_name=actor.name,
        person=who.person.strip(),
        phone=who.phone.strip(),
        opinion=opinion.strip() or None,
        reasons=reasons or None,
        stage=stages.code(stages.concerned(register, row)),
    )
    session = object_session(row)
    if session is None:
        raise LookupError("the row belongs to no session")
    session.add(entry)
    return entry


def of(row: Any) -> list[HistoryEntry]:
    """The record's steps, oldest first."""
    query = select(HistoryEntry).where(HistoryEntry.record_id == row.id)
    return list(db.session.scalars(query.order_by(HistoryEntry.at, HistoryEntry.id)))


def of_all(session: Session, keys: Collection[uuid.UUID]) -> dict[uuid.UUID, list[HistoryEntry]]:
    """The steps of the records with these keys, each record's oldest first; one statement."""
    query = select(HistoryEntry).where(HistoryEntry.record_id.in_(keys))
    found: dict[uuid.UUID, list[HistoryEntry]] = {key: [] for key in keys}
    for entry in session.scalars(query.order_by(HistoryEntry.at, HistoryEntry.id)):
        found[entry.record_id].append(entry)
    return found


def last(row: Any) -> HistoryEntry | None:
    """The record's last step."""
    query = (
        select(HistoryEntry)
        .where(HistoryEntry.record_id == row.id)
        .order_by(HistoryEntry.at.desc(), HistoryEntry.id.desc())
        .limit(1)
    )
    return db.session.scalar(query)


def last_step_is(row: Any, actor: Actor, name: str) -> bool:
    """Was the last thing done to the record this step, by this actor? A click may be sent twice."""
    entry = last(row)
    return entry is not None and (entry.step, entry.account_id) == (name, actor.account_id)


def approved_before(row: Any) -> dict[str, Any]:
    """What the record said (``steps.snapshot``) when it was approved the time before this one; {}
    at the first approval.
    """
    said: list[dict[str, Any]] = []
    submitted: dict[str, Any] = {}
    for entry in of(row):
        submitted = entry.snapshot or submitted
        if entry.target == State.APPROVED:
            said.append(submitted)
    return said[-2] if len(said) > 1 else {}
