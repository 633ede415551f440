"""行政区划管理 in the browser: a village is renamed, another merged into it, published, found again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.access.divisions.regions import Level
from tests import builders
from tests.browser.conftest import Desk
from tests.running.servers import Server


def test_rename_merge_and_publish(
    desk: Callable[..., Desk], server: Server, assert_accessible: Any
) -> None:
    with server.app.app_context():
        county = builders.region(builders.NEXT_COUNTY)
        town = builders.below(county, Level.TOWN)
        one, other = (builders.below(town, Level.VILLAGE, n) for n in range(2))
        builders.household(one, name="赵合并")
    at = desk(builders.COUNTY_MANAGER, place=county)
    page = at.open("/divisions/")
    page.locator("tr", has_text=town.name).locator("a", has_text="下级").click()
    page.locator("a.row-link", has_text=other.name).first.click()
    page.fill("#name", "永宁村")
    page.locator("main button", has_text="保存").click()
    page.locator(".notice", has_text="已列入待生效变更").wait_for()

    at.open(f"/divisions/{one.id}/merge")
    page.fill("#into_id", other.code)
    page.locator(".picker-option:visible", has_text=other.full_name).click()
    page.locator("main button", has_text="合并").click()
    page.locator("a", has_text="查看全部待生效变更").click()
    page.wait_for_url("**/divisions/changes*")
    assert page.locator("tbody tr").count() == 2
    assert_accessible(page)

    page.locator("main button", has_text="立即生效").click()
    page.locator("#confirm-dialog [data-confirm-yes]").click()
    page.locator(".notice", has_text="2 项变更已生效").wait_for()
    at.open(f"/divisions/?q={one.name}")  # by the name that it had
    found = page.locator("tbody tr").filter(has_text="永宁村")
    found.wait_for()
    assert "原名" in found.inner_text()
    at.open("/search/?q=赵合并")
    page.get_by_text("永宁村").first.wait_for()
