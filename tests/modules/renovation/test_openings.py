"""Applications open, close, wait and come back by themselves, and go the way of their flow (spec 02
"Approved + not yet secured", spec 04).
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.access import settings
from app.access.actor import Actor
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import today
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.jobs.table import Job, JobContext, JobState, enqueue_once
from app.core.jobs.worker import claim, run
from app.kernel import hooks
from app.kernel.declare.flow import State
from app.kernel.declare.register import all_registers
from app.kernel.figures import counters
from app.kernel.hooks import Leaving
from app.kernel.households import lists as households
from app.kernel.records import save as records
from app.kernel.records import steps
from app.kernel.rows import record as rows_of
from app.kernel.rows.household import Household
from app.modules.homes.choices import Grade, Measure, Progress
from app.modules.low_income.fields import Listed
from app.modules.renovation import following, openings, plan_years
from app.modules.renovation.application.model import Application
from app.modules.renovation.application.register import APPLICATION
from app.modules.renovation.dossier.model import Dossier
from app.modules.renovation.fields import Basis, Kind, Way
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    CITY,
    CONTACT,
    COUNTY_COLLECTOR,
    COUNTY_REVIEWER,
    FILES_UNSAFE,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    actor,
    attach,
    below,
    complete,
    household,
    own_house,
    seat,
)
from tests.clicks import click
from tests.kernel.figures import counted

pytestmark = pytest.mark.usefixtures("session")

DANGEROUS = own_house(Grade.D) | {
    "secured": False,
    "measure": Measure.RENOVATION,
    "measure_year": 2024,
}
FORM: dict[str, Any] = {
    "sex": "male", "population": 3, "ethnicity": "01", "phone": "13909180000",
    "priority": True, "hardship": ("allowance",), "veteran": False, "disabled": True,
    "elder": False, "child": False, "minority": False,
    "grade": Grade.D, "judged_on": dt.date(2023, 5, 1),
    "kind": Kind.RENOVATION, "way": Way.REBUILD, "energy_saving": True, "barrier_free": False,
    "plan_year": 2024, "applied_on": dt.date(2024, 10, 8), "published": True,
}  # fmt: skip
FILES = ("appraisal", "photos_before", "application_paper")


def county_path() -> str:
    return seat(Level.COUNTY).path


class Case:
    """One household: its survey as often approved and sent back as a test wants, its application."""

    def __init__(self, **columns: Any) -> None:
        self.home, self.survey = household(**columns)
        attach(self.survey, *FILES_UNSAFE)
        self.village, self.town = actor(VILLAGE_CLERK), actor(TOWN_MANAGER)
        self.county, self.city = actor(COUNTY_REVIEWER), actor(CITY)

    def surveyed(self, **answers: Any) -> Case:
        """The village enters it, the county approves."""
        row = self._look(LOOKBACK.model, self.survey.id)
        if row.state == State.APPROVED:
            self.sent_back()
            row = self._look(LOOKBACK.model, self.survey.id)
        form = DANGEROUS | answers
        self.do(self.village, records.save, LOOKBACK, row.id, form, row.version)
        for who, name in ((self.village, "submit"), (self.county, "approve")):
            self.do(who, steps.transition, LOOKBACK, row.id, name, None, CONTACT)
        return self

    def sent_back(self) -> None:
        said = {"opinion": "抽查不符"}
        args = (LOOKBACK, self.survey.id, "send_back", None, CONTACT)
        self.do(self.city, steps.transition, *args, **said)

    def fill(self, who: Actor | None = None, **answers: Any) -> None:
        row = self.row
        attach(row, *FILES, register="application")
        form = FORM | answers
        self.do(who or self.village, records.save, APPLICATION, row.id, form, row.version)

    def step(self, who: Actor, name: str, **said: Any) -> None:
        self.do(who, steps.transition, APPLICATION, self.row.id, name, None, CONTACT, **said)

    def submitted(self) -> Case:
        self.fill()
        self.step(self.village, "submit")
        return self

    @staticmethod
    def do(who: Actor, action: Any, *args: Any, **options: Any) -> None:
        with acting_as(who):
            try:
                click(action, *args, **options)
            finally:
                db.session.remove()

    @property
    def rows(self) -> list[Any]:
        with unscoped("tests look") as session:
            query = select(Application).where(Application.household_id == self.home.id)
            return list(session.scalars(query.order_by(Application.number)))

    @property
    def row(self) -> Any:
        return self.rows[-1]

    @property
    def history(self) -> list[str]:
        with unscoped("tests look") as session:
            entries = select(rows_of.HistoryEntry).where(
                rows_of.HistoryEntry.record_id == self.row.id
            )
            return [e.step for e in session.scalars(entries.order_by(rows_of.HistoryEntry.at))]

    @staticmethod
    def _look(model: Any, key: uuid.UUID) -> Any:
        with unscoped("tests look") as session:
            return session.get_one(model, key)


def test_an_approved_survey_opens_one_application_prefilled() -> None:
    case = Case().surveyed()
    (row,) = case.rows
    assert (row.state, row.basis, row.kind) == (State.MISSING, Basis.HELD, Kind.RENOVATION)
    assert (row.plan_year, row.grade, row.no_house) == (2024, Grade.D, False)
    assert (row.population, row.phone) == (4, "13909180000")
    assert row.head_name == case.home.head_name
    assert row.region_id == case.home.region_id
    assert case.history == ["opened"]
    with unscoped("tests look") as session:
        opened = session.scalars(
            select(rows_of.HistoryEntry).where(rows_of.HistoryEntry.record_id == row.id)
        ).one()
        assert (opened.person, opened.phone) == (case.county.name, ""), "nobody did it by hand"
        assert counted.rebuild(session, APPLICATION) == 0
        assert counters.total(session, APPLICATION, "total@2024", county_path()) == 1
        assert counters.total(session, APPLICATION, "renovation_open@2024", county_path()) == 1


@pytest.mark.parametrize(
    ("answers", "opens"),
    [
        ({"measure": Measure.RETROFIT}, Kind.RETROFIT),
        ({"secured": True}, None),
        ({"measure": Measure.SELF}, None),
        ({"measure": Measure.PUBLIC_HOUSING}, None),
    ],
)
def test_what_opens(answers: dict[str, Any], opens: Kind | None) -> None:
    case = Case().surveyed(**answers)
    assert [row.kind for row in case.rows] == ([opens] if opens else [])


def test_sent_back_an_untouched_application_is_closed_and_comes_back_as_the_same_row() -> None:
    case = Case().surveyed()
    key = case.row.id
    case.sent_back()
    assert case.row.basis == Basis.CLOSED
    with pytest.raises(Conflict, match="已经关闭"):
        case.fill()
    case.surveyed(grade=Grade.C)
    (row,) = case.rows
    assert (row.id, row.basis, row.grade) == (key, Basis.HELD, Grade.C)
    assert case.history == ["opened", "closed", "revived"]
    case.surveyed(measure=Measure.SELF)
    assert case.row.basis == Basis.CLOSED


def test_a_submitted_one_is_flagged_and_goes_on_when_the_survey_is_approved_again() -> None:
    case = Case().surveyed().submitted()
    case.step(case.town, "check")
    case.sent_back()
    assert (case.row.state, case.row.basis) == (State.SUBMITTED, Basis.DOUBTED)
    with pytest.raises(Conflict, match="待核实"):
        case.step(case.county, "approve")
    case.surveyed()
    assert case.row.basis == Basis.HELD
    case.step(case.county, "approve")
    assert case.row.state == State.APPROVED


def test_a_flagged_one_that_says_something_else_is_corrected_by_its_author() -> None:
    case = Case().surveyed().submitted()
    case.surveyed(grade=Grade.C)
    assert case.row.basis == Basis.DOUBTED
    case.step(case.town, "check_return", opinion="等级已改为C级")
    case.fill(grade=Grade.C)
    assert case.row.basis == Basis.HELD
    case.step(case.village, "submit")
    assert case.row.state == State.CHECKING


def test_the_approval_of_a_survey_that_is_taken_back_closes_it() -> None:
    case = Case().surveyed()
    case.do(case.county, steps.transition, LOOKBACK, case.survey.id, "take_back", None, CONTACT)
    assert case.row.basis == Basis.CLOSED


def test_next_years_measure_waits_for_its_plan_year(app: Flask) -> None:
    day = today()
    case = Case().surveyed(surveyed_on=day, measure_year=day.year + 1)
    assert case.row.basis == Basis.WAITING
    with pytest.raises(Conflict, match="未列入当前计划"):
        case.fill()
    with unscoped("tests look") as session:
        assert counters.total(session, APPLICATION, "total", county_path()) == 0
    job = JobContext(id=uuid.uuid4(), attempt=1, kind="", args={}, account_id=None, locale="zh",
                     checkpoint=None, files=[])  # fmt: skip
    assert plan_years.roll_over(job)["opened"] == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_years, "plan_year", lambda: day.year + 1)
        assert plan_years.roll_over(job)["opened"] == 1
        assert plan_years.roll_over(job)["opened"] == 0
    assert case.row.basis == Basis.HELD
    assert case.history == ["opened", "rolled_over"]
    with unscoped("tests look") as session:
        assert counters.total(session, APPLICATION, "total", county_path()) == 1


@pytest.mark.parametrize(
    ("begins", "day", "year"),
    [("01-01", dt.date(2026, 1, 1), 2026), ("03-15", dt.date(2026, 3, 14), 2025),
     ("03-15", dt.date(2026, 3, 15), 2026)],
)  # fmt: skip
def test_the_day_of_the_rollover_is_a_setting(begins: str, day: dt.date, year: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "value", lambda _name, **_how: begins)
        assert plan_years.plan_year(day) == year


def test_a_wrong_day_is_no_setting() -> None:
    assert plan_years.BEGINS.check
    assert [bool(plan_years.BEGINS.check(t)) for t in ("02-29", "13-01", "1-1", "03-15")] == [
        True, True, True, False
    ]  # fmt: skip


def test_surveys_approved_before_get_theirs_once(app: Flask) -> None:
    cases = [Case() for _ in range(3)]
    for case in cases:
        complete(case.survey, DANGEROUS)
        with unscoped("tests approve past all rules") as session:
            session.get_one(LOOKBACK.model, case.survey.id).state = State.APPROVED
            session.commit()
    assert enqueue_once() > 0  # on a database that knows of none of them
    assert enqueue_once() == 0
    while job := claim():
        run(app, job, threading.Event())
    assert [len(case.rows) for case in cases] == [1, 1, 1]
    assert enqueue_once() == 0
    with db.engine.begin() as connection:  # … and done again it changes nothing
        connection.execute(update(Job).values(state=JobState.QUEUED, checkpoint=None, attempt=0))
    while job := claim():
        run(app, job, threading.Event())
    assert [case.history for case in cases] == [["opened"]] * 3


# ---- the flow ------------------------------------------------------------------------------------


def test_a_villages_application_goes_through_the_town_to_the_county() -> None:
    case = Case().surveyed().submitted()
    assert case.row.state == State.CHECKING
    with pytest.raises(Conflict):
        case.step(case.county, "approve")
    with pytest.raises(Forbidden):
        case.step(case.county, "check")
    case.step(case.town, "check")
    row = case.row
    assert (row.state, row.checker, row.checker_phone) == (
        State.SUBMITTED, CONTACT.person, CONTACT.phone
    )  # fmt: skip
    assert row.checked_on == today()
    case.step(case.county, "return", reasons=("资料不全", "信息有误"))
    assert case.row.state == State.RETURNED
    assert case.row.checker is None
    with acting_as(case.village):
        assert records.may_edit(APPLICATION, case.row, case.village)
        db.session.remove()
    case.step(case.village, "submit")
    assert case.row.state == State.CHECKING


def test_a_towns_own_goes_straight_to_the_county_with_its_submitter_as_checker() -> None:
    case = Case().surveyed()
    case.fill(case.town)
    case.step(case.town, "submit")
    assert (case.row.state, case.row.checker) == (State.SUBMITTED, CONTACT.person)
    assert case.row.checked_on == today()


def test_a_countys_own_has_no_checker() -> None:
    case = Case().surveyed()
    collector = actor(COUNTY_COLLECTOR)
    case.fill(collector)
    case.step(collector, "submit")
    assert (case.row.state, case.row.checker) == (State.SUBMITTED, None)
    case.step(case.county, "approve")
    case.step(case.county, "reopen", reasons=("信息有误",))
    assert case.row.state == State.RETURNED


def test_a_town_checks_nothing_of_the_next_town() -> None:
    case = Case().surveyed().submitted()
    other = actor(TOWN_MANAGER, below(seat(Level.COUNTY), Level.TOWN, 1))
    with pytest.raises(Exception, match="没有找到"):
        case.step(other, "check")


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"way": Way.STRENGTHEN}, "way"),
        ({"way": Way.FIRST_HOUSE}, "way"),
        ({"grade": Grade.A}, "kind"),
        ({"judged_on": dt.date(2020, 12, 31)}, "judged_on"),
        ({"applied_on": dt.date(2999, 1, 1)}, "applied_on"),
        ({"plan_year": 2026}, "plan_year"),
        ({"plan_year": None}, "plan_year"),
        ({"judged_by_code": "91350100M000100Y44"}, "judged_by_code"),
        ({"phone": "123"}, "phone"),
    ],
)
def test_wrong_answers_are_refused_at_their_field(answers: dict[str, Any], field: str) -> None:
    case = Case().surveyed()
    with pytest.raises(Invalid) as refused:
        case.fill(**answers)
    assert field in {problem.field for problem in refused.value.problems}
    assert case.row.state == State.MISSING


def test_what_the_survey_decided_is_not_typed() -> None:
    case = Case().surveyed()
    with pytest.raises(Invalid) as refused:
        case.fill(no_house=True, grade=None, judged_on=None)
    assert ("no_house", "由系统确定，不能修改。") in {
        (problem.field, problem.message) for problem in refused.value.problems
    }


def test_what_was_deleted_says_again_what_the_survey_says() -> None:
    case = Case().surveyed()
    case.fill(way=Way.REPAIR)
    case.do(case.village, records.clear, APPLICATION, case.row.id, case.row.version)
    row = case.row
    assert (row.state, row.kind, row.plan_year, row.way) == (
        State.MISSING, Kind.RENOVATION, 2024, None
    )  # fmt: skip


# ---- the end, and leaving ------------------------------------------------------------------------


def test_nobody_leaves_the_list_with_an_open_application() -> None:
    case = Case().surveyed()
    with unscoped("tests look") as session:
        home = session.get_one(Household, case.home.id)
        (why,) = hooks.why_stay(session, home, Leaving.LIST)
        assert "未办结的改造申请" in why
        assert hooks.why_stay(session, home, Leaving.PLACE) == []
    case.sent_back()
    with unscoped("tests look") as session:
        assert hooks.why_stay(session, case.home, Leaving.LIST) == []


def test_a_house_that_was_renovated_may_need_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case().surveyed().submitted()
    case.step(case.town, "check")
    case.step(case.county, "approve")
    monkeypatch.setattr(following, "is_ended", lambda _session, _row: True)
    with unscoped("a later survey, of another register") as session:
        session.get_one(Application, case.row.id).survey_id = uuid.uuid4()
        session.commit()
    with unscoped("tests settle") as session:
        assert openings.settle(session, [case.home.id], 2026) == 1
        session.commit()
    assert [(row.number, row.state) for row in case.rows] == [
        (1, State.APPROVED), (2, State.MISSING)
    ]  # fmt: skip


SAFE = own_house(Grade.A) | dict.fromkeys(("secured", "measure", "measure_year"))


@pytest.mark.parametrize(
    ("again", "day", "held"),
    [
        (DANGEROUS, dt.date(2024, 9, 7), True),  # as it was
        (DANGEROUS | {"grade": Grade.C}, dt.date(2024, 9, 7), False),
        (SAFE, dt.date(2024, 9, 7), False),  # nothing was to be paid for
        (SAFE, dt.date(2026, 1, 5), True),  # the new house, after the acceptance
    ],
)
def test_a_survey_sent_back_after_full_payment_flags_what_was_paid_for(
    again: dict[str, Any], day: dt.date, *, held: bool
) -> None:
    case = Case().surveyed().submitted()
    case.step(case.town, "check")
    case.step(case.county, "approve")
    with unscoped("tests pay in full") as session:
        paid = session.scalars(select(Dossier).where(Dossier.source_id == case.row.id)).one()
        paid.stage, paid.state, paid.accepted = Progress.PAID, State.APPROVED, True
        paid.accepted_on, paid.paid, paid.paid_in_full = dt.date(2025, 10, 1), 9000, True
        session.commit()
    case.sent_back()
    assert (case.row.state, case.row.basis) == (State.APPROVED, Basis.DOUBTED)
    assert case.history[-1] == "doubted"
    with unscoped("tests look") as session:
        kept = session.get_one(Dossier, paid.id)
        assert (kept.paid_in_full, kept.suspended) == (True, False), "money is never undone"
    case.surveyed(**again | {"surveyed_on": day})
    assert [row.basis for row in case.rows] == [Basis.HELD if held else Basis.DOUBTED]
    assert case.history[-1] == ("confirmed" if held else "doubted")


def test_what_the_low_income_list_knows_comes_with_the_application() -> None:
    case = Case()
    with unscoped("tests enlist") as session:
        home = session.get_one(Household, case.home.id)
        households.enlist(session, home, "low_income")
        (model,) = (r.model for r in all_registers() if issubclass(r.model, Listed))
        listed = session.scalars(select(model).where(model.household_id == home.id)).one()
        listed.groups = ("allowance", "relapse")
        session.commit()
    case.surveyed()
    assert case.row.priority is True
    assert set(case.row.hardship) == {"allowance", "relapse"}
