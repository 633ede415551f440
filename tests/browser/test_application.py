"""The form of an application in a browser: only the ways that fit are offered (spec 04)."""

from __future__ import annotations

from collections.abc import Callable

from tests import builders
from tests.browser.conftest import Desk
from tests.modules.renovation.test_openings import Case
from tests.running.servers import Server


def test_only_what_fits_is_offered(desk: Callable[..., Desk], server: Server):
    with server.app.app_context():
        row = Case().surveyed().row
    page = desk(builders.VILLAGE_CLERK).open(f"/application/{row.id}/edit")
    field, offered = page.locator("#f-way-text"), page.locator("#f-way-list")
    field.click()
    offered.get_by_text("修缮加固").wait_for()
    assert "抗震加固" not in offered.inner_text()
    assert "无房新建" not in offered.inner_text()
    page.keyboard.press("Escape")
    page.locator("#field-kind").get_by_text("抗震改造").click()
    field.click()
    offered.get_by_text("抗震加固").wait_for()
    assert "无房新建" not in offered.inner_text()
