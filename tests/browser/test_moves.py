"""A move in the browser: the clerk picks the new village anywhere, the counties decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.kernel.households import moves
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.browser.conftest import OVERFLOW, SMALL, Desk
from tests.clicks import click
from tests.running.servers import Server

SitDown = Callable[..., Desk]


def test_a_household_moves_to_the_next_county(
    desk: SitDown, server: Server, assert_accessible: Any
):
    with server.app.app_context():
        survey = builders.household(name="张建国")[1]
        next_county = builders.region(builders.NEXT_COUNTY)
        village = builders.below(next_county, Level.VILLAGE)
    clerk = desk(builders.VILLAGE_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    clerk.pick("died", "否")
    clerk.pick("head_changed", "否")
    clerk.pick("split", "否")
    assert page.locator("#field-new_place").is_hidden()
    clerk.pick("moved", "是")
    assert page.locator("#field-living").is_hidden()
    page.fill("#f-new_place", village.name[:3])
    page.get_by_role("option", name=village.full_name).click()
    assert page.input_value("[name=new_place]") == str(village.id)
    assert page.locator("[data-missing]").inner_text() == "必填项已齐"
    assert_accessible(page)
    page.get_by_role("button", name="保存并上报").click()
    page.get_by_text("张建国的迁户申请已提交，等待审批。").wait_for()

    with server.app.app_context():
        giving = builders.actor(builders.COUNTY_MANAGER)
        with acting_as(giving):
            asked = moves.waiting_of(survey.household_id)
            assert asked is not None
            click(moves.agree, asked.id, builders.CONTACT)

    taking = desk(builders.COUNTY_MANAGER, width=360, height=740, place=next_county)
    page = taking.open("/")
    page.get_by_role("link", name="迁户申请，待审批").click()
    page.locator("tbody a", has_text="审批").first.click()
    page.wait_for_url("**/transfers/*-*")
    assert_accessible(page)
    assert page.evaluate(OVERFLOW) == 0
    assert page.evaluate(SMALL) == []
    page.get_by_role("button", name="同意迁户").click()
    page.get_by_text("该户已迁入").wait_for()
    with server.app.app_context(), unscoped("tests look at rows") as session:
        assert session.get_one(Lookback, survey.id).region_id == village.id
