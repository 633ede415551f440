"""The household's page, the search over all registers, the help pages."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask import redirect, request
from flask_appbuilder import BaseView, expose
from sqlalchemy import select

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.regions import Level, Region, subtree
from app.actions import history, households, personal, records
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _, translate
from app.core.types import nfc
from app.registry import formats
from app.registry.fields import Field
from app.registry.households import Household, SearchKey
from app.registry.ledger import Ledger
from app.registry.ledger_query import Query
from app.registry.register import Menu, Register, register_of
from app.web import record_pages, relations, review_pages, shell
from app.web.list_views import ListPages

_MOST_FOUND = 50
_AFTER_ALL = "\U0010ffff"


class HouseholdView(ListPages, BaseView):
    """``/household/list``: the households of one's area; ``/household/<id>``: all that is known of
    one.
    """

    route_base = "/household"
    default_view = "ledger"

    def __init__(self) -> None:
        register = register_of(Household)
        if register is None:
            raise LookupError("the list of households is not declared")
        self.register = register
        super().__init__()

    @expose("/list")
    def ledger(self, name: str = "list") -> Any:
        return super().ledger(name)

    def _actions(self, menu: Menu, actor: Actor) -> list[dict[str, Any]]:
        return _list_actions(self.register, actor)

    @expose("/<uuid:household_id>")
    def show(self, household_id: uuid.UUID) -> Any:
        household = households.get(household_id)
        actor = policy.require(Capability.SEARCH)
        found = [
            (register, row)
            for register, row in households.records_of(db.session, household)
            if actor.has(Capability.SEARCH, register.name)
        ]
        region = db.session.get(Region, household.region_id)
        context = {
            "title": household.head_name,
            "former": record_pages.former_head(household),
            "region_name": region.full_name if region else "",
            "facts": _facts(household),
            "notices": _notices(household),
            "memberships": _memberships(household),
            "records": [_record_card(register, row, actor) for register, row in found],
            "history": _history(found),
            "members": [],
            "relations": relations.panels(household),
        }
        shell.crumb(_("农户主页"))
        shell.crumb(household.head_name)
        return self.render_template("anju/household.html", household=context)

    @expose("/<uuid:household_id>/reveal", methods=["POST"])
    def reveal(self, household_id: uuid.UUID) -> Any:
        """The whole of a masked number, on a click that the audit log keeps."""
        household = households.get(household_id)
        policy.require(Capability.SEARCH)
        made = Household.__fields__.get(request.args.get("field", ""))
        if made is None or not made.masked:
            raise NotFound(_("没有这个项目。"))
        text = record_pages.revealed(household, made.name)
        personal.note_look("household", household, made.name)
        return self.render_template("anju/_revealed.html", text=text)


def _list_actions(register: Register, actor: Actor) -> list[dict[str, Any]]:
    """What to do about the list: give those a village that have none, issue more."""
    found = []
    lost = Query(figure="no_village")
    count = Ledger(register, lost, db.session, actor).count()
    if count.n:
        label = _("行政区划缺失 %(n)s 户", n=count)
        url = "/household/list?figure=no_village"
        found.append({"label": label, "url": url, "icon": "alert-triangle"})
    if actor.has(Capability.IMPORT_LIST):
        url = "/exchange/import/household"
        found.append({"label": _("名单下发"), "url": url, "icon": "upload"})
    return found


def _facts(household: Household) -> list[dict[str, Any]]:
    """Masked for everybody: whole numbers stand on the page of a record that one works on."""
    facts = record_pages.household_facts(household, whole=False)
    for name in ("sex", "ethnicity", "population", "exit_year", "source"):
        made = Household.__fields__[name]
        text = made.text(getattr(household, name), household.said_at)
        unit = f" {translate(made.unit)}" if text and made.unit else ""
        facts.append({"label": translate(made.label), "text": text + unit})
    return facts


def _notices(household: Household) -> list[dict[str, str]]:
    made = Household.__fields__["findings"]
    text = made.text(household.findings)
    if not text:
        return []
    return [{"tone": "warn", "text": _("名单存疑：%(what)s，请核实。", what=text)}]


def _memberships(household: Household) -> list[dict[str, str]]:
    source = Household.__fields__["source"].text(household.source)
    labels = {"poverty_exit": _("脱贫户名单"), "low_income": _("低收入群体名单")}
    return [
        {"label": labels[name], "text": source if name == "poverty_exit" else ""}
        for name in households.lists_of(household)
    ]


def _record_card(register: Register, row: Any, actor: Actor) -> dict[str, Any]:
    base = f"/{register.name}/{row.id}"
    action = None
    if records.may_edit(register, row, actor):
        word = next((m.action for m in register.menus if m.capability == Capability.ENTER), "")
        action = {"label": translate(word), "url": f"{base}/edit"}
    elif review_pages.open_review(register, row, actor):
        action = {"label": _("审核"), "url": f"{base}/review"}
    shown = [
        n for n in register.ledger.split() if n not in ("head_name", "head_id", "phone", "state")
    ]
    texts = [_shown(row.__fields__[n], row) for n in shown]
    return {
        "title": register.label,
        "state": record_pages.state_tag(register, row.state),
        "text": _("，").join(t for t in texts if t),
        "url": base,
        "action": action,
    }


def _shown(made: Field, row: Any) -> str:
    value = getattr(row, made.name)
    return made.mask(value) if made.masked else made.text(value, row.said_at)


def _history(found: Sequence[tuple[Register, Any]]) -> list[dict[str, Any]]:
    lines = [
        line | {"title": f"{register.label} · {line['title']}"}
        for register, row in found
        for line in record_pages.history(register, history.of(row), whole=False)
    ]
    return sorted(lines, key=lambda line: str(line["time"]), reverse=True)


class SearchView(BaseView):
    """``/search?q=``: a household by a name's beginning or a full ID number, in one's own area."""

    route_base = "/search"
    default_view = "results"

    @expose("/")
    def results(self) -> Any:
        actor = policy.require(Capability.SEARCH)
        query = nfc(request.args.get("q", ""))[:50]
        wanted = formats.mend_id_number(query) if any(c.isdigit() for c in query) else query
        found = _search(wanted, actor) if wanted else []
        if len(found) == 1:
            return redirect(f"/household/{found[0].id}")
        shell.crumb(_("查找"))
        context = _results(query, found)
        return self.render_template("anju/list.html", ledger=context)


def _search(wanted: str, actor: Actor) -> Sequence[Household]:
    """At most 51 households, by one index range; digits must be a whole number."""
    low, high = subtree(actor.path)
    key = SearchKey.value
    exact = wanted[0].isdigit()
    where = [key == wanted] if exact else [key >= wanted, key < wanted + _AFTER_ALL]
    if actor.level >= Level.COUNTY:
        region = db.session.get(Region, actor.region_id)
        where.append(SearchKey.county_id == (region.county_id if region else None))
    ids = (
        select(SearchKey.household_id)
        .where(*where, SearchKey.path >= low, SearchKey.path < high)
        .order_by(key, SearchKey.household_id)
        .limit(_MOST_FOUND * 2)
    )
    keys = list(dict.fromkeys(db.session.scalars(ids)))[: _MOST_FOUND + 1]
    rows = {h.id: h for h in db.session.scalars(select(Household).where(Household.id.in_(keys)))}
    return [rows[k] for k in keys if k in rows]


def _results(query: str, found: Sequence[Household]) -> dict[str, Any]:
    regions = {
        r.id: r.full_name
        for r in db.session.scalars(
            select(Region).where(Region.id.in_({h.region_id for h in found}))
        )
    }
    more = len(found) > _MOST_FOUND
    return {
        "name": "search",
        "title": _("查找“%(query)s”", query=query) if query else _("查找农户"),
        "count_text": f"{_MOST_FOUND}+" if more else str(len(found)),
        "notices": [
            {
                "tone": "info",
                "text": _(
                    "结果较多，只列出前%(n)s户；请输入更完整的姓名或身份证号。", n=_MOST_FOUND
                ),
            }
        ]
        if more
        else [],
        "columns": [
            {"name": "head", "label": _("户主"), "kind": "text"},
            {"name": "id", "label": _("身份证号"), "kind": "id"},
            {"name": "region", "label": _("行政区划"), "kind": "region"},
        ],
        "rows": [_result(h, regions) for h in found[:_MOST_FOUND]],
        "empty": {
            "title": _("没有找到农户"),
            "hint": _("请输入姓名的开头，或完整的18位身份证号；只查找您管辖范围内的农户。"),
        },
    }


def _result(household: Household, regions: dict[int, str]) -> dict[str, Any]:
    url = f"/household/{household.id}"
    return {
        "url": url,
        "cells": [
            {
                "kind": "text",
                "text": household.head_name,
                "sub": record_pages.former_head(household),
            },
            {"kind": "id", "text": formats.mask_id(household.head_id or household.matching_id)},
            {"kind": "region", "text": regions.get(household.region_id, "")},
        ],
        "actions": [{"label": _("查看"), "url": url}],
    }


class HelpView(BaseView):
    """``/help``: how the main tasks are done, for the page one came from."""

    route_base = "/help"
    default_view = "show"

    @expose("/")
    def show(self) -> Any:
        shell.crumb(_("帮助"))
        return self.render_template("anju/help.html", topics=_topics())


def _topics() -> list[dict[str, Any]]:
    return [
        {
            "title": _("填报回头看档案"),
            "steps": [
                _("在“档案录入”里找到农户，点“档案填报”。"),
                _("从上到下填写；带 * 的必须填写，左侧标出每一部分还缺几项。"),
                _("按回车到下一项，按数字选择按钮，Ctrl+S 保存，Ctrl+Enter 保存并上报。"),
                _("蓝色底的内容是按名单或上次填写带出的，请核对。"),
                _("填写的内容每隔几秒自动存成草稿；点“保存”后才算已录入。"),
                _("填完点“保存并上报”，交给县级审核；审核前可以撤回。"),
            ],
        },
        {
            "title": _("迁户和分户"),
            "steps": [
                _("“是否迁户”选“是”，选择迁入的村，保存后提出申请；批准以前不能修改，可以撤回。"),
                _("县内迁户由本县审批；跨县的两县都同意，或由共同的上级审批，在“迁户申请”里办理。"),
                _("批准后该户连同全部档案、照片迁入新的村，由那里填报和审核。"),
                _("“是否分户”选“是”，填写分户户主并保存后，在“分户档案录入”里单独填报。"),
                _("主户审核通过后，分户计入总数，才能审核分户的档案。"),
            ],
        },
        {
            "title": _("审核"),
            "steps": [
                _("打开“档案审核”，直接进入第一份待审核档案。"),
                _("黄色标出与上次上报不同的内容；按 P 看大图，加减号放大缩小，左右方向键换一张。"),
                _("按 A 审核通过，按 R 选择原因后退回补正，左右方向键看上一户、下一户。"),
                _("做完决定后10秒内可以撤销。"),
                _(
                    "在“全部列出”里筛选后再审核，只会依次打开筛选出的农户；勾选几户可以一起看、一起审核。"
                ),
            ],
        },
        {
            "title": _("查找农户"),
            "steps": [
                _("在任何页面按 / 键，输入姓名开头或完整身份证号。"),
                _("列表里的筛选条件都在网址中，可以把网址发给同事。"),
            ],
        },
        {
            "title": _("导入和导出"),
            "steps": [
                _("在“名单下发”下载模板，填好后先检查，再导入。"),
                _("有问题的行标在结果表格里，改好后可以再次导入，不会重复。"),
                _("导出在后台进行，完成后到“导入导出记录”下载。"),
            ],
        },
        {
            "title": _("管理账号"),
            "steps": [
                _("在“用户管理”点“新增用户”，先选用户角色，再填写；账号可以不填。"),
                _("初始密码只显示一次，当面交给使用人；忘记密码时点“重置密码”。"),
                _("人员离开时点“注销”；从未录入或审核过的账号才能删除。"),
                _("县级管理用户可用“批量创建”为每个乡镇或每个村各建一个账号，并打印初始密码。"),
                _("市级录入、县级抽查等权限在用户页面的“依申请开通”里限期开通。"),
            ],
        },
    ]
