"""Statistics tables by division and by day, their Excel, and the desk."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from flask import Response, request, send_file, url_for
from flask_appbuilder import BaseView, IndexView, expose

from app.access import audit, policy
from app.access.actor import Actor, Capability
from app.access.audit import Act
from app.access.regions import Level, Region
from app.access.scope import current_actor
from app.core.clock import local
from app.core.errors import Forbidden, NotFound
from app.core.i18n import _, lazy, translate
from app.exchange.writer import MEDIA_TYPE, Book, Column, head_spans
from app.registry.flow import State
from app.registry.ledger import DECIDED_FROM
from app.registry.register import TREND, WEEK, Register, Table, get_register
from app.reports import charts, desk, statistics, tables, trend, week
from app.reports.days import month_day
from app.reports.desk import Desk, Module
from app.reports.statistics import LineKind
from app.reports.tables import Cell, Report, Row
from app.reports.waiting import Waiting
from app.web import deadlines, shell

_NAME_WIDTH, _TEXT_WIDTH = 24, 14  # characters, in Excel


class StatisticsView(BaseView):
    """``/<register>/statistics/<table>``; ``week`` names the weekly table, ``trend`` the days."""

    route_base = ""
    default_view = "table"

    @expose("/<string:register>/statistics/<string:name>")
    def table(self, register: str, name: str) -> Any:
        """One table with its chart; ``region`` is a division of the account's area."""
        made, table = _table(register, name)
        actor = policy.require(Capability.SEARCH, made.name)
        region = statistics.region_asked_for(actor, request.args.get("region"))
        days = trend.days_asked_for(request.args.get("days"))
        report, chart = _report(made, table, name, region, days)
        url = url_for("StatisticsView.table", register=made.name, name=name)
        shell.at(url_for("StatisticsView.table", register=made.name, name=table.name))
        shown_days: dict[str, Any] = {"days": days} if name == TREND else {}
        excel = url_for(
            "StatisticsView.excel", register=made.name, name=name, region=region.id, **shown_days
        )
        page = shown(report, url) | {
            "title": report.title,
            "as_of": f"{local(report.at):%Y-%m-%d %H:%M}",
            "trail": [
                {"title": r.name, "url": f"{url}?region={r.id}"}
                for r in statistics.trail(actor, region)
            ],
            "tabs": _tabs(made, name, region),
            "ranges": _ranges(f"{url}?region={region.id}", days) if name == TREND else [],
            "chart": chart and chart | {"urls": _chart_urls(chart, url)},
            "notes": report.notes,
            "deadline": deadlines.tag(made, region.path),
            "deadline_url": deadlines.setting_url(made, region, actor),
            "excel_url": excel if actor.has(Capability.EXPORT_STATISTICS, made.name) else None,
        }
        return self.render_template("anju/statistics.html", table=page)

    @expose("/<string:register>/statistics/<string:name>/excel")
    def excel(self, register: str, name: str) -> Response:
        """The same table as a workbook; logged (spec 01)."""
        made, table = _table(register, name)
        actor = policy.require(Capability.EXPORT_STATISTICS, made.name)
        region = statistics.region_asked_for(actor, request.args.get("region"))
        days = trend.days_asked_for(request.args.get("days"))
        report, _chart = _report(made, table, name, region, days)
        audit.note(
            Act.EXPORT,
            register=made.name,
            row=_At(region.path),
            detail={"table": name, "region": region.full_name, "rows": len(report.rows)},
        )
        return send_file(
            workbook(report),
            mimetype=MEDIA_TYPE,
            as_attachment=True,
            download_name=f"{report.title}_{region.name}_{local(report.at):%Y%m%d}.xlsx",
        )


@dataclass(frozen=True)
class _At:
    """Where an audit entry belongs that is about no record."""

    path: str


class DeskView(IndexView):
    """我的桌面, FAB's index view."""

    @expose("/")
    def index(self) -> Any:
        actor = current_actor()
        if actor is None:
            raise Forbidden(_("请先登录。"))
        return self.render_template("anju/desk.html", desk=_desk_page(actor, desk.read(actor)))


# ---- statistics ------------------------------------------------------------------------------


def _table(register: str, name: str) -> tuple[Register, Table]:
    """The declared table of an address; of the week and the days the table that they follow."""
    made = get_register(register)
    table = None
    if made is not None:
        table = made.progress_table if name in (WEEK, TREND) else made.table(name)
    if made is None or table is None:
        raise NotFound(_("没有这张统计表。"))
    return made, table


def _report(
    register: Register, table: Table, name: str, region: Region, days: int
) -> tuple[Report, dict[str, Any] | None]:
    if name == WEEK:
        return week.report(register, table, region), None
    if name == TREND:
        report, line = trend.report(register, table, region, days)
        return report, trend.chart(line, table.chart)
    sheet = statistics.read(register, region, tables.table_figures(table))
    return tables.of_sheet(table, sheet), charts.of_sheet(table, sheet)


def shown(report: Report, url: str) -> dict[str, Any]:
    """A report for anju/_stat_table.html; ``url`` is the table that divisions lead down to."""
    ledger = _ledger_url(report.register)
    return {
        "title": report.title,
        "headers": _headers(report),
        "numbered": True,
        "rows": [
            {
                "label": row.label,
                "url": f"{url}?region={row.region.id}" if _leads_down(row) else None,
                "total": row.kind in (LineKind.TOTAL, LineKind.OWN),
                "cells": [
                    {
                        "text": f"{cell.value:,}" if isinstance(cell.value, int) else cell.value,
                        "url": _cell_url(report.register, row, cell, ledger),
                        "sub": cell.sub,
                        "tone": cell.tone,
                    }
                    for cell in row.cells
                ],
            }
            for row in report.rows
        ],
    }


def _cell_url(register: Register, row: Row, cell: Cell, ledger: str | None) -> str | None:
    """The rows that a number counts; where a setting is set, for those who may."""
    if cell.setting:
        actor = current_actor()
        return deadlines.setting_url(register, row.region, actor) if actor else None
    if not (ledger and cell.figure and cell.value):
        return None
    since = f"&{DECIDED_FROM}={cell.since}" if cell.since else ""
    return f"{ledger}?figure={cell.figure}{_place(row)}{since}"


def _headers(report: Report) -> list[list[dict[str, Any]]]:
    heads = [(_("序号"),), (_first_head(report),), *report.heads]
    lines: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for span in head_spans(heads, max(map(len, heads))):
        lines[span.top].append(
            {
                "text": span.text,
                "colspan": span.right - span.left + 1,
                "rowspan": span.bottom - span.top + 1,
                "number": span.left == 0,
            }
        )
    return [lines[top] for top in sorted(lines)]


def _first_head(report: Report) -> str:
    return report.first_head or _("地区")


def _leads_down(row: Row) -> bool:
    return row.kind == LineKind.DIVISION and row.region.level < Level.VILLAGE


def _place(row: Row) -> str:
    unplaced = "&unplaced=1" if row.kind == LineKind.UNPLACED else ""
    return f"&region={row.region.id}{unplaced}"


def _ledger_url(register: Register) -> str | None:
    """The list that shows rows of every state to everybody who may search."""
    menus = (menu for menu in register.menus if menu.capability == Capability.SEARCH)
    menu = next(menus, None)
    return f"/{register.name}/{menu.name}" if menu else None


def _tabs(register: Register, here: str, region: Region) -> list[dict[str, Any]]:
    names = {table.name: translate(table.title) for table in register.tables}
    if register.progress_table:
        names |= {WEEK: _("周进度"), TREND: _("趋势")}
    return [
        {
            "label": label,
            "url": url_for(
                "StatisticsView.table", register=register.name, name=name, region=region.id
            ),
            "active": name == here,
        }
        for name, label in names.items()
    ]


def _ranges(url: str, chosen: int) -> list[dict[str, Any]]:
    """How many days may be looked back."""
    return [
        {"label": _("近%(n)s天", n=days), "url": f"{url}&days={days}", "active": days == chosen}
        for days in trend.RANGES
    ]


def _chart_urls(chart: dict[str, Any], url: str) -> list[str | None]:
    return [f"{url}?region={key}" if key else None for key in chart.get("regions", ())]


def workbook(report: Report) -> BytesIO:
    """The table as an Excel file: its head merged as on the page, the place and time above it."""
    columns = [Column((_("序号"),), width=6), Column((_first_head(report),), width=_NAME_WIDTH)]
    columns += [Column(texts, width=_TEXT_WIDTH) for texts in report.heads]
    title = _(
        "%(register)s %(table)s（%(place)s，%(time)s）",
        register=report.register.label,
        table=report.title,
        place=report.region.full_name,
        time=f"{local(report.at):%Y-%m-%d %H:%M}",
    )
    rows = [
        (number, row.label, *map(_in_excel, row.cells)) for number, row in enumerate(report.rows, 1)
    ]
    file = BytesIO()
    with Book(file) as book:
        book.table(report.title, columns, rows, title=title, frozen_columns=2)
    file.seek(0)
    return file


def _in_excel(cell: Cell) -> int | str:
    """A number as such; a text with the small line that stands under it."""
    if isinstance(cell.value, int) or not cell.sub:
        return cell.value
    return _("%(value)s（%(sub)s）", value=cell.value, sub=cell.sub)


# ---- desk ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Door:
    """How records that wait in a state are called on the desk."""

    label: Any
    icon: str
    tone: str


#: In the order in which they are shown: what came back first.
_DOORS = {
    State.RETURNED: _Door(lazy("退回补正，待修改"), icon="arrow-back-up", tone="bad"),
    State.RECTIFY: _Door(lazy("退回整改，待修改"), icon="arrow-back-up", tone="bad"),
    State.SUBMITTED: _Door(lazy("待审核"), icon="clipboard-check", tone="warn"),
    State.DRAFT: _Door(lazy("已录入，待上报"), icon="send", tone="warn"),
    State.MISSING: _Door(lazy("未录入"), icon="edit", tone="info"),
}
_UNPLACED = _Door(lazy("行政区划缺失，待确定到村"), icon="map-pin-question", tone="warn")
_LOCKED = _Door(lazy("封闭账号，待核实解除"), icon="lock", tone="bad")
_NOTICES = _Door(lazy("通知"), icon="bell", tone="info")
_TRANSFERS = _Door(lazy("迁户申请，待审批"), icon="transfer", tone="warn")
_JOBS = _Door(lazy("导入导出记录"), icon="transfer", tone="info")


def _desk_page(actor: Actor, read: Desk) -> dict[str, Any]:
    last = read.last_login
    return {
        "greeting": _("%(name)s，您好", name=actor.name),
        "subtitle": read.region.full_name,
        "last_login": last and f"{local(last.at):%Y-%m-%d %H:%M} {last.address}".strip(),
        "doors": [
            *([_door(_LOCKED, read.locked, "", "/locked/")] if read.locked else []),
            *_record_doors(read),
            *_transfer_doors(read),
            *_unplaced_doors(actor, read),
            *_notice_doors(read),
            *_job_doors(read),
        ],
        "modules": [_module(module, read) for module in read.modules],
        "notices": [],
    }


def _record_doors(read: Desk) -> list[dict[str, Any]]:
    order = list(_DOORS)
    waiting: list[Waiting] = sorted(read.waiting, key=lambda item: order.index(item.state))
    return [
        _door(
            _DOORS[item.state],
            item.n,
            _door_hint(item.register, read),
            _menu_url(item),
        )
        for item in waiting
    ]


def _door_hint(register: Register, read: Desk) -> str:
    """Which module it is about, where there are several."""
    return register.label if len(read.modules) > 1 else ""


def _menu_url(item: Waiting) -> str:
    """The menu entry as it opens when it shows this state anyway, else filtered by it."""
    url = f"/{item.register.name}/{item.menu.name}"
    return url if item.menu.states == (item.state,) else f"{url}?state={item.state.value}"


def _unplaced_doors(actor: Actor, read: Desk) -> list[dict[str, Any]]:
    """Households without a town or village, for those who may assign one (spec 02)."""
    doors = []
    for module in read.modules:
        register, progress = module.register, module.register.progress_table
        entry = next((m for m in register.menus if m.capability == Capability.ENTER), None)
        row = module.unplaced
        if row and entry and progress and actor.has(Capability.ENTER, register.name):
            url = f"/{register.name}/{entry.name}?region={row.region.id}&unplaced=1"
            n = row.counts[(progress.progress or ("", ""))[1]]
            doors.append(_door(_UNPLACED, n, _door_hint(register, read), url))
    return doors


def _transfer_doors(read: Desk) -> list[dict[str, Any]]:
    """Requests to move that wait for the account's consent."""
    url = "/transfers/?show=mine"
    return [_door(_TRANSFERS, read.transfers, "", url)] if read.transfers else []


def _notice_doors(read: Desk) -> list[dict[str, Any]]:
    """What the divisions below told (app.access.notices)."""
    hint = _("下级的变动")
    return [_door(_NOTICES, read.notices, hint, "/notices/")] if read.notices else []


def _job_doors(read: Desk) -> list[dict[str, Any]]:
    jobs = read.jobs
    if not jobs.running and not jobs.ended:
        return []
    parts = [
        _("%(n)s 个进行中", n=jobs.running) if jobs.running else "",
        _("%(n)s 个已结束", n=jobs.ended) if jobs.ended else "",
        _("%(n)s 个失败", n=jobs.failed) if jobs.failed else "",
    ]
    hint = _("，").join(part for part in parts if part)
    return [_door(_JOBS, jobs.running + jobs.ended, hint, "/exchange/jobs")]


def _door(door: _Door, n: int, hint: str, url: str) -> dict[str, Any]:
    return {
        "label": str(door.label),
        "number": f"{n:,}",
        "hint": hint,
        "url": url,
        "icon": door.icon,
        "tone": door.tone,
    }


def _module(module: Module, read: Desk) -> dict[str, Any]:
    register, report = module.register, module.report
    table = next((t for t in register.tables if t.on_desk), None)
    url = f"/{register.name}/statistics/{table.name}" if table else None
    progress = register.progress_table
    done, whole = module.progress or (0, 0)
    chart_url = f"/{register.name}/statistics/{progress.name}" if progress else ""
    return {
        "title": register.label,
        "url": url,
        "deadline": deadlines.tag(register, read.region.path),
        "figures": _figures(module, read),
        "progress": {"value": done, "max": whole or 1, "text": week.share(done, whole)}
        if module.progress
        else None,
        "table": shown(report, url) if report and url else None,
        "chart": module.chart and module.chart | {"urls": _chart_urls(module.chart, chart_url)},
        "trend": module.trend,
        "trend_url": f"/{register.name}/statistics/{TREND}",
    }


def _figures(module: Module, read: Desk) -> list[dict[str, Any]]:
    register, ledger = module.register, _ledger_url(module.register)
    return [
        {
            "label": translate(register.figures[big.figure].label),
            "number": f"{big.n:,}",
            "unit": _("户"),
            "url": f"{ledger}?figure={big.figure}&region={read.region.id}"
            if ledger and big.n
            else None,
            "trend": _trend(big.gain, register.figures[big.figure].tone, read),
        }
        for big in module.figures
    ]


def _trend(gain: int | None, tone: str, read: Desk) -> dict[str, str] | None:
    """The change since a week ago; only where more is better it is coloured."""
    if gain is None or read.since is None:
        return None
    day = month_day(read.since)
    if not gain:
        return {"text": _("与%(day)s相同", day=day), "direction": "flat"}
    text = (
        _("比%(day)s增加%(n)s", day=day, n=f"{gain:,}")
        if gain > 0
        else _("比%(day)s减少%(n)s", day=day, n=f"{-gain:,}")
    )
    better = ("up" if gain > 0 else "down") if tone == "good" else "flat"
    return {"text": text, "direction": better}
