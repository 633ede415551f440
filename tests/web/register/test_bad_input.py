"""What goes wrong in daily work is said beside its field, and nothing typed is lost (spec 09): over
HTTP, where other tests of pages do not show it.
"""

from __future__ import annotations

import html
import io
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.households import lists as households
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household
from app.modules.homes.choices import Grade, Measure
from app.modules.low_income.model import LowIncome
from app.modules.renovation import openings
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.monitoring.model import Monitoring
from tests import builders
from tests.hands import Hands
from tests.web.register.forms import errors_of

AsAccount = Callable[..., Hands]


@pytest.fixture
def clerk(as_account: AsAccount) -> Hands:
    return as_account(builders.VILLAGE_CLERK)


@pytest.fixture
def home(app: Flask) -> Household:
    """On both lists: its survey waits for review, its monitoring is to be entered."""
    with app.app_context():
        made, _survey = builders.household(name="张三", state=State.SUBMITTED)
        with unscoped("tests enlist") as session:
            stored = session.get_one(Household, made.id)
            households.enlist(session, stored, "low_income")
            session.commit()
        return made


def row_of(app: Flask, model: Any, home: Household) -> Any:
    with app.app_context(), unscoped("tests look") as session:
        return session.scalars(select(model).where(model.household_id == home.id)).one()


def posted(form: dict[str, Any], **more: Any) -> dict[str, Any]:
    return builders.texts(form) | {"version": "1", "intent": "save"} | more


def test_no_move_while_a_survey_waits(
    app: Flask, clerk: Hands, as_account: AsAccount, home: Household
) -> None:
    with app.app_context():
        elsewhere = builders.below(builders.region(builders.COUNTY), Level.VILLAGE, 1)
    record = row_of(app, Monitoring, home)
    form = builders.moved(elsewhere.id) | {"surveyor": "王调查"}
    answer = clerk.post(f"/monitoring/{record.id}/edit", posted(form))
    assert answer.status_code == 422
    assert "回头看档案现在是“待审核”" in errors_of(answer.text, "moved")
    assert 'value="王调查"' in answer.text
    assert f'value="{elsewhere.id}"' in answer.text

    there = as_account(builders.VILLAGE_CLERK, elsewhere)
    form = {
        "head_name": home.head_name, "head_id": home.head_id, "region": str(elsewhere.id),
        "sex": "male", "groups": ["allowance"], "phone": "13909180000",
    }  # fmt: skip
    found = there.post("/low_income/new/check", form)
    key = re.search(r'name="key" value="([^"]*)"', found.text)
    assert key
    assert "本次操作仅能修改其基本信息" in found.text
    answer = there.post("/low_income/new", form | {"key": key[1]})
    assert answer.status_code == 422
    assert "待审核" in errors_of(answer.text, "head_id")
    assert "13909180000" in answer.text
    assert row_of(app, LowIncome, home).region_id == home.region_id


def test_a_number_that_came_in_elsewhere_meanwhile(
    app: Flask, clerk: Hands, as_account: AsAccount
) -> None:
    with app.app_context():
        here = builders.seat(Level.VILLAGE)
        far = builders.below(builders.region(builders.NEXT_COUNTY), Level.VILLAGE)
        number = builders.id_number()
    form = {
        "head_name": "张三", "head_id": number, "sex": "male", "groups": ["allowance"], "key": "",
    }  # fmt: skip
    first = as_account(builders.VILLAGE_CLERK, far).post(
        "/low_income/new", form | {"region": str(far.id)}
    )
    assert first.status_code == 302
    late = clerk.post("/low_income/new", form | {"region": str(here.id), "phone": "13909180000"})
    assert late.status_code == 409
    assert "刚刚在别处" in late.text
    assert "户主姓名为“张三”，本次操作仅能修改其基本信息。" in html.unescape(late.text)
    assert "13909180000" in late.text
    with app.app_context(), unscoped("tests look") as session:
        assert [row.region_id for row in session.scalars(select(LowIncome))] == [far.id]


def test_nobody_leaves_with_an_open_application(app: Flask, clerk: Hands, home: Household) -> None:
    asks = {"secured": False, "measure": Measure.RENOVATION, "measure_year": 2024}
    survey = row_of(app, Lookback, home)
    with app.app_context():
        builders.complete(survey, builders.own_house(Grade.D) | asks)
        with unscoped("tests approve past all rules") as session:
            session.get_one(Lookback, survey.id).state = State.APPROVED
            session.flush()
            assert openings.settle(session, [home.id], 2026) == 1
            session.commit()
    row = row_of(app, LowIncome, home)
    left = {"reason": "other", "note": "收入已稳定"}
    answer = clerk.post(f"/low_income/{row.id}/leave", left)
    assert answer.status_code == 422
    assert "未办结的改造申请" in answer.text
    assert "收入已稳定" in answer.text
    assert row_of(app, LowIncome, home).low_income


def test_an_appraisal_before_2021(app: Flask, clerk: Hands, home: Household) -> None:
    with app.app_context(), unscoped("tests arrange") as session:
        query = select(Lookback).where(Lookback.household_id == home.id)
        session.scalars(query).one().state = State.MISSING
        session.commit()
    form = builders.own_house() | {"judged_on": "2020-12-31"}
    for model, register in ((Lookback, "lookback"), (Monitoring, "monitoring")):
        row = row_of(app, model, home)
        answer = clerk.post(f"/{register}/{row.id}/edit", posted(form, version=str(row.version)))
        assert answer.status_code == 422
        assert errors_of(answer.text, "judged_on") == "不能早于 2021-01-01。"
        assert 'value="2020-12-31"' in answer.text
        assert row_of(app, model, home).state == State.MISSING


def test_a_picture_of_50_mb(app: Flask, as_account: AsAccount) -> None:
    """It is refused before it is read; what is typed beside it is kept."""
    clerk = as_account(builders.TOWN_CLERK)
    page = clerk.get("/craftsman/new").text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    with app.app_context():
        village = str(builders.seat(Level.VILLAGE).id)
    form = {
        "key": key[1], "version": "0", "region": village, "name": "王建军", "lead": "no",
        "id_number": builders.id_number(802), "phone": "13909180000", "qualified": "yes",
        "certificates-0-name": "砌筑工证", "certificates-0-issued_on": "2023-05-01",
        "intent": "save",
    }  # fmt: skip
    assert clerk.post("/craftsman/new", form).status_code == 302
    url = f"/craftsman/{uuid.UUID(key[1])}"
    typed = {"version": 1, "values": {"notes": "擅长木结构"}}
    assert clerk.post_json(f"{url}/draft", typed).status_code == 200
    answer = clerk.client.post(
        f"{url}/files/certificate_photos",
        data={"file": (io.BytesIO(b"\xff\xd8\xff\xe0" + bytes(50 * 1024 * 1024)), "证书.jpg")},
        headers={"X-CSRFToken": clerk.token(), "Accept": "application/json"},
    )
    assert answer.status_code == 413
    assert answer.json["message"] == "上传的内容过大，请缩小后再上传。"
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(Attachment)).all() == []
    assert "擅长木结构" in clerk.get(f"{url}/edit").text
