"""``/audit``: 审计日志, who did what to what in one's own area; nobody changes it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_appbuilder import BaseView, expose
from sqlalchemy import select, union_all

from app.access import audit_search, policy
from app.access.actor import Actor, Capability
from app.access.audit import Act, AuditEntry
from app.access.audit_search import Found, Search
from app.access.regions import NATION_PATH, Region
from app.actions import households, records
from app.core.clock import CHINA, local
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.i18n import _, lazy
from app.core.types import nfc, storable
from app.exchange import audit_export
from app.registry import audit_words, formats
from app.registry.households import Household, SearchKey
from app.registry.register import all_registers, get_register
from app.reports import statistics
from app.web import export_form, record_pages, shell

SIZES = (20, 50, 100)
_SIZE = 50
_FILTERS = ("region", "account", "act", "register", "at_from", "at_to", "head_id")
_REASONS = (lazy("日常检查"), lazy("上级要求报送"), lazy("核查异常操作"), lazy("资料留存"))
_TONES = {
    Act.REFUSED: "bad",
    Act.LOGIN_FAILED: "bad",
    Act.DELETE: "warn",
    Act.EXPORT: "warn",
    Act.REVEAL: "warn",
    Act.PERMISSION: "info",
}


class AuditView(BaseView):
    """The log as a list with filters, one entry, one record's whole history, the export."""

    route_base = "/audit"
    default_view = "index"

    @expose("/")
    def index(self) -> Any:
        actor = policy.require(Capability.AUDIT)
        search, region = _asked(actor)
        size = _size()
        found = audit_search.page(
            db.session, search, size, request.args.get("after"), request.args.get("before")
        )
        return self.render_template(
            "anju/list.html",
            ledger=_list(found, size, actor)
            | {
                "title": _("审计日志"),
                "filters": _filters(region),
                "chips": _chips(region),
                "reset_url": request.path,
                "exports": [{"label": _("导出当前筛选的日志"), "url": _export_url()}],
            },
        )

    @expose("/<uuid:entry_id>")
    def show(self, entry_id: uuid.UUID) -> Any:
        """One entry with all that it says."""
        actor = policy.require(Capability.AUDIT)
        entry = db.session.get(AuditEntry, entry_id)
        # what happened nowhere is the nation's alone
        if entry is None or not (entry.path or NATION_PATH).startswith(actor.path):
            raise NotFound(_("没有找到该记录。它可能不存在，或不在您的管辖范围内。"))
        shell.at("/audit/")
        shell.crumb(entry.act.label)
        return self.render_template("anju/audit_entry.html", page=_entry_page(entry))

    @expose("/of/<string:name>/<uuid:record_id>")
    def record(self, name: str, record_id: uuid.UUID) -> Any:
        """Who looked at one record, changed, decided and exported it."""
        register = get_register(name)
        if register is None:
            raise NotFound(_("没有这个模块。"))
        actor = policy.require(Capability.AUDIT)
        if register.model is Household:
            row = households.get(record_id)
            theirs = list(households.records_of(db.session, row))
            beside = [one.id for _r, one in theirs]
            exported = [register, *(r for r, _one in theirs)]
        else:
            row = records.get(register, record_id)
            household = record_pages.household_of(row)
            beside, exported = ([household.id] if household else []), [register]
        name = register.named(row)
        search = Search(
            path=actor.path,
            records=tuple(dict.fromkeys([row.id, *beside])),
            exports_over=row.path,
            exports_of=tuple(dict.fromkeys(r.name for r in exported)),
            exports_since=row.created_at,
        )
        size = _size()
        found = audit_search.page(
            db.session, search, size, request.args.get("after"), request.args.get("before")
        )
        shell.crumb(name, f"/{register.name}/{row.id}")
        shell.crumb(_("审计记录"))
        return self.render_template(
            "anju/list.html",
            ledger=_list(found, size, actor)
            | {
                "title": _("%(name)s的审计记录", name=name),
                "intro": _("查看、修改、办理过该户的账号，以及范围包含该户的导出。")
                if register.of_households
                else _("查看、修改、办理过该记录的账号，以及范围包含它的导出。"),
            },
        )

    @expose("/export", methods=["GET", "POST"])
    def export(self) -> Any:
        actor = policy.require(Capability.AUDIT)
        search, region = _asked(actor)
        words = [(c["name"], c["value"]) for c in _said(region)]

        def start(reason: str) -> Any:
            return export_form.in_background(audit_export.start(search, reason, dict(words)).title)

        def told() -> dict[str, Any]:
            return {
                "title": _("导出审计日志"),
                "count_label": _("条数"),
                "count": _count(audit_search.page(db.session, search, 1)),
                "area": region.full_name if region else None,
                "filters": [
                    {"label": c["label"], "text": c["value"]}
                    for c in _said(region)
                    if c["name"] != "region"
                ],
                "warning": _("导出人、范围和原因记入审计日志；身份证号和电话在文件中仍部分隐藏。"),
                "back_url": _url("/audit/"),
            }

        shell.at("/audit/")
        shell.crumb(_("导出"))
        return export_form.ask(self, _REASONS, start, told)


# ---- what is asked ------------------------------------------------------------------------


def _asked(actor: Actor) -> tuple[Search, Region | None]:
    args = request.args
    region = _region(actor)
    path = region.path if region else actor.path
    account, register = _text("account"), args.get("register", "")
    if register and get_register(register) is None:
        raise BadInput(_("没有这个模块。"))
    since, until = _day("at_from"), _day("at_to")
    if since and until and since > until:
        raise BadInput(_("起始日期不能晚于截止日期。"))
    head_id = formats.mend_id_number(_text("head_id"))
    return Search(
        path=path,
        acts=tuple(_act(text) for text in args.getlist("act") if text),
        accounts=audit_search.accounts_named(db.session, account, path) if account else None,
        records=_keys_of(head_id) if head_id else None,
        register=register or None,
        since=_midnight(since) if since else None,
        until=_midnight(until + dt.timedelta(days=1)) if until else None,
    ), region


def _region(actor: Actor) -> Region | None:
    text = request.args.get("region")
    return statistics.region_asked_for(actor, text) if text else None


def _text(name: str) -> str:
    return nfc(storable(request.args.get(name, "")))[:64]


def _act(text: str) -> Act:
    if text not in list(Act):
        raise BadInput(_("没有这种操作。"))
    return Act(text)


def _day(name: str) -> dt.date | None:
    text = request.args.get(name, "")
    try:
        day = dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(_("请填写日期，例如 2024-09-07。")) from None
    if day is not None and not 1900 <= day.year <= 2100:
        raise BadInput(_("年份应在 1900 至 2100 之间，请核对。"))
    return day


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), CHINA).astimezone(dt.UTC)


def _size() -> int:
    text = request.args.get("size", str(_SIZE))
    if text not in map(str, SIZES):
        raise BadInput(_("每页条数有误。"))
    return int(text)


def _keys_of(number: str) -> tuple[uuid.UUID, ...]:
    """The household with this ID number in the area, and its records; two statements."""
    key = select(SearchKey.household_id).where(SearchKey.value == number).limit(20)
    found = list(dict.fromkeys(db.session.scalars(key)))
    if not found:
        return ()
    models = [r.model for r in all_registers() if hasattr(r.model, "household_id")]
    keys = union_all(*(select(m.id).where(m.household_id.in_(found)) for m in models))
    return (*found, *db.session.scalars(keys))


# ---- what is shown ------------------------------------------------------------------------


def _list(found: Found, size: int, actor: Actor) -> dict[str, Any]:
    entries = found.entries
    places: dict[str, str] = {}
    audit_export.learn_places(places, entries)
    names = _heads(entries)
    own = db.session.get_one(Region, actor.region_id).full_name
    return {
        "name": "audit",
        "count_text": _count(found),
        "columns": [
            {"name": "at", "label": _("时间"), "kind": "date"},
            {"name": "account", "label": _("账号"), "kind": "text"},
            {"name": "act", "label": _("操作类型"), "kind": "tag"},
            {"name": "what", "label": _("对象"), "kind": "text"},
            {"name": "detail", "label": _("内容"), "kind": "text"},
            {"name": "region", "label": _("行政区划"), "kind": "region"},
            {"name": "address", "label": _("网络地址"), "kind": "text"},
        ],
        "rows": [
            _row(entry, places.get(entry.path or "", "").removeprefix(own), names)
            for entry in entries
        ],
        "paging": _paging(found, size),
        "empty": {
            "title": _("没有符合条件的记录"),
            "hint": _("请检查筛选条件，或清除全部条件后再查。"),
        },
    }


def _row(entry: AuditEntry, place: str, names: dict[uuid.UUID, str]) -> dict[str, Any]:
    url = f"/audit/{entry.id}"
    login, _blank, name = (entry.account_name or _("系统")).partition(" ")
    return {
        "id": str(entry.id),
        "url": url,
        "cells": [
            {"kind": "date", "text": f"{local(entry.at):%Y-%m-%d %H:%M:%S}"},
            {"kind": "text", "text": login, "sub": name},
            {"kind": "tag", "text": entry.act.label, "tone": _TONES.get(entry.act, "neutral")},
            {
                "kind": "text",
                "text": names.get(entry.record_id) if entry.record_id else "",
                "sub": audit_words.register_title(entry.register),
            },
            {"kind": "text", "text": audit_words.summary(entry)},
            {"kind": "region", "text": place or (_("本级") if entry.path else "")},
            {"kind": "text", "text": entry.address or ""},
        ],
        "actions": [{"label": _("详情"), "url": url}],
    }


def _heads(entries: Sequence[AuditEntry]) -> dict[uuid.UUID, str]:
    """Heads of the households that entries are about, as far as they lie in the area."""
    keys = {e.record_id for e in entries if e.record_id and e.register}
    if not keys:
        return {}
    parts = [
        select(r.model.id, getattr(r.model, r.name_field).label("name")).where(r.model.id.in_(keys))
        for r in all_registers()
        if r.menus
    ]
    return {row.id: row.name for row in db.session.execute(union_all(*parts))}


def _entry_page(entry: AuditEntry) -> dict[str, Any]:
    places: dict[str, str] = {}
    audit_export.learn_places(places, [entry])
    name = _heads([entry]).get(entry.record_id) if entry.record_id else None
    register = get_register(entry.register or "")
    link = f"/{entry.register}/{entry.record_id}" if name and register else None
    lines = audit_words.lines(entry)
    return {
        "title": entry.act.label,
        "facts": [
            {"label": _("时间"), "text": f"{local(entry.at):%Y-%m-%d %H:%M:%S}"},
            {"label": _("账号"), "text": entry.account_name or _("系统")},
            {"label": _("行政区划"), "text": places.get(entry.path or "", "")},
            {"label": _("网络地址"), "text": entry.address or ""},
            {"label": _("模块"), "text": audit_words.register_title(entry.register)},
            {"label": _("农户"), "text": name, "url": link},
        ],
        "changes": [line for line in lines if line.before is not None],
        "lines": [{"label": one.label, "text": one.text} for one in lines if one.before is None],
    }


def _count(found: Found) -> str:
    return f"{found.count:,}" + ("+" if found.capped else "")


def _paging(found: Found, size: int) -> dict[str, Any]:
    last = found.first + len(found.entries) - 1
    cursors = ("after", "before")
    return {
        "prev_url": _url(drop=cursors, before=found.newer) if found.newer else None,
        "next_url": _url(drop=cursors, after=found.older) if found.older else None,
        "position_text": _(
            "第 %(first)s–%(last)s 条，共 %(count)s 条",
            first=f"{found.first:,}",
            last=f"{last:,}",
            count=_count(found),
        ),
        "size": size,
        "sizes": [
            {"size": s, "url": _url(drop=cursors, size=s), "active": s == size} for s in SIZES
        ],
    }


def _url(path: str | None = None, drop: Sequence[str] = (), **changes: Any) -> str:
    """The address of this page, or ``path``, with its filters but ``drop`` and with ``changes``."""
    args = request.args
    pairs = [(k, v) for k, v in args.items(multi=True) if v and k not in drop and k not in changes]
    pairs += [(k, str(v)) for k, v in changes.items()]
    return (path or request.path) + (f"?{urlencode(pairs)}" if pairs else "")


def _export_url() -> str:
    return _url("/audit/export", drop=("after", "before", "size"))


def _filters(region: Region | None) -> list[dict[str, Any]]:
    args = request.args
    acts = [{"value": act.value, "label": act.label} for act in Act]
    registers = [{"value": r.name, "label": r.label} for r in all_registers()]
    return [
        {"name": "region", "label": _("行政区划"), "kind": "region",
         "value": region.id if region else None, "text": region.full_name if region else ""},
        {"name": "account", "label": _("账号"), "kind": "text", "value": args.get("account"),
         "placeholder": _("账号，或姓名、单位开头")},
        {"name": "act", "label": _("操作类型"), "kind": "choice", "value": args.get("act"),
         "options": acts},
        {"name": "at", "label": _("时间"), "kind": "date_range",
         "value": {"from": args.get("at_from"), "to": args.get("at_to")}
         if args.get("at_from") or args.get("at_to") else None},
        {"name": "register", "label": _("模块"), "kind": "choice", "value": args.get("register"),
         "options": registers, "advanced": True},
        {"name": "head_id", "label": _("农户身份证号"), "kind": "text", "value": args.get("head_id"),
         "placeholder": _("完整身份证号"), "advanced": True},
    ]  # fmt: skip


def _said(region: Region | None) -> list[dict[str, str]]:
    """The filters in words: for the chips, and for the log when they are exported."""
    args, found = request.args, []
    for name in _FILTERS:
        for value in (v for v in args.getlist(name) if v):
            label, text = _filter_words(name, value, region)
            found.append({"name": name, "label": label, "value": text})
    return found


def _filter_words(name: str, value: str, region: Region | None) -> tuple[str, str]:
    if name == "region":
        return _("行政区划"), region.full_name if region else ""
    if name == "act":
        return _("操作类型"), _act(value).label
    if name == "register":
        return _("模块"), audit_words.register_title(value)
    labels = {
        "account": _("账号"), "at_from": _("时间起"), "at_to": _("时间止"),
        "head_id": _("农户身份证号"),
    }  # fmt: skip
    return labels[name], audit_words.masked(value[:64])


def _chips(region: Region | None) -> list[dict[str, str]]:
    return [
        {
            "label": _("%(label)s：%(value)s", label=one["label"], value=one["value"]),
            "remove_url": _url(drop=(one["name"], "after", "before")),
        }
        for one in _said(region)
    ]
