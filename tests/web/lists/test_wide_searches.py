"""Searches for which the area is too large: they go on in the background."""

from __future__ import annotations

import html
import re
import uuid

import pytest
from flask import Flask
from sqlalchemy import update

from app.access.scope import unscoped
from app.core.jobs.table import Job
from app.core.jobs.worker import work
from app.kernel.declare.flow import State
from app.kernel.lists import asked as ledger_asked
from tests import builders
from tests.web.lists.listed import QUERY, AsAccount, households, names, step

#: Filters, order and paging are SQL.
pytestmark = pytest.mark.both_databases


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every area is too large for a filter without an index."""
    monkeypatch.setattr(ledger_asked, "SMALL_AREA", 0)


@pytest.mark.usefixtures("narrow")
def test_a_search_that_is_too_wide_goes_on_in_the_background(app: Flask, as_account: AsAccount):
    households(app, "甲户", "乙户", state=State.DRAFT, died=True)
    households(app, "丙户", died=False)
    manager = as_account(builders.COUNTY_MANAGER)
    page = manager.get(f"{QUERY}?died=yes").text
    assert "筛选的范围过大" in page
    url = re.search(rf'action="({QUERY}/search[^"]*)"', page)[1]
    answer = manager.post(html.unescape(url))
    found = answer.location
    assert manager.post(html.unescape(url)).location == found  # not begun twice
    waiting = manager.get(found).text
    assert "后台查询" in waiting
    assert names(waiting) == []
    with app.app_context():
        work(app, once=True)
    listed = manager.get(found).text
    assert sorted(names(listed)) == ["乙户", "甲户"]
    assert "共 2 户" in listed
    assert names(manager.get(f"{found}&head_name=甲").text) == ["甲户"]
    page = manager.get(html.unescape(re.search(r'href="([^"]+)" class="row-link"', listed)[1])).text
    assert "第 2 / 2 户" in step(manager, page, "next").text
    assert "查看结果（2 户）" in manager.get("/exchange/jobs/").text
    export = manager.get(f"/exchange/export/lookback?{found.partition('?')[2]}").text
    assert "后台查询的结果" in export


@pytest.mark.usefixtures("narrow")
def test_a_result_is_its_accounts_alone_until_it_expires(app: Flask, as_account: AsAccount):
    households(app, "甲户", died=True)
    manager = as_account(builders.COUNTY_MANAGER)
    found = manager.post(f"{QUERY}/search?died=yes").location
    with app.app_context():
        work(app, once=True)
    assert names(manager.get(found).text) == ["甲户"]
    assert as_account(builders.COUNTY_MANAGER).get(found).status_code == 404
    for wrong in ("x", str(uuid.uuid4())):
        assert manager.get(f"{QUERY}?found={wrong}").status_code == 404
    with app.app_context(), unscoped("tests let it expire") as session:
        session.execute(update(Job).values(expires=None))
        session.commit()
    assert "后台查询" in manager.get(found).text
    assert names(manager.get(found).text) == []


def test_a_search_that_is_narrow_is_answered_at_once(app: Flask, as_account: AsAccount):
    households(app, "甲户", died=True)
    answer = as_account(builders.COUNTY_MANAGER).post(f"{QUERY}/search?died=yes")
    assert answer.location == f"{QUERY}?died=yes"
