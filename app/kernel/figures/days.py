"""Counters as they were: read for increases and trends, kept once a day by a job."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select

from app.access.divisions.regions import NATION_PATH, Region
from app.core.clock import today
from app.core.db import db
from app.core.i18n import _
from app.core.jobs.table import JobContext, daily_job
from app.core.transactions import transaction
from app.kernel.declare.figures import parted
from app.kernel.figures import counters, day_tables
from app.kernel.figures.day_tables import CounterDay
from app.kernel.figures.state import counted_on, incomplete
from app.kernel.figures.statistics import Sheet

DAYS = 7  # a week
DAILY = 100  # days; of those before, Sundays and the ends of months are kept
_OLDEST = 30  # days more: what is older is no comparison


@dataclass(frozen=True)
class Then:
    """What divisions counted at the end of a day: (register, division, figure) -> how many."""

    day: dt.date
    counts: Mapping[tuple[str, int, str], int]

    def tells(self, sheet: Sheet, *figures: str) -> bool:
        """Is what it counted of them comparable with today's counts? Not those that are newer, or counted
        by another condition since.
        """
        return all(counted_on(sheet.register, parted(name)[0], self.day) for name in figures)

    def of(self, sheet: Sheet, region: Region, figure: str) -> int:
        return self.counts.get((sheet.register.name, region.id, sheet.key(figure)), 0)


def a_week_ago(sheets: Collection[Sheet], regions: Collection[Region]) -> Then | None:
    """What they counted a week ago, see :func:`kept`."""
    return kept(sheets, regions, today() - dt.timedelta(days=DAYS))


def kept(sheets: Collection[Sheet], regions: Collection[Region], until: dt.date) -> Then | None:
    """The newest kept counts of ``until`` or before, of divisions down to the county, of the
    registers and years of the sheets.

    None where nothing was kept. Two statements, by key.
    """
    names = {sheet.register.name for sheet in sheets}
    figures = {sheet.key(name) for sheet in sheets for name in sheet.register.figures}
    nation = select(Region.id).where(Region.path == NATION_PATH).scalar_subquery()
    found = select(CounterDay.day).where(
        CounterDay.register.in_(names),
        CounterDay.figure.in_(figures),
        CounterDay.region_id == nation,
        CounterDay.day.between(until - dt.timedelta(days=_OLDEST), until),
    )
    # the newest of those that the key finds: asked at once, PostgreSQL looks through all lines of a day
    days = found.distinct().subquery()
    day = db.session.scalar(select(func.max(days.c.day)))
    if day is None:
        return None
    query = select(
        CounterDay.register, CounterDay.region_id, CounterDay.figure, CounterDay.n
    ).where(
        CounterDay.register.in_(names),
        CounterDay.figure.in_(figures),
        CounterDay.region_id.in_({region.id for region in regions}),
        CounterDay.day == day,
    )
    counts = {(name, key, figure): n for name, key, figure, n in db.session.execute(query)}
    return Then(day, counts)


def is_kept(day: dt.date) -> bool:
    """Are the counters of the end of that day still kept, if they were?"""
    ends_month = (day + dt.timedelta(days=1)).day == 1
    return (today() - day).days <= DAILY or day.isoweekday() == 7 or ends_month


def thin() -> None:
    """Let go of the days that are not kept any more. The caller commits."""
    newest = today() - dt.timedelta(days=DAILY)
    for table in day_tables.DAYS:
        later = select(func.min(table.day)).where(table.day < newest)
        day = dt.date.min
        while found := db.session.scalar(later.where(table.day > day)):  # one key each
            day = found
            if not is_kept(day):
                db.session.execute(delete(table).where(table.day == day))


def month_day(day: dt.date) -> str:
    """11月15日, the way people name a day of this year."""
    return _("%(month)s月%(day)s日", month=day.month, day=day.day)


@daily_job("stats.snapshot", title="每日统计留存")
def keep_yesterday(_job: JobContext) -> dict[str, Any]:
    """Keep what counts now as the end of yesterday, and fewer days of long ago; it runs as soon as a day
    has begun.
    """
    day = today() - dt.timedelta(days=1)
    with transaction():
        lines = counters.snapshot(db.session(), day, incomplete)
        thin()
    return {"day": day.isoformat(), "lines": lines}
