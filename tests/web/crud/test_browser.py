"""Generated pages in the browser, on a desk and on a phone: nobody needs a script of FAB, nothing complains."""

from __future__ import annotations

import os
from typing import Any

from playwright.sync_api import expect

from tests import builders
from tests.browser.conftest import OVERFLOW
from tests.running.browser import enter
from tests.running.servers import Server


def open_as(page: Any, program: Server, url: str) -> None:
    with program.app.app_context():
        manager = builders.account(builders.COUNTY_MANAGER)
    enter(page.context, program, manager)
    page.goto(program.url + url)


def shot(page: Any, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_crew_is_added_found_changed_and_deleted(
    page: Any, program: Server, assert_accessible: Any, village: int
) -> None:
    open_as(page, program, "/crews/list/")
    assert_accessible(page)
    shot(page, "list")
    page.get_by_role("link", name="新增").click()
    page.fill("#f-name", "有叹号!")
    page.fill("#f-size", "九")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator("#f-name-errors")).to_have_text("不能有叹号。")
    expect(page.locator("#f-region_id-errors")).to_have_text("请填写“所在地区”。")
    assert page.input_value("#f-size") == "九"
    assert_accessible(page)
    shot(page, "form-with-errors")
    page.fill("#f-name", "浏览器班组")
    page.fill("#f-size", "9")
    page.locator("#field-skills label.pick", has_text="技能003").click()
    page.evaluate(
        "id => { document.querySelector('#field-region_id input[name=region_id]').value = id }",
        str(village),
    )
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("已新增。")).to_be_visible()
    page.goto(f"{program.url}/crews/list/?_flt_2_name=浏览器")
    page.get_by_role("link", name="浏览器班组").first.click()
    expect(page.get_by_text("技能003")).to_be_visible()
    assert_accessible(page)
    shot(page, "page")
    page.get_by_role("button", name="删除").click()
    dialog = page.locator("#confirm-dialog")
    expect(dialog).to_contain_text("不能恢复")
    dialog.get_by_role("button", name="取消").click()
    page.get_by_role("button", name="删除").click()
    dialog.locator("[data-confirm-yes]").click()
    expect(page.get_by_text("已删除。")).to_be_visible()


def test_ticked_rows_and_a_masked_phone(page: Any, program: Server, assert_accessible: Any) -> None:
    open_as(page, program, "/contractors/list/?_flt_0_code=TEST0000000000020")
    page.locator("tbody input[type=checkbox]").first.check()
    expect(page.locator("[data-bulk-count]")).to_contain_text("1")
    shot(page, "ticked")
    page.get_by_role("button", name="停用").click()
    page.locator("#confirm-dialog [data-confirm-yes]").click()
    expect(page.get_by_text("已停用 1 个单位。")).to_be_visible()
    page.goto(program.url + "/contractors/list/?_flt_0_code=TEST0000000000020")
    page.locator("tbody a[href*='/contractors/show/']").first.click()
    page.get_by_text("138****8000").wait_for()
    page.get_by_role("button", name="显示完整号码").click()
    expect(page.get_by_text("13800138000")).to_be_visible()


def test_generated_pages_on_a_phone(page: Any, program: Server, assert_accessible: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_as(page, program, "/contractors/list/")
    for name, url in (
        ("list", "/contractors/list/"), ("crews", "/crews/list/"), ("form", "/crews/edit/11"),
        ("page", "/crews/show/11"), ("export", "/contractors/export"),
    ):  # fmt: skip
        page.goto(program.url + url)
        assert page.evaluate(OVERFLOW) <= 0, url
        assert_accessible(page)
        shot(page, f"phone-{name}")
    if os.environ.get("SHOTS"):
        page.emulate_media(color_scheme="dark")
        for width in (360, 1366):
            page.set_viewport_size({"width": width, "height": 768})
            for name, url in (
                ("list", "/crews/list/"),
                ("page", "/crews/show/11"),
                ("form", "/crews/edit/12"),
            ):
                page.goto(program.url + url)
                page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
                shot(page, f"dark-{width}-{name}")
