"""Tokens by which other systems use the API (spec 08 "Exchange"): an account's rights, narrowed.

A token acts as its owner, in some registers, reading or also writing, in a division at or below the
owner's. Of its secret, 256 random bits that are shown once, only the SHA-256 is kept: it cannot be
guessed, so nothing slower is needed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from sqlalchemy import JSON, Date, ForeignKey, Row, Select, String, bindparam, select, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.access import limits, policy, settings
from app.access.account import Account
from app.access.accounts import sign_in as signin
from app.access.actor import SYSTEM, Actor, Capability, RegisterAccess
from app.access.divisions.regions import Level, Region, within
from app.access.limits import Limit
from app.access.scope import MADE_ONCE
from app.access.settings import NUMBER, Setting
from app.core.clock import now, today, uuid7
from app.core.db import Model, db
from app.core.errors import AnjuError, Forbidden, TooMany
from app.core.i18n import _, mark
from app.core.transactions import transaction
from app.core.types import NfcText, UtcDateTime, UuidType

LONGEST = settings.declare(
    Setting(
        "tokens.days",
        mark("接口令牌最长有效期"),
        NUMBER,
        365,
        lowest=1,
        highest=1825,
        unit=mark("天"),
    )
)
PER_MINUTE = settings.declare(
    Setting(
        "tokens.requests",
        mark("每个接口令牌每分钟最多请求次数"),
        NUMBER,
        300,
        lowest=10,
        highest=100_000,
        unit=mark("次"),
    )
)

PREFIX = "anju_"
NAME_LENGTH = 60
#: The time and address of use are written at most so often.
USED_EVERY = dt.timedelta(minutes=1)
_MINUTE = dt.timedelta(minutes=1)
#: Wrong tokens from one address within ten minutes; then even a right one has to wait.
_WRONG, _WRONG_WITHIN = 100, dt.timedelta(minutes=10)
#: What a token may at most, by its access; nothing else of its owner's rights.
_READING = frozenset({Capability.SEARCH, Capability.EXPORT_STATISTICS})
_WRITING = _READING | {
    Capability.ENTER, Capability.RESTORE, Capability.CHECK, Capability.REVIEW, Capability.SPOT_CHECK,
}  # fmt: skip


class Token(Model):
    """One token. ``registers``: name -> :class:`RegisterAccess`; it holds through ``expires_on``.

    ``hint`` is the end of the secret, by which people know which one it is.
    """

    __tablename__ = "access_token"

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False, index=True
    )
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), nullable=False, index=True)
    name: Mapped[str] = mapped_column(NfcText(NAME_LENGTH), nullable=False)
    secret_hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    hint: Mapped[str] = mapped_column(String(8), nullable=False)
    registers: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False)
    expires_on: Mapped[dt.date] = mapped_column(Date, nullable=False)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    created_by: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    created_by_name: Mapped[str | None] = mapped_column(NfcText(128))
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    used_from: Mapped[str | None] = mapped_column(String(64))
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    account: Mapped[Any] = relationship(Account, lazy="raise")
    region: Mapped[Any] = relationship(Region, lazy="raise")

    @property
    def open(self) -> bool:
        """May it still be used, as far as the token itself goes?"""
        return self.revoked_at is None and self.expires_on >= today()


class TokenRefused(AnjuError):
    """No such token, or it has ended. Which of them, is not told."""

    status, code = 401, "token_refused"


def new_secret() -> str:
    """A secret that nobody guesses, with a beginning by which scanners of leaks know it."""
    return PREFIX + secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def end_all(account_id: int) -> int:
    """Revoke all tokens of an account that is closed or locked, or whose password somebody else resets:
    whoever had it may have made or read them. The caller commits.
    """
    query = update(Token).where(Token.account_id == account_id, Token.revoked_at.is_(None))
    return int(db.session.execute(query.values(revoked_at=now())).rowcount)


def of(account_id: int) -> list[Token]:
    """The account's tokens, the latest first; at most a hundred."""
    query = select(Token).where(Token.account_id == account_id).options(joinedload(Token.region))
    return list(db.session.scalars(query.order_by(Token.created_at.desc(), Token.id).limit(100)))


# ---- being used ----------------------------------------------------------------------------


def asked(*beside: Any) -> Select[Any]:
    """The statement of :func:`enter`, with SQL expressions ``beside`` what it needs. Made once: building
    it costs more than asking, and every request asks.
    """
    return (
        select(Token, Account, policy.rights_of(Account.id), *beside)
        .join(Account, Account.id == Token.account_id)
        .options(joinedload(Token.region))
        .where(Token.secret_hash == bindparam("hash"))
        .execution_options(**{MADE_ONCE: True})
    )


def enter(statement: Select[Any], secret: str, address: str) -> tuple[Actor, Row[Any]]:
    """Who acts by this secret, and the row that :func:`asked` gave. The use is counted.

    :raises TokenRefused: unknown, revoked, past its day; or its account is closed or locked.
    :raises TooMany: used too often within a minute.
    """
    found = db.session.execute(statement, {"hash": hashed(secret)}).first()
    if found is None:
        _refuse(address)
    token, account, rights = found[0], found[1], found[2]
    if not token.open or not signin.is_open(account) or account.locked_at is not None:
        _refuse(address)
    actor = _actor(token, account, rights)
    _count(token, address)
    return actor, found


def _refuse(address: str) -> NoReturn:
    wrong = Limit("token.wrong", signin.network(address), _WRONG, _WRONG_WITHIN)
    if (left := limits.full(wrong)) is not None:
        raise _too_many(left)
    with transaction():
        if limits.take(wrong) is None:
            raise _too_many(limits.wait(wrong) or _WRONG_WITHIN)
    raise TokenRefused(_("接口令牌无效或已失效，请向管理用户申请新的令牌。"))


def _count(token: Token, address: str) -> None:
    limit = Limit("token", token.id.hex, settings.value(PER_MINUTE.name), _MINUTE)
    if (left := limits.full(limit)) is not None:
        raise _too_many(left)
    with transaction():
        if limits.take(limit) is None:
            raise _too_many(limits.wait(limit) or _MINUTE)
        if (
            token.used_at is None
            or now() - token.used_at > USED_EVERY
            or token.used_from != address
        ):
            token.used_at, token.used_from = now(), address[:64]


def _too_many(left: dt.timedelta) -> TooMany:
    seconds = max(1, round(left.total_seconds()))
    return TooMany(_("请求过于频繁，请%(n)s秒后再试。", n=seconds), retry_after=seconds)


def _actor(token: Token, account: Account, rights: str) -> Actor:
    """The owner, narrowed to what the token is for.

    :raises Forbidden: its division no longer lies in its owner's.
    """
    account.rights = rights
    return narrowed(policy.actor_of(db.session, account), token.registers, token.region, token.name)


def narrowed(actor: Actor, registers: Mapping[str, str], region: Region, name: str) -> Actor:
    """``actor`` with nothing but its rights in ``registers`` and in ``region``; see the module."""
    if not within(region.path, actor.path):
        raise Forbidden(_("接口令牌的地区不在所属账号的管辖范围内，令牌不能使用。"))
    held, limited = set(), {}
    for capability, subject in actor.capabilities:
        if not _covers(registers, capability, subject):
            continue
        pair = (capability, subject)
        areas = tuple(
            max(area, region.path, key=len)
            for area in actor.areas(Capability(capability), subject)
            if within(area, region.path) or within(region.path, area)
        )
        if areas:
            held.add(pair)
        if areas and region.path not in areas:
            limited[pair] = areas
    return replace(
        actor,
        level=Level(region.level),
        region_id=region.id,
        path=region.path,
        capabilities=frozenset(held),
        limits=limited,
        token=name,
    )


def _covers(registers: Mapping[str, str], capability: str, subject: str) -> bool:
    if subject == SYSTEM:
        return capability == Capability.SEARCH
    access = registers.get(subject)
    if access == RegisterAccess.ENTER:
        return capability in _WRITING
    return access == RegisterAccess.READ and capability in _READING
