"""What one does to a look-back record in tests, a request each, and what is kept of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, select

from app.access.actor import Actor
from app.access.audit.log import AuditEntry
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.kernel.declare.flow import State
from app.kernel.records import save as records
from app.kernel.records import steps
from app.kernel.rows.record import HistoryEntry
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    CONTACT,
    COUNTY_COLLECTOR,
    COUNTY_MANAGER,
    TOWN_CLERK,
    TOWN_MANAGER,
    VILLAGE_CLERK,
)
from tests.clicks import click

ENTERS = (COUNTY_MANAGER, COUNTY_COLLECTOR, TOWN_MANAGER, TOWN_CLERK, VILLAGE_CLERK)


def act(who: Actor, action: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """One request of ``who``: its session ends with it."""
    with acting_as(who):
        try:
            return click(action, *args, **options)
        finally:
            db.session.remove()


def save(who: Actor, key: uuid.UUID, form: dict[str, Any], version: int, **options: Any) -> Any:
    return act(who, records.save, LOOKBACK, key, form, version, **options)


def step(who: Actor, key: uuid.UUID, name: str, version: int | None = None, **said: Any) -> Any:
    return act(who, steps.transition, LOOKBACK, key, name, version, CONTACT, **said)


def stored(key: uuid.UUID) -> Lookback:
    with unscoped("tests look") as everything:
        return everything.get_one(Lookback, key)


def history(key: uuid.UUID) -> list[HistoryEntry]:
    with unscoped("tests look") as everything:
        query = select(HistoryEntry).where(HistoryEntry.record_id == key)
        return list(everything.scalars(query.order_by(HistoryEntry.at, HistoryEntry.id)))


def audit_of(key: uuid.UUID) -> list[AuditEntry]:
    with unscoped("tests look") as everything:
        query = select(AuditEntry).where(AuditEntry.record_id == key)
        return list(everything.scalars(query.order_by(AuditEntry.at, AuditEntry.id)))


def set_state(key: uuid.UUID, state: State, submitter: uuid.UUID | None) -> Lookback:
    """Put the record into a state as if it had no history."""
    with unscoped("tests arrange") as everything:
        row = everything.get_one(Lookback, key)
        row.state, row.submitted_by = state, submitter
        everything.execute(delete(HistoryEntry).where(HistoryEntry.record_id == key))
        everything.commit()
        return row
