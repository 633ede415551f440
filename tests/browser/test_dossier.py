"""The last stage of a dossier in a browser: totals as one types, the grant's limit, the county's key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.modules.renovation.dossier.model import Dossier, Progress
from tests import builders
from tests.browser.conftest import OVERFLOW, Desk
from tests.modules import samples
from tests.modules.renovation.test_dossiers import AFTER, COMPLETED, STARTED
from tests.running.servers import Server


def test_paid_in_full(desk: Callable[..., Desk], server: Server, assert_accessible: Any):
    with server.app.app_context():
        row = samples.dossier(
            stage=Progress.COMPLETED, state=State.APPROVED, **STARTED, **COMPLETED
        )
        builders.attach(row, *AFTER, register="dossier")
    page = desk(builders.TOWN_CLERK).open(f"/dossier/{row.id}/edit")
    assert page.locator("#section-s1").inner_text().count("已审核通过，不能修改") == 1
    assert page.locator("#section-s1 input").count() == 0
    for name, amount in (
        ("central", "20000"), ("province", "5000"), ("city", "0"), ("county", "1000.10"),
    ):  # fmt: skip
        page.fill(f"#f-{name}_subsidy", amount)
    assert page.locator("#field-granted output").inner_text() == "26,000.10"
    page.locator("#field-payments [data-child-add]").click()
    child = page.locator("#field-payments [data-child]")
    for part, text in (
        ("date", COMPLETED["accepted_on"].isoformat()), ("amount", "26000.11"),
        ("holder", "王甲"), ("account", "6217 0000 1000 1234 567"),
    ):  # fmt: skip
        child.locator(f"[data-child-field={part}] input").fill(text)
    assert page.locator("#f-paid-errors").inner_text() == "已拨付的补助不能超过补助合计。"
    assert page.locator("#field-paid_in_full output").inner_text() == "否"
    child.locator("[data-child-field=amount] input").fill("26000.1")
    assert page.locator("#f-paid-errors").is_hidden()
    assert page.locator("#field-paid_in_full output").inner_text() == "是"
    assert_accessible(page)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate(OVERFLOW) == 0
    page.get_by_role("button", name="保存并上报拨付").click()
    page.wait_for_url("**/dossier/entry")

    reviewer = desk(builders.COUNTY_REVIEWER).open(f"/dossier/{row.id}/review")
    assert "拨付 待审核" in reviewer.locator(".page-name").inner_text()
    reviewer.keyboard.press("a")
    reviewer.wait_for_selector("[data-undo]")
    with server.app.app_context(), unscoped("tests look at rows") as session:
        done = session.get_one(Dossier, row.id)
        assert (done.stage, done.state, done.paid_in_full) == (Progress.PAID, State.APPROVED, True)
        assert done.payments[0]["account"] == "6217000010001234567"
