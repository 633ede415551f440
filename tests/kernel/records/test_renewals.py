"""Records that follow one another (spec 03 "Monitoring record"): the last one counts, the earlier ones
stay as history.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import day_begins
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.kernel.declare.flow import State
from app.kernel.households import lists as households
from app.kernel.households import moves
from app.kernel.records import renewals, steps
from app.kernel.rows.household import Household
from app.kernel.rows.record import HistoryEntry
from app.modules.homes.choices import Living
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.register import MONITORING
from tests.builders import (
    CONTACT,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_REVIEWER,
    FILES_OWN,
    VILLAGE_CLERK,
    actor,
    attach,
    below,
    died,
    homeless,
    household,
    moved,
    other_home,
    own_house,
    region,
)
from tests.renewing import Case, act, count


@pytest.fixture
def case(session: Any) -> Case:
    return Case()


# ---- the life of a record ------------------------------------------------------------------------


def test_a_new_record_counts_from_its_first_save(case: Case) -> None:
    case.approve(other_home())
    key = case.renew()
    assert case.renew() == key, "the same click twice"
    assert (case.row().current, case.row(key).current) == (True, False)
    assert (count("total"), count("approved"), count("other_safe")) == (1, 1, 1)
    case.save(homeless(), key)
    assert (case.row().current, case.row(key).current) == (False, True)
    assert (count("total"), count("draft"), count("approved")) == (1, 1, 0)
    assert (count("homeless"), count("other_safe")) == (1, 0)
    case.step("submit", key)
    case.step("approve", key)
    assert (count("approved"), count("homeless"), case.row().state) == (1, 1, State.APPROVED)


def test_deleting_it_gives_the_one_before_back(case: Case) -> None:
    case.approve(other_home())
    key = case.renew()
    case.save(homeless(), key)
    case.clear(key)
    assert (case.row().current, case.row(key).current) == (True, False)
    assert (count("approved"), count("other_safe"), count("total")) == (1, 1, 1)
    assert case.renew() == key, "the form may be opened again"
    case.save(died(), key)
    assert (count("died"), count("draft")) == (1, 1)


def test_only_an_approved_record_is_followed_by_another(case: Case) -> None:
    case.save(other_home())
    with pytest.raises(Conflict, match="已录入未上报"):
        case.renew()
    case.step("submit")
    with pytest.raises(Conflict, match="已上报待审核"):
        case.renew()
    case.step("approve")
    key = case.renew()
    case.approve(homeless(), key)
    with pytest.raises(Conflict, match="更新的监测记录"):
        case.renew()  # the earlier one is history
    assert case.renew(key) != key


def test_who_may_and_which_registers_know_it(case: Case) -> None:
    case.approve(other_home())
    with pytest.raises(Forbidden):
        act(actor(COUNTY_REVIEWER), renewals.renew, MONITORING, case.key)
    elsewhere = actor(VILLAGE_CLERK, below(region(COUNTY), Level.VILLAGE, 1))
    with pytest.raises(NotFound):
        act(elsewhere, renewals.renew, MONITORING, case.key)
    _home, survey = household(state=State.APPROVED)
    with pytest.raises(NotFound, match="没有这一操作"):
        act(case.clerk, renewals.renew, LOOKBACK, survey.id)


def test_nobody_decides_on_what_a_later_record_replaced(case: Case) -> None:
    case.approve(other_home())
    case.save(homeless(), case.renew())
    with pytest.raises(Conflict, match="更新的监测记录"):
        act(actor(COUNTY_MANAGER), steps.transition, MONITORING, case.key, "send_back", None,
            CONTACT, "核实有误")  # fmt: skip
    with pytest.raises(Conflict, match="不能修改"):
        case.save(died())
    manager = actor(COUNTY_MANAGER)
    row = case.row()
    assert act(manager, steps.open_steps, MONITORING, row, manager) == []


def test_what_was_sent_back_meanwhile_is_corrected_first(case: Case) -> None:
    case.approve(other_home())
    key = case.renew()
    act(actor(COUNTY_MANAGER), steps.transition, MONITORING, case.key, "send_back", None, CONTACT,
        "核实有误")  # fmt: skip
    with pytest.raises(Conflict, match="退回补正"):
        case.save(homeless(), key)
    assert (count("returned"), case.row().current, case.row(key).state) == (1, True, State.MISSING)
    case.approve(other_home())
    case.save(homeless(), key)
    assert count("homeless") == 1


def test_a_household_that_left_the_list_is_not_counted_and_not_monitored(case: Case) -> None:
    case.approve(died())
    assert (count("died"), count("total")) == (1, 1)  # counts until it leaves
    with unscoped("the list is kept") as session:
        households.delist(session, session.get_one(Household, case.home_id), "low_income")
        session.commit()
    assert (count("died"), count("total")) == (0, 0)
    with pytest.raises(Conflict, match="不在名单"):
        case.renew()
    with unscoped("the list is kept") as session:
        households.enlist(session, session.get_one(Household, case.home_id), "low_income")
        session.commit()
    assert (count("died"), count("total")) == (1, 1)


# ---- what saving needs; bad input ------------------------------------------------------------------


def test_saving_needs_died_and_living(case: Case) -> None:
    """spec 03 "Statistics": without them nothing is monitored."""
    with pytest.raises(Invalid) as refused:
        case.save({"population": 3})
    assert [p.field for p in refused.value.problems] == ["died"]
    with pytest.raises(Invalid) as refused:
        case.save({"died": False})
    assert [p.field for p in refused.value.problems] == ["living"]
    assert count("missing") == 1
    case.save({"died": False, "living": Living.OWN})
    assert (count("monitored"), count("unjudged"), count("missing")) == (1, 1, 0)
    case.save({"died": True})
    assert (count("died"), count("own_house")) == (1, 0)


def test_an_appraisal_before_2021_is_refused(case: Case) -> None:
    form = own_house() | {"judged_on": dt.date(2020, 12, 31)}
    with pytest.raises(Invalid) as refused:
        case.save(form)
    assert [(p.field, p.message) for p in refused.value.problems] == [
        ("judged_on", "不能早于 2021-01-01。")
    ]
    case.save(form | {"judged_on": dt.date(2021, 1, 1)})


@pytest.mark.parametrize("state", [State.SUBMITTED, State.DRAFT])
def test_no_move_while_a_survey_waits_for_review(case: Case, state: State) -> None:
    """Of the same household in another register; asked when it is requested and when decided."""
    with unscoped("tests make surveys") as session:
        home = session.get_one(Household, case.home_id)
        households.enlist(session, home, "poverty_exit")
        session.flush()
        survey = session.scalars(
            select(LOOKBACK.model).where(LOOKBACK.model.household_id == case.home_id)
        ).one()
        survey.state = state
        session.commit()
    village = below(region(COUNTY), Level.VILLAGE, 1)
    if state == State.DRAFT:
        case.save(moved(village.id))
        request = act(case.clerk, moves.waiting_of, case.home_id)
        assert request is not None
        with unscoped("tests submit") as session:
            session.get_one(LOOKBACK.model, survey.id).state = State.SUBMITTED
            session.commit()
        with pytest.raises(Conflict, match="先办结"):
            act(actor(COUNTY_MANAGER), moves.agree, request.id, CONTACT)
        return
    with pytest.raises(Invalid) as refused:
        case.save(moved(village.id))
    assert [p.code for p in refused.value.problems] == ["moved.stays"]
    assert "回头看档案现在是“待审核”" in refused.value.problems[0].message


def test_a_request_to_move_is_no_monitoring(case: Case) -> None:
    """The household counts as 未监测 where it is, and again where it came to."""
    case.approve(other_home())
    key = case.renew()
    village = below(region(COUNTY), Level.VILLAGE, 1)
    case.save(moved(village.id), key)
    assert (count("total"), count("missing"), count("monitored")) == (1, 1, 0)
    request = act(case.clerk, moves.waiting_of, case.home_id)
    assert request is not None
    act(actor(COUNTY_MANAGER), moves.agree, request.id, CONTACT)
    assert (count("total"), count("missing")) == (1, 1)
    assert (case.row().region_id, case.row(key).region_id) == (village.id, village.id)
    assert case.row(key).current


# ---- looking back ----------------------------------------------------------------------------------


def at(key: uuid.UUID, day: dt.date, step: str) -> None:
    """Say that the record's step was done at noon of that day."""
    with unscoped("tests set the clock") as session:
        session.execute(
            update(HistoryEntry)
            .where(HistoryEntry.record_id == key, HistoryEntry.step == step)
            .values(at=day_begins(day) + dt.timedelta(hours=12))
        )
        session.commit()


def test_what_held_on_a_day(case: Case) -> None:
    case.approve(other_home())
    second = case.renew()
    case.approve(homeless(), second)
    for key, days in ((case.key, (1, 3)), (second, (11, 13))):
        at(key, dt.date(2025, 3, days[0]), "submit")
        at(key, dt.date(2025, 3, days[1]), "approve")

    def held(day: int) -> Any:
        found = act(case.clerk, renewals.on_day, MONITORING, case.home_id, dt.date(2025, 3, day))
        return found and (found.record.id, found.said["living"])

    assert held(2) is None
    assert held(3) == held(12) == (case.key, "other")
    assert held(13) == held(31) == (second, "none")
    act(actor(COUNTY_MANAGER), steps.transition, MONITORING, second, "send_back", None, CONTACT,
        "有误")  # fmt: skip
    at(second, dt.date(2025, 3, 20), "send_back")
    assert held(19) == (second, "none")
    assert held(20) == (case.key, "other"), "the last one that is approved"


def test_the_form_takes_over_what_lasts(case: Case) -> None:
    case.save(own_house())
    attach(case.row(), *FILES_OWN, register="monitoring")
    case.step("submit")
    case.step("approve")
    key = case.renew()
    taken = act(case.clerk, renewals.taken_over, MONITORING, case.row(key))
    assert (taken["structure"], taken["living"], taken["grade"]) == ("01", "own", "A")
    assert (
        not {"died", "surveyed_on", "head_changed", "split", "moved", "front_photos"} & taken.keys()
    )


# ---- years -----------------------------------------------------------------------------------------


def test_a_year_counts_the_newest_record_of_it(case: Case) -> None:
    case.approve(other_home())  # surveyed in 2024
    key = case.renew()
    again = homeless() | {"surveyed_on": dt.date(2025, 5, 1), "measure_year": 2026}
    case.save(again, key)
    assert (count("other_safe", 2024), count("homeless", 2025), count("homeless")) == (1, 1, 1)
    case.clear(key)
    assert (count("homeless", 2025), count("other_safe", 2024), count("other_safe")) == (0, 1, 1)
    case.save(homeless(), key)  # in 2024 too
    assert (count("homeless", 2024), count("other_safe", 2024)) == (1, 0)
