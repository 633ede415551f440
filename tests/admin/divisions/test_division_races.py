"""Publishing beside people who save, killed half-way, and by a job."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from app.access.divisions.former import RegionChange
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, hold, unscoped
from app.admin.divisions import publish as division_publish
from app.admin.divisions import staging
from app.core.db import db
from app.core.errors import AnjuError, Conflict
from app.core.jobs import table as jobs
from app.core.jobs import worker
from app.core.jobs.table import Job, JobState
from app.core.jobs.worker import claim, work
from app.kernel.records import save as records
from app.kernel.rows.household import Household
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    account,
    actor,
    actor_of,
    below,
    died,
    household,
    region,
)
from tests.clicks import click
from tests.kernel.records.test_killed import run_and_kill
from tests.tree import broken


def consistent(app: Flask) -> None:
    with app.app_context(), unscoped("tests look") as session:
        assert broken(session) == []


def test_a_merge_while_clerks_save_there(app: Flask) -> None:
    """Every save either happened, in the village where the household is now, or says clearly that
    it did not; and once more it goes through.
    """
    with app.app_context():
        county = region(COUNTY, Level.COUNTY)
        one, other = below(county, Level.VILLAGE, 0), below(county, Level.VILLAGE, 1)
        manager = actor(COUNTY_MANAGER)
        clerk = account(VILLAGE_CLERK, one)
        surveys = [household(one)[1] for _ in range(6)]
        with acting_as(manager):
            click(staging.stage_merge, one.id, other.id, 0)
        who = actor_of(clerk)
        db.session.remove()
    ready = threading.Barrier(3)

    def save(mine: list[Lookback]) -> list[Any]:
        told: list[Any] = []
        ready.wait(10)
        for survey in mine:
            with app.app_context(), acting_as(who):
                try:
                    told.append(click(records.save, LOOKBACK, survey.id, died(), 1).state)
                except AnjuError as error:
                    db.session.rollback()
                    told.append(error)
                db.session.remove()
        return told

    def publish() -> dict[str, int]:
        ready.wait(10)
        with app.app_context(), acting_as(manager):
            done = click(division_publish.publish, county.id)
            db.session.remove()
            return done

    with ThreadPoolExecutor(3) as pool:
        saving = [pool.submit(save, surveys[:3]), pool.submit(save, surveys[3:])]
        published = pool.submit(publish)
        assert published.result(60) == {"merge": 1}
        told = [one for future in saving for one in future.result(60)]
    consistent(app)
    with app.app_context():
        with unscoped("tests look") as session:
            rows = {s.id: session.get_one(Lookback, s.id) for s in surveys}
            assert {row.region_id for row in rows.values()} == {other.id}
        for survey, answer in zip(surveys, told, strict=True):
            saved = rows[survey.id].died is True
            assert saved is not isinstance(answer, AnjuError)
        again = actor_of(clerk_now(clerk))
        with acting_as(again):
            for survey, answer in zip(surveys, told, strict=True):
                if isinstance(answer, AnjuError):
                    assert answer.status in (404, 409)
                    click(records.save, LOOKBACK, survey.id, died(), 1)
    consistent(app)


def clerk_now(clerk: Any) -> Any:
    with unscoped("tests look") as session:
        return session.get_one(type(clerk), clerk.id)


@pytest.mark.parametrize(("moment", "durable"), [("before_commit", False), ("after_commit", True)])
def test_killed_while_publishing(app: Flask, moment: str, durable: bool) -> None:
    with app.app_context():
        old, new = region(COUNTY, Level.COUNTY), region(NEXT_COUNTY, Level.COUNTY)
        town = below(old, Level.TOWN)
        home, _ = household(below(town, Level.VILLAGE))
        manager, city = actor(CITY), region("6101", Level.CITY)
        with acting_as(manager):
            click(staging.stage_move, town.id, new.id, 0)
        db.session.remove()
        db.engine.dispose()

    def publish() -> None:
        with acting_as(manager):
            click(division_publish.publish, city.id)

    run_and_kill(app, moment, publish)
    consistent(app)
    with app.app_context(), unscoped("tests look") as session:
        county = new if durable else old
        assert session.get_one(Household, home.id).county_id == county.id
        assert session.get_one(Region, town.id).parent_id == county.id
        assert (session.get(RegionChange, town.id) is None) is durable
    if not durable:
        with app.app_context(), acting_as(manager):  # its locks died with the process
            assert click(division_publish.publish, city.id) == {"change": 1}


def staged_move(app: Flask) -> tuple[Any, Region, Region]:
    """A pending move of a town with a household, and the job that is to publish it."""
    with app.app_context():
        manager, city = account(CITY), region("6101", Level.CITY)
        town = below(region(COUNTY, Level.COUNTY), Level.TOWN)
        household(below(town, Level.VILLAGE))
        with acting_as(actor_of(manager)):
            click(staging.stage_move, town.id, region(NEXT_COUNTY, Level.COUNTY).id, 0)
            job = division_publish.start(division_publish.area_of(city.id))
            again = division_publish.start(division_publish.area_of(city.id))
            assert again.id == job.id, "one job an area"
            db.session.commit()
        db.session.remove()
        return job.id, town, region(NEXT_COUNTY, Level.COUNTY)


@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
def test_a_job_killed_while_publishing_is_done_again(
    app: Flask, moment: str, monkeypatch: Any
) -> None:
    """kill -9 of the worker at the commit of the publication; the next worker finishes."""
    job_id, town, new = staged_move(app)
    with app.app_context():
        db.engine.dispose()

    def die_in_the_work() -> None:
        claimed = claim()
        assert claimed is not None

        def kill(session: Session) -> None:
            if claimed.report.get("done"):
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Session, moment, kill)
        worker.run(app, claimed, threading.Event())

    child = os.fork()
    if child == 0:
        with app.app_context():
            db.engine.dispose(close=False)
            die_in_the_work()
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    consistent(app)
    monkeypatch.setitem(app.config, "JOB_STALE_SECONDS", -1)  # its heart has stopped long ago
    assert work(app, once=True) == 1
    consistent(app)
    with app.app_context(), unscoped("tests look") as session:
        job = session.get_one(Job, job_id)
        assert job.state == JobState.DONE, job.message
        assert (job.result or {}) == {"change": 1}
        assert session.get_one(Region, town.id).county_id == new.id


def test_running_jobs_of_accounts_that_move_begin_anew(app: Flask) -> None:
    """Their rights were read before the move: they go on from their checkpoint with those of now."""
    job_id, town, _new = staged_move(app)
    with app.app_context(), unscoped("tests arrange") as session:
        theirs, others = (
            Job(kind="ledger.export", state=JobState.RUNNING, path=path, attempt=1)
            for path in (town.path, region(NEXT_COUNTY, Level.COUNTY).path)
        )
        session.add_all([theirs, others])
        session.commit()
    with app.app_context():
        claimed = claim(job_id)
        assert claimed is not None
        worker.run(app, claimed, threading.Event())
    with app.app_context(), unscoped("tests look") as session:
        assert session.get_one(Job, theirs.id).state == JobState.QUEUED
        assert session.get_one(Job, others.id).state == JobState.RUNNING


def test_a_job_that_meets_a_move_goes_back_to_the_queue(app: Flask, monkeypatch: Any) -> None:
    from app.core.errors import TryAgain

    calls: list[int] = []

    def meets(_job: Any) -> dict[str, Any]:
        calls.append(1)
        if len(calls) == 1:
            raise TryAgain("moved")
        return {}

    monkeypatch.setitem(jobs.KINDS, "test.meets", jobs.Kind("Meets", meets))
    with app.app_context():
        job = jobs.enqueue("test.meets", {}, owner=None)
        db.session.commit()
        key = job.id
        db.session.remove()
    assert work(app, once=True) == 2
    with app.app_context(), unscoped("tests look") as session:
        done = session.get_one(Job, key)
        assert (done.state, done.attempt, done.tries) == (JobState.DONE, 2, 1)


def test_two_publish_one_area(app: Flask) -> None:
    """The second finds nothing left to do."""
    with app.app_context():
        county = region(COUNTY, Level.COUNTY)
        manager = actor(COUNTY_MANAGER)
        with acting_as(manager):
            for n in range(5):
                click(
                    staging.stage_change,
                    below(county, Level.VILLAGE, n).id,
                    {"name": f"永{'宁兴安和乐'[n]}村"},
                    0,
                )
        db.session.remove()
    ready = threading.Barrier(2)

    def publish(_n: int) -> dict[str, int]:
        ready.wait(10)
        with app.app_context(), acting_as(manager):
            done = click(division_publish.publish, county.id)
            db.session.remove()
            return done

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(publish, range(2)))
    assert sorted(sum(one.values()) for one in done) == [0, 5]
    consistent(app)


@pytest.mark.only_on("postgresql")
def test_a_county_is_held_anew_after_a_savepoint_was_taken_back(session: Session) -> None:
    """The database lets go of what was locked since the savepoint."""
    held = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    )
    place = region(COUNTY, Level.COUNTY)
    with unscoped("a county is held") as writing:
        with writing.begin_nested() as savepoint:
            hold(writing, {(place.id, place.path)}, {place.id})
            savepoint.rollback()
        assert writing.scalar(held) == 0
        hold(writing, {(place.id, place.path)}, {place.id})
        assert writing.scalar(held) == 1


def test_two_take_back_one_change(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read it before either takes it back: one did it, the other is told that it is gone."""
    with app.app_context():
        manager = actor(COUNTY_MANAGER)
        village = below(region(COUNTY, Level.COUNTY), Level.VILLAGE)
        with acting_as(manager):
            click(staging.stage_delete, village.id, 0)
        db.session.remove()
    read, take_out = threading.Barrier(2), staging._took_out

    def together(change: RegionChange) -> bool:
        with suppress(threading.BrokenBarrierError):  # on SQLite one reads when the other is done
            read.wait(1)
        return take_out(change)

    def cancel(_n: int) -> str:
        with app.app_context(), acting_as(manager):
            try:
                click(staging.cancel, village.id)
            except Conflict as error:
                return error.message
            finally:
                db.session.remove()
        return "done"

    monkeypatch.setattr(staging, "_took_out", together)
    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(cancel, range(2)))
    assert told == ["done", "这项变更已经生效或已撤销，请刷新后查看。"]
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(RegionChange)).all() == []


def test_all_is_taken_back_while_one_is(app: Flask) -> None:
    with app.app_context():
        manager, county = actor(COUNTY_MANAGER), region(COUNTY, Level.COUNTY)
        villages = [below(county, Level.VILLAGE, n).id for n in range(3)]
        with acting_as(manager):
            for village in villages:
                click(staging.stage_delete, village, 0)
        db.session.remove()
    ready = threading.Barrier(4)

    def take_back(what: int | None) -> int:
        with app.app_context(), acting_as(manager):
            ready.wait(10)
            try:
                if what is None:
                    return int(click(staging.cancel_all, county.id))
                click(staging.cancel, what)
            except Conflict:
                return 0
            finally:
                db.session.remove()
        return 1

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take_back, [None, *villages])) == 3
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(RegionChange)).all() == []
