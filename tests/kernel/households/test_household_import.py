"""The import of a list of households as a job: who may, beside others, killed."""

from __future__ import annotations

import datetime as dt
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, Table, func, select, update
from sqlalchemy.exc import IntegrityError

from app.access.account import Account
from app.access.scope import unscoped
from app.core.clock import now
from app.core.db import db
from app.core.errors import Forbidden
from app.core.files.storage import storage
from app.core.jobs import worker
from app.core.jobs.table import Job, JobState
from app.kernel.declare import choice_lists
from app.kernel.exchange.imports.notes import ImportNote
from app.kernel.exchange.imports.pipeline import OUTCOMES
from app.kernel.figures import counters
from app.kernel.households.exchange import importing as household_import
from app.kernel.households.exchange import write
from app.kernel.rows.household import Household
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.clicks import begin_import
from tests.kernel.exchange.lists import book, row
from tests.kernel.households.importing import Desk, households
from tests.running import programs
from tools.programs import flask

#: Rows of a file and what is said of them; what a kill leaves is asked of both.
pytestmark = pytest.mark.one_database


def test_a_chunk_that_meets_another_import_is_decided_anew_and_counted_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_rows, met = write.insert_rows, []

    def meet(connection: Connection, table: Table, rows: list[Any]) -> None:
        if not met:
            met.append(table.name)
            raise IntegrityError("INSERT", {}, Exception("somebody was there first"))
        insert_rows(connection, table, rows)

    monkeypatch.setattr(write, "insert_rows", meet)
    assert desk.counts([row(1), row(2)]) == {"created": 2}
    assert met == ["household"]
    with unscoped("tests look at everything") as session:
        assert counters.live_counts(session, LOOKBACK) == counters.kept_counts(session, LOOKBACK)
        assert counters.total(session, LOOKBACK, "total", desk.account.path) == 2


def test_only_who_may_import_imports(desk: Desk) -> None:
    with builders.acting(builders.TOWN_MANAGER), pytest.raises(Forbidden):
        begin_import(household_import.start, book([row(1)]), "名单.xlsx", dry_run=True, whole=False)
    job = desk.send(book([row(1)]))
    db.session.execute(update(Account).where(Account.id == desk.account.id).values(active=False))
    db.session.commit()
    claimed = worker.claim(job.id)
    assert claimed is not None
    worker.run(desk.app, claimed, threading.Event())
    refused = db.session.get(Job, job.id, populate_existing=True)
    assert refused is not None
    assert refused.state == JobState.FAILED
    db.session.commit()
    assert households() == []


def test_notes_go_with_the_job(desk: Desk) -> None:
    _, job = desk.take(book([row(1, phone="")]))
    db.session.execute(update(Job).values(expires=now() - dt.timedelta(1)))
    db.session.commit()
    assert worker.keep_house() == 1
    assert db.session.scalar(select(func.count()).select_from(ImportNote)) == 0
    with pytest.raises(Exception, match="不存在或已过期"):
        storage().open(job.files_of("result")[0]["key"])


@pytest.mark.both_databases
def test_statements_do_not_grow_with_rows(desk: Desk, count_statements: Callable[..., int]) -> None:
    few = count_statements(lambda: desk.counts([row(n) for n in range(1, 5)]))
    many = count_statements(lambda: desk.counts([row(n) for n in range(10, 500)]))
    assert many <= few


@pytest.fixture
def count_statements(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], Any]], int]:
    from sqlalchemy import event

    # A job asks for the lists of choices anew every so many seconds: here once in each count.
    monkeypatch.setattr(choice_lists, "_KEEP_SECONDS", math.inf)

    def count(act: Callable[[], Any]) -> int:
        choice_lists.forget()
        seen, here = [], threading.get_ident()

        def note(*args: Any) -> None:
            if threading.get_ident() == here:  # heartbeats come from another, by the clock
                seen.append(args[2])

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            act()
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    return count


@pytest.mark.both_databases
def test_an_import_survives_kill_9(desk: Desk, app: Flask, tmp_path: Path) -> None:
    rows = [row(n) for n in range(1, 6001)]
    job_id = desk.send(book(rows)).id
    url = app.config["SQLALCHEMY_DATABASE_URI"].replace("postgresql+psycopg", "postgresql")
    environment = os.environ | {
        "DATABASE_URL": url, "STORAGE_DIR": app.config["STORAGE_DIR"], "SECRET_KEY": "only for tests",
        "FLASK_APP": "app:create_app",
    }  # fmt: skip
    command = ("jobs", "work", "--once")

    def written() -> int:
        with unscoped("tests look at everything") as session:
            return session.scalar(select(func.count()).select_from(Household)) or 0

    first = programs.start(flask, environment, tmp_path / "log", *command)
    end = time.monotonic() + 60
    while not written():
        assert time.monotonic() < end
        assert first.exitcode is None
        time.sleep(0.02)
    first.kill()
    first.join(20)
    left = written()
    assert 0 < left < 6000
    assert left % 1000 == 0
    old = now() - dt.timedelta(minutes=1)
    db.session.execute(update(Job).where(Job.id == job_id).values(heartbeat=old))
    db.session.commit()
    assert programs.run(environment, *command).returncode == 0
    job = db.session.get(Job, job_id, populate_existing=True)
    assert job is not None
    db.session.commit()
    assert (job.state, job.attempt) == (JobState.DONE, 2)
    assert {n: job.result[n] for n in OUTCOMES} == {
        "created": 6000, "updated": 0, "unchanged": 0, "rejected": 0, "mended": 0, "flagged": 0,
    }  # fmt: skip
    assert written() == 6000
    with unscoped("tests look at everything") as session:
        assert session.scalar(select(func.count(func.distinct(Household.issued_id)))) == 6000
        assert session.scalar(select(func.count()).select_from(LOOKBACK.model)) == 6000
        assert counters.live_counts(session, LOOKBACK) == counters.kept_counts(session, LOOKBACK)
