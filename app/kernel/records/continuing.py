"""Registers whose records are opened by the approval of another register's (``Register.continues``).

The record is opened once. What both models declare is copied at each approval of the source; while the
source is sent back the record waits, and once it was submitted the source cannot be sent back any more.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import object_session

from app.access.audit import log as audit
from app.access.audit.log import Act
from app.core.db import db
from app.core.errors import Conflict
from app.core.i18n import _, translate
from app.kernel import hooks
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.register import Register, all_registers, get_register
from app.kernel.records import copies
from app.kernel.rows.household import Household
from app.kernel.rows.record import Reviewed


def continuation_of(register: Register) -> Register | None:
    """The register that goes on where records of this one end."""
    return next((r for r in all_registers() if r.continues == register.name), None)


def following(register: Register, row: Any) -> Any:
    """The record that goes on where ``row`` ended, or None."""
    after = continuation_of(register)
    if after is None:
        return None
    return db.session.scalar(select(after.model).where(after.model.source_id == row.id))


def source_of(register: Register, row: Any) -> tuple[Register, Any] | None:
    """The register and record that ``row`` goes on from."""
    source = get_register(register.continues) if register.continues else None
    found = source and db.session.get(source.model, row.source_id)
    return (source, found) if source and found else None


def copied(after: Register, row: Any) -> dict[str, Any]:
    """What the next record repeats of ``row``: the kept fields that both models declare."""
    own = Reviewed.__fields__.keys()
    return {
        name: getattr(row, name)
        for name, made in after.model.__fields__.items()
        if made.system and made.stored and name in row.__fields__ and name not in own
    }


@hooks.stepping.listen(order=10)
def refuse(register: Register, row: Any, step: Transition) -> None:
    """What was built on is not sent back any more."""
    if row.state != State.APPROVED:
        return
    found = following(register, row)
    if found is not None and _was_submitted(found):
        after = continuation_of(register)
        text = _(
            "该户的%(what)s已上报，不能再退回；请先由县级退回%(what)s。",
            what=translate(after.record_word) if after else "",
        )
        raise Conflict(text, row=row)


def _was_submitted(row: Any) -> bool:
    return row.submitted_at is not None


@hooks.stepped.listen(order=10)
def follow(register: Register, row: Any, step: Transition) -> None:
    """An approval opens the next record, or goes on with it; sending back suspends it."""
    after = continuation_of(register)
    if after is None or State.APPROVED not in (row.state, *step.sources):
        return
    found = following(register, row)
    if row.state == State.APPROVED:
        open_for(after, row, found)
    elif found is not None and not found.suspended:
        found.suspended = True


def open_for(after: Register, row: Any, found: Any = None) -> Any:
    """Open the record that goes on where ``row`` ended, or bring ``found`` up to date. The caller
    commits.
    """
    session = object_session(row) or db.session()
    said = copied(after, row)
    if found is None:
        household = session.get_one(Household, row.household_id)
        found = after.model(
            household_id=row.household_id,
            source_id=row.id,
            region_id=row.region_id,
            state=State.MISSING,
            **copies.of(household, after.model) | said,
        )
        session.add(found)
        session.flush()
        audit.record(session, Act.CREATE, register=after.name, row=found, detail={"opened": True})
        return found
    found.suspended = False
    for name, value in said.items():
        setattr(found, name, value)
    return found
