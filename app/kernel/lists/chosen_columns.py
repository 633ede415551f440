"""An account chooses what a list shows, and in which order; it changes nobody else's list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from app.access.account import Account
from app.access.scope import current_actor
from app.core.db import db
from app.core.errors import Forbidden, Invalid
from app.core.i18n import _
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.lists import columns as ledger_columns


def kept(account: Account, register: Register, menu: Menu) -> tuple[str, ...]:
    """What the account's list shows: field names, and ``region`` among them."""
    every: Mapping[str, list[str]] = account.list_columns or {}
    own = [ledger_columns.REGION, *menu.ledger.split()] if menu.ledger else None
    return ledger_columns.chosen(register, every.get(_key(register, menu), own))


def keep(register: Register, menu: Menu, names: Sequence[str] | None) -> None:
    """Show these columns from now on; None: those of the declaration again. The caller commits.

    :raises Invalid: no fields, unknown ones, or too many.
    """
    actor = current_actor()
    account = db.session.scalar(
        select(Account).where(Account.uuid == (actor.account_id if actor else None))
    )
    if account is None:
        raise Forbidden(_("请先登录。"))
    every = dict(account.list_columns or {})
    every.pop(_key(register, menu), None)
    if names is not None:
        _check(register, names)
        columns = ledger_columns.chosen(register, names)
        if columns != ledger_columns.declared(register):
            every[_key(register, menu)] = list(columns)
    account.list_columns = every or None


def _check(register: Register, names: Sequence[str]) -> None:
    known = {*register.model.__fields__, ledger_columns.REGION}
    if not names:
        message = _("请至少再选一列。")
    elif not set(names) <= known:
        message = _("有的项目已不存在，请重新选择。")
    elif len(set(names)) > ledger_columns.MOST:
        most = ledger_columns.MOST
        message = _("最多显示 %(most)s 列，已选 %(n)s 列。", most=most, n=len(set(names)))
    else:
        return
    raise Invalid(message, [Problem("column", "columns", message)])


def _key(register: Register, menu: Menu) -> str:
    return f"{register.name}/{menu.name}"
