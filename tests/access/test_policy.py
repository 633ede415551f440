"""The matrix of spec 01 §Users, and that "may I" and "which rows" are one question."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

import app.models  # noqa: F401  (declares the registers)
from app.access import policy, roles
from app.access.actor import SYSTEM, Actor, Capability, Duty, Kind
from app.access.divisions.regions import Level
from app.access.policy import may, require, role_name, rows
from app.access.scope import acting_as, unscoped
from app.core.errors import Forbidden, NotFound
from app.kernel.declare.register import all_registers
from app.kernel.rows.household import Household
from app.modules.surveys.lookback.model import Lookback
from tests import specimens
from tests.builders import (
    CITY_COUNTY,
    COUNTY,
    COUNTY_MANAGER,
    EVERYBODY,
    FAR_COUNTY,
    NEXT_COUNTY,
    PROVINCE_COUNTY,
    VILLAGE_CLERK,
    Who,
    account,
    actor,
    actor_of,
    below,
    household,
    id_number,
    region,
)
from tests.modules.samples import parcel, prior_fact

C = Capability

#: spec 01, the table of permissions. Columns: ministry, province, city, county (manager/ordinary),
#: county reviewer, county collector, town manager, town clerk, village clerk. The city's entering
#: and the county's spot-check and moves "on grant" are given with the screens for grants.
TABLE = """
                  ministry province city  county  reviewer collector town  t.clerk v.clerk
search            yes/yes  yes/yes  yes/yes yes/yes yes    yes       yes   yes     yes
enter             -/-      -/-      -/-     yes/-   -      yes       yes   yes     yes
review            -/-      -/-      -/-     yes/-   yes    -         -     -       -
check             -/-      -/-      -/-     -/-    -      -         yes   -       -
spot_check        yes/-    yes/-    yes/-   yes/-   -      -         -     -       -
restore           -/-      -/-      -/-     yes/-   -      -         -     -       -
import_list       yes/-    yes/-    yes/-   yes/-   -      -         -     -       -
approve_move      yes/-    yes/-    yes/-   yes/-   -      -         -     -       -
export            yes/-    yes/-    yes/-   yes/-   -      -         yes   -       -
export_statistics yes/yes  yes/yes  yes/yes yes/yes yes    yes       yes   yes     yes
manage_users      yes/-    yes/-    yes/-   yes/-   -      -         -     -       -
audit             yes/-    yes/-    yes/-   yes/-   -      -         -     -       -
maintain_regions  yes/-    yes/-    yes/-   yes/-   -      -         -     -       -
quotas            yes/-    yes/-    yes/-   yes/-   -      -         -     -       -
settings          yes/-    yes/-    yes/-   yes/-   -      -         -     -       -
"""
WHO = [
    (Who(Level.NATION, Kind.MANAGER), Who(Level.NATION, Kind.ORDINARY)),
    (Who(Level.PROVINCE, Kind.MANAGER), Who(Level.PROVINCE, Kind.ORDINARY)),
    (Who(Level.CITY, Kind.MANAGER), Who(Level.CITY, Kind.ORDINARY)),
    (Who(Level.COUNTY, Kind.MANAGER), Who(Level.COUNTY, Kind.ORDINARY)),
    (Who(Level.COUNTY, Kind.ORDINARY, (Duty.REVIEWER,)),),
    (Who(Level.COUNTY, Kind.ORDINARY, (Duty.COLLECTOR,)),),
    (Who(Level.TOWN, Kind.MANAGER),),
    (Who(Level.TOWN, Kind.CLERK),),
    (Who(Level.VILLAGE, Kind.CLERK),),
]
SYSTEM_ONLY = {C.MANAGE_USERS, C.AUDIT, C.MAINTAIN_REGIONS, C.SETTINGS}


def table() -> list[tuple[Who, Capability, bool]]:
    found = []
    for line in TABLE.strip().splitlines()[1:]:
        name, *cells = line.split()
        for whos, cell in zip(WHO, cells, strict=True):
            for who, mark in zip(whos, cell.split("/"), strict=True):
                found.append((who, Capability(name), mark == "yes"))
    return found


@pytest.fixture
def actors(session: Any) -> dict[Who, Actor]:
    return {who: actor(who) for who in {who for who, *_ in table()}}


def test_the_table_is_whole() -> None:
    assert {capability for _, capability, _ in table()} == set(Capability)
    assert {(who.level, who.kind) for who, *_ in table()} == set(policy.MATRIX)
    assert {who for who, *_ in table()} <= set(EVERYBODY)


def test_the_matrix(actors: dict[Who, Actor]) -> None:
    wrong = [
        f"{who} {capability.value} {subject}: should be {expected}"
        for who, capability, expected in table()
        for subject in (SYSTEM, *(r.name for r in all_registers()))
        if (capability, subject) != (C.ENTER, "archive")  # which says itself who enters
        and may(capability, subject, actor=actors[who])
        != (expected and (subject == SYSTEM or capability not in SYSTEM_ONLY))
    ]
    assert wrong == []


def test_nobody_may_anything_without_an_account() -> None:
    assert not any(
        may(c, s) for c in Capability for s in (SYSTEM, *(r.name for r in all_registers()))
    )
    for capability in Capability:
        with pytest.raises(Forbidden):
            require(capability, "lookback")


def test_an_unknown_register_is_nobodys(actors: dict[Who, Actor]) -> None:
    assert not any(may(c, "nothing", actor=a) for c in Capability for a in actors.values())


@pytest.mark.parametrize("duty", Duty)
@pytest.mark.parametrize(
    "who",
    [w for w in EVERYBODY if not w.duties and (w.level, w.kind) != (Level.COUNTY, Kind.ORDINARY)],
    ids=str,
)
def test_a_duty_gives_nobody_else_more_than_the_table(session: Any, who: Who, duty: Duty) -> None:
    plain, dutiful = actor(who), actor(Who(who.level, who.kind, (duty,)))
    more = {Capability(name) for name, _ in dutiful.capabilities - plain.capabilities}
    assert more == set()


def test_duties_add_up(session: Any) -> None:
    both = actor(Who(Level.COUNTY, Kind.ORDINARY, (Duty.REVIEWER, Duty.COLLECTOR)))
    assert both.has(C.ENTER, "lookback")
    assert both.has(C.REVIEW, "lookback")
    assert not both.has(C.EXPORT, "lookback")


def test_an_account_without_a_division_cannot_act(session: Any) -> None:
    lost = account(COUNTY_MANAGER, region_id=None, path=None)
    with pytest.raises(Forbidden, match="没有所属地区"):
        actor_of(lost)


def test_syncing_roles_again_changes_nothing(session: Any) -> None:
    with unscoped("roles") as everything:
        roles.sync(everything, [r.name for r in all_registers()])
        assert not everything.dirty
        assert not everything.new
    before = actor(VILLAGE_CLERK).capabilities
    assert ("enter", "lookback") in before


def test_a_right_taken_out_of_the_matrix_leaves_the_role(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (Level.COUNTY, Kind.MANAGER)
    clerk = account(COUNTY_MANAGER)
    monkeypatch.setitem(policy.MATRIX, key, policy.MATRIX[key] - {C.EXPORT})
    with unscoped("roles") as everything:
        roles.sync(everything, ["lookback"])
        everything.commit()
    assert not actor_of(clerk).has(C.EXPORT, "lookback")


# ---- one question, two answers -------------------------------------------------------------

PLACES = (COUNTY, NEXT_COUNTY, FAR_COUNTY, PROVINCE_COUNTY, CITY_COUNTY)


def test_may_and_rows_agree(session: Any, actors: dict[Who, Actor]) -> None:
    """For every register, role, action and row: in the own village, town, county, city, province,
    beside it, in another province, in a county under a province, in a city without counties.
    """
    others = [r for r in all_registers() if r.menus and r.model not in (Household, Lookback)]
    for code in PLACES:
        county = region(code, Level.COUNTY)
        places = [county] + [
            below(county, level, nth) for level in (Level.TOWN, Level.VILLAGE) for nth in (0, 1)
        ]
        for place in places:
            home, _survey = household(place)
            with unscoped("tests fill every register") as everything:
                everything.add_all(
                    specimens.blank(r, place, household=None if r.read_only else home)
                    for r in others
                )
                everything.commit()
            if place.level == Level.VILLAGE:
                parcel(place)
                prior_fact(place, id_number=id_number())
    wrong = []
    with unscoped("both answers are compared over all rows") as everything:
        for register in all_registers():
            model = register.model
            every = {row.id: row for row in everything.scalars(select(model))}
            for who, acting in actors.items():
                for capability in Capability:
                    condition = rows(model, capability, register.name, actor=acting)
                    by_rows = set(everything.scalars(select(model.id).where(condition)))
                    by_may = {
                        key for key, row in every.items()
                        if may(capability, register.name, row, actor=acting)
                    }  # fmt: skip
                    if by_rows != by_may:
                        wrong.append((register.name, str(who), capability))
                    if may(C.SEARCH, register.name, actor=acting) and capability == C.SEARCH:
                        inside = {k for k, r in every.items() if r.path.startswith(acting.path)}
                        assert by_rows == inside
                        assert inside
                        assert inside != set(every) or acting.level == Level.NATION
    assert wrong == []


def test_require_says_who_may_not_and_hides_what_is_elsewhere(session: Any) -> None:
    _, own = household()
    _, foreign = household(below(region(NEXT_COUNTY), Level.VILLAGE))
    with acting_as(actor(VILLAGE_CLERK)):
        assert require(C.ENTER, "lookback", own)
        with pytest.raises(Forbidden, match="审核"):
            require(C.REVIEW, "lookback", own)
        with pytest.raises(NotFound):
            require(C.ENTER, "lookback", foreign)
        with pytest.raises(Forbidden):
            require(C.REVIEW, "lookback", foreign)


@pytest.mark.parametrize(
    ("level", "kind", "name"),
    [
        (Level.NATION, Kind.MANAGER, "部级管理用户"),
        (Level.CITY, Kind.ORDINARY, "市级普通用户"),
        (Level.TOWN, Kind.MANAGER, "乡镇级管理用户"),
        (Level.VILLAGE, Kind.CLERK, "村级信息采集员用户"),
    ],
)
def test_role_names(level: Level, kind: Kind, name: str) -> None:
    assert role_name(level, kind) == name
