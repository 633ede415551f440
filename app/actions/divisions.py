"""Staging of changes to the tree of divisions (spec 01 §Divisions, 2024 manual 行政区划管理).

Nothing here changes the tree: each function writes, replaces or takes back one line of pending
changes, and checks it against the tree as it will be with all that is pending. Each commits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.exc import IntegrityError

from app.access import audit, policy, region_moves
from app.access.actor import Actor, Capability
from app.access.audit import Act
from app.access.region_changes import (
    VALUES,
    ChangeKind,
    RegionChange,
    audit_key,
    wanted,
)
from app.access.region_names import alike
from app.access.regions import (
    CODE_LENGTH,
    DEPARTMENT,
    Level,
    Region,
    in_subtree,
    is_child_of,
    within,
)
from app.actions import division_holdings
from app.core.db import db
from app.core.errors import BadInput, Conflict, Invalid, NotFound
from app.core.i18n import _
from app.core.types import nfc
from app.registry.formats import half_width
from app.registry.rules import Problem

HIGHEST_SORT = 999_999
LONGEST_NAME, LONGEST_DEPARTMENT, LONGEST_FULL_NAME = 60, 40, 200
MERGED = frozenset({Level.TOWN, Level.VILLAGE})

#: Levels that a division of a level may stand directly under.
PARENTS: dict[Level, frozenset[Level]] = {
    Level.PROVINCE: frozenset({Level.NATION}),
    Level.CITY: frozenset({Level.PROVINCE}),
    Level.COUNTY: frozenset({Level.PROVINCE, Level.CITY}),
    Level.TOWN: frozenset({Level.COUNTY}),
    Level.VILLAGE: frozenset({Level.TOWN}),
}
_DIGITS_OF = {
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
    region, change = db.session.get(Region, region_id), db.session.get(RegionChange, region_id)
    return Staged(region, change) if region is not None or change is not None else None


def visible(region_id: int) -> Staged:
    """A division at or below the actor's own.

    :raises Forbidden: no right to maintain divisions. :raises NotFound: outside, or none.
    """
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    found = staged(region_id)
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
    digits = _DIGITS_OF[level]
    above = _DIGITS_OF.get(parent.level, 0)
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


# ---- checking ------------------------------------------------------------------------------


def read_values(given: Mapping[str, str], level: Level, name: str = "") -> dict[str, Any]:
    """The typed values of a form or row: name, code, national_code, sort, department.

    :raises Invalid: with a problem for each that cannot be taken.
    """
    problems: list[Problem] = []

    def wrong(field: str, message: str) -> None:
        problems.append(Problem(field, f"region.{field}", message))

    name = "".join(nfc(given.get("name", name)).split())
    if not name:
        wrong("name", _("请填写名称。"))
    elif len(name) > LONGEST_NAME:
        wrong("name", _("名称不能超过%(n)s个字。", n=LONGEST_NAME))
    elif (
        not name.isprintable() or not any(c.isalpha() for c in name) or re.search("[<>&\"']", name)
    ):
        wrong("name", _("名称只能写文字，例如：甸沙乡。"))
    code = _code(given.get("code", ""), level)
    if code is None:
        wrong("code", _("代码须为12位数字，例如：530129210000。"))
    national = nfc(given.get("national_code", ""))
    national_code = _code(national, level) if national else code
    if national and national_code is None:
        wrong("national_code", _("国家编码须为12位数字。"))
    sort_text = half_width(nfc(given.get("sort", "")))
    sort = _sort_of(code, level) if not sort_text else None
    if sort_text.isascii() and sort_text.isdecimal() and len(sort_text) <= len(str(HIGHEST_SORT)):
        sort = int(sort_text)
    elif sort_text:
        wrong("sort", _("排序须为0至%(n)s的整数。", n=HIGHEST_SORT))
    department = nfc(given.get("department", "")) or DEPARTMENT
    if len(department) > LONGEST_DEPARTMENT:
        wrong("department", _("管理部门类别不能超过%(n)s个字。", n=LONGEST_DEPARTMENT))
    if problems:
        raise Invalid(_("请改正标出的内容。"), problems)
    return {
        "name": name, "code": code, "national_code": national_code, "sort": sort,
        "department": department,
    }  # fmt: skip


def _code(written: str, level: Level) -> str | None:
    """Twelve digits; the short form of a level (610122) is filled up."""
    code = half_width(nfc(written)).replace(" ", "")
    if not (code.isascii() and code.isdecimal()) or len(code) not in (
        CODE_LENGTH, _DIGITS_OF.get(level, CODE_LENGTH),
    ):  # fmt: skip
        return None
    return code.ljust(CODE_LENGTH, "0")


def _sort_of(code: str | None, level: Level) -> int:
    """The number in the level's own digits of the code, as the seed sorts."""
    if code is None:
        return 0
    end = _DIGITS_OF[level]
    return int(code[end - (3 if level >= Level.TOWN else 2) : end])


def _check(
    actor: Actor, node: Staged | None, level: Level, parent: Staged, values: Mapping[str, Any],
    *, moved: bool, force: bool,
) -> bool:  # fmt: skip
    """Whether a similar name was forced. :raises Invalid: the values cannot stand there."""
    node_id = node.id if node is not None else None
    problems = []
    if parent.leaves and (moved or parent.is_deleted):  # what lies in it goes along when it merges
        text = _("“%(name)s”有待生效的删除或合并，其下不能再有行政区划。", name=parent.name)
        problems.append(Problem("parent_id", "region.parent_leaves", text))
    if parent.level not in PARENTS[level]:
        text = _("%(level)s不能直接放在“%(name)s”之下。", level=level.label, name=parent.name)
        problems.append(Problem("parent_id", "region.level", text))
    full = f"{parent.region.full_name if parent.region else parent.name}{values['name']}"
    if len(full) > LONGEST_FULL_NAME:
        text = _("加上上级名称后不能超过%(n)s个字。", n=LONGEST_FULL_NAME)
        problems.append(Problem("name", "region.long", text))
    if owner := _code_taken(node_id, level, values["code"]):
        text = _("代码 %(code)s 已由“%(name)s”使用。", code=values["code"], name=owner)
        problems.append(Problem("code", "region.code_taken", text))
    forced = False
    named = node is None or moved or node.name != values["name"]
    like = [
        one
        for one in (children(parent.id) if named else ())
        if one.id != node_id and one.level == level and alike(values["name"], one.name, level)
    ]
    if like:
        forced = force and may_force(actor, level, parent.level)
        if not forced:
            problems.append(_similar(actor, level, parent, like[0], values["name"]))
    if problems:
        raise Invalid(_("请改正标出的内容。"), problems)
    return forced


def _similar(actor: Actor, level: Level, parent: Staged, other: Staged, name: str) -> Problem:
    same = other.name == name
    text = (
        _("已有同名的“%(name)s”（%(code)s）。", name=other.name, code=other.values["code"])
        if same
        else _("名称与“%(name)s”（%(code)s）相似。", name=other.name, code=other.values["code"])
    )
    if may_force(actor, level, parent.level):
        text += _("确为不同的行政区划时，勾选“确为不同的行政区划”后再保存。")
    else:
        text += _("确为不同的行政区划时，请由上一级管理用户办理。")
    return Problem("name", "region.similar", text)


def _code_taken(node_id: int | None, level: Level, code: str) -> str | None:
    """The name of another division that has this code, or shall have it."""
    pending = select(RegionChange.region_id)
    now = select(Region.name).where(
        Region.level == level, Region.code == code, Region.id.not_in(pending)
    )
    then = select(RegionChange.name).where(
        RegionChange.level == level,
        RegionChange.code == code,
        RegionChange.kind.in_((ChangeKind.ADD, ChangeKind.CHANGE)),
    )
    if node_id is not None:
        now, then = now.where(Region.id != node_id), then.where(RegionChange.region_id != node_id)
    return db.session.scalar(now.limit(1)) or db.session.scalar(then.limit(1))


# ---- staging -------------------------------------------------------------------------------


def stage_add(
    parent_id: int, given: Mapping[str, str], level: Level | None = None, *, force: bool = False
) -> RegionChange:
    """A new division under ``parent_id``.

    :raises Invalid: the values cannot stand. :raises NotFound: the parent lies outside.
    """
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    region_moves.queue_of_publishers(db.session.connection(), alone=False)
    parent = visible(parent_id)
    fitting = levels_below(parent.level)
    level = level or (fitting[0] if fitting else None)
    if level is None or level not in fitting:
        raise BadInput(_("“%(name)s”下不能新增这一级行政区划。", name=parent.name))
    values = read_values(given, level)
    forced = _check(actor, None, level, parent, values, moved=True, force=force)
    (key,) = region_moves.reserve_keys(db.session.connection(), 1)
    change = _line(actor, key, ChangeKind.ADD, level, parent.place, parent.id, values)
    change.forced = forced
    return _keep(change, None)


def stage_change(
    region_id: int,
    given: Mapping[str, str],
    version: int,
    *,
    parent_id: int | None = None,
    force: bool = False,
) -> RegionChange | None:
    """Rename, recode, re-sort or, with another ``parent_id``, move. None: it is as it was.

    :raises Invalid: the values cannot stand. :raises Conflict: another staged something meanwhile.
    """
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    region_moves.queue_of_publishers(db.session.connection(), alone=False)
    node = maintained(region_id)
    _seen(node, version)
    _not_leaving(node)
    above = _parent(node, parent_id)
    typed = {name: str(node.values[name]) for name in VALUES} | dict(given)
    values = read_values(typed, node.level)
    moved = parent_id is not None
    forced = _check(actor, node, node.level, above, values, moved=moved, force=force)
    if parent_id is None:
        values["parent_id"] = node.values["parent_id"]
    else:
        values["parent_id"] = above.id
    if node.region is not None and values == wanted(node.region):
        if node.change is not None:
            _drop(node.change)
        db.session.commit()
        return None
    kind = ChangeKind.CHANGE if node.region is not None else ChangeKind.ADD
    place = _common(_place_of(node), above.place)
    change = _line(actor, node.id, kind, node.level, place, values["parent_id"], values)
    change.forced = forced or (node.change is not None and node.change.forced)
    return _keep(change, node)


def stage_move(
    region_id: int, parent_id: int, version: int, *, force: bool = False
) -> RegionChange | None:
    """Under another parent, as it is. :raises Invalid: into itself, or where it does not fit."""
    return stage_change(region_id, {}, version, parent_id=parent_id, force=force)


def stage_merge(region_id: int, into_id: int, version: int) -> RegionChange:
    """A town or village goes into another one, with all that lies in it.

    :raises Invalid: the two do not fit. :raises NotFound: one of them lies outside.
    """
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    region_moves.queue_of_publishers(db.session.connection(), alone=False)
    node, target = maintained(region_id), maintained(into_id)
    _seen(node, version)
    if node.region is None or node.level not in MERGED:
        raise BadInput(_("只有已生效的乡镇、村可以合并。"))
    text = None
    if target.id == node.id:
        text = _("不能并入它自己。")
    elif target.level != node.level:
        text = _("只能并入同一级的行政区划。")
    elif target.region is None or target.leaves:
        text = _("“%(name)s”尚未生效或有待生效的删除、合并，请先生效或撤销。", name=target.name)
    elif _merging_into(node.id):
        text = _("“%(name)s”还有相关的待生效变更，请先生效或撤销。", name=node.name)
    if text is None and (twice := _children_alike(node, target)):
        text = _(
            "两地都有“%(name)s”，请先合并或更名后再办理。", name=_("、").join(twice[:5])
        )  # else the two could not be told apart any more
    if text:
        raise Invalid(text, [Problem("into_id", "region.merge", text)])
    place = _common(_place_of(node), _place_of(target))
    values = wanted(node.region)
    change = _line(actor, node.id, ChangeKind.MERGE, node.level, place, values["parent_id"], values)
    change.into_id = target.id
    return _keep(change, node)


def stage_delete(region_id: int, version: int) -> RegionChange | None:
    """Away with a division and those below it. A new one that is only pending is taken back: None.

    :raises Invalid: something lies in it, told how many of what.
    """
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    region_moves.queue_of_publishers(db.session.connection(), alone=False)
    node = maintained(region_id)
    _seen(node, version)
    if node.region is None:
        cancel(region_id)
        return None
    text = None
    if _pending_under(node) or _merging_into(node.id):
        text = _("“%(name)s”还有相关的待生效变更，请先生效或撤销。", name=node.name)
    elif held := division_holdings.below(node.region.path):
        text = division_holdings.refusal(node.name, held)
    if text:
        raise Invalid(text, [Problem("delete", "region.delete", text)])
    values = wanted(node.region)
    place = _place_of(node)
    change = _line(
        actor, node.id, ChangeKind.DELETE, node.level, place, values["parent_id"], values
    )
    return _keep(change, node)


def cancel(region_id: int) -> None:
    """Take a pending change back. :raises Conflict: another pending one builds on it."""
    node = maintained(region_id)
    if node.change is None:
        raise Conflict(_("这项变更已经生效或已撤销，请刷新后查看。"))
    if node.change.kind == ChangeKind.ADD and (_depending(node.id) or _merging_into(node.id)):
        raise Conflict(_("“%(name)s”下还有待生效的变更，请先撤销它们。", name=node.name))
    _drop(node.change)
    db.session.commit()


def cancel_all(area_id: int) -> int:
    """Take back all that is pending inside a division; gives how many."""
    area = visible(area_id)
    if area.region is None:
        raise NotFound(_("没有找到该行政区划，或它不在您的管辖范围内。"))
    inside = in_subtree(RegionChange.path, area.region.path)
    found = db.session.execute(delete(RegionChange).where(inside)).rowcount
    _log(Act.UPDATE, area.region.path, area.id, {"cancelled": found, "area": area.name})
    db.session.commit()
    return int(found)


def _seen(node: Staged, version: int) -> None:
    if node.version != version:
        raise Conflict(_("他人刚刚修改了“%(name)s”的待生效变更，请核对后再保存。", name=node.name))


def _not_leaving(node: Staged) -> None:
    if node.leaves:
        raise Conflict(_("“%(name)s”有待生效的删除或合并，请先撤销再修改。", name=node.name))


def _parent(node: Staged, parent_id: int | None) -> Staged:
    """The division above it, as it shall be. :raises Invalid: it would stand under itself."""
    if parent_id is None:
        found = staged(node.values["parent_id"])
        if found is None:
            raise Conflict(_("上级行政区划已经撤销，请刷新后再操作。"))
        return _shown(found)
    at: Staged | None = (target := visible(parent_id))
    while at is not None:
        if at.id == node.id:
            text = _("不能把“%(name)s”移到它自己或它的下级之下。", name=node.name)
            raise Invalid(text, [Problem("parent_id", "region.cycle", text)])
        above = at.values["parent_id"]
        at = staged(above) if above is not None else None
    return target


def _shown(node: Staged) -> Staged:
    """The division itself, of a pseudo-division the one that it groups."""
    if node.region is not None and node.region.structural and node.region.parent_id is not None:
        return staged(node.region.parent_id) or node
    return node


def _place_of(node: Staged) -> str:
    """Inside what a division is changed: its parent as it is now."""
    if node.region is None:
        return node.place
    return ".".join(node.region.path.split(".")[:-2]) + "."


def _common(one: str, other: str) -> str:
    """The path of the lowest division that holds both."""
    pairs = zip(one.split(".")[:-1], other.split(".")[:-1], strict=False)
    labels: list[str] = []
    for left, right in pairs:
        if left != right:
            break
        labels.append(left)
    return ".".join(labels) + "."


def shown_above(node: Staged) -> Staged | None:
    """The division above, as it shall be; of a county in a pseudo-division the province."""
    found = staged(node.values["parent_id"]) if node.values["parent_id"] is not None else None
    return _shown(found) if found is not None else None


def common_place(node: Staged, other: str) -> str:
    """The path of the lowest division that holds a division as it is and another place."""
    return _common(_place_of(node), other)


def _depending(region_id: int) -> bool:
    pending = select(RegionChange.region_id).where(
        RegionChange.parent_id == region_id, RegionChange.kind == ChangeKind.ADD
    )
    moving = (
        select(RegionChange.region_id)
        .join(Region, Region.id == RegionChange.region_id)
        .where(RegionChange.parent_id == region_id, Region.parent_id != region_id)
    )
    return any(db.session.scalar(query.limit(1)) is not None for query in (pending, moving))


def _pending_under(node: Staged) -> bool:
    """Does a pending change build on what lies in this division? Those that leave it do not."""
    if _depending(node.id) or node.region is None:
        return _depending(node.id)
    path = node.region.path
    inside: ColumnElement[bool] = in_subtree(Region.path, path) & (Region.id != node.id)
    changes = select(RegionChange).join(Region, Region.id == RegionChange.region_id).where(inside)
    for change in db.session.scalars(changes):
        if change.kind == ChangeKind.DELETE:
            continue
        goes_to = change.into_id if change.kind == ChangeKind.MERGE else change.parent_id
        target = staged(goes_to) if goes_to is not None else None
        if target is None or within(target.place, path):
            return True
    below = select(Region.id).where(inside)
    coming = select(RegionChange.region_id).where(
        or_(RegionChange.parent_id.in_(below), RegionChange.into_id.in_(below)),
        RegionChange.region_id.not_in(below),
    )
    return db.session.scalar(coming.limit(1)) is not None


def _merging_into(region_id: int) -> bool:
    query = select(RegionChange.region_id).where(RegionChange.into_id == region_id)
    return db.session.scalar(query.limit(1)) is not None


def _children_alike(node: Staged, target: Staged) -> list[str]:
    """Names of children that both have."""
    if node.level == Level.VILLAGE:
        return []
    there = [one.name for one in children(target.id)]
    return [
        one.name
        for one in children(node.id)
        if any(alike(one.name, name, one.level) for name in there)
    ]


# ---- writing -------------------------------------------------------------------------------


def _line(
    actor: Actor,
    key: int,
    kind: ChangeKind,
    level: Level,
    place: str,
    parent_id: int,
    values: Mapping[str, Any],
) -> RegionChange:
    if not within(place, actor.path):
        raise NotFound(_("没有找到该行政区划，或它不在您的管辖范围内。"))
    return RegionChange(
        region_id=key, kind=kind, level=level, path=place, version=1,
        made_by=actor.account_id, made_by_name=actor.name,
        **{name: values[name] for name in VALUES if name != "parent_id"}, parent_id=parent_id,
    )  # fmt: skip


def _keep(change: RegionChange, node: Staged | None) -> RegionChange:
    """Write it in place of what was pending before, with its line in the audit log; commits."""
    before = node.values if node else None
    after = {name: getattr(change, name) for name in VALUES}
    if node is not None and node.change is not None:
        change.version = node.change.version + 1
        db.session.delete(node.change)
        db.session.flush()
    db.session.add(change)
    detail: dict[str, Any] = {"staged": change.kind.value, "name": change.name}
    detail |= {"code": change.code, "forced": change.forced, "into": _full_name(change.into_id)}
    changes = {
        name: [before[name] if before else None, after[name]]
        for name in VALUES
        if before is None or before[name] != after[name]
    }
    if "parent_id" in changes:
        changes["parent_id"] = [_full_name(parent) for parent in changes["parent_id"]]
    detail["changes"] = changes
    _log(Act.UPDATE, change.path, change.region_id, detail)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Conflict(
            _("他人刚刚修改了“%(name)s”的待生效变更，请核对后再保存。", name=change.name)
        ) from None
    return change


def _full_name(region_id: int | None) -> str | None:
    """A division as the audit log tells it; one that is only staged has no full name yet."""
    region = db.session.get(Region, region_id) if region_id is not None else None
    return region.full_name if region is not None else None


def _drop(change: RegionChange) -> None:
    detail = {"cancelled": change.kind.value, "name": change.name, "code": change.code}
    _log(Act.UPDATE, change.path, change.region_id, detail)
    db.session.delete(change)


@dataclass(frozen=True)
class _At:
    """Where an audit entry about a division belongs, and under which key."""

    path: str
    id: Any


def _log(act: Act, path: str, region_id: int, detail: dict[str, Any]) -> None:
    row = _At(path, audit_key(region_id))
    audit.record(db.session(), act, register="region", row=row, detail=detail)


def pending_count(path: str) -> int:
    """How many changes are pending inside a division."""
    query = select(func.count()).select_from(RegionChange)
    return db.session.scalar(query.where(in_subtree(RegionChange.path, path))) or 0
