"""Every page of the frame at 1366 and 360 px, light and dark: accessible, nothing cut off, nothing
too small to touch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from tests import builders
from tests.browser.conftest import OVERFLOW, SMALL, Desk
from tests.running.servers import Server


@pytest.fixture(scope="module")
def rows(server: Server) -> dict[str, str]:
    """Addresses of one household and of its surveys in the states that look different."""
    with server.app.app_context():
        home, draft = builders.household(name="张建国")
        builders.complete(draft, builders.full_house(), (*builders.FILES_UNSAFE, "seismic_paper"))
        waiting = builders.household(name="李秀英", state=State.SUBMITTED)[1]
        builders.household(name="王桂兰", state=State.RETURNED)
        builders.household(name="刘志强", state=State.APPROVED)
        clerk = builders.account(builders.COUNTY_REVIEWER)
        county = builders.region(builders.COUNTY)
        town = builders.below(county, Level.TOWN)
        with unscoped("tests arrange") as session:
            entry = audit.record(
                session, Act.UPDATE, register="lookback", row=draft,
                detail={"changes": {"storeys": [1, 2], "grade": ["A", "C"]}, "reason": "核对"},
            )  # fmt: skip
            session.commit()
    return {
        "{entry}": f"/audit/{entry.id}",
        "{clerk}": f"/accounts/{clerk.uuid}",
        "{officers}": f"/officers/show/{county.id}",
        "{persons}": f"/officers/edit/{county.id}",
        "{town}": f"/divisions/{town.id}",
        "{draft}": f"/lookback/{draft.id}",
        "{waiting}": f"/lookback/{waiting.id}",
        "{home}": f"/household/{home.id}",
    }


PAGES = [
    "/lookback/entry", "/lookback/query?head_name=没有", "/lookback/query/columns", "/lookback/query/filters?grade=C",
    "/lookback/statistics/trend", "/tokens/", "/tokens/new", "/help/api", "/household/list", "/household/list?findings=id_wrong&village_name=村", "/lookback/review?list=1", "{draft}", "{draft}/edit",
    "{waiting}/review", "{home}", "/search/?q=张", "/help/", "/account/", "/account/password", "/nothing",
    "/accounts/", "/accounts/new", "/accounts/bulk/", "/accounts/export", "{clerk}", "{clerk}/role", "/recorders/", "/officers/", "/roles/matrix/",
    "{officers}", "{persons}", "/officers/export", "/notices/", "/audit/", "{entry}", "/audit/export?act=update", "/audit/of{draft}", "/settings/",
    "/settings/lookback.deadline", "/divisions/", "/divisions/new", "/divisions/changes", "/divisions/import/", "{town}",
    "{town}/merge",
]  # fmt: skip


@pytest.mark.parametrize("width", [1366, 360])
def test_pages_are_accessible_and_fit(
    desk: Callable[..., Desk], rows: dict[str, str], assert_accessible: Any, width: int
):
    manager = desk(builders.COUNTY_MANAGER, width=width)
    manager.page.emulate_media(reduced_motion="reduce")  # colours that move are none of either
    for pattern in PAGES:
        url = pattern
        for name, value in rows.items():
            url = url.replace(name, value)
        page = manager.open(url)
        assert_accessible(page)
        assert page.evaluate(OVERFLOW) <= 0, f"{url} is wider than {width} px"
        if width == 360:
            assert page.evaluate(SMALL) == [], url
        page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
        assert_accessible(page, "color-contrast")


@pytest.mark.parametrize("width", [1366, 360])
def test_the_login_page_is_accessible(
    page: Any, server: Server, assert_accessible: Any, width: int
):
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(f"{server.url}/login/")
    assert_accessible(page)
    page.fill("#username", "nobody")
    page.fill("#password", "wrong")
    page.click("form button[type=submit]")
    page.wait_for_selector("#password-errors")
    assert_accessible(page)
    assert page.evaluate(OVERFLOW) <= 0


def test_pages_look_right_in_english(desk: Callable[..., Desk], assert_accessible: Any):
    reader = desk(builders.COUNTY_READER)
    reader.open("/help/")
    reader.page.locator(".drop-lang summary").click()
    reader.page.locator("text=English").click()
    reader.page.wait_for_selector('html[lang="en"]')
    assert reader.page.locator("h1").inner_text() == "Help"
    assert_accessible(reader.page)


def test_the_frame_works_by_keyboard(desk: Callable[..., Desk]):
    page = desk(builders.COUNTY_MANAGER).open("/help/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("Tab")
    page.locator("#side-toggle").focus()
    page.keyboard.press("Enter")
    assert page.locator("#side").is_hidden()
    page.reload()
    assert page.locator("#side").is_hidden()  # remembered


def test_dark_is_remembered(desk: Callable[..., Desk]):
    page = desk(builders.COUNTY_READER).open("/help/")
    page.click("#theme-toggle")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_on_a_phone_the_menu_is_a_drawer(desk: Callable[..., Desk]):
    page = desk(builders.COUNTY_MANAGER, width=360, height=740).open("/help/")
    assert not page.locator("#side").is_visible()
    page.click("#side-toggle")
    page.locator("#side").wait_for(state="visible")
    page.keyboard.press("Escape")
    page.locator("#side").wait_for(state="hidden")


def test_rows_that_are_ticked_are_decided_together(
    desk: Callable[..., Desk], rows: dict[str, str], assert_accessible: Any
):
    page = desk(builders.COUNTY_REVIEWER).open("/lookback/review?list=1")
    page.locator("[data-bulk-all]").check()
    assert "已选" in page.locator("[data-bulk-count]").inner_text()
    page.locator("[data-bulk-tools] button").first.click()
    page.locator("h1", has_text="批量审核").wait_for()
    assert page.locator("input[name=contact_name]").input_value()
    assert_accessible(page)


def test_the_division_picker_searches_and_goes_down(
    desk: Callable[..., Desk], rows: dict[str, str]
):
    page = desk(builders.COUNTY_MANAGER).open("/lookback/query")
    page.click("#filter-region")
    page.wait_for_selector(".picker-option:visible")
    towns = page.locator(".picker-option:visible")
    first = towns.first.locator("span").first.inner_text()
    towns.first.locator(".picker-down").click()
    page.wait_for_selector(f".picker-trail:visible >> text={first}")
    village = page.locator(".picker-option:visible").first
    name = village.locator("span").first.inner_text()
    village.click()
    page.wait_for_url("**region=*")
    expect(page.locator(".chip", has_text=name)).to_have_count(1)
    assert page.input_value("#filter-region").endswith(name)
    page.locator("#filter-region").focus()
    page.keyboard.type("没有这个村")
    page.wait_for_selector(".picker-note:visible")
    page.keyboard.press("Escape")
    assert page.input_value("#filter-region").endswith(name)  # what was chosen stays
    page.locator("#filter-region").click()
    page.locator(".picker-head", has_text="最近选过").wait_for()
    page.keyboard.type("蓝田县秦谷")
    page.keyboard.press("Enter")  # before anything is found
    expect(page.locator("#filter-region")).to_have_value("陕西省西安市蓝田县灞源镇秦谷村委会")
    expect(page.locator(".chip", has_text="秦谷村委会")).to_have_count(1)  # the list is there anew
    page.locator("#filter-region").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("大寨村委会")  # there are two
    page.keyboard.press("Enter")
    page.locator(".picker-note", has_text="选定一项").wait_for()
    assert page.locator(".picker-option:visible").count() == 2


MINISTRY_PAGES = ["/settings/", "/settings/review.self", "/settings/choices/", "/settings/choices/structure/",
                  "/settings/choices/Grade/A", "/settings/choices/structure/new"]  # fmt: skip


@pytest.mark.parametrize("width", [1366, 360])
def test_pages_of_the_ministry_fit_too(
    desk: Callable[..., Desk], assert_accessible: Any, width: int
) -> None:
    ministry = desk(builders.MINISTRY, width=width)
    for url in MINISTRY_PAGES:
        page = ministry.open(url)
        assert_accessible(page)
        assert page.evaluate(OVERFLOW) <= 0, f"{url} is wider than {width} px"


def test_a_new_text_in_the_browser(desk: Callable[..., Desk], rows: dict[str, str]) -> None:
    """The ministry renames a choice; a clerk's next form offers it; the log says who did it."""
    ministry = desk(builders.MINISTRY)
    page = ministry.open("/settings/")
    page.get_by_role("link", name="选项表").click()
    page.get_by_role("link", name="结构类型", exact=True).click()
    page.get_by_role("link", name="02", exact=True).click()
    page.get_by_label("文字", exact=True).fill("土木（夯土）结构")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("“土木（夯土）结构”已保存，立即生效。").wait_for()
    form = desk(builders.COUNTY_MANAGER).open(f"{rows['{draft}']}/edit")
    assert "土木（夯土）结构" in form.content()
    log = ministry.open("/audit/?act=setting")
    log.get_by_text("文字：土木结构 → 土木（夯土）结构").wait_for()
