"""The dossier through HTTP: its stages on the page, what is locked, bad input, the desk's figures."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from flask import Flask

from app.access.scope import acting_as, unscoped
from app.core.clock import today
from app.core.jobs.worker import work
from app.kernel.declare.flow import State
from app.kernel.declare.register import get_register
from app.kernel.records import save as records
from app.modules.renovation.dossier.model import Dossier, Progress
from app.modules.renovation.dossier.register import DOSSIER
from tests import builders
from tests.clicks import click
from tests.hands import Hands
from tests.kernel.figures.counted import rebuild
from tests.modules import samples
from tests.modules.renovation.test_dossiers import BEGUN, COMPLETED, GRANTED, STARTED
from tests.web.register.forms import errors_of

AsAccount = Callable[..., Hands]
DAY = dt.timedelta(days=1)


@pytest.fixture
def started(app: Flask) -> Dossier:
    """A dossier whose start is approved."""
    with app.app_context():
        return samples.dossier(stage=Progress.STARTED, state=State.APPROVED, **STARTED)


@pytest.fixture
def clerk(as_account: AsAccount) -> Hands:
    return as_account(builders.TOWN_CLERK)


def posted(values: dict[str, Any], version: int = 1, **more: Any) -> dict[str, Any]:
    data = {"version": version, "contact_name": "李明", "contact_phone": "13909180000"}
    for name, value in builders.texts(values).items():
        if isinstance(value, list):
            for number, row in enumerate(value):
                data |= {f"{name}-{number}-{part}": text for part, text in row.items()}
        else:
            data[name] = value
    return data | more


def test_an_approved_stage_is_read_and_cannot_be_posted(clerk: Hands, started: Dossier):
    url = f"/dossier/{started.id}/edit"
    page = clerk.get(url).text
    assert "已审核通过，不能修改" in page
    assert "蓝田县建筑公司" in page
    assert 'name="started_on"' not in page
    fixed = re.search(r'id="form-fixed">(.*?)</script>', page)
    assert fixed
    assert json.loads(fixed[1])["started_on"] == BEGUN.isoformat()  # rules ask for it
    refused = clerk.post(url, posted({"storeys": 2, "started_on": BEGUN + DAY}))
    assert refused.status_code == 422
    assert "所属阶段已审核通过" in refused.text
    assert 'value="2"' in refused.text  # nothing typed is lost
    saved = clerk.post(url, posted({"storeys": 2}, intent="save"))
    assert saved.status_code == 302
    again = clerk.get(f"/dossier/{started.id}").text
    assert "竣工 已录入" in again
    assert "蓝田县建筑公司" in again


def test_bad_input_is_told_beside_the_field(clerk: Hands, started: Dossier):
    url = f"/dossier/{started.id}/edit"
    wrong = clerk.post(url, posted({"completed_on": BEGUN - DAY, "storeys": 3}))
    assert wrong.status_code == 422
    assert errors_of(wrong.text, "completed_on") == "不能早于开工时间。"
    payment = {"date": today(), "amount": "26000.11", "holder": "王甲", "account": "6217000010001"}
    wrong = clerk.post(url, posted(GRANTED | {"payments": [payment]}))
    assert wrong.status_code == 422
    assert errors_of(wrong.text, "paid") == "已拨付的补助不能超过补助合计。"
    assert "26,000.11" in wrong.text
    assert "6217000010001" in wrong.text


def test_import_and_rest_refuse_it_as_well(app: Flask, as_account: AsAccount, started: Dossier):
    clerk = as_account(builders.TOWN_MANAGER)
    late = (BEGUN + DAY).isoformat()
    answer = clerk.client.patch(
        f"/api/v1/dossier/{started.id}",
        json={"version": 1, "values": {"started_on": late}},
        headers={"X-CSRFToken": clerk.token()},
    )
    assert answer.status_code == 422
    assert answer.json["problems"][0]["id"] == "started_on.locked"
    template = openpyxl.load_workbook(io.BytesIO(clerk.get("/exchange/template/dossier").data))
    sheet = template.worksheets[0]
    heads = [(sheet.cell(2, c).value or sheet.cell(1, c).value or "").split("（")[0]
             for c in range(1, sheet.max_column + 1)]  # fmt: skip
    assert "补助合计" not in heads  # worked out, never typed
    row = {"户主姓名": started.head_name, "身份证号": started.head_id, "开工时间": late}
    for label, text in row.items():
        sheet.cell(3, heads.index(label) + 1, text)
    file = io.BytesIO()
    template.save(file)
    file.seek(0)
    sent = clerk.post("/exchange/import/dossier/", {"file": (file, "竣工.xlsx"), "mode": "import"},
                      content_type="multipart/form-data")  # fmt: skip
    assert sent.status_code == 302
    work(app, once=True)
    assert "所属阶段已审核通过" in clerk.get(sent.location).text
    with app.app_context(), unscoped("tests look") as session:
        assert session.get_one(Dossier, started.id).started_on == BEGUN


def test_the_county_sends_a_stage_back(as_account: AsAccount, app: Flask, started: Dossier):
    with app.app_context(), acting_as(builders.actor(builders.TOWN_CLERK)):
        click(records.save, DOSSIER, started.id, COMPLETED, 1)
    county = as_account(builders.COUNTY_MANAGER)
    page = county.get(f"/dossier/{started.id}").text
    assert "退回上一阶段" in page
    back = county.post(f"/dossier/{started.id}/step/reopen",
                       {"version": 2, "opinion": "开工时间不对", "contact_name": "李明"})  # fmt: skip
    assert back.status_code == 302
    page = county.get(f"/dossier/{started.id}").text
    assert "开工 退回补正" in page
    assert "开工：已退回上一阶段" in page or "开工：退回上一阶段" in page


def test_the_desk_tells_renovations_and_own_houses(app: Flask, as_account: AsAccount):
    with app.app_context():
        samples.dossier(stage=Progress.COMPLETED, state=State.APPROVED, **STARTED, **COMPLETED)
        home, _survey = builders.household()
        household = get_register("household")
        assert household
        with unscoped("tests arrange") as session:
            kept = session.get_one(type(home), home.id)
            kept.own_house, kept.low_income = True, True
            session.commit()
            rebuild(session, DOSSIER)
            rebuild(session, household)
            session.commit()
    county = as_account(builders.COUNTY_MANAGER)
    table = county.get("/api/v1/dossier/statistics/desk").json
    heads = ["/".join(column["heads"]) for column in table["columns"]]
    total = dict(zip(heads, table["rows"][0]["cells"], strict=True))
    assert total["危房改造/总数"] == total["危房改造/已开工"] == total["危房改造/已竣工"] == 1
    assert total["危房改造/全额拨付"] == total["抗震改造/总数"] == 0
    assert total["既有农房/总数"] == total["既有农房/低收入户数"] + total["既有农房/一般农户"] == 1
    assert f">{today().year}年</span>" in county.get("/").text
    this = today().year
    for said, year, n in (("", None, 1), (f"?year={this}", this, 1), (f"?year={this + 1}", this + 1, 0),
                          ("?year=all", None, 1)):  # fmt: skip
        told = county.get(f"/api/v1/dossier/statistics/desk{said}").json
        assert (told["year"], told["rows"][0]["cells"][0]) == (year, n)
    for compared in ("week", "trend"):
        told = county.get(f"/api/v1/dossier/statistics/{compared}?year={this + 1}").json
        assert (told["year"], told["rows"][0]["cells"][0]) == (this + 1, 0)
    for wrong in ("1999", "2x", "9" * 30):
        assert county.get(f"/api/v1/dossier/statistics/trend?year={wrong}").status_code == 400
    assert county.get("/api/v1/lookback/statistics/progress?year=2026").status_code == 400
    page = county.get("/dossier/statistics/desk").text
    assert "/household/list?figure=own_house&amp;region=" in page
    assert home.head_name in county.get("/household/list?figure=own_house").text
