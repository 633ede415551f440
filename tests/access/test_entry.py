"""Who enters a register that says so itself: the archive (spec 06 "Who enters", spec 01 "Rights differ by
register"), by role, duty and grant, and what of it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.access import roles
from app.access.actor import Capability, Duty, Kind
from app.access.divisions.regions import Level
from app.access.policy import role_name
from app.access.roles import right
from app.access.scope import acting_as, unscoped
from app.admin.accounts import matrix, role_rights
from app.core.clock import now
from app.core.errors import Invalid
from tests.access.test_grants import give
from tests.access.test_roles import change, deploy, held
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_COLLECTOR,
    COUNTY_MANAGER,
    COUNTY_READER,
    EVERYBODY,
    MINISTRY,
    PROVINCE,
    TOWN_CLERK,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    Who,
    account,
    actor,
    actor_of,
    region,
    seat,
    sign_in,
)
from tests.hands import Hands

ENTER, ARCHIVE = Capability.ENTER, "archive"
ENTERS, ON_GRANT = {COUNTY_MANAGER, TOWN_MANAGER}, {CITY, TOWN_CLERK, VILLAGE_CLERK}


def test_managers_of_counties_and_towns_enter_and_nobody_else(session: Any) -> None:
    assert {who for who in EVERYBODY if actor(who).has(ENTER, ARCHIVE)} == ENTERS


def test_all_else_is_as_the_matrix_says(session: Any) -> None:
    """What the archive says of itself changes no other register, and no other right in it."""
    for who in EVERYBODY:
        rights = actor(who).capabilities
        alike = {
            name: {one for one, subject in rights if subject == name and one != ENTER}
            for name in (ARCHIVE, "craftsman")
        }
        assert alike[ARCHIVE] == alike["craftsman"], who
    may = {who for who in EVERYBODY if actor(who).has(ENTER, "craftsman")}
    assert may - ENTERS >= {TOWN_CLERK, VILLAGE_CLERK, COUNTY_COLLECTOR}


@pytest.mark.parametrize("who", EVERYBODY, ids=str)
def test_a_grant_of_its_name_opens_it_to_cities_and_clerks(session: Any, who: Who) -> None:
    one = account(who)
    place = region(COUNTY) if who.level < Level.COUNTY else seat(who.level)
    give(one, ENTER, place, register=ARCHIVE)
    areas = actor_of(one).areas(ENTER, ARCHIVE)
    granted = (place.path,) if who in ON_GRANT else ()
    assert areas == ((one.path,) if who in ENTERS else granted)
    assert actor_of(one).has(ENTER, "craftsman") is actor(who).has(ENTER, "craftsman")


@pytest.mark.parametrize(
    ("days", "columns"), [(-1, {"register": ARCHIVE}), (9, {"register": ARCHIVE, "revoked_at": now()}),
                          (9, {"register": None}), (9, {"register": "craftsman"})],
)  # fmt: skip
def test_no_other_grant_opens_it(session: Any, days: int, columns: dict[str, Any]) -> None:
    for who in ON_GRANT:
        one = account(who)
        place = region(COUNTY) if who == CITY else seat(who.level)
        give(one, ENTER, place, days=days, **columns)
        assert not actor_of(one).has(ENTER, ARCHIVE), who


def test_a_role_that_is_given_or_loses_it_counts_at_once(session: Any) -> None:
    """Within what the role may ever have: the ministry opens it to clerks, never to county readers."""
    one, manager = account(TOWN_CLERK), account(COUNTY_MANAGER)
    reader = account(COUNTY_READER)
    for who in (TOWN_CLERK, COUNTY_READER):
        change(who, given=(right(ENTER, ARCHIVE),))
    change(COUNTY_MANAGER, taken=(right(ENTER, ARCHIVE),))
    assert actor_of(one).has(ENTER, ARCHIVE)
    assert not actor_of(reader).has(ENTER, ARCHIVE)
    assert not actor_of(manager).has(ENTER, ARCHIVE)
    assert actor_of(manager).has(ENTER, "craftsman")


def test_a_duty_that_is_given_it_gives_it_to_nobody(session: Any) -> None:
    change(COUNTY_COLLECTOR, given=(right(ENTER, ARCHIVE),))
    assert not actor(COUNTY_COLLECTOR).has(ENTER, ARCHIVE)


def test_a_deploy_takes_it_from_those_who_had_it_before(session: Any) -> None:
    """As a database of a version stands in which every clerk entered."""
    with unscoped("tests make an older database") as wide:
        key = roles.lock(wide)[role_name(Level.TOWN, Kind.CLERK)]
        roles.give(wide, key, [right(ENTER, ARCHIVE)])
        wide.add(
            roles.RoleDefault(role=role_name(Level.TOWN, Kind.CLERK), right=right(ENTER, ARCHIVE))
        )
        wide.commit()
    deploy()
    assert right(ENTER, ARCHIVE) not in held(role_name(Level.TOWN, Kind.CLERK))
    assert right(ENTER, "craftsman") in held(role_name(Level.TOWN, Kind.CLERK))


def test_what_the_ministry_may_give_knows_it(session: Any) -> None:
    ceilings = roles.ceilings(role_rights.registers())
    wanted = {role_name(who.level, who.kind) for who in ENTERS | ON_GRANT}
    assert {role for role, rights in ceilings.items() if right(ENTER, ARCHIVE) in rights} == wanted
    with acting_as(actor(MINISTRY)):
        reader = role_name(Level.COUNTY, Kind.ORDINARY)
        for role in (reader, Duty.COLLECTOR.zh):
            seen = role_rights.fingerprint(held(role))
            with pytest.raises(Invalid, match="农户档案"):
                role_rights.change(role, [right(ENTER, ARCHIVE)], [], seen)
            session.rollback()


@pytest.mark.parametrize(
    ("who", "text", "notes"),
    [
        (COUNTY_MANAGER, "全部", []),
        (TOWN_CLERK, "除农村危房改造农户档案外全部", ["可限时授权：农村危房改造农户档案"]),
        (CITY, "", ["可限时授权"]),
    ],
    ids=str,
)
def test_the_matrix_tells_it(session: Any, who: Who, text: str, notes: list[str]) -> None:
    with unscoped("tests read the matrix") as wide:
        lines = matrix.lines(wide, actor(MINISTRY))
    line = next(line for line in lines if line.role == role_name(who.level, who.kind))
    [cell] = [one for one in line.cells if one.capability == ENTER]
    assert (matrix.text(cell), matrix.changes(cell), matrix.notes(cell)) == (text, [], notes)


# ---- over pages and interface ----------------------------------------------------------------


@pytest.mark.parametrize("who", [COUNTY_READER, COUNTY_COLLECTOR, PROVINCE, TOWN_CLERK], ids=str)
def test_menu_pages_and_interface_ask_the_same(as_account: Callable[..., Any], who: Who) -> None:
    hands = as_account(who)
    assert "农户档案录入" not in hands.get("/").text
    assert hands.get("/archive/entry").status_code == 403
    assert hands.get("/archive/new").status_code == 403


def test_a_grant_opens_menu_and_pages(app: Flask) -> None:
    with app.app_context():
        one = account(VILLAGE_CLERK)
        give(one, ENTER, seat(Level.VILLAGE), register=ARCHIVE)
    hands = Hands(app, sign_in(app, one))
    assert "农户档案录入" in hands.get("/").text
    assert hands.get("/archive/new").status_code == 200
