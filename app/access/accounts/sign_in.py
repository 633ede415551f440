"""Who may sign in: the password, and the lock-outs that hold over all workers (spec 01)."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
from typing import Any

from flask import current_app
from sqlalchemy import select
from werkzeug.security import check_password_hash

from app.access import limits
from app.access.account import Account
from app.access.audit.log import Act, AuditEntry
from app.access.limits import Limit
from app.access.settings import NUMBER, Setting, declare, value
from app.core.db import db
from app.core.errors import AnjuError
from app.core.i18n import _, mark
from app.core.transactions import rest, transaction

FAILURES_ACCOUNT = declare(
    Setting(
        "signin.failures_account",
        mark("同一账号登录失败多少次后锁定"),
        NUMBER,
        default=5,
        lowest=3,
        highest=100,
        unit=mark("次"),
    )
)
FAILURES_ADDRESS = declare(
    Setting(
        "signin.failures_address",
        mark("同一地址登录失败多少次后锁定"),
        NUMBER,
        default=50,
        lowest=5,
        highest=10_000,
        unit=mark("次"),
        help=mark("一个单位的电脑常共用一个地址，不宜太少。"),
    )
)
LOCK_MINUTES = declare(
    Setting(
        "signin.lock_minutes",
        mark("登录锁定时长"),
        NUMBER,
        default=15,
        lowest=1,
        highest=1440,
        unit=mark("分钟"),
        help=mark("失败次数也在这段时间内累计。"),
    )
)
_WARN_AT = 2


class SignInRefused(AnjuError):
    """Nobody is signed in. The message never tells whether there is such an account."""

    status, code = 401, "sign_in_refused"


class LockedOut(SignInRefused):
    """Too many failures for this account or from this address; not even the right password helps."""

    status, code = 429, "locked_out"


def verify(login: str, password: str, address: str) -> Account:
    """The account (detached) with this password, when it may enter. Every refusal is in the audit log.

    A try is counted before the password is looked at: of many at the same moment no more are looked
    at than one after the other. What is told and how long it takes is the same for an account that
    does not exist.

    :raises LockedOut: for so many minutes.
    :raises SignInRefused: wrong, closed, or locked; that it is locked is told to its owner alone.
    """
    within = dt.timedelta(minutes=value(LOCK_MINUTES.name))
    by_account = of_account(login, within)
    by_address = _of_address(address, within)
    left = limits.wait(by_account, by_address)
    with transaction():
        tries = None if left else limits.take(by_account)
        if tries is None:
            note(Act.LOGIN_FAILED, None, address, login=login[:64], locked=True)
    if tries is None:
        raise LockedOut(_locked_out(left or within))
    account = db.session.scalar(select(Account).where(Account.username == login))
    if account is not None:
        db.session.expunge(account)
    rest()  # nothing is held while the password is looked at
    fake = current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]
    right = check_password_hash((account and account.password) or fake, password)
    if account is None or not right or not is_open(account):
        _failed(login, account, address, (by_account, tries), by_address)
    with transaction():
        limits.forget(by_account)
        if account.locked_at is not None:
            note(Act.LOGIN_FAILED, account, address, locked_account=True)
    if account.locked_at is not None:
        raise SignInRefused(
            _("该账号因异常操作已被封闭，请联系上级管理用户说明情况，由其解除封闭。")
        )
    return account


def confirm(account: Account, password: str, address: str) -> str | None:
    """What is wrong with the password that a signed-in account gives again, or None. Wrong ones
    count like failures to sign in: who found an open session guesses no longer.
    """
    limit = of_account(account.username, dt.timedelta(minutes=value(LOCK_MINUTES.name)))
    if (left := limits.full(limit)) is not None:
        return _locked_out(left)
    with transaction():
        tries = limits.take(limit)
    if tries is None:
        return _locked_out(limits.wait(limit) or limit.within)
    if check_password_hash(account.password or "", password):
        with transaction():
            limits.forget(limit)
        return None
    with transaction():
        note(Act.LOGIN_FAILED, account, address, confirming=True)
        if tries == limit.most:
            note(Act.LOCKED_OUT, account, address, failures=tries)
    return _("现在的密码不正确。")


def forgive(login: str) -> None:
    """Forget the failures of an account, whose password is new; the caller commits."""
    limits.forget(of_account(login, dt.timedelta()))


def is_open(account: Account) -> bool:
    """Is the account not deactivated? Demonstration accounts do not exist in production."""
    return account.is_active and not (account.demo and current_app.config["PRODUCTION"])


def note(act: Act, account: Account | None, address: str, **detail: Any) -> None:
    """Add an entry about signing in, where nobody acts yet; the caller commits."""
    entry = AuditEntry(
        act=act,
        account_id=account.uuid if account else None,
        account_name=f"{account.username} {account.first_name}" if account else None,
        path=account.path if account else None,
        address=address,
        detail=detail or None,
    )
    db.session.add(entry)


def of_account(login: str, within: dt.timedelta) -> Limit:
    """Failures of one account name, whether or not there is such an account. What was typed is
    kept as a hash only: people type passwords into the wrong box.
    """
    key = hashlib.sha256(login.encode()).hexdigest()
    return Limit("signin.account", key, value(FAILURES_ACCOUNT.name), within, lasting=True)


def _of_address(address: str, within: dt.timedelta) -> Limit:
    most = value(FAILURES_ADDRESS.name)
    return Limit("signin.address", network(address), most, within, lasting=True)


def network(address: str) -> str:
    """Whom an address belongs to: of IPv6 a /64, which is one connection's, else the address."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if known.version == 6:
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)


def _failed(
    login: str,
    account: Account | None,
    address: str,
    counted: tuple[Limit, int],
    by_address: Limit,
) -> None:
    by_account, tries = counted
    with transaction():
        note(Act.LOGIN_FAILED, account, address, login=login[:64])
        if tries == by_account.most:
            note(Act.LOCKED_OUT, account, address, login=login[:64], failures=tries)
        if limits.take(by_address) == by_address.most:
            note(Act.LOCKED_OUT, None, address, failures=by_address.most)
    left = by_account.most - tries
    if not left:
        raise LockedOut(_locked_out(by_account.within))
    wrong = _("账号或密码不正确，请核对后重新输入。")
    if left <= _WARN_AT:
        wrong += _("再错%(n)s次将锁定%(m)s分钟。", n=left, m=limits.minutes(by_account.within))
    raise SignInRefused(wrong)


def _locked_out(left: dt.timedelta) -> str:
    return _(
        "登录失败次数过多，请%(n)s分钟后再试。忘记密码请联系管理您账号的管理用户重置。",
        n=limits.minutes(left),
    )
