"""An import is taken back over HTTP: the way there, a look at what would happen, the reason, what it did."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import now
from app.kernel.exchange.taking_back.images import ImportRun
from tests import builders
from tests.kernel.exchange.lists import book, row
from tests.web.exchange.test_exchange_pages import households, numbers, send, work

AsAccount = Any


def link(page: str) -> str:
    """Where the page leads to take the import back."""
    found = re.search(r'href="(/exchange/imports/[0-9a-f-]+/)"[^>]*>[^<]*撤回', page)
    assert found, "no way to take it back"
    return found[1]


def test_from_the_import_to_what_was_taken_back(app: Flask, as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    shown = send(manager, book([row(1), row(2)]), mode="import")
    work(app)
    page = link(manager.get(shown).text)
    assert link(manager.get("/exchange/jobs/").text) == page
    assert link(manager.get("/exchange/imports/").text) == page
    text = manager.get(page).text
    assert "可撤回的新增记录" in text
    refused = manager.post(page, {"mode": "take_back", "reason": " "})
    assert (refused.status_code, "请填写撤回原因。" in refused.text) == (422, True)
    looked = manager.post(page, {"mode": "look"})
    assert looked.status_code == 302
    work(app)
    assert numbers(manager.get(looked.location).text)["将撤回新增"] == "2"
    assert households(app) == 2
    done = manager.post(page, {"mode": "take_back", "reason": "导错了县"})
    work(app)
    told = manager.get(done.location).text
    assert numbers(told)["撤回新增"] == "2"
    assert "这次导入写入的内容都已撤回。" in told
    assert "导错了县" in told
    assert 'name="mode"' not in told, "it cannot be done twice"
    assert households(app) == 0
    assert "导错了县" in manager.get("/exchange/imports/").text
    assert manager.post(page, {"mode": "take_back", "reason": "再来"}).status_code == 409


def test_where_nothing_was_imported_that_is_said(as_account: AsAccount) -> None:
    page = as_account(builders.COUNTY_MANAGER).get("/exchange/imports/").text
    assert "没有可撤回的导入" in page
    assert "还没有导入导出记录" not in page


def test_others_and_those_who_come_too_late(app: Flask, as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    shown = send(manager, book([row(1)]), mode="import")
    work(app)
    page = link(manager.get(shown).text)
    with app.app_context():
        far = builders.seat(Level.COUNTY, "530129")
    for who in (as_account(builders.COUNTY_MANAGER, far), as_account(builders.COUNTY_READER)):
        assert who.get(page).status_code == 404
        assert who.post(page, {"mode": "take_back", "reason": "好"}).status_code == 404
        assert page not in who.get("/exchange/imports/").text
    with app.app_context(), unscoped("the days go by") as session:
        run = session.scalars(select(ImportRun)).one()
        session.execute(update(ImportRun).values(expires=now() - dt.timedelta(hours=1)))
        session.commit()
        assert str(run.id) in page
    for where in (shown, page, "/exchange/imports/"):
        assert "导入超过 30 天，已不能撤回" in manager.get(where).text
    assert 'name="mode"' not in manager.get(page).text
    assert page not in manager.get(shown).text
