"""Lists in the browser: columns and saved filters, slow and failed pages, cards and the way through a
list on a phone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from app.kernel.declare.flow import State
from tests import builders
from tests.browser.conftest import OVERFLOW, SMALL, Desk, arrived
from tests.running.servers import Server

SitDown = Callable[..., Desk]


def test_a_list_is_arranged_and_its_filter_kept(desk: SitDown, server: Server):
    with server.app.app_context():
        builders.household(name="张建国", state=State.DRAFT)
    page = desk(builders.COUNTY_MANAGER).open("/lookback/query?state=draft")
    page.click("text=显示列")
    arrived(page, "[data-columns-form]")
    page.locator("[data-column=former_head]").check()
    page.locator("[data-column=phone]").uncheck()
    page.get_by_role("button", name="左移 原户主").focus()
    for _column in range(5):
        page.keyboard.press("Enter")  # the button keeps the focus on its way
    page.get_by_role("button", name="保存").click()
    arrived(page, "text=列表的列已保存")
    heads = page.locator(".ledger-table thead th").all_inner_texts()
    assert heads[:3] == ["户主姓名", "原户主", "身份证号"]
    assert "当前联系电话" not in heads
    page.locator("summary", has_text="常用筛选").click()
    page.click("text=保存当前条件、管理")
    page.fill("#filter-name", "在填的")
    page.get_by_role("button", name="保存").click()
    page.wait_for_selector("text=筛选“在填的”已保存")
    page.goto(f"{server.url}/lookback/query")
    page.locator("summary", has_text="常用筛选").click()
    page.click("a.drop-item >> text=在填的")
    page.wait_for_url("**state=draft")


def test_a_list_that_is_slow_or_fails_keeps_what_was_typed(desk: SitDown, server: Server):
    with server.app.app_context():
        builders.household(name="王小明")
    page = desk(builders.COUNTY_MANAGER).open("/lookback/query")
    page.evaluate("console.error = () => {}")  # htmx tells the console what we tell the user
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/lookback/query?*", hold)
    page.fill("#filter-head_name", "王小")
    page.get_by_role("button", name="查询").click()
    page.wait_for_selector("#content.is-slow")
    held.pop().abort()
    page.wait_for_selector(".part-failed >> text=网络中断")
    assert page.input_value("#filter-head_name") == "王小"
    page.unroute("**/lookback/query?*")
    page.get_by_role("button", name="重试").click()
    page.wait_for_url("**/lookback/query?head_name=*")
    expect(page.locator(".row-link")).to_have_text(["王小明"])
    expect(page.locator(".part-failed, .is-slow")).to_have_count(0)
    page.go_back()
    expect(page.locator("#filter-head_name")).to_have_value("")


def test_on_a_phone_rows_are_cards_that_are_walked_through(
    desk: SitDown, server: Server, assert_accessible: Any
):
    with server.app.app_context():
        for name in ("甲户", "乙户"):
            builders.household(name=name, state=State.SUBMITTED, former_head="老户主")
    page = desk(builders.COUNTY_READER, width=360).open("/lookback/query?state=submitted")
    first, second = page.locator(".ledger-table tbody tr").all()[:2]
    one, two = first.bounding_box(), second.bounding_box()
    assert one["y"] + one["height"] <= two["y"], "one card under the other"
    assert one["width"] > 300
    names = page.locator(".row-link").all_inner_texts()
    page.locator(".row-link").first.click()
    arrived(page, ".walk >> text=第 1 /")
    assert page.evaluate(OVERFLOW) <= 0
    assert page.evaluate(SMALL) == []
    assert_accessible(page)
    page.click("text=下一户")
    page.wait_for_selector(".walk >> text=第 2 /")
    assert page.locator("h1").inner_text() == names[1]
    page.go_back()
    page.click(".walk-at")
    page.wait_for_url("**/lookback/query?state=submitted")
