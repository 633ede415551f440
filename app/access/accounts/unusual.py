"""Unusual acts: who deletes or adds too much at a time is locked at once (2009:
严禁随意删除或添加数据，一旦系统监测发现将立即封闭该账号), until the manager above unlocks it with a reason.

Background jobs (imports of lists and records) are exempt: they are checked and logged as a whole.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, select
from sqlalchemy.orm import joinedload

from app.access import limits, policy
from app.access import session as sessions
from app.access.account import Account
from app.access.accounts import managing, tokens
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level
from app.access.limits import Limit
from app.access.scope import current_actor
from app.access.settings import NUMBER, Setting, declare, value
from app.core.choices import Choices
from app.core.clock import now
from app.core.db import db
from app.core.errors import Forbidden, NotFound
from app.core.i18n import _, mark, translate
from app.core.jobs import table as jobs
from app.core.transactions import apart, transaction

_PREFIX = "unusual."


class What(Choices):
    """What is counted."""

    DELETIONS = "deletions", "删除"
    ADDITIONS = "additions", "新增"


for _what, _label, _most in (
    (What.DELETIONS, mark("一段时间内最多删除"), 50),
    (What.ADDITIONS, mark("一段时间内最多新增"), 300),
):
    declare(
        Setting(
            _PREFIX + _what.value,
            _label,
            NUMBER,
            default=_most,
            lowest=1,
            highest=100_000,
            unit=mark("条记录"),
            help=mark("超过时立即封闭该账号，由上级管理用户说明理由后解除。后台导入不计。"),
        )
    )
_MINUTES = declare(
    Setting(
        "unusual.minutes",
        mark("异常操作的计数时段"),
        NUMBER,
        default=60,
        lowest=1,
        highest=1440,
        unit=mark("分钟"),
    )
)


@dataclass(frozen=True)
class _Subject:
    """An account as the audit log names it: by its stable key and its place."""

    id: uuid.UUID
    path: str | None


def count(what: What) -> None:
    """Count one within the caller's transaction. The one that is too many is undone with it, and
    the account is locked: its sessions end, its jobs stop. What it did before stands.

    :raises Forbidden: says why, and who can unlock it.
    """
    actor = current_actor()
    if actor is None or actor.in_job:
        return
    limit = _limit(what, actor.account_id)
    if limits.take(limit) is not None:
        return
    minutes = limits.minutes(limit.within)
    apart(lambda: _lock(actor, f"{what.value} {limit.most} {minutes}"))
    raise Forbidden(
        _(
            "您的账号在%(minutes)s分钟内%(what)s了超过%(n)s条记录，已被封闭，这一次没有执行。"
            "请联系上级管理用户说明情况，由其解除封闭。",
            minutes=minutes,
            what=what.label,
            n=limit.most,
        ),
        noted=True,
    )


def locked(actor: Actor) -> Sequence[Account]:
    """The locked accounts that the actor may unlock, the last one first."""
    query = select(Account).where(_to_unlock(actor)).options(joinedload(Account.region))
    return db.session.scalars(query.order_by(Account.locked_at.desc(), Account.id)).all()


def reason_of(account: Account) -> str:
    """Why it is locked, in the reader's language; empty if it is not."""
    what, most, minutes = (account.lock_reason or "  ").split(" ")
    if not what:
        return ""
    return _(
        "%(minutes)s分钟内%(what)s超过%(n)s条记录", minutes=minutes, what=What(what).label, n=most
    )


def number_locked(actor: Actor) -> ScalarSelect[int]:
    """SQL: how many :func:`locked` gives."""
    return select(func.count(Account.id)).where(_to_unlock(actor)).scalar_subquery()


def get_locked(account_id: uuid.UUID, *, lock: bool = False) -> Account:
    """One of :func:`locked`; :raises NotFound: it is none, or another manager's."""
    actor = policy.require(Capability.MANAGE_USERS)
    query = (
        select(Account)
        .where(_to_unlock(actor), Account.uuid == account_id)
        .options(joinedload(Account.region))
    )
    if lock:
        query = query.with_for_update(of=Account).execution_options(populate_existing=True)
    account = db.session.scalar(query)
    if account is None:
        raise NotFound(_("没有找到等您解除封闭的这个账号，可能已经解除。"))
    return account


def unlock(account: Account, reason: str) -> None:
    """The account may enter again and counts from nought; the reason is in the audit log."""
    detail = {"account": account.username, "locked_for": reason_of(account), "reason": reason}
    account.locked_at = account.lock_reason = None
    limits.forget(*(_limit(what, account.uuid) for what in What))
    subject = _Subject(account.uuid, account.path)
    audit.record(db.session, Act.UNLOCK, row=subject, detail=detail)


def _limit(what: What, account_id: uuid.UUID) -> Limit:
    within = dt.timedelta(minutes=value(_MINUTES.name))
    return Limit(_PREFIX + what.value, account_id.hex, value(_PREFIX + what.value), within)


def _lock(actor: Actor, reason: str) -> None:
    query = select(Account).where(Account.uuid == actor.account_id).with_for_update(of=Account)
    with transaction():
        account = db.session.scalar(query)
        if account is None or account.locked_at is not None:
            return  # a second request of the same moment was faster
        account.locked_at, account.lock_reason = now(), reason
        ended = sessions.end(account.id)
        tokens.end_all(account.id)
        stopped = jobs.cancel_all(account.uuid, translate("账号已被封闭，已停止。"))
        detail = {"account": account.username, "reason": reason_of(account)}
        detail |= {"sessions": ended, "jobs": stopped}
        subject = _Subject(account.uuid, account.path)
        audit.record(db.session, Act.LOCK, row=subject, detail=detail)


def _to_unlock(actor: Actor) -> ColumnElement[bool]:
    """The manager of an account unlocks it; the ministry's any but its own."""
    whose = managing.managed(actor)
    if actor.level == Level.NATION and actor.has(Capability.MANAGE_USERS):
        whose = and_(managing.visible(actor), Account.uuid != actor.account_id)
    return and_(Account.locked_at.is_not(None), whose)
