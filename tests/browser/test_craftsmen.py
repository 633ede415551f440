"""A craftsman in the browser: added with rows of certificates and trainings, then found again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import builders
from tests.browser.conftest import OVERFLOW, Desk, arrived

SitDown = Callable[..., Desk]


def test_a_clerk_adds_a_craftsman(desk: SitDown, assert_accessible: Any, photo_file: Path):
    clerk = desk(builders.VILLAGE_CLERK)
    page = clerk.open("/craftsman/manage")
    page.get_by_role("link", name="新增").click()
    arrived(page, "#record-form")
    works = page.locator("[data-anchor]", has_text="从业经历")
    assert works.locator("[data-anchor-state]").inner_text() == "未填写"  # and not 已完成
    page.fill("#f-name", "王建军")
    page.fill("#f-id_number", builders.id_number(851))
    page.fill("#f-phone", "13909180000")
    clerk.pick("lead", "否")
    clerk.pick("qualified", "是")
    clerk.pick("trades", "瓦工")
    page.locator("#field-certificates [data-child-add]").click()
    paper = page.locator("#field-certificates [data-child]")
    paper.get_by_label("证书名称").fill("砌筑工证")
    paper.get_by_label("发证日期").fill("2023-05-01")
    page.locator("#field-trainings [data-child-add]").click()
    training = page.locator("#field-trainings [data-child]")
    training.get_by_label("培训开始时间").fill("2023-03-01")
    training.locator("label.pick", has_text="建筑识图").click()
    training.get_by_label("是否取得证书").select_option("yes")
    assert_accessible(page)
    if os.environ.get("SHOTS"):
        page.screenshot(path=os.environ["SHOTS"] + "/new.png", full_page=True)
    page.get_by_role("button", name="保存", exact=True).click()
    arrived(page, "text=王建军的工匠信息已保存。")
    assert training.locator("label.pick", has_text="建筑识图").locator("input").is_checked()
    page.set_input_files("#field-certificate_photos input[type=file][multiple]", photo_file)
    page.locator("#field-certificate_photos [data-file]").wait_for()
    page.get_by_role("button", name="录入下一个").click()
    page.get_by_role("heading", name="新增工匠信息").wait_for()
    assert page.input_value("#f-name") == ""

    phone = desk(builders.VILLAGE_CLERK, width=360, height=740)
    page = phone.open("/craftsman/province?name=王建")
    page.get_by_role("link", name="王建军", exact=True).wait_for()
    assert page.evaluate(OVERFLOW) <= 0
    assert_accessible(page)
    if os.environ.get("SHOTS"):
        page.screenshot(path=os.environ["SHOTS"] + "/province.png", full_page=True)
    page.get_by_role("link", name="王建军", exact=True).click()
    page.get_by_text("建筑识图").wait_for()
    if os.environ.get("SHOTS"):
        page.screenshot(path=os.environ["SHOTS"] + "/record.png", full_page=True)
