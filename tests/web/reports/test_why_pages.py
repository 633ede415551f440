"""Why a division has its place, over HTTP: its own place, causes that are tried, Excel, notices."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select

from app.access.accounts.notices import Notice, NoticeKind
from app.access.audit.log import Act, AuditEntry
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.core.clock import uuid7
from app.core.db import read_only
from app.web.frame.clicks import FIELD
from tests import builders as b
from tests.hands import Hands
from tests.kernel.reports.ranked import YEAR, archives, give

pytestmark = pytest.mark.one_database
DIM = f"year={YEAR}&kind=central"


@pytest.fixture
def towns(app: Flask) -> list[Region]:
    """Four that were given ten each; the first has three archives that lack a phone, another each less."""
    with app.app_context(), read_only():
        county = b.seat(Level.COUNTY)
        with acting_as(b.actor(b.COUNTY_MANAGER)):
            found = list(regions.children(county))[:4]
        give(county, dict.fromkeys(found, 10))
        for n, town in zip((3, 2, 1, 0), found, strict=True):
            archives(town, n, broken=("phone.required",))
            archives(town, 2)
        return found


def url(of: str, tail: str = "", region: Region | None = None, more: str = "") -> str:
    place = f"&region={region.id}" if region else ""
    return f"/archive/statistics/why/{of}{tail}?{DIM}{place}{more}"


def told(app: Flask) -> list[Notice]:
    with app.app_context(), unscoped("tests look at everything") as session:
        return list(session.scalars(select(Notice).where(Notice.kind == NoticeKind.URGED)))


def noted(app: Flask, act: Act) -> int:
    with app.app_context(), unscoped("tests look at everything") as session:
        query = select(func.count()).where(AuditEntry.act == act)
        return session.scalar(query) or 0


def test_a_town_sees_its_own_place_and_no_name(app: Flask, towns: list[Region]) -> None:
    own, *others = towns
    client = b.sign_in(app, b.TOWN_MANAGER, own)
    table = client.get(f"/archive/statistics/quality?{DIM}").text
    assert f"{own.name}在同级中的名次" in table
    page = client.get(url("incomplete")).text
    for text in (table, page):
        assert "第4名" in text
        assert "/ 4" in text
        assert "最好0.00%，中位数15.00%" in text
        assert not [town.name for town in others if town.name in text]
    assert "同级其他地区不在您的管辖范围内" in page
    assert "通知" + own.name not in page
    for region in others:
        assert client.get(url("incomplete", region=region)).status_code == 404
    assert client.get(url("incomplete", "/excel")).status_code == 200


def test_ticks_are_tried(app: Flask, towns: list[Region]) -> None:
    client = b.sign_in(app, b.COUNTY_MANAGER)
    plain = client.get(url("incomplete", region=towns[0])).text
    assert "勾选一项或几项，看补齐后的名次。" in plain
    page = client.get(url("incomplete", region=towns[0], more="&without=phone.required")).text
    assert "3 → 0 户" in page
    assert "30.00% → 0.00%" in page
    assert "补齐后第1名" in page
    assert 'value="phone.required" form="why-notify"' in page
    assert client.get(url("incomplete", region=towns[0], more="&with=x")).status_code == 400


def test_the_workbook(app: Flask, towns: list[Region]) -> None:
    client = b.sign_in(app, b.COUNTY_MANAGER)
    answer = client.get(url("incomplete", "/excel", towns[0]))
    book = openpyxl.load_workbook(BytesIO(answer.data))
    assert book.sheetnames == ["名次", "原因", "同级排名"]
    causes = [[cell.value for cell in line][1:] for line in book["原因"].iter_rows(min_row=3)]
    assert causes == [[3, 3, 0, 1]]
    places = [[cell.value for cell in line] for line in book["同级排名"].iter_rows(min_row=3)]
    assert places == [[town.name, n, (n - 1) / 10] for n, town in enumerate(reversed(towns), 1)]
    assert noted(app, Act.EXPORT) == 1


def test_a_notice_is_sent_once(app: Flask, towns: list[Region]) -> None:
    hands = Hands(app, b.sign_in(app, b.COUNTY_MANAGER))
    said = {"without": "phone.required", "message": "请补齐", FIELD: uuid7().hex}
    for _again in range(2):
        answer = hands.post(url("incomplete", "/notify", towns[0]), said)
        assert answer.status_code == 302
    (notice,) = told(app)
    assert notice.url == f"/archive/query?figure=phone-required@{YEAR}/central&region={towns[0].id}"
    assert noted(app, Act.NOTICE) == 1
    clerk = b.sign_in(app, b.TOWN_MANAGER, towns[0])
    assert "请补齐" in clerk.get("/notices/").text
    assert clerk.get(notice.url).status_code == 200


def test_nothing_typed_is_lost(app: Flask, towns: list[Region]) -> None:
    hands = Hands(app, b.sign_in(app, b.COUNTY_MANAGER))
    for said, wrong in (
        ({"message": "月底前"}, "请先勾选要对方补齐的原因。"),
        ({"message": "字" * 201, "without": "phone.required"}, "最多 200 个字，现有 201 个。"),
    ):
        answer = hands.post(url("incomplete", "/notify", towns[0]), said | {FIELD: uuid7().hex})
        assert answer.status_code == 422
        assert wrong in answer.text
        assert said["message"] in answer.text
    assert told(app) == []


def test_who_may_send_one(app: Flask, towns: list[Region]) -> None:
    said: dict[str, Any] = {"without": "phone.required"}
    manager = Hands(app, b.sign_in(app, b.COUNTY_MANAGER))
    assert manager.post(url("incomplete", "/notify"), said).status_code == 404
    for who in (b.COUNTY_REVIEWER, b.COUNTY_READER):
        client = b.sign_in(app, who)
        assert "why-notify" not in client.get(url("incomplete", region=towns[0])).text
        answer = Hands(app, client).post(url("incomplete", "/notify", towns[0]), said)
        assert answer.status_code == 403
    assert told(app) == []
