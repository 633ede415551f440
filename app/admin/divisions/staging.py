"""Staging of changes to the tree of divisions (spec 01 §Divisions, 2024 manual 行政区划管理).

Nothing here changes the tree: each function writes, replaces or takes back one line of pending
changes, and checks it against the tree as it will be with all that is pending.
The view says what belongs together (:mod:`app.core.transactions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.former import VALUES, ChangeKind, RegionChange, audit_key, wanted
from app.access.divisions.names import alike
from app.access.divisions.regions import Level, Region, within
from app.admin.divisions import checks
from app.admin.divisions import holdings as division_holdings
from app.admin.divisions import moves as region_moves
from app.admin.divisions.reading import (
    MERGED,
    Staged,
    children,
    common,
    inside,
    levels_below,
    maintained,
    place_of,
    shown,
    staged,
    visible,
)
from app.admin.divisions.values import read_values
from app.core.db import db
from app.core.errors import BadInput, Conflict, Invalid, NotFound
from app.core.i18n import _
from app.kernel.declare.rules import Problem


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
    forced = checks.require_sound(actor, None, level, parent, values, moved=True, force=force)
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
    typed = _texts(node) | dict(given)
    values = read_values(typed, node.level)
    moved = parent_id is not None
    forced = checks.require_sound(actor, node, node.level, above, values, moved=moved, force=force)
    if parent_id is None:
        values["parent_id"] = node.values["parent_id"]
    else:
        values["parent_id"] = above.id
    if node.region is not None and values == wanted(node.region):
        if node.change is not None:
            _drop(node.change)
        return None
    kind = ChangeKind.CHANGE if node.region is not None else ChangeKind.ADD
    place = common(place_of(node), above.place)
    change = _line(actor, node.id, kind, node.level, place, values["parent_id"], values)
    change.forced = forced or (node.change is not None and node.change.forced)
    return _keep(change, node)


def stage_move(
    region_id: int, parent_id: int, version: int, *, force: bool = False
) -> RegionChange | None:
    """Under another parent, as it is. :raises Invalid: into itself, or where it does not fit."""
    return stage_change(region_id, {}, version, parent_id=parent_id, force=force)


def stage_merge(
    region_id: int, into_id: int, version: int, names: Mapping[int, str] | None = None
) -> RegionChange:
    """A town or village goes into another one, with all that lies in it. Two of its villages could
    not be told apart from villages there: ``names`` are new ones for them, by key, which are
    staged with it.

    :raises Invalid: the two do not fit; a problem of a name has the field :func:`name_field`.
    :raises NotFound: one of them lies outside.
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
    elif checks.merging_into(node.id):
        text = _("“%(name)s”还有相关的待生效变更，请先生效或撤销。", name=node.name)
    if text:
        raise Invalid(text, [Problem("into_id", "region.merge", text)])
    _rename_twins(actor, node, target, names or {})
    place = common(place_of(node), place_of(target))
    values = wanted(node.region)
    change = _line(actor, node.id, ChangeKind.MERGE, node.level, place, values["parent_id"], values)
    change.into_id = target.id
    return _keep(change, node)


def name_field(region_id: int) -> str:
    """The field of a merge's form with the new name of a village that has a twin."""
    return f"name-{region_id}"


def _rename_twins(actor: Actor, node: Staged, target: Staged, names: Mapping[int, str]) -> None:
    """New names for the children that ``target`` has, too."""
    twins = [child for child, _other in checks.twins(node, target)]
    keys = {child.id for child in twins}
    others = [one.name for one in children(target.id)]
    others += [one.name for one in children(node.id) if one.id not in keys]
    problems, renamed = [], []
    for child in twins:
        field = name_field(child.id)
        try:
            values = read_values(_texts(child) | {"name": names.get(child.id, "")}, child.level)
        except Invalid as error:
            problems += [replace(one, field=field) for one in error.problems]
            continue
        like = next((one for one in others if alike(values["name"], one, child.level)), None)
        if like is not None:
            text = _("合并后与“%(name)s”相同或相似，请另取名称。", name=like)
            problems.append(Problem(field, "region.twin", text))
        others.append(values["name"])
        renamed.append((child, values))
    if problems:
        told = _("、").join(child.name for child in twins[:5])
        text = _("两地都有“%(name)s”，请填写合并后的新名称。", name=told)
        raise Invalid(text, [Problem("into_id", "region.twins", text), *problems])
    for child, values in renamed:
        kind = ChangeKind.CHANGE if child.region is not None else ChangeKind.ADD
        parent_id = child.values["parent_id"]
        line = _line(actor, child.id, kind, child.level, place_of(child), parent_id, values)
        _put(line, child)


def _texts(node: Staged) -> dict[str, str]:
    """The values of a division as a form holds them."""
    return {name: str(value) for name, value in node.values.items()}


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
    if checks.pending_under(node) or checks.merging_into(node.id):
        text = _("“%(name)s”还有相关的待生效变更，请先生效或撤销。", name=node.name)
    elif held := division_holdings.below(node.region.path):
        text = division_holdings.refusal(node.name, held)
    if text:
        raise Invalid(text, [Problem("delete", "region.delete", text)])
    values = wanted(node.region)
    place = place_of(node)
    change = _line(
        actor, node.id, ChangeKind.DELETE, node.level, place, values["parent_id"], values
    )
    return _keep(change, node)


def cancel(region_id: int) -> None:
    """Take a pending change back. :raises Conflict: it is gone, or another one builds on it."""
    region_moves.queue_of_publishers(db.session.connection(), alone=False)
    node = maintained(region_id)
    if node.change is None:
        raise _gone()
    if node.change.kind == ChangeKind.ADD and (
        checks.depending(node.id) or checks.merging_into(node.id)
    ):
        raise Conflict(_("“%(name)s”下还有待生效的变更，请先撤销它们。", name=node.name))
    _drop(node.change)


def cancel_all(area_id: int) -> int:
    """Take back all that 立即生效 of a division would publish; gives how many. Nobody stages or takes
    back anything meanwhile.
    """
    region_moves.queue_of_publishers(db.session.connection(), alone=True)
    area = visible(area_id)
    if area.region is None:
        raise NotFound(_("没有找到该行政区划，或它不在您的管辖范围内。"))
    found = db.session.execute(delete(RegionChange).where(inside(area.region))).rowcount
    _log(Act.UPDATE, area.region.path, area.id, {"cancelled": found, "area": area.name})
    return int(found)


def _seen(node: Staged, version: int) -> None:
    if node.version != version:
        raise _meanwhile(node.name)


def _not_leaving(node: Staged) -> None:
    if node.leaves:
        raise Conflict(_("“%(name)s”有待生效的删除或合并，请先撤销再修改。", name=node.name))


def _parent(node: Staged, parent_id: int | None) -> Staged:
    """The division above it, as it shall be. :raises Invalid: it would stand under itself."""
    if parent_id is None:
        found = staged(node.values["parent_id"])
        if found is None:
            raise Conflict(_("上级行政区划已经撤销，请刷新后再操作。"))
        return shown(found)
    at: Staged | None = (target := visible(parent_id))
    while at is not None:
        if at.id == node.id:
            text = _("不能把“%(name)s”移到它自己或它的下级之下。", name=node.name)
            raise Invalid(text, [Problem("parent_id", "region.cycle", text)])
        above = at.values["parent_id"]
        at = staged(above) if above is not None else None
    return target


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
    """:func:`_put` it. :raises Conflict: another staged something meanwhile."""
    name = change.name
    try:
        _put(change, node)
        db.session.flush()
    except IntegrityError:
        raise _meanwhile(name) from None
    return change


def _put(change: RegionChange, node: Staged | None) -> None:
    """Write it in place of what was pending before, with its line in the audit log."""
    before = node.values if node else None
    after = {name: getattr(change, name) for name in VALUES}
    if node is not None and node.change is not None:
        change.version = node.change.version + 1
        if not _took_out(node.change):
            raise _meanwhile(change.name)
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


def _full_name(region_id: int | None) -> str | None:
    """A division as the audit log tells it; one that is only staged has no full name yet."""
    region = db.session.get(Region, region_id) if region_id is not None else None
    return region.full_name if region is not None else None


def _drop(change: RegionChange) -> None:
    detail = {"cancelled": change.kind.value, "name": change.name, "code": change.code}
    _log(Act.UPDATE, change.path, change.region_id, detail)
    if not _took_out(change):
        raise _gone()


def _took_out(change: RegionChange) -> bool:
    """Delete what was read; False: somebody took it back or put another in its place meanwhile."""
    mine = (RegionChange.region_id == change.region_id, RegionChange.version == change.version)
    return bool(db.session.execute(delete(RegionChange).where(*mine)).rowcount)


def _gone() -> Conflict:
    return Conflict(_("这项变更已经生效或已撤销，请刷新后查看。"))


def _meanwhile(name: str) -> Conflict:
    return Conflict(_("他人刚刚修改了“%(name)s”的待生效变更，请核对后再保存。", name=name))


@dataclass(frozen=True)
class _At:
    """Where an audit entry about a division belongs, and under which key."""

    path: str
    id: Any


def _log(act: Act, path: str, region_id: int, detail: dict[str, Any]) -> None:
    row = _At(path, audit_key(region_id))
    audit.record(db.session(), act, register="region", row=row, detail=detail)
