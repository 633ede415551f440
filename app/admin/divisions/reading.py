"""The tree of divisions as it will be: each division with the change that is pending of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions import asked as region_asked
from app.access.divisions.former import VALUES, ChangeKind, RegionChange, wanted
from app.access.divisions.regions import CODE_LENGTH, Level, Region, in_subtree, is_child_of, within
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _

MERGED = frozenset({Level.TOWN, Level.VILLAGE})
#: Levels that a division of a level may stand directly under.
PARENTS: dict[Level, frozenset[Level]] = {
    Level.PROVINCE: frozenset({Level.NATION}),
    Level.CITY: frozenset({Level.PROVINCE}),
    Level.COUNTY: frozenset({Level.PROVINCE, Level.CITY}),
    Level.TOWN: frozenset({Level.COUNTY}),
    Level.VILLAGE: frozenset({Level.TOWN}),
}
DIGITS_OF = {
    Level.PROVINCE: 2, Level.CITY: 4, Level.COUNTY: 6, Level.TOWN: 9, Level.VILLAGE: 12,
}  # fmt: skip
_LEAVING = (ChangeKind.MERGE, ChangeKind.DELETE)


@dataclass(frozen=True)
class Staged:
    """A division as it is (``region``, None if it is not there yet) and as it shall be."""

    region: Region | None
    change: RegionChange | None

    @property
    def id(self) -> int:
        return self.change.region_id if self.change else self._published.id

    @property
    def level(self) -> Level:
        return self.change.level if self.change else self._published.level

    @property
    def values(self) -> dict[str, Any]:
        """Name, codes, sort, department and parent, with what is pending."""
        if self.change is not None and self.change.kind not in _LEAVING:
            return {name: getattr(self.change, name) for name in VALUES}
        return wanted(self._published)

    @property
    def name(self) -> str:
        return str(self.values["name"])

    @property
    def version(self) -> int:
        """What a form saw; 0 where nothing is pending."""
        return self.change.version if self.change else 0

    @property
    def leaves(self) -> bool:
        """Will it be gone?"""
        return self.change is not None and self.change.kind in _LEAVING

    @property
    def is_deleted(self) -> bool:
        """Will it be gone with all below it?"""
        return self.change is not None and self.change.kind == ChangeKind.DELETE

    @property
    def place(self) -> str:
        """The path at which something below it may be staged: its own, or of a new one the path of
        the nearest division that is there.
        """
        return self.region.path if self.region is not None else self._pending.path

    @property
    def _published(self) -> Region:
        if self.region is None:
            raise LookupError("neither published nor pending")
        return self.region

    @property
    def _pending(self) -> RegionChange:
        if self.change is None:
            raise LookupError("neither published nor pending")
        return self.change


def staged(region_id: int) -> Staged | None:
    """A division with what is pending of it, whoever it belongs to."""
    # As it is now: what is staged is decided by it, and a page may have shown it before.
    change = db.session.get(RegionChange, region_id, populate_existing=True)
    # Whole: that of the account itself came with it, without what few pages show.
    region = db.session.get(Region, region_id, populate_existing=True)
    return Staged(region, change) if region is not None or change is not None else None


def visible(region_id: int) -> Staged:
    """A division at or below the actor's own.

    :raises Forbidden: no right to maintain divisions. :raises NotFound: outside, or none.
    """
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    found = staged(region_id)
    if found is None:
        region_asked.require_not_merged(db.session, region_id, actor.path)
    structural = found is not None and found.region is not None and found.region.structural
    if found is None or structural or not within(found.place, actor.path):
        raise NotFound(_("没有找到该行政区划，或它不在您的管辖范围内。"))
    return found


def maintained(region_id: int) -> Staged:
    """A division strictly below the actor's own: one that it may change."""
    found = visible(region_id)
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    if found.region is not None and found.region.path == actor.path:
        raise NotFound(_("本级行政区划由上级管理用户维护。"))
    return found


def may_force(actor: Actor, level: Level, parent: Level) -> bool:
    """May the actor insist on a similar name? The manager one level above the one who keeps such
    divisions: towns and villages are the county's, others those of the division above.
    """
    keeper = Level.COUNTY if level >= Level.TOWN else parent
    return actor.level < keeper or actor.level == Level.NATION


def levels_below(level: Level) -> list[Level]:
    """Levels that a new child may have, the usual one first."""
    return [one for one in Level if level in PARENTS.get(one, ())]


def suggestion(parent: Staged, level: Level) -> dict[str, Any]:
    """What a form for a new child begins with: the next free code and sort number."""
    digits = DIGITS_OF[level]
    above = DIGITS_OF.get(parent.level, 0)
    stem = str(parent.values["code"])[:above]
    codes = {str(one.values["code"]) for one in children(parent.id) if one.level == level}
    used = [int(c[above:digits]) for c in codes if c[:above] == stem and c[above:digits].isdigit()]
    number = max(used, default=0) + 1
    tail = str(number).zfill(digits - above)
    code = (stem + tail).ljust(CODE_LENGTH, "0") if len(tail) == digits - above else ""
    return {"code": code, "sort": number, "department": parent.values["department"]}


def children(parent_id: int) -> list[Staged]:
    """The divisions directly under one, as they will be; those that leave are not among them."""
    pending = select(RegionChange.region_id)
    kept = select(Region).where(is_child_of(parent_id), Region.id.not_in(pending))
    groups = select(Region.id).where(Region.parent_id == parent_id, Region.structural)
    here = or_(RegionChange.parent_id == parent_id, RegionChange.parent_id.in_(groups))
    coming = select(RegionChange, Region).outerjoin(Region, Region.id == RegionChange.region_id)
    coming = coming.where(here, RegionChange.kind.in_((ChangeKind.ADD, ChangeKind.CHANGE)))
    found = [Staged(region, None) for region in db.session.scalars(kept)]
    return found + [Staged(region, change) for change, region in db.session.execute(coming)]


def shown_above(node: Staged) -> Staged | None:
    """The division above, as it shall be; of a county in a pseudo-division the province."""
    found = staged(node.values["parent_id"]) if node.values["parent_id"] is not None else None
    return shown(found) if found is not None else None


def common_place(node: Staged, other: str) -> str:
    """The path of the lowest division that holds a division as it is and another place."""
    return common(place_of(node), other)


def inside(area: Region) -> ColumnElement[bool]:
    """What 立即生效 of an area takes: towns and villages are published city by city or county by
    county (2024 manual: 以市级为单位); a province or the nation publishes counties and above.
    """
    there = in_subtree(RegionChange.path, area.path)
    return there if area.level >= Level.CITY else there & (RegionChange.level <= Level.COUNTY)


def pending_count(path: str) -> int:
    """How many changes are pending inside a division."""
    query = select(func.count()).select_from(RegionChange)
    return db.session.scalar(query.where(in_subtree(RegionChange.path, path))) or 0


def shown(node: Staged) -> Staged:
    """The division itself, of a pseudo-division the one that it groups."""
    if node.region is not None and node.region.structural and node.region.parent_id is not None:
        return staged(node.region.parent_id) or node
    return node


def place_of(node: Staged) -> str:
    """Inside what a division is changed: its parent as it is now."""
    if node.region is None:
        return node.place
    return ".".join(node.region.path.split(".")[:-2]) + "."


def common(one: str, other: str) -> str:
    """The path of the lowest division that holds both."""
    pairs = zip(one.split(".")[:-1], other.split(".")[:-1], strict=False)
    labels: list[str] = []
    for left, right in pairs:
        if left != right:
            break
        labels.append(left)
    return ".".join(labels) + "."
