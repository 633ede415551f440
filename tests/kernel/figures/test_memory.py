"""The day's counters are written some divisions at a time, however many count something."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.kernel.figures import counters
from app.kernel.figures.day_tables import CounterDay
from app.kernel.figures.tally import WIDTH, tally
from app.modules.surveys.lookback.register import LOOKBACK

DAY = dt.date(2024, 9, 7)


def keep(session: Session) -> tuple[int, set[Any]]:
    """How many lines are in memory at once, and all that are kept."""
    most = 0

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        nonlocal most
        if many and "counter_day" in statement:
            most = max(most, len(values))

    event.listen(Engine, "before_cursor_execute", note)
    counters.snapshot(session, DAY)
    event.remove(Engine, "before_cursor_execute", note)
    return most, set(session.execute(select(CounterDay.path, CounterDay.figure, CounterDay.n)))


def test_no_more_lines_than_those_of_some_divisions(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unscoped("tests count everything") as everything:
        counties = everything.scalars(
            select(Region.path).where(Region.county_id == Region.id)
        ).all()
        own = {"register": "lookback", "dim": "", "level": int(Level.COUNTY), "part": 0}
        own |= {f"v{number:02}": 3 for number in range(WIDTH)}
        everything.execute(insert(tally), [own | {"path": path} for path in counties])
        _most, whole = keep(everything)
        monkeypatch.setattr(counters, "_PLACES_AT_ONCE", 2)
        most, kept = keep(everything)
        everything.rollback()
    assert kept == whole >= {("0.", "total", 3 * len(counties))}
    assert most == 2 * len(LOOKBACK.figures)
