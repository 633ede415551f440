"""Charts as data for static/lists/charts.js: bars by division of the figures that a table names; which
colours of its palette the series of a chart have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.i18n import _, translate
from app.kernel.declare.tables import Table
from app.kernel.figures.statistics import LineKind, Sheet
from app.kernel.reports.shares import share

_MANY = 14  # bars that a chart of ordinary height can label
#: How many colours the palette of static/lists/charts.js has, and the places of those that mean something.
COLOURS = 8
_OF_TONE = {"info": 0, "warn": 1, "good": 2, "bad": 3, "neutral": 4}


def of_sheet(table: Table, sheet: Sheet) -> dict[str, Any] | None:
    """Stacked bars by division, a ring where there is only one; None where nothing is counted, or not all
    of it yet.
    """
    figures = sheet.register.figures
    if not sheet.told(*table.chart) or not any(sheet.total.counts[n] for n in table.chart):
        return None
    bars = sheet.lines[1:] or sheet.lines
    unit = translate(sheet.register.unit)
    whole = sum(sheet.total.counts[name] for name in table.chart)
    names = [figures[name].text for name in table.chart]
    shares = _("、").join(
        _("%(figure)s%(n)s%(unit)s", figure=label, n=f"{sheet.total.counts[name]:,}", unit=unit)
        for label, name in zip(names, table.chart, strict=True)
    )
    return {
        "title": _("%(place)s%(table)s图", place=sheet.region.label, table=translate(table.title)),
        "text": shares,
        "kind": "stacked" if len(bars) > 1 else "share",
        "tall": len(bars) > _MANY,
        "unit": unit,
        "labels": [line.label for line in bars],
        "regions": [line.region.id if line.kind == LineKind.DIVISION else None for line in bars],
        "series": [
            {
                "name": label,
                "colour": colour,
                "share": share(sheet.total.counts[name], whole),
                "values": [line.counts[name] for line in bars],
            }
            for label, name, colour in zip(
                names, table.chart, colours([figures[n].tone for n in table.chart]), strict=True
            )
        ],
    }


def colours(tones: Sequence[str]) -> list[int]:
    """Places in the palette, no two alike: the first series of a tone has its colour, the others those that
    are free.

    :raises ValueError: more series than colours.
    """
    if len(tones) > COLOURS:
        raise ValueError(f"{len(tones)} series, {COLOURS} colours")
    found = [
        _OF_TONE.get(tone, -1) if tone not in tones[:n] else -1 for n, tone in enumerate(tones)
    ]
    free = iter([n for n in (*range(len(_OF_TONE), COLOURS), *range(COLOURS)) if n not in found])
    taken = set(found)
    for place, colour in enumerate(found):
        if colour < 0:
            found[place] = next(n for n in free if n not in taken)
            taken.add(found[place])
    return found
