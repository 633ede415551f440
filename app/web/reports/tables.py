"""Statistics tables by division and by day, and their Excel."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from io import BytesIO
from typing import Any

from flask import Response, request, send_file, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level, Region
from app.access.scope import current_actor
from app.core.clock import local, to_minute
from app.core.errors import NotFound
from app.core.i18n import _, translate
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.tables import BY_RULE, TREND, WEEK, Table
from app.kernel.exchange.writer import MEDIA_TYPE, Book, Column, Rate, head_spans
from app.kernel.figures import statistics
from app.kernel.figures.statistics import LineKind
from app.kernel.lists.query import DECIDED_FROM
from app.kernel.reports import by_rule, charts, standing, tables, trend, week
from app.kernel.reports import order as ordering
from app.kernel.reports.order import Order
from app.kernel.reports.tables import Cell, Report, Row
from app.kernel.reports.trend import Trend
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.reports import choosing, deadlines
from app.web.reports.links import ledger_url, of_dim
from app.web.reports.why import card, why_url

_NAME_WIDTH, _TEXT_WIDTH = 24, 14  # characters, in Excel
_LABELS = 2  # columns before the cells: the row's number and what it tells about
_PERCENT = re.compile(r"([0-9]+\.([0-9]+))%")


class StatisticsView(BaseView):
    """``/<register>/statistics/<table>``; ``week`` names the weekly table, ``trend`` the days, ``rules`` what
    records break.
    """

    route_base = ""
    class_permission_name = SYSTEM
    default_view = "table"

    @expose("/<string:register>/statistics/<string:name>")
    @takes("region", "days", "year", "kind", "sort")
    @permission_name(Capability.SEARCH)
    def table(self, register: str, name: str) -> Any:
        """One table with its chart; ``region`` is a division of the account's area."""
        actor, asked = _asked(register, name, Capability.SEARCH)
        made, region = asked.register, asked.region
        report, chart, line = _report(asked)
        order = ordering.asked_for(request.args.get("sort"), report)
        days: dict[str, Any] = {"days": asked.days} if name == TREND else {}
        ordered = days | ({"sort": order.text} if order else {})
        url = url_for(
            "StatisticsView.table", register=made.name, name=name, **asked.of_dim, **ordered
        )
        shell.at(url_for("StatisticsView.table", register=made.name, name=asked.table.name))
        excel = url_for(
            "StatisticsView.excel",
            register=made.name, name=name, region=region.id, **asked.of_dim, **ordered,
        )  # fmt: skip
        page = shown(ordering.put_in(report, order), url) | {
            "headers": _sortable(report, order, _url(asked, **days)),
            "title": report.title,
            "as_of": to_minute(report.at),
            "trail": [
                {"title": r.label, "url": _at_region(url, r.id)}
                for r in statistics.trail(actor, region)
            ],
            "tabs": _tabs(asked),
            "years": _years(asked),
            "kinds": _kinds(asked),
            "kinds_label": choosing.kinds_label(made),
            "choosing": _choosing(asked, ordered),
            "ranges": _ranges(asked, line) if line else [],
            "standings": _standings(asked),
            "standings_of": _("%(name)s在同级中的名次", name=region.name),
            "chart": chart and chart | {"urls": chart_urls(chart, url)},
            "more_charts": trend.charts_of_sums(line, asked.table) if line else [],
            "notes": report.notes,
            "deadline": deadlines.tag(made, region.path),
            "deadline_url": deadlines.setting_url(made, region, actor),
            "excel_url": excel if actor.has(Capability.EXPORT_STATISTICS, made.name) else None,
        }
        return self.render_template("reports/statistics.html", table=page)

    @expose("/<string:register>/statistics/<string:name>/excel")
    @takes("region", "days", "year", "kind", "sort")
    @permission_name(Capability.EXPORT_STATISTICS)
    def excel(self, register: str, name: str) -> Response:
        """The same table as a workbook; logged (spec 01)."""
        _actor, asked = _asked(register, name, Capability.EXPORT_STATISTICS)
        region = asked.region
        report, _chart, _line = _report(asked)
        report = ordering.put_in(report, ordering.asked_for(request.args.get("sort"), report))
        detail = {"table": name, "region": region.full_name, "rows": len(report.rows)}
        detail |= {"year": asked.year} if asked.year else {}
        detail |= {"of_kind": asked.kind} if asked.kind else {}
        audit.note(Act.EXPORT, register=asked.register.name, row=At(region.path), detail=detail)
        return send_file(
            workbook(report),
            mimetype=MEDIA_TYPE,
            as_attachment=True,
            download_name=f"{report.title}_{_of_what(report)}{region.name}_{local(report.at):%Y%m%d}.xlsx",
        )


@dataclass(frozen=True)
class At:
    """Where an audit entry belongs that is about no record."""

    path: str


@dataclass(frozen=True)
class _Asked:
    """What an address asks for: the table ``name``, of which ``table`` is what was declared, of a division;
    of one year, a kind of it, or of all; of days how many.
    """

    register: Register
    table: Table
    name: str
    region: Region
    days: int
    year: int | None
    kind: str

    @property
    def of_dim(self) -> dict[str, Any]:
        """Year and kind as an address says them."""
        return of_dim(self.register, self.year, self.kind)


def _asked(register: str, name: str, capability: Capability) -> tuple[Actor, _Asked]:
    """Who asks, with the right to, and for what."""
    made, table = _table(register, name)
    actor = policy.require(capability, made.name)
    region = statistics.region_asked_for(actor, request.args.get("region"))
    days = trend.days_asked_for(request.args.get("days"))
    year = statistics.year_asked_for(made, request.args.get("year"))
    kind = statistics.kind_asked_for(made, year, request.args.get("kind"))
    return actor, _Asked(made, table, name, region, days, year, kind)


def _table(register: str, name: str) -> tuple[Register, Table]:
    """The declared table of an address; of the week, the days and the rules the table that they follow."""
    made = get_register(register)
    table = None
    if made is not None:
        table = made.progress_table if name in (WEEK, TREND) else made.table(name)
        table = made.quality_table if name == BY_RULE else table
    if made is None or table is None:
        raise NotFound(_("没有这张统计表。"))
    return made, table


def _report(asked: _Asked) -> tuple[Report, dict[str, Any] | None, Trend | None]:
    """The table, its chart, and the days that it shows."""
    register, table, region = asked.register, asked.table, asked.region
    year, kind = asked.year, asked.kind
    if asked.name == BY_RULE:
        return by_rule.report(register, region, year, kind), None, None
    if asked.name == WEEK:
        return week.report(register, table, region, year, kind), None, None
    if asked.name == TREND:
        report, line = trend.report(register, table, region, asked.days, year, kind)
        return report, trend.chart(line, table.chart), line
    sheet = statistics.read(register, region, tables.table_figures(table), year=year, kind=kind)
    return tables.of_sheet(table, sheet), charts.of_sheet(table, sheet), None


def shown(report: Report, url: str) -> dict[str, Any]:
    """A report for reports/_stat_table.html; ``url`` is the table that divisions lead down to."""
    return {
        "title": report.title,
        "headers": _headers(report),
        "numbered": True,
        "rows": [
            {
                "label": row.label,
                "url": _at_region(url, row.region.id) if _leads_down(row) else None,
                "total": row.kind in (LineKind.TOTAL, LineKind.OWN),
                "cells": [
                    {
                        "text": cell.text,
                        "url": _cell_url(report, row, cell),
                        "sub": cell.sub,
                        "tone": cell.tone,
                        "words": cell.words,
                    }
                    for cell in row.cells
                ],
            }
            for row in report.rows
        ],
    }


def _cell_url(report: Report, row: Row, cell: Cell) -> str | None:
    """The rows that a number counts; why a place is that one; where a setting is set, for those who may."""
    register = report.register
    if cell.why:
        return why_url(register, cell.why, row.region.id, report.year, report.kind)
    if cell.setting:
        actor = current_actor()
        return deadlines.setting_url(register, row.region, actor) if actor else None
    if not (cell.figure and cell.value and isinstance(cell.value, int)):
        return None
    counts = get_register(cell.of) if cell.of else register
    ledger = ledger_url(counts) if counts and not counts.adds(cell.figure) else None
    if ledger is None:
        return None
    since = f"&{DECIDED_FROM}={cell.since}" if cell.since else ""
    return f"{ledger}?figure={cell.figure}{_place(row)}{since}"


def _headers(report: Report) -> list[list[dict[str, Any]]]:
    return header_lines(_heads(report))


def _heads(report: Report) -> list[tuple[str, ...]]:
    return [(_("序号"),), (_first_head(report),), *report.heads]


def _sortable(report: Report, now: Order | None, here: str) -> list[list[dict[str, Any]]]:
    """Heads that lead to the table in the order of their column."""
    lines = _headers(report)
    for head in (head for line in lines for head in line if head["column"] >= _LABELS):
        column = head["column"] - _LABELS
        asked = ordering.next_of(column, now, report).text
        head["sort_url"] = f"{here}{'&' if '?' in here else '?'}sort={asked}"
        if now is not None and now.column == column:
            head["sorted"] = "down" if now.down else "up"
    return lines


def header_lines(
    heads: list[tuple[str, ...]], *, numbered: bool = True
) -> list[list[dict[str, Any]]]:
    """Merged heads for reports/_stat_table.html; ``numbered``: the first column holds row numbers.
    ``column`` is the one that a head names alone, -1 for a group's.
    """
    lines: dict[int, list[dict[str, Any]]] = defaultdict(list)
    depth = max(map(len, heads))
    for span in head_spans(heads, depth):
        lines[span.top].append(
            {
                "text": span.text,
                "colspan": span.right - span.left + 1,
                "rowspan": span.bottom - span.top + 1,
                "number": numbered and span.left == 0,
                "column": span.left if span.bottom == depth - 1 else -1,
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


def _at_region(url: str, region_id: int) -> str:
    return f"{url}{'&' if '?' in url else '?'}region={region_id}"


def _url(asked: _Asked, **more: Any) -> str:
    return url_for(
        "StatisticsView.table",
        register=asked.register.name, name=asked.name, region=asked.region.id,
        **asked.of_dim, **more,
    )  # fmt: skip


def _years(asked: _Asked) -> list[dict[str, Any]]:
    """All years and each of them, to choose one."""
    if asked.register.years is None or choosing.is_long(asked.register):
        return []
    return [
        {
            "label": _("%(year)s年", year=year) if year else _("全部年度"),
            "url": _url(replace(asked, year=year)),
            "active": year == asked.year,
        }
        for year in (None, *asked.register.years.offered())
    ]


def _kinds(asked: _Asked) -> list[dict[str, Any]]:
    """What divides a year: all of it and each kind, to choose one."""
    register = asked.register
    if not register.kinds or asked.year is None or choosing.is_long(register):
        return []
    return [
        {
            "label": register.kind_label(kind) if kind else _("全部"),
            "url": _url(replace(asked, kind=kind)),
            "active": kind == asked.kind,
        }
        for kind in ("", *register.kinds)
    ]


def _choosing(asked: _Asked, kept: dict[str, Any]) -> dict[str, Any] | None:
    """The choice of a year among many, and of what divides it."""
    if not choosing.is_long(asked.register):
        return None
    return choosing.form(
        asked.register,
        asked.year,
        asked.kind,
        lambda year, kind: _url(replace(asked, year=year, kind=kind), **kept),
        {"region": asked.region.id, **kept},
    )


def _tabs(asked: _Asked) -> list[dict[str, Any]]:
    register = asked.register
    names = {table.name: translate(table.title) for table in register.tables}
    if register.progress_table:
        names |= {WEEK: _("周进度"), TREND: _("趋势")}
    if register.quality_table:
        names |= {BY_RULE: by_rule.title()}
    return [
        {"label": label, "url": _url(replace(asked, name=name)), "active": name == asked.name}
        for name, label in names.items()
    ]


def _standings(asked: _Asked) -> list[dict[str, Any]]:
    """The places of the division that is shown among those beside it, in the rates of its table."""
    if asked.name != asked.table.name:
        return []
    dim = asked.year, asked.kind
    found = standing.of_table(asked.register, asked.table, asked.region, *dim)
    return [card(asked.register, asked.region, one, dim) for one in found]


def _ranges(asked: _Asked, line: Trend) -> list[dict[str, Any]]:
    """How many days may be looked back; where fewer are kept than were asked for, that is all there is."""
    offered = {days: _("近%(n)s天", n=days) for days in trend.RANGES}
    if not line.reaches(asked.days):
        offered = {days: label for days, label in offered.items() if days <= line.length}
        offered[asked.days] = _("全部%(n)s天", n=line.length)
    return [
        {"label": label, "url": _url(asked, days=days), "active": days == asked.days}
        for days, label in offered.items()
    ]


def chart_urls(chart: dict[str, Any], url: str) -> list[str | None]:
    return [_at_region(url, key) if key else None for key in chart.get("regions", ())]


def workbook(report: Report) -> BytesIO:
    """The table as an Excel file: its head merged as on the page, the place and time above it."""
    columns = [Column((_("序号"),), width=6), Column((_first_head(report),), width=_NAME_WIDTH)]
    columns += [Column(texts, width=_TEXT_WIDTH) for texts in report.heads]
    title = _(
        "%(register)s %(table)s（%(place)s，%(time)s）",
        register=report.register.label,
        table=f"{report.title} {_of_what(report)}".strip(),
        place=report.region.full_label,
        time=to_minute(report.at),
    )
    rows = [
        (number, row.label, *map(_in_excel, row.cells)) for number, row in enumerate(report.rows, 1)
    ]
    file = BytesIO()
    with Book(file) as book:
        book.table(report.title, columns, rows, title=title, frozen_columns=2, ruled=True)
    file.seek(0)
    return file


def _of_what(report: Report) -> str:
    """The year, and the kind of it, that a report tells of."""
    kind = report.register.kind_label(report.kind) if report.kind else ""
    return f"{report.year or ''}{kind}"


def _in_excel(cell: Cell) -> int | Decimal | str | Rate:
    """A number as such, and a share in percent; a text with the small line that stands under it."""
    if not isinstance(cell.value, str):
        return cell.value
    if share := _PERCENT.fullmatch(cell.value):  # as it is shown: a page rounds with care
        return Rate(Decimal(share[1]) / 100, len(share[2]))
    if not cell.sub:
        return cell.value
    return _("%(value)s（%(sub)s）", value=cell.value, sub=cell.sub)
