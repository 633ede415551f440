"""用户管理 in the browser: a manager makes an account, its first user signs in with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from app.access.account import Account
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from tests import builders
from tests.browser.conftest import Desk, arrived
from tests.running.servers import Server

SitDown = Callable[..., Desk]


def test_a_new_clerk_from_the_form_to_the_first_login(
    desk: SitDown, server: Server, browser: Any, assert_accessible: Any
) -> None:
    manager = desk(builders.COUNTY_MANAGER)
    page = manager.open("/accounts/")
    page.get_by_role("link", name="新增用户").click()
    page.get_by_role("link", name="村级信息采集员用户").click()
    page.fill("#f-login", "某村01")
    page.get_by_role("button", name="创建用户").click()
    arrived(page, "#error-summary")
    assert "不能用汉字" in page.locator("#f-login-errors").inner_text()
    assert page.input_value("#f-login") == "某村01"
    assert_accessible(page)
    with server.app.app_context():
        village = builders.seat(Level.VILLAGE)
    page.fill("#f-login", "")
    page.fill("#f-name", "村委会")
    page.click("#f-region")
    page.keyboard.type(village.code)
    page.locator(".picker-option:visible", has_text=village.full_name).click()
    page.wait_for_selector(f'#f-login[placeholder="{village.code}01"]')
    assert "最多 3 个" in page.locator("[data-allowances]").inner_text()
    page.locator("label.pick", has_text="只限下面指定的模块").click()
    page.locator("#field-register-lookback label.pick", has_text="可录入").click()
    page.get_by_role("button", name="创建用户").click()
    arrived(page, ".secret-text")
    login, password = page.locator(".secret-text").all_inner_texts()
    assert login == f"{village.code}01"
    assert_accessible(page)
    with server.app.app_context(), unscoped("tests look") as session:
        made = session.scalars(select(Account).where(Account.username == login)).one()
        assert made.registers == {"lookback": "enter"}

    context = browser.new_context(locale="zh-CN")
    clerk = context.new_page()
    clerk.goto(f"{server.url}/login/")
    clerk.fill("#username", login)
    clerk.fill("#password", password)
    clerk.click("form button[type=submit]")
    clerk.wait_for_selector("#current_password")
    clerk.fill("#current_password", password)
    clerk.fill("#new_password", "Cun2024wei")
    clerk.fill("#new_password_again", "Cun2024wei")
    clerk.get_by_role("button", name="保存新密码").click()
    arrived(clerk, ".framed")
    assert clerk.locator("a", has_text="档案录入").count()
    context.close()
