"""参数设置: who may set what, where it comes from, what is refused and what is kept of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import settings
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.access.settings import NUMBER, Setting, SettingValue
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    FAR_COUNTY,
    MINISTRY,
    PROVINCE,
    TOWN_MANAGER,
    above,
    declared_here,
    region,
)

DEADLINE = "/settings/lookback.deadline"


@pytest.fixture(autouse=True, scope="module")
def _samples() -> Iterator[None]:
    with declared_here(
        Setting("sample.number", "示例数量", NUMBER, 98, lowest=1, highest=500, area=Level.CITY),
        Setting("sample.ministry", "示例开关", NUMBER, 5, lowest=1, highest=9),
    ):
        yield


def stored(app: Flask) -> dict[str, Any]:
    with app.app_context(), unscoped("tests look") as session:
        return {row.name: row.value for row in session.scalars(select(SettingValue))}


def entries(app: Flask) -> list[AuditEntry]:
    with app.app_context(), unscoped("tests look") as session:
        query = select(AuditEntry).where(AuditEntry.act == Act.SETTING)
        return list(session.scalars(query.order_by(AuditEntry.id)))


def test_the_ministry_sets_and_everybody_below_has_it(
    app: Flask, as_account: Callable[..., Any]
) -> None:
    ministry = as_account(MINISTRY)
    answer = ministry.post(DEADLINE, {"value": "2099-06-30", "seen": ""}, follow_redirects=True)
    assert "“填报截止日期”已保存" in answer.text
    for who in (PROVINCE, CITY, COUNTY_MANAGER):
        page = as_account(who).get("/settings/").text
        assert "2099-06-30" in page
        assert "全国" in page  # where it comes from
    assert (
        "截止 2099-06-30，还剩"
        in as_account(COUNTY_READER).get("/lookback/statistics/progress").text
    )
    (entry,) = entries(app)
    assert entry.detail == {
        "setting": "lookback.deadline",
        "changes": {"lookback.deadline": [None, "2099-06-30"]},
    }
    assert "2099-06-30" in ministry.get(DEADLINE).text


def test_an_area_is_stricter_but_never_laxer(app: Flask, as_account: Callable[..., Any]) -> None:
    as_account(MINISTRY).post(DEADLINE, {"value": "2099-06-30", "seen": ""})
    county = as_account(COUNTY_MANAGER)
    late = county.post(DEADLINE, {"value": "2099-07-01", "seen": ""})
    assert late.status_code == 422
    assert "不能晚于上级规定的 2099-06-30" in late.text
    assert 'value="2099-07-01"' in late.text  # what was typed stays
    assert county.post(DEADLINE, {"value": "2099-05-31", "seen": ""}).status_code == 302
    # the ministry shortens: the county's own day no longer counts
    as_account(MINISTRY).post(DEADLINE, {"value": "2099-01-31", "seen": "2099-06-30"})
    with app.app_context():
        path = region(COUNTY).path
        from app.core.db import db

        db.session.rollback()
    with app.test_request_context():
        assert str(settings.value("lookback.deadline", path)) == "2099-01-31"


def test_back_to_what_holds_above(app: Flask, as_account: Callable[..., Any]) -> None:
    county = as_account(COUNTY_MANAGER)
    county.post(DEADLINE, {"value": "2099-05-31", "seen": ""})
    assert stored(app) == {"lookback.deadline": "2099-05-31"}
    county.post(DEADLINE, {"action": "clear", "seen": "2099-05-31"})
    assert stored(app) == {}
    assert [(e.detail or {})["changes"]["lookback.deadline"] for e in entries(app)] == [
        [None, "2099-05-31"],
        ["2099-05-31", None],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "请填写，或恢复为上级的设置"),
        ("很多", "请填写整数"),
        ("0", "不能小于 1"),
        ("501", "不能大于 500"),
        ("1.5", "请填写整数"),
        ("9" * 40, "数字过大"),
        ("-1", "不能小于 1"),
    ],
)
def test_wrong_values_stand_beside_their_field(
    app: Flask, as_account: Callable[..., Any], text: str, message: str
) -> None:
    answer = as_account(MINISTRY).post("/settings/sample.number", {"value": text, "seen": ""})
    assert answer.status_code == 422
    assert re.search(rf'id="value-errors">[^<]*{message}', answer.text)
    assert stored(app) == {}
    assert entries(app) == []


def test_a_date_that_is_none(as_account: Callable[..., Any]) -> None:
    for text in ("2024-02-30", "明天", "3000-01-01"):
        assert as_account(MINISTRY).post(DEADLINE, {"value": text, "seen": ""}).status_code == 422


def test_two_at_once(app: Flask, as_account: Callable[..., Any]) -> None:
    first, second = as_account(MINISTRY), as_account(MINISTRY)
    first.post("/settings/sample.number", {"value": "90", "seen": ""})
    answer = second.post("/settings/sample.number", {"value": "80", "seen": ""})
    assert answer.status_code == 409
    assert "刚被他人修改，现为“90”" in answer.text
    assert 'value="80"' in answer.text
    assert stored(app) == {"sample.number": 90}
    assert second.post("/settings/sample.number", {"value": "80", "seen": "90"}).status_code == 302


def test_the_same_value_twice_is_one_change(app: Flask, as_account: Callable[..., Any]) -> None:
    ministry = as_account(MINISTRY)
    ministry.post("/settings/sample.number", {"value": "90", "seen": ""})
    ministry.post("/settings/sample.number", {"value": "９０", "seen": "90"})
    assert len(entries(app)) == 1


def test_who_may_not(app: Flask, as_account: Callable[..., Any]) -> None:
    county = as_account(COUNTY_MANAGER)
    for name in ("sample.ministry", "sample.number"):  # of the ministry; of cities and above
        assert county.post(f"/settings/{name}", {"value": "3", "seen": ""}).status_code == 403
        assert '<form method="post" action="/settings' not in county.get(f"/settings/{name}").text
    for who in (COUNTY_READER, TOWN_MANAGER):
        assert as_account(who).get("/settings/").status_code == 403
        assert as_account(who).post(DEADLINE, {"value": "2099-01-01"}).status_code == 403
    assert stored(app) == {}


def test_other_areas_do_not_exist(app: Flask, as_account: Callable[..., Any]) -> None:
    with app.app_context():
        foreign, upper = region(FAR_COUNTY).id, above(region(COUNTY), Level.PROVINCE).id
    county = as_account(COUNTY_MANAGER)
    for place in (foreign, upper, 999_999_999):
        assert county.get(f"/settings/?region={place}").status_code == 404
        url = f"{DEADLINE}?region={place}"
        assert county.post(url, {"value": "2099-01-01", "seen": ""}).status_code == 404
    for odd in ("abc", "-1", "9" * 30, "%00"):
        assert county.get(f"/settings/?region={odd}").status_code == 400
    assert county.get("/settings/nothing.here").status_code == 404
    assert stored(app) == {}


def test_a_manager_sets_for_a_division_below(app: Flask, as_account: Callable[..., Any]) -> None:
    with app.app_context():
        county = region(COUNTY)
    province = as_account(PROVINCE)
    url = f"{DEADLINE}?region={county.id}"
    assert province.post(url, {"value": "2099-04-01", "seen": ""}).status_code == 302
    (entry,) = entries(app)
    assert entry.path == county.path
    assert "2099-04-01" in as_account(COUNTY_MANAGER).get("/settings/").text
