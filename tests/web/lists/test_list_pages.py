"""What belongs to a list: filters kept under a name, chosen columns, the way to the next record,
searches in the background; an empty list says what to do.
"""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.access.account import Account
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.jobs.table import Job
from app.core.jobs.worker import work
from app.kernel.declare.flow import State
from app.kernel.declare.register import get_register
from app.kernel.lists import asked as ledger_asked
from app.kernel.lists import chosen_columns
from app.kernel.lists import saved as saved_filters
from app.kernel.lists.saved_rows import SavedFilter
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders, specimens
from tests.hands import Hands

#: Filters, order and paging are SQL.
pytestmark = pytest.mark.both_databases

AsAccount = Callable[..., Hands]
QUERY = "/lookback/query"


def heads(page: str) -> list[str]:
    """The heads of the list's columns."""
    return re.findall(
        r'<th scope="col" data-col="\d+" class="col-\w+(?: is-long)?">([^<]+)</th>', page
    )


def names(page: str) -> list[str]:
    return re.findall(r'class="row-link">([^<]+)</a>', page)


def kept(app: Flask) -> list[SavedFilter]:
    with app.app_context(), unscoped("tests look") as session:
        return list(session.scalars(select(SavedFilter).order_by(SavedFilter.name)))


def households(app: Flask, *names: str, place: Any = None, **columns: Any) -> list[Lookback]:
    with app.app_context():
        return [builders.household(place, name=name, **columns)[1] for name in names]


# ---- saved filters --------------------------------------------------------------------------


def test_a_filter_is_kept_opened_renamed_and_deleted(app: Flask, as_account: AsAccount):
    households(app, "甲户", state=State.DRAFT)
    households(app, "乙户")
    reader = as_account(builders.COUNTY_READER)
    answer = reader.post(f"{QUERY}/filters?state=draft&size=50", {"name": " 已录入的 "})
    assert (answer.status_code, answer.location) == (302, f"{QUERY}?state=draft")
    row = kept(app)[0]
    assert (row.name, row.asked, row.path) == ("已录入的", [["state", "draft"]], None)
    part = reader.get(f"{QUERY}/filters", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert f"{QUERY}/filters/{row.id}" in part
    opened = reader.get(f"{QUERY}/filters/{row.id}", follow_redirects=True)
    assert names(opened.text) == ["甲户"]
    reader.post(f"{QUERY}/filters/{row.id}", {"name": "草稿"})
    assert [r.name for r in kept(app)] == ["草稿"]
    assert (
        "草稿"
        in reader.post(
            f"{QUERY}/filters/{row.id}", {"action": "delete"}, follow_redirects=True
        ).text
    )
    assert kept(app) == []


@pytest.mark.parametrize(
    ("query", "form", "field", "message"),
    [
        ("state=draft", {"name": "  "}, "filter-name", "请填写名称"),
        ("state=draft", {"name": "长" * 31}, "filter-name", "最多 30 个字"),
        ("state=draft", {"name": "有了"}, "filter-name", "已有名为“有了”的筛选"),
        ("", {"name": "空"}, None, "请先在列表中选好条件"),
        ("head_name=张", {"name": "张家", "shared": "on"}, "filter-shared", "不能共享"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_its_field(
    as_account: AsAccount, query: str, form: dict[str, str], field: str | None, message: str
):
    manager = as_account(builders.COUNTY_MANAGER)
    manager.post(f"{QUERY}/filters?state=draft", {"name": "有了"})
    answer = manager.post(f"{QUERY}/filters?{query}", form)
    assert answer.status_code == 422
    assert message in answer.text
    if field:
        assert f'id="{field}-errors"' in answer.text
        assert html.escape(form["name"]) in answer.text


def test_a_name_that_is_taken_is_refused_at_renaming_too(app: Flask, as_account: AsAccount):
    reader = as_account(builders.COUNTY_READER)
    for name in ("一", "二"):
        reader.post(f"{QUERY}/filters?state=draft", {"name": name})
    row = kept(app)[0]
    answer = reader.post(f"{QUERY}/filters/{row.id}", {"name": "二"})
    assert answer.status_code == 422
    assert f'id="rename-{row.id}-errors"' in answer.text


def test_only_so_many_are_kept(app: Flask, as_account: AsAccount, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(saved_filters, "MOST", 1)
    reader = as_account(builders.COUNTY_READER)
    reader.post(f"{QUERY}/filters?state=draft", {"name": "一"})
    answer = reader.post(f"{QUERY}/filters?state=draft", {"name": "二"})
    assert answer.status_code == 422
    assert "最多保存 1 个" in answer.text
    assert len(kept(app)) == 1


def test_a_managers_shared_filter_is_seen_below_and_nowhere_else(app: Flask, as_account: AsAccount):
    manager = as_account(builders.COUNTY_MANAGER)
    manager.post(f"{QUERY}/filters?grade=D", {"name": "D级", "shared": "on"})
    row = kept(app)[0]
    url = f"{QUERY}/filters/{row.id}"
    clerk = as_account(builders.TOWN_CLERK)
    assert clerk.get(url).location == f"{QUERY}?grade=D"
    assert clerk.post(url, {"name": "我的"}).status_code == 403
    with app.app_context():
        beside = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    assert as_account(builders.COUNTY_MANAGER, beside).get(url).status_code == 404
    assert as_account(builders.PROVINCE).get(url).status_code == 404
    successor = as_account(builders.COUNTY_MANAGER)
    assert successor.post(url, {"action": "delete"}).status_code == 302
    with app.app_context(), unscoped("tests look") as session:
        acts = list(
            session.scalars(select(AuditEntry.act).where(AuditEntry.register == "lookback"))
        )
    assert acts == [Act.CREATE, Act.DELETE]


def test_only_managers_share(as_account: AsAccount):
    answer = as_account(builders.COUNTY_REVIEWER).post(
        f"{QUERY}/filters?grade=D", {"name": "D级", "shared": "on"}
    )
    assert answer.status_code == 403


def test_opening_never_widens_and_says_what_is_gone(app: Flask, as_account: AsAccount):
    """A choice, a field, a division that went; a division that is not the account's."""
    with app.app_context():
        county = builders.region(builders.COUNTY, Level.COUNTY)
        towns = [builders.below(county, Level.TOWN, nth) for nth in (0, 1)]
    manager = as_account(builders.COUNTY_MANAGER)
    manager.post(
        f"{QUERY}/filters?state=draft&region={towns[1].id}", {"name": "镇", "shared": "on"}
    )
    manager.post(f"{QUERY}/filters?state=draft&region={county.id}", {"name": "县", "shared": "on"})
    manager.post(f"{QUERY}/filters?state=draft&grade=D", {"name": "旧", "shared": "on"})
    by_name = {row.name: row for row in kept(app)}
    clerk = as_account(builders.TOWN_CLERK, towns[0])
    other = clerk.get(f"{QUERY}/filters/{by_name['镇'].id}", follow_redirects=True)
    assert other.status_code == 200
    assert "不在您的管辖范围内，改为您的管辖范围" in other.text
    assert clerk.get(f"{QUERY}/filters/{by_name['县'].id}").location == f"{QUERY}?state=draft"
    assert f"region={towns[1].id}" in manager.get(f"{QUERY}/filters/{by_name['镇'].id}").location
    with app.app_context(), unscoped("tests let choices go") as session:
        gone = [["state", "draft"], ["grade", "Z"], ["colour", "red"], ["region", "9" * 25]]
        session.execute(update(SavedFilter).where(SavedFilter.name == "旧").values(asked=gone))
        session.commit()
    answer = manager.get(f"{QUERY}/filters/{by_name['旧'].id}", follow_redirects=True)
    assert answer.request.query_string.decode() == "state=draft"
    for text in ("的选项“Z”已不存在", "“colour”已不再是筛选条件", "限定的行政区划已不存在"):
        assert text in html.unescape(answer.text)


# ---- columns --------------------------------------------------------------------------------


def test_an_account_chooses_its_columns_and_their_order(app: Flask, as_account: AsAccount):
    row = households(app, "甲户", living="own", corrected_id=builders.id_number())[0]
    builders_files = ("front_photos", "front_photos")
    with app.app_context():
        builders.attach(row, *builders_files)
    reader, other = as_account(builders.COUNTY_READER), as_account(builders.COUNTY_READER)
    default = heads(reader.get(QUERY).text)
    assert default[:3] == ["户主姓名", "身份证号", "行政区划"]
    chosen = ["state", "living", "corrected_id", "front_photos", "region"]
    answer = reader.post(f"{QUERY}/columns?state=missing", {"column": chosen})
    assert answer.location == f"{QUERY}?state=missing"
    page = reader.get(QUERY).text
    assert 'value="submitted"' in page
    assert 'value="checking"' not in page, "no town checks a survey: no record is in that state"
    assert heads(page) == [
        "户主姓名", "填报状态", "现住房情况", "更正身份证号", "房屋正立面全景照片", "行政区划",
    ]  # fmt: skip
    assert row.corrected_id not in page
    assert f"{row.corrected_id[:4]}*****{row.corrected_id[-4:]}" in page
    assert "2个文件" in page
    assert heads(other.get(QUERY).text) == default
    assert heads(as_account(builders.TOWN_CLERK).get("/lookback/entry").text) == default
    reader.post(f"{QUERY}/columns", {"action": "default"})
    assert heads(reader.get(QUERY).text) == default


def test_rows_of_a_field_stay_masked_in_a_list(app: Flask, as_account: AsAccount):
    number = builders.id_number()
    heirs = [{"name": "分户甲", "id_number": number, "phone": "13909180000"}]
    households(app, "甲户", split=True, split_heads=heirs)
    reader = as_account(builders.COUNTY_READER)
    reader.post(f"{QUERY}/columns", {"column": ["split_heads"]})
    page = reader.get(QUERY).text
    assert "分户甲" in page
    assert number not in page
    assert "13909180000" not in page


@pytest.mark.parametrize(
    ("columns", "message"),
    [([], "请至少再选一列"), (["nothing"], "已不存在"), (None, "最多显示 20 列")],
)  # fmt: skip
def test_columns_that_cannot_be_shown(
    as_account: AsAccount, columns: list[str] | None, message: str
):
    columns = list(LOOKBACK.fields)[:21] if columns is None else columns
    answer = as_account(builders.COUNTY_READER).post(f"{QUERY}/columns", {"column": columns})
    assert answer.status_code == 422
    assert message in answer.text


def test_a_chosen_field_that_is_gone_is_left_out():
    menu = next(m for m in LOOKBACK.menus if m.name == "query")
    chooser = Account(list_columns={"lookback/query": ["gone", "state", "head_name"]})
    assert chosen_columns.kept(chooser, LOOKBACK, menu) == ("head_name", "state")


def test_the_list_of_households_has_its_own(app: Flask, as_account: AsAccount):
    households(app, "甲户", "乙户")
    reader = as_account(builders.COUNTY_READER)
    listed = reader.get("/household/list").text
    for what in ("columns", "filters"):
        assert f'"/household/list/{what}"' in listed
        assert reader.get(f"/household/list/{what}").status_code == 200
    reader.post("/household/list/columns", {"column": ["exit_year"]})
    assert heads(reader.get("/household/list").text) == ["户主姓名", "脱贫年份"]
    reader.post("/household/list/filters?exit_year=2019", {"name": "2019年"})
    assert [row.register for row in kept(app)] == ["household"]
    page = reader.get(html.unescape(re.search(r'href="([^"]+)" class="row-link"', listed)[1])).text
    assert "第 1 / 2 户" in page
    assert "第 2 / 2 户" in step(reader, page, "next").text


# ---- from record to record -------------------------------------------------------------------


def step(hands: Hands, page: str, direction: str) -> Any:
    """Go on from a record's page; gives the answer after the redirect."""
    found = re.search(rf'rel="{direction}" href="([^"]+)"', page)
    assert found, "there is no way on"
    return hands.get(html.unescape(found[1]), follow_redirects=True)


def test_one_walks_through_exactly_the_filtered_list(app: Flask, as_account: AsAccount):
    households(app, "甲户", "乙户", "丙户", state=State.DRAFT)
    households(app, "丁户")
    reader = as_account(builders.COUNTY_READER)
    listed = reader.get(f"{QUERY}?state=draft").text
    order = names(listed)
    first = re.search(r'href="([^"]+)" class="row-link"', listed)
    page = reader.get(html.unescape(first[1])).text
    walked = []
    for position in (1, 2, 3):
        assert f"第 {position} / 3 户" in page
        walked.append(re.search("<h1>([^<]+)</h1>", page)[1])
        if position < 3:
            page = step(reader, page, "next").text
    assert walked == order
    assert 'rel="next"' not in page
    assert "第 2 / 3 户" in step(reader, page, "prev").text


def test_a_record_that_left_the_list_leaves_its_place_to_the_next(
    app: Flask, as_account: AsAccount
):
    rows = households(app, "甲户", "乙户", "丙户")
    clerk = as_account(builders.VILLAGE_CLERK)
    listed = clerk.get("/lookback/entry?state=missing").text
    first = html.unescape(re.search(r'href="([^"]+/edit[^"]+)"', listed)[1])
    page = clerk.get(first).text
    assert "第 1 / 3 户" in page
    with app.app_context(), unscoped("tests enter") as session:
        session.get_one(Lookback, uuid.UUID(first.split("/")[2])).state = State.DRAFT
        session.commit()
    answer = step(clerk, page, "next")
    assert answer.request.path.endswith("/edit")
    assert "第 1 / 2 户" in answer.text
    assert len(rows) == 3


def test_saving_a_form_keeps_the_way(app: Flask, as_account: AsAccount):
    households(app, "甲户", "乙户")
    clerk = as_account(builders.VILLAGE_CLERK)
    listed = clerk.get("/lookback/entry").text
    page = clerk.get(html.unescape(re.search(r'href="([^"]+/edit[^"]+)"', listed)[1])).text
    action = html.unescape(re.search(r'action="([^"]+/edit[^"]*)"', page)[1])
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    form = {"version": version, "died": "yes", "intent": "save"}
    answer = clerk.post(action, form, follow_redirects=True)
    assert "已保存" in answer.text
    assert "第 1 / 2 户" in answer.text
    wrong = clerk.post(action, form | {"died": "", "version": "2"})
    assert wrong.status_code == 422
    assert "第 1 / 2 户" in wrong.text


def test_a_search_by_name_is_walked_in_its_order(app: Flask, as_account: AsAccount):
    households(app, "王丙", "王甲", "王乙", "李一")
    reader = as_account(builders.COUNTY_READER)
    listed = reader.get(f"{QUERY}?head_name=王").text
    page = reader.get(html.unescape(re.search(r'href="([^"]+)" class="row-link"', listed)[1])).text
    walked = [re.search("<h1>([^<]+)</h1>", page)[1]]
    for _ in range(2):
        page = step(reader, page, "next").text
        walked.append(re.search("<h1>([^<]+)</h1>", page)[1])
    assert walked == names(listed) == sorted(walked)


@pytest.mark.parametrize(
    "query",
    ["", "walk_from=x&walk_at=1", "walk_at=0", "walk_from=6f1c2a4e-6d0b-5b1e-9d59-0d7f3f0a9b11&walk_at=3"],
)  # fmt: skip
def test_a_way_that_leads_nowhere_leads_back_to_the_list(as_account: AsAccount, query: str):
    answer = as_account(builders.COUNTY_READER).get(f"{QUERY}/walk?state=draft&{query}")
    assert (answer.status_code, answer.location) == (302, f"{QUERY}?state=draft")


@pytest.mark.parametrize("query", ["walk=x%3F&at=1", "walk=q&at=0&of=3", "walk=<b>&at=1&of=1"])
def test_a_record_without_a_readable_way_has_none(app: Flask, as_account: AsAccount, query: str):
    row = households(app, "甲户")[0]
    page = as_account(builders.COUNTY_READER).get(f"/lookback/{row.id}?{query}")
    assert page.status_code == 200
    assert 'class="walk"' not in page.text


# ---- searches in the background ----------------------------------------------------------------


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every area is too large for a filter without an index."""
    monkeypatch.setattr(ledger_asked, "SMALL_AREA", 0)


@pytest.mark.usefixtures("narrow")
def test_a_search_that_is_too_wide_goes_on_in_the_background(app: Flask, as_account: AsAccount):
    households(app, "甲户", "乙户", state=State.DRAFT, died=True)
    households(app, "丙户", died=False)
    manager = as_account(builders.COUNTY_MANAGER)
    page = manager.get(f"{QUERY}?died=yes").text
    assert "筛选的范围过大" in page
    url = re.search(rf'action="({QUERY}/search[^"]*)"', page)[1]
    answer = manager.post(html.unescape(url))
    found = answer.location
    assert manager.post(html.unescape(url)).location == found  # not begun twice
    waiting = manager.get(found).text
    assert "后台查询" in waiting
    assert names(waiting) == []
    with app.app_context():
        work(app, once=True)
    listed = manager.get(found).text
    assert sorted(names(listed)) == ["乙户", "甲户"]
    assert "共 2 户" in listed
    assert names(manager.get(f"{found}&head_name=甲").text) == ["甲户"]
    page = manager.get(html.unescape(re.search(r'href="([^"]+)" class="row-link"', listed)[1])).text
    assert "第 2 / 2 户" in step(manager, page, "next").text
    assert "查看结果（2 户）" in manager.get("/exchange/jobs/").text
    export = manager.get(f"/exchange/export/lookback?{found.partition('?')[2]}").text
    assert "后台查询的结果" in export


@pytest.mark.usefixtures("narrow")
def test_a_result_is_its_accounts_alone_until_it_expires(app: Flask, as_account: AsAccount):
    households(app, "甲户", died=True)
    manager = as_account(builders.COUNTY_MANAGER)
    found = manager.post(f"{QUERY}/search?died=yes").location
    with app.app_context():
        work(app, once=True)
    assert names(manager.get(found).text) == ["甲户"]
    assert as_account(builders.COUNTY_MANAGER).get(found).status_code == 404
    for wrong in ("x", str(uuid.uuid4())):
        assert manager.get(f"{QUERY}?found={wrong}").status_code == 404
    with app.app_context(), unscoped("tests let it expire") as session:
        session.execute(update(Job).values(expires=None))
        session.commit()
    assert "后台查询" in manager.get(found).text
    assert names(manager.get(found).text) == []


def test_a_search_that_is_narrow_is_answered_at_once(app: Flask, as_account: AsAccount):
    households(app, "甲户", died=True)
    answer = as_account(builders.COUNTY_MANAGER).post(f"{QUERY}/search?died=yes")
    assert answer.location == f"{QUERY}?died=yes"


# ---- empty ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (f"{QUERY}?head_id=610122197001010013", "核对身份证号"),
        (f"{QUERY}?head_name=无", "从姓名的第一个字开始"),
        (f"{QUERY}?state=draft", "清除全部条件"),
        ("/lookback/entry", "如果村、镇没有显示脱贫户"),
    ],
)  # fmt: skip
def test_an_empty_list_says_why_and_what_to_do(as_account: AsAccount, url: str, text: str):
    assert text in as_account(builders.TOWN_CLERK).get(url).text


# ---- addresses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        f"{QUERY}?stat=draft",
        f"{QUERY}?craftsman_id=1",
        f"{QUERY}/columns?stat=draft",
        f"{QUERY}/filters?stat=draft",
        "/lookback/statistics/progress?regoin=1",
        "/exchange/export/lookback?stat=draft",
    ],
)
def test_what_an_address_says_and_nobody_knows_is_an_error(as_account: AsAccount, address: str):
    """Else a list that its reader believes to be filtered would show everything."""
    manager = as_account(builders.COUNTY_MANAGER)
    answer = manager.get(address)
    assert answer.status_code == 400
    assert "没有参数" in answer.text
    assert html.escape(address.partition("?")[2].partition("=")[0]) in answer.text


def test_what_pages_add_to_an_address_is_known(app: Flask, as_account: AsAccount):
    """Every link of a list to itself and its neighbours leads somewhere."""
    households(app, *(f"户{number}" for number in range(25)), state=State.DRAFT)
    manager = as_account(builders.COUNTY_MANAGER)
    page = manager.get(f"{QUERY}?state=draft&size=20").text
    links = {html.unescape(link) for link in re.findall(r'href="(/[^"#]+\?[^"]+)"', page)}
    assert len(links) > 20
    answers = {link: manager.get(link).status_code for link in sorted(links)}
    assert {link: code for link, code in answers.items() if code not in (200, 302)} == {}


# ---- a list that opens with a state ---------------------------------------------------------


@pytest.fixture
def applications(app: Flask) -> None:
    """One that waits to be entered, one that is approved."""
    with app.app_context():
        register = get_register("application")
        village = builders.seat(Level.VILLAGE)
        for name, state in (("甲户", State.MISSING), ("乙户", State.APPROVED)):
            specimens.record(register, village, name=name, state=state)


LEDGER = "/application/ledger"


@pytest.mark.usefixtures("applications")
@pytest.mark.parametrize(
    ("asked", "shown", "chosen", "exported"),
    [
        ("", ["乙户"], ["approved"], "state=approved"),
        ("?state=", ["乙户"], ["approved"], "state=approved"),
        ("?state=all", ["甲户", "乙户"], [], "state=all"),
        ("?state=missing", ["甲户"], ["missing"], "state=missing"),
        ("?figure=missing", ["甲户"], [], "figure=missing"),
        ("?figure=total&state=approved", ["乙户"], ["approved"], "figure=total&amp;state=approved"),
    ],
)  # fmt: skip
def test_a_list_that_opens_with_a_state_can_show_all(
    as_account: AsAccount, asked: str, shown: list[str], chosen: list[str], exported: str
):
    """Also a number's rows of every state; the file holds what the page shows."""
    page = as_account(builders.COUNTY_MANAGER).get(f"{LEDGER}{asked}").text
    assert sorted(names(page)) == sorted(shown)
    select_ = page[page.index('name="state"') : page.index("</select>", page.index('name="state"'))]
    assert '<option value="all">' in select_
    assert re.findall(r'value="(\w*)" selected', select_) == chosen
    assert f'href="/exchange/export/application?{exported}"' in page


@pytest.mark.usefixtures("applications")
def test_a_file_of_every_state_says_how_many(as_account: AsAccount):
    manager = as_account(builders.COUNTY_MANAGER)
    for asked, n in (("?state=all", "2"), ("", "2"), ("?state=approved", "1")):
        page = manager.get(f"/exchange/export/application{asked}").text
        assert re.search(r"记录数（户）</dt>.*?(\d+)", page, re.DOTALL)[1] == n
        assert ("填报状态" in page) == (n == "1")
