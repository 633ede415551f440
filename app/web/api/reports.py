"""A statistics table as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.divisions.regions import Region
from app.core.errors import NotFound
from app.core.i18n import _
from app.kernel.declare.register import Register
from app.kernel.declare.tables import TREND, WEEK
from app.kernel.figures import statistics
from app.kernel.reports import order as ordering
from app.kernel.reports import tables, trend, week
from app.web.api import places, shapes


def table_of(
    register: Register, name: str, args: MultiDict[str, str], actor: Actor
) -> dict[str, Any]:
    """The table of this name as the parameters ask for it; without a year or kind it is of all.

    :raises NotFound: the register has no such table.
    """
    compared = name in (WEEK, TREND)
    table = register.progress_table if compared else register.table(name)
    if table is None:
        raise NotFound(_("没有这张统计表。"))
    region = statistics.region_asked_for(actor, places.with_region(args, actor).get("region"))
    days = trend.days_asked_for(args.get("days"))
    every = statistics.ALL_YEARS if register.years else None
    year = statistics.year_asked_for(register, args.get("year") or every)
    both = statistics.ALL_KINDS if register.kinds else None
    kind = statistics.kind_asked_for(register, year, args.get("kind") or both)
    if name == TREND:
        report, _line = trend.report(register, table, region, days, year, kind)
    else:
        make = week.report if name == WEEK else tables.report
        report = make(register, table, region, year, kind)
    order = ordering.asked_for(args.get("sort"), report)
    return _json(ordering.put_in(report, order))


def _json(report: tables.Report) -> dict[str, Any]:
    figures = [cell.figure for cell in report.rows[0].cells]
    return {
        "title": report.title,
        "region": _place(report.region),
        "year": report.year,
        "at": shapes.instant(report.at),
        "columns": [
            {"heads": list(heads), "figure": figure or None}
            for heads, figure in zip(report.heads, figures, strict=True)
        ],
        "rows": [
            {
                "kind": row.kind.value,
                "label": row.label,
                "region": _place(row.region),
                "cells": [
                    str(cell.value) if isinstance(cell.value, Decimal) else cell.value
                    for cell in row.cells
                ],
            }
            for row in report.rows
        ],
        "notes": list(report.notes),
    }


def _place(region: Region) -> dict[str, Any]:
    return shapes.place(region.id, region.code, region.full_name, region.level)
