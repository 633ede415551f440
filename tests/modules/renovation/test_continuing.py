"""A dossier opens with its application's approval, waits while that is sent back, and stands against
sending it back once it was submitted itself (spec 04 "Application", Review).
"""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.errors import Conflict
from app.kernel.declare.flow import State
from app.kernel.declare.register import get_register
from app.kernel.records import save as records
from app.kernel.records import steps
from app.kernel.rows.household import Household
from app.modules.renovation.dossier.model import Dossier, Progress
from app.modules.renovation.dossier.register import DOSSIER
from app.modules.renovation.fields import Way
from app.modules.surveys import own_houses
from tests.builders import CONTACT
from tests.clicks import click
from tests.kernel.figures import counted
from tests.modules.renovation.test_dossiers import STARTED
from tests.modules.renovation.test_openings import Case

pytestmark = pytest.mark.usefixtures("session")


def dossier_of(case: Case) -> Dossier:
    with unscoped("tests look") as session:
        return session.scalars(select(Dossier).where(Dossier.household_id == case.home.id)).one()


def approved() -> Case:
    case = Case().surveyed().submitted()
    case.step(case.town, "check")
    case.step(case.county, "approve")
    return case


def test_it_opens_waits_and_goes_on_as_one_row() -> None:
    case = approved()
    row = dossier_of(case)
    assert (row.state, row.stage, row.suspended) == (State.MISSING, None, False)
    assert (row.source_id, row.plan_year, row.way) == (case.row.id, 2024, Way.REBUILD)
    assert row.applied_on == dt.date(2024, 10, 8)
    assert row.head_name == case.home.head_name
    case.step(case.county, "reopen", opinion="信息有误")
    assert dossier_of(case).suspended
    with acting_as(case.town), pytest.raises(Conflict, match="重新审核通过后"):
        click(records.save, DOSSIER, row.id, STARTED, dossier_of(case).version)
    db.session.remove()
    case.fill(way=Way.NEW_SITE)
    case.step(case.village, "submit")
    case.step(case.town, "check")
    case.step(case.county, "approve")
    again = dossier_of(case)
    assert (again.id, again.way, again.suspended) == (row.id, Way.NEW_SITE, False)
    with unscoped("tests look") as session:
        assert counted.rebuild(session, DOSSIER) == 0


def test_a_submitted_dossier_keeps_its_application() -> None:
    case = approved()
    row = dossier_of(case)
    with acting_as(case.town):
        click(records.save, DOSSIER, row.id, STARTED, row.version)
        click(steps.transition, DOSSIER, row.id, "submit", None, CONTACT)
    db.session.remove()
    with pytest.raises(Conflict, match="危改档案已上报"):
        case.step(case.county, "reopen", opinion="信息有误")
    with acting_as(case.county):
        assert (
            click(steps.transition, DOSSIER, row.id, "approve", None, CONTACT).stage
            == Progress.STARTED
        )


def test_own_houses_follow_the_surveys() -> None:
    case = Case().surveyed()

    def own() -> bool:
        with unscoped("tests look") as session:
            return session.get_one(Household, case.home.id).own_house

    assert own()
    household = get_register("household")
    assert household
    with unscoped("tests look") as session:
        assert counted.rebuild(session, household) == 0
        session.get_one(Household, case.home.id).own_house = False  # as from before it was kept
        session.commit()
        assert own_houses.settle(session, [case.home.id]) == 1
        session.commit()
    case.sent_back()
    assert not own()
