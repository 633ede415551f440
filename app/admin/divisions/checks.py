"""What stands against a change of the tree, as it will be with all that is pending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from app.access.actor import Actor
from app.access.divisions.former import ChangeKind, RegionChange
from app.access.divisions.names import alike
from app.access.divisions.regions import Level, Region, in_subtree, within
from app.admin.divisions.reading import PARENTS, Staged, children, may_force, staged
from app.admin.divisions.values import LONGEST_FULL_NAME
from app.core.db import db
from app.core.errors import Invalid
from app.core.i18n import _
from app.kernel.declare.rules import Problem


def require_sound(
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


def twins(node: Staged, target: Staged) -> list[tuple[Staged, Staged]]:
    """Children that could not be told apart from one of ``target`` if the two merged, each with
    that one.
    """
    if node.level == Level.VILLAGE:
        return []
    there = children(target.id)
    found = []
    for one in children(node.id):
        twin = next((other for other in there if alike(one.name, other.name, one.level)), None)
        if twin is not None:
            found.append((one, twin))
    return found


def depending(region_id: int) -> bool:
    pending = select(RegionChange.region_id).where(
        RegionChange.parent_id == region_id, RegionChange.kind == ChangeKind.ADD
    )
    moving = (
        select(RegionChange.region_id)
        .join(Region, Region.id == RegionChange.region_id)
        .where(RegionChange.parent_id == region_id, Region.parent_id != region_id)
    )
    return any(db.session.scalar(query.limit(1)) is not None for query in (pending, moving))


def pending_under(node: Staged) -> bool:
    """Does a pending change build on what lies in this division? Those that leave it do not."""
    if depending(node.id) or node.region is None:
        return depending(node.id)
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


def merging_into(region_id: int) -> bool:
    query = select(RegionChange.region_id).where(RegionChange.into_id == region_id)
    return db.session.scalar(query.limit(1)) is not None
