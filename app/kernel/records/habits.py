"""What an account used last, offered to it again: values of fields, reasons for a return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from app.access.account import Account
from app.access.actor import Actor
from app.core.db import db, upsert
from app.kernel.declare.register import Register
from app.kernel.rows.record import Habit


def fields(actor: Actor, register: Register) -> dict[str, Any]:
    """Field name -> the text that this account gave last; only what the register remembers."""
    habit = _of(actor, register)
    known = register.form.remember.split()
    return {n: text for n, text in habit.fields.items() if n in known} if habit else {}


def remember_fields(actor: Actor, register: Register, typed: Mapping[str, Any]) -> None:
    """Keep what was typed into the fields that the register remembers."""
    known = fields(actor, register)
    new = known | {n: typed[n] for n in register.form.remember.split() if typed.get(n)}
    if new != known:
        _keep(actor, register, fields=new)


def reasons(actor: Actor, register: Register) -> Counter[str]:
    """How often each reason was given for a return: those of the account itself weigh more than
    those of all accounts of its division.
    """
    query = (
        select(Habit.account_id, Habit.reasons)
        .join(Account, Account.uuid == Habit.account_id)
        .where(Habit.register == register.name, Account.path == actor.path)
    )
    counted: Counter[str] = Counter()
    for account_id, given in db.session.execute(query):
        weight = 1000 if account_id == actor.account_id else 1
        counted.update({reason: n * weight for reason, n in given.items()})
    return counted


def remember_reasons(actor: Actor, register: Register, given: Iterable[str]) -> None:
    """Count the reasons of a return."""
    habit = _of(actor, register)
    counted = Counter(habit.reasons if habit else {})
    counted.update(given)
    _keep(actor, register, reasons=dict(counted))


def _of(actor: Actor, register: Register) -> Habit | None:
    return db.session.get(Habit, (actor.account_id, register.name))


def _keep(actor: Actor, register: Register, **values: dict[str, Any]) -> None:
    whose = {"account_id": actor.account_id, "register": register.name}
    insert = upsert(db.session, Habit).values(**whose, **({"fields": {}, "reasons": {}} | values))
    # two windows may keep their first habit at once
    db.session.execute(insert.on_conflict_do_update(index_elements=list(whose), set_=values))
