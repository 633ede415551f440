"""The declared steps of a record's flow: submitting it, deciding on it, taking a decision back.

As :mod:`app.kernel.records.save`, each is permission + change + history + audit; none ends the
transaction.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from app.access import policy, settings
from app.access.account import Account
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.scope import is_hidden
from app.access.settings import YES_NO, Setting
from app.core.clock import now
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _, mark, step_word
from app.kernel import hooks
from app.kernel.declare import stages
from app.kernel.declare.flow import GRACE_SECONDS, State, Transition, is_step_of
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.kinds.values import to_json
from app.kernel.records import history, judging
from app.kernel.records.history import Contact
from app.kernel.records.save import (
    asks_to_move,
    evaluate,
    forbidding,
    get,
    require_unfrozen,
    require_version,
)
from app.kernel.rows.reading import values_of
from app.kernel.rows.record import HistoryEntry

#: spec 00 "States of a record": may the account that submitted approve? Off.
SELF_REVIEW = settings.declare(
    Setting(
        "review.self",
        mark("允许自审"),
        YES_NO,
        False,
        help=mark("上报的账号可以审核自己上报的内容。"),
    )
)


def transition(
    register: Register,
    record_id: uuid.UUID,
    name: str,
    version: int | None,
    contact: Contact,
    opinion: str = "",
    reasons: tuple[str, ...] = (),
) -> Any:
    """Do one declared step of the register's flow.

    ``version`` None skips the check of what the user saw (batch decisions check the state only).
    """
    row = get(register, record_id, lock=True)
    step = register.flow.get(name) if register.flow else None
    if step is None:
        raise NotFound(_("没有这一操作。"))
    actor = policy.require(step.capability, register.name, row)
    target = step.target_for(actor.level)
    if row.state == target and row.version != version and history.last_step_is(row, actor, name):
        return row  # the same click, sent twice
    _require_possible(register, row, step, actor, version)
    opinion = opinion.strip()
    problems = _step_problems(register, row, step, contact, opinion, reasons)
    if problems:
        raise Invalid(
            _(
                "有 %(n)s 处需要补充，补充后再%(step)s。",
                n=len(problems),
                step=step_word(step.label),
            ),
            problems,
        )
    hooks.stepping(register, row, step)
    _remember(actor, contact)  # a statement: before the row is changed, which is then written once
    if step.complete and register.quality.kept:
        judging.judge(register, row, evaluate(register, row))
    source, row.state = row.state, target
    stages.step(register, row, source, target, reopens=step.reopens)
    _stamp(row, step, actor)
    entry = history.note(
        register, row, actor, name, step.label_for(actor.level),
        source=source, contact=contact, opinion=opinion, reasons=reasons,
    )  # fmt: skip
    if step.complete:
        entry.snapshot = snapshot(register, row)
    audit.record(
        db.session,
        Act.TRANSITION,
        register=register.name,
        row=row,
        detail={"step": name, "from": source.value, "to": target.value, "opinion": opinion},
    )
    if target == State.APPROVED and register.review:
        for hook in register.review.on_approval:
            hook(db.session, row)
    hooks.stepped(register, row, step)
    return row


def open_steps(register: Register, row: Any, actor: Actor) -> list[Transition]:
    """The steps that this actor may do with this record now."""
    if register.flow is None or row.superseded or stages.is_frozen(register, row):
        return []
    if is_hidden(row):
        return []
    found: dict[tuple[str, State], Transition] = {}  # one of those that are the same to the actor
    for step in register.flow.open_from(row.state):
        if (
            policy.may(step.capability, register.name, row, actor=actor)
            and is_step_of(register, row, step)
            and _party_problem(step, row, actor) is None
            and not (step.undoes and _undo_problem(register, row, step, actor))
            and not (step.reopens and stages.approved(register, row) is None)
        ):
            found.setdefault((step.label_for(actor.level), step.target_for(actor.level)), step)
    return list(found.values())


def self_review() -> bool:
    """May the account that submitted a record approve it?"""
    return bool(settings.value(SELF_REVIEW.name))


def snapshot(register: Register, row: Any) -> dict[str, Any]:
    """What the record says, as forms hold it; files by their ids. Files of a field that is not
    shown stay with the record (an answer may be changed back) but are no part of what it says.
    """
    values = evaluate(register, row).values
    return {
        name: to_json(values[name]) if made.stored else [str(a.id) for a in values[name]]
        for name, made in register.fields.items()
    }


def _require_possible(
    register: Register, row: Any, step: Transition, actor: Actor, version: int | None
) -> None:
    """:raises Conflict: the record, as it is now, does not let the step be done.

    :raises Forbidden: it does, but not by this actor.
    """
    if asks_to_move(register, row):
        raise Conflict(
            _("该户的迁户申请正在审批；批准后由迁入地填报并上报，不需要在这里上报。"), row=row
        )
    require_unfrozen(register, row)
    if not is_step_of(register, row, step):
        raise Conflict(_without_review(register, step), row=row)
    if row.state not in step.sources:
        raise Conflict(
            _(
                "该%(what)s现在是“%(state)s”，不能%(step)s。",
                what=register.word,
                state=register.state_text(row.state),
                step=step_word(step.label),
            ),
            row=row,
        )
    if version is not None:
        require_version(register, row, version)
    if problem := _party_problem(step, row, actor):
        raise Forbidden(problem)
    if step.undoes and (problem := _undo_problem(register, row, step, actor)):
        raise Conflict(problem, row=row)
    if step.reopens and stages.approved(register, row) is None:
        raise Conflict(_("还没有审核通过的阶段，不能退回上一阶段。"), row=row)


def _without_review(register: Register, step: Transition) -> str:
    said = {"what": register.word, "step": step_word(step.label)}
    if step.unreviewed:
        return _("本县的%(what)s需要审核，不能这样%(step)s。", **said)
    return _("本县的%(what)s不需要审核，保存即可，不能%(step)s。", **said)


def _party_problem(step: Transition, row: Any, actor: Actor) -> str | None:
    if step.by_submitter and row.submitted_by != actor.account_id:
        return _("只有上报的账号可以%(step)s。", step=step_word(step.label))
    if step.not_by_submitter and row.submitted_by == actor.account_id and not self_review():
        return _("不能审核本账号上报的内容，请由其他审核人员审核。")
    return None


def _undo_problem(register: Register, row: Any, step: Transition, actor: Actor) -> str | None:
    """Why the last step cannot be taken back, or None: it was another one, somebody went on from
    it, it is too long ago, or the approval already made something.
    """
    last, review = history.last(row), register.review
    own = last and last.step in step.undoes and last.account_id == actor.account_id
    if not last or not own or last.target != row.state:
        return _("在您审核之后已有后续操作，不能撤销。")
    if row.state == State.APPROVED and review and review.builds.test(values_of(row)):
        return _("审核通过后已生成后续内容，不能撤销。要改正，请打开该户的页面退回。")
    if row.changed_at != row.decided_at:
        return _("在您审核之后已有后续操作，不能撤销。")
    if now() - last.at > timedelta(seconds=step.seconds + GRACE_SECONDS):
        return _("审核超过%(n)s秒，不能撤销。要改正，请打开该户的页面退回。", n=step.seconds)
    return None


def _step_problems(
    register: Register,
    row: Any,
    step: Transition,
    contact: Contact,
    opinion: str,
    reasons: tuple[str, ...],
) -> list[Problem]:
    problems = []
    if step.complete:
        result = evaluate(register, row)
        problems += result.errors or forbidding(
            register, row, result.values, register.quality.submitting
        )
        problems += stages.problems(register, row, result.values)
    if step.opinion and not (opinion or reasons):
        problems.append(
            Problem(
                "opinion", "opinion.required", _("请勾选退回原因或填写意见，说明需要修改什么。")
            )
        )
    problems += history.too_long(("opinion", HistoryEntry.opinion, opinion))
    return problems + history.contact_problems(contact)


def _stamp(row: Any, step: Transition, actor: Actor) -> None:
    if step.undoes:
        row.decided_at = None
    elif step.complete:
        row.submitted_by, row.submitted_at, row.decided_at = actor.account_id, now(), None
    elif step.capability != Capability.ENTER:
        row.decided_at = row.changed_at = now()  # whoever changes it later is seen by that


def _remember(actor: Actor, contact: Contact) -> None:
    """Prefill the person's name and phone next time."""
    person, phone = contact.person.strip(), contact.phone.strip()
    if (person, phone) != (actor.contact_name, actor.contact_phone):
        theirs = update(Account).where(Account.uuid == actor.account_id)
        db.session.execute(theirs.values(contact_name=person, contact_phone=phone))
