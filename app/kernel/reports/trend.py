"""How a division's figures grew day by day, from the counters kept each day (spec 02 "Lists").

Days are kept for every division down to the county. A division that moves takes its past days along
(:mod:`app.admin.divisions.counts`), so a curve tells of the division as it is today. A day on which
nothing was kept is a gap, never a zero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, union_all

from app.access.divisions.regions import Level, Region
from app.core.clock import today
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import _, translate
from app.kernel.declare.figures import parted
from app.kernel.declare.register import Register
from app.kernel.declare.tables import Column, Table
from app.kernel.figures import statistics
from app.kernel.figures.day_tables import DAYS, SumDay, days_of
from app.kernel.figures.days import DAILY, is_kept, month_day
from app.kernel.figures.state import being_counted
from app.kernel.figures.statistics import LineKind, Sheet
from app.kernel.reports import tables
from app.kernel.reports.charts import colours
from app.kernel.reports.shares import UNKNOWN
from app.kernel.reports.tables import Cell, Report, Row, column_label, counting_note

#: Days that may be looked back.
RANGES = (14, 30, 90, 365)
ON_DESK = 30


@dataclass(frozen=True)
class Trend:
    """What a division counted at the end of each of ``days``, the oldest first, and what it counts
    now (of today). A day of which nothing was kept is in ``days`` but not in ``counts``; of long ago only
    some are meant to be. Of days from before sums were kept a figure that adds up is None.
    """

    register: Register
    region: Region
    days: tuple[dt.date, ...]
    counts: Mapping[dt.date, Mapping[str, int | None]]

    @property
    def length(self) -> int:
        """How many days lie between the first and today, both counted."""
        return (self.days[-1] - self.days[0]).days + 1

    def reaches(self, days: int) -> bool:
        """Does it go back so many days, but for those of long ago that are not kept?"""
        first = self.days[-1] - dt.timedelta(days=days - 1)
        before = (first + dt.timedelta(days=n) for n in range((self.days[0] - first).days))
        return not any(map(is_kept, before))

    def of(self, day: dt.date, figure: str) -> int | None:
        """How many; None where nothing was kept."""
        found = self.counts.get(day)
        return found.get(figure, 0) if found is not None else None


def days_asked_for(text: str | None) -> int:
    """How many days an address asks for. :raises BadInput: none of :data:`RANGES`."""
    if not text:
        return ON_DESK
    if text not in map(str, RANGES):
        raise BadInput(_("时间范围有误，请从页面上重新选择。"))
    return int(text)


def read(sheet: Sheet, figures: Sequence[str], days: int) -> Trend:
    """The last ``days`` days of the sheet's region, with today as the sheet has it. One statement, by
    key; none below the county.
    """
    return read_all([(sheet, figures)], days)[0]


def read_all(asked: Sequence[tuple[Sheet, Sequence[str]]], days: int) -> list[Trend]:
    """:func:`read` of several sheets, each with its figures; still one statement."""
    now = today()
    first, last = now - dt.timedelta(days=days - 1), now - dt.timedelta(days=1)
    found: dict[tuple[str, int], dict[dt.date, dict[str, int | None]]] = {}
    # one range of a key for each sheet: OR might read them all
    if parts := [
        part
        for sheet, figures in asked
        if sheet.region.level <= Level.COUNTY
        for part in _kept(sheet, figures, first, last)
    ]:
        for name, region_id, day, figure, n in db.session.execute(union_all(*parts)):
            of_day = found.setdefault((name, region_id), {}).setdefault(day, {})
            of_day[parted(figure)[0]] = n
    trends = []
    for sheet, figures in asked:
        counts = found.get((sheet.register.name, sheet.region.id), {})
        _leave_out_sums(sheet, figures, counts)
        trends.append(_trend(sheet, figures, counts, now))
    return trends


def _leave_out_sums(
    sheet: Sheet, figures: Sequence[str], counts: dict[dt.date, dict[str, int | None]]
) -> None:
    """Nothing is known of sums on days from before the first of which any was kept; later 0 is 0."""
    sums = [name for name in figures if sheet.register.adds(name)]
    if sums and counts:
        since = db.session.scalar(select(func.min(SumDay.day)))
        for day, of_day in counts.items():
            if since is None or day < since:
                of_day.update(dict.fromkeys(sums))


def _kept(
    sheet: Sheet, figures: Sequence[str], first: dt.date, last: dt.date
) -> Iterator[Select[str, int, dt.date, str, int]]:
    """What was kept of these figures between two days, of each table of days."""
    for table in DAYS:
        keys = {key for key in map(sheet.key, figures) if days_of(sheet.register, key) is table}
        if keys:
            what = table.register, table.region_id, table.day, table.figure, table.n
            yield select(*what).where(
                table.register == sheet.register.name,
                table.figure.in_(keys),
                table.region_id == sheet.region.id,
                table.day.between(first, last),
            )


def _trend(
    sheet: Sheet, figures: Sequence[str], counts: dict[dt.date, dict[str, int | None]], now: dt.date
) -> Trend:
    if sheet.told(*figures):
        counts[now] = {name: sheet.total.counts[name] for name in figures}
    first = min(counts, default=now)
    every = (first + dt.timedelta(days=n) for n in range((now - first).days + 1))
    line = tuple(day for day in every if day in counts or is_kept(day))
    return Trend(sheet.register, sheet.region, line, counts)


def report(
    register: Register,
    table: Table,
    region: Region,
    days: int,
    year: int | None = None,
    kind: str = "",
) -> tuple[Report, Trend]:
    """The days as a table, the newest first; of what is done also what each day brought."""
    if table.progress is None:
        raise ValueError(f"{register.name}.{table.name} declares no progress")
    done, whole = table.progress
    table = table.plain(register.figures)
    names = tuple(figure for _own, figure in table.shown())
    figures = tuple(dict.fromkeys((*names, *table.chart, done, whole)))
    sheet = statistics.read(register, region, figures, (), year, kind)
    trend = read(sheet, figures, days)
    rows = []
    for day in reversed(trend.days):
        now = day == trend.days[-1]
        rows.append(
            Row(
                LineKind.DAY,
                _("%(day)s（现在）", day=day.isoformat()) if now else day.isoformat(),
                region,
                (
                    *(_cell(trend, day, name, sheet.key(name) if now else "") for name in names),
                    _gain(trend, day, done),
                ),
            )
        )
    label = column_label(register, Column(done))
    made = Report(
        title=_("%(table)s（趋势）", table=translate(table.title)),
        register=register,
        region=region,
        heads=(
            *tables.heads(register, table.columns),
            (_("当日新增%(what)s", what=label),),
        ),
        rows=tuple(rows),
        at=sheet.at,
        notes=(*_notes(trend, days), *counting_note(sheet)),
        year=year,
        kind=kind,
        first_head=_("日期"),
    )
    return made, trend


def chart(trend: Trend, names: Sequence[str]) -> dict[str, Any] | None:
    """Lines for static/lists/charts.js; None where there is one day only."""
    unit = translate(trend.register.unit)
    return _lines(
        trend, names, unit, _("%(place)s近%(n)s天趋势图", place=trend.region.label, n=trend.length)
    )


def charts_of_sums(trend: Trend, table: Table) -> list[dict[str, Any]]:
    """The same of what the columns of a table add up, each unit in a chart of its own."""
    register, units = trend.register, dict[str, list[str]]()
    for _own, name in table.plain(register.figures).shown():
        if register.adds(name):
            units.setdefault(tables.unit_of(register, name), []).append(name)
    place, n = trend.region.label, trend.length
    made = (
        _lines(trend, names, unit, _("%(place)s近%(n)s天%(what)s趋势图", place=place, n=n, what=_("、").join(
            trend.register.figures[name].text for name in names
        )))
        for unit, names in units.items()
    )  # fmt: skip
    return [one for one in made if one]


def _lines(trend: Trend, names: Sequence[str], unit: str, title: str) -> dict[str, Any] | None:
    if not names or len(trend.days) < 2 or trend.days[-1] not in trend.counts:
        return None
    register, figures = trend.register, trend.register.figures
    last = trend.days[-1]
    first = next(day for day in trend.days if trend.of(day, names[0]) is not None)
    grown = _("、").join(
        _(
            "%(figure)s从%(before)s%(unit)s到%(after)s%(unit)s",
            figure=figures[name].text,
            before=f"{tables.told(register, name, trend.of(first, name) or 0):,}",
            after=f"{tables.told(register, name, trend.of(last, name) or 0):,}",
            unit=unit,
        )
        for name in names
    )
    return {
        "title": title,
        "text": grown,
        "kind": "line",
        "unit": unit,
        "labels": [month_day(day) for day in trend.days],
        "series": [
            {
                "name": figures[name].text,
                "colour": colour,
                "values": [_drawn(register, name, trend.of(day, name)) for day in trend.days],
            }
            for name, colour in zip(names, colours([figures[n].tone for n in names]), strict=True)
        ],
    }


def _drawn(register: Register, name: str, n: int | None) -> float | int | None:
    """A number as the drawing has it, which needs no more than a float holds."""
    told = None if n is None else tables.told(register, name, n)
    return told if told is None or isinstance(told, int) else float(told)


def _cell(trend: Trend, day: dt.date, name: str, figure: str) -> Cell:
    n = trend.of(day, name)
    if n is None:
        return Cell(being_counted() if day == trend.days[-1] else UNKNOWN)
    return tables.figure_told(trend.register, name, n, figure)


def _gain(trend: Trend, day: dt.date, figure: str) -> Cell:
    now, before = trend.of(day, figure), trend.of(day - dt.timedelta(days=1), figure)
    if now is None or before is None:
        return Cell(UNKNOWN)
    gain = now - before
    return Cell(gain, tone="good" if gain > 0 else "bad" if gain < 0 else "")


def _notes(trend: Trend, days: int) -> tuple[str, ...]:
    if trend.region.level > Level.COUNTY:
        return (_("每日数据只保存到县级，乡镇和村只有现在的数据。"),)
    lost = sum(day not in trend.counts for day in trend.days[:-1])
    found = [_("每天的数据在当天结束后保存，行政区划调整时随之调整。")]
    if lost:
        found.append(_("有 %(n)s 天没有留存数据，图中断开，表中为“—”。", n=lost))
    if trend.length > DAILY:
        found.append(_("%(n)s天以前只保留每周日和每月末的数据。", n=DAILY))
    if not trend.reaches(days):
        day = month_day(trend.days[0])
        found.append(_("系统从%(day)s开始留存数据。", day=day))
    return tuple(found)
