"""The weekly table: how far each division is, what the week brought, its rank (spec 02 "Lists").

Divisions down to the county are compared with the counters kept a week ago, at the end of a day of
China. Inside a county nothing is kept by day; there the records decided since the end of that day
stand for the increase. A division that moved has taken its past days along, so its move is no
increase of the one it came to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import partial

from sqlalchemy import func, select

from app.access.divisions.regions import Level, Region, in_subtree
from app.core.clock import day_begins, today
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel.declare.register import Register
from app.kernel.declare.tables import Column, Table
from app.kernel.figures import statistics
from app.kernel.figures.days import DAYS, Then, a_week_ago, month_day
from app.kernel.figures.statistics import Line, LineKind, Sheet
from app.kernel.reports import deadlines
from app.kernel.reports.deadlines import Deadline
from app.kernel.reports.shares import UNKNOWN, ranked, share
from app.kernel.reports.tables import (
    Cell,
    Report,
    Row,
    column_label,
    counting_note,
    figure_cell,
    unplaced_note,
)
from app.kernel.rows.reading import columns_of

_RANK = 4  # the column that tells the place


def report(
    register: Register, table: Table, region: Region, year: int | None = None, kind: str = ""
) -> Report:
    """The weekly table of a register for a region of the actor's area, best division first."""
    if table.progress is None:
        raise ValueError(f"{register.name}.{table.name} declares no progress")
    done, whole = table.progress
    sheet = statistics.read(register, region, (whole, done), year=year, kind=kind)
    if region.level < Level.COUNTY:
        then, since = a_week_ago([sheet], [line.region for line in sheet.lines]), None
        gains = _gains_since(sheet, then, done)
        head = _("比%(day)s增加", day=month_day(then.day)) if then else _("比上周增加")
        notes = () if then else (_("还没有一周前的数据，从系统开始统计满一周后显示增加数。"),)
    else:
        label = column_label(register, Column(done))
        then, head, notes = None, _("近7天新增%(what)s", what=label), ()
        since = today() - dt.timedelta(days=DAYS - 1)
        gains = _decided_since(since, sheet, done, table.told_on)
    told = sheet.told(done, whole)
    rank = ranks(sheet.divisions, done, whole) if told else {}
    gains = gains if told else {}
    before = _ranks_then(sheet, then, done, whole)
    until = deadlines.of_children(register, region, [line.region for line in sheet.divisions])
    rows = [
        Row(
            line.kind,
            line.label,
            line.region,
            (
                figure_cell(sheet, line, whole),
                figure_cell(sheet, line, done),
                _share_cell(line.counts[done], line.counts[whole]) if told else Cell(UNKNOWN),
                _gain_cell(
                    gains.get(_key(line)), sheet.key(done), None if table.told_on else since
                ),
                _rank_cell(line, rank, before),
                *(
                    [_deadline_cell(line, until, sheet, _left(line, sheet, done, whole))]
                    if register.flow
                    else []
                ),
            ),
        )
        for line in sheet.lines
    ]
    heads = (
        column_label(register, Column(whole)),
        column_label(register, Column(done)),
        _("完成率"),
        head,
        _("排名"),
        *([_("截止日期")] if register.flow else []),
    )
    last = len(rows)
    rows[1:] = sorted(
        rows[1:], key=lambda row: (row.kind == LineKind.UNPLACED, rank.get(row.region.id, last))
    )
    return Report(
        title=_("%(table)s（周进度）", table=translate(table.title)),
        register=register,
        region=region,
        heads=tuple((text,) for text in heads),
        rows=tuple(rows),
        at=sheet.at,
        notes=(*notes, *unplaced_note(sheet), *counting_note(sheet)),
        year=year,
        kind=kind,
        ranks=frozenset({_RANK}),
    )


def ranks(divisions: Iterable[Line], done: str, whole: str) -> dict[int, int]:
    """Division -> rank by the share that is done; equal shares share a rank."""
    return ranked({d.region.id: (d.counts[done], d.counts[whole]) for d in divisions})


def _ranks_then(sheet: Sheet, then: Then | None, done: str, whole: str) -> dict[int, int]:
    if then is None or not then.tells(sheet, done, whole):
        return {}
    of = partial(then.of, sheet)
    return ranked({d.region.id: (of(d.region, done), of(d.region, whole)) for d in sheet.divisions})


def _left(line: Line, sheet: Sheet, done: str, whole: str) -> bool | None:
    """Is something left to do there? None where nothing ever was; unknown is taken as so."""
    if not sheet.told(done, whole):
        return True
    return line.counts[done] < line.counts[whole] if line.counts[whole] else None


def _key(line: Line) -> tuple[LineKind, int]:
    return line.kind, line.region.id


def _gains_since(sheet: Sheet, then: Then | None, done: str) -> dict[tuple[LineKind, int], int]:
    if then is None or not then.tells(sheet, done):
        return {}
    return {
        _key(line): line.counts[done] - then.of(sheet, line.region, done) for line in sheet.lines
    }


def _decided_since(
    day: dt.date, sheet: Sheet, done: str, told_on: str
) -> dict[tuple[LineKind, int], int]:
    """Rows that count as done and were decided from ``day`` on, or first told so (``told_on``), by line. One
    statement.
    """
    register, region = sheet.register, sheet.region
    model = register.model
    columns = columns_of(model, register.name)
    place = statistics.child_path(model.path, statistics.child_width(region)).label("place")
    query = (
        select(place, func.count())
        .where(
            in_subtree(model.path, region.path),
            register.counted(sheet.key(done)).sql(columns),
            getattr(model, told_on) >= day if told_on else model.decided_at >= day_begins(day),
        )
        .group_by(place)
    )
    found = {path: int(n) for path, n in db.session.execute(query)}
    gains = {}
    for line in sheet.lines:
        whole = line is sheet.total
        gains[_key(line)] = sum(found.values()) if whole else found.get(line.region.path, 0)
    return gains


def _share_cell(done: int, whole: int) -> Cell:
    return Cell(share(done, whole), exact=Fraction(done, whole) if whole else None)


def _gain_cell(gain: int | None, done: str, since: dt.date | None) -> Cell:
    """An increase that was counted from rows leads to them; a difference of two days has none."""
    if gain is None:
        return Cell(UNKNOWN)
    tone = "good" if gain > 0 else "bad" if gain < 0 else ""
    return Cell(gain, figure=done if since else "", since=since, tone=tone)


def _deadline_cell(
    line: Line, until: Mapping[int, Deadline], sheet: Sheet, left: bool | None
) -> Cell:
    """The day until which the division is to be done; how late it is while something is left. One without
    households has done nothing.
    """
    register = sheet.register
    if line.kind == LineKind.UNPLACED:
        return Cell(UNKNOWN)
    own = line.kind != LineKind.DIVISION
    found = deadlines.of(register, sheet.region.path) if own else until.get(line.region.id)
    setting = deadlines.setting_of(register)
    if found is None:
        return Cell(_("未设置"), setting=setting)
    day = found.until.isoformat()
    if left is None:
        return Cell(day, setting=setting)
    if not left:
        return Cell(day, setting=setting, sub=_("已完成"), tone="good")
    if found.passed:
        return Cell(day, setting=setting, sub=_("已逾期%(n)s天", n=-found.left), tone="bad")
    tone = "warn" if found.left <= deadlines.SOON_DAYS else ""
    return Cell(day, setting=setting, sub=_("还剩%(n)s天", n=found.left), tone=tone)


def _rank_cell(line: Line, rank: Mapping[int, int], before: Mapping[int, int]) -> Cell:
    place = rank.get(line.region.id) if line.kind == LineKind.DIVISION else None
    if place is None:
        return Cell(UNKNOWN)
    moved = before.get(line.region.id, place) - place
    if not moved:
        return Cell(place)
    sub = _("上升%(n)s位", n=moved) if moved > 0 else _("下降%(n)s位", n=-moved)
    return Cell(place, sub=sub, tone="good" if moved > 0 else "bad")
