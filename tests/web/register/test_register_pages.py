"""Lists, record, review, household, search: what each account sees and can do there."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.rows.record import HistoryEntry
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.hands import Hands
from tests.web.register.reviewing import submitted

AsAccount = Callable[..., Hands]
Stored = Callable[[uuid.UUID], Lookback]


# ---- lists --------------------------------------------------------------------------------


def test_a_list_holds_the_own_area_masked(app: Flask, as_account: AsAccount):
    with app.app_context():
        mine = builders.household(name="本县户")[1]
        far = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
        builders.household(builders.below(far, Level.VILLAGE), name="外县户")
    page = as_account(builders.COUNTY_READER).get("/lookback/query").text
    assert "本县户" in page
    assert "外县户" not in page
    assert mine.head_id not in page
    assert mine.head_id[:4] in page
    assert "共 1 户" in page


@pytest.mark.parametrize(
    ("who", "menu", "status"),
    [
        (builders.TOWN_CLERK, "entry", 200), (builders.TOWN_CLERK, "review", 403),
        (builders.COUNTY_REVIEWER, "entry", 403), (builders.COUNTY_REVIEWER, "review", 200),
        (builders.MINISTRY, "entry", 403), (builders.MINISTRY, "query", 200),
        (builders.COUNTY_READER, "nothing", 404),
    ],
)  # fmt: skip
def test_menus_open_for_those_who_hold_the_capability(
    as_account: AsAccount, who: builders.Who, menu: str, status: int
):
    assert as_account(who).get(f"/lookback/{menu}").status_code == status


def test_the_menu_shows_what_the_account_may_open_and_what_waits(app: Flask, reviewer: Hands):
    submitted(app, 3)
    page = reviewer.get("/lookback/query").text
    assert "档案审核" in page
    assert "档案录入" not in page
    assert '<span class="menu-badge" title="待办">3</span>' in page


@pytest.mark.parametrize(
    "query",
    ["size=7", "size=x", "after=x", "before=1~2~3", "page=0", "page=x", "page=99999999999",
     "state=nothing", "grade=Z", "figure=nothing", "region=abc", "region=99999999999", "died=maybe",
     "measure_year=x"],
)  # fmt: skip
def test_bad_addresses_answer_400_with_a_message(as_account: AsAccount, query: str):
    answer = as_account(builders.COUNTY_READER).get(f"/lookback/query?{query}")
    assert answer.status_code == 400
    assert "error-message" in answer.text


def test_a_foreign_division_as_filter_does_not_exist(app: Flask, as_account: AsAccount):
    with app.app_context():
        far = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    answer = as_account(builders.COUNTY_READER).get(f"/lookback/query?region={far.id}")
    assert answer.status_code == 404
    assert far.name not in answer.text


def test_filters_are_chips_that_can_be_taken_off(app: Flask, as_account: AsAccount):
    with app.app_context():
        builders.household(name="甲户", state=State.APPROVED)
        builders.household(name="乙户")
    page = (
        as_account(builders.COUNTY_READER).get("/lookback/query?state=approved&head_name=甲").text
    )
    assert "甲户" in page
    assert "乙户" not in page
    assert "填报状态：审核通过" in page
    assert 'href="/lookback/query?head_name=%E7%94%B2"' in page


def test_paging_goes_on_and_back(app: Flask, as_account: AsAccount):
    with app.app_context():
        for _ in range(25):
            builders.household()
    reader = as_account(builders.COUNTY_READER)
    seen: list[str] = []
    url: str | None = "/lookback/query?size=20"
    while url:
        page = reader.get(url).text
        seen += re.findall(r'href="(/lookback/[0-9a-f-]{36})[^"]*" class="row-link"', page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        url = found[1].replace("&amp;", "&") if found else None
    assert len(seen) == len(set(seen)) == 25
    assert "第 21–25 户，共 25 户" in page
    back = re.search(r'rel="prev" href="([^"]+)"', page)
    assert back
    first = reader.get(back[1].replace("&amp;", "&")).text
    assert "第 1–20 户，共 25 户" in first


def test_an_empty_list_says_why(as_account: AsAccount):
    assert "请联系上级主管部门" in as_account(builders.TOWN_CLERK).get("/lookback/entry").text
    filtered = as_account(builders.COUNTY_READER).get("/lookback/query?head_name=没有").text
    assert "没有符合条件的农户" in filtered


def test_a_list_costs_the_same_however_long_it_is(app: Flask, as_account: AsAccount):
    reader = as_account(builders.COUNTY_READER)
    app.config["BENCH"] = True
    try:
        counts = []
        for number in (1, 30):
            with app.app_context():
                for _ in range(number):
                    builders.household()
            answer = reader.get("/lookback/query?size=50")
            counts.append(int(answer.headers["X-Anju-Statements"]))
    finally:
        app.config["BENCH"] = False
    assert counts[0] == counts[1]
    assert counts[1] <= 12


# ---- record -------------------------------------------------------------------------------


def test_those_above_see_masked_numbers_and_every_look_is_logged(app: Flask, as_account: AsAccount):
    with app.app_context():
        row = builders.household()[1]
        builders.complete(row, builders.own_house(), builders.FILES_OWN)
    above = as_account(builders.PROVINCE)
    page = above.get(f"/lookback/{row.id}").text
    assert "13909180000" not in page
    assert "139****0000" in page
    answer = above.post(f"/lookback/{row.id}/reveal?field=phone")
    assert "13909180000" in answer.text
    assert above.post(f"/lookback/{row.id}/reveal?field=surveyor").status_code == 404
    with app.app_context(), unscoped("tests read the log") as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.REVEAL)).one()
        assert (entry.record_id, entry.detail) == (row.id, {"field": "phone"})
    assert "13909180000" in as_account(builders.TOWN_CLERK).get(f"/lookback/{row.id}").text


def test_history_tells_who_when_and_what_changed(app: Flask, as_account: AsAccount, stored: Stored):
    (row,) = submitted(app)
    reviewer = as_account(builders.COUNTY_REVIEWER)
    with app.app_context(), unscoped("tests add an earlier submission") as session:
        for address in ("旧址", "新址"):
            session.add(
                HistoryEntry(
                    register="lookback", record_id=row.id, region_id=row.region_id, step="submit",
                    label="上报", source=State.DRAFT, target=State.SUBMITTED, account_id=uuid.uuid4(),
                    account_name="前卫镇", person="李明", phone="13909180000",
                    snapshot={"died": "no", "address": address},
                )
            )  # fmt: skip
        session.commit()
    page = reviewer.get(f"/lookback/{row.id}").text
    assert "改动 1 项" in page
    assert "旧址" in page
    assert "李明（前卫镇）" in page


def test_a_withdrawn_survey_can_be_edited_again_by_its_submitter_only(
    app: Flask, as_account: AsAccount, stored: Stored
):
    with app.app_context():
        row = builders.household()[1]
        builders.complete(row, builders.died())
    clerk, other = as_account(builders.TOWN_CLERK), as_account(builders.TOWN_CLERK)
    form = {"version": stored(row.id).version}
    clerk.post(f"/lookback/{row.id}/step/submit", form)
    assert stored(row.id).state == State.SUBMITTED
    form = {"version": stored(row.id).version}
    assert other.post(f"/lookback/{row.id}/step/withdraw", form).status_code == 403
    assert clerk.post(f"/lookback/{row.id}/step/withdraw", form).status_code == 302
    assert stored(row.id).state == State.DRAFT


def test_sending_back_needs_a_reason_and_says_so(app: Flask, as_account: AsAccount, stored: Stored):
    with app.app_context():
        row = builders.household(state=State.APPROVED)[1]
    above = as_account(builders.PROVINCE)
    form = {"version": stored(row.id).version}
    answer = above.post(f"/lookback/{row.id}/step/send_back", form)
    assert answer.status_code == 422
    assert "请勾选退回原因或填写意见" in answer.text
    assert "退回整改" in answer.text
    done = above.post(f"/lookback/{row.id}/step/send_back", form | {"opinion": "面积不实"})
    assert done.status_code == 302
    assert stored(row.id).state == State.RECTIFY
    assert "退回整改" in above.get("/lookback/query").text
    assert "面积不实" in above.get(f"/lookback/{row.id}").text


def test_clearing_a_survey_leaves_it_unentered(app: Flask, as_account: AsAccount, stored: Stored):
    with app.app_context():
        row = builders.household()[1]
        builders.complete(row, builders.died())
    clerk = as_account(builders.TOWN_CLERK)
    answer = clerk.post(f"/lookback/{row.id}/clear?version={stored(row.id).version}")
    assert answer.status_code == 302
    assert (stored(row.id).state, stored(row.id).died) == (State.MISSING, None)
    assert clerk.post(f"/lookback/{row.id}/clear?version=x").status_code == 400


# ---- household, search, frame -------------------------------------------------------------


def test_the_household_page_gathers_what_is_known(app: Flask, as_account: AsAccount):
    with app.app_context():
        home, row = builders.household(name="张建国")
        builders.complete(row, builders.own_house(), builders.FILES_OWN)
    page = as_account(builders.TOWN_CLERK).get(f"/household/{home.id}").text
    assert "张建国" in page
    assert "自有农村住房" in page
    assert f"/lookback/{row.id}/edit" in page
    with app.app_context():
        county = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    stranger = as_account(builders.COUNTY_MANAGER, county)
    assert stranger.get(f"/household/{home.id}").status_code == 404
    assert stranger.post(f"/household/{home.id}/reveal").status_code == 404


def test_the_household_page_masks_and_tells_each_number_on_a_logged_click(
    app: Flask, as_account: AsAccount
):
    with app.app_context():
        home, row = builders.household(name="张建国")
        with unscoped("tests change the head") as session:
            household = session.get_one(type(home), home.id)
            household.head_name, household.head_id = "张新主", builders.id_number(77)
            household.phone = "13909180000"
            session.commit()
    for who in (builders.TOWN_CLERK, builders.COUNTY_MANAGER, builders.PROVINCE):
        hands = as_account(who)
        page = hands.get(f"/household/{home.id}").text
        assert "原户主 张建国" in page
        for name, whole in (
            ("head_id", builders.id_number(77)),
            ("issued_id", home.issued_id),
            ("phone", "13909180000"),
        ):
            url = f"/household/{home.id}/reveal?field={name}"
            assert whole not in page
            assert url in page
            assert whole in hands.post(url).text
        assert hands.post(f"/household/{home.id}/reveal?field=head_name").status_code == 404
    above = as_account(builders.PROVINCE).get(f"/lookback/{row.id}").text
    assert f"/household/{home.id}/reveal?field=head_id" in above
    with app.app_context(), unscoped("tests read the log") as session:
        looks = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.REVEAL)).all()
        assert {look.detail["field"] for look in looks if look.detail} == {
            "head_id", "issued_id", "phone"
        }  # fmt: skip
        assert len(looks) == 9


def test_rows_of_a_record_are_told_in_words(app: Flask, as_account: AsAccount):
    with app.app_context():
        row = builders.household()[1]
        builders.complete(row, builders.own_house(), builders.FILES_OWN)
        with unscoped("tests add an owner") as session:
            kept = session.get_one(Lookback, row.id)
            kept.owners = [{"name": "李所有", "sex": "male", "phone": "13909180001"}]
            session.commit()
    answer = as_account(builders.PROVINCE).post(f"/lookback/{row.id}/reveal?field=owners")
    assert "李所有" in answer.text
    assert "男" in answer.text
    assert "male" not in answer.text


def test_search_finds_by_name_and_whole_number_in_the_own_area(app: Flask, as_account: AsAccount):
    with app.app_context():
        home, _row = builders.household(name="欧阳建国")
        builders.household(name="欧阳淑珍")
        far = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
        builders.household(builders.below(far, Level.VILLAGE), name="欧阳外县")
    reader = as_account(builders.COUNTY_READER)
    page = reader.get("/search/?q=欧阳").text
    assert "欧阳建国" in page
    assert "欧阳淑珍" in page
    assert "欧阳外县" not in page
    alone = reader.get(f"/search/?q={home.head_id.lower()}")
    assert alone.location == f"/household/{home.id}"
    for nothing in ("", "%25", "_", home.head_id[:10], "' OR 1=1"):
        answer = reader.get(f"/search/?q={nothing}")
        assert answer.status_code == 200
        assert "没有找到农户" in answer.text


def test_language_changes_and_returns_only_to_our_own_pages(app: Flask, as_account: AsAccount):
    reader = as_account(builders.COUNTY_READER)
    home = "http://localhost"
    answer = reader.post("/language/en", headers={"Referer": f"{home}/lookback/query?size=50"})
    assert answer.location == "/lookback/query?size=50"
    assert '<html lang="en"' in reader.get("/help/").text
    for foreign in ("http://evil.example/x", f"{home}//evil.example/x", ""):
        assert reader.post("/language/zh", headers={"Referer": foreign}).location == "/"
    assert reader.post("/language/fr").status_code == 404


def test_signing_in_again_over_a_form(app: Flask):
    with app.app_context():
        account = builders.account(builders.TOWN_CLERK)
    client = app.test_client()
    wants = {"Accept": "application/json"}
    assert client.get("/lookback/entry", headers=wants).status_code == 401
    token = client.get("/login/", headers=wants).json["csrf_token"]
    form = {"username": account.username, "password": "wrong", "csrf_token": token}
    refused = client.post("/login/", data=form, headers=wants)
    assert (refused.status_code, refused.json["error"]) == (
        401,
        "账号或密码不正确，请核对后重新输入。",
    )
    entered = client.post("/login/", data=form | {"password": builders.PASSWORD}, headers=wants)
    assert entered.status_code == 200
    assert client.get("/lookback/entry").status_code == 200
    token = entered.json["csrf_token"]  # good for the next form
    assert client.post("/account/", data={"csrf_token": token, "name": "李明"}).status_code == 302


@pytest.mark.parametrize(
    "url", ["/lookback/", "/lookback/query", "/help/", "/search/?q=x", "/nothing"]
)
def test_pages_obey_the_content_policy(as_account: AsAccount, url: str):
    page = as_account(builders.COUNTY_MANAGER).get(url, follow_redirects=True).text
    assert not re.search(r"<[^>]+\sstyle=", page)
    assert not re.search(r"<[^>]+\son\w+=", page)
    for script in re.findall(r"<script[^>]*>", page):
        assert "src=" in script or "application/json" in script
