"""Statistics and desk in a browser: drill down to the households, charts, 360 px, axe."""

from __future__ import annotations

import re

import pytest

from app.core.db import db
from tests import builders as b
from tests.kernel.reports import country
from tests.running.browser import enter

PAGES = ("/", "/lookback/statistics/progress", "/lookback/statistics/summary",
         "/lookback/statistics/week")  # fmt: skip


@pytest.fixture(scope="module")
def accounts(server):
    """Accounts by level, over the filled country."""
    with server.app.app_context():
        country.settle()
        whos = (b.MINISTRY, b.CITY, b.COUNTY_MANAGER, b.TOWN_CLERK, b.VILLAGE_CLERK)
        made = {who: b.account(who) for who in whos}
        db.session.remove()
    return made


def number(text):
    return int(text.replace(",", ""))


def test_from_the_city_to_the_households(page, server, accounts):
    enter(page.context, server, accounts[b.CITY])
    page.goto(f"{server.url}/lookback/statistics/summary")
    assert page.locator("canvas").count() == 1
    for step in ("蓝田县", "蓝关街道"):
        page.click(f".stat-table tbody th >> text={step}")
        page.wait_for_load_state()
        assert step in page.locator(".stat-crumbs").inner_text()
    village = page.locator(".stat-table tbody tr").nth(1)
    assert village.locator("th a").count() == 0
    link = village.locator("td a").first
    shown = number(link.inner_text())
    link.click()
    page.wait_for_load_state()
    assert f"共 {shown} 户" in page.locator("body").inner_text()
    assert page.locator(".ledger-table tbody tr").count() == shown
    page.go_back()
    page.click(".stat-crumbs a >> nth=0")
    page.wait_for_load_state()
    assert "蓝田县" in page.locator(".stat-table").inner_text()


def test_a_bar_leads_to_its_division(page, server, accounts):
    enter(page.context, server, accounts[b.CITY])
    page.goto(f"{server.url}/lookback/statistics/progress")
    page.wait_for_selector("canvas")
    page.wait_for_timeout(600)  # the bars have grown
    page.locator("canvas").scroll_into_view_if_needed()
    box = page.locator("canvas").bounding_box()
    order = page.locator(".stat-table tbody th").all_inner_texts()[1:]
    place = (order.index("蓝田县") + 0.5) / len(order)
    left = box["x"] + 50 + (box["width"] - 62) * place  # the axis and its numbers are some 50 px
    page.mouse.click(left, box["y"] + box["height"] - 60)
    page.wait_for_url(re.compile(r"region="))
    assert "蓝田县" in page.locator(".stat-crumbs").inner_text()


def test_excel_comes_as_a_file(page, server, accounts):
    enter(page.context, server, accounts[b.CITY])
    page.goto(f"{server.url}/lookback/statistics/week")
    with page.expect_download() as coming:
        page.click("text=导出 Excel")
    assert re.fullmatch(r".*周进度.*_西安市_\d{8}\.xlsx", coming.value.suggested_filename)


def test_the_desk_opens_what_waits(page, server, accounts):
    enter(page.context, server, accounts[b.TOWN_CLERK])
    page.goto(server.url)
    door = page.locator(".door").first
    n = number(door.locator("b").inner_text())
    assert "退回补正" in door.inner_text()
    door.click()
    page.wait_for_load_state()
    assert page.locator(".ledger-table tbody tr").count() == n


@pytest.mark.parametrize("width", [1366, 360])
@pytest.mark.parametrize("who", [b.MINISTRY, b.COUNTY_MANAGER, b.VILLAGE_CLERK], ids=str)
def test_everybody_can_read_it(page, server, accounts, assert_accessible, who, width):
    page.set_viewport_size({"width": width, "height": 768})
    enter(page.context, server, accounts[who])
    for url in PAGES:
        page.goto(server.url + url)  # until it is loaded: then its charts are drawn
        assert_accessible(page)
        scrolls = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(scrolls), f"{url} is wider than {width} px"
