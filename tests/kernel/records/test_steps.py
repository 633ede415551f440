"""Every step of a review: who may do it, from which state, with what beside it, and back again."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import Actor
from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.access.settings import SettingValue
from app.core.clock import now, uuid7
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.kernel.declare.flow import SENT_BACK, State, county_review
from app.kernel.figures.counters import kept_counts, live_counts
from app.kernel.records import steps
from app.kernel.records.history import Contact
from app.kernel.rows.record import HistoryEntry
from app.modules.homes.choices import Grade
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    CITY,
    CONTACT,
    COUNTY_MANAGER,
    COUNTY_READER,
    COUNTY_REVIEWER,
    EVERYBODY,
    FILES_OWN,
    MINISTRY,
    PROVINCE,
    VILLAGE_CLERK,
    actor,
    complete,
    died,
    full_house,
    own_house,
)
from tests.kernel.records.doing import ENTERS, act, audit_of, history, save, set_state, step, stored

# ---- every step by everybody from every state ----------------------------------------------

REVIEWS = (COUNTY_MANAGER, COUNTY_REVIEWER)
SPOT_CHECKS = (MINISTRY, PROVINCE, CITY, COUNTY_MANAGER)

#: step: from which states, by whom, to which state
STEPS = {
    "submit": ({State.DRAFT, *SENT_BACK}, ENTERS, State.SUBMITTED),
    "withdraw": ({State.SUBMITTED}, ENTERS, State.DRAFT),
    "approve": ({State.SUBMITTED}, REVIEWS, State.APPROVED),
    "return": ({State.SUBMITTED}, REVIEWS, State.RETURNED),
    "take_back": ({State.APPROVED, *SENT_BACK}, REVIEWS, State.SUBMITTED),
    "send_back": ({State.APPROVED}, SPOT_CHECKS, State.RETURNED),
    "return_approved": ({State.APPROVED}, REVIEWS, State.RETURNED),
}


def decided_by(key: uuid.UUID, decider: uuid.UUID) -> Lookback:
    """The record as if this account had decided on it just now."""
    with unscoped("tests arrange") as everything:
        row = everything.get_one(Lookback, key)
        row.decided_at = row.changed_at = now()
        entry = HistoryEntry(
            register="lookback", record_id=key, region_id=row.region_id, step="approve",
            label="审核通过", source=State.SUBMITTED, target=row.state, account_id=decider,
            account_name="审核",
        )  # fmt: skip
        everything.add(entry)
        everything.commit()
        return row


def test_the_table_names_every_step() -> None:
    assert set(STEPS) == {t.name for t in county_review.transitions}


@pytest.mark.one_database
def test_every_step_by_everybody_from_every_state(survey: Lookback) -> None:
    complete(survey, own_house(), FILES_OWN)
    actors = {who: actor(who) for who in EVERYBODY if len(who.duties) < 2}
    wrong = []
    for state in State:
        for name, (sources, who_may, target) in STEPS.items():
            row = set_state(survey.id, state, uuid7())
            for who, acting in actors.items():
                if name == "withdraw":
                    row = set_state(survey.id, state, acting.account_id)
                if name == "take_back":
                    row = decided_by(survey.id, acting.account_id)
                expected: Any = target
                if name == "send_back" and who.level < Level.COUNTY:
                    expected = State.RECTIFY
                may = who in who_may and state in sources
                if name == "return_approved" and who in SPOT_CHECKS:
                    may = False  # the same to the county's manager, who has one button
                if who not in who_may:
                    expected = Forbidden
                elif state not in sources:
                    expected = Conflict
                open_now = act(acting, steps.open_steps, LOOKBACK, row, acting)
                open_ = name in {s.name for s in open_now}
                try:
                    got: Any = step(acting, survey.id, name, opinion="理由").state
                except (Forbidden, Conflict) as error:
                    got = type(error)
                row = set_state(survey.id, state, uuid7())
                if got != expected or open_ != may:
                    wrong.append((state.value, name, str(who), got, open_))
            assert stored(survey.id).state == state
    assert wrong == []


def test_an_unknown_step(clerk: Actor, survey: Lookback) -> None:
    with pytest.raises(NotFound):
        step(clerk, survey.id, "explode")


@pytest.mark.parametrize("name", ["approve", "return"])
def test_nobody_reviews_what_they_submitted(survey: Lookback, name: str) -> None:
    manager = actor(COUNTY_MANAGER)
    complete(survey, died())
    step(manager, survey.id, "submit")
    with pytest.raises(Forbidden, match="不能审核本账号上报的"):
        step(manager, survey.id, "approve")
    assert stored(survey.id).state == State.SUBMITTED
    step(actor(COUNTY_MANAGER), survey.id, name, opinion="理由")


def test_self_review_by_setting(survey: Lookback) -> None:
    with unscoped("tests set what the ministry sets") as session:
        nation = session.scalars(select(Region).where(Region.level == Level.NATION)).one()
        session.add(SettingValue(region_id=nation.id, name="review.self", value=True))
        session.commit()
    manager = actor(COUNTY_MANAGER)
    complete(survey, died())
    step(manager, survey.id, "submit")
    assert step(manager, survey.id, "approve").state == State.APPROVED


def test_only_the_submitter_withdraws(clerk: Actor, survey: Lookback) -> None:
    complete(survey, died())
    step(clerk, survey.id, "submit")
    with pytest.raises(Forbidden, match="只有上报的账号"):
        step(actor(VILLAGE_CLERK), survey.id, "withdraw")
    assert step(clerk, survey.id, "withdraw").state == State.DRAFT


@pytest.mark.parametrize("name", ["return", "send_back", "return_approved"])
def test_sending_back_needs_a_reason(survey: Lookback, name: str) -> None:
    complete(survey, died())
    set_state(survey.id, min(STEPS[name][0]), uuid7())
    manager = actor(COUNTY_MANAGER)
    for said in ({}, {"opinion": "  "}):
        with pytest.raises(Invalid) as refused:
            step(manager, survey.id, name, **said)
        assert [p.code for p in refused.value.problems] == ["opinion.required"]
    assert step(manager, survey.id, name, reasons=("资料不全",)).state == State.RETURNED


@pytest.mark.parametrize(
    ("who", "state", "label"),
    [
        (COUNTY_MANAGER, State.RETURNED, "退回补正"),
        (CITY, State.RECTIFY, "退回整改"),
        (PROVINCE, State.RECTIFY, "退回整改"),
        (MINISTRY, State.RECTIFY, "退回整改"),
    ],
    ids=str,
)
def test_what_sending_back_is_called(survey: Lookback, who: Any, state: State, label: str) -> None:
    complete(survey, died())
    set_state(survey.id, State.APPROVED, uuid7())
    row = step(actor(who), survey.id, "send_back", opinion="不符")
    assert row.state == state
    assert [(e.label, e.target) for e in history(survey.id)] == [(label, state)]
    with unscoped("tests look at counters") as everything:
        assert live_counts(everything, LOOKBACK) == kept_counts(everything, LOOKBACK)


def test_a_step_names_the_person(clerk: Actor, survey: Lookback) -> None:
    complete(survey, died())
    with pytest.raises(Invalid) as refused:
        act(clerk, steps.transition, LOOKBACK, survey.id, "submit", None, Contact(" ", ""))
    assert [p.field for p in refused.value.problems] == ["contact_name"]


def test_the_person_is_remembered(clerk: Actor, survey: Lookback) -> None:
    from app.access.account import Account

    complete(survey, died())
    step(clerk, survey.id, "submit")
    with unscoped("tests look") as everything:
        account = everything.scalars(select(Account).where(Account.uuid == clerk.account_id)).one()
    assert (account.contact_name, account.contact_phone) == (CONTACT.person, CONTACT.phone)


def test_submitting_needs_every_answer(clerk: Actor, survey: Lookback) -> None:
    form = {n: v for n, v in own_house(Grade.C).items() if n not in ("storeys", "measure")}
    complete(survey, form, FILES_OWN)
    with pytest.raises(Invalid) as refused:
        step(clerk, survey.id, "submit")
    assert {p.code for p in refused.value.problems} == {
        "storeys.required", "measure.required", "risky_photos.required",
    }  # fmt: skip
    assert stored(survey.id).state == State.DRAFT
    assert history(survey.id) == []


def test_an_opinion_of_any_length_is_no_fault_of_ours(survey: Lookback) -> None:
    complete(survey, died())
    set_state(survey.id, State.SUBMITTED, uuid7())
    with pytest.raises(Invalid) as refused:
        step(actor(COUNTY_MANAGER), survey.id, "return", opinion="长" * 1001)
    assert [p.field for p in refused.value.problems] == ["opinion"]


# ---- taking back ---------------------------------------------------------------------------


@pytest.fixture
def decided(clerk: Actor, survey: Lookback) -> Lookback:
    complete(survey, died())
    step(clerk, survey.id, "submit")
    return survey


@pytest.mark.parametrize("name", ["approve", "return"])
def test_a_decision_is_taken_back(
    decided: Lookback, clerk: Actor, reviewer: Actor, name: str
) -> None:
    before = stored(decided.id)
    row = step(reviewer, decided.id, name, opinion="理由")
    row = step(reviewer, decided.id, "take_back", row.version)
    assert (row.state, row.decided_at) == (State.SUBMITTED, None)
    assert (row.submitted_by, row.submitted_at) == (clerk.account_id, before.submitted_at)
    assert [e.step for e in history(decided.id)] == ["submit", name, "take_back"]
    assert audit_of(decided.id)[-1].detail["step"] == "take_back"
    with unscoped("tests look at counters") as everything:
        assert live_counts(everything, LOOKBACK) == kept_counts(everything, LOOKBACK)
    assert step(reviewer, decided.id, "take_back").state == State.SUBMITTED  # the same click again
    step(reviewer, decided.id, "approve")  # and it can be decided anew


def test_what_cannot_be_taken_back(decided: Lookback, clerk: Actor, reviewer: Actor) -> None:
    with pytest.raises(Conflict):
        step(reviewer, decided.id, "take_back")
    row = step(reviewer, decided.id, "approve")
    with pytest.raises(Conflict, match="后续操作"):
        step(actor(COUNTY_REVIEWER), decided.id, "take_back")
    with pytest.raises(Conflict, match="他人修改"):
        step(reviewer, decided.id, "take_back", row.version - 1)
    with pytest.raises(Forbidden):
        step(clerk, decided.id, "take_back")
    assert stored(decided.id).state == State.APPROVED


@pytest.mark.parametrize(("seconds", "refused"), [(13, False), (16, True)])
def test_a_decision_is_taken_back_for_ten_seconds_and_what_the_line_takes(
    decided: Lookback, reviewer: Actor, seconds: int, refused: bool
) -> None:
    step(reviewer, decided.id, "approve")
    with unscoped("tests turn the clock") as everything:
        for entry in everything.scalars(select(HistoryEntry)):
            entry.at -= dt.timedelta(seconds=seconds)
        everything.commit()
    if refused:
        with pytest.raises(Conflict, match="超过10秒"):
            step(reviewer, decided.id, "take_back")
    else:
        assert step(reviewer, decided.id, "take_back").state == State.SUBMITTED


def test_a_return_on_which_the_clerk_works_already_stays(
    decided: Lookback, clerk: Actor, reviewer: Actor
) -> None:
    row = step(reviewer, decided.id, "return", opinion="理由")
    save(clerk, decided.id, died() | {"village_group": "三组"}, row.version)
    with pytest.raises(Conflict, match="后续操作"):
        step(reviewer, decided.id, "take_back")
    assert stored(decided.id).state == State.RETURNED


def test_an_approval_on_which_something_was_built_stays(
    clerk: Actor, reviewer: Actor, survey: Lookback
) -> None:
    complete(survey, full_house(), (*FILES_OWN, "risky_photos", "seismic_paper"))
    step(clerk, survey.id, "submit")
    step(reviewer, survey.id, "approve")
    assert stored(survey.id).head_name == "王新"
    with pytest.raises(Conflict, match="已生成后续内容"):
        step(reviewer, survey.id, "take_back")


def test_a_reader_sees_no_steps(survey: Lookback) -> None:
    complete(survey, died())
    reader = actor(COUNTY_READER)
    assert steps.open_steps(LOOKBACK, stored(survey.id), reader) == []
