"""谁录入谁管理: in a register that is ``owned`` only the account that entered a record changes it
(2024 manual 1.2.4). When that account may not enter any more (closed, locked, or without the right), its
manager takes the record over.

Which account that is stays with the record; who may change it follows, so that whoever succeeds a
manager manages what was left to that one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from app.access import policy
from app.access.account import Account
from app.access.accounts import managing
from app.access.actor import Actor, Kind
from app.core.db import db
from app.core.errors import Forbidden
from app.core.i18n import _
from app.kernel.declare.register import Register


def own(row: Any, actor: Actor) -> None:
    """The record is the actor's from now on."""
    row.entered_by, row.entered_name = actor.account_id, actor.name


def keeps(register: Register, row: Any, actor: Actor) -> bool:
    """May the actor change this record of an ``owned`` register?"""
    return row.entered_by in kept_by(register, [row.entered_by], actor)


def kept_by(
    register: Register, owners: Iterable[uuid.UUID | None], actor: Actor
) -> set[uuid.UUID | None]:
    """Of the accounts that entered records of the register those whose records the actor may change.
    One statement at most, and of managers alone.
    """
    others = set(owners) - {actor.account_id}
    kept: set[uuid.UUID | None] = {actor.account_id}
    if others and actor.kind == Kind.MANAGER:
        query = select(Account, policy.rights_of(Account.id)).where(Account.uuid.in_(others))
        found = db.session.execute(query).all()
        entering = {one.uuid for one, rights in found if policy.enters(one, rights, register.name)}
        kept |= {one.uuid for one, _rights in found if _succeeds(actor, one)} - entering | {None}
    return kept


def _succeeds(actor: Actor, former: Account) -> bool:
    """The manager of an account, or who is manager of its division now."""
    return managing.manages(actor, former) or former.path == actor.path


def require(register: Register, row: Any, actor: Actor) -> None:
    """:raises Forbidden: another account entered the record and may still change it."""
    if not keeps(register, row, actor):
        raise Forbidden(
            _(
                "该记录由“%(who)s”录入，只有录入人可以修改；您可以查看。",
                who=row.entered_name,
            )
        )
