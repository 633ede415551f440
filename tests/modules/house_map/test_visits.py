"""When a house must be visited and why: Python and SQL agree (spec 02, fast judgement)."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.scope import acting_as, unscoped
from app.core.db import db, read_only
from app.kernel.declare.flow import State
from app.modules.homes.choices import Grade, PriorKind, Progress
from app.modules.house_map import visits
from app.modules.house_map.earlier import facts as prior
from app.modules.renovation.fields import Way
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.model import Monitoring
from app.modules.surveys.monitoring.register import MONITORING
from tests.builders import (
    COUNTY_MANAGER,
    VILLAGE_CLERK,
    actor,
    complete,
    died,
    household,
    id_number,
    other_home,
    own_house,
    sign_in,
)
from tests.modules.samples import dossier, prior_fact

MISSING = "房屋重要信息缺失"
UNJUDGED = "没有2021年以后的安全鉴定或评估"


def why(survey: Lookback) -> list[str]:
    """In words; and SQL says the same."""
    with acting_as(actor(COUNTY_MANAGER)), read_only():
        row = db.session.get_one(Lookback, survey.id)
        said = visits.reasons(LOOKBACK, row, prior.rows_of(db.session, row))
        query = select(Lookback.id).where(Lookback.id == survey.id, visits.needed(LOOKBACK))
        assert (db.session.scalar(query) is not None) == bool(said)
        db.session.rollback()
    return said


def test_nothing_is_known(session: Any) -> None:
    _home, survey = household()
    assert why(survey) == [
        "房屋重要信息缺失（结构类型、建筑年代、建筑层数、建筑面积）",
        UNJUDGED,
    ]


def test_what_earlier_results_say_is_known(session: Any) -> None:
    number = id_number()
    _home, survey = household(number=number)
    prior_fact(id_number=number, structure="01", year_built="03", storeys=1, floor_area=90)
    assert why(survey) == []


def test_an_old_appraisal_and_half_the_facts(session: Any) -> None:
    number = id_number()
    _home, survey = household(number=number)
    prior_fact(id_number=number, found_on=dt.date(2020, 12, 31), structure="01", storeys=1)
    assert why(survey) == ["房屋重要信息缺失（建筑年代、建筑面积）", UNJUDGED]


def test_another_grade_than_before(session: Any) -> None:
    number = id_number()
    _home, survey = household(number=number)
    complete(survey, own_house(Grade.A))
    prior_fact(id_number=number, found_on=dt.date(2019, 5, 1), grade=Grade.A)
    assert why(survey) == []
    prior_fact(id_number=number, kind=PriorKind.MONITORING, grade=Grade.C)
    assert why(survey) == ["与以往结论不一致（以往为C级）"]


def test_a_new_record_knows_what_the_one_before_says() -> None:
    blank = Monitoring(state=State.MISSING, current=False)
    before = Monitoring(state=State.APPROVED, **own_house(Grade.A))
    assert visits.reasons(MONITORING, blank, [], before) == []
    before.storeys = before.judged_on = None
    assert visits.reasons(MONITORING, blank, [], before) == [f"{MISSING}（建筑层数）", UNJUDGED]
    assert visits.reasons(MONITORING, blank, [], Monitoring(**other_home())) == []


@pytest.mark.parametrize("form", [died(), other_home()])
def test_no_house_no_visit(session: Any, form: dict[str, Any]) -> None:
    _home, survey = household()
    complete(survey, form)
    assert why(survey) == []


def test_what_is_approved_was_judged(session: Any) -> None:
    number = id_number()
    _home, survey = household(number=number)
    complete(survey, own_house(Grade.A))
    prior_fact(id_number=number)
    assert why(survey)
    with unscoped("tests arrange") as everything:
        everything.get_one(Lookback, survey.id).state = State.APPROVED
        everything.commit()
    assert why(survey) == []


def test_python_and_sql_agree_on_many(session: Any) -> None:
    pick = random.Random(7)
    for _n in range(25):
        number = id_number()
        _home, survey = household(number=number)
        if pick.random() < 0.7:
            form = own_house(pick.choice(list(Grade)))
            gone = pick.sample(("structure", "storeys", "judged_on", "grade"), pick.randrange(4))
            complete(survey, form | dict.fromkeys(gone))
        for kind in pick.sample(list(PriorKind), pick.randrange(3)):
            prior_fact(
                id_number=number, kind=kind, found_on=dt.date(pick.randint(2018, 2023), 5, 1),
                grade=pick.choice([None, *Grade]), structure=pick.choice([None, "01"]),
                storeys=pick.choice([None, 2]), year_built="03", floor_area=90,
            )  # fmt: skip
        why(survey)


def test_form_record_and_review_say_so(app: Flask) -> None:
    number = id_number()
    with app.app_context():
        _home, survey = household(number=number)
        prior_fact(id_number=number, found_on=dt.date(2020, 5, 1))
    clerk, manager = sign_in(app, VILLAGE_CLERK), sign_in(app, COUNTY_MANAGER)
    for url in (f"/lookback/{survey.id}/edit", f"/lookback/{survey.id}"):
        page = clerk.get(url).text
        assert "以往信息：2020-05-01 鉴定，某单位：C级" in page
        assert f"需入户核实：{MISSING}" in page
    with app.app_context():
        complete(survey, own_house(Grade.A))
        with unscoped("tests arrange") as session:
            session.get_one(Lookback, survey.id).state = State.SUBMITTED
            session.commit()
    page = manager.get(f"/lookback/{survey.id}/review").text
    assert "需入户核实：与以往结论不一致（以往为C级）。" in page
    assert "2020-05-01 鉴定，某单位：C级 （与本次不同）" in " ".join(page.split())


def test_what_was_known_of_the_house_before_counts_no_more_once_it_is_rebuilt(session: Any) -> None:
    number = id_number()
    home, survey = household(number=number)
    prior_fact(id_number=number, grade=Grade.D, found_on=dt.date(2022, 5, 3), structure="02")
    complete(survey, own_house(Grade.A))
    assert any("与以往结论不一致" in one for one in why(survey))
    made = dossier(
        stage=Progress.COMPLETED, way=Way.REBUILD, household_id=home.id,
        accepted_on=dt.date(2023, 9, 1),
    )  # fmt: skip
    assert made.household_id == home.id
    assert why(survey) == []
    prior_fact(id_number=number, grade=Grade.B, found_on=dt.date(2024, 5, 3))
    assert any("与以往结论不一致（以往为B级）" in one for one in why(survey))
