"""``flask stats``: rebuild, verify, snapshot."""

from __future__ import annotations

import json
import threading

import pytest
from sqlalchemy import delete, func, select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.db import db
from app.kernel.declare.flow import State
from app.kernel.figures.day_tables import CounterDay
from app.kernel.figures.tally import tally
from app.modules.surveys.lookback.model import Lookback
from tests import builders as b
from tests.kernel.figures import counted
from tests.kernel.reports import country


@pytest.fixture
def arranged():
    return country.settle


@pytest.fixture
def run(app):
    return app.test_cli_runner().invoke


def change(app, statement):
    with app.app_context(), unscoped("tests spoil the counters") as session:
        session.connection().execute(statement)
        session.commit()


def kept(app, figure):
    with app.app_context(), unscoped("tests read the counters") as session:
        return counted.total(session, "lookback", figure)


def test_counters_kept_by_saves_are_right(app, run):
    result = run(args=["stats", "verify", "--json"])
    assert result.exit_code == 0
    found = json.loads(result.output)
    assert found["cells"] > 60
    assert (found["drift"], found["identities_broken"]) == (0, 0)


def test_a_wrong_counter_is_found_told_and_mended(app, run):
    right = kept(app, "approved")
    with app.app_context():
        change(app, counted.add("lookback", "approved", 1))
    result = run(args=["stats", "verify", "--json"])
    assert result.exit_code == 1
    found = json.loads(result.output)
    counties = found["drift"]
    assert counties >= 6
    assert found["identities_broken"] == 2 * counties  # as a whole of one, as a part of another
    told = run(args=["stats", "verify"]).output
    assert f"{counties} drifted" in told
    assert "approved = own_house" in told
    mended = run(args=["stats", "rebuild"])
    assert mended.exit_code == 0
    assert f"lookback: {counties} counters mended" in mended.output
    assert kept(app, "approved") == right
    assert run(args=["stats", "verify"]).exit_code == 0
    assert "lookback: 0 counters mended" in run(args=["stats", "rebuild"]).output


def test_lost_and_left_over_lines_are_mended(app, run):
    total = kept(app, "total")
    change(app, delete(tally).where(tally.c.register == "lookback", tally.c.level == 3))
    nowhere = {"register": "lookback", "dim": "", "part": 0, "v00": 5}
    change(app, tally.insert().values(level=3, path="0.01.", **nowhere))
    change(app, tally.insert().values(level=4, path="0.01.02.03.04.", **nowhere))
    assert run(args=["stats", "verify"]).exit_code == 1
    run(args=["stats", "rebuild"])
    assert kept(app, "total") == total
    assert run(args=["stats", "verify"]).exit_code == 0


def test_a_snapshot_of_a_day(app, run):
    result = run(args=["stats", "snapshot", "--day", "2026-03-01"])
    assert result.exit_code == 0
    with app.app_context(), unscoped("tests read the days") as session:
        lines = session.scalar(select(func.count()).select_from(CounterDay))
        days = set(session.scalars(select(CounterDay.day)))
        nation = session.scalar(
            select(CounterDay.n).where(
                CounterDay.register == "lookback",
                CounterDay.figure == "total",
                CounterDay.path == "0.",
            )
        )
    assert result.output == f"{lines} lines\n"
    assert [day.isoformat() for day in days] == ["2026-03-01"]
    assert nation == kept(app, "total")
    assert run(args=["stats", "snapshot", "--day", "yesterday"]).exit_code == 2


@pytest.mark.parametrize("arranged", [None])
def test_an_empty_database_has_nothing_to_prove(app):
    runner = app.test_cli_runner()
    result = runner.invoke(args=["stats", "verify", "--json"])
    found = json.loads(result.output)
    assert found == {"cells": 0, "drift": 0, "identities_broken": 0, "rows_wrong": 0}
    assert runner.invoke(args=["stats", "snapshot"]).output == "0 lines\n"


def test_moving_a_record_moves_its_counts(app, run):
    with app.app_context():
        _home, survey = b.household()
        far = b.region(b.NEXT_COUNTY)
        with unscoped("tests move a record") as session:
            row = session.get(type(survey), survey.id)
            row.region_id = far.id
            session.commit()
    assert run(args=["stats", "verify"]).exit_code == 0


def test_verifying_and_rebuilding_beside_people_at_work(app, run):
    """While others save, the counters are compared as of one moment, and nothing is set back."""
    with app.app_context():
        place, done = b.seat(Level.VILLAGE), threading.Event()
        homes = [b.household(place)[1].id for _ in range(4)]
        db.session.remove()

    def work():
        with app.app_context():
            while not done.is_set():
                for key in homes:
                    with unscoped("somebody saves") as session:
                        row = session.get(Lookback, key)
                        row.state = State.DRAFT if row.state == State.MISSING else State.MISSING
                        session.commit()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(4):
            found = run(args=["stats", "verify", "--json"])
            assert found.exit_code == 0, found.output
            assert run(args=["stats", "rebuild"]).exit_code == 0
    finally:
        done.set()
        thread.join(60)
    assert run(args=["stats", "verify"]).exit_code == 0
