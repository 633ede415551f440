"""行政区划管理 through HTTP: from a form to a pending change to 立即生效, with all that may go wrong."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.access import scope
from app.access.divisions.former import RegionChange
from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.admin.divisions import publish as division_publish
from app.core.db import db
from app.core.errors import TryAgain
from app.core.jobs.worker import work
from tests.admin.divisions.test_division_import import book, village
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    MINISTRY,
    NEXT_COUNTY,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    account,
    below,
    household,
    region,
)


@pytest.fixture
def county(app: Flask) -> Region:
    with app.app_context():
        return region(COUNTY, Level.COUNTY)


def nth(app: Flask, level: Level, n: int = 0, county: str = COUNTY) -> Region:
    with app.app_context():
        return below(region(county, Level.COUNTY), level, n)


def stored(app: Flask, model: Any, key: int) -> Any:
    with app.app_context(), unscoped("tests look") as session:
        return session.get(model, key)


def errors(page: Any) -> str:
    return " ".join(re.findall(r'class="field-error"[^>]*>([^<]+)', page.text))


def test_from_a_form_to_the_tree(app: Flask, as_account: Any, county: Region) -> None:
    hands = as_account(COUNTY_MANAGER)
    form = hands.get(f"/divisions/new?parent={county.id}").text
    assert "新增乡镇级行政区划" in form
    values = {"name": "新安镇", "code": "610122901000", "sort": "901"}
    answer = hands.post(f"/divisions/new?parent={county.id}&level=town", values)
    assert answer.headers["Location"] == f"/divisions/?region={county.id}"
    assert "新安镇" in hands.get("/divisions/").text
    assert "新安镇" in hands.get("/divisions/?q=新安").text
    changes = hands.get("/divisions/changes").text
    assert "立即生效" in changes
    assert "乡镇级，代码 610122901000" in changes
    assert hands.get("/regions/search?q=新安镇").json["items"] == [], "not before it is published"
    hands.post(f"/divisions/publish?region={county.id}")
    (found,) = hands.get("/regions/search?q=新安镇").json["items"]
    assert found["full_name"] == "陕西省西安市蓝田县新安镇"
    assert "没有待生效的变更" in hands.get("/divisions/changes").text
    assert "新增" in hands.get(f"/divisions/{found['id']}").text, "its history"


def test_what_was_typed_stays_when_it_is_refused(
    app: Flask, as_account: Any, county: Region
) -> None:
    hands = as_account(COUNTY_MANAGER)
    town = nth(app, Level.TOWN)
    like = town.name.removesuffix("街道") + "镇"
    url = f"/divisions/new?parent={county.id}&level=town"
    page = hands.post(url, {"name": like, "code": "61012", "sort": "x"})
    assert page.status_code == 422
    assert "12位数字" in errors(page)
    assert "整数" in errors(page)
    assert f'value="{like}"' in page.text
    page = hands.post(url, {"name": like, "code": "610122901000"})
    assert "请由上一级管理用户办理" in errors(page)
    assert 'name="force"' not in page.text
    above = as_account(CITY)
    page = above.post(url, {"name": like, "code": "610122901000"})
    assert 'name="force"' in page.text
    page = above.post(url, {"name": like, "code": "610122901000", "force": "yes"})
    assert page.status_code == 302


def test_a_merge_is_told_and_done(app: Flask, as_account: Any, county: Region) -> None:
    hands = as_account(COUNTY_MANAGER)
    one, other = nth(app, Level.VILLAGE, 0), nth(app, Level.VILLAGE, 1)
    with app.app_context():
        household(one)
    assert "农户 1" in hands.get(f"/divisions/{one.id}/merge").text
    refused = hands.post(f"/divisions/{one.id}/merge", {"into_id": "", "version": "0"})
    assert "请从列表中选择" in errors(refused)
    refused = hands.post(f"/divisions/{one.id}/merge", {"into_id": str(one.id), "version": "0"})
    assert "不能并入它自己" in errors(refused)
    assert hands.post(
        f"/divisions/{one.id}/merge", {"into_id": str(other.id), "version": "0"}
    ).status_code == 302  # fmt: skip
    assert f"并入{other.full_name}" in hands.get("/divisions/changes").text
    hands.post("/divisions/publish")
    assert one.code in hands.get(f"/divisions/{other.id}").text, "its old code in the history"
    assert other.name in hands.get(f"/divisions/?q={one.name}").text


def test_addresses_of_a_merged_division_lead_to_the_one_that_is_there(
    app: Flask, as_account: Any
) -> None:
    hands = as_account(COUNTY_MANAGER)
    one, other = nth(app, Level.TOWN, 0), nth(app, Level.TOWN, 1)
    hands.post(f"/divisions/{one.id}/merge", {"into_id": str(other.id), "version": "0"})
    hands.post("/divisions/publish")
    for url in (
        "/lookback/query?region={}&size=50", "/lookback/statistics/progress?region={}",
        "/divisions/{}", "/divisions/?region={}", "/divisions/new?parent={}", "/accounts/?region={}",
        "/audit/?region={}", "/settings/?region={}", "/household/list?region={}",
    ):  # fmt: skip
        answer = hands.get(url.format(one.id))
        assert (answer.status_code, answer.location) == (302, url.format(other.id)), url
    assert f"“{one.full_name}”已并入“{other.full_name}”" in hands.get(answer.location).text
    assert hands.get("/divisions/999999999").status_code == 404
    assert hands.post(f"/divisions/{one.id}", {"version": "0"}).status_code == 404
    with app.app_context():
        next_county = region(NEXT_COUNTY, Level.COUNTY)
    away = as_account(COUNTY_MANAGER, next_county)
    assert away.get(f"/lookback/query?region={one.id}").status_code == 404, "not in its area"


def test_a_form_that_comes_back_keeps_what_was_picked(
    app: Flask, as_account: Any, county: Region
) -> None:
    one, other = nth(app, Level.TOWN, 0), nth(app, Level.TOWN, 1)
    with app.app_context():
        twin = below(other, Level.VILLAGE)
        household(below(one, Level.VILLAGE))
        account(TOWN_MANAGER, one)
        account(TOWN_MANAGER, other)
        villages = db.session.scalar(select(func.count()).where(Region.parent_id == one.id))
    hands = as_account(COUNTY_MANAGER)
    code = f"{one.code[:9]}901"
    hands.post(f"/divisions/new?parent={one.id}&level=village", {"name": twin.name, "code": code})
    form = {"into_id": str(other.id), "version": "0"}
    page = hands.post(f"/divisions/{one.id}/merge", form)
    assert page.status_code == 422
    assert f'value="{other.id}"' in page.text
    assert f"两地都有“{twin.name}”，请填写合并后的新名称" in errors(page)
    like = twin.name.removesuffix("委会")
    field = re.search(r'name="(name-\d+)"', page.text)
    assert field is not None
    page = hands.post(f"/divisions/{one.id}/merge", form | {field[1]: like})
    assert f'value="{like}"' in page.text, "what was typed"
    assert "请另取名称" in errors(page)
    page = hands.post(f"/divisions/{one.id}/merge", form | {field[1]: "永宁村"})
    assert page.status_code == 302
    changes = hands.get("/divisions/changes").text
    assert "永宁村" in changes
    assert f"农户 1、下级行政区划 {villages}、账号 1" in changes, "what the merge touches"
    assert "合并后有2个管理用户，最多1个" in changes
    assert "合并后有2个管理用户，最多1个" in hands.get(f"/divisions/{one.id}").text
    page = hands.post(f"/divisions/{other.id}/move", {"parent_id": str(other.id), "version": "0"})
    assert f'value="{other.id}"' in page.text


def test_a_delete_says_how_many_of_what(app: Flask, as_account: Any) -> None:
    hands = as_account(COUNTY_MANAGER)
    full, empty = nth(app, Level.VILLAGE, 0), nth(app, Level.VILLAGE, 1)
    with app.app_context():
        household(full)
    assert "农户 1" in hands.get(f"/divisions/{full.id}/delete").text
    page = hands.post(f"/divisions/{full.id}/delete", {"version": "0"})
    assert page.status_code == 422
    assert "不能删除" in page.text
    assert hands.post(f"/divisions/{empty.id}/delete", {"version": "0"}).status_code == 302
    with app.app_context():
        household(empty)
    late = hands.post("/divisions/publish")
    assert late.status_code == 409
    assert "没有生效" in late.text
    assert "农户 1" in late.text
    hands.post(f"/divisions/{empty.id}/cancel")
    assert stored(app, RegionChange, empty.id) is None


def test_foreign_ids_do_not_exist(app: Flask, as_account: Any, county: Region) -> None:
    hands = as_account(COUNTY_MANAGER)
    far, town = nth(app, Level.VILLAGE, 0, NEXT_COUNTY), nth(app, Level.TOWN)
    with app.app_context():
        area = region(NEXT_COUNTY, Level.COUNTY)
    for url in (f"/divisions/{far.id}", f"/divisions/?region={far.id}", "/divisions/999999999",
                f"/divisions/new?parent={area.id}", f"/divisions/changes?region={area.id}",
                f"/divisions/export?region={area.id}"):  # fmt: skip
        assert hands.get(url).status_code == 404, url
    for url, data in (
        (f"/divisions/{town.id}/move", {"parent_id": area.id}),
        (f"/divisions/publish?region={area.id}", {}),
        (f"/divisions/cancel?region={area.id}", {}),
        (f"/divisions/{county.id}/move", {"parent_id": area.id}),
    ):
        assert hands.post(url, {"version": "0"} | data).status_code == 404, url
    assert hands.get("/divisions/?region=abc").status_code == 400
    assert as_account(VILLAGE_CLERK).get("/divisions/").status_code == 403


def test_many_changes_go_by_a_job(
    app: Flask, as_account: Any, county: Region, monkeypatch: Any
) -> None:
    monkeypatch.setattr(division_publish, "SMALL", 1)
    hands = as_account(COUNTY_MANAGER)
    for n in range(2):
        one = nth(app, Level.VILLAGE, n)
        values = {"name": f"永{'宁兴'[n]}村", "code": one.code, "version": "0"}
        hands.post(f"/divisions/{one.id}", values)
    answer = hands.post("/divisions/publish")
    assert "job=" in answer.headers["Location"]
    assert "行政区划变更生效" in hands.get(answer.headers["Location"]).text
    assert work(app, once=True) == 1
    assert stored(app, Region, nth(app, Level.VILLAGE, 0).id).name == "永宁村"
    assert "已完成" in hands.get(answer.headers["Location"]).text


def test_in_and_out(app: Flask, as_account: Any, county: Region) -> None:
    hands = as_account(COUNTY_MANAGER)
    assert hands.get("/divisions/import/template").mimetype.endswith("sheet")
    assert hands.get("/divisions/export").mimetype.endswith("sheet")
    text = hands.get("/divisions/export?format=csv").data.decode("utf-8-sig")
    assert text.startswith("级别,代码,名称,上级代码")
    assert nth(app, Level.VILLAGE).code in text
    assert hands.get("/divisions/export?format=pdf").status_code == 400
    wrong = hands.post("/divisions/import/", {"mode": "import"})
    assert wrong.status_code == 422
    rows = [village("610122001901", "永宁村"), village("1", "永兴村")]
    file = (io.BytesIO(book(rows).read()), "村.xlsx")
    sent = hands.post(
        "/divisions/import/", {"mode": "dry_run", "file": file}, content_type="multipart/form-data"
    )
    assert work(app, once=True) == 1
    page = hands.get(sent.headers["Location"]).text
    assert "12位数字" in page
    again = re.search(r'action="(/divisions/import/again/[^"]+)"', page)
    assert again is not None
    sent = hands.post(again[1])
    assert work(app, once=True) == 1
    assert "查看待生效变更" in hands.get(sent.headers["Location"]).text
    assert "永宁村" in hands.get("/divisions/changes").text
    ministry = as_account(MINISTRY)
    assert ministry.get("/divisions/export").status_code == 400
    assert ministry.post("/divisions/export/start").status_code == 302
    assert work(app, once=True) == 1
    assert "导出行政区划" in ministry.get("/exchange/jobs/").text


def test_a_form_sent_while_its_village_is_merged(
    app: Flask, as_account: Any, monkeypatch: Any
) -> None:
    """Nothing is written, nothing typed is lost, the message says to save once more."""
    with app.app_context():
        _, survey = household(below(region(COUNTY, Level.COUNTY), Level.VILLAGE))
    hands = as_account(COUNTY_MANAGER)

    def moving(*_places: Any) -> None:
        raise TryAgain("这里的行政区划刚刚调整")

    form = {"version": "1", "died": "no", "surveyor": "王排查甲"}
    with monkeypatch.context() as patch:
        patch.setattr(scope, "hold", moving)
        page = hands.post(f"/lookback/{survey.id}/edit", form)
    assert page.status_code == 409
    assert "这里的行政区划刚刚调整" in page.text
    assert "王排查甲" in page.text
    assert hands.post(f"/lookback/{survey.id}/edit", form).status_code == 302
