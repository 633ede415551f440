"""The connection to the database breaks off before any one statement of a click: the click is done
whole or not at all; sent once more it is done, and answered as if nothing had been.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event, func, select
from werkzeug.test import TestResponse

from app.access.scope import acting_as, unscoped
from app.core.db import db, read_only
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.households import moves
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.kernel.rows.record import HistoryEntry
from app.kernel.rows.transfer import Transfer, TransferState
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from app.web.frame.clicks import FIELD
from tests import builders, pictures
from tests.clicks import click
from tests.hands import Hands

#: Tables of no click: the tree of divisions, and who was seen when.
_BESIDE = re.compile(r"region.*|open_session|alembic_version")
#: Statements of the reading before a click's transaction and of the click: surely more than these.
_FEWEST = 12
#: No click asks as many; a test that comes here has lost its way.
_MOST = 500


@contextmanager
def broken_before(nth: int) -> Iterator[list[int]]:
    """Inside, the connection is closed before the ``nth`` statement (COMMIT is one); gives a list that
    says how many there were.
    """
    seen = [0]

    def count(connection: Connection) -> None:
        seen[0] += 1
        if seen[0] == nth:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            driver.close()

    def statement(connection: Connection, *_more: object) -> None:
        count(connection)

    event.listen(db.engine, "before_cursor_execute", statement)
    event.listen(db.engine, "commit", count)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", statement)
        event.remove(db.engine, "commit", count)


def everything(folder: Path) -> dict[str, list[Any]]:
    """All rows of all tables, and the stored files."""
    with read_only(), db.engine.connect() as connection:
        rows = {
            table.name: sorted(map(str, connection.execute(select(table))))
            for table in db.metadata.sorted_tables
            if not _BESIDE.fullmatch(table.name)
        }
    return rows | {"": sorted(str(p) for p in folder.rglob("*") if p.is_file())}


@dataclass
class Case:
    """A click, what is true when it is done, and how it is answered."""

    click: Callable[[], TestResponse]
    require_done: Callable[[], None]
    status: int = 302


AsAccount = Callable[..., Hands]


def submitting(app: Flask, as_account: AsAccount) -> Case:
    """保存并上报, with a photo taken off, a draft, a value to be remembered."""
    clerk = as_account(builders.VILLAGE_CLERK)
    with app.app_context():
        key = builders.household()[1].id
    url, form = f"/lookback/{key}", builders.texts(builders.died())
    assert (
        clerk.upload(f"{url}/files/front_photos", pictures.picture((640, 480))).status_code == 200
    )
    draft = {"values": {"died": "yes"}, "version": 1}
    assert clerk.post_json(f"{url}/draft", draft).status_code == 200
    with app.app_context(), unscoped("tests look") as session:
        photo = session.scalars(select(Attachment.id).where(Attachment.record_id == key)).one()
    form |= {"version": "1", "intent": "submit", "removed_files": str(photo), "surveyor": "王查"}
    form |= {"contact_name": "李明", "contact_phone": "13909180000", "csrf_token": clerk.token()}
    form |= {FIELD: uuid.uuid4().hex}

    def require_done() -> None:
        with unscoped("tests look") as session:
            row = session.get_one(Lookback, key)
            assert row.state == State.SUBMITTED
            steps = select(HistoryEntry.step).where(HistoryEntry.record_id == key)
            assert session.scalars(steps).all() == ["submit"]

    return Case(lambda: clerk.client.post(f"{url}/edit", data=form), require_done)


def moving(app: Flask, as_account: AsAccount) -> Case:
    """Agreeing to a move within a county: the household goes, with all that is about it."""
    manager = as_account(builders.COUNTY_MANAGER)
    with app.app_context():
        home, survey = builders.household()
        place = builders.below(builders.region(builders.COUNTY), builders.Level.VILLAGE, 1)
        with acting_as(builders.actor(builders.VILLAGE_CLERK)):
            click(records.save, LOOKBACK, survey.id, builders.moved(place.id), 1)
            asked = moves.waiting_of(home.id)
            assert asked is not None
            key = asked.id
        db.session.remove()
    form = {"contact_name": "李明", "contact_phone": "13909180000", "csrf_token": manager.token()}
    form |= {FIELD: uuid.uuid4().hex}

    def require_done() -> None:
        with unscoped("tests look") as session:
            assert session.get_one(Transfer, key).state == TransferState.MOVED
            assert session.get_one(Lookback, survey.id).region_id == place.id

    return Case(lambda: manager.client.post(f"/transfers/{key}/agree", data=form), require_done)


def through_the_api(app: Flask, as_account: AsAccount) -> Case:
    """A household's survey entered by another system."""
    clerk = as_account(builders.VILLAGE_CLERK)
    with app.app_context():
        home, survey = builders.household()
        body = {"household_id": str(home.id), "values": {"died": True}}
        key = survey.id
    named = {"X-CSRFToken": clerk.token(), "Idempotency-Key": "one"}

    def require_done() -> None:
        with unscoped("tests look") as session:
            row = session.get_one(Lookback, key)
            assert (row.state, row.version) == (State.DRAFT, 2)

    return Case(
        lambda: clerk.client.post("/api/v1/lookback", json=body, headers=named), require_done, 201
    )


@pytest.mark.both_databases
@pytest.mark.parametrize("begin", [submitting, moving, through_the_api])
def test_a_click_whose_connection_breaks_is_done_whole_or_not_at_all(
    app: Flask,
    as_account: AsAccount,
    begin: Callable[[Flask, AsAccount], Case],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.web.frame.errors.log.error", lambda *_args, **_named: None)
    case, folder = begin(app, as_account), Path(app.config["STORAGE_DIR"])
    with app.app_context():
        before = everything(folder)
    for tried in range(1, _MOST):
        with app.app_context(), broken_before(tried) as statements:
            answer = case.click()
        with app.app_context():
            after = everything(folder)
        if after != before:
            break
        assert answer.status_code >= 500, f"statement {tried} broke, and nobody was told"
        assert statements[0] >= tried
    assert _FEWEST < tried < _MOST - 1
    with app.app_context():
        case.require_done()
        with read_only(), unscoped("tests prove counters") as session:
            kept = counters.kept_counts(session, LOOKBACK)
            assert kept == counters.live_counts(session, LOOKBACK)
            entries = session.scalar(select(func.count()).select_from(HistoryEntry))
        again = case.click()
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (case.status, "true")
        with unscoped("tests look") as session:
            assert session.scalar(select(func.count()).select_from(HistoryEntry)) == entries
