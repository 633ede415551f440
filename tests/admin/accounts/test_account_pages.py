"""用户管理, 录入人台账, 负责人与责任人名单 through HTTP: lists, forms, what is shown once, what is hidden."""

from __future__ import annotations

import datetime as dt
import io
import re
import uuid
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from app.access.account import Account
from app.access.actor import Capability, Kind
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.grant import Grant
from app.access.scope import unscoped
from app.core.clock import now, today
from app.core.files.storage import storage
from app.core.jobs.table import Job
from app.core.jobs.worker import work
from tests.admin.conftest import AsAccount, looked_up
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    COUNTY_REVIEWER,
    FAR_COUNTY,
    MINISTRY,
    NEXT_COUNTY,
    PROVINCE,
    TOWN_CLERK,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    account,
    below,
    household,
    refusals,
    region,
    seat,
    sign_in,
)
from tests.contracts.conftest import statements
from tests.hands import Hands


def rows(page: str) -> list[str]:
    """The accounts' names in the list."""
    return re.findall(r'class="row-link">([^<]+)</a>', page)


# ---- lists ---------------------------------------------------------------------------------


@pytest.fixture
def staff(app: Flask) -> dict[str, Account]:
    with app.app_context():
        return {
            "reader": account(COUNTY_READER, first_name="县读者", phone="13909180000",
                              locked_at=now(), lock_reason="一小时内删除120条"),
            "reviewer": account(COUNTY_REVIEWER, first_name="县审核", entry_person="王录入", review_person="李审核"),
            "closed": account(TOWN_CLERK, first_name="停用者", active=False),
            "clerk": account(VILLAGE_CLERK, first_name="村采集%_"),
            "next": account(COUNTY_READER, region(NEXT_COUNTY), first_name="邻县的人"),
        }  # fmt: skip


def test_the_list_shows_the_area_with_masked_phones(as_account: AsAccount, staff: Any) -> None:
    page = as_account(COUNTY_MANAGER).get("/accounts/").text
    assert {"县读者", "县审核", "停用者", "村采集%_"} < set(rows(page))
    assert "邻县的人" not in page
    assert "139****0000" in page
    assert "13909180000" not in page
    assert "信息审核员" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("level=town", ["停用者"]),
        ("state=closed", ["停用者"]),
        ("state=locked", ["县读者"]),
        ("state=active&level=county&kind=ordinary", ["县审核"]),
        ("duty=reviewer", ["县审核"]),
        ("kind=clerk&state=active", ["村采集%_"]),
        (f"q={quote('审核')}", ["县审核"]),
        (f"q={quote('%')}", ["村采集%_"]),
        (f"q={quote('县_核')}", []),
        ("managed=yes&level=county", ["县读者", "县审核"]),
    ],
)
def test_filters(as_account: AsAccount, staff: Any, query: str, expected: list[str]) -> None:
    page = as_account(COUNTY_MANAGER).get(f"/accounts/?{query}")
    assert page.status_code == 200
    assert sorted(rows(page.text)) == sorted(expected)


def test_a_division_as_filter(app: Flask, as_account: AsAccount, staff: Any) -> None:
    hands = as_account(CITY)
    with app.app_context():
        own, far = region(NEXT_COUNTY).id, region(FAR_COUNTY).id
    assert rows(hands.get(f"/accounts/?region={own}").text) == ["邻县的人"]
    assert hands.get(f"/accounts/?region={far}").status_code == 404


@pytest.mark.parametrize(
    "query",
    ["level=x", "kind=x", "duty=x", "state=x", "size=7", "after=x", "before=1~2~", "region=abc"],
)
def test_bad_parameters(as_account: AsAccount, query: str) -> None:
    assert as_account(COUNTY_MANAGER).get(f"/accounts/?{query}").status_code == 400


def test_pages_by_key(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        for n in range(45):
            account(VILLAGE_CLERK, first_name=f"村{n:02}")
    hands = as_account(COUNTY_MANAGER)
    seen, url, positions = [], "/accounts/?kind=clerk", []
    while url:
        page = hands.get(url).text
        seen += rows(page)
        positions.append(re.search(r'paging-at">([^<]+)<', page)[1])
        found = re.search(r'rel="next" href="([^"]+)"', page)
        url = found[1].replace("&amp;", "&") if found else ""
    assert seen == [f"村{n:02}" for n in range(45)]
    assert positions[1:] == ["第 21–40 个，共 45 个", "第 41–45 个，共 45 个"]
    back = re.search(r'rel="prev" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert rows(hands.get(back).text) == seen[20:40]


@pytest.mark.parametrize("url", ["/accounts/", "/recorders/"])
def test_statements_of_a_list_do_not_grow(app: Flask, as_account: AsAccount, url: str) -> None:
    app.config["BENCH"] = True
    try:
        hands = as_account(COUNTY_MANAGER)
        hands.get(url)
        few = statements(hands.get(url))
        with app.app_context():
            for _n in range(30):
                account(VILLAGE_CLERK)
        many = statements(hands.get(f"{url}?size=50"))
    finally:
        app.config["BENCH"] = False
    assert many <= few <= 12


def test_recorders(as_account: AsAccount, staff: Any) -> None:
    page = as_account(COUNTY_MANAGER).get("/recorders/").text
    assert "王录入" in page
    assert "李审核" in page
    assert "审核责任人" in page


# ---- create --------------------------------------------------------------------------------


def test_a_new_user_and_its_first_password(app: Flask, as_account: AsAccount) -> None:
    hands = as_account(COUNTY_MANAGER)
    form = hands.get("/accounts/new").text
    assert "61012200000001" in form
    assert "已有 0 个，最多 98 个" in form
    made = hands.post("/accounts/new?role=county-ordinary",
                      {"name": "审核股", "duties": "reviewer", "department": "civil_affairs", "phone": "１３９０９１８００００"})  # fmt: skip
    assert made.status_code == 200
    password = re.findall(r'secret-text">([^<]+)<', made.text)[1]
    assert made.headers["Cache-Control"] == "no-store"
    (one,) = looked_up(app, Account, Account.username == "61012200000001")
    assert (one.phone, one.department) == ("13909180000", "民政")
    token = re.search(
        r'name="csrf_token"[^>]*value="([^"]+)"', app.test_client().get("/login/").text
    )
    assert token
    client = app.test_client()
    page = client.get("/login/").text
    form = {"username": one.username, "password": password,
            "csrf_token": re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]}  # fmt: skip
    assert client.post("/login/", data=form).status_code == 302
    assert client.get("/lookback/query").location.endswith("/account/password")
    assert password not in hands.get(f"/accounts/{one.uuid}").text


def test_what_was_typed_stays_beside_its_errors(app: Flask, as_account: AsAccount) -> None:
    hands = as_account(COUNTY_MANAGER)
    typed = {"name": "甲村", "login": "甲村01", "phone": "123", "entry_person": "王录入"}
    page = hands.post("/accounts/new?role=village-clerk", typed)
    assert page.status_code == 422
    for text in ("甲村01", "123", "王录入", "不能用汉字", "请选择所属地区", "电话号码不正确"):
        assert text in page.text
    assert looked_up(app, Account, Account.first_name == "甲村") == []


def test_a_full_village_says_so(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        village = seat(Level.VILLAGE)
        for _n in range(3):
            account(VILLAGE_CLERK)
    form = {"name": "甲村", "region": str(village.id)}
    page = as_account(COUNTY_MANAGER).post("/accounts/new?role=village-clerk", form)
    assert page.status_code == 422
    assert "已有 3 个，最多 3 个" in page.text


@pytest.mark.parametrize("role", ["county-manager", "city-ordinary", "nothing"])
def test_roles_that_are_not_ones_to_give(as_account: AsAccount, role: str) -> None:
    hands = as_account(COUNTY_MANAGER)
    assert hands.get(f"/accounts/new?role={role}").status_code == 400
    assert hands.post(f"/accounts/new?role={role}", {"name": "甲"}).status_code == 400


def test_suggestions_tell_nothing_of_others(app: Flask, as_account: AsAccount) -> None:
    hands = as_account(COUNTY_MANAGER)
    with app.app_context():
        own, foreign = seat(Level.VILLAGE), below(region(NEXT_COUNTY), Level.VILLAGE)
    url = "/accounts/suggest?role=village-clerk&region="
    assert hands.get(f"{url}{own.id}").json["login"] == f"{own.code}01"
    assert hands.get(f"{url}{foreign.id}").json == {"login": "", "allowances": []}
    assert hands.get(f"{url}abc").status_code == 400


# ---- one account ---------------------------------------------------------------------------


def test_a_change_and_its_history(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        clerk = account(VILLAGE_CLERK, first_name="旧名")
    hands = as_account(COUNTY_MANAGER)
    url = f"/accounts/{clerk.uuid}"
    seen = re.search(r'name="seen" value="(\w+)"', hands.get(url).text)[1]
    form = {"name": "新名", "seen": seen, "scope": "some", "register-lookback": "read"}
    assert hands.post(url, form).status_code == 302
    page = hands.get(url).text
    assert "新名" in page
    assert "权限变更" in page
    (one,) = looked_up(app, Account, Account.uuid == clerk.uuid)
    assert one.registers == {"lookback": "read"}
    late = hands.post(url, form | {"name": "晚到"})
    assert late.status_code == 422
    assert "刚被修改" in late.text
    assert "晚到" in late.text


def test_reset_by_id_of_someone_outside(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        foreign = account(VILLAGE_CLERK, below(region(NEXT_COUNTY), Level.VILLAGE))
        above = account(CITY)
    hands = as_account(COUNTY_MANAGER)
    for key in (foreign.uuid, above.uuid, uuid.uuid4()):
        for step in ("", "/reset", "/deactivate", "/reactivate", "/delete", "/grant"):
            assert hands.post(f"/accounts/{key}{step}", {"capability": "enter"}).status_code == 404
        assert hands.get(f"/accounts/{key}").status_code == 404
    with app.app_context():
        assert refusals() == 21
    assert looked_up(app, Account, Account.id == foreign.id)[0].password == foreign.password


def test_a_managers_password_is_reset_one_level_up_or_by_the_ministry(
    app: Flask, as_account: AsAccount
) -> None:
    with app.app_context():
        county = account(COUNTY_MANAGER)
    for who, status in ((CITY, 200), (MINISTRY, 200), (PROVINCE, 403), (COUNTY_MANAGER, 403)):
        assert as_account(who).post(f"/accounts/{county.uuid}/reset").status_code == status, who
    button = f'action="/accounts/{county.uuid}/reset"'
    assert button in as_account(MINISTRY).get(f"/accounts/{county.uuid}").text
    assert button not in as_account(PROVINCE).get(f"/accounts/{county.uuid}").text


def test_deactivated_and_back(app: Flask, as_account: AsAccount) -> None:
    clerk = as_account(VILLAGE_CLERK)
    (one,) = looked_up(app, Account, Account.kind == Kind.CLERK)
    manager = as_account(COUNTY_MANAGER)
    url = f"/accounts/{one.uuid}"
    assert clerk.get("/lookback/entry").status_code == 200
    assert manager.post(f"{url}/deactivate").status_code == 302
    assert clerk.client.get("/lookback/entry").status_code == 302  # to the sign-in
    assert "注销" in manager.get(url).text
    assert manager.post(f"{url}/reactivate").status_code == 302
    assert looked_up(app, Account, Account.id == one.id)[0].active
    assert manager.post(f"{url}/delete").status_code == 302
    assert looked_up(app, Account, Account.id == one.id) == []


def test_an_ordinary_user_manages_nobody(as_account: AsAccount) -> None:
    for who in (COUNTY_READER, TOWN_MANAGER, VILLAGE_CLERK):
        hands = as_account(who)
        for url in ("/accounts/", "/accounts/new", "/recorders/", "/officers/", "/accounts/bulk/"):
            assert hands.get(url).status_code == 403, (who, url)


# ---- grants --------------------------------------------------------------------------------


def test_a_city_enters_for_the_counties_that_were_named(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        city = account(CITY, first_name="西安市局")
        own, other = region(COUNTY), region(NEXT_COUNTY)
        _, inside = household(below(own, Level.VILLAGE), name="可录的户")
        _, outside = household(below(other, Level.VILLAGE), name="不可录的户")
    province, worker = as_account(PROVINCE), Hands(app, sign_in(app, city))
    assert worker.get("/lookback/entry").status_code == 403
    form = {"capability": "enter", "counties": str(own.id), "reason": "县里没有录入条件",
            "ends_on": (today() + dt.timedelta(days=30)).isoformat()}  # fmt: skip
    assert province.post(f"/accounts/{city.uuid}/grant", form).status_code == 302
    page = province.get(f"/accounts/{city.uuid}").text
    assert "县里没有录入条件" in page
    assert "有效" in page
    entry = worker.get("/lookback/entry").text
    assert "可录的户" in entry
    assert "不可录的户" not in entry
    assert own.name in entry
    elsewhere = worker.get(f"/lookback/entry?region={other.id}").text
    assert "不可录的户" in elsewhere
    assert f"/lookback/{outside.id}/edit" not in elsewhere
    anywhere = worker.get(f"/lookback/entry?head_id={outside.head_id}").text
    assert "不可录的户" in anywhere
    assert f"/lookback/{outside.id}/edit" not in anywhere
    assert worker.get(f"/lookback/{inside.id}/edit").status_code == 200
    assert worker.get(f"/lookback/{outside.id}/edit").status_code == 404
    assert worker.post(f"/lookback/{outside.id}/edit", {"version": "1"}).status_code == 404
    assert "/lookback/entry" in worker.get("/").text
    with app.app_context(), unscoped("time passes") as session:
        session.scalars(select(Grant)).one().ends_on = today() - dt.timedelta(days=1)
        session.commit()
    assert worker.get("/lookback/entry").status_code == 403
    assert worker.get(f"/lookback/{inside.id}/edit").status_code == 403
    assert "已到期" in province.get(f"/accounts/{city.uuid}").text


def test_a_grant_form_keeps_what_was_typed(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        reader = account(COUNTY_READER)
    hands = as_account(COUNTY_MANAGER)
    form = {
        "capability": Capability.SPOT_CHECK.value,
        "ends_on": "2020-01-01",
        "reason": "年终抽查",
    }
    page = hands.post(f"/accounts/{reader.uuid}/grant", form)
    assert page.status_code == 422
    assert "年终抽查" in page.text
    assert "请填写截止日期" in page.text
    bad = hands.post(f"/accounts/{reader.uuid}/grant", form | {"capability": "fly"})
    assert bad.status_code == 400


# ---- Excel ---------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["accounts", "recorders"])
def test_export_with_a_reason(app: Flask, as_account: AsAccount, staff: Any, what: str) -> None:
    hands = as_account(COUNTY_MANAGER)
    assert "用户数" in hands.get(f"/{what}/export?kind=ordinary").text
    assert hands.post(f"/{what}/export?kind=ordinary", {}).status_code == 422
    assert hands.post(f"/{what}/export?kind=ordinary", {"reason": "账号清理"}).status_code == 302
    work(app, once=True)
    (job,) = looked_up(app, Job, Job.kind == "account.export")
    assert job.state == "done", job.message
    with app.app_context():
        book = openpyxl.load_workbook(io.BytesIO(storage().open(job.files[0]["key"]).read()))
    lines = [[cell or "" for cell in row] for row in book.active.iter_rows(values_only=True)]
    assert sorted(line[0] for line in lines[1:]) == ["县审核", "县读者"]
    assert any("13909180000" in line for line in lines)
    (entry,) = looked_up(app, AuditEntry, AuditEntry.act == Act.EXPORT)
    assert (entry.detail["reason"], entry.detail["rows"]) == ("账号清理", 2)


# ---- FAB's own pages -----------------------------------------------------------------------


def test_fabs_own_pages_that_change_users_are_not_there(app: Flask, as_account: AsAccount) -> None:
    hands = as_account(MINISTRY)
    for url in (
        "/users/add", "/users/edit/1", "/roles/add", "/roles/delete/1",
        "/permissions/list/", "/userstatschartview/chart/", "/resetpassword/form?pk=1",
        "/resetmypassword/form", "/userinfoeditview/form", "/registeruser/list/",
        "/api/v1/security/users/", "/api/v1/security/roles/", "/api/v1/security/login",
        "/api/v1/security/permissions-resources/", "/api/v1/menu/", "/groups/list/",
    ):  # fmt: skip
        assert hands.get(url).status_code == 404, url
        assert hands.post(url, {"pk": "1"}).status_code in {404, 405}, url
    views = {rule.endpoint.partition(".")[0] for rule in app.url_map.iter_rules()}
    found = {v for v in views if re.search("User|Role|Permission|ResetPassword|Group", v)}
    assert found == {"RolesView", "UsersView"}, "ours, which change nobody's account"
