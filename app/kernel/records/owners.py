"""谁录入谁管理: in a register that is ``owned`` only the account that entered a record changes it
(2024 manual 1.2.4). When that account is closed, its manager takes the record over.

Which account that is stays with the record; who may change it follows, so that whoever succeeds a
manager manages what was left to that one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from app.access.account import Account
from app.access.accounts import managing
from app.access.actor import Actor, Kind
from app.core.db import db
from app.core.errors import Forbidden
from app.core.i18n import _


def own(row: Any, actor: Actor) -> None:
    """The record is the actor's from now on."""
    row.entered_by, row.entered_name = actor.account_id, actor.name


def keeps(row: Any, actor: Actor) -> bool:
    """May the actor change this record of an ``owned`` register?"""
    return row.entered_by in kept_by([row.entered_by], actor)


def kept_by(owners: Iterable[uuid.UUID | None], actor: Actor) -> set[uuid.UUID | None]:
    """Of the accounts that entered records those whose records the actor may change."""
    others = set(owners) - {actor.account_id}
    kept: set[uuid.UUID | None] = {actor.account_id}
    if others and actor.kind == Kind.MANAGER:
        query = select(Account).where(Account.uuid.in_(others - {None}), ~Account.active)
        kept |= {a.uuid for a in db.session.scalars(query) if _succeeds(actor, a)} | {None}
    return kept


def _succeeds(actor: Actor, closed: Account) -> bool:
    """The manager of a closed account, or who is manager of its division now."""
    return managing.manages(actor, closed) or closed.path == actor.path


def require(row: Any, actor: Actor) -> None:
    """:raises Forbidden: another account entered the record and is still there."""
    if not keeps(row, actor):
        raise Forbidden(
            _(
                "该记录由“%(who)s”录入，只有录入人可以修改；您可以查看。",
                who=row.entered_name,
            )
        )
