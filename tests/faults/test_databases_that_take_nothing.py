"""A database that is really read-only, or really full: it is told in words, and jobs go on afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, text, update

from app.access.scope import acting_as, unscoped
from app.core.clock import now
from app.core.db import db
from app.core.jobs.table import Job, JobState
from app.core.jobs.worker import work
from app.kernel.households.exchange import importing
from app.kernel.rows.household import Household
from app.modules.surveys.lookback.model import Lookback
from tests import builders as b
from tests.clicks import begin_import
from tests.hands import Hands
from tests.kernel.exchange.lists import book, row

pytestmark = pytest.mark.both_databases
ROWS = 600  # more than fit into the pages that a database has anyway


@contextmanager
def every_connection(app: Flask, *statements: str) -> Iterator[None]:
    """Is told these when it is taken, until the end."""

    def tell(connection: Any, *_about: Any) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    with app.app_context():
        engine = db.engine
    event.listen(engine, "checkout", tell)
    try:
        yield
    finally:
        event.remove(engine, "checkout", tell)
        engine.dispose()


def is_sqlite(app: Flask) -> bool:
    with app.app_context():
        return db.engine.dialect.name == "sqlite"


@contextmanager
def read_only(app: Flask) -> Iterator[None]:
    said = "PRAGMA query_only=on" if is_sqlite(app) else "SET default_transaction_read_only = on"
    with every_connection(app, said):
        yield


@contextmanager
def full(app: Flask) -> Iterator[None]:
    """SQLite may have no page more."""
    if is_sqlite(app):
        with app.app_context(), db.engine.connect() as connection:
            pages = connection.scalar(text("PRAGMA page_count"))
        with every_connection(app, f"PRAGMA max_page_count={pages}"):
            yield
        return
    with saying(app, "disk_full"):
        yield


@contextmanager
def saying(app: Flask, condition: str) -> Iterator[None]:
    """On PostgreSQL triggers say what the server would say."""
    body = f"BEGIN RAISE 'no' USING ERRCODE = '{condition}'; END"
    made = (
        f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON household EXECUTE FUNCTION refuse()",
        "CREATE TRIGGER refuse BEFORE INSERT ON audit_entry EXECUTE FUNCTION refuse()",
    )
    with app.app_context():
        engine = db.engine
    with engine.begin() as connection:
        for statement in made:
            connection.execute(text(statement))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP FUNCTION refuse() CASCADE"))


@pytest.fixture
def survey(app: Flask) -> Lookback:
    with app.app_context():
        return b.household()[1]


def queued(app: Flask) -> None:
    with app.app_context(), acting_as(b.actor(b.COUNTY_MANAGER)):
        file = book([row(n) for n in range(300, 300 + ROWS)])
        begin_import(importing.start, file, "名单.xlsx", dry_run=False, whole=False)


def job_of(app: Flask) -> Job:
    with app.app_context(), unscoped("tests look") as session:
        return session.scalars(select(Job).where(Job.kind == importing.KIND)).one()


def goes_on(app: Flask, before: int) -> None:
    """When its heart is old the import is taken up again, and all is in once."""
    with app.app_context():
        old = now() - dt.timedelta(minutes=1)
        db.session.execute(update(Job).values(heartbeat=old))
        db.session.commit()
    work(app, once=True)
    assert job_of(app).state == JobState.DONE
    with app.app_context(), unscoped("tests look") as session:
        assert len(session.scalars(select(Household.id)).all()) == before + ROWS


def test_a_read_only_database(app: Flask, survey: Lookback) -> None:
    clerk = Hands(app, b.sign_in(app, b.VILLAGE_CLERK))
    token = clerk.token()
    queued(app)
    form = {"version": "1", "died": "yes", "csrf_token": token}
    with read_only(app):
        answers = [
            clerk.client.post(f"/lookback/{survey.id}/edit", data=form),
            clerk.client.post(
                f"/lookback/{survey.id}/draft", json={"version": 1, "values": {"died": "yes"}},
                headers={"X-CSRFToken": token, "Accept": "application/json"},
            ),
        ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [503, 503]
        assert all("请稍后重试" in answer.get_data(as_text=True) for answer in answers[:1])
        assert "请稍后重试" in answers[1].json["message"]
        assert work(app, once=True) == 0
    assert job_of(app).state == JobState.QUEUED
    assert clerk.post(f"/lookback/{survey.id}/edit", form).status_code == 302
    goes_on(app, before=1)


def test_a_full_database(app: Flask, survey: Lookback) -> None:
    clerk = Hands(app, b.sign_in(app, b.VILLAGE_CLERK))
    token = clerk.token()
    queued(app)
    with full(app):
        assert work(app, once=True) == 1
        if not is_sqlite(app):  # where a short save may still find room
            form = {"version": "1", "died": "yes", "csrf_token": token}
            answer = clerk.client.post(f"/lookback/{survey.id}/edit", data=form)
            assert answer.status_code == 507
            assert "存储空间已满" in answer.text
    job = job_of(app)
    assert (job.state, job.tries) == (JobState.RUNNING, 0)
    assert "存储空间已满" in job.message
    goes_on(app, before=1)


def test_a_role_of_the_database_that_may_only_read(app: Flask, survey: Lookback) -> None:
    if is_sqlite(app):
        return  # it has no accounts
    clerk = Hands(app, b.sign_in(app, b.VILLAGE_CLERK))
    form = {"version": "1", "died": "yes", "csrf_token": clerk.token()}
    queued(app)
    with saying(app, "insufficient_privilege"):
        answer = clerk.client.post(f"/lookback/{survey.id}/edit", data=form)
        assert answer.status_code == 503
        assert "系统暂时不能保存或读取内容，请稍后重试" in answer.text
        assert work(app, once=True) == 1
    job = job_of(app)
    assert (job.state, job.tries) == (JobState.RUNNING, 0)
    assert "恢复后自动继续" in job.message
    goes_on(app, before=1)
