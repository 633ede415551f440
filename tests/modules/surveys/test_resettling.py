"""Another survey counts than before: counties are told, then what stands on it is brought into line."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from app.access.accounts import notices
from app.access.accounts.notices import Notice, NoticeKind
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import today, uuid7
from app.core.db import db
from app.core.jobs import table as jobs
from app.core.jobs import worker
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.rows.household import Household
from app.modules.homes.choices import Grade, Progress
from app.modules.renovation.application.model import Application
from app.modules.renovation.application.register import APPLICATION
from app.modules.renovation.dossier.model import Dossier
from app.modules.renovation.fields import Basis
from app.modules.surveys import resettling
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.register import MONITORING
from app.modules.unsafe_homes import backfill
from app.modules.unsafe_homes.model import Risk
from app.modules.unsafe_homes.register import RISK
from tests import builders as b
from tests.modules.surveys.two_lists import DANGEROUS, ELSEWHERE, NEW, OLD, Two


def before(state: State | None = None) -> Two:
    """A household as the rules of before left it: the survey that was decided on last, of an older day,
    asked for an application; the one of the newer day does not.
    """
    case = Two()
    case.put(MONITORING, ELSEWHERE, NEW, 0)
    case.put(LOOKBACK, DANGEROUS, OLD, 1)
    with unscoped("tests count as it was counted") as session:
        home = session.get_one(Household, case.home.id)
        home.own_house = True
        if state is not None:
            told = {"survey_register": "lookback", "survey_id": case.rows["lookback"].id}
            session.add(
                Application(
                    id=uuid7(), region_id=home.region_id, household_id=home.id, number=1,
                    head_name=home.head_name, basis=Basis.HELD, state=state, plan_year=2024,
                    no_house=False, grade=Grade.D, surveyed_at=OLD_DECISION, **told,
                )
            )  # fmt: skip
        session.commit()
    return case


OLD_DECISION = dt.datetime(2025, 1, 2, tzinfo=dt.UTC)


def pay(case: Two) -> None:
    """Money was paid for the renovation."""
    made = case.application()
    assert made is not None
    with unscoped("tests pay") as session:
        session.add(
            Dossier(
                region_id=made.region_id, household_id=case.home.id, head_name=made.head_name,
                source_id=made.id, plan_year=2024, state=State.DRAFT, paid=9000,
            )
        )  # fmt: skip
        session.commit()


def accept(case: Two) -> None:
    """The house was renovated after its survey, when nobody followed that."""
    with unscoped("tests renovate") as session:
        session.add(
            Dossier(
                region_id=case.home.region_id, household_id=case.home.id, source_id=uuid7(),
                head_name=case.home.head_name, plan_year=2024, stage=Progress.COMPLETED,
                state=State.APPROVED, accepted=True, accepted_on=NEW,
            )
        )  # fmt: skip
        session.commit()


def newly_safe() -> Two:
    """No application yet: the newer survey, decided on first, asks for one."""
    case = Two()
    case.put(MONITORING, DANGEROUS, NEW, 0)
    case.put(LOOKBACK, ELSEWHERE, OLD, 1)
    backfill.mend()  # the ledger followed the newest always
    return case


def work(app: Flask) -> None:
    """A worker does what waits."""
    db.session.remove()
    worker.work(app, once=True)


def queued(kind: str) -> Any:
    made = jobs.enqueue(kind, {}, owner=None)
    db.session.commit()
    return made.id


def a_week_later() -> None:
    finished = jobs.now() - resettling.WEEK
    db.session.execute(
        update(jobs.Job).where(jobs.Job.kind == resettling.TELL).values(finished=finished)
    )
    db.session.commit()


def told() -> list[Notice]:
    with unscoped("tests look") as session:
        query = select(Notice).where(Notice.kind == NoticeKind.RESETTLE)
        return list(session.scalars(query))


def right() -> None:
    """Ledger and counters are as the surveys say."""
    with unscoped("tests prove") as session:
        assert list(backfill.wrong(session)) == []
        for register in (RISK, APPLICATION):
            kept = counters.kept_counts(session, register)
            assert kept == counters.live_counts(session, register)


@pytest.mark.usefixtures("session")
def test_a_county_is_told_and_a_week_later_it_is_changed(app: Flask) -> None:
    untouched, submitted, paid = (
        before(State.MISSING),
        before(State.SUBMITTED),
        before(State.CHECKING),
    )
    pay(paid)
    same, renovated = Two(), Two()
    same.put(LOOKBACK, DANGEROUS, NEW, 1)  # nothing else counts than before
    renovated.put(LOOKBACK, DANGEROUS, OLD, 1)
    opens = newly_safe()
    accept(renovated)
    key = queued(resettling.TELL)
    work(app)

    (notice,) = told()
    county = b.seat(Level.COUNTY)
    assert (notice.region_id, notice.values["homes"]) == (county.id, "5")
    assert dict(notice.values["what"]) == {
        "自动生成申请": 1, "申请关闭": 1, "标为待核实": 1, "既有农房": 5, "C、D级农户台账": 1,
    }  # fmt: skip
    assert "自动生成申请1户" in notice.text
    assert untouched.home.head_name in notice.text
    assert f"{today() + dt.timedelta(days=7)}起" in notice.text
    manager = b.actor(b.COUNTY_MANAGER)
    assert [one.id for one in notices.unseen(db.session(), manager)] == [notice.id]
    db.session.remove()
    rows = [case.application() for case in (untouched, submitted, paid)]
    assert [row.basis for row in rows if row] == [Basis.HELD] * 3, "nothing is changed yet"
    assert (opens.application(), untouched.own_house()) == (None, True)

    queued(resettling.CHANGE)
    work(app)
    assert opens.application() is None, "the week is not over"
    a_week_later()
    queued(resettling.CHANGE)
    work(app)
    rows = [case.application() for case in (untouched, submitted, paid)]
    assert [(row.basis, row.state) for row in rows if row] == [
        (Basis.CLOSED, State.MISSING),
        (Basis.DOUBTED, State.SUBMITTED),  # nobody closes what was submitted
        (Basis.HELD, State.CHECKING),  # and money was paid for this one
    ]
    made = opens.application()
    assert made is not None
    assert (made.basis, made.survey_register) == (Basis.HELD, "monitoring")
    assert (untouched.own_house(), opens.own_house(), same.application()) == (False, True, None)
    row = renovated.ledger()
    assert row is not None
    assert row.secured
    with unscoped("tests look") as session:
        assert session.get_one(jobs.Job, key).result == {"told": 1, "homes": 5}
    right()

    queued(resettling.CHANGE)
    work(app)
    with unscoped("tests look") as session:
        assert session.scalar(select(func.count()).select_from(Application)) == 4
    assert len(told()) == 1


@pytest.mark.usefixtures("session")
def test_a_county_in_which_nothing_changes_is_told_nothing(app: Flask) -> None:
    case = Two()
    case.put(LOOKBACK, ELSEWHERE, OLD, 0)
    case.put(MONITORING, ELSEWHERE, NEW, 1)
    key = queued(resettling.TELL)
    work(app)
    a_week_later()
    queued(resettling.CHANGE)
    work(app)
    assert told() == []
    with unscoped("tests look") as session:
        assert session.get_one(jobs.Job, key).result == {"told": 0, "homes": 0}


def killed(app: Flask, moment: str, of: type, most: int) -> None:
    """A worker in a process of its own dies at the commit that makes more rows than ``most`` of a
    model different, before or after it.
    """
    child = os.fork()
    if child == 0:
        with app.app_context():
            db.engine.dispose(close=False)  # the connections are the parent's
            changed: set[Any] = set()

            def note(session: Session, *_args: Any) -> None:
                changed.update(r.id for r in (*session.new, *session.dirty) if isinstance(r, of))

            def forget(_session: Session) -> None:
                changed.clear()

            def die(_session: Session) -> None:
                if len(changed) > most:
                    os._exit(9)

            event.listen(Session, "before_commit", lambda session: session.flush(), insert=True)
            event.listen(Session, "after_flush", note)
            event.listen(Session, "after_rollback", forget)
            event.listen(Session, moment, die)
            worker.work(app, once=True)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
def test_a_killed_telling_tells_each_county_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with app.app_context():
        before(State.MISSING)
        key = queued(resettling.TELL)
        db.session.remove()
        db.engine.dispose()
    monkeypatch.setitem(app.config, "JOB_STALE_SECONDS", 0.01)
    killed(app, moment, Notice, 0)
    worker.work(app, once=True)
    with app.app_context():
        assert len(told()) == 1
        with unscoped("tests look") as session:
            made = session.get_one(jobs.Job, key)
            assert (made.state, made.result) == (jobs.JobState.DONE, {"told": 1})


def test_a_change_that_is_killed_twice_makes_nothing_twice(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resettling, "_CHUNK", 2)
    with app.app_context():
        cases = [newly_safe() for _n in range(4)]
        queued(resettling.TELL)
        work(app)
        a_week_later()
        key = queued(resettling.CHANGE)
        db.session.remove()
        db.engine.dispose()
    monkeypatch.setitem(app.config, "JOB_STALE_SECONDS", 0.01)
    killed(app, "before_commit", Application, 2)
    with app.app_context():
        assert sum(case.application() is not None for case in cases) == 2
        db.session.remove()
        db.engine.dispose()
    killed(app, "after_commit", Application, 0)
    worker.work(app, once=True)
    with app.app_context():
        with unscoped("tests look") as session:
            rows = session.scalars(select(Application)).all()
            assert {row.household_id for row in rows} == {case.home.id for case in cases}
            assert [row.number for row in rows] == [1] * 4
            assert session.scalar(select(func.count()).select_from(Risk)) == 4
            made = session.get_one(jobs.Job, key)
            assert (made.state, made.attempt) == (jobs.JobState.DONE, 3)
        right()
