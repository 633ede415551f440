"""Who creates and manages whom, how many there may be, how accounts are called (spec 01 §Users)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.access.account import Account
from app.access.accounts import allowances, managing
from app.access.accounts import names as account_names
from app.access.actor import Kind
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from tests.builders import (
    CITY,
    CITY_COUNTY,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    EVERYBODY,
    FAR_COUNTY,
    MINISTRY,
    NEXT_COUNTY,
    PROVINCE,
    PROVINCE_COUNTY,
    TOWN_CLERK,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    Who,
    above,
    account,
    actor,
    actor_of,
    below,
    region,
    seat,
)

#: Of everybody in one county: manager -> whom it manages. Nobody else manages anybody.
MANAGED = {
    MINISTRY: {Who(Level.NATION, Kind.ORDINARY), PROVINCE},
    PROVINCE: {Who(Level.PROVINCE, Kind.ORDINARY), CITY},
    CITY: {Who(Level.CITY, Kind.ORDINARY), COUNTY_MANAGER},
    COUNTY_MANAGER: {
        *(who for who in EVERYBODY if (who.level, who.kind) == (Level.COUNTY, Kind.ORDINARY)),
        TOWN_MANAGER, TOWN_CLERK, VILLAGE_CLERK,
    },
}  # fmt: skip


def test_who_manages_whom(session: Any) -> None:
    accounts = {who: account(who) for who in EVERYBODY}
    foreign = [account(who, below(region(NEXT_COUNTY), who.level))
               for who in (TOWN_CLERK, VILLAGE_CLERK)]  # fmt: skip
    foreign += [account(who, region(FAR_COUNTY)) for who in (COUNTY_MANAGER, COUNTY_READER)]
    actors = {who: actor(who) for who in EVERYBODY}
    for who, acting in actors.items():
        may = {other for other, one in accounts.items() if managing.manages(acting, one)}
        assert may == MANAGED.get(who, set()), str(who)
        assert not any(managing.manages(acting, one) for one in foreign)
        every = list(session.scalars(select(Account)))
        by_sql = set(session.scalars(select(Account.uuid).where(managing.managed(acting))))
        assert by_sql == {one.uuid for one in every if managing.manages(acting, one)}, str(who)


def test_nobody_manages_itself_or_a_peer(session: Any) -> None:
    one = account(COUNTY_MANAGER)
    assert not managing.manages(actor_of(one), one)
    assert not managing.manages(actor(COUNTY_MANAGER), one)
    assert not managing.may_reset(actor(COUNTY_MANAGER), one)


def test_the_ministry_resets_any_password_but_its_own(session: Any) -> None:
    ministry = account(MINISTRY)
    assert managing.may_reset(actor_of(ministry), account(VILLAGE_CLERK))
    assert managing.may_reset(actor_of(ministry), account(COUNTY_MANAGER))
    assert not managing.may_reset(actor_of(ministry), ministry)
    assert not managing.may_reset(actor(PROVINCE), account(COUNTY_MANAGER))


@pytest.mark.parametrize(
    ("who", "role", "code", "level", "expected"),
    [
        (MINISTRY, (Level.PROVINCE, Kind.MANAGER), "61", Level.PROVINCE, True),
        (MINISTRY, (Level.CITY, Kind.MANAGER), "6101", Level.CITY, False),
        (CITY, (Level.COUNTY, Kind.MANAGER), COUNTY, Level.COUNTY, True),
        (CITY, (Level.COUNTY, Kind.MANAGER), FAR_COUNTY, Level.COUNTY, False),
        (CITY, (Level.CITY, Kind.MANAGER), "6101", Level.CITY, False),
        (PROVINCE, (Level.COUNTY, Kind.MANAGER), COUNTY, Level.COUNTY, False),
        (COUNTY_MANAGER, (Level.COUNTY, Kind.ORDINARY), COUNTY, Level.COUNTY, True),
        (COUNTY_MANAGER, (Level.COUNTY, Kind.ORDINARY), NEXT_COUNTY, Level.COUNTY, False),
        (COUNTY_MANAGER, (Level.COUNTY, Kind.MANAGER), COUNTY, Level.COUNTY, False),
        (TOWN_MANAGER, (Level.TOWN, Kind.CLERK), COUNTY, Level.TOWN, False),
    ],
)
def test_who_creates_what_where(
    session: Any, who: Who, role: managing.Role, code: str, level: Level, expected: bool
) -> None:
    place = region(code, level) if level < Level.TOWN else seat(level)
    assert managing.may_create(actor(who), role, place) is expected


def test_a_county_directly_under_its_province_is_the_provinces(session: Any) -> None:
    county = region(PROVINCE_COUNTY, Level.COUNTY)
    province = actor(PROVINCE, above(county, Level.PROVINCE))
    assert managing.may_create(province, (Level.COUNTY, Kind.MANAGER), county)
    assert managing.manages(province, account(COUNTY_MANAGER, county))


# ---- names ---------------------------------------------------------------------------------


def test_suggested_names(session: Any) -> None:
    county, village = region(COUNTY), seat(Level.VILLAGE)
    assert account_names.suggest(session, [county], Kind.MANAGER) == {county.id: "61012200000000"}
    assert account_names.suggest(session, [county], Kind.ORDINARY) == {county.id: "61012200000001"}
    session.rollback()  # what only looked must not hold the lock of SQLite
    account(COUNTY_READER, username="61012200000001", active=False)
    account(COUNTY_READER, username="61012200000002")
    found = account_names.suggest(session, [county, village], Kind.ORDINARY)
    assert found == {county.id: "61012200000003", village.id: f"{village.code}01"}


def test_a_level_digit_goes_in_front_where_two_levels_share_a_code(session: Any) -> None:
    city, county = region(CITY_COUNTY, Level.CITY), region(CITY_COUNTY, Level.COUNTY)
    found = account_names.suggest(session, [city, county], Kind.MANAGER)
    assert found == {city.id: "244190000000000", county.id: "344190000000000"}


def test_after_98_names_none_is_suggested(session: Any) -> None:
    county = region(COUNTY)
    with unscoped("tests fill") as everything:
        for n in range(1, 99):
            name = f"{county.code}{n:02}"
            everything.add(
                Account(username=name, first_name=name, last_name="", email=name, active=False,
                        kind=Kind.ORDINARY, level=3, region_id=county.id, path=county.path)
            )  # fmt: skip
        everything.commit()
    assert account_names.suggest(session, [county], Kind.ORDINARY) == {}


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("蓝田县01", "汉字"), ("", "请填写账号"), ("abc", "4–32位"), ("a" * 33, "4–32位"),
        ("-abcd", "4–32位"), ("a/bcd", "4–32位"), ("６１０１２２０１", None), ("lantian.01", None),
    ],
)  # fmt: skip
def test_names_that_somebody_types(typed: str, wrong: str | None) -> None:
    problem = account_names.problem(account_names.mended(typed))
    assert (problem is None) if wrong is None else (wrong in (problem or ""))


# ---- allowances ----------------------------------------------------------------------------


def test_what_counts_in_a_county(session: Any) -> None:
    county, town = region(COUNTY), seat(Level.TOWN)
    account(COUNTY_MANAGER)
    account(COUNTY_READER)
    account(COUNTY_READER, active=False)
    account(TOWN_MANAGER)
    account(TOWN_CLERK)
    account(VILLAGE_CLERK)
    account(COUNTY_READER, region(NEXT_COUNTY))

    def used(kind: Kind, level: Level, place: Any) -> list[tuple[int, int]]:
        return [(a.used, a.most) for a in allowances.allowances(session, level, kind, place)]

    assert used(Kind.ORDINARY, Level.COUNTY, county) == [(2, 98)]
    assert used(Kind.MANAGER, Level.COUNTY, county) == [(1, 1)]
    assert used(Kind.MANAGER, Level.TOWN, town) == [(1, 1), (2, 98)]
    assert used(Kind.CLERK, Level.TOWN, town) == [(1, 9)]
    assert used(Kind.CLERK, Level.VILLAGE, seat(Level.VILLAGE)) == [(1, 3)]
