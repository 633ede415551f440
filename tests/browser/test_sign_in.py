"""Signing in as people see it: the captcha, and the layer over a form that loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.access.account import Account
from app.access.scope import unscoped
from app.admin.accounts.pages import captcha
from app.kernel.rows.record import Draft
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.browser.conftest import (
    OVERFLOW,
    SMALL,
    Desk,
    arrived,
    end_sessions,
    sign_in,
    sign_in_again,
)
from tests.running.servers import Server

LAYER = "#signin-dialog[open]"


@pytest.fixture
def pictured(serve: Callable[..., Server]) -> Server:
    """The program as it is delivered: with captchas."""
    return serve(CAPTCHA_ENABLED="1")


def answer_captcha(server: Server, box: Any) -> None:
    token = box.locator("[name=captcha_token]").input_value()
    with server.app.app_context():
        box.locator("[name=captcha]").fill(captcha.answer(token).lower())


def drafts(server: Server) -> list[Draft]:
    with server.app.app_context(), unscoped("tests look") as session:
        return list(session.scalars(select(Draft)))


@pytest.mark.parametrize("width", [1366, 360])
def test_the_captcha_on_the_login_page(
    page: Any, pictured: Server, assert_accessible: Any, width: int
) -> None:
    with pictured.app.app_context():
        login = builders.account(builders.TOWN_CLERK).username
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(f"{pictured.url}/login/")
    assert_accessible(page)
    assert page.evaluate(OVERFLOW) <= 0
    assert page.evaluate(SMALL) == []
    image = page.locator("[data-captcha-image]")
    first = image.get_attribute("src")
    page.fill("#username", login)
    page.fill("#password", builders.PASSWORD)
    page.get_by_role("link", name="看不清，换一张").click()
    page.locator(f"[data-captcha-image]:not([src='{first}'])").wait_for()
    assert page.locator("#password").input_value() == builders.PASSWORD, "nothing typed is lost"
    small = image.bounding_box()["height"]
    page.get_by_role("button", name="放大").click()
    assert image.bounding_box()["height"] > 1.5 * small
    assert page.evaluate(OVERFLOW) <= 0
    page.fill("#captcha", "00")
    page.get_by_role("button", name="登录", exact=True).click()
    assert "验证码不正确" in page.locator("#captcha-errors").inner_text()
    assert page.locator("#username").input_value() == login
    assert_accessible(page)
    page.fill("#password", builders.PASSWORD)
    answer_captcha(pictured, page.locator("[data-captcha-box]"))
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_selector(".framed")


def test_a_session_that_ends_while_one_types_loses_nothing(
    page: Any, pictured: Server, assert_accessible: Any
) -> None:
    with pictured.app.app_context():
        survey = builders.household(name="赵玉兰")[1]
        login = builders.account(builders.VILLAGE_CLERK).username
    page.goto(f"{pictured.url}/login/?next=/lookback/{survey.id}/edit")
    page.fill("#username", login)
    page.fill("#password", builders.PASSWORD)
    answer_captcha(pictured, page.locator("[data-captcha-box]"))
    page.get_by_role("button", name="登录", exact=True).click()
    arrived(page, "#record-form")
    page.locator("#field-died label.pick", has_text="否").click()
    end_sessions(pictured)
    page.fill("#f-surveyor", "李明")
    layer = page.locator(LAYER)
    layer.wait_for()  # the autosave finds the session ended
    assert layer.locator("[name=username]").input_value() == login
    layer.locator("[data-captcha-token]:not([value=''])").wait_for(state="attached")
    assert_accessible(page)
    layer.locator("[name=password]").fill("falsch1")
    answer_captcha(pictured, layer)
    layer.get_by_role("button", name="登录并继续").click()
    error = layer.locator("[data-signin-error]")
    error.wait_for()
    assert "账号或密码不正确" in error.inner_text()
    layer.locator("[name=password]").fill(builders.PASSWORD)
    answer_captcha(pictured, layer)
    layer.get_by_role("button", name="登录并继续").click()
    layer.wait_for(state="detached")
    page.locator("[data-draft-state]", has_text="自动保存").wait_for()
    page.fill("#f-surveyed_on", "2024-09-12")
    page.get_by_role("button", name="保存", exact=True).click()
    page.locator(".notice-good").wait_for()
    with pictured.app.app_context(), unscoped("tests look") as session:
        row = session.get_one(Lookback, survey.id)
        assert (row.died, row.surveyor, str(row.surveyed_on)) == (False, "李明", "2024-09-12")


def test_a_save_that_waited_for_the_password_leaves_no_draft(
    desk: Callable[..., Desk], server: Server
) -> None:
    with server.app.app_context():
        survey = builders.household(name="赵玉兰")[1]
    page = desk(builders.VILLAGE_CLERK).open(f"/lookback/{survey.id}/edit")
    page.locator("#field-died label.pick", has_text="否").click()
    end_sessions(server)
    page.fill("#f-surveyor", "李明")
    page.keyboard.press("Control+s")
    page.locator(LAYER).wait_for()
    page.wait_for_timeout(3_500)  # the draft of what left the focus is due, too
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    sign_in_again(page)
    page.locator(".notice-good").wait_for()
    ends = [url.rpartition("/")[2] for url in sent]
    assert ends.count("draft") == 1, "once before the form, and not again beside it"
    assert drafts(server) == []


def test_what_one_typed_is_not_sent_as_another(
    desk: Callable[..., Desk], server: Server, assert_accessible: Any
) -> None:
    with server.app.app_context():
        survey = builders.household(name="赵玉兰")[1]
        other = builders.account(builders.VILLAGE_CLERK)
    clerk = desk(builders.VILLAGE_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    second = Desk(page.context.new_page(), server, other.username)
    second.open("/help/").locator("summary.me").click()
    second.page.get_by_role("button", name="退出登录").click()
    second.page.wait_for_selector("#username")
    sign_in(second)
    page.bring_to_front()
    page.locator("#field-died label.pick", has_text="否").click()
    page.fill("#f-surveyor", "李明")
    layer = page.locator(LAYER)
    layer.wait_for()
    layer.get_by_text(f"现在登录的是 {other.username}").wait_for()
    assert_accessible(page)
    assert drafts(server) == []
    layer.get_by_role("button", name="稍后登录").click()
    layer.wait_for(state="detached")
    assert page.locator("#f-surveyor").input_value() == "李明"
    page.get_by_role("button", name="保存", exact=True).click()
    layer.wait_for()
    assert drafts(server) == []
    layer.locator("[name=password]").fill(builders.PASSWORD)
    layer.get_by_role("button", name="登录并继续").click()
    layer.wait_for(state="detached")
    arrived(page, ".notice-good")
    with server.app.app_context(), unscoped("tests look") as session:
        owner = session.scalars(select(Account).where(Account.username == clerk.login)).one()
        assert session.get_one(Lookback, survey.id).surveyor == "李明"
    assert {draft.account_id for draft in drafts(server)} <= {owner.uuid}


def test_a_plain_form_asks_for_the_password_too(
    desk: Callable[..., Desk], server: Server, assert_accessible: Any
) -> None:
    clerk = desk(builders.VILLAGE_CLERK)
    page = clerk.open("/account/")
    assert_accessible(page)
    assert page.evaluate(OVERFLOW) <= 0
    page.fill("#phone", "13900139000")
    end_sessions(server)
    page.locator("#content").get_by_role("button", name="保存", exact=True).click()
    sign_in_again(page)
    page.locator(".notice-good").wait_for()
    assert page.locator("#phone").input_value() == "13900139000"


def test_a_reset_password_is_changed_beside_the_form(
    desk: Callable[..., Desk], server: Server
) -> None:
    with server.app.app_context():
        survey = builders.household(name="赵玉兰")[1]
    clerk = desk(builders.VILLAGE_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    with server.app.app_context(), unscoped("tests reset a password") as session:
        owner = session.scalars(select(Account).where(Account.username == clerk.login)).one()
        owner.must_change_password = True
        session.commit()
    page.locator("#field-died label.pick", has_text="是").click()
    page.locator("[data-draft-state]", has_text="密码已被重置").wait_for()
    second = page.context.new_page()
    second.goto(f"{server.url}/account/password")
    second.fill("#current_password", builders.PASSWORD)
    for field in ("new_password", "new_password_again"):
        second.fill(f"#{field}", "Xinmima2026")
    second.get_by_role("button", name="保存新密码").click()
    second.locator(".framed").wait_for()
    page.bring_to_front()
    page.get_by_role("button", name="保存", exact=True).click()
    page.locator(".notice-good").wait_for()
    with server.app.app_context(), unscoped("tests look") as session:
        assert session.get_one(Lookback, survey.id).died
