"""The weekly table: share, increase since last week, rank; the counters kept day by day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.access.settings import SettingValue
from app.admin.divisions import publish as division_publish
from app.admin.divisions import staging
from app.core.clock import CHINA, now, today
from app.core.db import db, read_only
from app.core.jobs.table import Job, JobState, enqueue_daily
from app.core.jobs.worker import work
from app.kernel.declare.flow import State
from app.kernel.figures import days, state, statistics
from app.kernel.figures.counters import snapshot
from app.kernel.figures.day_tables import CounterDay
from app.kernel.figures.statistics import LineKind
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import parse
from app.kernel.reports import desk, order, trend, week
from app.kernel.reports.shares import share
from app.web.reports.tables import workbook
from tests import builders as b
from tests.clicks import click
from tests.kernel.figures import counted
from tests.kernel.reports import country

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
    [(0, 0, "—"), (0, 7, "0.0%"), (1, 3, "33.3%"), (17, 22, "77.3%"), (1, 16, "6.3%"),
     (1999, 2000, "99.9%"), (9999, 10000, "99.9%"), (10000, 10000, "100.0%"),
     (1, 3000, "0.1%"), (29_000_000, 29_000_001, "99.9%")],
)  # fmt: skip
def test_the_share_is_rounded_but_never_to_nothing_or_all(done, whole, text):
    assert share(done, whole) == text


def test_without_a_day_a_week_old_there_is_no_increase(session, lookback):
    city = b.seat(Level.CITY)
    approve(b.seat(Level.VILLAGE))
    keep(today() - dt.timedelta(days=6))
    made = report(lookback, city)
    assert made.heads[3] == ("比上周增加",)
    assert values(made.rows[0]) == [1, 1, "100.0%", "—", "—", "未设置"]
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
    assert values(made.rows[0]) == [8, 7, "87.5%", 5, "—", "未设置"]
    assert values(row_of(made, near)) == [6, 5, "83.3%", 3, 2, "未设置"]
    assert values(row_of(made, far)) == [2, 2, "100.0%", 2, 1, "未设置"]
    assert row_of(made, near).cells[4].sub == "下降1位"
    assert made.rows[1].region.id == far.id  # the best first
    assert not made.rows[0].cells[4].sub


@pytest.mark.parametrize("since", [6, 7])
def test_a_figure_that_is_counted_for_less_than_a_week_has_no_increase(session, lookback, since):
    """Nor one whose condition is another since: all that it counts would be one."""
    city = b.seat(Level.CITY)
    approve(b.seat(Level.VILLAGE))
    keep(today() - WEEK_AGO)
    with unscoped("tests fill a figure") as other:
        other.get_one(state.FigureState, ("lookback", "approved")).filled_at = now() - dt.timedelta(
            days=since
        )
        other.commit()
    state.forget()
    made = report(lookback, city)
    told = since == 7
    assert values(made.rows[0])[3] == (0 if told else "—")
    with read_only(), b.acting(b.MINISTRY) as actor:
        modules = {module.register.name: module for module in desk.read(actor).modules}
    gains = {big.figure: big.gain for big in modules["lookback"].figures}
    assert (gains["approved"] is not None) == told
    assert gains["total"] == 0


def test_records_sent_back_are_a_decrease(session, lookback):
    village = b.seat(Level.VILLAGE)
    approve(village, 2)
    keep(today() - WEEK_AGO)
    with unscoped("tests change a record") as other:
        row = other.scalars(select(lookback.model)).first()
        row.state = State.RETURNED
        other.commit()
    total = report(lookback, b.seat(Level.CITY)).rows[0]
    assert values(total) == [2, 1, "50.0%", -1, "—", "未设置"]
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
    assert {values(row)[4] for row in made.rows[1:3]} == {1}
    others = report(lookback, nation).rows[2:]
    assert others
    assert {values(row)[4] for row in others} == {"—"}


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
    assert values(made.rows[0]) == [5, 4, "80.0%", 3, "—", "未设置"]
    assert values(row_of(made, town)) == [4, 3, "75.0%", 2, 1, "未设置"]
    assert made.rows[-1].kind == LineKind.UNPLACED
    assert values(made.rows[-1]) == [1, 1, "100.0%", 1, "—", "—"]
    own = report(lookback, village, b.VILLAGE_CLERK)
    assert [values(row) for row in own.rows] == [[4, 3, "75.0%", 2, "—", "未设置"]]


def test_ties_leave_out_the_next_rank_and_the_empty_come_last(session, lookback):
    """Two first, then a third; who has no households has no rank and stands behind all."""
    nation = b.seat(Level.NATION)
    first, second, third = (
        b.below(b.region(code, Level.COUNTY), Level.VILLAGE)
        for code in (b.COUNTY, b.FAR_COUNTY, b.PROVINCE_COUNTY)
    )
    for place, done in ((first, 3), (second, 1), (third, 1)):
        approve(place, done)
    b.household(third)
    made = report(lookback, nation)
    ranked = [values(row)[4] for row in made.rows[1:]]
    assert ranked[:3] == [1, 1, 3]
    assert set(ranked[3:]) == {"—"}
    assert all(row.cells[0].value == 0 for row in made.rows[4:])


def test_rows_in_the_order_of_their_shares(session, lookback):
    """By the share itself: as texts 100.0% comes before 33.3%, and that before 8.3%."""
    shares = {b.COUNTY: (1, 12), b.FAR_COUNTY: (1, 3), b.PROVINCE_COUNTY: (1, 1)}
    for code, (done, whole) in shares.items():
        place = b.below(b.region(code, Level.COUNTY), Level.VILLAGE)
        approve(place, done)
        for _number in range(whole - done):
            b.household(place)
    made = report(lookback, b.seat(Level.NATION))
    for asked, told in (("3", ["8.3%", "33.3%", "100.0%"]), ("-3", ["100.0%", "33.3%", "8.3%"])):
        moved = order.put_in(made, order.asked_for(asked, made))
        assert [row.cells[2].text for row in moved.rows[1:4]] == told


@pytest.mark.parametrize(("hours", "counted"), [(0, 1), (-1, 0)])
def test_the_week_begins_at_midnight_of_china(session, lookback, hours, counted):
    """Six days and the present one: what was decided at 00:00 in Shanghai counts, an hour earlier,
    when it is still the same day in UTC, does not."""
    begins = dt.datetime.combine(today() - dt.timedelta(days=6), dt.time(), tzinfo=CHINA)
    county = b.region(b.COUNTY, Level.COUNTY)
    village = b.below(county, Level.VILLAGE)
    approve(village, 1, decided_at=begins.astimezone(dt.UTC) + dt.timedelta(hours=hours))
    made = report(lookback, county, b.COUNTY_READER)
    gain = made.rows[0].cells[3]
    assert gain.value == counted
    with read_only(), b.acting(b.COUNTY_READER) as actor:
        args = MultiDict({"figure": "approved", "decided_from": str(gain.since)})
        rows = Ledger(lookback, parse(lookback, args, db.session, actor), db.session, actor)
        assert rows.count().n == counted, "the number of rows equals the figure"


def test_a_county_that_moved_in_is_no_increase(session, lookback):
    """Its past days came along: the gain is what was approved since, here and where it was."""
    old, new = b.seat(Level.CITY), b.region("5301", Level.CITY)
    county = b.region(b.COUNTY, Level.COUNTY)
    village = b.below(county, Level.VILLAGE)
    approve(village, 5)
    keep(today() - WEEK_AGO)
    approve(village, 1)
    with b.acting(b.MINISTRY):
        click(staging.stage_move, county.id, new.id, 0)
        click(division_publish.publish, b.seat(Level.NATION).id)
    db.session.remove()
    assert values(report(lookback, new).rows[0])[:4] == [6, 6, "100.0%", 1]
    assert values(report(lookback, old).rows[0])[:4] == [0, 0, "—", 0]


# ---- deadlines ------------------------------------------------------------------------------


def set_deadline(place: Region, days: int) -> dt.date:
    until = today() + dt.timedelta(days=days)
    with unscoped("tests set deadlines") as other:
        other.add(
            SettingValue(region_id=place.id, name="lookback.deadline", value=until.isoformat())
        )
        other.commit()
    return until


def test_each_division_shows_its_own_deadline_and_is_marked_when_late(session, lookback):
    city, near = b.seat(Level.CITY), b.region(b.COUNTY, Level.COUNTY)
    far = b.region(b.NEXT_COUNTY, Level.COUNTY)
    whole, own = set_deadline(city, 10), set_deadline(near, -3)
    for place in (near, far):
        b.household(b.below(place, Level.VILLAGE))
    made = report(lookback, city)

    def last(place: Region) -> tuple[Any, str, str]:
        cell = row_of(made, place).cells[-1]
        return cell.value, cell.sub, cell.tone

    assert last(near) == (own.isoformat(), "已逾期3天", "bad")
    assert last(far) == (whole.isoformat(), "还剩10天", "warn")
    assert made.rows[0].cells[-1].value == whole.isoformat()


def test_who_is_done_is_never_late(session, lookback):
    near = b.region(b.COUNTY, Level.COUNTY)
    set_deadline(near, -3)
    approve(b.below(near, Level.VILLAGE))
    cell = row_of(report(lookback, b.seat(Level.CITY)), near).cells[-1]
    assert (cell.sub, cell.tone) == ("已完成", "good")


def test_a_division_without_households_has_done_nothing(session, lookback):
    """Neither on the page nor in the workbook is it 已完成, nor late."""
    city, near = b.seat(Level.CITY), b.region(b.COUNTY, Level.COUNTY)
    until = set_deadline(city, -3)
    approve(b.below(near, Level.VILLAGE))
    made = report(lookback, city)
    nobody = row_of(made, b.region(b.NEXT_COUNTY, Level.COUNTY))
    assert values(nobody) == [0, 0, "—", "—", "—", until.isoformat()]
    assert (nobody.cells[-1].sub, nobody.cells[-1].tone) == ("", "")
    book = openpyxl.load_workbook(workbook(made))
    lines = {row[1]: row for row in book.active.iter_rows(values_only=True)}
    assert lines[nobody.label][-1] == until.isoformat()
    assert "已完成" in lines[near.name][-1]


# ---- day by day -----------------------------------------------------------------------------


def days_of(lookback: Any, region: Region, days: int = 14) -> Any:
    with read_only(), b.acting(b.MINISTRY):
        return trend.report(lookback, lookback.progress_table, region, days)


def test_a_trend_has_a_row_a_day_and_a_gap_where_nothing_was_kept(session, lookback):
    county = b.region(b.COUNTY, Level.COUNTY)
    village = b.below(county, Level.VILLAGE)
    approve(village, 2)
    keep(today() - dt.timedelta(days=40))
    approve(village)
    keep(today() - dt.timedelta(days=3))
    approve(village)
    keep(today() - dt.timedelta(days=1))
    approve(village)
    made, line = days_of(lookback, county)
    approved = [line.of(day, "approved") for day in line.days]
    assert approved == [3, None, 4, 5]
    assert [row.label[:10] for row in made.rows] == [
        (today() - dt.timedelta(days=n)).isoformat() for n in range(4)
    ]
    assert [row.cells[-1].value for row in made.rows] == [1, "—", "—", "—"]
    column = made.heads.index(("审核通过",))
    assert [row.cells[column].value for row in made.rows] == [5, 4, "—", 3]
    assert made.rows[0].cells[column].figure == "approved"  # of now there are rows
    assert made.rows[1].cells[column].figure == ""
    assert any("1 天没有留存" in note for note in made.notes)
    chart = trend.chart(line, ["approved"])
    assert chart["series"][0]["values"] == approved
    _made, longer = days_of(lookback, county, 90)
    assert longer.of(longer.days[0], "approved") == 2
    assert len(longer.days) == 41


def test_a_town_has_today_only_and_says_why(session, lookback):
    town = b.below(b.region(b.COUNTY, Level.COUNTY), Level.TOWN)
    approve(b.below(town, Level.VILLAGE))
    made, line = days_of(lookback, town)
    assert len(made.rows) == 1
    assert "只保存到县级" in made.notes[0]
    assert trend.chart(line, ["approved"]) is None


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


def test_of_long_ago_sundays_and_ends_of_months_are_kept(
    session: Any, lookback: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = dt.date(2026, 6, 30)
    for module in (days, trend):
        monkeypatch.setattr(module, "today", lambda: now)
    approve(b.seat(Level.VILLAGE))
    nation = b.seat(Level.NATION)
    at = {"register": "lookback", "region_id": nation.id, "path": nation.path, "n": 1}
    db.session.add_all(
        CounterDay(figure="approved", day=now - dt.timedelta(days=n), **at) for n in range(1, 153)
    )
    days.thin()
    db.session.commit()
    kept = set(db.session.scalars(select(CounterDay.day)))
    daily = {now - dt.timedelta(days=n) for n in range(1, 101)}
    sundays = {dt.date(2026, 2, n) for n in (1, 8, 15, 22)} | {
        dt.date(2026, 3, n) for n in (1, 8, 15)
    }
    assert kept == daily | sundays | {dt.date(2026, 1, 31), dt.date(2026, 2, 28)}
    db.session.rollback()
    made, line = days_of(lookback, nation, 365)
    assert set(line.days) == kept | {now}
    assert "100天以前只保留每周日和每月末的数据。" in made.notes
    assert not any("没有留存" in note for note in made.notes)
    assert trend.chart(line, ["approved"])["title"] == "全国近151天趋势图"
    assert line.reaches(156)  # of the five days before, none is kept
    assert not line.reaches(157)  # a Sunday


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
            assert counted.total(other, "lookback", "total") > 0
        assert enqueue_daily() == 0
        with read_only(), b.acting(b.MINISTRY):
            nation = b.seat(Level.NATION)
            sheet = statistics.read(lookback, nation, ("total",))
            assert days.a_week_ago([sheet], [nation]) is None
