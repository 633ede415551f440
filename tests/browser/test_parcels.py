"""A parcel chosen on the map, an earlier result taken over, a parcel added late from the list."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.modules.homes.choices import ParcelState
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.browser.conftest import OVERFLOW, Desk
from tests.modules import samples
from tests.running.servers import Server

SitDown = Callable[..., Desk]


@pytest.fixture
def tag() -> str:
    """What this test's parcels are called: the server's database is everybody's."""
    return uuid.uuid4().hex[:6].upper()


@pytest.fixture
def survey(server: Server, tag: str) -> Lookback:
    with server.app.app_context():
        number = builders.id_number()
        made = builders.household(name="赵玉兰", number=number)[1]
        samples.parcel(number=f"{tag}1", storeys=2, structure="01", floor_area=96)
        samples.parcel(number=f"{tag}2", at=(40, 0), storeys=1)
        samples.prior_fact(id_number=number, year_built="03")
        _home, other = builders.household(name="李小龙")
        taken = {"parcel_state": ParcelState.CHOSEN, "parcel_number": f"{tag}2"}
        builders.complete(other, builders.own_house() | taken)
    return made


def stored(server: Server, survey: Lookback) -> Lookback:
    with server.app.app_context(), unscoped("tests look at rows") as session:
        return session.get_one(Lookback, survey.id)


def test_the_map_fills_the_form_and_asks_before_it_replaces(
    server: Server,
    desk: SitDown,
    survey: Lookback,
    tag: str,
    assert_accessible: Callable[[Any], None],
) -> None:
    clerk = desk(builders.VILLAGE_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    clerk.pick("died", "否")
    clerk.pick("living", "自有农村住房")
    page.fill("#f-storeys", "3")
    clerk.pick("parcel_state", "选择图斑")
    page.wait_for_selector(".parcel-line >> nth=1")
    page.locator("path.leaflet-interactive").nth(1).click()
    chosen = page.locator(".parcel-line[aria-pressed=true]").get_attribute("data-number")
    assert chosen
    page.locator(f"[data-number='{tag}2']").click()
    assert "已被 李*龙（已录入） 选用" in page.locator("[data-parcel-chosen]").inner_text()
    page.locator(f"[data-number='{tag}1']").press("Enter")
    page.get_by_role("button", name="确定选择").click()
    question = page.locator("[data-confirm-text]")
    question.wait_for()
    assert "建筑层数：已填 3，图斑为 2层" in question.inner_text()
    page.locator("#confirm-dialog button[value=no]").click()
    page.wait_for_selector("#field-structure [data-origin]")
    assert page.input_value("#f-parcel_number") == f"{tag}1"
    assert page.input_value("#f-floor_area") == "96.00"
    assert page.input_value("#f-storeys") == "3"
    assert f"来自图斑 {tag}1" in page.locator("#field-floor_area [data-origin]").inner_text()
    assert page.locator("#field-storeys [data-origin]").count() == 0
    assert page.input_value("select#f-year_built") == "", "no click, nothing filled"
    page.locator("#field-year_built").get_by_role("button", name="采用").click()
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_selector(".notice-good")
    row = stored(server, survey)
    assert (row.parcel_state, row.parcel_number) == (ParcelState.CHOSEN, f"{tag}1")
    assert (row.storeys, row.structure, row.year_built) == (3, "01", "03")


def test_late_entry_by_number_on_a_phone(
    server: Server,
    desk: SitDown,
    survey: Lookback,
    tag: str,
    assert_accessible: Callable[[Any], None],
) -> None:
    with server.app.app_context():
        builders.complete(survey, builders.own_house())
        with unscoped("tests arrange") as session:
            session.get_one(Lookback, survey.id).state = State.APPROVED
            session.commit()
    clerk = desk(builders.VILLAGE_CLERK, width=360, height=740)
    page = clerk.open(f"/lookback/{survey.id}/parcel")
    page.get_by_role("button", name="在地图上选择").click()
    page.wait_for_selector(".parcel-line")
    assert_accessible(page)
    page.fill("#parcel-search", f"{tag}1")
    page.get_by_text("找到 1 个图斑").wait_for()
    page.locator(f"[data-number='{tag}1']").click()
    assert not page.evaluate(OVERFLOW)
    page.get_by_role("button", name="确定选择").click()
    assert page.input_value("#late-number") == f"{tag}1"
    page.get_by_role("button", name="确定补录").click()
    page.wait_for_selector(".notice-good")
    row = stored(server, survey)
    assert (row.parcel_number, row.state) == (f"{tag}1", State.APPROVED)
