"""负责人与责任人名单: kept by a division's manager, read upward, told to the level above."""

from __future__ import annotations

import io
import re
from typing import Any

import openpyxl
import pytest
from flask import Flask

from app.access.accounts.notices import Notice
from app.access.accounts.officers import Officer, Post
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level, Region
from tests.admin.conftest import AsAccount, looked_up
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    FAR_COUNTY,
    PROVINCE,
    TOWN_CLERK,
    region,
    seat,
)
from tests.hands import Hands

LEADER = {"leader_name": "王处", "leader_employer": "蓝田县住建局", "leader_mobile": "13909180000"}


def keep(hands: Hands, place: Region, **change: str) -> Any:
    """The form of a division's persons, opened and sent."""
    url = f"/officers/edit/{place.id}"
    found = re.search(r'name="seen" value="([^"]*)"', hands.get(url).text)
    assert found
    return hands.post(url, LEADER | {"seen": found[1]} | change)


def test_a_list_is_kept_and_told_to_the_level_above(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        county = region(COUNTY)
    hands, city, far = as_account(COUNTY_MANAGER), as_account(CITY), as_account(PROVINCE)
    assert keep(hands, county).status_code == 302
    (kept,) = looked_up(app, Officer)
    assert (kept.post, kept.name, kept.region_id) == (Post.LEADER, "王处", county.id)
    (entry,) = looked_up(app, AuditEntry, AuditEntry.register == "officer")
    assert entry.detail["changes"]["负责人"][1]["mobile"] == "13909180000"
    assert keep(hands, county).status_code == 302
    (notice,) = looked_up(app, Notice)  # nothing changed the second time
    assert "更新了负责人与责任人名单" in city.get("/notices/").text
    assert "/notices/" in city.get("/").text
    assert "更新了" not in far.get("/notices/").text
    assert far.post(f"/notices/{notice.id}/seen").status_code == 404
    assert city.post(f"/notices/{notice.id}/seen").status_code == 302
    assert "更新了" not in city.get("/notices/").text
    for url in ("/officers/", f"/officers/show/{county.id}"):
        assert "王处" in city.get(url).text
        assert "139****0000" in city.get(url).text
        assert "13909180000" not in city.get(url).text
    assert "王处" in far.get(f"/officers/{county.id}", follow_redirects=True).text


def test_a_number_of_the_list_is_whole_on_a_click(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        county, away = region(COUNTY), region(FAR_COUNTY)
    keep(as_account(COUNTY_MANAGER), county)
    city = as_account(CITY)
    url = f"/officers/reveal/{county.id}?field="
    assert "13909180000" in city.post(f"{url}leader_mobile").text
    (entry,) = looked_up(app, AuditEntry, AuditEntry.act == Act.REVEAL)
    assert (entry.register, entry.detail["field"]) == ("officer", f"负责人手机 {county.full_name}")
    for wrong in (f"{url}leader_name", f"{url}leader_fax", f"{url}x",
                  f"/officers/reveal/{away.id}?field=leader_mobile"):  # fmt: skip
        assert city.post(wrong).status_code == 404, wrong
    assert as_account(TOWN_CLERK).post(f"{url}leader_mobile").status_code == 403


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leader_name": ""}, "请填写姓名"),
        ({"leader_mobile": ""}, "至少填写一个"),
        ({"leader_mobile": "123"}, "电话号码不正确"),
        ({"leader_email": "王处"}, "电子邮箱不正确"),
        ({"leader_fax": "没有"}, "传真号码不正确"),
        ({"operator_employer": "局里", "operator_mobile": "13900000000"}, "责任人：请填写姓名"),
        ({"leader_employer": "长" * 101}, "不能超过 100 个字符"),
    ],
)
def test_what_cannot_stand_on_the_list(
    app: Flask, as_account: AsAccount, change: dict[str, str], message: str
) -> None:
    with app.app_context():
        county = region(COUNTY)
    page = keep(as_account(COUNTY_MANAGER), county, **change)
    assert page.status_code == 422
    assert message in page.text
    assert "蓝田县住建局" in page.text or "长" in page.text
    assert looked_up(app, Officer) == []


def test_nobody_keeps_the_list_of_another(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        county, far, village = region(COUNTY), region(FAR_COUNTY), seat(Level.VILLAGE)
    assert as_account(CITY).post(f"/officers/edit/{county.id}", LEADER).status_code == 403
    hands = as_account(COUNTY_MANAGER)
    for place in (far, village):
        assert hands.get(f"/officers/show/{place.id}").status_code == 404
        assert hands.post(f"/officers/edit/{place.id}", LEADER).status_code == 404
    assert looked_up(app, Officer) == []


def test_the_whole_list_as_excel(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        county = region(COUNTY)
    keep(as_account(COUNTY_MANAGER), county)
    hands = as_account(PROVINCE)
    assert "导出原因" in hands.get("/officers/export").text
    wrong = hands.post("/officers/export")
    assert wrong.status_code == 422
    assert "请填写导出原因" in wrong.text
    answer = hands.post("/officers/export", {"reason": "工作联系"})
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    cells = [str(cell) for row in book.active.iter_rows(values_only=True) for cell in row if cell]
    assert {"王处", "蓝田县住建局", "13909180000", "负责人姓名", "责任人职务职称"} <= set(cells)
    (entry,) = looked_up(app, AuditEntry, AuditEntry.act == Act.EXPORT)
    assert (entry.register, entry.detail["reason"]) == ("officer", "工作联系")
