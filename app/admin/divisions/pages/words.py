"""What every page of 行政区划管理 says of a division and of a change of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import or_, select

from app.access.divisions import regions
from app.access.divisions.former import VALUES, ChangeKind, RegionChange
from app.access.divisions.regions import Region, within
from app.access.scope import current_actor
from app.admin.divisions import crowds as division_crowds
from app.admin.divisions import reading as divisions
from app.admin.divisions.reading import Staged
from app.core.db import db
from app.core.i18n import _, lazy, translate

URL = "/divisions/"
LABELS = {
    "name": lazy("名称"),
    "code": lazy("代码"),
    "national_code": lazy("国家编码"),
    "sort": lazy("排序"),
    "department": lazy("管理部门类别"),
    "parent_id": lazy("上级行政区划"),
}
_TONES = {
    ChangeKind.ADD: "good",
    ChangeKind.CHANGE: "info",
    ChangeKind.MERGE: "warn",
    ChangeKind.DELETE: "bad",
}


def tag(change: RegionChange) -> dict[str, str]:
    return {"text": translate(change.kind.zh), "tone": _TONES[change.kind]}


def difference(
    change: RegionChange, region: Region | None, names: Mapping[int, str]
) -> tuple[str, str]:
    """In words: how it is, how it will be."""
    if change.kind == ChangeKind.MERGE:
        return (region.name if region else ""), _(
            "并入%(name)s", name=names.get(change.into_id or 0, "")
        )
    if change.kind == ChangeKind.DELETE:
        return (region.name if region else ""), _("删除")
    if region is None:
        return "", _("%(level)s，代码 %(code)s", level=change.level.label, code=change.code)
    before, after = [], []
    for name in VALUES:
        old, new = getattr(region, name), getattr(change, name)
        if old != new:
            if name == "parent_id":
                old, new = names.get(old, ""), names.get(new, "")
            label = str(LABELS[name])
            before.append(_("%(label)s：%(value)s", label=label, value=old))
            after.append(_("%(label)s：%(value)s", label=label, value=new))
    return _("；").join(before), _("；").join(after)


def names_of(changes: Sequence[RegionChange]) -> dict[int, str]:
    """Full names of the divisions that the changes speak of, pending ones by their own name."""
    keys = {key for c in changes for key in (c.parent_id, c.into_id) if key is not None}
    old = select(Region.parent_id).where(Region.id.in_([c.region_id for c in changes]))
    query = select(Region.id, Region.full_name).where(or_(Region.id.in_(keys), Region.id.in_(old)))
    found = dict(db.session.execute(query).all())
    new = select(RegionChange.region_id, RegionChange.name)
    missing = new.where(RegionChange.region_id.in_(keys - found.keys()))
    return found | dict(db.session.execute(missing).all())


def parent_of(node: Staged) -> Region:
    """The published division above it, that is shown; its own where there is none."""
    found = divisions.staged(node.values["parent_id"]) if node.values["parent_id"] else None
    region = found.region if found is not None else None
    if region is not None and region.structural and region.parent_id is not None:
        region = regions.get(region.parent_id)
    return region or published_above(node)


def area_of(node: Staged) -> Region:
    """The division inside which its pending change is published."""
    actor = current_actor()
    above = parent_of(node)
    own = regions.get(actor.region_id) if actor else None
    return above if own is None or within(above.path, own.path) else own


def published_above(node: Staged) -> Region:
    return regions.along(node.place)[-1]


def crowds_of(changes: Sequence[RegionChange]) -> dict[int, str]:
    """Key of a division that others merge into -> of which accounts it will have too many."""
    keys = {change.into_id for change in changes if change.kind == ChangeKind.MERGE}
    if not keys:
        return {}
    merging = select(Region, RegionChange.into_id).join(
        RegionChange, RegionChange.region_id == Region.id
    )
    coming: dict[Region, list[Region]] = {
        target: [] for target in db.session.scalars(select(Region).where(Region.id.in_(keys)))
    }
    targets = {target.id: target for target in coming}
    for region, into_id in db.session.execute(merging.where(RegionChange.into_id.in_(keys))):
        if into_id in targets:
            coming[targets[into_id]].append(region)
    return {
        key: "".join(crowd.text for crowd in found)
        for key, found in division_crowds.crowds(coming).items()
    }
