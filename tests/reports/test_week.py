"""The weekly table: share, increase since last week, rank; the counters kept day by day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.regions import Level, Region
from app.access.scope import unscoped
from app.core.clock import now, today
from app.core.db import db, read_only
from app.core.jobs import Job, JobState, enqueue_daily
from app.core.worker import work
from app.registry.counters import Counter, CounterDay, snapshot
from app.registry.flow import State
from app.reports import days, week
from app.reports.statistics import LineKind
from tests import builders as b
from tests.reports import country

WEEK_AGO = dt.timedelta(days=7)


def keep(day: dt.date) -> int:
    with unscoped("tests keep a day") as session:
        lines = snapshot(session, day)
        session.commit()
    return lines


def report(lookback: Any, region: Region, who: b.Who = b.MINISTRY) -> Any:
    with read_only(), b.acting(who):
        return week.report(lookback, lookback.progress_table, region)


def row_of(made: Any, region: Region) -> Any:
    return next(row for row in made.rows if row.region.id == region.id)


def values(row: Any) -> list[Any]:
    return [cell.value for cell in row.cells]


def approve(place: Region, count: int = 1, **columns: Any) -> None:
    for _number in range(count):
        b.household(place, state=State.APPROVED, **b.died(), **columns)


@pytest.mark.parametrize(
    ("done", "whole", "text"),
    [(0, 0, "—"), (0, 7, "0.0%"), (1, 3, "33.3%"), (1999, 2000, "99.9%"), (9999, 10000, "99.9%"),
     (10000, 10000, "100.0%"), (29_000_000, 29_000_001, "99.9%")],
)  # fmt: skip
def test_the_share_is_never_rounded_up_to_all(done, whole, text):
    assert week.share(done, whole) == text


def test_without_a_day_a_week_old_there_is_no_increase(session, lookback):
    city = b.seat(Level.CITY)
    approve(b.seat(Level.VILLAGE))
    keep(today() - dt.timedelta(days=6))
    made = report(lookback, city)
    assert made.heads[3] == ("比上周增加",)
    assert values(made.rows[0]) == [1, 1, "100.0%", "—", "—"]
    assert any("一周前" in note for note in made.notes)


def test_the_increase_since_the_newest_day_a_week_ago(session, lookback):
    city, near = b.seat(Level.CITY), b.region(b.COUNTY, Level.COUNTY)
    far = b.region(b.NEXT_COUNTY, Level.COUNTY)
    here, there = b.below(near, Level.VILLAGE), b.below(far, Level.VILLAGE)
    approve(here, 1)
    keep(today() - dt.timedelta(days=20))
    approve(here, 1)
    b.household(here)
    day = today() - WEEK_AGO
    keep(day)
    approve(here, 3)
    approve(there, 2)
    made = report(lookback, city)
    assert made.heads[3] == (f"比{day.month}月{day.day}日增加",)
    assert made.notes == ()
    assert values(made.rows[0]) == [8, 7, "87.5%", 5, "—"]
    assert values(row_of(made, near)) == [6, 5, "83.3%", 3, 2]
    assert values(row_of(made, far)) == [2, 2, "100.0%", 2, 1]
    assert row_of(made, near).cells[-1].sub == "下降1位"
    assert made.rows[1].region.id == far.id  # the best first
    assert not made.rows[0].cells[-1].sub


def test_records_sent_back_are_a_decrease(session, lookback):
    village = b.seat(Level.VILLAGE)
    approve(village, 2)
    keep(today() - WEEK_AGO)
    with unscoped("tests change a record") as other:
        row = other.scalars(select(lookback.model)).first()
        row.state = State.RETURNED
        other.commit()
    total = report(lookback, b.seat(Level.CITY)).rows[0]
    assert values(total) == [2, 1, "50.0%", -1, "—"]
    assert total.cells[3].tone == "bad"


def test_a_day_that_is_too_old_is_no_comparison(session, lookback):
    approve(b.seat(Level.VILLAGE))
    keep(today() - dt.timedelta(days=90))
    assert values(report(lookback, b.seat(Level.NATION)).rows[0])[3] == "—"


def test_equal_shares_share_a_rank_and_nothing_has_none(session, lookback):
    nation, city = b.seat(Level.NATION), b.seat(Level.CITY)
    for code in (b.COUNTY, b.NEXT_COUNTY):
        approve(b.below(b.region(code, Level.COUNTY), Level.VILLAGE))
    made = report(lookback, city)
    assert {values(row)[-1] for row in made.rows[1:3]} == {1}
    others = report(lookback, nation).rows[2:]
    assert others
    assert {values(row)[-1] for row in others} == {"—"}


def test_inside_a_county_the_week_is_counted_from_decisions(session, lookback):
    county = b.region(b.COUNTY, Level.COUNTY)
    town = b.below(county, Level.TOWN)
    village = b.below(town, Level.VILLAGE)
    approve(village, 2, decided_at=now() - dt.timedelta(days=2))
    approve(village, 1, decided_at=now() - dt.timedelta(days=8))
    approve(county, 1, decided_at=now())
    b.household(village, state=State.RETURNED, **b.died(), decided_at=now())
    made = report(lookback, county, b.COUNTY_READER)
    assert made.heads[3] == ("近7天新增审核通过",)
    assert values(made.rows[0]) == [5, 4, "80.0%", 3, "—"]
    assert values(row_of(made, town)) == [4, 3, "75.0%", 2, 1]
    assert made.rows[-1].kind == LineKind.UNPLACED
    assert values(made.rows[-1]) == [1, 1, "100.0%", 1, "—"]
    own = report(lookback, village, b.VILLAGE_CLERK)
    assert [values(row) for row in own.rows] == [[4, 3, "75.0%", 2, "—"]]


# ---- the days themselves --------------------------------------------------------------------


def test_a_day_keeps_every_division_down_to_the_county(session, lookback):
    country.settle()
    day = today()
    lines = keep(day)
    truth = country.Truth(lookback)
    with unscoped("tests look at all days") as other:
        kept = other.execute(
            select(CounterDay.figure, CounterDay.path, CounterDay.n)
            .where(CounterDay.register == "lookback")
        ).all()  # fmt: skip
        everything = other.scalar(select(func.count()).select_from(CounterDay))
    assert lines == everything
    assert {path.count(".") for _figure, path, _n in kept} == {1, 2, 3, 4}
    for figure, path, n in kept:
        assert n == len(truth.rows(figure, path)), (figure, path)


def test_keeping_a_day_again_replaces_it(session, lookback):
    approve(b.seat(Level.VILLAGE))
    keep(today())
    approve(b.seat(Level.VILLAGE))
    keep(today())
    with unscoped("tests look at all days") as other:
        nation = select(CounterDay.n).where(
            CounterDay.register == "lookback",
            CounterDay.path == "0.",
            CounterDay.figure == "approved",
        )
        assert other.scalars(nation).all() == [2]


def test_a_worker_keeps_yesterday_once_a_day(app, lookback):
    with app.app_context():
        approve(b.seat(Level.VILLAGE))
        daily = enqueue_daily()
        assert daily
        assert enqueue_daily() == 0
        db.session.remove()
        assert work(app, once=True) == daily
        with unscoped("tests look at all days") as other:
            job = other.scalars(select(Job).where(Job.kind == "stats.snapshot")).one()
            assert (job.state, job.account_id) == (JobState.DONE, None)
            yesterday = today() - dt.timedelta(days=1)
            assert set(other.scalars(select(CounterDay.day))) == {yesterday}
            assert other.scalar(select(func.sum(Counter.n))) > 0
        assert enqueue_daily() == 0
        with read_only(), b.acting(b.MINISTRY):
            assert days.a_week_ago([lookback], [b.seat(Level.NATION)]) is None
