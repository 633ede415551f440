"""Moves of households (spec 02 "Moves"; one rule for every register).

A saved form that says 是否迁户 asks for a move. Until it is decided the household stays and counts
where it is, and the form waits. Within a county its county decides; between counties both agree, or
the lowest division that both lie in decides. Then the household goes, with its records, their files
and history and the counters, in one transaction, and the new place completes its survey. A refusal
gives the form back with the reason; so does the one who asked by taking the request back.

What decides writes in two areas at once, hence in a session that sees all: who may do so is asked
of :func:`app.kernel.rows.transfer.side_of` first.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.divisions.regions import Level, Region
from app.access.scope import current_actor, joined
from app.core.clock import now
from app.core.db import db, read_only
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _, mark, translate
from app.kernel import hooks
from app.kernel.declare.flow import EDITABLE, State
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.rules import Problem, required_text
from app.kernel.hook import Having
from app.kernel.hooks import Leaving
from app.kernel.households import lists as households
from app.kernel.households import moves_told
from app.kernel.kinds.values import is_missing
from app.kernel.records import history, steps
from app.kernel.records import save as records
from app.kernel.records.history import Contact
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household, get_household
from app.kernel.rows.record import Draft, Standing
from app.kernel.rows.transfer import (
    Side,
    Transfer,
    TransferState,
    TransferWord,
    Word,
    side_of,
    visible,
)

#: What the histories of records call it.
ASKED, CAME, REFUSED, WITHDRAWN = (
    mark("申请迁户"),
    mark("迁户"),
    mark("迁户未同意"),
    mark("撤回迁户申请"),
)


def get(transfer_id: uuid.UUID) -> Transfer:
    """The request, if the actor may see it; else NotFound, noted in the audit log."""
    actor = current_actor()
    found = None
    if actor is not None:
        query = select(Transfer).where(Transfer.id == transfer_id, visible(actor))
        found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        audit.refused(detail={"transfer": str(transfer_id)})
        raise NotFound(_("没有找到该迁户申请。它可能不存在，或不在您的管辖范围内。"), noted=True)
    return found


def words_of(transfer: Transfer) -> Sequence[TransferWord]:
    """What was said to it, oldest first."""
    query = select(TransferWord).where(TransferWord.transfer_id == transfer.id)
    return db.session.scalars(query.order_by(TransferWord.at, TransferWord.id)).all()


def household_of(transfer: Transfer) -> Household | None:
    """Whom it is about, for whoever may see the request; shown masked. None: it is gone."""
    with joined("the receiving side sees whom a request is about") as session:
        return session.get(Household, transfer.household_id)


def heads_of(household_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[str, str | None]]:
    """Head's name and number of the households of requests that the actor may see; one statement."""
    if not household_ids:
        return {}
    with joined("the receiving side sees whom a request is about") as session:
        query = select(Household.id, Household.head_name, Household.head_id)
        return {
            key: (name, number)
            for key, name, number in session.execute(query.where(Household.id.in_(household_ids)))
        }


def of_household(household_id: uuid.UUID) -> Sequence[Transfer]:
    """The requests about a household that the actor may see, newest first."""
    actor = current_actor()
    if actor is None:
        return []
    query = select(Transfer).where(Transfer.household_id == household_id, visible(actor))
    return db.session.scalars(query.order_by(Transfer.asked_at.desc())).all()


def waiting_of(household_id: uuid.UUID) -> Transfer | None:
    """The request about a household of the own area that nobody has decided."""
    return waiting_in(db.session(), household_id)


def waiting_in(session: Session, household_id: uuid.UUID) -> Transfer | None:
    """The same in a session of one's own."""
    query = select(Transfer).where(
        Transfer.household_id == household_id, Transfer.state == TransferState.WAITING
    )
    return session.scalar(query)


# ---- asking ------------------------------------------------------------------------------------


@hooks.record_checks.listen(of=Having("moves"), order=10)
def check(register: Register, row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """The new division is another one, and nobody else asks for a move of this household."""
    if register.moves is None or records.asks_to_move(register, row):
        return
    asked, place = register.moves
    if not values.get(asked):
        return
    if is_missing(values.get(place)):  # else nobody would know what is asked for
        yield Problem(place, f"{place}.required", required_text(register.fields[place]))
        return
    if values[place] == row.region_id:
        text = _("迁户后的地区就是现在所在的村，请核对。")
        yield Problem(place, f"{place}.same", text)
    if row.standing == Standing.PENDING:
        text = _("该户由主户分出，主户审核通过后才能迁户。")
        yield Problem(asked, f"{asked}.pending", text)
    if waiting_of(row.household_id) is not None:
        yield Problem(asked, f"{asked}.twice", _twice())
    household = get_household(row.household_id)
    for text in hooks.why_stay(db.session(), household, Leaving.PLACE):
        yield Problem(asked, f"{asked}.stays", text)


@hooks.why_stay.listen(order=20)
def not_under_review(session: Session, household: Household, _leaving: Leaving) -> Iterator[str]:
    """What waits for a decision is decided where it was submitted, on what it was submitted for."""
    for register, row in households.records_of(session, household):
        if register.flow and row.state not in (*EDITABLE, State.APPROVED):
            with read_only():  # texts of states are read beside the session that writes
                state = register.state_text(row.state)
            yield _(
                "该户的%(what)s现在是“%(state)s”，请先办结（审核或由填报人撤回），再办理。",
                what=translate(register.record_word),
                state=state,
            )


def _twice() -> str:
    return _("该户已有迁户申请正在审批。")


@hooks.saved.listen(of=Having("moves"), order=40)
def ask(register: Register, row: Any, changes: Mapping[str, Any]) -> None:
    """A form that was saved with a move asks for it, once its division is given."""
    if register.moves is None or not getattr(row, register.moves[0]):
        return
    asked, place = register.moves
    actor = policy.require(Capability.ENTER, register.name, row)
    session = db.session()
    new = session.get_one(Region, getattr(row, place))
    # what is not shown beside a move was cleared with it
    kept = {n: was for n, (was, said) in changes.items() if said is None and was is not None}
    try:
        request(session, register, row, new, actor, kept=kept)
    except Twice:
        text = _("有 %(n)s 处需要修改，修改后再保存。", n=1)
        raise Invalid(text, [Problem(asked, f"{asked}.twice", _twice())]) from None


class Twice(Conflict):
    """Somebody else asks for a move of this household."""


def request(
    session: Session,
    register: Register,
    row: Any,
    new: Region,
    actor: Actor,
    *,
    kept: Mapping[str, Any],
    side: Side = Side.FROM,
    member_id: uuid.UUID | None = None,
    contact: Contact | None = None,
) -> Transfer:
    """Ask for a move of the household that ``row`` is about (or of one member) to a village, by the
    side that asks; the caller commits.

    :raises Twice: a request about the household waits already.
    """
    old = session.get_one(Region, row.region_id)
    made = Transfer(
        register=register.name,
        record_id=row.id,
        household_id=row.household_id,
        from_region_id=old.id,
        from_path=old.path,
        to_region_id=new.id,
        to_path=new.path,
        asked_by=actor.account_id,
        asked_side=side,
        member_id=member_id,
        kept=dict(kept),
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        raise Twice(_twice()) from None
    contact = contact or history.usual_contact(actor)
    moves_told.say(session, made, actor, Word.ASKED, side, contact)
    text = _("从%(from)s迁往%(to)s", **{"from": old.full_name, "to": new.full_name})
    history.note(register, row, actor, "move_ask", ASKED, contact=contact, opinion=text)
    moves_told.enter_in_logs(session, register, row, Word.ASKED, old, new)
    moves_told.tell_counties(session, made, row, old, new)
    return made


# ---- deciding ----------------------------------------------------------------------------------


@dataclass
class _Case:
    """A request with all that a decision writes, locked, in a session that sees both areas."""

    session: Session
    transfer: Transfer
    register: Register
    row: Any
    old: Region
    new: Region
    actor: Actor


def agree(transfer_id: uuid.UUID, contact: Contact, opinion: str = "") -> Transfer:
    """Agree for the side that the actor answers for; the last one who must makes the move.

    :raises Conflict: it was decided meanwhile. :raises Forbidden: the actor decides nothing here.
    """
    return _decide(transfer_id, Word.AGREED, contact, opinion)


def refuse(transfer_id: uuid.UUID, contact: Contact, opinion: str) -> Transfer:
    """Refuse, with the reason: the request ends, the form goes back to who filled it in."""
    return _decide(transfer_id, Word.REFUSED, contact, opinion)


def withdraw(transfer_id: uuid.UUID, contact: Contact, opinion: str = "") -> Transfer:
    """Take the request back, by those who may enter at the side that asked: the form is as it was
    before.
    """
    transfer = get(transfer_id)
    register = _register(transfer)
    actor = policy.require(Capability.ENTER, register.name)
    if transfer.asked_side == Side.TO:
        place = db.session.get_one(Region, transfer.to_region_id)
        policy.require(Capability.ENTER, register.name, place)
    else:
        row = records.get(register, transfer.record_id)
        policy.require(Capability.ENTER, register.name, row)
    _require_said(Word.WITHDRAWN, contact, opinion)
    with joined("a move concerns two areas", writes=True) as session:
        case = _lock(session, transfer_id, actor)
        side = case.transfer.asked_side
        moves_told.say(session, case.transfer, actor, Word.WITHDRAWN, side, contact, opinion)
        _give_back(case, case.row.state, "move_withdraw", WITHDRAWN, contact, opinion)
        _end(case, TransferState.WITHDRAWN, side)
        moves_told.enter_in_logs(session, register, case.row, Word.WITHDRAWN, case.old, case.new)
        moves_told.tell_of_withdrawal(session, case.transfer, case.row, case.old, case.new)
    return case.transfer


def _decide(transfer_id: uuid.UUID, word: Word, contact: Contact, opinion: str) -> Transfer:
    transfer = get(transfer_id)
    actor = policy.require(Capability.APPROVE_MOVE, transfer.register)
    self_review = steps.self_review()
    _require_said(word, contact, opinion)
    with joined("a move concerns two areas", writes=True) as session:
        case = _lock(session, transfer_id, actor)
        side = side_of(actor, case.transfer)
        if side is None:
            raise Forbidden(_("这份迁户申请不由您的账号审批。"))
        if case.transfer.asked_by == actor.account_id and not self_review:
            raise Forbidden(_("不能审批本账号提出的迁户申请，请由其他账号审批。"))
        moves_told.say(session, case.transfer, actor, word, side, contact, opinion)
        if word == Word.REFUSED:
            _give_back(case, State.RETURNED, "move_refuse", REFUSED, contact, opinion)
            _end(case, TransferState.REFUSED, side)
        elif _agreed(case.transfer, side):
            _move(case, contact, opinion, side)
        moves_told.enter_in_logs(session, case.register, case.row, word, case.old, case.new)
        moves_told.tell_of_decision(session, case.transfer, case.row, case.old, case.new, actor)
    return case.transfer


def _require_said(word: Word, contact: Contact, opinion: str) -> None:
    problems = history.contact_problems(contact)
    if word == Word.REFUSED and not opinion.strip():
        text = _("请填写不同意的理由，让填报人知道为什么。")
        problems.append(Problem("opinion", "opinion.required", text))
    if len(opinion) > (longest := TransferWord.opinion.type.length):
        text = _("最多 %(n)s 个字，现有 %(m)s 个。", n=longest, m=len(opinion))
        problems.append(Problem("opinion", "opinion.long", text))
    if problems:
        raise Invalid(_("有 %(n)s 处需要修改，修改后再提交。", n=len(problems)), problems)


def _lock(session: Session, transfer_id: uuid.UUID, actor: Actor) -> _Case:
    """Everything, in the order in which a save locks it: the record first.

    :raises Conflict: the request was decided meanwhile.
    """
    transfer = session.get_one(Transfer, transfer_id)
    register = _register(transfer)
    row = session.get_one(register.model, transfer.record_id, with_for_update=True)
    session.refresh(transfer, with_for_update=True)
    if transfer.state != TransferState.WAITING:
        raise Conflict(
            _("这份迁户申请已办结：%(state)s。请刷新后查看。", state=transfer.state.label)
        )
    old = session.get_one(Region, row.region_id)
    new = session.get_one(Region, transfer.to_region_id)
    return _Case(session, transfer, register, row, old, new, actor)


def _register(transfer: Transfer) -> Register:
    register = get_register(transfer.register)
    if register is None:
        raise LookupError(transfer.register)
    return register


def _agreed(transfer: Transfer, side: Side) -> bool:
    """Note who agreed; do all now who must?"""
    if side == Side.FROM:
        transfer.from_agreed_at = now()
    elif side == Side.TO:
        transfer.to_agreed_at = now()
    both = transfer.from_agreed_at is not None and transfer.to_agreed_at is not None
    return side == Side.WHOLE or both


def _move(case: _Case, contact: Contact, opinion: str, side: Side) -> None:
    """The household lies in the new place, with all that is about it."""
    if case.new.level != Level.VILLAGE:
        raise Conflict(_("迁入的行政村已不存在，不能迁入；请不同意这份申请，由填报人重新选择。"))
    household = case.session.get_one(Household, case.transfer.household_id)
    if stays := hooks.why_stay(case.session, household, Leaving.PLACE):
        raise Conflict("".join(stays))
    before = case.row.state
    if case.transfer.asked_side == Side.TO:
        hooks.arriving(case.session, case.transfer, case.new, case.actor)
    else:
        settle(case.session, household, case.new)
        _begin_anew(case)
    text = _("从%(from)s迁入%(to)s", **{"from": case.old.full_name, "to": case.new.full_name}) + (
        _("。") + opinion.strip() if opinion.strip() else ""
    )
    history.note(
        case.register, case.row, case.actor, "move", CAME,
        source=before, contact=contact, opinion=text,
    )  # fmt: skip
    _end(case, TransferState.MOVED, side)


def settle(session: Session, household: Household, place: Region) -> None:
    """Put the household with all that is about it into a village; the caller commits."""
    gone = [
        row.id
        for one in households.settle(session, household, place)
        for _of, row in households.records_of(session, one)
    ]
    # whoever was typing there cannot open the form any more
    session.execute(delete(Draft).where(Draft.record_id.in_(gone)))


def _begin_anew(case: _Case) -> None:
    """The new place surveys the household: the request is answered and goes from the form. What the
    form says besides of the family stays; without that it is 未录入, as nobody has surveyed there.
    """
    row, register = case.row, case.register
    for name in register.moves or ():
        setattr(row, name, None)
    stored = [name for name, made in register.fields.items() if made.stored]
    says = any(not is_missing(getattr(row, n)) and getattr(row, n) is not False for n in stored)
    files = exists().where(Attachment.record_id == row.id)
    if says or case.session.scalar(select(files)):
        row.state = State.DRAFT
    else:
        row.state = State.MISSING
        for name in stored:
            setattr(row, name, None)
    row.submitted_by = row.submitted_at = row.decided_at = None


def _give_back(
    case: _Case, state: State, step: str, label: str, contact: Contact, opinion: str
) -> None:
    """The form says again what it said before it asked; where no form asked, nothing changed."""
    row, register = case.row, case.register
    if case.transfer.asked_side == Side.TO:
        history.note(register, row, case.actor, step, label, contact=contact, opinion=opinion)
        return
    for name, text in case.transfer.kept.items():
        if (made := register.fields.get(name)) and made.stored:
            try:
                value = made.parse(text)
            except ValueError:  # a choice that is offered no more: to be chosen anew
                continue
            setattr(row, name, value)
    for name in register.moves or ():
        setattr(row, name, None)
    before, row.state = row.state, state
    row.changed_at = now()
    if step == "move_refuse":
        row.decided_at = now()
    history.note(
        register, row, case.actor, step, label, source=before, contact=contact, opinion=opinion
    )


def _end(case: _Case, state: TransferState, side: Side) -> None:
    case.transfer.state, case.transfer.ended_by = state, side
    case.transfer.ended_at = now()
