"""综合查询 and 批量更正 in the browser: lines that follow what is chosen, on a screen and on a phone."""

from __future__ import annotations

from collections.abc import Callable

from app.access.divisions.regions import Level
from app.access.scope import acting_as
from app.core.clock import uuid7
from app.core.db import db
from app.core.transactions import transaction
from app.kernel.records import creations
from app.modules.archives.choices import ArchiveWay
from app.modules.archives.register import ARCHIVE
from tests import builders
from tests.browser.conftest import OVERFLOW, Desk, arrived
from tests.running.servers import Server

SitDown = Callable[..., Desk]


def _archives(server: Server) -> None:
    with server.app.app_context():
        who, place = builders.account(builders.COUNTY_MANAGER), builders.seat(Level.VILLAGE)
        for n, way in enumerate((ArchiveWay.REPAIR, ArchiveWay.REBUILD), 1):
            values = {"head_name": f"户{n}", "head_id": builders.id_number(n), "plan_year": 2012}
            db.session.rollback()
            with acting_as(builders.actor_of(who)), transaction():
                creations.new(ARCHIVE, uuid7(), place.id, values | {"way": way})
        db.session.rollback()


def test_conditions_are_put_together_and_what_they_find_corrected(
    desk: SitDown, server: Server
) -> None:
    _archives(server)
    page = desk(builders.COUNTY_MANAGER).open("/archive/query/compose")
    page.select_option("#line-0-field", "way")
    page.wait_for_selector("[name=value-0][value=repair]")  # the line asks as its field wants it
    page.check("[name=value-0][value=repair]")
    page.click("text=再加一个条件")
    page.wait_for_selector("#line-1-field")
    page.select_option("#line-1-field", "approved_on")
    page.wait_for_selector("#line-1-how")
    page.select_option("#line-1-how", "empty")
    page.wait_for_selector("text=批准日期未填")
    assert page.is_checked("[name=value-0][value=repair]")
    page.set_viewport_size({"width": 360, "height": 780})
    assert not page.evaluate(OVERFLOW)
    page.get_by_role("button", name="查询", exact=True).last.click()
    arrived(page, "text=共 1 户")
    page.goto(f"{server.url}/archive/query/correct?where=way:any:repair&field=way")
    page.wait_for_selector("text=改造方式：共 1 户")
    assert not page.evaluate(OVERFLOW)
