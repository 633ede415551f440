"""A form that comes twice is done once, and answered twice with the same."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from app.access.account import Account
from app.access.repeats import KEPT, Repeat
from app.access.scope import unscoped
from app.core.clock import now
from app.kernel.declare.flow import State
from app.kernel.rows.record import HistoryEntry
from app.modules.craftsmen.model import Craftsman
from app.modules.surveys.lookback.model import Lookback
from app.web.frame import clicks
from app.web.frame.clicks import FIELD
from tests import builders, crowds
from tests.hands import Hands

Stored = Callable[[uuid.UUID], Lookback]
AsAccount = Callable[..., Hands]
ROOT = Path(__file__).parents[3]
_INPUT = re.compile(rf'name="{FIELD}" value="([0-9a-f]{{32}})"')


@pytest.fixture
def survey(app: Flask) -> Lookback:
    with app.app_context():
        return builders.household()[1]


@pytest.fixture
def clerk(as_account: AsAccount) -> Hands:
    return as_account(builders.VILLAGE_CLERK)


def key_of(hands: Hands, url: str, form: str = "record-form") -> str:
    """The key that a page brings with its form."""
    page = hands.get(url).text
    (found,) = _INPUT.findall(page.split(f'id="{form}"')[1].split("</form>")[0])
    return str(found)


def submission(**more: Any) -> dict[str, Any]:
    contact = {"contact_name": "李明", "contact_phone": "13909180000"}
    return builders.texts(builders.died()) | contact | {"version": "1", "intent": "submit"} | more


def answered(answer: TestResponse, hands: Hands) -> tuple[int, str, list[str]]:
    """Status, where it leads, and what is said there."""
    with hands.client.session_transaction() as session:
        said = [str(text) for _tone, text in session.pop("_flashes", [])]
    return answer.status_code, answer.headers.get("Location", ""), said


def steps(app: Flask, record: uuid.UUID) -> list[str]:
    with app.app_context(), unscoped("tests look") as session:
        query = select(HistoryEntry.step).where(HistoryEntry.record_id == record)
        return list(session.scalars(query))


def keys(app: Flask) -> int:
    with app.app_context(), unscoped("tests look") as session:
        return session.scalar(select(func.count()).select_from(Repeat)) or 0


@pytest.mark.both_databases
def test_a_form_that_comes_again_is_answered_as_the_first_time(
    app: Flask, clerk: Hands, reviewer: Hands, survey: Lookback, stored: Stored
) -> None:
    """Also where the record went on meanwhile, so that the same click would be refused."""
    url = f"/lookback/{survey.id}/edit"
    form = submission(**{FIELD: key_of(clerk, url)})
    first = answered(clerk.post(url, form), clerk)
    said = f"{survey.head_name}的回头看档案已上报，等待审核。"
    assert first == (302, "/lookback/entry", [said])
    assert answered(clerk.post(url, form), clerk) == first
    back = {"action": "return", "version": str(stored(survey.id).version), "opinion": "不符"}
    assert reviewer.post(f"/lookback/{survey.id}/decide", back).status_code == 302
    again = clerk.post(url, form)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert answered(again, clerk) == first
    assert stored(survey.id).state == State.RETURNED
    assert steps(app, survey.id) == ["submit", "return"]


NEW_USER = "/accounts/new?role=county-ordinary"
USER = {
    "name": "审核股",
    "duties": "reviewer",
    "department": "civil_affairs",
    "phone": "13909180000",
}


def users(app: Flask) -> list[Account]:
    with app.app_context(), unscoped("tests look") as session:
        return list(session.scalars(select(Account).where(Account.first_name == USER["name"])))


@pytest.mark.both_databases
def test_of_two_at_once_the_second_waits_and_says_what_came_of_the_first(app: Flask) -> None:
    with app.app_context():
        manager = builders.account(builders.COUNTY_MANAGER)
    one, two = (Hands(app, builders.sign_in(app, manager)) for _n in range(2))
    form = USER | {FIELD: uuid.uuid4().hex}
    sent = [(hands.client, form | {"csrf_token": hands.token()}) for hands in (one, two)]
    outcome = crowds.at_once(app, *(partial(c.post, NEW_USER, data=data) for c, data in sent))
    (made,) = users(app)
    later, first = sorted(zip(outcome, (one, two), strict=True), key=lambda o: o[0].status_code,
                          reverse=True)  # fmt: skip
    assert first[0].status_code == 200
    assert made.username in first[0].text
    said = ["用户已创建。初始密码只显示一次，没有记下的请重置密码。"]
    assert answered(*later) == (302, f"/accounts/{made.uuid}", said)


def test_what_was_refused_leaves_the_key_as_it_was(app: Flask, as_account: AsAccount) -> None:
    """The page that names the mistakes need not be opened anew."""
    manager = as_account(builders.COUNTY_MANAGER)
    form = USER | {FIELD: uuid.uuid4().hex}
    assert manager.post(NEW_USER, form | {"phone": "123"}).status_code == 422
    assert (users(app), keys(app)) == ([], 0)
    assert manager.post(NEW_USER, form).status_code == 200
    assert manager.post(NEW_USER, form).status_code == 302
    assert (len(users(app)), keys(app)) == (1, 1)


def test_a_save_that_could_not_be_submitted_is_no_end(
    app: Flask, clerk: Hands, survey: Lookback, stored: Stored
) -> None:
    """It stands, its page names what is missing, and the same page may be sent again, filled in."""
    url = f"/lookback/{survey.id}/edit"
    key = {FIELD: key_of(clerk, url)}
    assert (
        clerk.post(url, {"died": "no", "version": "1", "intent": "submit"} | key).status_code == 422
    )
    assert (stored(survey.id).state, keys(app)) == (State.DRAFT, 0)
    assert clerk.post(url, submission(version="2", **key)).status_code == 302
    assert stored(survey.id).state == State.SUBMITTED


def test_another_form_with_the_same_key_is_told_so(
    clerk: Hands, survey: Lookback, stored: Stored
) -> None:
    """What was typed stands beside what is stored, as in any conflict."""
    url = f"/lookback/{survey.id}/edit"
    form = submission(**{FIELD: key_of(clerk, url), "intent": "save"})
    assert clerk.post(url, form).status_code == 302
    page = clerk.post(url, form | {"died": "no"})
    assert page.status_code == 409
    assert 'data-conflict="died"' in page.text
    assert stored(survey.id).died


def test_a_key_is_of_its_address_and_its_account(app: Flask, as_account: AsAccount) -> None:
    one, two = as_account(builders.COUNTY_MANAGER), as_account(builders.COUNTY_MANAGER)
    form = USER | {FIELD: uuid.uuid4().hex}
    assert one.post(NEW_USER, form).status_code == 200
    refused = one.post("/accounts/new?role=village-clerk", form)
    assert refused.status_code == 409
    assert "这个页面的内容已经提交过" in refused.text
    assert len(users(app)) == 1
    assert two.post(NEW_USER, form).status_code == 200
    assert len(users(app)) == 2


def test_a_key_that_no_page_made_is_refused_and_none_is_needed(
    app: Flask, as_account: AsAccount
) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    for key in ("1", "x" * 32, "a" * 33, uuid.uuid4().hex.upper()):
        assert manager.post(NEW_USER, USER | {FIELD: key}).status_code == 400
    assert users(app) == []
    assert manager.post(NEW_USER, USER).status_code == 200
    assert keys(app) == 0


def test_a_key_is_kept_for_a_day(app: Flask, as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    form = USER | {FIELD: uuid.uuid4().hex}
    assert manager.post(NEW_USER, form).status_code == 200
    with app.app_context(), unscoped("a day goes by") as session:
        session.execute(update(Repeat).values(at=now() - KEPT - timedelta(minutes=1)))
        session.commit()
    assert manager.post(NEW_USER, form).status_code == 200
    assert len(users(app)) == 2


def test_a_file_is_part_of_what_was_sent(app: Flask) -> None:
    with app.test_request_context(
        "/", method="POST", data={"file": (io.BytesIO(b"one"), "x.xlsx")}
    ):
        one = clicks.digest()
        assert request.files["file"].read() == b"one"
    with app.test_request_context(
        "/", method="POST", data={"file": (io.BytesIO(b"two"), "x.xlsx")}
    ):
        assert clicks.digest() != one


def test_a_new_record_is_made_once_whatever_became_of_it(app: Flask, as_account: AsAccount) -> None:
    clerk = as_account(builders.TOWN_CLERK)
    page = clerk.get("/craftsman/new").text
    with app.app_context():
        village = str(builders.seat(builders.Level.VILLAGE).id)
    typed = {"name": "王建军", "id_number": builders.id_number(), "phone": "13909180000",
             "region": village, "lead": "no", "qualified": "no", "intent": "next"}  # fmt: skip
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    form = typed | {"key": found[1], FIELD: key_of(clerk, "/craftsman/new"), "version": "0"}
    first = answered(clerk.post("/craftsman/new", form), clerk)
    assert first[:2] == (302, "/craftsman/new")
    delete = f"/craftsman/{found[1]}/clear?version=1"
    gone, key = "王建军的工匠信息已删除。", {FIELD: uuid.uuid4().hex}
    for _time in range(2):  # the second time there is nothing to be found there
        assert answered(clerk.post(delete, key), clerk)[2] == [gone]
    assert clerk.post(delete, {FIELD: uuid.uuid4().hex}).status_code == 404
    assert answered(clerk.post("/craftsman/new", form), clerk) == first
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(Craftsman)).all() == []


def test_every_form_of_a_page_brings_a_key() -> None:
    """Only those have none that nobody is signed in for, or that stand in each line of a list."""
    without = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "app").rglob("*")
        if path.suffix in (".html", ".py") and 'name="csrf_token" value' in path.read_text()
    }
    assert without == {
        "app/web/templates/appbuilder/general/security/login_db.html",
        "app/admin/accounts/templates/accounts/_sign_in.html",
        "app/web/templates/frame/plain.html",
        "app/web/lists/table.py",
    }


def test_a_key_costs_two_statements(app: Flask, clerk: Hands, survey: Lookback) -> None:
    """Its line, and what came of it."""
    with app.app_context():
        other = builders.household()[1]
    address = "/lookback/{}/edit".format
    key = {FIELD: key_of(clerk, address(survey.id))}
    app.config["BENCH"] = True  # answers carry the number of their statements
    sent = [(survey, key), (other, {})]
    with_key, plain = (
        clerk.post(address(row.id), submission(**more)).headers["X-Anju-Statements"]
        for row, more in sent
    )
    app.config["BENCH"] = False
    assert int(with_key) - int(plain) == 2
