"""An archive's form in the browser: findings beside their fields while one types and as photos come; lists,
tables and corrections in English on a phone.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.access.divisions.regions import Level
from app.access.scope import acting_as
from app.core.clock import uuid7
from app.core.db import db
from app.core.transactions import transaction
from app.kernel.declare.flow import State
from app.kernel.records import creations
from app.modules.archives.choices import ArchiveWay, OldDecade
from app.modules.archives.register import ARCHIVE
from tests import builders, pictures
from tests.browser.conftest import OVERFLOW, Desk
from tests.running.servers import Server

SitDown = Callable[..., Desk]
#: The tests of a run share a server, and of a number and year there is one archive.
NUMBERS = itertools.count(400)
TOLD = "#field-{} .told"
#: Buttons and lists whose words run out of them, or which leave the page's own margins.
SPILLED = """() => [...document.querySelectorAll('main :is(.btn, select, .correct-values)')].filter((e) => e.offsetParent && (
  e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth - 8)).map((e) => e.textContent)"""


def an_archive(server: Server, **said: Any) -> Any:
    """The key of one whose work was begun and completed."""
    with server.app.app_context():
        who, place = builders.account(builders.COUNTY_MANAGER), builders.seat(Level.VILLAGE)
        values = {
            "head_name": "张建国", "head_id": builders.id_number(next(NUMBERS)), "plan_year": 2015,
            "old_decade": OldDecade.FIFTIES, "way": ArchiveWay.REBUILD,
            "approved_on": dt.date(2015, 4, 1), "started_on": dt.date(2015, 5, 1),
            "completed_on": dt.date(2015, 8, 1),
        } | said  # fmt: skip
        db.session.rollback()
        with acting_as(builders.actor_of(who)), transaction():
            row = creations.new(ARCHIVE, uuid7(), place.id, values)
            key = row.id
        db.session.rollback()
    return key


def in_english(page: Any) -> None:
    page.evaluate("document.querySelector('.drop-lang [lang=en]').click()")
    page.wait_for_selector("html[lang=en]")


def test_each_finding_has_a_line_and_what_the_stage_lacks_is_counted(
    desk: SitDown, server: Server
) -> None:
    page = desk(builders.COUNTY_MANAGER).open("/archive/new")
    for name, text in {
        "plan_year": "2012", "approved_on": "2012-06-01", "started_on": "2015-05-01",
        "completed_on": "2015-04-01",
    }.items():  # fmt: skip
        page.fill(f"#f-{name}", text)
    page.focus("#f-plan_year")
    lines = page.locator(TOLD.format("completed_on"))
    assert [line.split("。")[0] for line in lines.all_inner_texts()] == [
        "不能早于开工日期",
        "竣工日期晚于列入计划年度的下一年",
    ], "one line each, and a wrong order is no work that was quick"
    assert "is-warning" not in lines.nth(0).get_attribute("class")
    assert "is-warning" in lines.nth(1).get_attribute("class")
    page.locator("#field-demonstration label.pick", has_text="是").click()
    anchor = page.locator("[data-anchor]", has_text="建筑节能示范")
    anchor.get_by_text("还缺 2 项").wait_for()  # its contents and what they cost


def test_days_of_photos_are_judged_as_they_arrive(
    desk: SitDown, server: Server, tmp_path: Path
) -> None:
    key = an_archive(server)
    page = desk(builders.COUNTY_MANAGER).open(f"/archive/{key}/edit")
    late = tmp_path / "改造前.jpg"
    exif = pictures.camera(dt.datetime(2015, 6, 1, 10), (34.16, 109.32))
    late.write_bytes(pictures.picture((800, 600), exif=exif))
    page.locator("#field-photos_before [type=file]").last.set_input_files(late)
    page.locator(TOLD.format("photos_before"), has_text="晚于开工日期").wait_for()
    page.locator("#field-photos_during [type=file]").last.set_input_files(late)
    page.locator(TOLD.format("face_shown"), has_text="同一张照片").wait_for()


@pytest.mark.parametrize(
    "url",
    [
        "/archive/entry",
        "/archive/statistics/ranking",
        "/quotas/archive/",
        "/archive/entry/correct?field=way",
        "/archive/query/compose",
    ],
)
def test_on_a_phone_nothing_spills_in_english(desk: SitDown, server: Server, url: str) -> None:
    an_archive(server, way=ArchiveWay.REPAIR)
    page = desk(builders.COUNTY_MANAGER).open(url)
    in_english(page)
    page.set_viewport_size({"width": 360, "height": 780})
    assert page.evaluate(OVERFLOW) <= 0
    assert page.evaluate(SPILLED) == []


def test_a_long_state_breaks_on_a_phone(desk: SitDown, server: Server) -> None:
    with server.app.app_context():
        builders.household(state=State.SUBMITTED)
    page = desk(builders.COUNTY_MANAGER).open("/lookback/query")
    in_english(page)
    page.set_viewport_size({"width": 360, "height": 780})
    tag = page.locator(".ledger-table .tag-submitted").first
    tag.evaluate(
        "(e) => { e.textContent = 'Submitted, waiting for review' }"
    )  # as other registers call it
    box, cell = tag.bounding_box(), tag.locator("xpath=..").bounding_box()
    assert box["width"] <= cell["width"] + 1
    assert page.evaluate(OVERFLOW) <= 0
