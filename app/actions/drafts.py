"""Autosaved typing: of one account in one record. It touches no record, no counter, no history."""

from __future__ import annotations

import uuid
from typing import Any

from app.access import policy
from app.access.actor import Actor, Capability
from app.actions import records
from app.core.clock import now
from app.core.db import db, upsert
from app.registry.records import Draft, forget_draft
from app.registry.register import Register


def keep(register: Register, record_id: uuid.UUID, version: int, values: dict[str, Any]) -> Draft:
    """Keep what is being typed. Commits."""
    row = records.get(register, record_id)
    actor = policy.require(Capability.ENTER, register.name, row)
    records.require_editable(register, row)
    typed = {"base_version": version, "values": values, "saved_at": now()}
    whose = {"account_id": actor.account_id, "record_id": record_id}
    insert = upsert(db.session, Draft).values(**whose, **typed, register=register.name)
    # two tabs may save their first draft at once
    db.session.execute(insert.on_conflict_do_update(index_elements=list(whose), set_=typed))
    db.session.commit()
    return db.session.get_one(Draft, tuple(whose.values()), populate_existing=True)


def of(actor: Actor, record_id: uuid.UUID) -> Draft | None:
    """What this account was typing in this record, or None."""
    return db.session.get(Draft, (actor.account_id, record_id))


def drop(actor: Actor, record_id: uuid.UUID) -> None:
    """Forget it. Commits."""
    forget_draft(db.session, actor.account_id, record_id)
    db.session.commit()
