"""Earlier results beside a record's fields (spec 02, fast judgement)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.kernel import hooks
from app.kernel.households import lists as households
from app.kernel.rows.household import Household
from app.modules.homes.choices import Grade, ParcelState, PriorKind, Progress
from app.modules.house_map.earlier import facts as prior
from app.modules.renovation.dossier.model import Dossier
from app.modules.renovation.dossier.register import DOSSIER
from app.modules.surveys.lookback.model import Lookback
from tests.builders import NEXT_COUNTY, VILLAGE_CLERK, actor, below, household, id_number, region
from tests.modules.samples import dossier, parcel, prior_fact


def known(survey: Lookback) -> dict[str, list[tuple[Any, str]]]:
    """What a village clerk is offered: field -> (value, source)."""
    with acting_as(actor(VILLAGE_CLERK)):
        row = db.session.get_one(Lookback, survey.id)
        found = prior.facts(db.session, row)
    return {name: [(one.value, one.source) for one in facts] for name, facts in found.items()}


def test_by_id_number_the_latest_first(session: Any) -> None:
    number = id_number()
    _home, survey = household(number=number)
    prior_fact(id_number=number, structure="02")
    prior_fact(id_number=number, kind=PriorKind.CENSUS, found_on=dt.date(2020, 6, 1),
               grade=Grade.B, judged_by=None)  # fmt: skip
    prior_fact(id_number=id_number(), grade=Grade.D)  # somebody else's
    found = known(survey)
    assert found["grade"] == [
        ("C", "2022-05-03 鉴定，某单位"),
        ("B", "2020-06-01 自然灾害风险普查"),
    ]
    assert found["structure"] == [("02", "2022-05-03 鉴定，某单位")]
    # a form accepts no appraisal before 2021: its day is not offered
    assert [value for value, _source in found["judged_on"]] == ["2022-05-03"]


def test_by_the_corrected_number_and_by_parcel(session: Any) -> None:
    home, survey = household()
    with unscoped("tests arrange") as everything:
        home = everything.merge(home)
        home.corrected_id = id_number()
        row = everything.get_one(Lookback, survey.id)
        row.parcel_state, row.parcel_number = ParcelState.CHOSEN, "P1"
        everything.commit()
        number = home.corrected_id
    prior_fact(id_number=number)
    prior_fact(parcel_number="P1", grade=Grade.B, found_on=dt.date(2021, 3, 1))
    parcel(number="P1", storeys=2)
    found = known(survey)
    assert [value for value, _source in found["grade"]] == ["C", "B"]
    assert found["storeys"] == [("2", "图斑")]


def test_the_same_value_is_offered_once_and_three_at_most(session: Any) -> None:
    number = id_number()
    _home, survey = household(number=number)
    for year in range(2015, 2024):
        prior_fact(id_number=number, found_on=dt.date(year, 5, 3), storeys=year % 2 + 1)
    found = known(survey)
    assert [value for value, _source in found["grade"]] == ["C"]
    assert [value for value, _source in found["storeys"]] == ["2", "1"]
    assert len(found["judged_on"]) == 3


def test_nothing_from_outside_the_area(session: Any) -> None:
    number = id_number()
    _home, survey = household(number=number)
    prior_fact(below(region(NEXT_COUNTY), Level.VILLAGE), id_number=number)
    assert known(survey) == {}


def test_they_move_with_their_household(session: Any) -> None:
    number = id_number()
    home, _survey = household(number=number)
    prior_fact(id_number=number)
    there = below(region(NEXT_COUNTY), Level.VILLAGE)
    with unscoped("a move between counties") as everything:
        moved = everything.get_one(Household, home.id)
        moved.region_id = there.id
        households.refresh(everything, moved)
        everything.commit()
        (fact,) = everything.scalars(prior.about(moved))
        assert fact.path == there.path


def test_what_is_built_is_not_compared_with_what_stood_there(session: Any) -> None:
    made = dossier(structure="05", stage=Progress.STARTED)
    prior_fact(id_number=made.head_id, structure="02")
    with acting_as(actor(VILLAGE_CLERK)):
        row = db.session.get_one(Dossier, made.id)
        told = hooks.earlier_facts(DOSSIER, row, None)
    assert [one.facts for one in told] == [{}]
    assert "以往信息" in told[0].notices[0][1]
