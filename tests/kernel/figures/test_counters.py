"""Counters: whatever happens to rows, they say what a live count says (design.md "Cost")."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.commands import stats
from app.core.db import db, read_only
from app.core.errors import AnjuError
from app.kernel.declare.figures import Years
from app.kernel.declare.flow import State
from app.kernel.declare.register import rule
from app.kernel.figures import counters, statistics
from app.kernel.figures import tally as tally_lines
from app.kernel.figures.day_tables import CounterDay
from app.kernel.figures.tally import Place
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import Query
from app.kernel.records import save as records
from app.kernel.records import steps
from app.modules.homes.choices import Grade
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    CITY,
    CONTACT,
    COUNTY,
    MINISTRY,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    above,
    acting,
    actor,
    below,
    complete,
    died,
    home,
    household,
    other_home,
    own_house,
    region,
    seat,
)
from tests.clicks import click
from tests.kernel.figures import counted
from tests.kernel.figures.counted import spoil

DAY = dt.date(2024, 9, 7)


@pytest.fixture
def everything(session: Any) -> Iterator[Session]:
    with unscoped("counters are proved over all rows") as made:
        yield made


def require_no_drift() -> dict[tuple[str, Place], int]:
    """Counters == live counts, identities hold; returns the counts."""
    with read_only(), unscoped("counters are proved over all rows") as session:
        kept = counters.kept_counts(session, LOOKBACK)
        assert kept == counters.live_counts(session, LOOKBACK)
        assert counters.broken_identities(session, LOOKBACK) == []
        return kept


def of(figure: str, code: str = COUNTY) -> int:
    return require_no_drift().get((figure, region(code, Level.COUNTY).id), 0)


# ---- single changes ------------------------------------------------------------------------


def test_a_new_row_counts(session: Any) -> None:
    household()
    assert (of("total"), of("missing"), of("draft")) == (1, 1, 0)


def test_every_figure_by_its_row(everything: Session) -> None:
    """One row for each; the numbers that the manual's identities add up to."""
    for form in (died(), other_home(), *(own_house(grade) for grade in Grade)):
        row = complete(household()[1], form)
        everything.get_one(Lookback, row.id).state = State.APPROVED
        everything.commit()
    for state in (State.MISSING, State.DRAFT, State.SUBMITTED, State.RETURNED):
        household(state=state)
    counted = {figure: of(figure) for figure in LOOKBACK.figures}
    assert counted == {
        "total": 10, "missing": 1, "draft": 1, "submitted": 1, "approved": 6, "returned": 1,
        "returned_county": 1, "rectify": 0,
        "split": 0, "own_house": 4, "no_hazard": 2, "some_hazard": 1, "severe_hazard": 1, "other_safe": 1,
        "died": 1, "to_resurvey": 0,
    }  # fmt: skip


def test_a_row_that_moves_counts_in_its_new_county(everything: Session) -> None:
    _, survey = household()
    row = everything.get_one(Lookback, survey.id)
    row.region_id = below(region(NEXT_COUNTY), Level.VILLAGE).id
    row.state = State.DRAFT
    everything.commit()
    assert (of("total"), of("total", NEXT_COUNTY), of("draft", NEXT_COUNTY)) == (0, 1, 1)


def test_a_deleted_row_does_not_count(everything: Session) -> None:
    _, survey = household(state=State.DRAFT)
    everything.delete(everything.get_one(Lookback, survey.id))
    everything.commit()
    assert (of("total"), of("draft")) == (0, 0)


def test_several_flushes_in_one_transaction(everything: Session) -> None:
    _, survey = household()
    row = everything.get_one(Lookback, survey.id)
    for state in (State.DRAFT, State.SUBMITTED, State.RETURNED, State.SUBMITTED):
        row.state = state
        everything.flush()
    everything.commit()
    assert (of("submitted"), of("draft"), of("returned"), of("missing")) == (1, 0, 0, 0)


def test_a_value_that_was_not_loaded(everything: Session) -> None:
    _, survey = household()
    row = everything.get_one(Lookback, survey.id)
    everything.expire(row)
    row.state = State.DRAFT  # the old state is in the database only
    everything.commit()
    assert (of("missing"), of("draft")) == (0, 1)


def test_a_value_that_nothing_was_said_of_when_the_row_came(everything: Session) -> None:
    made = home()
    row = Lookback(
        region_id=made.region_id,
        household_id=made.id,
        head_name=made.head_name,
        state=State.APPROVED,
    )
    everything.add(row)
    everything.flush()
    row.died = True
    everything.commit()
    assert (of("died"), of("approved")) == (1, 1)


# ---- what does not happen --------------------------------------------------------------------


def test_a_rollback_counts_nothing(everything: Session) -> None:
    _, survey = household()
    everything.get_one(Lookback, survey.id).state = State.DRAFT
    everything.flush()
    everything.rollback()
    everything.commit()
    assert of("draft") == 0


def test_a_savepoint_that_is_rolled_back_counts_nothing(everything: Session) -> None:
    _, first = household()
    _, second = household()
    everything.get_one(Lookback, first.id).state = State.DRAFT
    with everything.begin_nested() as savepoint:
        everything.get_one(Lookback, second.id).state = State.DRAFT
        everything.flush()
        savepoint.rollback()
    everything.commit()
    assert (of("draft"), of("missing")) == (1, 1)


def test_savepoints_within_savepoints(everything: Session) -> None:
    surveys = [household()[1] for _ in range(4)]
    rows = [everything.get_one(Lookback, survey.id) for survey in surveys]
    with everything.begin_nested():
        rows[0].state = State.DRAFT
        inner = everything.begin_nested()
        rows[1].state = State.DRAFT
        everything.flush()
        inner.rollback()
        with everything.begin_nested():
            rows[2].state = State.DRAFT
    rows[3].state = State.SUBMITTED
    everything.commit()
    assert (of("draft"), of("submitted"), of("missing")) == (2, 1, 1)


def test_a_failing_flush_counts_nothing(everything: Session) -> None:
    _, survey = household()
    everything.get_one(Lookback, survey.id).state = State.DRAFT
    everything.flush()
    everything.add(
        Lookback(household_id=survey.household_id, region_id=survey.region_id, head_name="再")
    )
    with pytest.raises(IntegrityError):
        everything.commit()
    everything.rollback()
    everything.commit()
    assert (of("total"), of("draft")) == (1, 0)


def test_a_commit_that_fails_in_the_counters_changes_nothing(
    everything: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, survey = household()

    def fail(*_args: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(tally_lines, "add", fail)
        everything.get_one(Lookback, survey.id).state = State.DRAFT
        with pytest.raises(RuntimeError):
            everything.commit()
    everything.rollback()
    assert of("draft") == 0
    everything.get_one(Lookback, survey.id).state = State.DRAFT
    everything.commit()
    assert of("draft") == 1


def test_bulk_changes_of_counted_rows_are_refused(everything: Session) -> None:
    household()
    with pytest.raises(RuntimeError, match="hand_in"):
        everything.execute(update(Lookback).values(state=State.DRAFT))


def test_bulk_changes_that_hand_in_their_deltas(everything: Session) -> None:
    made, _ = household()
    county = made.county_id, made.path
    changed = everything.execute(
        update(Lookback).values(state=State.DRAFT), execution_options={counters.HANDED_IN: True}
    )
    deltas = {"missing": -changed.rowcount} | dict.fromkeys(
        ("draft", "open.draft"), changed.rowcount
    )
    counters.hand_in(everything, LOOKBACK, {(f, *county): n for f, n in deltas.items()})
    everything.commit()
    assert of("draft") == 1


# ---- random work -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_work(session: Any, seed: int) -> None:
    """Save, submit, decide, send back, clear, move, delete, fail, roll back: never any drift."""
    chance = random.Random(seed)
    villages = [
        below(region(code), Level.VILLAGE, nth) for code in (COUNTY, NEXT_COUNTY) for nth in (0, 1)
    ]
    clerk, manager = actor(CITY), actor(CITY)
    rights = frozenset((name, "lookback") for name in ("enter", "review", "spot_check"))
    clerk, manager = (_with(who, rights) for who in (clerk, manager))
    alive = [household(chance.choice(villages))[1].id for _ in range(6)]

    def do(who: Any, work: Any) -> None:
        with acting_as(who):
            try:
                work()
            except AnjuError:
                db.session.rollback()
            finally:
                db.session.remove()

    def save(key: Any) -> None:
        form = chance.choice([died(), other_home(), own_house(chance.choice([*Grade]))])
        click(records.save, LOOKBACK, key, form, records.get(LOOKBACK, key).version)

    def step(key: Any, name: str) -> None:
        click(steps.transition, LOOKBACK, key, name, None, CONTACT, "理由")

    def clear(key: Any) -> None:
        click(records.clear, LOOKBACK, key, records.get(LOOKBACK, key).version)

    def move(key: Any) -> None:
        records.get(LOOKBACK, key).region_id = chance.choice(villages).id
        db.session.commit()

    def undo(key: Any) -> None:
        row = records.get(LOOKBACK, key)
        row.state, row.region_id = State.APPROVED, chance.choice(villages).id
        db.session.flush()
        db.session.rollback()

    def fail(key: Any) -> None:
        row = records.get(LOOKBACK, key)
        row.state = State.APPROVED
        db.session.add(Lookback(household_id=row.household_id, region_id=row.region_id))
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()

    def delete(key: Any) -> None:
        db.session.delete(records.get(LOOKBACK, key))
        db.session.commit()
        alive.remove(key)
        alive.append(household(chance.choice(villages))[1].id)

    plans = [
        (10, clerk, save),
        (8, clerk, lambda key: step(key, "submit")),
        (2, clerk, lambda key: step(key, "withdraw")),
        (6, manager, lambda key: step(key, "approve")),
        (3, manager, lambda key: step(key, "return")),
        (2, manager, lambda key: step(key, "send_back")),
        (1, manager, lambda key: step(key, "take_back")),
        (2, clerk, clear),
        (3, clerk, move),
        (2, clerk, undo),
        (2, clerk, fail),
        (1, clerk, delete),
    ]
    weights = [weight for weight, *_ in plans]
    for _ in range(60):
        _, who, work = chance.choices(plans, weights)[0]
        do(who, lambda work=work: work(chance.choice(alive)))
    kept = require_no_drift()
    assert len({figure for figure, n in kept.items() if n}) > 5, "the work did something"
    for grain in (int, str):
        found = [n for (name, at), n in kept.items() if name == "total" and isinstance(at, grain)]
        assert sum(found) == len(alive)


def _with(who: Any, rights: frozenset[tuple[str, str]]) -> Any:
    from dataclasses import replace

    return replace(who, capabilities=who.capabilities | rights)


# ---- reading, rebuilding, snapshots ----------------------------------------------------------


def test_the_total_of_every_level(everything: Session) -> None:
    household(state=State.DRAFT)
    household(below(region(NEXT_COUNTY), Level.VILLAGE))
    far = below(region("530129"), Level.VILLAGE)
    household(far)
    county = region(COUNTY)
    for place, expected in (
        (region("0", Level.NATION), 3),
        (above(county, Level.PROVINCE), 2),
        (above(county, Level.CITY), 2),
        (county, 1),
        (region("429004"), 0),
    ):
        found = counters.total(everything, LOOKBACK, "total", place.path, place.level)
        assert (found, place.code) == (expected, place.code)


def test_rebuild_mends_what_was_manipulated(everything: Session) -> None:
    household(state=State.DRAFT)
    household()
    far = region("530129")
    everything.execute(spoil("lookback", "draft", 7))
    everything.execute(spoil("lookback", "missing", -1, Level.TOWN))
    counters.hand_in_lines(everything, LOOKBACK, {("died", far.id): 3})
    everything.commit()
    assert counters.kept_counts(everything, LOOKBACK) != counters.live_counts(everything, LOOKBACK)
    assert counters.broken_identities(everything, LOOKBACK)
    assert counted.rebuild(everything, LOOKBACK) == 3
    everything.commit()
    require_no_drift()
    assert counted.rebuild(everything, LOOKBACK) == 0


def test_rebuild_beside_savers(app: Flask) -> None:
    """Rebuilding while others save neither waits forever nor loses their work."""
    with app.app_context():
        surveys = [household()[1].id for _ in range(20)]
        clerk = actor(VILLAGE_CLERK)
    done = threading.Event()

    def save_all() -> None:
        try:
            with app.app_context(), acting_as(clerk):
                for key in surveys:
                    click(records.save, LOOKBACK, key, died(), 1)
                db.session.remove()
        finally:
            done.set()  # who rebuilds meanwhile stops, also when a save broke

    saver = threading.Thread(target=save_all)
    saver.start()
    with app.app_context():
        while not done.is_set():
            with unscoped("counters are rebuilt") as session:
                assert counted.rebuild(session, LOOKBACK) == 0
                session.commit()
        saver.join(60)
        require_no_drift()


def test_a_snapshot_is_the_counters_of_that_day(everything: Session) -> None:
    household(state=State.DRAFT)
    household(below(region(NEXT_COUNTY), Level.VILLAGE))
    for _ in range(2):  # again: replaces it
        counters.snapshot(everything, DAY)
        everything.commit()
    found = {
        (level, figure): n
        for level, figure, n in everything.execute(
            select(Region.level, CounterDay.figure, func.sum(CounterDay.n))
            .join(Region, Region.id == CounterDay.region_id)
            .where(CounterDay.day == DAY, CounterDay.register == "lookback")
            .group_by(Region.level, CounterDay.figure)
        )
    }
    assert found == {
        (level, figure): n
        for level in (Level.NATION, Level.PROVINCE, Level.CITY, Level.COUNTY)
        for figure, n in (("total", 2), ("draft", 1), ("missing", 1))
    }
    everything.rollback()
    household()
    counters.snapshot(everything, DAY + dt.timedelta(days=1))
    everything.commit()
    nation = region("0", Level.NATION)
    assert [
        everything.get_one(CounterDay, ("lookback", "total", nation.id, day)).n
        for day in (DAY, DAY + dt.timedelta(days=1))
    ] == [2, 3]


def test_the_command_line(app: Flask) -> None:
    with app.app_context():
        household(state=State.DRAFT)
    runner = app.test_cli_runner()
    proved = runner.invoke(stats, ["verify", "--json"])
    assert proved.exit_code == 0, proved.output
    assert '"drift": 0' in proved.output
    with app.app_context(), unscoped("tests break something") as session:
        session.execute(spoil("lookback", "draft", 9))
        session.commit()
    proved = runner.invoke(stats, ["verify", "--json"])
    assert proved.exit_code == 1
    assert '"drift": 1' in proved.output
    assert '"identities_broken": 1' in proved.output
    assert "1 counters mended" in runner.invoke(stats, ["rebuild"]).output
    assert runner.invoke(stats, ["verify"]).exit_code == 0
    assert runner.invoke(stats, ["snapshot", "--day", "2024-09-07"]).exit_code == 0


# ---- by year ------------------------------------------------------------------------------------


@pytest.fixture
def by_year(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of the look-back by the year of its measure, as registers with plan years have them."""
    years = Years("measure_year", since=2024, listed=rule(Lookback).grade.in_("C", "D"))
    monkeypatch.setattr(LOOKBACK, "years", years)
    monkeypatch.setattr(LOOKBACK, "_counted", {})


def test_figures_of_a_year_are_counted_beside_those_of_all(
    everything: Session, by_year: None
) -> None:
    rows = [household(state=State.DRAFT, grade=g)[1] for g in (Grade.C, Grade.D, Grade.A, None)]
    for row, year in zip(rows, (2025, 2026, 2025, None), strict=True):
        everything.get_one(Lookback, row.id).measure_year = year
    everything.commit()
    assert [of(key) for key in ("draft", "draft@2025", "draft@2026")] == [4, 1, 1]
    moved = everything.get_one(Lookback, rows[0].id)
    moved.measure_year, moved.state = 2026, State.SUBMITTED
    everything.commit()
    keys = ("draft@2025", "draft@2026", "submitted@2026", "total@2026", "submitted")
    assert [of(key) for key in keys] == [0, 1, 1, 2, 1]
    places = seat(Level.NATION), seat(Level.COUNTY)
    with acting(MINISTRY) as ministry:
        for place in places:
            sheet = statistics.read(LOOKBACK, place, ("total", "submitted"), year=2026)
            assert sheet.total.counts == {"total": 2, "submitted": 1}
            asked = Query(region=place, figure="total@2026")
            ledger = Ledger(LOOKBACK, asked, db.session(), ministry)
            assert {row.id for row in ledger.page(20).rows} == {rows[0].id, rows[1].id}
            assert ledger.count().n == 2


@pytest.mark.parametrize("key", ["total@2023", "total@x", "nothing@2026", "total@", "@2026"])
def test_a_year_that_is_not_offered_is_no_figure(by_year: None, key: str) -> None:
    with pytest.raises(KeyError):
        LOOKBACK.counted(key)
