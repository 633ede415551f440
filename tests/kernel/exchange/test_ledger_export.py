"""Ledgers to Excel: what the list shows, unmasked, in the background, with a reason that is logged."""

from __future__ import annotations

import datetime as dt
import io
import os
import signal
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.core.clock import now, today
from app.core.db import db
from app.core.files.storage import storage
from app.core.jobs.table import Job, JobContext, JobState
from app.core.jobs.worker import work
from app.kernel.declare.flow import State
from app.kernel.exchange import places as named_places
from tests import builders


def sheet_of(app: Flask) -> list[list[Any]]:
    """Run what is queued; the rows of the workbook that the newest job made, below its title."""
    work(app, once=True)
    with app.app_context(), unscoped("the test reads jobs") as session:
        job = session.scalars(select(Job).order_by(Job.created.desc())).first()
        assert job is not None
        assert job.state == JobState.DONE, job.message
        key = next(f["key"] for f in job.files if f["role"] == "result")
        with storage().open(key) as file:
            book = openpyxl.load_workbook(io.BytesIO(file.read()))
    title, *rows = ([cell.value for cell in row] for row in book.worksheets[0].iter_rows())
    assert title[0] == f"脱贫户住房安全保障回头看台账（陕西省西安市蓝田县，{today()}）"
    assert book.worksheets[0].auto_filter.ref.startswith("A2:")
    return rows


@pytest.fixture
def households(app: Flask) -> list[str]:
    """Three approved and two other surveys in the county, one approved in the next county."""
    with app.app_context():
        for n in range(5):
            state = State.APPROVED if n < 3 else State.DRAFT
            builders.household(
                name=f"=1+{n}", state=state, died=False, population=n, interim_measure="@x"
            )
        builders.household(
            builders.below(builders.region("610124"), Level.VILLAGE),
            name="外县",
            state=State.APPROVED,
        )
    return [f"=1+{n}" for n in range(5)]


def test_it_holds_exactly_the_filtered_rows_with_full_values_as_text(
    app: Flask, as_account: Any, households: list[str]
) -> None:
    client = as_account(builders.COUNTY_MANAGER)
    url = "/exchange/export/lookback?state=approved"
    page = client.get(url).get_data(as_text=True)
    assert "审核通过" in page
    answer = client.post(url, {"reason": "工作调度"})
    assert (answer.status_code, answer.location) == (302, "/exchange/jobs")
    head, *rows = sheet_of(app)
    assert head[:8] == ["省", "市", "县", "乡镇", "村", "户主姓名", "原户主", "身份证号"]
    assert "农户编号" not in head, "no key of the database, unless it is asked for"
    assert [row[5] for row in rows] == households[:3]
    assert rows[0][0:3] == ["陕西省", "西安市", "蓝田县"]
    assert all(len(str(row[7])) == 18 for row in rows)
    by_head = dict(zip(head, rows[1], strict=True))
    assert (by_head["是否死亡销户"], by_head["家庭户籍人数"], by_head["填报状态"]) == (
        "否",
        1,
        "审核通过",
    )
    with app.app_context(), unscoped("the test reads the log") as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.EXPORT)).one()
        assert entry.detail["reason"] == "工作调度"
        assert entry.detail["filter"] == {"state": ["approved"]}
        assert entry.detail["rows"] == "3"


@pytest.mark.parametrize(
    ("form", "message"),
    [({}, "请填写导出原因。"), ({"other_reason": "长" * 201}, "导出原因最多 200 个字。")],
)
def test_without_a_reason_nothing_starts_and_what_was_typed_stays(
    app: Flask, as_account: Any, households: list[str], form: dict[str, str], message: str
) -> None:
    client = as_account(builders.COUNTY_MANAGER)
    answer = client.post("/exchange/export/lookback", form)
    assert answer.status_code == 422
    text = answer.get_data(as_text=True)
    assert message in text
    assert form.get("other_reason", "") in text
    with app.app_context(), unscoped("the test reads jobs") as session:
        assert session.scalars(select(Job)).all() == []


@pytest.mark.parametrize(
    "who", [builders.COUNTY_READER, builders.VILLAGE_CLERK, builders.TOWN_CLERK], ids=str
)
def test_those_who_may_not_export_cannot(as_account: Any, who: builders.Who) -> None:
    client = as_account(who)
    assert client.get("/exchange/export/lookback").status_code == 403
    assert client.post("/exchange/export/lookback", {"reason": "工作调度"}).status_code == 403


@pytest.mark.parametrize("url", ["/exchange/export/nothing", "/exchange/export/lookback?region=1"])
def test_what_is_not_there_is_not_found(as_account: Any, url: str) -> None:
    assert as_account(builders.COUNTY_MANAGER).get(url).status_code == 404


def test_an_export_killed_half_way_is_done_again_whole(
    app: Flask, as_account: Any, households: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_account(builders.COUNTY_MANAGER)
    assert client.post("/exchange/export/lookback", {"reason": "工作调度"}).status_code == 302
    monkeypatch.setattr("app.kernel.exchange.ledger_export._BATCH", 2)
    child = os.fork()
    if child == 0:  # a worker of its own, which dies after the first batch
        with app.app_context():
            db.engine.dispose(close=False)
        dying = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        monkeypatch.setattr(JobContext, "progress", dying)
        work(app, once=True)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    with app.app_context(), unscoped("the test lets the heartbeat grow old") as session:
        job = session.scalars(select(Job)).one()
        assert (job.state, [f for f in job.files if f["role"] == "result"]) == (
            JobState.RUNNING,
            [],
        )
        job.heartbeat = now() - dt.timedelta(minutes=5)
        session.commit()
    assert len(sheet_of(app)) == 1 + len(households)


def test_names_of_places_stay_right_while_few_are_remembered(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named_places, "_KEPT", 3)
    with app.app_context():
        towns = db.session.scalars(select(Region).where(Region.level == Level.TOWN).limit(6)).all()
        places = named_places.Places()
        for _ in range(2):
            for town in towns:
                places.learn({town.id})
                assert places.names[town.id][3:] == (town.name, "")
                assert "".join(places.names[town.id]) == town.full_name
        assert len(places.names) < len(towns)
