"""A record that another account entered is asked for, and given or kept (spec 05: an ID number stands
once in the nation, a second entry offers to ask for a transfer).

Whoever may change the record answers: the account that entered it, or whoever took its records over.
With the answer it goes to the place and the account that asked, with its files and history, in one
transaction. That writes in two areas at once, hence in a session that sees all.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access import policy
from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import regions
from app.access.scope import current_actor, in_scope, joined
from app.core.clock import now
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _, mark
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.rules import Problem
from app.kernel.records import history, owners, places
from app.kernel.records import save as records
from app.kernel.records.history import Contact, contact_problems
from app.kernel.rows.handover import Handover, HandoverState, visible

#: What the histories of records call it.
ASKED, GIVEN, KEPT = mark("申请转入"), mark("转出"), mark("未同意转出")
_LONGEST = 500


def get(handover_id: uuid.UUID) -> Handover:
    """The request, if the actor may see it; else NotFound, noted in the audit log."""
    actor = current_actor()
    found = None
    if actor is not None:
        query = select(Handover).where(Handover.id == handover_id, visible(actor))
        found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        audit.refused(detail={"record": str(handover_id)})
        raise NotFound(_("没有找到该转入申请。它可能不存在，或不在您的管辖范围内。"), noted=True)
    return found


def register_of(handover: Handover) -> Register:
    """The register of the record that is asked for."""
    register = get_register(handover.register)
    if register is None:
        raise NotFound(_("没有这个模块。"))
    return register


def may_answer(handover: Handover, actor: Actor) -> bool:
    """May the actor give the record, or keep it?"""
    if handover.state != HandoverState.WAITING or not in_scope(handover.from_path):
        return False
    register = register_of(handover)
    row = db.session.get(register.model, handover.record_id)
    return row is not None and records.may_enter(register, row, actor)


def wanted(register: Register, record_id: uuid.UUID) -> Any:
    """Name, masked number and place of a record that may lie outside the own area; what a second
    entry of its number was told already.

    :raises NotFound: there is none. :raises Conflict: it is the actor's own, or somebody asks for it
        already.
    """
    actor = policy.require(Capability.ENTER, register.name)
    with joined("a second entry may ask for the record elsewhere") as session:
        row = session.get(register.model, record_id) if register.owned else None
    if row is None:
        raise NotFound(_("没有找到该记录。它可能不存在，或不在您的管辖范围内。"))
    if in_scope(row.path) and owners.keeps(register, row, actor):
        raise Conflict(_("该记录本来就由您管理，可以直接修改。"), row=row)
    if waiting_for(register, row) is not None:
        raise Conflict(_asked_already(), row=row)
    return row


def _asked_already() -> str:
    return _("已有一个转入申请在等待答复，请等答复后再申请。")


def ask(
    register: Register,
    record_id: uuid.UUID,
    region_id: int | None,
    contact: Contact,
    reason: str,
) -> Handover:
    """Ask for a record, to stand in the division ``region_id``.

    :raises Invalid: with every problem. :raises Conflict: somebody asks for it already.
    """
    row, actor = wanted(register, record_id), policy.require(Capability.ENTER, register.name)
    problems = [*places.problems(register, actor, region_id), *contact_problems(contact)]
    problems += _reason_problems(reason)
    if problems or region_id is None:
        raise Invalid(_("有 %(n)s 处需要补充。", n=len(problems)), problems)
    number = register.model.__fields__[register.number_field]
    with joined("a request is told to the place that has the record", writes=True) as session:
        to = session.get_one(regions.Region, region_id)
        made = Handover(
            register=register.name, record_id=row.id, name=register.named(row),
            number=number.mask(getattr(row, number.name)), from_region_id=row.region_id,
            from_path=row.path, to_region_id=to.id, to_path=to.path, asked_by=actor.account_id,
            asked_name=actor.name, asked_person=contact.person, asked_phone=contact.phone,
            reason=reason,
        )  # fmt: skip
        try:
            with session.begin_nested():
                session.add(made)
        except IntegrityError as error:
            raise Conflict(_asked_already(), row=row) from error
        _note(session, register, row.id, actor, "handover_ask", ASKED, contact, reason)
        told = {row.county_id, notices.home_of(session, row.entered_by)}
        notices.tell_each(
            session, told, NoticeKind.HANDOVER_ASKED, f"/handovers/{made.id}",
            name=made.name, who=actor.name, to=to.full_name,
        )  # fmt: skip
        detail = {"record": str(row.id), "to": to.full_name, "reason": reason}
        audit.record(session, Act.UPDATE, register=register.name, row=row, detail=detail)
    return made


def answer(handover_id: uuid.UUID, *, agreed: bool, contact: Contact, opinion: str) -> Handover:
    """Give the record to whoever asked, or keep it (then with a reason).

    :raises Forbidden: the record is another account's. :raises Conflict: it was answered already.
    """
    handover = get(handover_id)
    register = register_of(handover)
    actor = policy.require(Capability.ENTER, register.name)
    _require_waiting(handover)
    if not may_answer(handover, actor):
        raise Forbidden(_("只有该记录的录入人，或接管其记录的管理用户可以答复。"))
    problems = contact_problems(contact)
    problems += [] if agreed else _reason_problems(opinion)
    if problems:
        raise Invalid(_("有 %(n)s 处需要补充。", n=len(problems)), problems)
    with joined("a record goes from one area to another", writes=True) as session:
        made = session.get_one(Handover, handover_id, with_for_update=True, populate_existing=True)
        _require_waiting(made)
        row = session.get(register.model, made.record_id, with_for_update=True)
        if row is None:
            raise NotFound(_("该记录已被删除。"))
        made.state = HandoverState.AGREED if agreed else HandoverState.REFUSED
        made.answered_at, made.answered_name = now(), actor.name
        made.answered_person, made.answered_phone = contact.person, contact.phone
        made.answer = opinion or None
        label = GIVEN if agreed else KEPT
        _note(session, register, row.id, actor, "handover", label, contact, opinion)
        session.flush()
        if agreed:
            places.settle(row, made.to_region_id)
            row.entered_by, row.entered_name = made.asked_by, made.asked_name
            row.changed_at = now()
        to = session.get_one(regions.Region, made.to_region_id)
        kind = NoticeKind.HANDOVER_GIVEN if agreed else NoticeKind.HANDOVER_KEPT
        told = {to.county_id, notices.home_of(session, made.asked_by)}
        url = f"/handovers/{made.id}"
        notices.tell_each(session, told, kind, url, name=made.name, who=actor.name)
        detail = {"record": str(row.id), "to": to.full_name, "opinion": opinion}
        audit.record(session, Act.UPDATE, register=register.name, row=row, detail=detail)
        session.flush()
        session.refresh(made)
    return made


def withdraw(handover_id: uuid.UUID) -> Handover:
    """Take a request back, by the account that asked."""
    handover = get(handover_id)
    actor = policy.require(Capability.ENTER, handover.register)
    if handover.asked_by != actor.account_id:
        raise Forbidden(_("只有申请的账号可以撤回。"))
    _require_waiting(handover)
    handover.state, handover.answered_at = HandoverState.WITHDRAWN, now()
    detail = {"record": str(handover.record_id)}
    audit.record(
        db.session, Act.UPDATE, register=handover.register, path=handover.to_path, detail=detail
    )
    return handover


def waiting_for(register: Register, row: Any) -> Handover | None:
    """The request for a record that nobody has answered."""
    query = select(Handover).where(
        Handover.record_id == row.id, Handover.state == HandoverState.WAITING
    )
    return db.session.scalar(query) if register.owned else None


def latest(actor: Actor, limit: int) -> Sequence[Handover]:
    """The requests from and to the actor's area, what waits first."""
    waits = (Handover.state == HandoverState.WAITING).desc()
    query = select(Handover).where(visible(actor)).order_by(waits, Handover.asked_at.desc())
    return db.session.scalars(query.limit(limit)).all()


def _require_waiting(handover: Handover) -> None:
    if handover.state != HandoverState.WAITING:
        state = handover.state.label
        raise Conflict(_("该申请现在是“%(state)s”，不能再答复。", state=state), row=handover)


def _reason_problems(reason: str) -> Iterator[Problem]:
    if not reason:
        yield Problem("opinion", "opinion.required", _("请填写理由。"))
    elif len(reason) > _LONGEST:
        text = _("最多 %(n)s 个字，现有 %(m)s 个。", n=_LONGEST, m=len(reason))
        yield Problem("opinion", "opinion.long", text)


def _note(
    session: Session, register: Register, key: uuid.UUID, actor: Actor, step: str, label: str,
    contact: Contact, opinion: str,
) -> None:  # fmt: skip
    row = session.get_one(register.model, key)
    history.note(register, row, actor, step, label, contact=contact, opinion=opinion)
