"""After an accepted renovation a new survey is asked for, and begins with what the dossier says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.accounts.notices import Notice, NoticeKind
from app.access.scope import acting_as, unscoped
from app.core.clock import uuid7
from app.core.db import db
from app.core.jobs import table as jobs
from app.core.jobs import worker
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.records import renewals
from app.kernel.records import save as records
from app.kernel.rows.household import Household
from app.kernel.rows.reading import columns_of
from app.modules.homes.choices import Grade, Judged, Living, Measure, Policy, Progress
from app.modules.renovation.application.model import Application
from app.modules.renovation.dossier import accepting
from app.modules.renovation.dossier.model import Dossier
from app.modules.renovation.dossier.register import DOSSIER
from app.modules.renovation.fields import Basis, Kind, Way
from app.modules.surveys import last
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.register import MONITORING
from tests import builders
from tests.hands import Hands
from tests.modules.surveys.two_lists import DANGEROUS, NEW, OLD, SAFE, Two
from tests.renewing import act

ACCEPTED = OLD + dt.timedelta(days=20)


def accept(case: Two, **said: Any) -> None:
    """The application is approved, its house built and accepted, not yet paid for."""
    made = case.application()
    assert made is not None
    built = {
        "kind": Kind.RENOVATION, "way": Way.REBUILD, "structure": "05", "storeys": 2,
        "floor_area": Decimal("96.50"), "completed_on": ACCEPTED, "accepted": True,
        "accepted_on": ACCEPTED, "stage": Progress.COMPLETED, "state": State.APPROVED,
    }  # fmt: skip
    with unscoped("tests renovate") as session:
        session.get_one(Application, made.id).state = State.APPROVED
        home = session.get_one(Household, case.home.id)
        session.add(
            Dossier(
                id=uuid7(), region_id=home.region_id, household_id=home.id, source_id=made.id,
                head_name=home.head_name, plan_year=2024, **built | said,
            )
        )  # fmt: skip
        session.flush()
        last.follow(session, [home.id])
        session.commit()


@pytest.fixture
def case(app: Flask) -> Two:
    with app.app_context():
        made = Two()
        made.enter(MONITORING, DANGEROUS | {"policy_enjoyed": False, "policies": None}, OLD)
        made.decide(MONITORING)
        return made


def begun(case: Two) -> dict[str, Any]:
    """What the form of the next record begins with."""
    clerk, key = builders.actor(builders.VILLAGE_CLERK), case.rows["monitoring"].id
    made = act(clerk, renewals.renew, MONITORING, key)
    with acting_as(clerk):
        row = db.session.get_one(MONITORING.model, made.id)
        found = renewals.taken(MONITORING, row)
        db.session.remove()
    return {name: (one.value, one.source) for name, one in found.items()}


def test_the_new_record_begins_with_the_new_house(
    case: Two, app: Flask, as_account: Callable[..., Hands]
):
    with app.app_context():
        accept(case)
        found = begun(case)
        of_the_dossier = f"按改造档案带出（{ACCEPTED} 验收）"
        assert found["structure"] == ("05", of_the_dossier)
        assert found["floor_area"] == (Decimal("96.50"), of_the_dossier)
        assert found["policies"] == ((Policy.RENOVATION,), of_the_dossier)
        assert found["measure"] == (Measure.RENOVATION, of_the_dossier)
        assert (found["secured"][0], found["measure_year"][0]) == (True, None)
        for asked_anew in ("grade", "judged", "judged_on", "risky_parts", "year_built"):
            assert found[asked_anew][0] is None, asked_anew
        assert found["heating"] == (DANGEROUS["heating"], "按上次记录带出")
        assert "surveyed_on" not in found
    clerk = as_account(builders.VILLAGE_CLERK)
    page = clerk.get(f"/monitoring/{case.rows['monitoring'].id}").text
    assert f"该户的危房改造已于{ACCEPTED}验收合格" in page
    assert "用“新增监测记录”填报" in page


def approved() -> list[Notice]:
    """The stage at hand is approved; what was told then."""
    step = DOSSIER.flow and DOSSIER.flow.get("approve")
    assert step
    with unscoped("tests decide") as session:
        (row,) = session.scalars(select(Dossier))
        accepting.follow(DOSSIER, row, step)
        session.commit()
        query = select(Notice).where(Notice.kind == NoticeKind.RESURVEY)
        return list(session.scalars(query))


def test_who_entered_the_older_survey_is_told_once(case: Two, app: Flask):
    with app.app_context():
        accept(case, stage=Progress.STARTED)
        assert approved() == [], "it is not accepted yet"
        with unscoped("tests renovate") as session:
            (row,) = session.scalars(select(Dossier))
            row.stage = Progress.COMPLETED
            session.commit()
        for _again in range(2):
            (told,) = approved()
        survey = case.rows["monitoring"].id
        assert (told.region_id, told.url) == (case.home.region_id, f"/monitoring/{survey}")
        assert (
            told.text == f"{case.home.head_name}户的危房改造已于{ACCEPTED}验收合格，请重新入户排查"
        )


def test_of_a_house_that_was_surveyed_since_nobody_is_told(case: Two, app: Flask):
    with app.app_context():
        accept(case)
        with unscoped("tests survey") as session:
            survey = session.get_one(MONITORING.model, case.rows["monitoring"].id)
            survey.surveyed_on = ACCEPTED + dt.timedelta(days=1)
            session.commit()
        assert approved() == []


def test_before_the_acceptance_nothing_is_asked_for(
    case: Two, app: Flask, as_account: Callable[..., Hands]
):
    with app.app_context():
        accept(case, stage=Progress.STARTED)
        assert begun(case)["grade"] == (Grade.D, "按上次记录带出")
    page = as_account(builders.VILLAGE_CLERK).get(f"/monitoring/{case.rows['monitoring'].id}").text
    assert "验收合格" not in page


def test_who_had_no_house_lives_in_the_one_that_was_built(app: Flask):
    with app.app_context():
        case = Two()
        without = builders.homeless() | {
            "secured": False, "measure": Measure.RENOVATION, "measure_year": 2024,
        }  # fmt: skip
        case.enter(MONITORING, without, OLD)
        case.decide(MONITORING)
        accept(case, way=Way.FIRST_HOUSE)
        found = begun(case)
    assert (found["living"][0], found["storeys"][0]) == (Living.OWN, 2)


def test_a_survey_of_the_new_house_speaks_against_nothing(case: Two, app: Flask):
    """Paid for after it was surveyed: the renovation goes on to its end."""
    with app.app_context():
        accept(case)
        case.enter(LOOKBACK, SAFE | {"judged": Judged.APPRAISAL}, NEW)
        case.decide(LOOKBACK)
        made = case.application()
        assert made is not None
        assert made.basis == Basis.HELD
        assert case.ledger() is None, "the newest survey says that the house is safe"


# ---- lists tell which surveys are asked for anew -------------------------------------------------


def asked() -> set[str]:
    """The registers whose list shows the household as asked for anew, as their counters do."""
    found = set()
    with unscoped("tests look") as session:
        for register in (LOOKBACK, MONITORING):
            where = register.counted("to_resurvey").sql(columns_of(register.model, register.name))
            listed = session.scalars(select(register.model.id).where(where)).all()
            kept = counters.kept_counts(session, register)
            assert kept == counters.live_counts(session, register)
            found |= {register.name} if listed else set()
    return found


def step(stage: Progress) -> None:
    """The dossier stands at another stage now."""
    with unscoped("tests renovate") as session:
        (row,) = session.scalars(select(Dossier))
        row.stage = stage
        session.commit()
    approved()


def test_a_list_tells_what_is_asked_for_anew(case: Two, app: Flask):
    with app.app_context():
        accept(case, stage=Progress.STARTED)
        assert asked() == set()
        step(Progress.COMPLETED)
        assert asked() == {"monitoring"}, "the look-back was never entered"
        step(Progress.STARTED)
        assert asked() == set(), "the approval was taken back"
        step(Progress.PAID)
        assert asked() == {"monitoring"}


def test_a_new_survey_is_asked_for_no_more(case: Two, app: Flask):
    with app.app_context():
        accept(case)
        approved()
        clerk = builders.actor(builders.VILLAGE_CLERK)
        new = act(clerk, renewals.renew, MONITORING, case.rows["monitoring"].id)
        assert asked() == {"monitoring"}, "nothing is said yet"
        day = ACCEPTED + dt.timedelta(days=9)
        said = SAFE | {"has_house": True, "surveyed_on": day}
        row = act(clerk, records.save, MONITORING, new.id, said, new.version)
        assert asked() == set()
        act(clerk, records.clear, MONITORING, new.id, row.version)
        assert asked() == {"monitoring"}


def test_a_survey_that_comes_late_is_asked_for_anew(case: Two, app: Flask):
    """It tells of a day before the acceptance; saved as of after it, it is not."""
    with app.app_context():
        accept(case)
        clerk, key = builders.actor(builders.VILLAGE_CLERK), case.rows["lookback"].id
        row = act(clerk, records.save, LOOKBACK, key, DANGEROUS | {"surveyed_on": OLD}, 1)
        assert asked() == {"lookback"}
        said = DANGEROUS | {"surveyed_on": ACCEPTED + dt.timedelta(days=1)}
        row = act(clerk, records.save, LOOKBACK, key, said, row.version)
        assert asked() == set()
        said = DANGEROUS | {"surveyed_on": OLD}
        row = act(clerk, records.save, LOOKBACK, key, said, row.version)
        assert asked() == {"lookback"}
        act(clerk, records.clear, LOOKBACK, key, row.version)
        assert asked() == set()


def test_what_was_renovated_before_is_marked_once(case: Two, app: Flask):
    with app.app_context():
        accept(case)
        assert asked() == set(), "as it was before lists told it"
        for _again in range(2):
            jobs.enqueue("surveys.asked_anew", {}, owner=None)
            db.session.commit()
            worker.work(app, once=True)
            assert asked() == {"monitoring"}
