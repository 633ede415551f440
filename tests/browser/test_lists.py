"""Lists in the browser: columns and saved filters, slow and failed pages, cards and the way through a
list on a phone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pypdfium2
from playwright.sync_api import expect

from app.core.clock import today
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


def printed(page: Any) -> list[tuple[bool, str]]:
    """Each sheet that a browser would print: is it landscape, and what stands on it."""
    paper = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
    sheets = [(sheet.get_size(), sheet.get_textpage().get_text_range()) for sheet in paper]
    return [(width > height, text) for (width, height), text in sheets]


def test_lists_and_statistics_are_printed_whole_in_landscape_and_say_of_when(
    desk: SitDown, server: Server
):
    with server.app.app_context():
        for n in range(21):
            builders.household(name=f"打印{n:02}", state=State.DRAFT)
    page = desk(builders.COUNTY_MANAGER).open("/lookback/query?state=draft&head_name=打印")
    sheets = printed(page)
    text = "\n".join(text for _landscape, text in sheets)
    assert all(landscape for landscape, _text in sheets)
    assert [f"打印{n:02}" in text for n in range(21)] == [True] * 20 + [False]
    assert "脱贫户住房安全保障回头看 · 本页只是其中一部分 · 截至 20" in sheets[0][1]
    assert "填报状态：已录入" in text
    assert "第 1–20 户" in text
    for pressed in ("查看", "下一页", "显示列", "查询\n", "更多条件"):
        assert pressed not in text, pressed
    page.goto(f"{server.url}/dossier/statistics/progress")
    (landscape, first), *_rest = printed(page)
    assert landscape
    assert f"危房改造抗震改造 · {today().year}年" in first
    for said in ("档案统计", "统计时间 20", "合计", "蓝关街道"):
        assert said in first, said
    for pressed in ("导出", "改造进度", "全部年度", "设置截止日期"):
        assert pressed not in first, pressed
