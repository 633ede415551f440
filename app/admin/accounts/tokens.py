"""Making and revoking tokens of the API: each is permission + change + audit.

Who manages an account makes tokens for it (spec 01, 谁创建，谁管理), and managers for their own.
Revoking one is also open to the account that owns it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload

from app.access import policy, settings
from app.access.account import Account
from app.access.accounts import managing, tokens
from app.access.accounts.tokens import LONGEST, NAME_LENGTH, Token
from app.access.actor import Actor, Capability, RegisterAccess
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Region, within
from app.access.scope import current_actor
from app.admin.accounts.changing import SUBJECT, invalid_text, subject_of, too_long
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.core.types import nfc
from app.kernel.declare.offered import subjects
from app.kernel.declare.rules import Problem

MOST_SHOWN = 200


@dataclass(frozen=True)
class Wanted:
    """What the form of a new token says. ``registers``: name -> ``RegisterAccess`` value."""

    name: str = ""
    login: str = ""
    registers: Mapping[str, str] = field(default_factory=dict)
    region_id: int | None = None
    expires_on: dt.date | None = None


def longest() -> dt.date:
    """The last day that a token made today may have."""
    actor = current_actor()
    return today() + dt.timedelta(days=settings.value(LONGEST.name, actor.path if actor else None))


def visible(actor: Actor) -> list[Token]:
    """The tokens of the actor's own account and of those it manages, the latest first; at most
    ``MOST_SHOWN``.
    """
    query = (
        select(Token)
        .join(Account, Account.id == Token.account_id)
        .where(_whose(actor))
        .options(joinedload(Token.account), joinedload(Token.region))
    )
    return list(
        db.session.scalars(query.order_by(Token.created_at.desc(), Token.id).limit(MOST_SHOWN))
    )


def owner(login: str) -> Account | None:
    """The account of that name for which the actor may make tokens."""
    actor = policy.require(Capability.MANAGE_USERS)
    query = select(Account).where(Account.username == login, _whose(actor), Account.active)
    return db.session.scalar(query.options(joinedload(Account.region)))


def create(wanted: Wanted) -> tuple[Token, str]:
    """A new token and its secret, which is never seen again.

    :raises Invalid: with every problem of the form.
    """
    actor = policy.require(Capability.MANAGE_USERS)
    account = owner(wanted.login)
    region = db.session.get(Region, wanted.region_id) if wanted.region_id is not None else None
    name = nfc(wanted.name)
    problems = _problems(wanted, name, account, region)
    if problems or account is None or region is None or wanted.expires_on is None:
        raise Invalid(invalid_text(problems), problems)
    secret = tokens.new_secret()
    token = Token(
        account_id=account.id,
        region_id=region.id,
        name=name,
        secret_hash=tokens.hashed(secret),
        hint=secret[-4:],
        registers=dict(wanted.registers),
        expires_on=wanted.expires_on,
        created_by=actor.account_id,
        created_by_name=f"{actor.login} {actor.name}"[:128],
    )
    db.session.add(token)
    titles = {one.name: one.title for one in subjects()}
    detail = {
        "account": account.username,
        "token": name,
        "granted": [f"{titles[n]} {RegisterAccess(a).zh}" for n, a in wanted.registers.items()],
        "regions": [region.full_name],
        "ends_on": wanted.expires_on.isoformat(),
    }
    _note(account, detail)
    return token, secret


def revoke(token_id: uuid.UUID) -> Token:
    """End a token at once; saying it twice changes nothing."""
    actor = current_actor()
    if actor is None:
        raise Forbidden(_("请先登录。"))
    token = db.session.scalar(
        select(Token)
        .join(Account, Account.id == Token.account_id)
        .where(Token.id == token_id, _whose(actor))
        .options(joinedload(Token.account))
        .with_for_update(of=Token)
        .execution_options(populate_existing=True)
    )
    if token is None:
        raise NotFound(_("没有找到这个接口令牌。"))
    if token.revoked_at is None:
        token.revoked_at = now()
        _note(token.account, {"account": token.account.username, "revoked": token.name})
    return token


def _whose(actor: Actor) -> ColumnElement[bool]:
    return or_(Account.uuid == actor.account_id, managing.managed(actor))


def _note(account: Account, detail: dict[str, object]) -> None:
    audit.record(
        db.session, Act.PERMISSION, register=SUBJECT, row=subject_of(account), detail=detail
    )


def _problems(
    wanted: Wanted, name: str, account: Account | None, region: Region | None
) -> list[Problem]:
    found = []
    if not name:
        found.append(Problem("name", "name.required", _("请填写用途，例如对接系统的名称。")))
    elif len(name) > NAME_LENGTH:
        found.append(Problem("name", "name.length", too_long(NAME_LENGTH, name)))
    if account is None:
        text = _("没有找到该账号，或它不由您管理。")
        found.append(Problem("login", "login.unknown", text))
    may_be = {one.name: one.access for one in subjects()}
    if not wanted.registers or any(
        access not in may_be.get(n, ()) for n, access in wanted.registers.items()
    ):
        text = _("请至少开放一个模块。")
        found.append(Problem("registers", "registers.required", text))
    if (
        region is None
        or region.structural
        or not within(region.path, (account or region).path or "-")
    ):
        text = _("请选择所属账号管辖范围内的地区。")
        found.append(Problem("region", "region.area", text))
    last = longest()
    if wanted.expires_on is None or not today() <= wanted.expires_on <= last:
        text = _("请填写截止日期：今天或以后，最晚 %(day)s。", day=last.isoformat())
        found.append(Problem("expires_on", "expires_on.range", text))
    return found
