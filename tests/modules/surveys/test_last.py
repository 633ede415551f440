"""The survey that counts (spec 02): applications, ledger, own houses, page, paper and REST tell one."""

from __future__ import annotations

import datetime as dt
import io
import random
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
from flask import Flask
from sqlalchemy import select

from app.access.scope import unscoped
from app.core.clock import uuid7
from app.kernel import hooks
from app.kernel.declare.flow import State
from app.kernel.households import lists as households
from app.kernel.rows.household import Household
from app.modules.homes.choices import Grade, Progress
from app.modules.renovation.dossier.model import Dossier
from app.modules.renovation.fields import Basis
from app.modules.surveys import last
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.register import MONITORING
from app.modules.unsafe_homes import backfill
from app.modules.unsafe_homes.model import ToldBy
from tests import builders as b
from tests.hands import Hands
from tests.modules.surveys.two_lists import BOTH, DANGEROUS, DECIDED, ELSEWHERE, NEW, OLD, Two

AsAccount = Callable[..., Hands]
#: Which survey is decided on first; the newer one of the two is always that of monitoring.
ORDERS = [(LOOKBACK, MONITORING), (MONITORING, LOOKBACK)]
orders = pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order[0].name} first")


def proved() -> None:
    with unscoped("tests prove") as session:
        assert list(backfill.wrong(session)) == []


@orders
def test_the_newest_survey_asks_for_work(session: Any, order: Any) -> None:
    case = Two()
    case.enter(LOOKBACK, ELSEWHERE, OLD)
    case.enter(MONITORING, DANGEROUS, NEW)
    for register in order:
        case.decide(register)
    made, row = case.application(), case.ledger()
    assert made is not None
    assert row is not None
    newest = case.rows["monitoring"].id
    assert (made.basis, made.survey_register, made.survey_id) == (Basis.HELD, "monitoring", newest)
    assert (row.told_by, row.survey_id, row.surveyed_on) == (ToldBy.MONITORING, newest, NEW)
    assert case.own_house()
    proved()


@orders
def test_the_newest_survey_asks_for_none(session: Any, order: Any) -> None:
    case = Two()
    case.enter(LOOKBACK, DANGEROUS, OLD)
    case.enter(MONITORING, ELSEWHERE, NEW)
    for register in order:
        case.decide(register)
    made = case.application()
    assert made is None or made.basis == Basis.CLOSED  # it was opened while the older one counted
    assert (made is None) == (order[0] is MONITORING)
    assert case.ledger() is None
    assert not case.own_house()
    proved()


def test_what_counted_before_counts_again_when_the_newer_one_is_sent_back(session: Any) -> None:
    case = Two()
    case.enter(LOOKBACK, DANGEROUS, OLD)
    case.enter(MONITORING, ELSEWHERE, NEW)
    case.decide(MONITORING)
    case.decide(LOOKBACK)
    assert (case.application(), case.ledger()) == (None, None)
    case.decide(MONITORING, "send_back", opinion="抽查不符")
    made, row = case.application(), case.ledger()
    assert made is not None
    assert row is not None
    assert (made.basis, made.survey_register, row.told_by) == (
        Basis.HELD, "lookback", ToldBy.LOOKBACK,
    )  # fmt: skip
    assert case.own_house()
    proved()


def test_of_one_day_the_one_that_was_decided_on_later_counts(session: Any) -> None:
    case = Two()
    case.enter(LOOKBACK, DANGEROUS, NEW)
    case.enter(MONITORING, ELSEWHERE, NEW)
    case.decide(MONITORING)
    case.decide(LOOKBACK)
    made = case.application()
    assert made is not None
    assert made.survey_register == "lookback"
    proved()


def test_a_survey_counts_while_the_household_stands_on_its_list(session: Any) -> None:
    case = Two()
    case.enter(LOOKBACK, ELSEWHERE, OLD)
    case.enter(MONITORING, DANGEROUS, NEW)
    for register in ORDERS[0]:
        case.decide(register)

    def stand(change: Any) -> None:
        with unscoped("tests change lists") as everything:
            change(everything, everything.get_one(Household, case.home.id), "low_income")
            everything.commit()

    stand(households.delist)
    made = case.application()
    assert made is not None
    assert made.basis == Basis.CLOSED
    assert case.ledger() is None
    assert not case.own_house()
    proved()
    stand(households.enlist)
    made = case.application()
    assert made is not None
    assert made.basis == Basis.HELD
    assert case.ledger() is not None
    assert case.own_house()
    proved()


@orders
def test_page_paper_and_rest_tell_the_same(app: Flask, as_account: AsAccount, order: Any) -> None:
    with app.app_context():
        case = Two()
        case.enter(LOOKBACK, DANGEROUS | {"grade": Grade.C}, OLD)
        case.enter(MONITORING, DANGEROUS, NEW)
        for register in order:
            case.decide(register)
        made, row = case.application(), case.ledger()
        assert made is not None
        assert row is not None
    newest = case.rows["monitoring"].id
    hands = as_account(b.COUNTY_MANAGER)
    page = hands.get(f"/household/{case.home.id}").text
    house = page[page.index("house-title") : page.index("day-title")]
    assert f'"/monitoring/{newest}"' in house
    document = pypdfium2.PdfDocument(io.BytesIO(hands.get(f"/household/{case.home.id}/paper").data))
    text = "".join(one.get_textpage().get_text_range() for one in document)
    assert "结果 D 级" in text
    assert "结果 C 级" not in text
    for register, key in (("risk", row.id), ("application", made.id)):
        assert hands.get(f"/api/v1/{register}/{key}").json["values"]["grade"] == "D"


# ---- one rule, however it is read ----------------------------------------------------------------


def test_rows_at_hand_and_the_database_agree(session: Any) -> None:
    """Any surveys, in any state, on any lists: both readers name the same."""
    pick = random.Random(20240907)
    days = [OLD, NEW, None]
    cases = [Two() for _n in range(24)]
    with unscoped("tests fill surveys") as everything:
        for case in cases:
            home = everything.get_one(Household, case.home.id)
            home.poverty_exit, home.low_income = pick.random() < 0.7, pick.random() < 0.7
            for register in (LOOKBACK, MONITORING):
                row = everything.get_one(register.model, case.rows[register.name].id)
                row.state = pick.choice([State.APPROVED, State.APPROVED, State.RETURNED])
                row.surveyed_on = pick.choice(days)
                row.decided_at = DECIDED + dt.timedelta(hours=pick.randrange(3) * 12)
        everything.commit()
        everything.expunge_all()
        homes = everything.scalars(select(Household).order_by(Household.id)).all()
        read = last.last_surveys(everything, homes)
        told = {}
        for home in homes:
            records = households.records_of(everything, home)
            approved = [(r, row) for r, row in records if row.state == State.APPROVED]
            approved = [one for one in approved if one[0] in last.surveys()]
            if one := last.newest(home, approved):
                told[home.id] = (one[0].name, one[1].id)
                assert hooks.house_record(home, records) == [one]
    assert {key: (one.register.name, one.survey.id) for key, one in read.items()} == told
    assert 5 < len(told) < 24


# ---- facts on the house --------------------------------------------------------------------------


def accepted(case: Two, on: dt.date, stage: Progress = Progress.COMPLETED) -> None:
    """A renovation of the house is completed and accepted; no application of ours tells of it."""
    with unscoped("tests renovate") as session:
        home = session.get_one(Household, case.home.id)
        session.add(
            Dossier(
                region_id=home.region_id, household_id=home.id, head_name=home.head_name,
                source_id=uuid7(), stage=stage, plan_year=2024, accepted=True, accepted_on=on,
            )
        )  # fmt: skip
        session.flush()
        last.follow(session, [home.id])
        session.commit()


@pytest.mark.parametrize(
    ("on", "stage", "safe"),
    [
        (NEW, Progress.PAID, True),
        (OLD, Progress.COMPLETED, True),
        (OLD - dt.timedelta(days=1), Progress.COMPLETED, False),  # the survey is newer
        (NEW, Progress.STARTED, False),  # nobody has approved that it is completed
    ],
)
def test_an_accepted_renovation_secures_the_house(
    session: Any, on: dt.date, stage: Progress, *, safe: bool
) -> None:
    case = Two()
    case.enter(LOOKBACK, DANGEROUS, OLD)
    accepted(case, on, stage)
    case.decide(LOOKBACK)
    row = case.ledger()
    assert row is not None
    assert row.secured is safe
    assert (case.application() is None) is safe  # what was done is not applied for again
    proved()


def test_a_newer_survey_says_otherwise(session: Any) -> None:
    case = Two()
    case.enter(LOOKBACK, DANGEROUS, OLD)
    case.decide(LOOKBACK)
    accepted(case, OLD + dt.timedelta(days=1))
    row, made = case.ledger(), case.application()
    assert row is not None
    assert row.secured
    assert made is not None
    assert made.basis == Basis.HELD
    case.enter(MONITORING, DANGEROUS, NEW)
    case.decide(MONITORING)
    row = case.ledger()
    assert row is not None
    assert (row.secured, row.told_by) == (False, ToldBy.MONITORING)
    proved()


def test_every_list_has_a_register_of_surveys() -> None:
    assert {register.follows for register in last.surveys()} == set(BOTH)
