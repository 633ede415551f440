"""Searches in the background: what they find, what a break-off leaves, who may look at it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import now
from app.core.db import db, read_only
from app.core.errors import BadInput, NotFound
from app.core.jobs import worker
from app.core.jobs.table import Job, JobState, cancel
from app.kernel.lists import searches
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import parse
from app.kernel.lists.results import ResultRow
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders as b
from tests.clicks import click

QUERY = next(menu for menu in LOOKBACK.menus if menu.name == "query")
COUNTIES = (b.COUNTY, b.NEXT_COUNTY, b.FAR_COUNTY)


@pytest.fixture
def ministry(session: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Actor]:
    """Three dead and one living household in each of three counties; one county at a time."""
    monkeypatch.setattr(searches, "_LOOKED_AT_ONCE", 1)
    for code in COUNTIES:
        place = b.below(b.region(code, Level.COUNTY), Level.VILLAGE)
        for n in range(3):
            b.household(place, name=f"{code}户{n}", died=True)
        b.household(place, name=f"{code}在世", died=False)
    with acting_as(b.actor(b.MINISTRY)) as actor:
        yield actor


def start(args: dict[str, list[str]] | None = None) -> uuid.UUID:
    asked = args or {"died": ["yes"]}
    return click(searches.start, LOOKBACK, QUERY, asked, "是否死亡销户：是").id


def state_of(key: uuid.UUID) -> Job:
    with unscoped("tests look") as session:
        return session.get_one(Job, key)


def kept() -> int:
    with unscoped("tests look") as session:
        return session.scalar(select(func.count()).select_from(ResultRow)) or 0


def shown(key: uuid.UUID, actor: Actor) -> list[str]:
    """The names that a list of the result shows to the account."""
    with read_only():
        query = parse(LOOKBACK, MultiDict({"found": str(key)}), db.session, actor)
        return [row.head_name for row in Ledger(LOOKBACK, query, db.session, actor).page(20).rows]


def test_everything_is_found_in_the_order_of_the_divisions(app: Flask, ministry: Actor):
    key = start()
    db.session.remove()
    worker.work(app, once=True)
    job = state_of(key)
    assert (job.state, job.result, job.percent) == (JobState.DONE, {"rows": 9}, 100)
    with unscoped("tests know") as session:
        rows = session.execute(
            select(Lookback.head_name).where(Lookback.died).order_by(Lookback.path, Lookback.id)
        )
        assert shown(key, ministry) == [name for (name,) in rows]


@pytest.mark.parametrize("after_how_many", [1, 2])
def test_a_run_that_breaks_off_goes_on_where_it_was(
    app: Flask, ministry: Actor, after_how_many: int
):
    """The worker is stopped: what was committed stands, the rest is found by its successor."""
    key = start()
    db.session.remove()
    stopping = threading.Event()
    whole = searches._add

    def counted(search_id: uuid.UUID, position: int, keys: Any) -> None:
        whole(search_id, position, keys)
        if position >= 3 * (after_how_many - 1):
            stopping.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searches, "_add", counted)
        claimed = worker.claim(key)
        assert claimed is not None
        worker.run(app, claimed, stopping)
    assert state_of(key).state == JobState.QUEUED
    assert kept() == 3 * after_how_many
    worker.work(app, once=True)
    assert state_of(key).result == {"rows": 9}
    assert len(set(shown(key, ministry))) == 9


def test_a_kill_between_rows_and_checkpoint_leaves_nothing_twice(app: Flask, ministry: Actor):
    key = start()
    db.session.remove()

    def killed(*_args: Any) -> None:
        db.session.rollback()  # what a database does for a process that is gone
        raise worker.JobOvertaken

    claimed = worker.claim(key)
    assert claimed is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(claimed), "save", killed)
        worker.run(app, claimed, threading.Event())
    assert kept() == 0
    with unscoped("its heart has stopped") as session:
        session.execute(update(Job).values(heartbeat=now().replace(year=2020)))
        session.commit()
    worker.work(app, once=True)
    assert state_of(key).result == {"rows": 9}
    assert len(set(shown(key, ministry))) == 9


def test_a_cancelled_search_has_no_result(app: Flask, ministry: Actor):
    key = start()
    assert cancel(key)
    db.session.commit()
    db.session.remove()
    worker.work(app, once=True)
    assert kept() == 0
    with pytest.raises(NotFound):
        shown(key, ministry)


def test_too_much_is_refused_and_leaves_nothing(
    app: Flask, ministry: Actor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(searches, "MOST_ROWS", 5)
    key = start()
    db.session.remove()
    worker.work(app, once=True)
    job = state_of(key)
    assert job.state == JobState.FAILED
    assert "超过 5 户" in job.message
    assert kept() == 0


def test_one_account_does_not_fill_the_queue(ministry: Actor):
    assert start() == start()  # the same again is the same job
    start({"died": ["no"]})
    with pytest.raises(BadInput, match="2 个查询在进行"):
        start({"living": ["own"]})


def test_what_left_the_area_is_not_shown(app: Flask, session: Any):
    city = b.seat(Level.CITY)
    near, far = (
        b.below(b.region(c, Level.COUNTY), Level.VILLAGE) for c in (b.COUNTY, b.FAR_COUNTY)
    )
    rows = [b.household(near, name=f"户{n}", died=True)[1] for n in range(3)]
    with acting_as(b.actor(b.CITY, city)) as actor:
        key = start()
        db.session.remove()
        worker.work(app, once=True)
        assert len(shown(key, actor)) == 3
        with unscoped("it moves away") as other:
            other.get_one(Lookback, rows[1].id).region_id = far.id
            other.commit()
        db.session.remove()
        assert len(shown(key, actor)) == 2


def test_an_expired_result_goes(app: Flask, ministry: Actor):
    key = start()
    db.session.remove()
    worker.work(app, once=True)
    with unscoped("a week passes") as session:
        session.execute(update(Job).values(expires=now().replace(year=2020)))
        session.commit()
    worker.keep_house()
    assert kept() == 0
    db.session.remove()
    with pytest.raises(NotFound):
        shown(key, ministry)
