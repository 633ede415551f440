"""The ledger of C and D households follows every step of every survey (spec 02)."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, select, update
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.jobs import table as jobs
from app.core.jobs import worker
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.households import lists as households
from app.kernel.records import save as records
from app.kernel.records import steps
from app.kernel.rows.household import Household
from app.modules.homes.choices import Grade, Measure, Progress
from app.modules.renovation.application.model import Application
from app.modules.renovation.dossier.model import Dossier
from app.modules.renovation.fields import Basis
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.unsafe_homes import backfill
from app.modules.unsafe_homes.model import Danger, Risk, ToldBy
from app.modules.unsafe_homes.register import RISK
from tests import builders as b
from tests.clicks import click

UNSECURED = {"secured": False, "measure": Measure.RENOVATION, "interim_measure": "借住村委会"}
DECIDED = dt.datetime(2024, 9, 9, tzinfo=dt.UTC)


def row_of(home: Household) -> Risk | None:
    with unscoped("tests look") as session:
        return session.scalar(select(Risk).where(Risk.household_id == home.id))


def proved() -> None:
    """What the commands prove: rows, counters, identities."""
    with unscoped("tests prove") as session:
        assert list(backfill.wrong(session)) == []
        assert counters.kept_counts(session, RISK) == counters.live_counts(session, RISK)
        assert counters.broken_identities(session, RISK) == []


def do(who: Actor, action: Any, *args: Any, **options: Any) -> None:
    with acting_as(who):
        click(action, *args, **options)
        db.session.remove()


def test_a_row_comes_and_goes_with_the_approval(session: Session) -> None:
    home, survey = b.household()
    b.attach(survey, *b.FILES_UNSAFE)
    clerk, reviewer, city = b.actor(b.VILLAGE_CLERK), b.actor(b.COUNTY_REVIEWER), b.actor(b.CITY)

    def step(who: Actor, name: str, **said: Any) -> None:
        do(who, steps.transition, LOOKBACK, survey.id, name, None, b.CONTACT, **said)

    form = b.own_house(Grade.D) | UNSECURED
    do(clerk, records.save, LOOKBACK, survey.id, form, 1)
    step(clerk, "submit")
    assert row_of(home) is None  # nobody has approved it
    step(reviewer, "approve")
    row = row_of(home)
    assert row is not None
    assert (row.grade, row.secured, row.measure, row.measure_year, row.interim_measure) == (
        Danger.D, False, Measure.RENOVATION, form["measure_year"], "借住村委会",
    )  # fmt: skip
    assert (row.told_by, row.poverty_exit, row.low_income) == (ToldBy.LOOKBACK, True, False)
    assert (row.head_name, row.path, row.survey_id) == (home.head_name, home.path, survey.id)
    proved()
    step(city, "send_back", opinion="抽查不符")
    assert row_of(home) is None
    proved()
    changed = form | {"grade": Grade.C, "secured": True, "interim_measure": None}
    changed["measure_year"] = b.SURVEYED.year
    do(clerk, records.save, LOOKBACK, survey.id, changed, 5)
    step(clerk, "submit")
    step(reviewer, "approve")
    again = row_of(home)
    assert again is not None
    assert again.id == row.id  # links to it last
    assert (again.grade, again.secured, again.interim_measure) == (Danger.C, True, None)
    step(reviewer, "take_back")
    assert row_of(home) is None
    proved()


def approved(grade: Grade, place: Any = None, **answers: Any) -> tuple[Household, Any]:
    """A household whose survey was approved when there was no ledger."""
    form = b.own_house(grade) | answers
    return b.household(place, state=State.APPROVED, decided_at=DECIDED, **form)


def test_what_needs_no_row_has_none(session: Session) -> None:
    homes = [
        approved(Grade.A)[0],
        approved(Grade.B, seismic_judged=True, seismic_result="not_satisfied", **UNSECURED)[0],
        b.household(state=State.APPROVED, **b.died())[0],
        b.household(state=State.SUBMITTED, **b.own_house(Grade.D))[0],
    ]
    assert backfill.mend() == 0
    assert [row_of(home) for home in homes] == [None] * 4


def test_a_household_moves_changes_its_head_and_leaves(session: Session) -> None:
    home, _survey = approved(Grade.C, **UNSECURED)
    backfill.mend()
    with unscoped("tests change households") as everything:
        mine = everything.get_one(Household, home.id)
        far = b.below(b.region(b.FAR_COUNTY, Level.COUNTY), Level.VILLAGE)
        households.settle(everything, mine, everything.merge(far))
        households.new_head(everything, mine, "李新", b.id_number(990), None)
        everything.commit()
    row = row_of(home)
    assert row is not None
    assert (row.path, row.head_name, row.former_head) == (far.path, "李新", home.head_name)
    proved()
    with unscoped("tests change households") as everything:
        households.delist(everything, everything.get_one(Household, home.id), "poverty_exit")
        everything.commit()
    assert row_of(home) is None
    with unscoped("tests change households") as everything:
        households.enlist(everything, everything.get_one(Household, home.id), "poverty_exit")
        everything.commit()
    assert row_of(home) is not None
    proved()


def test_what_is_wrong_is_told_and_mended(app: Flask) -> None:
    with app.app_context():
        here, gone, changed = (approved(Grade.C, **UNSECURED)[0] for _n in range(3))
        assert backfill.mend() == 3
        with unscoped("tests spoil the ledger") as session:
            connection = session.connection()
            connection.execute(delete(Risk.__table__).where(Risk.household_id == gone.id))
            spoilt = update(Risk.__table__).where(Risk.household_id == changed.id)
            connection.execute(spoilt.values(secured=True))
            table = LOOKBACK.model.__table__
            returned = update(table).where(table.c.household_id == here.id)
            connection.execute(returned.values(state="returned"))
            session.commit()
            told = list(backfill.wrong(session))
        assert sorted(told) == sorted(
            [
                f"household {gone.id}: no row",
                f"household {changed.id}: secured",
                f"household {here.id}: a row too many",
            ]
        )
        db.session.remove()
    run = app.test_cli_runner().invoke
    assert run(args=["stats", "verify"]).exit_code == 1
    assert "risk: 3 rows mended" in run(args=["stats", "rebuild"]).output
    assert run(args=["stats", "verify"]).exit_code == 0


def test_the_job_fills_the_ledger_though_it_is_killed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "_AT_ONCE", 2)
    with app.app_context():
        villages = [b.below(b.seat(Level.COUNTY), Level.VILLAGE, n) for n in (0, 1, 2)]
        homes = [approved(Grade.D, place, **UNSECURED)[0] for place in villages for _n in range(2)]
        job = jobs.enqueue(backfill.KIND, {}, owner=None)
        db.session.commit()
        key = job.id
        db.session.remove()
        db.engine.dispose()
    saves: list[uuid.UUID] = []
    child = os.fork()
    if child == 0:
        with app.app_context():
            db.engine.dispose(close=False)

            def note(session: Session, *_args: Any) -> None:
                saves.extend(r.id for r in session.new if isinstance(r, Risk))

            def die(_session: Session) -> None:
                if len(saves) > 2:
                    os._exit(9)

            event.listen(Session, "after_flush", note)
            event.listen(Session, "before_commit", die)
            worker.work(app, once=True)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    with app.app_context():
        assert [row_of(home) is not None for home in homes] == [True] * 2 + [False] * 4
        db.session.remove()
    monkeypatch.setitem(app.config, "JOB_STALE_SECONDS", 0.01)
    worker.work(app, once=True)
    with app.app_context():
        assert all(row_of(home) for home in homes)
        done = db.session.get_one(jobs.Job, key)
        assert (done.state, done.attempt, done.result) == (jobs.JobState.DONE, 2, {"rows": 6})
        db.session.remove()
        proved()


def test_the_ledger_says_how_far_the_renovation_is(session: Session) -> None:
    """However an application or dossier comes, changes and goes: no event is needed."""
    home, survey = approved(Grade.D, **UNSECURED)
    of = {"household_id": home.id, "region_id": home.region_id, "head_name": home.head_name}
    backfill.mend()
    with unscoped("tests renovate") as everything:
        told = {"survey_register": "lookback", "survey_id": survey.id, "surveyed_at": DECIDED}
        asked = Application(number=1, basis=Basis.HELD, plan_year=2025, **of, **told)
        everything.add(asked)
        everything.commit()
        made = row_of(home)
        assert made is not None
        assert (made.application, made.dossier) == (State.MISSING, None)
        asked.state = State.APPROVED
        built = Dossier(source_id=asked.id, plan_year=2025, stage=Progress.STARTED, **of)
        everything.add(built)
        everything.commit()
        made = row_of(home)
        assert made is not None
        assert (made.application, made.dossier) == (State.APPROVED, Progress.STARTED)
        assert counters.kept_counts(everything, RISK)[("started", home.county_id)] == 1
        everything.rollback()
        proved()
        asked.basis = Basis.CLOSED
        everything.delete(built)
        everything.commit()
    made = row_of(home)
    assert made is not None
    assert (made.application, made.dossier) == (None, None)
    proved()
