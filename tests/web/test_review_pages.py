"""The review: the queue of a list, decisions with and without scripts, taking back, several at once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

from flask import Flask
from sqlalchemy import select

from app.access.regions import Level
from app.access.scope import unscoped
from app.registers.lookback.model import Lookback
from app.registry.flow import State
from app.registry.records import HistoryEntry
from tests import builders
from tests.hands import Hands
from tests.web.reviewing import Stored, decision, submitted

AsAccount = Callable[..., Hands]
SCRIPT = {"Accept": "application/json"}


def test_the_review_opens_on_what_waits_and_goes_on_by_itself(
    app: Flask, reviewer: Hands, stored: Stored
):
    rows = submitted(app, 3)
    first = reviewer.get("/lookback/review")
    assert first.status_code == 302
    url = first.location
    decided = []
    for left in (3, 2, 1):
        page = reviewer.get(url).text
        assert f'<b class="queue-left">{left}</b>' in page
        key = uuid.UUID(url.split("/")[2])
        answer = reviewer.post(
            f"/lookback/{key}/decide", decision(Lookback(id=key), "approve", stored)
        )
        decided.append(key)
        url = answer.location
    assert sorted(decided) == sorted(r.id for r in rows)
    assert url == "/lookback/review?list=1"
    assert all(stored(r.id).state == State.APPROVED for r in rows)


def test_returning_needs_a_reason_and_keeps_what_was_written(
    app: Flask, reviewer: Hands, stored: Stored
):
    (row,) = submitted(app)
    bare = reviewer.post(f"/lookback/{row.id}/decide", decision(row, "return", stored))
    assert bare.status_code == 422
    assert "请勾选退回原因或填写意见" in bare.text
    form = decision(row, "return", stored, reason=["信息有误"], opinion="请核对人数")
    assert reviewer.post(f"/lookback/{row.id}/decide", form).status_code == 302
    assert stored(row.id).state == State.RETURNED
    assert "信息有误。请核对人数" in reviewer.get(f"/lookback/{row.id}").text


def test_one_cannot_review_ones_own_submission(app: Flask, as_account: AsAccount, stored: Stored):
    with app.app_context():
        row = builders.household()[1]
        builders.complete(row, builders.died())
    manager = as_account(builders.COUNTY_MANAGER)
    manager.post(f"/lookback/{row.id}/step/submit", {"version": stored(row.id).version})
    page = manager.get(f"/lookback/{row.id}/review").text
    assert "请由其他审核人员审核" in page
    assert 'id="decide"' not in page
    form = decision(row, "approve", stored)
    assert manager.post(f"/lookback/{row.id}/decide", form).status_code == 403


def test_a_decision_can_be_taken_back_for_some_seconds(app: Flask, reviewer: Hands, stored: Stored):
    (row,) = submitted(app)
    reviewer.post(f"/lookback/{row.id}/decide", decision(row, "approve", stored))
    assert f"/lookback/{row.id}/undo" in reviewer.get("/lookback/review?list=1").text
    form = {"version": stored(row.id).version}
    assert reviewer.post(f"/lookback/{row.id}/undo", form).location.endswith("/review")
    assert stored(row.id).state == State.SUBMITTED
    assert "撤销审核" in reviewer.get(f"/lookback/{row.id}").text
    reviewer.post(f"/lookback/{row.id}/undo", form)  # nothing is left to take back
    assert stored(row.id).state == State.SUBMITTED


def test_too_late_or_by_another_a_decision_stays(
    app: Flask, as_account: AsAccount, reviewer: Hands, stored: Stored
):
    (row,) = submitted(app)
    reviewer.post(f"/lookback/{row.id}/decide", decision(row, "approve", stored))
    form = {"version": stored(row.id).version}
    as_account(builders.COUNTY_REVIEWER).post(f"/lookback/{row.id}/undo", form)
    assert stored(row.id).state == State.APPROVED
    with app.app_context(), unscoped("tests turn the clock") as session:
        entry = session.scalars(select(HistoryEntry).where(HistoryEntry.step == "approve")).one()
        entry.at -= dt.timedelta(minutes=1)
        session.commit()
    late = reviewer.post(f"/lookback/{row.id}/undo", form, follow_redirects=True)
    assert "超过10秒，不能撤销" in late.text
    assert reviewer.post(f"/lookback/{row.id}/undo").status_code == 400  # no version
    assert stored(row.id).state == State.APPROVED


def test_a_decision_on_what_somebody_decided_meanwhile_is_refused(
    app: Flask, as_account: AsAccount, reviewer: Hands, stored: Stored
):
    (row,) = submitted(app)
    form = decision(row, "approve", stored)
    as_account(builders.COUNTY_REVIEWER).post(
        f"/lookback/{row.id}/decide", decision(row, "return", stored, reason=["信息有误"])
    )
    answer = reviewer.post(f"/lookback/{row.id}/decide", form, follow_redirects=True)
    assert "退回补正" in answer.text
    assert stored(row.id).state == State.RETURNED


def test_a_refused_decision_keeps_who_decides_and_why(app: Flask, reviewer: Hands, stored: Stored):
    row = submitted(app)[0]
    form = decision(row, "return", stored, reason=["信息有误"], opinion="门牌不符")
    answer = reviewer.post(f"/lookback/{row.id}/decide", form | {"contact_phone": "12"})
    assert answer.status_code == 422
    assert "电话号码不正确" in answer.text
    for kept in ('value="王审核"', 'value="12"', 'value="信息有误" checked', ">门牌不符<"):
        assert kept in answer.text
    assert stored(row.id).state == State.SUBMITTED


def test_who_sends_an_approved_survey_back_is_named_and_may_be_changed(
    app: Flask, as_account: AsAccount, stored: Stored
):
    with app.app_context():
        row = builders.household(state=State.APPROVED)[1]
    above = as_account(builders.PROVINCE)
    page = above.get(f"/lookback/{row.id}").text
    assert 'name="contact_name"' in page
    assert "退回整改" in page
    url = f"/lookback/{row.id}/step/send_back"
    form = {
        "version": stored(row.id).version,
        "reason": ["信息有误"],
        "contact_phone": "02987654321",
    }
    refused = above.post(url, form | {"contact_name": ""})
    assert refused.status_code == 422
    assert "请填写办理人姓名" in refused.text
    assert 'value="信息有误" checked' in refused.text
    above.post(url, form | {"contact_name": "赵抽查"})
    with app.app_context(), unscoped("tests read the history") as session:
        entry = session.scalars(select(HistoryEntry)).one()
        assert (entry.person, entry.label) == ("赵抽查", "退回整改")


def test_several_are_approved_at_once_and_failures_are_told(
    app: Flask, reviewer: Hands, stored: Stored
):
    rows = submitted(app, 2)
    with app.app_context():
        unready = builders.household()[1]
    form = {"id": [str(r.id) for r in (*rows, unready)] + ["nonsense"], "action": "approve"}
    url = "/lookback/batch/approve"
    page = reviewer.post(url, form)
    assert page.status_code == 200
    assert all(row.head_name in page.text and str(row.id) in page.text for row in rows)
    assert [stored(r.id).state for r in rows] == [State.SUBMITTED] * 2, "who does it is asked first"
    wrong = reviewer.post(url, form | {"contact_name": "", "contact_phone": "12"})
    assert wrong.status_code == 422
    assert "请填写办理人姓名" in wrong.text
    assert "电话号码不正确" in wrong.text
    assert 'value="12"' in wrong.text
    assert str(rows[1].id) in wrong.text
    form |= {"contact_name": "赵审核", "contact_phone": "13909180009"}
    answer = reviewer.post(url, form, follow_redirects=True)
    assert "已处理2户" in answer.text
    assert "1户没有处理" in answer.text
    assert [stored(r.id).state for r in rows] == [State.APPROVED] * 2
    assert stored(unready.id).state == State.MISSING
    with app.app_context(), unscoped("tests read the history") as session:
        entries = session.scalars(select(HistoryEntry).where(HistoryEntry.step == "approve")).all()
        assert {(e.person, e.phone) for e in entries} == {("赵审核", "13909180009")}


def test_a_batch_tells_nothing_of_other_areas_and_of_no_step(
    app: Flask, reviewer: Hands, as_account: AsAccount
):
    (row,) = submitted(app, 1)
    with app.app_context():
        county = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    stranger = Hands(app, as_account(builders.COUNTY_REVIEWER, county))
    page = stranger.post("/lookback/batch/approve", {"id": str(row.id)})
    assert row.head_name not in page.text
    assert reviewer.post("/lookback/batch/nothing", {"id": str(row.id)}).status_code == 404
