"""What divisions give those below them to do: read, and set by a division's own managers.

The guard of the area knows no rows above the county: each function here looks at the area itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.access.scope import hold, in_scope
from app.core.db import db
from app.core.errors import BadInput, Conflict, Forbidden, NotFound
from app.core.i18n import _
from app.kernel.declare.register import Register
from app.kernel.quotas.rows import Quota

#: The largest number that one division is given.
MOST = 9_999_999


def given(register: Register, region: Region, year: int | None, kind: str = "") -> dict[int, int]:
    """Key of a division -> what ``region`` gave it, of a year (None: all), of a kind (empty: all). One
    statement; what was never given is not there.

    :raises NotFound: the region lies outside the actor's area.
    """
    if not in_scope(region.path):
        raise NotFound(_("没有找到该地区。它可能不存在，或不在您的管辖范围内。"))
    query = _of(register, year, kind).where(Quota.giver_id == region.id)
    return {key: int(n) for key, n in db.session.execute(query.group_by(Quota.region_id))}


def received(register: Register, region: Region, year: int | None, kind: str = "") -> int | None:
    """What stands above gave the region to do; None: nothing was given.

    :raises NotFound: the region lies outside the actor's area.
    """
    if not in_scope(region.path):
        raise NotFound(_("没有找到该地区。它可能不存在，或不在您的管辖范围内。"))
    query = _of(register, year, kind).where(Quota.region_id == region.id)
    found = db.session.execute(query.group_by(Quota.region_id)).first()
    return int(found[1]) if found else None


def _of(register: Register, year: int | None, kind: str) -> Select[int, int]:
    query = select(Quota.region_id, func.sum(Quota.n)).where(Quota.register == register.name)
    query = query if year is None else query.where(Quota.year == year)
    return query.where(Quota.kind == kind) if kind else query


def may_give(register: Register, region: Region, actor: Actor) -> bool:
    """May the account set what this division gives? Its own managers may, from the county up."""
    own = region.id == actor.region_id and region.level <= Level.COUNTY
    return own and register.quotas and actor.has(Capability.QUOTAS, register.name)


def give(
    register: Register,
    region: Region,
    year: int,
    kind: str,
    numbers: Mapping[int, int | None],
    seen: Mapping[int, int | None],
) -> int:
    """Set what ``region`` gives divisions directly below it: key -> number, None takes it back. ``seen`` is
    what the page had shown. Gives how many changed; the caller commits.

    :raises Forbidden: the region is not the account's own, or nothing is given there.
    :raises NotFound: a division that is no child of it.
    :raises BadInput: no number from 0 to :data:`MOST`, no year or kind that is counted.
    :raises Conflict: somebody has set another number meanwhile; :raises TryAgain: a division is moved.
    """
    actor = policy.require(Capability.QUOTAS, register.name)
    if not may_give(register, region, actor):
        raise Forbidden(_("任务量由本级管理用户下达给下一级。"))
    _require_counted(register, year, kind)
    children = {child.id: child for child in regions.children(region)}
    if not children.keys() >= numbers.keys():
        raise NotFound(_("没有找到该地区。它可能不存在，或不在您的管辖范围内。"))
    if any(n is not None and not 0 <= n <= MOST for n in numbers.values()):
        raise BadInput(_("任务量应为 0 至 %(most)s 的整数。", most=f"{MOST:,}"))
    session = db.session()
    _alone(session, region, [children[key] for key in numbers])
    before = given(register, region, year, kind)
    if any(before.get(key) != seen.get(key) for key in numbers):
        raise Conflict(_("任务量刚刚被他人修改，请核对后再保存。"))
    changes = {key: n for key, n in numbers.items() if n != before.get(key)}
    for key, n in changes.items():
        _set(session, register, region, children[key], year, kind, n)
        detail = {"year": year, "of_kind": kind, "from": before.get(key), "to": n}
        audit.record(
            session, Act.SETTING, register=register.name, path=children[key].path, detail=detail
        )
    return len(changes)


def _require_counted(register: Register, year: int, kind: str) -> None:
    if register.years is None or year not in register.years.offered():
        raise BadInput(_("年度有误，请从页面上重新选择。"))
    if kind not in (tuple(register.kinds) or ("",)):
        raise BadInput(_("分类有误，请从页面上重新选择。"))


def _alone(session: Session, giver: Region, receivers: list[Region]) -> None:
    """Two who set what one division gives do so one after the other, and divisions stay where they are:
    those above the county while nothing is published (:data:`app.access.scope.LOCK` of 0).
    """
    places = {(one.id, one.path) for one in (giver, *receivers)}
    hold(session, places, {one.county_id or 0 for one in receivers})
    own = select(Region.id).where(Region.id == giver.id)
    session.execute(own.with_for_update(key_share=True))


def _set(
    session: Session,
    register: Register,
    giver: Region,
    receiver: Region,
    year: int,
    kind: str,
    n: int | None,
) -> None:
    session.execute(
        delete(Quota).where(
            Quota.register == register.name,
            Quota.giver_id == giver.id,
            Quota.region_id == receiver.id,
            Quota.year == year,
            Quota.kind == kind,
        )
    )
    if n is not None:
        session.add(
            Quota(
                register=register.name, giver_id=giver.id, region_id=receiver.id,
                path=receiver.path, year=year, kind=kind, n=n,
            )
        )  # fmt: skip


__all__ = ["MOST", "give", "given", "may_give", "received"]
