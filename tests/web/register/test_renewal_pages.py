"""Records that follow one another, over HTTP: the list's button, the form that takes over, the review's
differences, the earlier records with their dates, REST and Excel.
"""

from __future__ import annotations

import io
import uuid
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.files.storage import storage
from app.core.jobs.table import Job
from app.core.jobs.worker import work
from app.kernel.declare.flow import State
from app.kernel.records import save as records
from app.kernel.records import steps
from app.kernel.rows.file import Attachment
from app.modules.homes.choices import Grade
from app.modules.surveys.monitoring.model import Monitoring
from app.modules.surveys.monitoring.register import MONITORING
from tests.builders import (
    CONTACT,
    COUNTY_REVIEWER,
    VILLAGE_CLERK,
    actor,
    attach,
    homeless,
    other_home,
    own_house,
    sign_in,
    texts,
)
from tests.clicks import click
from tests.hands import Hands
from tests.modules.samples import monitored

pytestmark = pytest.mark.one_database


@pytest.fixture
def approved(app: Flask) -> uuid.UUID:
    """A household's first record, approved: other safe housing."""
    with app.app_context():
        _home, row = monitored(name="王一")
        key = row.id
        clerk, reviewer = actor(VILLAGE_CLERK), actor(COUNTY_REVIEWER)
        with acting_as(clerk):
            click(records.save, MONITORING, key, other_home(), row.version)
            click(steps.transition, MONITORING, key, "submit", None, CONTACT)
            db.session.remove()
        with acting_as(reviewer):
            click(steps.transition, MONITORING, key, "approve", None, CONTACT)
            db.session.remove()
    return key


@pytest.fixture
def clerk(app: Flask) -> Hands:
    return Hands(app, sign_in(app, VILLAGE_CLERK))


def row_of(app: Flask, key: uuid.UUID) -> Monitoring:
    with app.app_context(), unscoped("tests look") as everything:
        return everything.get_one(Monitoring, key)


def test_a_new_record_from_the_list_to_the_review(
    app: Flask, approved: uuid.UUID, clerk: Hands
) -> None:
    listed = clerk.get("/monitoring/entry").text
    assert f'action="/monitoring/{approved}/renew"' in listed
    assert clerk.get(f"/monitoring/{approved}/renew").status_code == 405  # GET changes nothing
    opened = clerk.post(f"/monitoring/{approved}/renew")
    address = opened.headers["Location"]
    key = uuid.UUID(address.split("/")[-2])
    form = clerk.get(address).text
    assert "按上次记录带出" in form
    assert "王排查" in form  # who surveyed the last time
    assert "需入户核实" not in form, "there was no house to judge"
    assert clerk.get("/monitoring/entry").text.count("王一") == listed.count("王一")
    saved = clerk.post(
        address,
        texts(homeless()) | {"version": row_of(app, key).version, "intent": "submit",
                             "contact_name": "李办", "contact_phone": ""},
    )  # fmt: skip
    assert saved.status_code == 302, saved.text[:3000]
    assert (row_of(app, key).state, row_of(app, key).current) == (State.SUBMITTED, True)

    reviewer = Hands(app, sign_in(app, COUNTY_REVIEWER))
    review = reviewer.get(f"/monitoring/{key}/review").text
    assert "现住房情况</a>：<del>其他安全住房</del> → 无房户" in review
    page = reviewer.get(f"/monitoring/{key}").text
    assert "历次记录" in page
    assert f'href="/monitoring/{approved}"' in page
    earlier = reviewer.get(f"/monitoring/{approved}").text
    assert "这一份作为历史留存" in earlier
    assert "退回补正</button>" not in earlier


def test_lists_are_filtered_by_how_safe_houses_are(app: Flask, clerk: Hands) -> None:
    with app.app_context():
        for name, grade in (("王好", Grade.A), ("王危", Grade.D)):
            _home, row = monitored(name=name)
            with acting_as(actor(VILLAGE_CLERK)):
                click(records.save, MONITORING, row.id, own_house(grade), row.version)
                db.session.remove()
    page = clerk.get("/monitoring/query?figure=severe_hazard").text
    assert ("王危" in page, "王好" in page) == (True, False)
    assert '<option value="severe_hazard" selected>存在严重安全隐患</option>' in page
    assert "住房安全情况：存在严重安全隐患" in page
    assert '<input type="hidden" name="figure"' not in page, "the choice alone says it"
    page = clerk.get("/monitoring/query?figure=monitored").text
    assert "住房安全情况" not in page
    assert '<input type="hidden" name="figure" value="monitored">' in page


def test_what_held_on_a_day(approved: uuid.UUID, clerk: Hands) -> None:
    page = clerk.get(f"/monitoring/{approved}?on=2020-01-01").text
    assert "2020-01-01 还没有审核通过的记录。" in page
    assert clerk.get(f"/monitoring/{approved}?on=tomorrow").status_code == 400


def test_papers_of_the_record_before_are_taken_over(
    app: Flask, approved: uuid.UUID, clerk: Hands
) -> None:
    before = row_of(app, approved)
    with app.app_context():
        [paper] = attach(before, "judged_paper", register="monitoring")
        old = paper.id
        with unscoped("tests arrange") as everything:
            file = everything.get_one(Attachment, old)
            file.key = storage().put(io.BytesIO(b"whole"), "pdf")
            file.thumb_key = storage().put(io.BytesIO(b"small"), "jpg")
            everything.commit()
    address = clerk.post(f"/monitoring/{approved}/renew").headers["Location"]
    base = address.removesuffix("/edit")
    assert f'data-file-reuse="{base}/files/judged_paper/reuse"' in clerk.get(address).text
    [tile] = clerk.post(f"{base}/files/judged_paper/reuse").json
    assert tile["id"] != str(old)
    assert clerk.get(f"/files/{tile['id']}").data == b"whole"
    assert "data-file-reuse" not in clerk.get(address).text
    again = clerk.post(f"{base}/files/judged_paper/reuse")
    assert (again.status_code, again.json) == (400, {"error": "上次的记录中没有可沿用的材料。"})
    assert clerk.post(f"{base}/files/front_photos/reuse").status_code == 404, "photos are new"
    closed = clerk.post(f"/monitoring/{approved}/files/judged_paper/reuse")
    assert closed.status_code == 409, "an approved record stays as it is"


def test_two_clicks_and_what_cannot_be_renewed(
    app: Flask, approved: uuid.UUID, clerk: Hands
) -> None:
    first = clerk.post(f"/monitoring/{approved}/renew").headers["Location"]
    assert clerk.post(f"/monitoring/{approved}/renew").headers["Location"] == first
    with app.app_context():
        _home, row = monitored(name="王二")
    page = clerk.post(f"/monitoring/{row.id}/renew", follow_redirects=True).text
    assert "监测记录现在是“未监测”" in page


def test_rest_renews_too(app: Flask, approved: uuid.UUID, clerk: Hands) -> None:
    def call(method: str, url: str, body: Any, **headers: str) -> Any:
        client: FlaskClient = clerk.client
        sent = {"X-CSRFToken": clerk.token()} | headers
        return client.open(f"/api/v1/monitoring{url}", method=method, json=body, headers=sent)

    home = str(row_of(app, approved).household_id)
    again = call("POST", "", {"household_id": home, "values": {}})
    assert (again.status_code, "renew" in again.text) == (409, True)
    made = call("POST", f"/{approved}/renew", {})
    assert made.status_code == 201, made.text
    assert (made.json["current"], made.json["predecessor_id"]) == (False, str(approved))
    known, said = row_of(app, approved), made.json["values"]
    assert (said["living"], said["surveyor"]) == ("other", known.surveyor)
    assert (said["died"], said["surveyed_on"]) == (None, None), "asked anew each time"
    checked = call("GET", f"/{made.json['id']}/check", None).json
    assert "living" not in {problem["field"] for problem in checked["problems"]}
    changed = call(
        "PATCH", f"/{made.json['id']}", {"version": made.json["version"], "values": {"died": False}}
    )
    assert (changed.status_code, changed.json["current"]) == (200, True), changed.text
    assert (row_of(app, uuid.UUID(made.json["id"])).surveyor, changed.json["cleared"]) == (
        known.surveyor, [],
    )  # fmt: skip
    assert row_of(app, approved).current is False


def test_a_row_of_excel_follows_an_approved_record(
    app: Flask, approved: uuid.UUID, clerk: Hands
) -> None:
    """What the row does not say is taken over; what is asked anew each time is not."""
    template = clerk.get("/exchange/template/monitoring")
    book = openpyxl.load_workbook(io.BytesIO(template.data))
    sheet = book.worksheets[0]
    known = row_of(app, approved)
    cells = {"户主姓名": known.head_name, "身份证号": known.head_id, "是否死亡销户": "否",
             "家庭户籍人数": "6", "现住房情况": "其他安全住房", "其他安全住房": "敬（养）老院"}  # fmt: skip
    for column in range(1, sheet.max_column + 1):
        head = (sheet.cell(2, column).value or sheet.cell(1, column).value or "").split("（")[0]
        if head in cells:
            sheet.cell(3, column, cells[head])
    file = io.BytesIO()
    book.save(file)
    form = {"file": (io.BytesIO(file.getvalue()), "监测.xlsx"), "mode": "import"}
    sent = clerk.post("/exchange/import/monitoring/", form, content_type="multipart/form-data")
    assert sent.status_code == 302, sent.text[:2000]
    work(app, once=True)
    with app.app_context(), unscoped("tests look") as everything:
        job = everything.scalars(select(Job).order_by(Job.created.desc())).first()
        assert job is not None
        assert (job.result or {}).get("created") == 1, (job.message, job.result)
        made = everything.scalars(
            select(Monitoring).where(Monitoring.predecessor_id == approved)
        ).one()
        assert (made.current, made.state, made.population) == (True, State.DRAFT, 6)
        assert (made.surveyor, made.surveyed_on) == (known.surveyor, None)
