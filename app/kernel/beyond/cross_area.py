"""Lists that reach beyond the own area (spec 01, exception b: the masked province ledger of 05): read
only, masked, each look logged and limited by the hour.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import limits, policy, settings
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import regions
from app.access.divisions.regions import Region
from app.access.limits import Limit
from app.access.scope import unscoped
from app.access.settings import NUMBER, Setting
from app.core.db import db, read_only
from app.core.errors import NotFound
from app.core.i18n import _, mark
from app.core.transactions import transaction
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register

LOOKS = settings.declare(
    Setting(
        "personal.wide",
        mark("每小时查看全省台账次数"),
        NUMBER,
        300,
        lowest=20,
        highest=10_000,
        unit=mark("次"),
        help=mark("每个账号每小时最多打开多少次全省台账的页面，每次记入审计日志。"),
    )
)


def reach(menu: Menu, actor: Actor) -> Actor:
    """The actor as the list sees it: of the division of the menu's level in which it stands."""
    if menu.wide is None or actor.level <= menu.wide:
        return actor
    above = [one for one in regions.along(actor.path) if one.level == menu.wide]
    if not above:
        return actor
    return replace(actor, path=above[0].path, level=above[0].level, region_id=above[0].id)


@contextmanager
def looking(
    register: Register, menu: Menu, asked: dict[str, Any]
) -> Iterator[tuple[Session, Actor]]:
    """A session that sees all, to be asked within the path of the actor beside it alone. The look is
    counted and kept, with what was ``asked``.

    :raises TooMany: too many within the hour.
    """
    actor = policy.require(Capability.SEARCH, register.name)
    most = settings.value(LOOKS.name)
    by_hour = Limit("wide", actor.account_id.hex, most, timedelta(hours=1))
    if (left := limits.full(by_hour)) is not None:
        raise limits.too_many(left)
    with transaction():
        limits.require_one(by_hour)
        detail = {"menu": menu.name, "filter": asked}
        audit.record(db.session, Act.VIEW, register=register.name, detail=detail)
    with read_only(), unscoped("a masked ledger of the province (spec 01, exception b)") as session:
        yield session, reach(menu, actor)


def record(session: Session, register: Register, record_id: uuid.UUID, actor: Actor) -> Any:
    """The record, in the reach of the actor that :func:`looking` gave.

    :raises NotFound: there is none.
    """
    row = session.get(register.model, record_id)
    if row is None or not regions.within(row.path, actor.path):
        raise NotFound(_("没有找到该记录。它可能不存在，或不在您的管辖范围内。"))
    return row


def places(session: Session, paths: set[str]) -> dict[str, Region]:
    """Path -> division, of these paths and all above them; one statement."""
    wanted = {above for path in paths for above in (*regions.ancestor_paths(path), path)}
    query = select(Region).where(Region.path.in_(wanted), ~Region.structural)
    return {region.path: region for region in session.scalars(query)}
