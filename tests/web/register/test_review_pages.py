"""The review: the queue of a list, decisions with and without scripts, taking back, several at once."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable

from flask import Flask
from sqlalchemy import select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.rows.record import HistoryEntry
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.hands import Hands
from tests.web.register.reviewing import Stored, decision, submitted

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
    assert "王审核于" in answer.text
    assert "您的决定没有写入" in answer.text
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


def test_the_countys_reviewer_returns_what_it_approved_at_any_time(
    app: Flask, reviewer: Hands, stored: Stored
):
    with app.app_context():
        row = builders.household(state=State.APPROVED)[1]
    listed = reviewer.get("/lookback/review?state=approved").text
    assert f'href="/lookback/{row.id}' in listed
    assert reviewer.get(f"/lookback/{row.id}").text.count("/step/return_approved") == 1
    form = {"version": stored(row.id).version, "contact_name": "王审核"}
    url = f"/lookback/{row.id}/step/return_approved"
    assert reviewer.post(url, form).status_code == 422, "a reason is asked for"
    assert reviewer.post(url, form | {"opinion": "等级有误"}).status_code == 302
    assert stored(row.id).state == State.RETURNED


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
    for name in ("nothing", "submit"):  # that one is done with each record alone
        refused = reviewer.post(f"/lookback/batch/{name}", {"id": str(row.id)})
        assert refused.status_code == 404


def test_a_batch_leaves_out_ones_own_and_tells_what_changed_since_the_look(
    app: Flask, as_account: AsAccount, stored: Stored
):
    rows = submitted(app, 2)
    manager = as_account(builders.COUNTY_MANAGER)
    with app.app_context():
        own = builders.household(name="自家户")[1]
        builders.complete(own, builders.died())
    manager.post(f"/lookback/{own.id}/step/submit", {"version": stored(own.id).version})
    ids = [str(row.id) for row in (*rows, own)]
    page = manager.post("/lookback/batch/approve", {"id": ids}).text
    assert "自家户：这份回头看档案是本账号上报的" in page
    assert f'value="{own.id}"' not in page
    seen = {f"version-{row.id}": stored(row.id).version for row in rows}
    with app.app_context(), unscoped("somebody changes one meanwhile") as session:
        session.get_one(Lookback, rows[1].id).village_group = "九组"
        session.commit()
    form = seen | {"id": ids[:2], "contact_name": "赵审核", "back": "https://elsewhere.example/"}
    bare = manager.post("/lookback/batch/return", form)
    assert bare.status_code == 422
    assert "请勾选退回原因或填写意见" in bare.text
    answer = manager.post("/lookback/batch/return", form | {"reason": ["信息有误"]})
    assert answer.location == "/lookback/review?list=1"
    page = manager.get(answer.location).text
    assert "已处理1户" in page
    assert f"{rows[1].head_name}：该回头看档案已被他人修改" in page
    assert [stored(row.id).state for row in rows] == [State.RETURNED, State.SUBMITTED]


# ---- by scripts -----------------------------------------------------------------------------


def test_the_queue_stays_within_the_filters_of_its_list(
    app: Flask, reviewer: Hands, stored: Stored
):
    rows = submitted(app, 3)
    url = f"/lookback/{rows[1].id}/review?head_name=张建国1"
    page = reviewer.get(url).text
    assert '<b class="queue-left">1</b>' in page
    assert 'rel="next"' not in page
    assert rows[0].head_name not in page
    listed = reviewer.get("/lookback/review?list=1&head_name=张建国1&size=50").text
    assert f"/lookback/{rows[1].id}/review?head_name=%E5%BC%A0%E5%BB%BA%E5%9B%BD1" in listed
    form = decision(rows[1], "approve", stored)
    answer = reviewer.post(f"/lookback/{rows[1].id}/decide?head_name=张建国1", form)
    assert answer.location.startswith("/lookback/review?head_name=")
    assert reviewer.get(f"/lookback/{rows[0].id}/review?region=x").status_code == 400


def test_a_script_decides_and_takes_back_without_a_page(
    app: Flask, reviewer: Hands, stored: Stored
):
    rows = submitted(app, 2)
    part = reviewer.get(f"/lookback/{rows[0].id}/review", headers=SCRIPT)
    assert 'id="decide"' in part.text
    assert "<html" not in part.text
    url = f"/lookback/{rows[0].id}"
    bare = reviewer.post(f"{url}/decide", decision(rows[0], "return", stored), headers=SCRIPT)
    assert bare.status_code == 422
    assert "opinion" in bare.json["errors"]
    done = reviewer.post(f"{url}/decide", decision(rows[0], "approve", stored), headers=SCRIPT)
    assert done.json["left"] == "1"
    assert done.json["undo"]["seconds"] == 10
    undone = reviewer.post(f"{url}/undo", {"version": done.json["undo"]["version"]}, headers=SCRIPT)
    assert undone.json["url"] == f"{url}/review"
    assert undone.json["left"] == "2"
    again = reviewer.post(f"{url}/undo", {"version": 1}, headers=SCRIPT)
    assert again.status_code == 200, "the same click, sent twice"
    assert stored(rows[0].id).state == State.SUBMITTED


def test_what_was_withdrawn_a_second_ago_is_said_and_the_next_one_offered(
    app: Flask, reviewer: Hands, stored: Stored
):
    rows = submitted(app, 2)
    form = decision(rows[0], "approve", stored)
    with app.app_context(), unscoped("the clerk withdraws it") as session:
        session.get_one(Lookback, rows[0].id).state = State.DRAFT
        entry = HistoryEntry(
            register="lookback", record_id=rows[0].id, region_id=rows[0].region_id,
            step="withdraw", label="撤回", source=State.SUBMITTED, target=State.DRAFT,
            account_id=uuid.uuid4(), account_name="西街社区", person="袁文军",
        )  # fmt: skip
        session.add(entry)
        session.commit()
    answer = reviewer.post(f"/lookback/{rows[0].id}/decide", form, headers=SCRIPT)
    assert answer.status_code == 409
    assert "袁文军于" in answer.json["message"]
    assert answer.json["url"] == f"/lookback/{rows[1].id}/review"
    assert reviewer.get(f"/lookback/{rows[0].id}/review", headers=SCRIPT).status_code == 409
    assert stored(rows[0].id).state == State.DRAFT


def test_what_was_submitted_anew_meanwhile_is_shown_again_before_it_is_decided(
    app: Flask, reviewer: Hands, stored: Stored
):
    (row,) = submitted(app)
    form = decision(row, "approve", stored)
    with app.app_context(), unscoped("somebody changes it meanwhile") as session:
        session.get_one(Lookback, row.id).village_group = "九组"
        session.commit()
    answer = reviewer.post(f"/lookback/{row.id}/decide", form, headers=SCRIPT)
    assert answer.status_code == 409
    assert answer.json["url"] == f"/lookback/{row.id}/review"
    assert "请看过现在的内容再审核" in answer.json["message"]


def test_reasons_keep_their_keys_and_those_given_most_are_marked(
    app: Flask, as_account: AsAccount, reviewer: Hands, stored: Stored
):
    rows = submitted(app, 4)
    colleague = as_account(builders.COUNTY_REVIEWER)
    for hands, row, reason in (
        (colleague, rows[0], "房屋信息与实际不符"), (colleague, rows[1], "房屋信息与实际不符"),
        (reviewer, rows[2], "信息有误"),
    ):  # fmt: skip
        hands.post(f"/lookback/{row.id}/decide", decision(row, "return", stored, reason=[reason]))
    page = reviewer.get(f"/lookback/{rows[3].id}/review").text
    reasons = re.findall(r'name="reason" value="([^"]+)"', page)
    assert reasons == list(LOOKBACK.flow.get("return").reasons)
    marked = [
        r for r in reasons if re.search(rf'value="{r}"><span>{r}</span><small[^>]*>常用<', page)
    ]
    assert set(marked) == {"信息有误", "房屋信息与实际不符"}


def test_a_record_that_came_back_unchanged_is_pointed_out(app: Flask, as_account: AsAccount):
    with app.app_context():
        row = builders.household()[1]
        builders.complete(row, builders.died())
    clerk, reviewer = as_account(builders.TOWN_CLERK), as_account(builders.COUNTY_REVIEWER)

    def version() -> int:
        with app.app_context(), unscoped("tests look") as session:
            return session.get_one(Lookback, row.id).version

    for _round in range(2):
        clerk.post(f"/lookback/{row.id}/step/submit", {"version": version()})
        page = reviewer.get(f"/lookback/{row.id}/review").text
        assert ("内容没有任何改动" in page) == bool(_round)
        form = {"action": "return", "version": version(), "reason": ["信息有误"]}
        reviewer.post(f"/lookback/{row.id}/decide", form)
