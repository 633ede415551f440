"""Charts as data for static/lists/charts.js: bars by division of the figures that a table names."""

from __future__ import annotations

from typing import Any

from app.core.i18n import _, translate
from app.kernel.declare.register import Table
from app.kernel.figures.statistics import LineKind, Sheet

_MANY = 14  # bars that a chart of ordinary height can label


def of_sheet(table: Table, sheet: Sheet) -> dict[str, Any] | None:
    """Stacked bars by division, a ring where there is only one; None where nothing is counted, or not all
    of it yet.
    """
    figures = sheet.register.figures
    if not sheet.told(*table.chart) or not any(sheet.total.counts[n] for n in table.chart):
        return None
    bars = sheet.lines[1:] or sheet.lines
    unit = translate(sheet.register.unit)
    names = [translate(figures[name].label) for name in table.chart]
    shares = _("、").join(
        _("%(figure)s%(n)s%(unit)s", figure=label, n=f"{sheet.total.counts[name]:,}", unit=unit)
        for label, name in zip(names, table.chart, strict=True)
    )
    return {
        "title": _("%(place)s%(table)s图", place=sheet.region.name, table=translate(table.title)),
        "text": shares,
        "kind": "stacked" if len(bars) > 1 else "share",
        "tall": len(bars) > _MANY,
        "unit": unit,
        "labels": [line.label for line in bars],
        "regions": [line.region.id if line.kind == LineKind.DIVISION else None for line in bars],
        "series": [
            {
                "name": label,
                "tone": figures[name].tone,
                "values": [line.counts[name] for line in bars],
            }
            for label, name in zip(names, table.chart, strict=True)
        ],
    }
