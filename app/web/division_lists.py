"""The lists of 行政区划管理, contexts of anju/list.html: the tree, what was found, what is pending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_, select

from app.access import region_search, regions
from app.access.actor import Actor
from app.access.region_changes import ChangeKind, RegionChange
from app.access.regions import Level, Region, in_subtree
from app.actions import divisions
from app.actions.division_publication import moves
from app.actions.divisions import Staged
from app.core.clock import local
from app.core.db import db
from app.core.i18n import _
from app.reports import holdings
from app.web.division_words import (
    URL,
    crowds_of,
    difference,
    names_of,
    published_above,
    tag,
)

PAGE_SIZE = 50
_MOST_CHILDREN = 1000
_MOST_TOLD = 5


def children(actor: Actor, node: Staged) -> dict[str, Any]:
    """The divisions directly below one, those to come among them."""
    rows: list[Staged] = []
    counts: dict[int, int] = {}
    region = node.region
    if region is not None:
        now = regions.children(region)
        counts = holdings.of_children(region, now)
        pending = pending_of([one.id for one in now])
        rows = [Staged(one, pending.get(one.id)) for one in now]
    known = {one.id for one in rows}
    rows += [one for one in divisions.children(node.id) if one.id not in known]
    rows.sort(key=lambda one: (one.level, one.values["sort"], one.values["code"]))
    level = next(iter(divisions.levels_below(node.level)), None)
    actions = [*_area_actions(actor, region or published_above(node))]
    if level is not None:
        actions.insert(0, {"label": _("新增"), "url": f"{URL}new?parent={node.id}", "icon": "plus"})
    return _ledger(
        title=_("行政区划管理"),
        rows=[_row(one, counts, actor) for one in rows[:_MOST_CHILDREN]],
        count=_("%(n)s 个", n=f"{len(rows):,}"),
        intro=_("%(name)s的下级行政区划", name=region.full_name if region else node.name),
        actions=actions,
        exports=_exports(region),
        query="",
        empty=_("“%(name)s”下还没有行政区划", name=node.name),
        hint=_("点“新增”添加，或用“导入”从Excel批量添加。") if level else "",
    )


def found(actor: Actor, query: str) -> dict[str, Any]:
    """Divisions of the account's area by name, code, initials, or what they were called before."""
    entries = region_search.search(query, actor.path)
    rows = {
        one.id: one
        for one in db.session.scalars(select(Region).where(Region.id.in_([e.id for e in entries])))
    }
    pending = pending_of(list(rows))
    nodes = [Staged(rows[e.id], pending.get(e.id)) for e in entries if e.id in rows]
    new = select(RegionChange).where(
        RegionChange.kind == ChangeKind.ADD,
        in_subtree(RegionChange.path, actor.path),
        or_(
            RegionChange.name.contains(query, autoescape=True),
            RegionChange.code.startswith(query, autoescape=True),
        ),
    )
    nodes += [Staged(None, one) for one in db.session.scalars(new.limit(region_search.LIMIT))]
    counts = holdings.of_each([one.region for one in nodes if one.region is not None])
    former = {e.id: e.former for e in entries if e.former}
    return _ledger(
        title=_("查找“%(query)s”", query=query),
        rows=[_row(one, counts, actor, former.get(one.id, "")) for one in nodes],
        count=_("%(n)s 个", n=len(nodes)),
        intro=_("按名称、代码、拼音首字母查找，也可用原来的名称和代码。"),
        actions=[],
        query=query,
        empty=_("没有找到行政区划"),
        hint=_("请换个写法；只查找您管辖范围内的行政区划。"),
    )


def _ledger(
    *, title: str, rows: list[Any], count: str, intro: str, actions: list[Any], query: str,
    empty: str, hint: str, exports: Sequence[Any] = (),
) -> dict[str, Any]:  # fmt: skip
    return {
        "name": "divisions",
        "title": title,
        "count_text": count,
        "intro": intro,
        "filters": [
            {"name": "q", "label": _("名称、代码或拼音首字母"), "kind": "text", "value": query}
        ],
        "chips": [{"label": query, "remove_url": URL}] if query else [],
        "reset_url": URL,
        "columns": [
            {"name": "name", "label": _("名称"), "kind": "text"},
            {"name": "code", "label": _("代码"), "kind": "id"},
            {"name": "national_code", "label": _("国家编码"), "kind": "id", "off": True},
            {"name": "level", "label": _("级别"), "kind": "text"},
            {"name": "full_name", "label": _("全称"), "kind": "text"},
            {"name": "department", "label": _("管理部门类别"), "kind": "text", "off": True},
            {"name": "sort", "label": _("排序"), "kind": "number"},
            {"name": "households", "label": _("农户数据"), "kind": "number"},
            {"name": "pending", "label": _("待生效"), "kind": "tag"},
        ],
        "rows": rows,
        "actions": actions,
        "exports": list(exports),
        "empty": {"title": empty, "hint": hint},
    }


def _row(one: Staged, counts: Mapping[int, int], actor: Actor, former: str = "") -> dict[str, Any]:
    values, region = one.values, one.region
    count = counts.get(one.id, 0)
    was = _("原名：%(name)s", name=former) if former else None
    if region is not None and region.name != values["name"]:
        was = _("现名：%(name)s", name=region.name)
    url = f"{URL}{one.id}"
    actions = []
    if one.level < Level.VILLAGE:
        actions.append({"label": _("下级"), "url": f"{URL}?region={one.id}", "primary": True})
        if not one.leaves:
            actions.append({"label": _("添加子级"), "url": f"{URL}new?parent={one.id}"})
    own = region is not None and region.path == actor.path
    actions.append({"label": _("查看") if own else _("维护"), "url": url})
    return {
        "id": str(one.id),
        "url": url,
        "cells": [
            {"kind": "text", "text": values["name"], "sub": was},
            {"kind": "id", "text": values["code"]},
            {"kind": "id", "text": values["national_code"]},
            {"kind": "text", "text": one.level.label},
            {"kind": "text", "text": region.full_name if region is not None else ""},
            {"kind": "text", "text": values["department"]},
            {"kind": "number", "text": str(values["sort"])},
            {"kind": "number", "text": f"{count:,}" if count else ""},
            tag(one.change) if one.change else {"kind": "text", "text": ""},
        ],
        "actions": actions,
    }


def _area_actions(actor: Actor, area: Region) -> list[dict[str, Any]]:
    n = divisions.pending_count(area.path)
    label = _("待生效变更（%(n)s）", n=f"{n:,}") if n else _("待生效变更")
    return [
        {"label": _("导入"), "url": f"{URL}import/", "icon": "upload"},
        {"label": label, "url": f"{URL}changes?region={area.id}", "primary": bool(n)},
    ]


def _exports(area: Region | None) -> list[dict[str, Any]]:
    if area is None:
        return []
    later = area.level < Level.CITY
    page = "export/start" if later else "export"
    return [
        {
            "label": label,
            "url": f"{URL}{page}?region={area.id}&format={form}",
            "post": later,
        }
        for label, form in (("Excel", "xlsx"), ("CSV", "csv"))
    ]


def pending_of(keys: Sequence[int]) -> dict[int, RegionChange]:
    query = select(RegionChange).where(RegionChange.region_id.in_(keys))
    return {one.region_id: one for one in db.session.scalars(query)}


def pending(actor: Actor, area: Region, page: int, obstacles: Sequence[Any]) -> dict[str, Any]:
    """What 立即生效 of an area will do, change by change."""
    here = divisions.inside(area)
    order = (RegionChange.level, RegionChange.path, RegionChange.sort, RegionChange.region_id)
    query = select(RegionChange).where(here).order_by(*order)
    changes = list(db.session.scalars(query.offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE)))
    total = db.session.scalar(select(func.count()).select_from(RegionChange).where(here)) or 0
    everything = divisions.pending_count(area.path)
    names = names_of(changes)
    now = {
        one.id: one
        for one in db.session.scalars(
            select(Region).where(Region.id.in_([c.region_id for c in changes]))
        )
    }
    kinds = {c.region_id: c for c in changes}
    counts = holdings.of_each([r for r in now.values() if _takes_along(kinds[r.id], r)])
    wrong = {one.region_id: one.message for one in obstacles}
    crowds = crowds_of(changes)
    url = f"{URL}changes?region={area.id}"
    actions = []
    if total:
        question = _(
            "%(n)s 项变更将立即用于填报、权限和统计，不能撤回。确定生效吗？", n=f"{total:,}"
        )
        actions = [
            {"label": _("立即生效"), "url": f"{URL}publish?region={area.id}", "post": True,
             "primary": True, "confirm": question, "icon": "check"},
            {"label": _("全部撤销"), "url": f"{URL}cancel?region={area.id}", "post": True,
             "danger": True, "confirm": _("确定撤销这里的全部待生效变更吗？")},
        ]  # fmt: skip
    notices = []
    if obstacles:
        notices.append({"tone": "bad", "text": _("没有生效，请先处理标出的变更。")})
        shown = {change.region_id for change in changes}
        notices += [  # those on other pages of the list
            {"tone": "bad", "text": f"{one.name}{one.message}"}
            for one in [o for o in obstacles if o.region_id not in shown][:_MOST_TOLD]
        ]
    if everything > total:
        text = _(
            "另有%(n)s项乡镇、村的变更，由各市县在本地区内生效；可先选择该市县再生效。",
            n=f"{everything - total:,}",
        )
        notices.append({"tone": "info", "text": text})
    last = (total + PAGE_SIZE - 1) // PAGE_SIZE
    return {
        "name": "division_changes",
        "title": _("待生效变更"),
        "count_text": _("%(n)s 项", n=f"{total:,}"),
        "intro": _("%(name)s：生效前，填报、权限和统计都按原来的行政区划。", name=area.full_name),
        "notices": notices,
        "columns": [
            {"name": "what", "label": _("行政区划"), "kind": "text"},
            {"name": "kind", "label": _("变更"), "kind": "tag"},
            {"name": "before", "label": _("现在"), "kind": "text"},
            {"name": "after", "label": _("生效后"), "kind": "text"},
            {"name": "affects", "label": _("涉及"), "kind": "text"},
            {"name": "who", "label": _("提交人"), "kind": "text"},
        ],
        "rows": [
            _change_row(one, now.get(one.region_id), names, counts, wrong, crowds)
            for one in changes
        ],
        "actions": actions,
        "paging": {
            "position_text": _("第 %(n)s 页，共 %(all)s 页", n=page, all=last),
            "prev_url": f"{url}&page={page - 1}" if page > 1 else None,
            "next_url": f"{url}&page={page + 1}" if page < last else None,
        }
        if last > 1
        else None,
        "empty": {
            "title": _("没有待生效的变更"),
            "hint": _("在列表中新增、修改、移动、合并或删除行政区划后，会列在这里。"),
        },
    }


def _takes_along(change: RegionChange, region: Region) -> bool:
    """Do the households of the division go with the change?"""
    return change.kind != ChangeKind.CHANGE or moves(change, region)


def _change_row(
    change: RegionChange,
    region: Region | None,
    names: Mapping[int, str],
    counts: Mapping[int, int],
    wrong: Mapping[int, str],
    crowds: Mapping[int, str],
) -> dict[str, Any]:
    before, after = difference(change, region, names)
    households = counts.get(change.region_id)
    affects = _("%(n)s 户", n=f"{households:,}") if households else ""
    url = f"{URL}{change.region_id}"
    message = wrong.get(change.region_id)
    where = region.full_name if region else names.get(change.parent_id, "") + change.name
    return {
        "id": str(change.region_id),
        "url": url,
        "cells": [
            {"kind": "text", "text": where, "sub": change.code},
            tag(change) | ({"sub": message} if message else {}),
            {"kind": "text", "text": before},
            {"kind": "text", "text": after},
            {"kind": "text", "text": affects, "sub": crowds.get(change.into_id or 0)},
            {"kind": "text", "text": change.made_by_name,
             "sub": f"{local(change.made_at):%Y-%m-%d %H:%M}"},
        ],
        "actions": [{"label": _("查看"), "url": url}],
    }  # fmt: skip
