"""Autosaved typing: of one account in one record. It touches no record, no counter, no history.

A draft has what hands typed, and nothing else of the form: laid over the record as it is by then it
never brings back what somebody else has changed since.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import select

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.clock import now
from app.core.db import db, upsert
from app.kernel.declare.register import Register
from app.kernel.records import save as records
from app.kernel.rows.record import Draft

#: The version of a record that there is not yet.
_UNSAVED = 0


def keep(
    register: Register, record_id: uuid.UUID, version: int, values: dict[str, Any]
) -> dt.datetime:
    """Keep what is being typed, also beside a record that somebody submitted meanwhile; gives when."""
    row = records.get(register, record_id)
    actor = records.require_entry(register, row)
    return _keep(register, actor, record_id, version, values)


def keep_new(register: Register, key: uuid.UUID, values: dict[str, Any]) -> dt.datetime:
    """Keep what is being typed of a record that is not saved yet, under the key that it will have."""
    actor = policy.require(Capability.ENTER, register.name)
    return _keep(register, actor, key, _UNSAVED, values)


def _keep(
    register: Register, actor: Actor, record_id: uuid.UUID, version: int, values: dict[str, Any]
) -> dt.datetime:
    moment = now()
    if not values:  # taken back again
        records.forget_draft(actor, record_id)
        return moment
    typed = {"base_version": version, "values": values, "saved_at": moment}
    whose = {"account_id": actor.account_id, "record_id": record_id}
    insert = upsert(db.session, Draft).values(**whose, **typed, register=register.name)
    # two tabs may save their first draft at once
    db.session.execute(insert.on_conflict_do_update(index_elements=list(whose), set_=typed))
    return moment


def of(actor: Actor, record_id: uuid.UUID) -> Draft | None:
    """What this account was typing in this record, or None."""
    return db.session.get(Draft, (actor.account_id, record_id))


def unsaved(actor: Actor, register: Register) -> Draft | None:
    """What this account was typing last of a record that was never saved, or None."""
    mine = (Draft.account_id == actor.account_id, Draft.register == register.name)
    query = select(Draft).where(*mine, Draft.base_version == _UNSAVED)
    return db.session.scalar(query.order_by(Draft.saved_at.desc()).limit(1))
