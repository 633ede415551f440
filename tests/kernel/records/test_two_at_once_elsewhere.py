"""Two at the same moment in the registers beside the look-back, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.actor import Actor
from app.access.scope import unscoped
from app.core.clock import uuid7
from app.core.errors import Conflict, Invalid
from app.core.transactions import tried
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.figures import counters
from app.kernel.households import lists as households
from app.kernel.records import creations, renewals, steps
from app.kernel.records import save as records
from app.kernel.rows.household import Household
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from app.modules.craftsmen.model import Craftsman
from app.modules.craftsmen.register import CRAFTSMAN
from app.modules.homes.choices import Grade, Measure
from app.modules.renovation.application.model import Application
from app.modules.renovation.application.register import APPLICATION
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.model import Monitoring
from app.modules.surveys.monitoring.register import MONITORING
from tests import crowds
from tests.builders import (
    CONTACT,
    COUNTY_COLLECTOR,
    COUNTY_MANAGER,
    COUNTY_REVIEWER,
    FILES_UNSAFE,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    actor,
    attach,
    homeless,
    household,
    id_number,
    other_home,
    own_house,
    region,
)
from tests.clicks import click
from tests.modules.samples import monitored

ASKS = own_house(Grade.D) | {
    "secured": False,
    "measure": Measure.RENOVATION,
    "measure_year": 2024,
}


def at_once(app: Flask, *works: tuple[Actor, Callable[[], Any]]) -> list[Any]:
    """Each work as its actor."""
    return crowds.at_once(app, *(crowds.acting(who, work) for who, work in works))


def look(app: Flask, model: Any) -> list[Any]:
    with app.app_context(), unscoped("tests look") as everything:
        return list(everything.scalars(select(model)))


def no_drift(app: Flask, register: Register) -> None:
    with app.app_context(), unscoped("tests look") as everything:
        kept = counters.kept_counts(everything, register)
        assert kept == counters.live_counts(everything, register)


def say(row: Any, form: dict[str, Any], state: State) -> None:
    """Put this into the record, past all rules."""
    with unscoped("tests arrange") as session:
        stored = session.get_one(type(row), row.id)
        for name, value in (form | {"state": state}).items():
            setattr(stored, name, value)
        session.commit()


def test_two_counties_enter_one_craftsman(app: Flask) -> None:
    with app.app_context():
        clerks = [actor(COUNTY_MANAGER), actor(COUNTY_MANAGER, region(NEXT_COUNTY))]
        number = id_number()
    form = {
        "name": "王建军", "id_number": number, "phone": "13909180000", "lead": False,
        "qualified": False,
    }  # fmt: skip
    outcome = at_once(
        app,
        *[
            (
                who,
                lambda place=who.region_id: tried(
                    lambda: click(creations.create, CRAFTSMAN, uuid7(), place, form)
                ),
            )
            for who in clerks
        ],
    )
    (lost,) = [one for one in outcome if isinstance(one, Exception)]
    assert isinstance(lost, Invalid), outcome
    (problem,) = lost.problems
    assert (problem.field, problem.way) == ("id_number", "申请转入")
    (row,) = look(app, Craftsman)
    assert row.id_number == number
    no_drift(app, CRAFTSMAN)


def test_two_counties_enter_the_archive_of_one_person_and_year(app: Flask) -> None:
    with app.app_context():
        clerks = [actor(COUNTY_MANAGER), actor(COUNTY_MANAGER, region(NEXT_COUNTY))]
        form = {"head_name": "张建国", "head_id": id_number(), "plan_year": 2015}

    def enter(place: int | None) -> Any:
        return tried(lambda: click(creations.create, ARCHIVE, uuid7(), place, form))

    outcome = at_once(app, *((who, partial(enter, who.region_id)) for who in clerks))
    (lost,) = [one for one in outcome if isinstance(one, Exception)]
    assert isinstance(lost, Invalid), outcome
    (problem,) = lost.problems
    assert problem.code == "head_id.there"
    assert "张建国" not in problem.message, "elsewhere the county alone"
    (row,) = look(app, Archive)
    assert row.unique_key == f"{form['head_id']}|2015"
    no_drift(app, ARCHIVE)


def test_two_surveys_of_one_household_are_approved(app: Flask) -> None:
    """Its look-back and its monitoring record ask for work: one application opens."""
    with app.app_context():
        home, survey = household()
        with unscoped("tests enlist") as session:
            households.enlist(session, session.get_one(Household, home.id), "low_income")
            session.commit()
            query = select(Monitoring).where(Monitoring.household_id == home.id)
            record = session.scalars(query).one()
        reviewers = [actor(COUNTY_REVIEWER), actor(COUNTY_REVIEWER)]
        for register, row in ((LOOKBACK, survey), (MONITORING, record)):
            attach(row, *FILES_UNSAFE, register=register.name)
            say(row, ASKS, State.SUBMITTED)
    outcome = at_once(
        app,
        *[
            (
                who,
                lambda r=register, key=row.id: click(
                    steps.transition, r, key, "approve", None, CONTACT
                ),
            )
            for who, register, row in zip(
                reviewers, (LOOKBACK, MONITORING), (survey, record), strict=True
            )
        ],
    )
    assert [row.state for row in outcome] == [State.APPROVED] * 2, outcome
    (row,) = look(app, Application)
    assert (row.household_id, row.plan_year, row.number) == (home.id, 2024, 1)
    no_drift(app, APPLICATION)


@pytest.fixture
def record(app: Flask) -> Monitoring:
    with app.app_context():
        return monitored()[1]


@pytest.fixture
def clerks(app: Flask) -> list[Actor]:
    with app.app_context():
        return [actor(VILLAGE_CLERK), actor(COUNTY_COLLECTOR)]


def test_two_renew_one_record(app: Flask, record: Monitoring, clerks: list[Actor]) -> None:
    with app.app_context():
        say(record, other_home(), State.APPROVED)
    made = at_once(
        app, *[(who, lambda: click(renewals.renew, MONITORING, record.id)) for who in clerks]
    )
    assert len({getattr(one, "id", one) for one in made}) == 1, made
    assert len(look(app, Monitoring)) == 2
    key = made[0].id
    forms = (other_home(), homeless())
    outcome = at_once(
        app,
        *[
            (who, lambda form=form: click(records.save, MONITORING, key, form, 1))
            for who, form in zip(clerks, forms, strict=True)
        ],
    )
    assert [type(one) for one in outcome if isinstance(one, Exception)] == [Conflict], outcome
    (won,) = [one for one in outcome if not isinstance(one, Exception)]
    rows = {row.id: row for row in look(app, Monitoring)}
    assert (rows[key].current, rows[record.id].current) == (True, False)
    assert rows[key].living == won.living
    no_drift(app, MONITORING)
