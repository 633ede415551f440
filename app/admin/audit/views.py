"""``/audit``: 审计日志, who did what to what in one's own area; nobody changes it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from flask import request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name
from sqlalchemy import select, union_all

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.audit import search as audit_search
from app.access.audit.log import Act, AuditEntry
from app.access.audit.search import Found, Search
from app.access.divisions.regions import NATION_PATH, Region
from app.admin.audit import exporting as audit_export
from app.core.clock import CHINA, local
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.i18n import _, lazy
from app.core.types import nfc, storable
from app.kernel.declare.register import all_registers, get_register
from app.kernel.figures import statistics
from app.kernel.households import audit_words
from app.kernel.households import lists as households
from app.kernel.kinds import formats
from app.kernel.records import hiding
from app.kernel.rows.household import Household, SearchKey, get_household
from app.web.exchange import export_form
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.listing import (
    CURSORS,
    Action,
    Cell,
    Column,
    Empty,
    Filter,
    Listing,
    Paging,
    Row,
    cells,
    chips,
    size_of,
    span,
    url_with,
)
from app.web.register import show as record_pages

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
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @takes(*_FILTERS)
    @permission_name(Capability.AUDIT)
    def index(self) -> Any:
        actor = policy.require(Capability.AUDIT)
        search, region = _asked(actor)
        listing = _list(_("审计日志"), search, actor)
        listing.filters = _filters(region)
        listing.chips = chips(_said(region), request.args)
        listing.reset_url = request.path
        listing.exports = [Action(_("导出当前筛选的日志"), _export_url())]
        return self.render_template("lists/list.html", ledger=listing)

    @expose("/<uuid:entry_id>")
    @permission_name(Capability.AUDIT)
    def show(self, entry_id: uuid.UUID) -> Any:
        """One entry with all that it says."""
        actor = policy.require(Capability.AUDIT)
        entry = db.session.get(AuditEntry, entry_id)
        # what happened nowhere is the nation's alone
        if entry is None or not (entry.path or NATION_PATH).startswith(actor.path):
            raise NotFound(_("没有找到该记录。它可能不存在，或不在您的管辖范围内。"))
        shell.at("/audit/")
        shell.crumb(entry.act.label)
        return self.render_template("audit/audit_entry.html", page=_entry_page(entry))

    @expose("/of/<string:name>/<uuid:record_id>")
    @permission_name(Capability.AUDIT)
    def record(self, name: str, record_id: uuid.UUID) -> Any:
        """Who looked at one record, changed, decided and exported it."""
        register = get_register(name)
        if register is None:
            raise NotFound(_("没有这个模块。"))
        actor = policy.require(Capability.AUDIT)
        if register.model is Household:
            row = get_household(record_id)
            theirs = list(households.records_of(db.session, row, all_registers()))
            beside = [one.id for _r, one in theirs]
            exported = [register, *(r for r, _one in theirs)]
        else:
            row = hiding.shown(register, record_id)
            household = record_pages.household_of(register, row)
            beside, exported = ([household.id] if household else []), [register]
        name = register.named(row)
        search = Search(
            path=actor.path,
            records=tuple(dict.fromkeys([row.id, *beside])),
            exports_over=row.path,
            exports_of=tuple(dict.fromkeys(r.name for r in exported)),
            exports_since=row.created_at,
        )
        shell.crumb(name, f"/{register.name}/{row.id}")
        shell.crumb(_("审计记录"))
        listing = _list(_("%(name)s的审计记录", name=name), search, actor)
        if register.of_households:
            listing.intro = _("查看、修改、办理过该户的账号，以及范围包含该户的导出。")
        else:
            listing.intro = _("查看、修改、办理过该记录的账号，以及范围包含它的导出。")
        return self.render_template("lists/list.html", ledger=listing)

    @expose("/export", methods=["GET", "POST"])
    @takes(*_FILTERS)
    @permission_name(Capability.AUDIT)
    def export(self) -> Any:
        actor = policy.require(Capability.AUDIT)
        search, region = _asked(actor)
        words = [(name, value) for name, _label, value in _said(region)]

        def start(reason: str) -> Any:
            found = audit_search.page(db.session, search, 1)
            return export_form.in_background(
                lambda: audit_export.start(search, found, reason, dict(words)), attrgetter("title")
            )

        def told() -> dict[str, Any]:
            return {
                "title": _("导出审计日志"),
                "count_label": _("条数"),
                "count": _count(audit_search.page(db.session, search, 1)),
                "area": region.full_name if region else None,
                "filters": [
                    {"label": label, "text": value}
                    for name, label, value in _said(region)
                    if name != "region"
                ],
                "warning": _("导出人、范围和原因记入审计日志；身份证号和电话在文件中仍部分隐藏。"),
                "back_url": url_with(request.args, path="/audit/"),
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
    if register and register not in audit_words.subjects():
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


def _list(title: str, search: Search, actor: Actor) -> Listing:
    """A page of what was found; what may be asked is added by the page that shows it."""
    args, size = request.args, size_of(request.args, _SIZE)
    found = audit_search.page(db.session, search, size, args.get("after"), args.get("before"))
    entries = found.entries
    places: dict[str, str] = {}
    audit_export.learn_places(places, entries)
    own = db.session.get_one(Region, actor.region_id).full_name
    columns = _columns(
        {path: name.removeprefix(own) for path, name in places.items()}, _heads(entries)
    )
    numbers = span(found.first, len(entries), _count(found))
    return Listing(
        name="audit",
        title=title,
        count_text=_count(found),
        columns=columns,
        rows=[_row(columns, entry) for entry in entries],
        paging=Paging.by_cursor(
            args, before=found.newer, after=found.older, size=size,
            position_text=_("第 %(first)s–%(last)s 条，共 %(count)s 条", **numbers),
        ),
        empty=Empty(_("没有符合条件的记录"), _("请检查筛选条件，或清除全部条件后再查。")),
    )  # fmt: skip


def _columns(places: Mapping[str, str], names: Mapping[uuid.UUID, str]) -> list[Column[AuditEntry]]:
    """``names``: of the records that entries are about."""

    def what(entry: AuditEntry) -> Cell:
        name = names.get(entry.record_id) if entry.record_id else ""
        return Cell(name, sub=audit_words.register_title(entry.register))

    def place(entry: AuditEntry) -> str:
        return places.get(entry.path or "") or (_("本级") if entry.path else "")

    return [
        Column("at", _("时间"), lambda entry: f"{local(entry.at):%Y-%m-%d %H:%M:%S}", "date"),
        Column("account", _("账号"), _account),
        Column("act", _("操作类型"), _act_tag, "tag"),
        Column("what", _("对象"), what),
        Column("detail", _("内容"), audit_words.summary),
        Column("region", _("行政区划"), place, "region"),
        Column("address", _("网络地址"), lambda entry: entry.address),
    ]


def _account(entry: AuditEntry) -> Cell:
    login, _blank, name = (entry.account_name or _("系统")).partition(" ")
    return Cell(login, sub=name)


def _act_tag(entry: AuditEntry) -> Cell:
    return Cell(entry.act.label, tone=_TONES.get(entry.act, "neutral"))


def _row(columns: Sequence[Column[AuditEntry]], entry: AuditEntry) -> Row:
    url = f"/audit/{entry.id}"
    return Row(str(entry.id), url, cells(columns, entry), [Action(_("详情"), url)])


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


def _export_url() -> str:
    return url_with(request.args, (*CURSORS, "size"), path="/audit/export")


def _filters(region: Region | None) -> list[Filter]:
    args = request.args
    acts = {act.value: act.label for act in Act}
    start, end = args.get("at_from"), args.get("at_to")
    days = {"from": start, "to": end} if start or end else None
    return [
        Filter.region("region", _("行政区划"), region),
        Filter("account", _("账号"), value=args.get("account"),
               placeholder=_("账号，或姓名、单位开头")),
        Filter.choice("act", _("操作类型"), args.get("act"), acts),
        Filter("at", _("时间"), "date_range", days),
        Filter.choice("register", _("模块"), args.get("register"), audit_words.subjects(),
                      advanced=True),
        Filter("head_id", _("农户身份证号"), value=args.get("head_id"),
               placeholder=_("完整身份证号"), advanced=True),
    ]  # fmt: skip


def _said(region: Region | None) -> list[tuple[str, str, str]]:
    """The filters in words, (name, label, value): for the chips, and for the log when they are
    exported.
    """
    args = request.args
    return [
        (name, *_filter_words(name, value, region))
        for name in _FILTERS
        for value in args.getlist(name)
        if value
    ]


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
