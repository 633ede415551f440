"""The way from record to record of a list."""

from __future__ import annotations

import html
import re
import uuid

import pytest
from flask import Flask

from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.web.lists.listed import QUERY, AsAccount, households, names, step

#: Filters, order and paging are SQL.
pytestmark = pytest.mark.both_databases


def test_one_walks_through_exactly_the_filtered_list(app: Flask, as_account: AsAccount):
    households(app, "甲户", "乙户", "丙户", state=State.DRAFT)
    households(app, "丁户")
    reader = as_account(builders.COUNTY_READER)
    listed = reader.get(f"{QUERY}?state=draft").text
    order = names(listed)
    first = re.search(r'href="([^"]+)" class="row-link"', listed)
    page = reader.get(html.unescape(first[1])).text
    walked = []
    for position in (1, 2, 3):
        assert f"第 {position} / 3 户" in page
        walked.append(re.search("<h1>([^<]+)</h1>", page)[1])
        if position < 3:
            page = step(reader, page, "next").text
    assert walked == order
    assert 'rel="next"' not in page
    assert "第 2 / 3 户" in step(reader, page, "prev").text


def test_a_record_that_left_the_list_leaves_its_place_to_the_next(
    app: Flask, as_account: AsAccount
):
    rows = households(app, "甲户", "乙户", "丙户")
    clerk = as_account(builders.VILLAGE_CLERK)
    listed = clerk.get("/lookback/entry?state=missing").text
    first = html.unescape(re.search(r'href="([^"]+/edit[^"]+)"', listed)[1])
    page = clerk.get(first).text
    assert "第 1 / 3 户" in page
    with app.app_context(), unscoped("tests enter") as session:
        session.get_one(Lookback, uuid.UUID(first.split("/")[2])).state = State.DRAFT
        session.commit()
    answer = step(clerk, page, "next")
    assert answer.request.path.endswith("/edit")
    assert "第 1 / 2 户" in answer.text
    assert len(rows) == 3


def test_saving_a_form_keeps_the_way(app: Flask, as_account: AsAccount):
    households(app, "甲户", "乙户")
    clerk = as_account(builders.VILLAGE_CLERK)
    listed = clerk.get("/lookback/entry").text
    page = clerk.get(html.unescape(re.search(r'href="([^"]+/edit[^"]+)"', listed)[1])).text
    action = html.unescape(re.search(r'action="([^"]+/edit[^"]*)"', page)[1])
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    form = {"version": version, "died": "yes", "intent": "save"}
    answer = clerk.post(action, form, follow_redirects=True)
    assert "已保存" in answer.text
    assert "第 1 / 2 户" in answer.text
    wrong = clerk.post(action, form | {"died": "", "version": "2"})
    assert wrong.status_code == 422
    assert "第 1 / 2 户" in wrong.text


def test_a_search_by_name_is_walked_in_its_order(app: Flask, as_account: AsAccount):
    households(app, "王丙", "王甲", "王乙", "李一")
    reader = as_account(builders.COUNTY_READER)
    listed = reader.get(f"{QUERY}?head_name=王").text
    page = reader.get(html.unescape(re.search(r'href="([^"]+)" class="row-link"', listed)[1])).text
    walked = [re.search("<h1>([^<]+)</h1>", page)[1]]
    for _ in range(2):
        page = step(reader, page, "next").text
        walked.append(re.search("<h1>([^<]+)</h1>", page)[1])
    assert walked == names(listed) == sorted(walked)


@pytest.mark.parametrize(
    "query",
    ["", "walk_from=x&walk_at=1", "walk_at=0", "walk_from=6f1c2a4e-6d0b-5b1e-9d59-0d7f3f0a9b11&walk_at=3"],
)  # fmt: skip
def test_a_way_that_leads_nowhere_leads_back_to_the_list(as_account: AsAccount, query: str):
    answer = as_account(builders.COUNTY_READER).get(f"{QUERY}/walk?state=draft&{query}")
    assert (answer.status_code, answer.location) == (302, f"{QUERY}?state=draft")


@pytest.mark.parametrize("query", ["walk=x%3F&at=1", "walk=q&at=0&of=3", "walk=<b>&at=1&of=1"])
def test_a_record_without_a_readable_way_has_none(app: Flask, as_account: AsAccount, query: str):
    row = households(app, "甲户")[0]
    page = as_account(builders.COUNTY_READER).get(f"/lookback/{row.id}?{query}")
    assert page.status_code == 200
    assert 'class="walk"' not in page.text
