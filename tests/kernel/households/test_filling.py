"""A register's life: new figures are counted, new registers get their rows, and pages say so meanwhile."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, Region, in_subtree
from app.access.scope import unscoped
from app.core.db import db, read_only
from app.core.jobs.table import Job, JobContext, JobInterrupted
from app.kernel.declare import fields as f
from app.kernel.declare.figures import Figure
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register, rule
from app.kernel.declare.terms import Today
from app.kernel.figures import counters, mending, statistics, waiting
from app.kernel.figures import state as figures
from app.kernel.figures.day_tables import CounterDay
from app.kernel.figures.state import ROWS, FigureState
from app.kernel.figures.tally import Slot, TallySlot, slot_of, tally
from app.kernel.households import filling
from app.kernel.lists.asked import TooWide
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import Query
from app.kernel.reports import desk, tables, trend, week, work
from app.kernel.rows.household import Household
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.unsafe_homes.register import RISK
from tests import builders as b
from tests import jobs
from tests.clicks import click
from tests.kernel.figures import counted
from tests.kernel.reports import country

WAITS = "统计中"


@pytest.fixture
def arranged() -> Any:
    return country.settle


@pytest.fixture
def settled(session: Any) -> None:
    """In the filled country."""


@contextmanager
def everything() -> Iterator[Session]:
    """All rows, to read and to change; on SQLite nobody else writes meanwhile."""
    db.session.rollback()
    with unscoped("tests look at everything") as session:
        yield session
        session.commit()


def queued() -> list[Job]:
    return list(db.session.scalars(select(Job).where(Job.kind == filling.KIND)))


def lose(register: Register, *names: str) -> None:
    """As if these figures had just been declared: neither known nor counted."""
    with everything() as session:
        session.execute(
            delete(FigureState).where(
                FigureState.register == register.name, FigureState.name.in_(names)
            )
        )
        for name in names:
            if name != ROWS:
                lines = update(tally).where(tally.c.register == register.name)
                session.execute(lines.values({slot_of(register.name, name).column: 0}))
    figures.forget()


def drift(register: Register) -> set[Any]:
    with everything() as session:
        live = counters.live_counts(session, register)
        return live.items() ^ counters.kept_counts(session, register).items()


def fill(app: Flask) -> Job:
    db.session.rollback()
    click(filling.require)
    (job,) = [one for one in queued() if one.state.value == "queued"]
    db.session.commit()
    done = jobs.run(app, job)
    figures.forget()
    return done


# ---- what is noted ---------------------------------------------------------------------------


@pytest.mark.parametrize("arranged", [None])
def test_a_new_database_has_nothing_to_fill(session: Any) -> None:
    assert figures.open_figures(session) == []
    assert queued() == []
    known = session.scalar(select(func.count()).select_from(FigureState))
    assert known == sum(len(figures.digests(r)) for r in figures.all_registers())


def test_a_second_deploy_finds_nothing_new(settled: None) -> None:
    db.session.rollback()
    assert click(filling.require) is False
    assert queued() == []


def test_a_digest_is_of_the_condition_and_nothing_else() -> None:
    state = Lookback.__fields__["state"]

    def digest(where: Any) -> str:
        made = Register(Lookback, name="lookback", title="物", figures={"one": Figure("一", where)})
        return figures.digests(made)["one"]

    one = digest(state.is_(State.DRAFT) & rule(Lookback).died.yes)
    assert one == digest(state.is_(State.DRAFT) & rule(Lookback).died.yes)
    assert one != digest(state.is_(State.DRAFT) | rule(Lookback).died.yes)
    assert one != digest(state.is_(State.MISSING) & rule(Lookback).died.yes)


def test_what_is_another_text_in_each_process_has_no_digest() -> None:
    """Rules that ask a kind of field had its address in theirs: each deploy judged all archives again."""
    where = Lookback.__fields__["surveyed_on"].compare("lt", object())
    made = Register(Lookback, name="x", title="物", figures={"one": Figure("一", where)})
    with pytest.raises(TypeError, match="another text in the next process"):
        figures.digests(made)


def test_the_day_changes_no_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    day = f.date("日")
    day.__set_name__(Lookback, "surveyed_on")
    figure = Figure("一", day.compare("lt", Today()))
    made = Register(Lookback, name="x", title="物", figures={"one": figure})
    before = figures.digests(made)
    monkeypatch.setattr("app.kernel.declare.terms.today", lambda: dt.date(2031, 1, 1))
    assert figures.digests(made) == before


def test_a_figure_that_is_gone_is_forgotten_and_keeps_its_slot(settled: None) -> None:
    with everything() as session:
        for register in ("risk", "not_loaded"):
            session.add(FigureState(register=register, name="ghost", digest="x", filled_at=None))
            session.add(TallySlot(register=register, figure="ghost", part=1, slot=31))
    assert click(filling.require) is False
    assert drift(RISK) == set()
    with everything() as session:
        left = session.scalars(select(FigureState.register).where(FigureState.name == "ghost"))
        assert set(left) == {"not_loaded"}
        kept = session.scalars(select(TallySlot.register).where(TallySlot.figure == "ghost"))
        assert set(kept) == {"risk", "not_loaded"}


def test_a_new_figure_gets_a_slot_that_none_had(
    settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one, in another part of the lines where one is full; it is counted and read there."""
    with everything() as session:
        session.add(TallySlot(register="lookback", figure="ghost", part=0, slot=31))
    both = LOOKBACK.figures | {"gone": Figure("死亡", LOOKBACK.figures["died"].where)}
    for name in ("figures", "kept_figures", "plain_figures"):
        monkeypatch.setattr(LOOKBACK, name, both)
    with pytest.raises(LookupError, match="flask deploy"):
        slot_of("lookback", "gone")
    assert click(filling.require) is True
    assert slot_of("lookback", "gone") == Slot(1, 0)
    with everything() as session:
        assert counted.rebuild(session, LOOKBACK) > 0
    assert drift(LOOKBACK) == set()
    with everything() as session:
        figures.mark_filled(session, LOOKBACK, ["gone"])
    figures.forget()
    with b.acting(b.MINISTRY):
        for level in (Level.NATION, Level.COUNTY):
            for line in statistics.read(LOOKBACK, b.seat(level), ["died", "total", "gone"]).lines:
                assert line.counts["gone"] == line.counts["died"] <= line.counts["total"]
        assert line.counts["total"] > 0


# ---- what is filled --------------------------------------------------------------------------


def test_a_new_figure_is_counted_in_every_county(app: Flask, settled: None) -> None:
    lose(LOOKBACK, "died", "approved")
    assert drift(LOOKBACK)
    done = fill(app)
    assert drift(LOOKBACK) == set()
    assert done.result is not None
    assert done.result["lines"] > 0
    assert figures.open_figures(db.session()) == []
    db.session.commit()
    assert click(filling.require) is False


def test_counties_that_hold_nothing_cost_no_step(
    app: Flask, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nation has 3,000, and other jobs wait meanwhile."""
    asked: list[str] = []
    count = mending.mend

    def counting(session: Any, register: Any, area: Any, names: Any) -> int:
        asked.append(area.path)
        return count(session, register, area, names)

    monkeypatch.setattr(mending, "mend", counting)
    with everything() as session:
        empty = {county.path for county in mending.counties(session)}
        places = select(Region.path).where(Region.id.in_(select(Lookback.county_id)))
        held = set(session.scalars(places))
    assert empty - held
    lose(LOOKBACK, "died")
    fill(app)
    assert set(asked) == held


def test_a_condition_that_changed_is_counted_anew_with_its_years(app: Flask, settled: None) -> None:
    known = (FigureState.register == "risk", FigureState.name == "grade_c")
    with everything() as session:
        grade_c = slot_of("risk", "grade_c").column
        session.execute(
            update(tally).where(tally.c.register == "risk").values({grade_c: grade_c + 7})
        )
        session.execute(update(FigureState).where(*known).values(digest="another"))
    assert len(drift(RISK)) > 2
    fill(app)
    assert drift(RISK) == set()


def test_a_job_that_was_stopped_goes_on(
    app: Flask, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(LOOKBACK, "died")
    click(filling.require)
    (job,) = queued()
    db.session.commit()
    counted: list[str] = []
    count, progress = mending.mend, JobContext.progress

    def counting(session: Any, register: Any, area: Any, names: Any) -> int:
        counted.append(area.path)
        return count(session, register, area, names)

    def stop(self: Any, done: int, total: int, message: str = "") -> None:
        progress(self, done, total, message)
        if done == 3:
            raise JobInterrupted

    monkeypatch.setattr(mending, "mend", counting)
    monkeypatch.setattr(JobContext, "progress", stop)
    with pytest.raises(AssertionError):  # it went back to the queue
        jobs.run(app, job)
    assert figures.open_figures(db.session())
    monkeypatch.setattr(JobContext, "progress", progress)
    db.session.commit()
    jobs.run(app, job)
    assert len(counted) == len(set(counted)), "no county twice"
    assert drift(LOOKBACK) == set()


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("when", ["live_counts", "kept_counts"])
def test_who_saves_meanwhile_is_counted_once(
    app: Flask, settled: None, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Between reading and adding, others go on; on SQLite they cannot, there is one writer."""
    lose(LOOKBACK, "total", "draft", "missing")
    original, saved = getattr(counters, when), []

    def saving(reading: Any, register: Any, area: str, names: Any) -> Any:
        found = original(reading, register, area, names)
        with read_only(value=False), unscoped("somebody saves") as session:
            row = session.scalar(
                select(Lookback)
                .where(in_subtree(Lookback.path, area), Lookback.state == State.MISSING)
                .limit(1)
            )
            if row is not None:
                row.state = State.DRAFT
                session.commit()
                saved.append(row.id)
        return found

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(counters, when, saving)
        fill(app)
    assert saved
    assert drift(LOOKBACK) == set()


def test_rebuilding_fills_too(app: Flask, settled: None) -> None:
    lose(LOOKBACK, "died")
    click(filling.require)
    assert app.test_cli_runner().invoke(args=["stats", "rebuild"]).exit_code == 0
    assert figures.open_figures(db.session()) == []
    assert drift(LOOKBACK) == set()


# ---- rows of a new register ------------------------------------------------------------------


def undeclare(register: Register) -> None:
    """As if the register had never been there."""
    with everything() as session:
        session.connection().execute(delete(register.model.__table__))
        session.execute(delete(tally).where(tally.c.register == register.name))
        session.execute(delete(FigureState).where(FigureState.register == register.name))
    figures.forget()


def test_a_new_register_gets_a_row_for_each_household_on_its_list(
    app: Flask, settled: None
) -> None:
    off, _survey = b.household()
    with everything() as session:
        session.get_one(Household, off.id).poverty_exit = False
        session.flush()
        listed = select(func.count()).select_from(Household).where(Household.poverty_exit)
        whole = session.scalar(listed)
    undeclare(LOOKBACK)
    done = fill(app)
    assert done.result is not None
    assert done.result["rows"] == whole
    with everything() as session:
        rows = session.scalars(select(Lookback)).all()
        home = session.get_one(Household, rows[0].household_id)
    assert len({row.household_id for row in rows}) == len(rows) == whole
    assert {row.state for row in rows} == {State.MISSING}
    assert off.id not in {row.household_id for row in rows}
    assert (rows[0].head_name, rows[0].path) == (home.head_name, home.path)
    assert drift(LOOKBACK) == set()
    assert click(filling.require) is False


def test_rows_that_are_there_stay(app: Flask, settled: None) -> None:
    with everything() as session:
        before = set(session.scalars(select(Lookback.id)))
    lose(LOOKBACK, ROWS)
    assert fill(app).result == {"rows": 0, "lines": 0}
    with everything() as session:
        assert set(session.scalars(select(Lookback.id))) == before


def test_until_its_rows_are_made_no_figure_of_it_is_told(settled: None) -> None:
    undeclare(LOOKBACK)
    click(filling.require)
    assert figures.incomplete(LOOKBACK) == frozenset(LOOKBACK.kept_figures)
    db.session.commit()
    with b.acting(b.COUNTY_MANAGER):
        assert not statistics.read(LOOKBACK, b.seat(Level.COUNTY), ["total"]).told("total")


# ---- what is said meanwhile ------------------------------------------------------------------


@pytest.fixture
def counting(settled: None) -> None:
    """The figures ``total`` and ``approved`` of the look-back are being counted."""
    lose(LOOKBACK, "total", "approved")
    click(filling.require)


def test_tables_say_so_above_the_county(counting: None) -> None:
    with b.acting(b.MINISTRY):
        table = LOOKBACK.table("progress")
        assert table is not None
        report = tables.report(LOOKBACK, table, b.seat(Level.NATION))
        names = [figure for _own, figure in table.shown()]
        said = {cell.value for row in report.rows for cell in (row.cells[names.index("approved")],)}
        assert said == {WAITS}
        assert isinstance(report.rows[0].cells[names.index("draft")].value, int)
        assert any(WAITS in note for note in report.notes)
        weekly = week.report(LOOKBACK, table, b.seat(Level.NATION))
        assert {row.cells[1].value for row in weekly.rows} == {WAITS}
        assert {row.cells[2].value for row in weekly.rows} == {"—"}
        assert {row.cells[4].value for row in weekly.rows} == {"—"}
        days, line = trend.report(LOOKBACK, table, b.seat(Level.NATION), 30)
        assert WAITS in {cell.value for cell in days.rows[0].cells}
        assert trend.chart(line, table.chart) is None
    db.session.commit()
    with b.acting(b.COUNTY_MANAGER):  # from the rows themselves
        report = tables.report(LOOKBACK, table, b.seat(Level.COUNTY))
        assert isinstance(report.rows[0].cells[names.index("approved")].value, int)


def test_desk_and_work_report_say_so(counting: None) -> None:
    with b.acting(b.MINISTRY) as actor:
        (module,) = [m for m in desk.read(actor).modules if m.register is LOOKBACK]
        assert module.progress is None
        assert module.chart is None
        assert {big.figure for big in module.figures if big.n is None} == {"total", "approved"}
        paper = work.paper(actor, b.seat(Level.NATION), dt.date.today())
        told = [text for chapter in paper.chapters for text in chapter.paragraphs]
        assert "本部分数字正在统计，请在统计完成后重新生成报告。" in told


def test_lists_count_their_rows_and_refuse_a_figure_above_the_county(counting: None) -> None:
    with b.acting(b.MINISTRY) as actor:
        whole = Ledger(LOOKBACK, Query(), db.session(), actor)
        assert whole.counter is None
        assert whole.count().n == db.session.scalar(select(func.count()).select_from(Lookback))
        with pytest.raises(TooWide, match="正在统计"):
            Ledger(LOOKBACK, Query(figure="approved"), db.session(), actor).require_narrow()
        waits = waiting.waiting_for(actor)
        assert waits == [] or all(item.n for item in waits)
    db.session.commit()
    with b.acting(b.COUNTY_MANAGER) as actor:
        Ledger(LOOKBACK, Query(figure="approved"), db.session(), actor).require_narrow()


def test_no_day_is_kept_of_it(counting: None) -> None:
    of_day = select(CounterDay.figure).where(CounterDay.register == "lookback")
    with everything() as session:
        counters.snapshot(session, dt.date(2024, 9, 7), figures.incomplete)
        kept = set(session.scalars(of_day))
    assert "draft" in kept
    assert not kept & {"total", "approved"}


def test_pages_excel_and_interface_say_so_until_it_is_done(
    app: Flask, as_account: Any, counting: None
) -> None:
    hands = as_account(b.PROVINCE)
    assert WAITS in hands.get("/lookback/statistics/progress").text
    assert WAITS in hands.get("/").text
    book = openpyxl.load_workbook(io.BytesIO(hands.get("/lookback/statistics/progress/excel").data))
    assert WAITS in {
        cell for line in book.worksheets[0].iter_rows(values_only=True) for cell in line
    }
    answer = hands.get("/api/v1/lookback/statistics/progress").get_json()
    assert WAITS in answer["rows"][0]["cells"]
    (job,) = queued()
    db.session.commit()
    jobs.run(app, job)
    figures.forget()
    assert WAITS not in hands.get("/lookback/statistics/progress").text
    assert WAITS not in hands.get("/").text
