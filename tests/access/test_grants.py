"""Grants that end by themselves, registers that an account may enter or only read."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select

from app.access import policy
from app.access.account import Account
from app.access.actor import Actor, Capability, Duty, Kind
from app.access.divisions.regions import Level, Region
from app.access.grant import Grant
from app.access.scope import unscoped
from app.core.clock import now, today
from app.modules.surveys.lookback.model import Lookback
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    FAR_COUNTY,
    NEXT_COUNTY,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    Who,
    account,
    actor_of,
    below,
    household,
    region,
    sign_in,
)
from tests.hands import Hands

C = Capability
ONE_DAY = dt.timedelta(days=1)


def give(
    one: Account, capability: Capability, *places: Region, days: int = 30, **columns: Any
) -> None:
    with unscoped("tests grant") as session:
        for place in places:
            session.add(
                Grant(account_id=one.id, capability=capability, region_id=place.id,
                      ends_on=today() + days * ONE_DAY, reason="县里没有录入条件", **columns)
            )  # fmt: skip
        session.commit()


def test_a_city_enters_in_the_named_counties_only(session: Any) -> None:
    one = account(CITY)
    give(one, C.ENTER, region(COUNTY))
    acting = actor_of(one)
    assert acting.areas(C.ENTER, "lookback") == (region(COUNTY).path,)
    assert acting.areas(C.SEARCH, "lookback") == (acting.path,)
    _, own = household(below(region(COUNTY), Level.VILLAGE))
    _, other = household(below(region(NEXT_COUNTY), Level.VILLAGE))
    assert policy.may(C.ENTER, "lookback", own, actor=acting)
    assert not policy.may(C.ENTER, "lookback", other, actor=acting)
    assert policy.may(C.SEARCH, "lookback", other, actor=acting)
    with unscoped("both answers are compared") as everything:
        where = policy.rows(Lookback, C.ENTER, "lookback", actor=acting)
        assert set(everything.scalars(select(Lookback.id).where(where))) == {own.id}


def test_two_counties(session: Any) -> None:
    one = account(CITY)
    give(one, C.ENTER, region(COUNTY), region(NEXT_COUNTY))
    assert len(actor_of(one).areas(C.ENTER, "lookback")) == 2


@pytest.mark.parametrize(
    ("days", "columns", "holds"),
    [(0, {}, True), (-1, {}, False), (30, {"revoked_at": now()}, False)],
)
def test_a_grant_ends_by_itself(
    session: Any, days: int, columns: dict[str, Any], holds: bool
) -> None:
    one = account(CITY)
    give(one, C.ENTER, region(COUNTY), days=days, **columns)
    assert actor_of(one).has(C.ENTER, "lookback") is holds


@pytest.mark.parametrize(
    ("who", "capability", "code", "holds"),
    [
        (COUNTY_READER, C.SPOT_CHECK, COUNTY, True),
        (COUNTY_READER, C.APPROVE_MOVE, COUNTY, True),
        (COUNTY_READER, C.ENTER, COUNTY, False),
        (COUNTY_READER, C.EXPORT, COUNTY, False),
        (COUNTY_READER, C.SPOT_CHECK, NEXT_COUNTY, False),
        (CITY, C.ENTER, FAR_COUNTY, False),
        (CITY, C.REVIEW, COUNTY, False),
        (CITY, C.MANAGE_USERS, FAR_COUNTY, True),  # its own, not from the grant
        (VILLAGE_CLERK, C.REVIEW, COUNTY, False),
    ],
    ids=str,
)
def test_a_grant_gives_only_what_the_table_says(
    session: Any, who: Who, capability: Capability, code: str, holds: bool
) -> None:
    one = account(who)
    give(one, capability, region(code))
    acting = actor_of(one)
    subject = "system" if capability == C.MANAGE_USERS else "lookback"
    assert acting.has(capability, subject) is holds
    assert capability == C.ENTER or acting.limits == {}


def test_a_grant_adds_nothing_to_what_is_held_whole(session: Any) -> None:
    one = account(COUNTY_MANAGER)
    give(one, C.ENTER, region(COUNTY))
    assert actor_of(one).areas(C.ENTER, "lookback") == (one.path,)


def test_the_duty_of_a_collector_gives_a_city_nothing(session: Any) -> None:
    acting = actor_of(account(Who(Level.CITY, Kind.MANAGER, (Duty.COLLECTOR,))))
    assert not acting.has(C.ENTER, "lookback")


# ---- registers -----------------------------------------------------------------------------


def held(acting: Actor) -> set[str]:
    return {name for name, subject in acting.capabilities if subject == "lookback"}


def test_registers_that_an_account_may_enter_or_read(session: Any) -> None:
    every = held(actor_of(account(TOWN_MANAGER)))
    assert held(actor_of(account(TOWN_MANAGER, registers={"lookback": "enter"}))) == every
    reads = held(actor_of(account(TOWN_MANAGER, registers={"lookback": "read"})))
    assert reads == {"search", "export_statistics", "export"}
    closed = actor_of(account(TOWN_MANAGER, registers={}))
    assert held(closed) == set()
    assert closed.has(C.SEARCH)
    assert closed.has(C.SEARCH, "household")


def test_a_closed_register_is_closed_on_every_page(app: Any) -> None:
    with app.app_context():
        home, survey = household(name="甲户")
        clerk = account(TOWN_MANAGER, registers={})
    hands = Hands(app, sign_in(app, clerk))
    for url in ("/lookback/query", "/lookback/entry", f"/lookback/{survey.id}",
                "/lookback/statistics/progress", "/exchange/export/lookback"):  # fmt: skip
        assert hands.get(url).status_code == 403, url
    for url in ("/", f"/household/{home.id}"):
        page = hands.get(url)
        assert page.status_code == 200
        assert "/lookback/" not in page.text, url
