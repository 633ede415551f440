"""What the pages of 行政区划管理 show: contexts of anju/list.html and anju/division.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_, select

from app.access import region_search, regions
from app.access.actor import Actor
from app.access.region_changes import VALUES, ChangeKind, RegionChange, RegionHistory
from app.access.regions import Level, Region, in_subtree, within
from app.access.scope import current_actor
from app.actions import division_holdings, division_publish, divisions
from app.actions.divisions import MERGED, Staged, may_force
from app.core.clock import local
from app.core.db import db
from app.core.i18n import _, lazy, translate
from app.registry.rules import Problem
from app.reports import holdings

URL = "/divisions/"
PAGE_SIZE = 50
SIMILAR = "force"  # among the errors of a form: a name may be insisted on
_MOST_CHILDREN = 1000
_LABELS = {
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


def problem(field: str, message: str) -> Problem:
    """A problem of one field of a form."""
    return Problem(field, f"region.{field}", message)


# ---- lists ---------------------------------------------------------------------------------


def children(actor: Actor, node: Staged) -> dict[str, Any]:
    """The divisions directly below one, those to come among them."""
    rows: list[Staged] = []
    counts: dict[int, int] = {}
    region = node.region
    if region is not None:
        now = regions.children(region)
        counts = holdings.of_children(region, now)
        pending = _pending_of([one.id for one in now])
        rows = [Staged(one, pending.get(one.id)) for one in now]
    known = {one.id for one in rows}
    rows += [one for one in divisions.children(node.id) if one.id not in known]
    rows.sort(key=lambda one: (one.level, one.values["sort"], one.values["code"]))
    level = next(iter(divisions.levels_below(node.level)), None)
    actions = [*_area_actions(actor, region or _published_above(node))]
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
    pending = _pending_of(list(rows))
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
            _tag(one.change) if one.change else {"kind": "text", "text": ""},
        ],
        "actions": actions,
    }


def _tag(change: RegionChange) -> dict[str, Any]:
    return {"kind": "tag", "text": translate(change.kind.zh), "tone": _TONES[change.kind]}


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


def _pending_of(keys: Sequence[int]) -> dict[int, RegionChange]:
    query = select(RegionChange).where(RegionChange.region_id.in_(keys))
    return {one.region_id: one for one in db.session.scalars(query)}


# ---- pending changes -----------------------------------------------------------------------


def pending(actor: Actor, area: Region, page: int, obstacles: Sequence[Any]) -> dict[str, Any]:
    """What 立即生效 of an area will do, change by change."""
    here = division_publish.inside(area)
    order = (RegionChange.level, RegionChange.path, RegionChange.sort, RegionChange.region_id)
    query = select(RegionChange).where(here).order_by(*order)
    changes = list(db.session.scalars(query.offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE)))
    total = db.session.scalar(select(func.count()).select_from(RegionChange).where(here)) or 0
    everything = divisions.pending_count(area.path)
    names = _names(changes)
    now = {
        one.id: one
        for one in db.session.scalars(
            select(Region).where(Region.id.in_([c.region_id for c in changes]))
        )
    }
    counts = holdings.of_each([r for r in now.values() if _affects(now, r, changes)])
    wrong = {one.region_id: one.message for one in obstacles}
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
        "rows": [_change_row(one, now.get(one.region_id), names, counts, wrong) for one in changes],
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


def _affects(now: Mapping[int, Region], region: Region, changes: Sequence[RegionChange]) -> bool:
    change = next(c for c in changes if c.region_id == region.id)
    return change.kind != ChangeKind.CHANGE or change.parent_id != now[region.id].parent_id


def _names(changes: Sequence[RegionChange]) -> dict[int, str]:
    """Full names of the divisions that the changes speak of, pending ones by their own name."""
    keys = {key for c in changes for key in (c.parent_id, c.into_id) if key is not None}
    old = select(Region.parent_id).where(Region.id.in_([c.region_id for c in changes]))
    query = select(Region.id, Region.full_name).where(or_(Region.id.in_(keys), Region.id.in_(old)))
    found = dict(db.session.execute(query).all())
    new = select(RegionChange.region_id, RegionChange.name)
    missing = new.where(RegionChange.region_id.in_(keys - found.keys()))
    return found | dict(db.session.execute(missing).all())


def _change_row(
    change: RegionChange,
    region: Region | None,
    names: Mapping[int, str],
    counts: Mapping[int, int],
    wrong: Mapping[int, str],
) -> dict[str, Any]:
    before, after = _difference(change, region, names)
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
            _tag(change) | ({"sub": message} if message else {}),
            {"kind": "text", "text": before},
            {"kind": "text", "text": after},
            {"kind": "text", "text": affects},
            {"kind": "text", "text": change.made_by_name,
             "sub": f"{local(change.made_at):%Y-%m-%d %H:%M}"},
        ],
        "actions": [{"label": _("查看"), "url": url}],
    }  # fmt: skip


def _difference(
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
            label = str(_LABELS[name])
            before.append(_("%(label)s：%(value)s", label=label, value=old))
            after.append(_("%(label)s：%(value)s", label=label, value=new))
    return _("；").join(before), _("；").join(after)


# ---- one division --------------------------------------------------------------------------


def parent_of(node: Staged) -> Region:
    """The published division above it, that is shown; its own where there is none."""
    found = divisions.staged(node.values["parent_id"]) if node.values["parent_id"] else None
    region = found.region if found is not None else None
    if region is not None and region.structural and region.parent_id is not None:
        region = regions.get(region.parent_id)
    return region or _published_above(node)


def area_of(node: Staged) -> Region:
    """The division inside which its pending change is published."""
    actor = current_actor()
    above = parent_of(node)
    own = regions.get(actor.region_id) if actor else None
    return above if own is None or within(above.path, own.path) else own


def _published_above(node: Staged) -> Region:
    return regions.along(node.place)[-1]


def node_page(
    node: Staged, typed: Mapping[str, Any] | None, errors: dict[str, list[str]]
) -> dict[str, Any]:
    """A division: what is known, what is pending, its values to be changed, its history."""
    actor = current_actor()
    region = node.region
    own = region is not None and actor is not None and region.path == actor.path
    shown = node.values | dict(typed or {})
    page = _page(node, node.name)
    page["trail"].pop()
    held = division_holdings.below(region.path) if region is not None else {}
    page["facts"] = [
        {"label": _("全称"), "text": region.full_name if region else node.name},
        {"label": _("级别"), "text": node.level.label},
        {"label": _("代码"), "text": node.values["code"]},
        {"label": _("国家编码"), "text": node.values["national_code"]},
        {"label": _("管理部门类别"), "text": node.values["department"]},
        {"label": _("上级行政区划"), "text": "" if own else parent_of(node).full_name},
        {"label": _("其下数据"), "text": division_holdings.told(held) or _("没有数据")},
    ]
    page["pending"] = _pending_panel(node)
    page["history"] = _history(node)
    if node.level < Level.VILLAGE:
        url = f"{URL}?region={node.id}"
        page["actions"].append({"label": _("下级行政区划"), "url": url, "icon": "folder"})
    if own or node.leaves:
        return page
    base = f"{URL}{node.id}"
    if region is not None:
        page["actions"].append({"label": _("移动"), "url": f"{base}/move"})
        if node.level in MERGED:
            page["actions"].append({"label": _("合并"), "url": f"{base}/merge"})
    page["actions"].append({"label": _("删除"), "url": f"{base}/delete", "danger": True})
    page["form"] = _form(_("修改"), base, node, _value_fields(shown, errors), errors, _("保存"))
    return page


def new_form(
    parent: Staged, level: Level, typed: Mapping[str, Any], errors: dict[str, list[str]]
) -> dict[str, Any]:
    """A new division under ``parent``."""
    page = _page(parent, _("新增%(level)s行政区划", level=level.label))
    page["facts"] = [
        {"label": _("上级行政区划"), "text": parent.region.full_name if parent.region else parent.name},
        {"label": _("上级代码"), "text": parent.values["code"]},
        {"label": _("级别"), "text": level.label},
    ]  # fmt: skip
    url = f"{URL}new?parent={parent.id}&level={level.name.lower()}"
    page["form"] = _form(page["title"], url, None, _value_fields(typed, errors), errors, _("保存"))
    page["form"]["back_url"] = f"{URL}?region={parent.id}"
    actor = current_actor()
    insists = actor is not None and may_force(actor, level, parent.level)
    page["form"]["force"] = SIMILAR in errors and insists
    for other in divisions.levels_below(parent.level):
        if other != level:
            label = _("改为新增%(level)s", level=other.label)
            other_url = f"{URL}new?parent={parent.id}&level={other.name.lower()}"
            page["actions"].append({"label": label, "url": other_url})
    return page


def move_form(node: Staged, errors: dict[str, list[str]]) -> dict[str, Any]:
    """Another parent."""
    page = _page(node, _("移动"))
    page["facts"] = [
        *_what_goes(node),
        {"label": _("现在的上级"), "text": parent_of(node).full_name},
    ]
    until = max(divisions.PARENTS[node.level])
    fields = [_picker("parent_id", _("新的上级"), until, errors)]
    page["form"] = _form(_("移到哪里"), f"{URL}{node.id}/move", node, fields, errors, _("移动"))
    page["notices"] = [
        {
            "tone": "info",
            "text": _("其下的行政区划、农户、档案、账号和统计一并移动；代码不变，可另行修改。"),
        }
    ]
    return page


def merge_form(node: Staged, errors: dict[str, list[str]]) -> dict[str, Any]:
    """Into another town or village."""
    page = _page(node, _("合并"))
    page["facts"] = _what_goes(node)
    fields = [_picker("into_id", _("并入"), node.level, errors)]
    page["form"] = _form(_("并入哪里"), f"{URL}{node.id}/merge", node, fields, errors, _("合并"))
    text = _("“%(name)s”的全部农户、档案和账号归入新的行政区划，“%(name)s”撤销；", name=node.name)
    text += _("原代码和原名称仍可查到。合并后的账号如超过名额，请及时注销多余的账号。")
    page["notices"] = [{"tone": "warn", "text": text}]
    return page


def delete_form(node: Staged, errors: dict[str, list[str]]) -> dict[str, Any]:
    """What stands against it, or how much goes."""
    page = _page(node, _("删除"))
    page["facts"] = _what_goes(node)
    region = node.region
    held = division_holdings.below(region.path) if region is not None else {}
    if held:
        refused = division_holdings.refusal(node.name, held)
        page["notices"] = [{"tone": "bad", "text": refused}]
        page["actions"] = [{"label": _("返回"), "url": f"{URL}{node.id}"}]
        return page
    below = len(_below(region)) if region is not None else 0
    text = _("“%(name)s”下没有数据，可以删除。", name=node.name)
    if below:
        text += _("其下%(n)s个没有数据的行政区划一并删除。", n=f"{below:,}")
    page["notices"] = [{"tone": "warn", "text": text}]
    page["form"] = _form(_("删除"), f"{URL}{node.id}/delete", node, [], errors, _("删除"))
    page["form"]["danger"] = True
    return page


def _below(region: Region) -> Sequence[int]:
    query = select(Region.id).where(in_subtree(Region.path, region.path), ~Region.structural)
    return db.session.scalars(query.where(Region.id != region.id)).all()


def _what_goes(node: Staged) -> list[dict[str, Any]]:
    region = node.region
    held = division_holdings.below(region.path) if region is not None else {}
    below = len(_below(region)) if region is not None else 0
    return [
        {"label": _("全称"), "text": region.full_name if region else node.name},
        {"label": _("代码"), "text": node.values["code"]},
        {"label": _("下级行政区划"), "text": _("%(n)s 个", n=f"{below:,}")},
        {"label": _("其下数据"), "text": division_holdings.told(held) or _("没有数据")},
    ]


def _page(node: Staged, title: str) -> dict[str, Any]:
    actor = current_actor()
    above = regions.along(node.place)
    trail = [
        (one.name, f"{URL}?region={one.id}")
        for one in above
        if actor is not None and within(one.path, actor.path) and one.id != node.id
    ]
    return {
        "title": title,
        "intro": "",
        "trail": [*trail, (node.name, f"{URL}{node.id}"), (title, None)],
        "facts": [],
        "notices": [],
        "actions": [],
        "pending": None,
        "form": None,
        "history": [],
    }


def _form(
    title: str, url: str, node: Staged | None, fields: list[dict[str, Any]],
    errors: dict[str, list[str]], submit: str,
) -> dict[str, Any]:  # fmt: skip
    actor = current_actor()
    return {
        "title": title,
        "action_url": url,
        "fields": fields,
        "version": node.version if node is not None else 0,
        "errors": [
            text
            for name, texts in errors.items()
            if name not in {field["name"] for field in fields}
            for text in texts
        ],
        "force": SIMILAR in errors
        and actor is not None
        and node is not None
        and may_force(actor, node.level, parent_of(node).level),
        "submit": submit,
        "danger": False,
        "back_url": f"{URL}{node.id}" if node is not None else URL,
    }


def _value_fields(values: Mapping[str, Any], errors: dict[str, list[str]]) -> list[dict[str, Any]]:
    helps = {
        "code": _("12位数字；上下级以所在位置为准，代码不必与上级相同。"),
        "national_code": _("不填则与代码相同。"),
        "sort": _("数字小的排在前面。"),
    }
    longest = {"name": 60, "code": 12, "national_code": 12, "sort": 6, "department": 40}
    return [
        {
            "name": name,
            "label": str(_LABELS[name]),
            "value": values.get(name, ""),
            "help": helps.get(name, ""),
            "errors": errors.get(name, []),
            "required": name in ("name", "code"),
            "maxlength": longest[name],
            "kind": "text",
        }
        for name in longest
    ]


def _picker(name: str, label: str, until: Level, errors: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "kind": "region",
        "until": until.name.lower(),
        "errors": errors.get(name, []),
    }


def _pending_panel(node: Staged) -> dict[str, Any] | None:
    change = node.change
    if change is None:
        return None
    before, after = _difference(change, node.region, _names([change]))
    return {
        "tag": _tag(change),
        "facts": [
            {"label": _("现在"), "text": before},
            {"label": _("生效后"), "text": after},
            {"label": _("提交人"), "text": change.made_by_name,
             "sub": f"{local(change.made_at):%Y-%m-%d %H:%M}"},
        ],
        "actions": [
            {"label": _("查看全部待生效变更"), "url": f"{URL}changes?region={area_of(node).id}"},
            {"label": _("撤销这项变更"), "url": f"{URL}{node.id}/cancel", "post": True},
        ],
    }  # fmt: skip


def _history(node: Staged) -> list[dict[str, str]]:
    """What this division, and those merged into it, were before; newest first."""
    mine = or_(RegionHistory.region_id == node.id, RegionHistory.into_id == node.id)
    query = select(RegionHistory).where(mine).order_by(RegionHistory.at.desc(), RegionHistory.id)
    lines = []
    for line in db.session.scalars(query.limit(PAGE_SIZE)):
        before = _("；").join(
            _("%(label)s：%(value)s", label=str(_LABELS[name]), value=old)
            for name, (old, _new) in line.changes.items()
            if name != "parent_id" and old is not None
        )
        after = _("；").join(
            _("%(label)s：%(value)s", label=str(_LABELS[name]), value=new)
            for name, (_old, new) in line.changes.items()
            if name != "parent_id"
        )
        if "parent_id" in line.changes and line.kind == ChangeKind.CHANGE:
            before = _("；").join(filter(None, [before, line.full_name]))
        if line.kind == ChangeKind.MERGE:
            before, after = line.full_name, _("并入")
        lines.append(
            {
                "time": f"{local(line.at):%Y-%m-%d %H:%M}",
                "kind": translate(line.kind.zh),
                "code": line.code,
                "name": line.name,
                "before": before,
                "after": after,
                "who": line.account_name or "",
            }
        )
    return lines
