"""What is typed and not saved: its writer's own, restored over what somebody else saved, and beside what
takes no changes.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.rows.record import Draft
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.hands import Hands
from tests.web.register.forms import posted

AsAccount = Callable[..., Hands]
Stored = Callable[[uuid.UUID], Lookback]


@pytest.fixture
def colleague(as_account: AsAccount) -> Hands:
    return as_account(builders.TOWN_MANAGER)


def test_a_draft_keeps_typing_and_touches_no_record(clerk: Hands, survey: Lookback, stored: Stored):
    values = {"died": "no", "address": "三组12号", "owners": [{"name": "王甲"}], "policies": ["ecological"],
              "unknown": "x", "floor_area": "一百"}  # fmt: skip
    answer = clerk.post_json(f"/lookback/{survey.id}/draft", {"version": 1, "values": values})
    assert answer.status_code == 200
    assert re.fullmatch(r"\d\d:\d\d", answer.json["saved_at"])
    row = stored(survey.id)
    assert (row.state, row.version, row.address) == (State.MISSING, 1, None)
    page = clerk.get(f"/lookback/{survey.id}/edit").text
    assert "已恢复您" in page
    assert 'value="三组12号"' in page
    assert 'value="一百"' in page  # even what cannot be read
    assert 'value="王甲"' in page


def test_a_draft_is_its_accounts_own(as_account: AsAccount, clerk: Hands, survey: Lookback):
    clerk.post_json(f"/lookback/{survey.id}/draft", {"version": 1, "values": {"address": "秘密"}})
    assert "秘密" not in as_account(builders.TOWN_CLERK).get(f"/lookback/{survey.id}/edit").text


def test_saving_ends_the_draft(app: Flask, clerk: Hands, survey: Lookback):
    clerk.post_json(f"/lookback/{survey.id}/draft", {"version": 1, "values": {"address": "甲"}})
    clerk.post(f"/lookback/{survey.id}/edit", posted(builders.died()))
    with app.app_context(), unscoped("tests count drafts") as session:
        assert session.scalar(select(func.count()).select_from(Draft)) == 0


def test_a_draft_can_be_thrown_away(clerk: Hands, survey: Lookback):
    clerk.post_json(f"/lookback/{survey.id}/draft", {"version": 1, "values": {"address": "甲"}})
    assert clerk.post(f"/lookback/{survey.id}/discard").status_code == 302
    assert "已恢复您" not in clerk.get(f"/lookback/{survey.id}/edit").text


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "x",
        {"values": {}},
        {"version": "x", "values": {}},
        {"version": True, "values": {}},
    ],
    ids=repr,
)
def test_a_bad_draft_is_refused_with_a_message(clerk: Hands, survey: Lookback, body: Any):
    answer = clerk.post_json(f"/lookback/{survey.id}/draft", body)
    assert answer.status_code == 400
    assert answer.json["message"]


@pytest.mark.parametrize(
    "values", [None, [], {"owners": "x"}, {"owners": [1]}, {"died": ["yes"]}], ids=repr
)
def test_a_draft_of_a_wrong_shape_shows_an_ordinary_form(
    clerk: Hands, survey: Lookback, values: Any
):
    clerk.post_json(f"/lookback/{survey.id}/draft", {"version": 1, "values": values})
    assert clerk.get(f"/lookback/{survey.id}/edit").status_code == 200


def test_a_restored_draft_asks_of_what_was_typed_and_leaves_the_rest(
    clerk: Hands, colleague: Hands, survey: Lookback, stored: Stored
) -> None:
    url = f"/lookback/{survey.id}"
    typed = {"address": "三组12号", "village_group": None}
    clerk.post_json(f"{url}/draft", {"version": 1, "values": typed})
    saved = builders.full_house() | {"address": "五组1号", "surveyor": "赵六"}
    assert colleague.post(f"{url}/edit", posted(saved)).status_code == 302

    page = clerk.get(f"{url}/edit")
    assert page.status_code == 200
    assert re.findall(r'data-conflict="(\w+)"', page.text) == ["village_group", "address"]
    assert 'name="version" value="2"' in page.text
    assert 'value="赵六"' in page.text, "what nobody typed stands as the colleague saved it"
    assert 'name="touched" value="address village_group"' in page.text
    mine = posted(saved | {"address": "三组12号"}, version="2", touched="address")
    assert clerk.post(f"{url}/edit", mine).status_code == 302
    row = stored(survey.id)
    assert (row.address, row.surveyor, row.structure) == ("三组12号", "赵六", saved["structure"])


def test_a_draft_that_was_taken_back_is_none(clerk: Hands, survey: Lookback) -> None:
    url = f"/lookback/{survey.id}"
    clerk.post_json(f"{url}/draft", {"version": 1, "values": {"address": "甲"}})
    assert clerk.post_json(f"{url}/draft", {"version": 1, "values": {}}).status_code == 200
    assert "已恢复您" not in clerk.get(f"{url}/edit").text


def test_what_is_typed_after_a_submission_stands_beside_the_record(
    app: Flask, clerk: Hands, colleague: Hands, survey: Lookback, stored: Stored
) -> None:
    url = f"/lookback/{survey.id}"
    colleague.post(f"{url}/edit", posted(builders.died(), intent="submit"))
    before = stored(survey.id)
    assert before.state == State.SUBMITTED

    answer = clerk.post_json(f"{url}/draft", {"version": 1, "values": {"surveyor": "李明"}})
    assert (answer.status_code, "不能修改" in answer.json["message"]) == (409, True)
    assert "排查人：李明" in clerk.get(f"{url}/edit").text
    late: dict[str, Any] = posted({"died": False, "surveyor": "王五"}, touched="died surveyor")
    assert clerk.post(f"{url}/edit", late).headers["Location"] == f"{url}/edit"
    page = clerk.get(f"{url}/edit").text
    assert "您填写的内容没有写入" in page
    assert re.search(r'<textarea[^>]*id="typed-text"[^>]*>[^<]*：否\n排查人：王五</textarea>', page)
    assert 'id="record-form"' not in page
    assert (stored(survey.id).version, stored(survey.id).died) == (before.version, True)
    assert "王五" not in colleague.get(url).text

    clerk.post(f"{url}/discard")
    assert clerk.get(f"{url}/edit").headers["Location"] == url
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(Draft)).all() == []
