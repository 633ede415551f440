"""Jobs that make rows of what was approved before, killed twice in the middle: they go on where they
were, and make nothing twice.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.access.audit.log import Act, AuditEntry
from app.access.scope import unscoped
from app.core.clock import today
from app.core.db import db
from app.core.jobs import table as jobs
from app.core.jobs import worker
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.figures import counters
from app.kernel.households import names
from app.kernel.households.register import HOUSEHOLD
from app.kernel.rows.household import Household
from app.kernel.rows.record import HistoryEntry
from app.modules.homes.choices import Grade, Measure
from app.modules.renovation import backfill, openings, plan_years
from app.modules.renovation.application.model import Application
from app.modules.renovation.application.register import APPLICATION
from app.modules.renovation.fields import Basis
from app.modules.surveys import own_houses
from app.modules.surveys.lookback.model import Lookback
from tests.builders import complete, household, own_house

HOMES = 4
DECIDED = dt.datetime(2024, 9, 9, tzinfo=dt.UTC)


def approved_before(year: int) -> None:
    """Households whose surveys ask for work in that year, as they were before anything followed."""
    asks = {"secured": False, "measure": Measure.RENOVATION, "measure_year": year}
    for _n in range(HOMES):
        _home, survey = household()
        complete(survey, own_house(Grade.D) | asks)
        with unscoped("tests approve past all rules") as session:
            row = session.get_one(Lookback, survey.id)
            row.state, row.decided_at = State.APPROVED, DECIDED
            session.commit()


def waiting() -> None:
    """Applications of the next plan year."""
    approved_before(today().year + 1)
    with unscoped("tests open applications") as session:
        homes = session.scalars(select(Household.id)).all()
        assert openings.settle(session, homes, today().year) == HOMES
        session.commit()


def opened(session: Session) -> list[bool]:
    rows = session.scalars(select(Application)).all()
    assert len({row.household_id for row in rows}) == len(rows)
    once = [_steps(session, row) == ["opened"] for row in rows]
    return once + [False] * (HOMES - len(rows))


def rolled_over(session: Session) -> list[bool]:
    return [
        row.basis == Basis.HELD and _steps(session, row) == ["opened", "rolled_over"]
        for row in session.scalars(select(Application))
    ]


def marked(session: Session) -> list[bool]:
    return list(session.scalars(select(Household.own_house)))


def called_as_before() -> None:
    for _n in range(HOMES):
        household(name="古丽•买买提")


def called(session: Session) -> list[bool]:
    told = select(AuditEntry.record_id).where(AuditEntry.act == Act.UPDATE)
    counts = Counter(session.scalars(told))
    homes = session.scalars(select(Household)).all()
    return [home.head_name == "古丽·买买提" and counts[home.id] == 1 for home in homes]


def _steps(session: Session, row: Application) -> list[str]:
    query = select(HistoryEntry.step).where(HistoryEntry.record_id == row.id)
    return list(session.scalars(query.order_by(HistoryEntry.at, HistoryEntry.id)))


@dataclass(frozen=True)
class Case:
    """A job, what it finds, and which of the households it is done with."""

    job: str
    module: Any
    model: Any
    register: Register
    begins: Callable[[], None]
    done: Callable[[Session], list[bool]]


CASES = [
    Case("application.backfill", backfill, Application, APPLICATION,
         lambda: approved_before(2024), opened),
    Case("application.rollover", plan_years, Application, APPLICATION, waiting, rolled_over),
    Case("names.mend", names, Household, HOUSEHOLD, called_as_before, called),
    Case("households.own_houses", own_houses, Household, HOUSEHOLD,
         lambda: approved_before(2024), marked),
]  # fmt: skip


def work_until_killed(app: Flask, model: Any, moment: str, after: int) -> None:
    """Let a worker work in a process of its own, which dies at the commit that makes more than
    ``after`` rows different.
    """
    child = os.fork()
    if child == 0:
        with app.app_context():
            db.engine.dispose(close=False)  # the connections are the parent's
            changed: set[Any] = set()

            def note(session: Session, *_args: Any) -> None:
                changed.update(r.id for r in (*session.new, *session.dirty) if isinstance(r, model))

            def die(_session: Session) -> None:
                if len(changed) > after:
                    os.kill(os.getpid(), signal.SIGKILL)

            event.listen(Session, "before_commit", lambda session: session.flush(), insert=True)
            event.listen(Session, "after_flush", note)
            event.listen(Session, moment, die)
            worker.work(app, once=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.job)
def test_a_killed_backfill_goes_on_and_makes_nothing_twice(
    app: Flask, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.setattr(case.module, "_CHUNK", 2)
    with app.app_context():
        case.begins()
        job = jobs.enqueue(case.job, {}, owner=None)
        db.session.commit()
        key = job.id
        db.session.remove()
        db.engine.dispose()
    if case.module is plan_years:
        monkeypatch.setattr(plan_years, "plan_year", lambda: today().year + 1)
    monkeypatch.setitem(app.config, "JOB_STALE_SECONDS", 0.01)

    work_until_killed(app, case.model, "before_commit", after=2)
    with app.app_context(), unscoped("tests look") as session:
        assert sorted(case.done(session)) == [False, False, True, True]
    work_until_killed(app, case.model, "after_commit", after=0)
    with app.app_context(), unscoped("tests look") as session:
        assert case.done(session) == [True] * HOMES
    worker.work(app, once=True)
    with app.app_context(), unscoped("tests look") as session:
        assert case.done(session) == [True] * HOMES
        made = session.get_one(jobs.Job, key)
        assert (made.state, made.attempt) == (jobs.JobState.DONE, 3)
        kept = counters.kept_counts(session, case.register)
        assert kept == counters.live_counts(session, case.register)
