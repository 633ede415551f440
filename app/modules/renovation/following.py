"""What the opening of applications and the plan year have in common: which register it is, and how
its records' histories tell what happened to them by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor, Kind
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import NATION_PATH, Level
from app.access.scope import current_actor
from app.core.i18n import mark
from app.kernel.declare import stages
from app.kernel.declare.register import Register, all_registers
from app.kernel.records import continuing, history
from app.kernel.records.history import Contact
from app.modules.renovation.fields import Applied

#: What the histories call it.
OPENED, CONFIRMED, REVIVED, CLOSED, DOUBTED, ROLLED_OVER = (
    mark("自动生成申请"),
    mark("依据重新确认"),
    mark("恢复申请"),
    mark("申请关闭"),
    mark("标为待核实"),
    mark("列入本年度计划"),
)

#: Who does what nobody does: jobs.
SYSTEM = Actor(uuid.UUID(int=0), "system", mark("系统"), Level.NATION, Kind.MANAGER, 0, NATION_PATH)


def register() -> Register | None:
    """The register of the applications."""
    return next((r for r in all_registers() if issubclass(r.model, Applied)), None)


def is_ended(session: Session, application: Any) -> bool:
    """Is the work of an approved application done? Then a later survey that asks for work opens
    another one.
    """
    start = register()
    after = continuing.continuation_of(start) if start else None
    dossier = dossier_of(session, application)
    return after is not None and dossier is not None and stages.at_hand(after, dossier) is None


def dossier_of(session: Session, application: Any) -> Any:
    """What was made of an approved application, or None."""
    start = register()
    after = continuing.continuation_of(start) if start else None
    if after is None:
        return None
    return session.scalar(select(after.model).where(after.model.source_id == application.id))


def paid_for(session: Session, household_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the households for whose renovation money was paid."""
    start = register()
    after = continuing.continuation_of(start) if start else None
    if after is None:
        return set()
    model = after.model
    paid = select(model.household_id).where(model.household_id.in_(household_ids), model.paid > 0)
    return set(session.scalars(paid))


def note(session: Session, made: Register, row: Any, step: str, label: str, why: str = "") -> None:
    """Write into history and audit log what became of an application by itself; by whoever's act,
    else by the system. No person is named: whoever acted did something else. The caller commits.
    """
    actor = current_actor() or SYSTEM
    contact = Contact(actor.name, "")
    history.note(made, row, actor, step, label, contact=contact, opinion=why)
    detail = {"step": step, "opinion": why} if why else {"step": step}
    act = Act.CREATE if step == "opened" else Act.UPDATE
    audit.record(session, act, register=made.name, row=row, detail=detail)
