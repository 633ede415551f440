"""Leaving the list of low-income households, coming back, and who stands for a household (spec 03
"Leave"; 2024 manual 1.2.2 二).

Who leaves as 非户主 becomes a member of the head chosen. A head with low-income members leaves only
after these were restored, or another head or member stands in his place.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.access import policy
from app.access.accounts import unusual
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Region
from app.core.clock import now, today, uuid7
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.i18n import _, mark
from app.kernel import hooks
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.hooks import Leaving
from app.kernel.households import lists as households
from app.kernel.households import moves, people
from app.kernel.households.people import Taken
from app.kernel.records import history
from app.kernel.records import save as records
from app.kernel.rows.household import Household, get_household
from app.kernel.rows.member import Member
from app.modules.low_income.fields import Listed, Reason, the_list
from app.modules.low_income.finding import find
from app.modules.low_income.joining import row_of, stand_alone

#: What the histories of rows call it.
LEFT, BACK, HEAD, SHOWN, RESTORED = (
    mark("退出"),
    mark("恢复"),
    mark("换户主"),
    mark("由成员代户主显示"),
    mark("恢复家庭成员"),
)


@dataclass(frozen=True)
class Leave:
    """What the form says. ``head``: the row of the household whose member the person is (非户主),
    and in which ``relation``; ``shown``: the member who stands in the place of a head who is not
    low-income, so that the household stays.
    """

    reason: Reason | None
    note: str = ""
    head: uuid.UUID | None = None
    relation: str | None = None
    shown: uuid.UUID | None = None


@dataclass(frozen=True)
class _Case:
    """A row of the list with its household, locked, for an account that may enter there."""

    register: Register
    row: Any
    household: Household
    actor: Actor

    def said(self, label: str, text: str = "", **detail: Any) -> None:
        """History and audit."""
        self.row.changed_at = now()
        history.note(self.register, self.row, self.actor, "list", label, opinion=text)
        audit.record(
            db.session,
            Act.TRANSITION,
            register=self.register.name,
            row=self.row,
            detail={"step": label, "opinion": text} | detail,
        )


def _open(row_id: uuid.UUID, *, listed: bool) -> _Case:
    register = the_list()
    row = records.get(register, row_id, lock=True)
    actor = policy.require(Capability.ENTER, register.name, row)
    household = get_household(row.household_id, lock=True)
    if row.low_income != listed:
        text = _("该户已退出，请在“退出对象台账”中查看。") if listed else _("该户已在名单中。")
        raise Conflict(text, row=row)
    return _Case(register, row, household, actor)


def leave(row_id: uuid.UUID, asked: Leave) -> Any:
    """The household leaves the list (or only its head does, with ``shown``).

    :raises Invalid: with every problem. :raises Conflict: members or open matters keep it.
    """
    case = _open(row_id, listed=True)
    low = [m for m in households.members(db.session(), case.household) if m.low_income]
    if asked.shown is not None:
        return _show(case, low, asked)
    head = _head_of(case, asked)
    if low:
        raise Conflict(_why_members(case.row, low), row=case.row)
    if moves.waiting_of(case.household.id):
        raise Conflict(_("该户的迁户申请正在审批，办结后才能退出。"), row=case.row)
    if stays := hooks.why_stay(db.session(), case.household, Leaving.LIST):
        raise Conflict("".join(stays), row=case.row)
    unusual.count(unusual.What.DELETIONS)
    households.delist(db.session(), case.household, "low_income")
    case.row.leave(today(), asked.reason, asked.note.strip(), head and head.household_id)
    if head is not None:
        _join(case, head, asked.relation)
    what = asked.reason.label if asked.reason else ""
    case.said(LEFT, _("：").join(t for t in (what, asked.note.strip()) if t))
    return case.row


def _head_of(case: _Case, asked: Leave) -> Any:
    """The row of the head chosen for 非户主, else None; :raises Invalid: with every problem."""
    problems, head = [], None
    if asked.reason is None:
        problems.append(Problem("reason", "reason.required", _("请选择退出原因。")))
    if asked.reason == Reason.OTHER and not asked.note.strip():
        problems.append(Problem("note", "note.required", _("请说明退出原因。")))
    problems += history.too_long(("note", the_list().model.left_note, asked.note))
    if asked.reason == Reason.NOT_HEAD:
        head = db.session.get(the_list().model, asked.head) if asked.head else None
        if head is None or not head.low_income:
            text = _("请选择户主：在名单中按姓名查找此人所属的户主。")
            problems.append(Problem("head", "head.required", text))
        elif head.id == case.row.id:
            text = _("不能选择本人，请选择此人所属的户主。")
            problems.append(Problem("head", "head.self", text))
    if problems:
        raise Invalid(_("有 %(n)s 处需要修改，修改后再退出。", n=len(problems)), problems)
    return head


def _why_members(row: Listed, low: Sequence[Member]) -> str:
    names = _("、").join(member.name for member in low)
    if row.head_low_income:
        return _(
            "户主下面还有低收入家庭成员%(names)s。成员也要退出的，请先逐一恢复，再分别退出；"
            "只更换户主的，请点成员后面的“换户主”。",
            names=names,
        )
    return _(
        "户主不是低收入群体，但家庭成员%(names)s是：请选择由哪位成员代户主显示，或先恢复成员。",
        names=names,
    )


def _show(case: _Case, low: Sequence[Member], asked: Leave) -> Any:
    """The head is not low-income; a member who is stands on the list in his place."""
    chosen = next((m for m in low if m.id == asked.shown), None)
    if chosen is None:
        text = _("请选择一位低收入家庭成员。")
        raise Invalid(text, [Problem("shown", "shown.unknown", text)])
    for member in low:
        member.shown = member is chosen
    case.row.head_low_income = False
    households.refresh(db.session(), case.household)
    case.row.sex, case.row.phone = chosen.sex, chosen.phone
    case.said(SHOWN, chosen.name)
    return case.row


def _join(case: _Case, head: Any, relation: str | None) -> None:
    """Who leaves as 非户主 is a member of that head's household."""
    theirs = get_household(head.household_id, lock=True)
    gone = case.household
    db.session.add(
        Member(
            id=uuid7(),
            household_id=theirs.id,
            region_id=theirs.region_id,
            name=case.row.head_name,
            id_number=people.present_number(gone),
            sex=case.row.sex,
            phone=case.row.phone,
            relation=relation,
            low_income=True,
            household_was=gone.id,
        )
    )
    db.session.flush()
    households.refresh(db.session(), theirs)


def restore(row_id: uuid.UUID) -> Any:
    """Who left stands on the list again, in the place that they left.

    :raises Conflict: their number stands elsewhere now.
    """
    case = _open(row_id, listed=False)
    if case.row.left_on is None:
        raise Conflict(_("该户没有退出过，不需要恢复。"), row=case.row)
    number = people.present_number(case.household)
    found = find(number) if number else None
    session = db.session()
    if found is not None and found.member:
        member = session.get(Member, found.member)
        if member is None or member.household_was != case.household.id:
            raise Conflict(_elsewhere(found.head_name), row=case.row)
        theirs = get_household(member.household_id, lock=True)
        session.delete(member)
        session.flush()
        households.refresh(session, theirs)
    elif found is not None and found.household_id != case.household.id and found.listed:
        raise Conflict(_elsewhere(found.head_name), row=case.row)
    try:
        households.enlist(session, case.household, "low_income")
    except Taken as error:
        raise Conflict(error.message, row=case.row) from None
    case.row.come_back()
    case.said(BACK)
    return case.row


def _elsewhere(name: str) -> str:
    return _("该身份证号现在户主“%(name)s”的名下，不能恢复；请先在那里办理。", name=name)


def member_of(row: Any, member_id: uuid.UUID) -> Member:
    """A member of the row's household. :raises Conflict: not any more."""
    member = db.session.get(Member, member_id)
    if member is None or member.household_id != row.household_id:
        raise Conflict(_("没有找到该家庭成员，可能已经恢复或调整。"), row=row)
    return member


def restore_member(row_id: uuid.UUID, member_id: uuid.UUID) -> Any:
    """恢复: a member stands on the list for themselves, in the village of the household; gives
    their row.
    """
    case = _open(row_id, listed=True)
    member = member_of(case.row, member_id)
    session, name = db.session(), member.name
    place = session.get_one(Region, case.household.region_id)
    try:
        made = stand_alone(session, case.register, case.household, member, place)
    except (IntegrityError, Taken) as error:
        text = _("“%(name)s”的身份证号已在别处的名单中，不能恢复，请核对。", name=name)
        raise Conflict(text, row=case.row) from error
    row = row_of(session, case.register, made)
    history.note(case.register, row, case.actor, "list", BACK)
    case.said(RESTORED, name)
    return row


def change_head(row_id: uuid.UUID, member_id: uuid.UUID) -> Any:
    """换户主: the member is the head, the head a member; surveys stay with the household."""
    case = _open(row_id, listed=True)
    member = member_of(case.row, member_id)
    session, household, row = db.session(), case.household, case.row
    old = Member(
        id=uuid7(),
        household_id=household.id,
        region_id=household.region_id,
        name=household.head_name,
        id_number=people.present_number(household),
        sex=household.sex,
        phone=household.phone,
        low_income=row.head_low_income,
    )
    for other in households.members(session, household):
        other.shown = False
    row.head_low_income = member.low_income
    name, number, sex, phone = member.name, member.id_number, member.sex, member.phone
    session.delete(member)
    session.add(old)
    session.flush()
    household.sex, household.phone = sex, phone
    households.new_head(session, household, name, number, phone)
    row.sex, row.phone = sex, phone
    text = _("由%(old)s更换为%(new)s", old=old.name, new=name)
    case.said(HEAD, text)
    return row


def mark_member(row_id: uuid.UUID, member_id: uuid.UUID, *, low_income: bool) -> Any:
    """Say whether a member is low-income.

    :raises Conflict: the member stands in the head's place.
    """
    case = _open(row_id, listed=True)
    member = member_of(case.row, member_id)
    if member.shown and not low_income:
        raise Conflict(_("该成员正代户主显示，请先换户主或恢复成员。"), row=case.row)
    member.low_income = low_income
    what = _("低收入群体") if low_income else _("非低收入群体")
    case.said(mark("维护家庭成员"), f"{member.name}{_('：')}{what}")
    return case.row


def delete(row_id: uuid.UUID, version: int) -> Household:
    """删除 of 新增对象台账: a household added here of which no survey says anything; else it leaves.

    :raises Conflict: it was not added here, or something is known of it.
    """
    case = _open(row_id, listed=True)
    records.require_version(case.register, case.row, version)
    session, household = db.session(), case.household
    if case.row.added_on is None:
        raise Conflict(_("只能删除“新增对象台账”中的对象；其他对象请办理退出。"), row=case.row)
    others = households.records_of(session, household)
    if any(row.state != State.MISSING for of, row in others if of.flow is not None):
        raise Conflict(_("该户已有监测记录或其他模块的记录，不能删除，请办理退出。"), row=case.row)
    if households.members(session, household) or moves.waiting_of(household.id):
        text = _("该户有家庭成员或正在审批的迁户申请，不能删除，请先恢复成员、办结申请。")
        raise Conflict(text, row=case.row)
    if stays := hooks.why_stay(session, household, Leaving.LIST):
        raise Conflict("".join(stays), row=case.row)
    unusual.count(unusual.What.DELETIONS)
    detail = {"changes": {"head_name": [case.row.head_name, None]}}
    audit.record(session, Act.DELETE, register=case.register.name, row=case.row, detail=detail)
    if household.poverty_exit:  # it stays on the other list
        households.delist(session, household, "low_income")
        case.row.added_on = None
    else:
        households.remove(session, household)
    return household
