"""任务管理 over HTTP: who has the page, many numbers at once, each wrong one told beside its field, two people at
once, Excel out and in.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.core.clock import today
from app.core.jobs.table import Job
from app.kernel.exchange.imports.notes import notes_of
from app.kernel.exchange.writer import Book, Column
from app.kernel.quotas.rows import Quota
from tests import builders as b
from tests.hands import Hands
from tests.jobs import run

pytestmark = pytest.mark.one_database
YEAR = today().year
URL = f"/quotas/archive/?year={YEAR}&kind=central"


@pytest.fixture
def towns(app: Flask) -> list[Region]:
    with app.app_context():
        return list(regions.children(b.seat(Level.COUNTY)))


@pytest.fixture
def county(as_account: Callable[..., Hands]) -> Hands:
    return as_account(b.COUNTY_MANAGER)


def typed(numbers: Mapping[int, Any], seen: Mapping[int, Any] | None = None) -> dict[str, str]:
    """The inputs of the page's form."""
    found = {f"n-{key}": str(n) for key, n in numbers.items()}
    return found | {f"seen-{key}": str((seen or {}).get(key, "")) for key in numbers}


def stored(app: Flask) -> dict[int, int]:
    with app.app_context(), unscoped("tests look") as session:
        return {q.region_id: q.n for q in session.scalars(select(Quota))}


def values(page: str) -> dict[int, str]:
    """What the inputs hold."""
    return {int(key): text for key, text in re.findall(r'name="n-(\d+)" value="([^"]*)"', page)}


def errors(page: str) -> dict[int, str]:
    found = re.findall(r'id="quota-(\d+)-error">([^<]*)<', page)
    return {int(key): html.unescape(text) for key, text in found}


def test_who_has_the_page(as_account: Callable[..., Hands]) -> None:
    """Managers from the county up, in the menu too; to others there is none."""
    for who in (b.MINISTRY, b.PROVINCE, b.CITY, b.COUNTY_MANAGER):
        hands = as_account(who)
        assert hands.get(URL).status_code == 200
        assert 'href="/quotas/archive/"' in hands.get("/").text
    for who in (b.COUNTY_READER, b.TOWN_MANAGER, b.TOWN_CLERK, b.VILLAGE_CLERK):
        hands = as_account(who)
        assert hands.get(URL).status_code == 403
        assert hands.post(URL, {}).status_code == 403
        assert hands.get("/quotas/archive/excel").status_code == 403
        assert hands.get("/quotas/archive/import/").status_code == 403
        assert "/quotas/" not in hands.get("/").text
    assert hands.get("/quotas/lookback/").status_code == 404, "nothing is given of that register"


def test_only_the_own_area_is_seen(as_account: Callable[..., Hands], app: Flask) -> None:
    """What lies below is looked at, and not set from here; what lies beside does not exist."""
    with app.app_context():
        own, other = b.region(b.COUNTY), b.region(b.NEXT_COUNTY)
        town = b.below(own, Level.TOWN)
    county = as_account(b.COUNTY_MANAGER)
    assert county.get(f"{URL}&region={other.id}").status_code == 404
    assert county.get(f"{URL}&region={other.parent_id}").status_code == 404
    below = as_account(b.CITY).get(f"{URL}&region={own.id}").text
    assert values(below) == {}
    assert f"任务量由“{own.name}”的管理用户下达。" in below
    assert as_account(b.CITY).post(f"{URL}&region={own.id}", {}).status_code == 403
    assert county.get(f"{URL}&region={town.id}").status_code == 404, "towns give nothing on"


def test_many_numbers_at_once(app: Flask, county: Hands, towns: list[Region]) -> None:
    one, other, third = (town.id for town in towns[:3])
    answer = county.post(URL, typed({one: "1,200", other: " 30 ", third: ""}))
    assert answer.status_code == 302, answer.text
    assert stored(app) == {one: 1200, other: 30}
    page = county.get(URL).text
    assert values(page)[one] == "1200"
    assert values(page)[third] == ""
    assert "2 个地区的任务量有变动" in page
    assert 'href="/archive/statistics/ranking?region=' in page
    answer = county.post(URL, typed({one: "", other: 30}, {one: 1200, other: 30}))
    assert answer.status_code == 302
    assert stored(app) == {other: 30}


def test_each_wrong_number_is_told_and_nothing_is_lost(
    app: Flask, county: Hands, towns: list[Region]
) -> None:
    one, other, third = (town.id for town in towns[:3])
    answer = county.post(URL, typed({one: "12a", other: 30, third: "-5"}))
    assert answer.status_code == 422
    assert errors(answer.text).keys() == {one, third}
    assert errors(answer.text)[one] == "任务量应为 0 至 9,999,999 的整数。"
    shown = values(answer.text)
    assert (shown[one], shown[other], shown[third]) == ("12a", "30", "-5")
    assert stored(app) == {}
    foreign = county.post(URL, typed({one: 1, elsewhere(app): 2}))
    assert foreign.status_code == 404
    assert stored(app) == {}


def elsewhere(app: Flask) -> int:
    """A division that is no child of the county."""
    with app.app_context():
        return b.region(b.FAR_COUNTY).id


def test_two_people_at_once(app: Flask, county: Hands, towns: list[Region]) -> None:
    """The second sees what the first has set beside the own number, and may save over it knowing that."""
    one, other = towns[0].id, towns[1].id
    assert county.post(URL, typed({one: 10})).status_code == 302
    answer = county.post(URL, typed({one: 11, other: 5}))
    assert answer.status_code == 409
    assert errors(answer.text) == {one: "刚刚被他人改为 10。"}
    assert (values(answer.text)[one], values(answer.text)[other]) == ("11", "5")
    assert stored(app) == {one: 10}
    seen = re.findall(r'name="seen-(\d+)" value="(\d*)"', answer.text)
    again = county.post(URL, typed({one: 11, other: 5}, {int(k): v for k, v in seen}))
    assert again.status_code == 302
    assert stored(app) == {one: 11, other: 5}


def test_a_ranking_leads_to_why(county: Hands, towns: list[Region]) -> None:
    """Twenty years stand in a select that is open on this one; a place leads to what keeps a division back."""
    one, other = towns[0], towns[1]
    county.post(URL, typed({one.id: 10, other.id: 5}))
    for table, figure, what in (("ranking", "begun", "哪个阶段"), ("quality", "error", "哪条规则")):
        page = county.get(f"/archive/statistics/{table}").text
        assert f'<option value="{YEAR}" selected>' in page
        assert f"快速查询：{YEAR}年，中央补助" in page
        why = f"/archive/statistics/why/{figure}?region={one.id}&amp;year={YEAR}&amp;kind=central"
        assert f'href="{why}"' in page
        shown = county.get(html.unescape(why))
        assert shown.status_code == 200
        assert "为什么是第1名" in shown.text
        assert what in shown.text
        assert f'href="/archive/statistics/{table}?region=' in shown.text
    assert county.get("/archive/statistics/why/accepted").status_code == 404
    own = county.get("/archive/statistics/why/begun")
    assert own.status_code == 200, "its own place, beside counties that have no names there"
    assert "周至县" not in own.text


def test_english(county: Hands) -> None:
    county.post("/language/en")
    page = county.get(URL).text
    assert "Quota management" in page
    assert "任务量" not in page


def test_the_whole_country_is_called_in_the_readers_language(
    as_account: Callable[..., Hands],
) -> None:
    ministry = as_account(b.MINISTRY)
    assert "全国" in ministry.get(URL).text
    ministry.post("/language/en")
    for url in (URL, "/", "/archive/statistics/ranking", "/divisions/"):
        page = ministry.get(url).text
        assert "Whole country" in page
        assert "全国" not in page


# ---- Excel -------------------------------------------------------------------------------------


def bring(app: Flask, hands: Hands, content: bytes, mode: str) -> Job:
    """Send a file to the page of imports and do its job."""
    data = {"file": (io.BytesIO(content), "任务量.xlsx"), "mode": mode}
    answer = hands.post("/quotas/archive/import/", data, content_type="multipart/form-data")
    assert answer.status_code == 302, answer.text
    assert answer.location.startswith("/quotas/archive/import/?job=")
    with app.app_context(), unscoped("tests look") as session:
        job = session.scalars(select(Job).order_by(Job.id.desc())).first()
    assert job is not None
    with app.app_context():
        return run(app, job)


def outcome(job: Job) -> tuple[int, ...]:
    return tuple((job.result or {})[n] for n in ("created", "updated", "unchanged", "rejected"))


def workbook(*rows: tuple[Any, ...]) -> bytes:
    file = io.BytesIO()
    heads = ("年度", "分类", "代码", "地区", "任务量")
    with Book(file) as book:
        book.table("任务量", [Column((head,)) for head in heads], rows)
    return file.getvalue()


def test_out_and_in_again_changes_nothing(app: Flask, county: Hands, towns: list[Region]) -> None:
    one = towns[0].id
    county.post(URL, typed({one: 12}))
    answer = county.get(f"/quotas/archive/excel?year={YEAR}&kind=central")
    assert answer.status_code == 200
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.values)
    assert rows[0][:5] == ("年度", "分类", "代码", "地区", "任务量")
    assert (YEAR, "中央补助", towns[0].code, towns[0].name, 12) in {row[:5] for row in rows}
    job = bring(app, county, answer.data, "import")
    assert outcome(job) == (0, 0, len(towns), 0)
    assert stored(app) == {one: 12}


def test_each_bad_row_is_told_first(app: Flask, county: Hands, towns: list[Region]) -> None:
    one, other, third = towns[:3]
    with app.app_context():
        foreign = b.region(b.FAR_COUNTY).code
    content = workbook(
        (YEAR, "中央补助", one.code, one.name, 40),
        (YEAR, "中央补助", "", other.name, "50户"),
        (YEAR, "中央补助", foreign, "", 5),
        (YEAR, "不详", third.code, third.name, 5),
        (1999, "中央补助", third.code, third.name, 5),
        (YEAR, "中央补助", third.code, other.name, 5),
        (YEAR, "中央补助", one.code, one.name, 41),
        (YEAR, "县级及以下补助", "", third.name, 6),
    )
    checked = bring(app, county, content, "check")
    assert outcome(checked) == (2, 0, 0, 6)
    assert stored(app) == {}, "it was only checked"
    with app.app_context():
        told = {n.row: "".join(m for _c, m in n.notes) for n in notes_of(checked.id)}
    assert told.keys() == {3, 4, 5, 6, 7, 8}
    assert told[3] == "任务量应为 0 至 9,999,999 的整数。"
    assert "下没有这个地区" in told[4]
    assert told[6] == "年度有误，请从页面上重新选择。"
    assert told[7] == "名称与代码不是同一个地区，请核对。"
    assert "第2行重复" in told[8]
    done = bring(app, county, content, "import")
    assert outcome(done) == (2, 0, 0, 6)
    assert stored(app) == {one.id: 40, third.id: 6}
