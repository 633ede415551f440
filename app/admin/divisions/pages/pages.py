"""One division and the forms of what can be done to it: contexts of divisions/division.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select

from app.access.divisions import regions
from app.access.divisions.former import ChangeKind, RegionHistory
from app.access.divisions.regions import Level, Region, in_subtree, within
from app.access.scope import current_actor
from app.admin.divisions import checks, staging
from app.admin.divisions import holdings as division_holdings
from app.admin.divisions import reading as divisions
from app.admin.divisions.pages.words import (
    LABELS,
    URL,
    area_of,
    crowds_of,
    difference,
    names_of,
    parent_of,
    tag,
)
from app.admin.divisions.reading import MERGED, Staged, may_force
from app.admin.divisions.values import LONGEST_NAME
from app.core.clock import to_minute
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel.declare.rules import Problem

_MOST_LINES = 50  # of a history
SIMILAR = "force"  # among the errors of a form: a name may be insisted on


def problem(field: str, message: str) -> Problem:
    """A problem of one field of a form."""
    return Problem(field, f"region.{field}", message)


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


def move_form(
    node: Staged, errors: dict[str, list[str]], chosen: Region | None = None
) -> dict[str, Any]:
    """Another parent; ``chosen`` is the one that was picked."""
    page = _page(node, _("移动"))
    page["facts"] = [
        *_what_goes(node),
        {"label": _("现在的上级"), "text": parent_of(node).full_name},
    ]
    until = max(divisions.PARENTS[node.level])
    fields = [_picker("parent_id", _("新的上级"), until, errors, chosen)]
    page["form"] = _form(_("移到哪里"), f"{URL}{node.id}/move", node, fields, errors, _("移动"))
    page["notices"] = [
        {
            "tone": "info",
            "text": _("其下的行政区划、农户、记录、账号和统计一并移动；代码不变，可另行修改。"),
        }
    ]
    return page


def merge_form(
    node: Staged,
    errors: dict[str, list[str]],
    chosen: Region | None = None,
    names: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """Into another town or village: the ``chosen`` one, with new ``names`` for what both have."""
    page = _page(node, _("合并"))
    page["facts"] = _what_goes(node)
    fields = [_picker("into_id", _("并入"), node.level, errors, chosen)]
    fields += _twin_fields(node, chosen, names or {}, errors)
    page["form"] = _form(_("并入哪里"), f"{URL}{node.id}/merge", node, fields, errors, _("合并"))
    text = _("“%(name)s”的全部农户、记录和账号归入新的行政区划，“%(name)s”撤销；", name=node.name)
    text += _("原代码和原名称仍可查到。合并后的账号如超过名额，请及时注销多余的账号。")
    page["notices"] = [{"tone": "warn", "text": text}]
    return page


def _twin_fields(
    node: Staged,
    chosen: Region | None,
    names: Mapping[int, str],
    errors: dict[str, list[str]],
) -> list[dict[str, Any]]:
    """A name for each child that the chosen division has, too."""
    target = divisions.staged(chosen.id) if chosen is not None else None
    if target is None or target.level != node.level or target.id == node.id:
        return []
    return [
        _text(
            staging.name_field(child.id),
            _("“%(name)s”（%(code)s）合并后的名称", name=child.name, code=child.values["code"]),
            names.get(child.id, ""),
            errors,
            help=_("%(place)s有“%(name)s”。", place=target.name, name=twin.name),
            required=True,
            maxlength=LONGEST_NAME,
        )
        for child, twin in checks.twins(node, target)
    ]


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
        (one.label, f"{URL}?region={one.id}")
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
        _text(
            name,
            str(LABELS[name]),
            values.get(name, ""),
            errors,
            help=helps.get(name, ""),
            required=name in ("name", "code"),
            maxlength=longest[name],
        )
        for name in longest
    ]


def _text(
    name: str, label: str, value: Any, errors: dict[str, list[str]], **more: Any
) -> dict[str, Any]:
    known = {"name": name, "label": label, "value": value, "errors": errors.get(name, [])}
    return known | {"kind": "text"} | more


def _picker(
    name: str, label: str, until: Level, errors: dict[str, list[str]], chosen: Region | None
) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "kind": "region",
        "until": until.name.lower(),
        "value": chosen.id if chosen is not None else "",
        "text": chosen.full_name if chosen is not None else "",
        "errors": errors.get(name, []),
    }


def _pending_panel(node: Staged) -> dict[str, Any] | None:
    change = node.change
    if change is None:
        return None
    before, after = difference(change, node.region, names_of([change]))
    return {
        "tag": tag(change),
        "facts": [
            {"label": _("现在"), "text": before},
            {"label": _("生效后"), "text": after},
            *({"label": _("账号"), "text": text} for text in crowds_of([change]).values()),
            {"label": _("提交人"), "text": change.made_by_name,
             "sub": to_minute(change.made_at)},
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
    for line in db.session.scalars(query.limit(_MOST_LINES)):
        before = _("；").join(
            _("%(label)s：%(value)s", label=str(LABELS[name]), value=old)
            for name, (old, _new) in line.changes.items()
            if name != "parent_id" and old is not None
        )
        after = _("；").join(
            _("%(label)s：%(value)s", label=str(LABELS[name]), value=new)
            for name, (_old, new) in line.changes.items()
            if name != "parent_id"
        )
        if "parent_id" in line.changes and line.kind == ChangeKind.CHANGE:
            before = _("；").join(filter(None, [before, line.full_name]))
        if line.kind == ChangeKind.MERGE:
            before, after = line.full_name, _("并入")
        lines.append(
            {
                "time": to_minute(line.at),
                "kind": translate(line.kind.zh),
                "code": line.code,
                "name": line.name,
                "before": before,
                "after": after,
                "who": line.account_name or "",
            }
        )
    return lines
