"""What divisions give those below them to do: read, and set by a division's own managers.

A row lies at its receiver, at any level (:class:`app.access.scope.Anywhere`): an account sees what its own
division was given and all that is given below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, delete, func, or_, select
from sqlalchemy.orm import Session

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.access.scope import hold, in_scope
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.core.types import nfc
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.declare.tables import QUOTA
from app.kernel.kinds.formats import half_width
from app.kernel.quotas.rows import Quota

#: The largest number that one division is given.
MOST = 9_999_999
#: What is given: the key of a division and how many; None: nothing, or no more.
Numbers = Mapping[int, int | None]


class Meanwhile(Conflict):
    """Somebody has set other numbers since the page was made; ``details["now"]`` has those that stand."""


@dataclass(frozen=True)
class Line:
    """A division: what it was given to do, and what it gave on to those below it; None: nothing."""

    region: Region
    n: int | None
    passed: int | None

    @property
    def left(self) -> int | None:
        """What it has not given on; below 0 where that was more than it was given."""
        return None if self.n is None or self.passed is None else self.n - self.passed


@dataclass(frozen=True)
class Plan:
    """A division's ``own`` line and those of the divisions directly below it."""

    own: Line
    below: tuple[Line, ...]


# ---- reading -------------------------------------------------------------------------------------


def plan(register: Register, region: Region, year: int, kind: str = "") -> Plan:
    """What stands for a division of the actor's area, of a year, of a kind (empty: all). One statement, and
    one for the divisions below.

    :raises NotFound: the region lies outside the actor's area.
    """
    _require_visible(region)
    children = regions.children(region)
    givers = [region.id, *(child.id for child in children)]
    query = _of(register, year, kind).add_columns(Quota.giver_id).group_by(Quota.giver_id)
    query = query.where(or_(Quota.region_id == region.id, Quota.giver_id.in_(givers)))
    got: dict[int, int] = {}
    passed: dict[int, int] = {}
    for key, n, giver in db.session.execute(query):
        if region.id in (giver, key):
            got[key] = got.get(key, 0) + int(n)
        if giver in givers:
            passed[giver] = passed.get(giver, 0) + int(n)
    own, *below = (Line(one, got.get(one.id), passed.get(one.id)) for one in (region, *children))
    return Plan(own, tuple(below))


def given(register: Register, region: Region, year: int | None, kind: str = "") -> dict[int, int]:
    """Key of a division -> what ``region`` gave it, of a year (None: all), of a kind (empty: all). One
    statement; what was never given is not there.

    :raises NotFound: the region lies outside the actor's area.
    """
    _require_visible(region)
    query = _of(register, year, kind).where(Quota.giver_id == region.id)
    return {key: int(n) for key, n in db.session.execute(query)}


def received(register: Register, region: Region, year: int | None, kind: str = "") -> int | None:
    """What stands above gave the region to do; None: nothing was given.

    :raises NotFound: the region lies outside the actor's area.
    """
    _require_visible(region)
    query = _of(register, year, kind).where(Quota.region_id == region.id)
    found = db.session.execute(query).first()
    return int(found[1]) if found else None


def by_place(register: Register, giver: Region, year: int | None, kind: str) -> Select[str, int]:
    """SQL: the path of each division that ``giver`` gave something, and how many; as :func:`given` tells it in the
    own area.
    """
    query = select(Quota.path, func.sum(Quota.n)).where(*_is_of(register, year, kind))
    return query.where(Quota.giver_id == giver.id).group_by(Quota.path)


def _of(register: Register, year: int | None, kind: str) -> Select[int, int]:
    query = select(Quota.region_id, func.sum(Quota.n)).where(*_is_of(register, year, kind))
    return query.group_by(Quota.region_id)


def _is_of(register: Register, year: int | None, kind: str) -> list[ColumnElement[bool]]:
    found = [Quota.register == register.name]
    found += [] if year is None else [Quota.year == year]
    return found + ([Quota.kind == kind] if kind else [])


def _require_visible(region: Region) -> None:
    """The guard shows no quota of another area; this says that there is no such division."""
    if not in_scope(region.path):
        raise NotFound(_("没有找到该地区。它可能不存在，或不在您的管辖范围内。"))


# ---- setting -------------------------------------------------------------------------------------


def may_give(register: Register, region: Region, actor: Actor) -> bool:
    """May the account set what this division gives? Its own managers may, from the county up."""
    own = region.id == actor.region_id and region.level <= Level.COUNTY
    return own and register.quotas and actor.has(Capability.QUOTAS, register.name)


def give(
    register: Register,
    region: Region,
    year: int,
    kind: str,
    numbers: Numbers,
    seen: Numbers,
) -> tuple[Region, ...]:
    """Set what ``region`` gives divisions directly below it: key -> number, None takes it back. ``seen`` is
    what the page had shown. Gives the divisions of which it changed; the caller commits.

    :raises Forbidden: the region is not the account's own, or nothing is given there.
    :raises NotFound: a division that is no child of it.
    :raises Invalid: numbers that are none from 0 to :data:`MOST`, each named by its division; no year or kind
        that is counted.
    :raises Meanwhile: somebody has set another number; :raises TryAgain: a division is moved.
    """
    actor = policy.require(Capability.QUOTAS, register.name)
    if not may_give(register, region, actor):
        raise Forbidden(_("任务量由本级管理用户下达给下一级。"))
    require_counted(register, year, kind)
    children = {child.id: child for child in regions.children(region)}
    if not children.keys() >= numbers.keys():
        raise NotFound(_("没有找到该地区。它可能不存在，或不在您的管辖范围内。"))
    require_numbers({key: n for key, n in numbers.items() if n is not None})
    session = db.session()
    _alone(session, region, [children[key] for key in numbers])
    before = given(register, region, year, kind)
    if other := {key: before.get(key) for key in numbers if before.get(key) != seen.get(key)}:
        raise Meanwhile(_("任务量刚刚被他人修改，请核对后再保存。"), now=other)
    changes = {key: n for key, n in numbers.items() if n != before.get(key)}
    _replace(session, register, region, (year, kind), [(children[k], changes[k]) for k in changes])
    for key, n in changes.items():
        detail = {"year": year, "of_kind": kind, "changes": {QUOTA: [before.get(key), n]}}
        audit.record(
            session, Act.SETTING, register=register.name, path=children[key].path, detail=detail
        )
    return tuple(children[key] for key in changes)


def require_counted(register: Register, year: int, kind: str) -> None:
    """:raises Invalid: no year or kind by which the register counts."""
    problems = []
    if register.years is None or year not in register.years.offered():
        problems.append(Problem("year", "quota.year", _("年度有误，请从页面上重新选择。")))
    if kind not in (tuple(register.kinds) or ("",)):
        problems.append(Problem("kind", "quota.kind", _("分类有误，请从页面上重新选择。")))
    if problems:
        raise Invalid(problems[0].message, problems)


def require_numbers(numbers: Mapping[int, int]) -> None:
    """:raises Invalid: those that nobody is given; each problem's field is the key of its division."""
    wrong = [key for key, n in numbers.items() if not 0 <= n <= MOST]
    if wrong:
        problems = [Problem(str(key), "quota.n", not_a_number()) for key in wrong]
        raise Invalid(_("请改正标出的内容。"), problems)


def read_number(text: str) -> int | None:
    """What was typed or stands in a cell; None: nothing. :raises ValueError: no number that can be given."""
    digits = half_width(nfc(text)).replace(",", "").replace(" ", "")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdecimal()) or int(digits) > MOST:
        raise ValueError(text)
    return int(digits)


def not_a_number() -> str:
    """What is said of what cannot be given."""
    return _("任务量应为 0 至 %(most)s 的整数。", most=f"{MOST:,}")


def _alone(session: Session, giver: Region, receivers: Iterable[Region]) -> None:
    """Two who set what one division gives do so one after the other, and divisions stay where they are:
    those above the county while nothing is published (:data:`app.access.scope.LOCK` of 0).
    """
    receivers = list(receivers)
    places = {(one.id, one.path) for one in (giver, *receivers)}
    hold(session, places, {one.county_id or 0 for one in receivers})
    own = select(Region.id).where(Region.id == giver.id)
    session.execute(own.with_for_update(key_share=True))


def _replace(
    session: Session,
    register: Register,
    giver: Region,
    dim: tuple[int, str],
    changes: Sequence[tuple[Region, int | None]],
) -> None:
    year, kind = dim
    old = delete(Quota).where(
        Quota.register == register.name,
        Quota.giver_id == giver.id,
        Quota.region_id.in_([one.id for one, _n in changes]),
        Quota.year == year,
        Quota.kind == kind,
    )
    session.execute(old)
    session.add_all(
        Quota(
            register=register.name, giver_id=giver.id, region_id=one.id, year=year, kind=kind, n=n,
        )
        for one, n in changes
        if n is not None
    )  # fmt: skip


__all__ = [
    "MOST",
    "Line",
    "Meanwhile",
    "Numbers",
    "Plan",
    "by_place",
    "give",
    "given",
    "may_give",
    "not_a_number",
    "plan",
    "read_number",
    "received",
    "require_counted",
    "require_numbers",
]
