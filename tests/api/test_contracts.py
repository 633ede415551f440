"""A token may what its account may on the pages of the API, for every role and address, in its area and
outside: made from the URL map like the contracts of the pages.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.access.regions import Level
from app.web.requests import PUBLIC
from tests.api.conftest import Caller
from tests.builders import (
    CITY,
    COUNTY_COLLECTOR,
    COUNTY_READER,
    COUNTY_REVIEWER,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    Who,
    account,
    api_token,
)
from tests.contracts.conftest import Place, World, world  # noqa: F401 (a fixture)
from tests.contracts.routes import Call, calls
from tests.contracts.test_routes import ALLOWED, _may, leaks

#: These do what they are asked at once, and the next role would find it done.
_ACTS = (".upload", ".create", ".remove")
ROLES = (CITY, COUNTY_READER, COUNTY_REVIEWER, COUNTY_COLLECTOR, TOWN_MANAGER, VILLAGE_CLERK)


def of_api(app: Flask, place: Place) -> Iterator[Call]:
    """The requests that change nothing: their version is an old one."""
    for call in calls(app, place, PUBLIC):
        if call.path.startswith("/api/v1/") and not call.endpoint.endswith(_ACTS):
            yield call


@pytest.fixture
def callers(app: Flask, world: World) -> dict[Who, Caller]:  # noqa: F811
    with app.app_context():
        return {who: Caller(app, api_token(account(who))[1]) for who in ROLES}


def send(caller: Caller, call: Call) -> int:
    options = dict(call.options)
    answer = caller.ask(call.method, call.path.removeprefix("/api/v1"), **options)
    caller.last = answer
    return answer.status_code


def test_every_role_in_its_area(world: World, callers: dict[Who, Caller]) -> None:  # noqa: F811
    wrong = []
    for call in of_api(world.app, world.inside):
        for who, caller in callers.items():
            status = send(caller, call)
            allowed = call.asks == "anybody" or _may(world.actors[who], call.asks)
            if status not in (ALLOWED if allowed else {403}):
                wrong.append(f"{who}: {call} -> {status}, allowed: {allowed}")
    assert wrong == []


def test_every_role_outside_its_area(world: World, callers: dict[Who, Caller]) -> None:  # noqa: F811
    wrong = []
    levels = {Level.VILLAGE: VILLAGE_CLERK, Level.COUNTY: COUNTY_REVIEWER, Level.CITY: CITY}
    for level, who in levels.items():
        place = world.outside[level]
        for call in of_api(world.app, place):
            status = send(callers[who], call)
            if call.about_row and status not in {403, 404}:
                wrong.append(f"{who}: {call} -> {status}")
            if found := leaks(callers[who].last, place):
                wrong.append(f"{who}: {call} shows {found}")
    assert wrong == []


def test_what_a_token_is_not_for_is_closed(app: Flask, world: World) -> None:  # noqa: F811
    """Reading only: every change is refused; another register: all of it is."""
    with app.app_context():
        owner = account(COUNTY_COLLECTOR)
        reads = Caller(app, api_token(owner, lookback="read")[1])
        other = Caller(app, api_token(owner, household="read")[1])
    wrong = []
    for call in of_api(app, world.inside):
        status = send(reads, call)
        writes = call.method != "GET" and not call.endpoint.endswith(".reveal")
        if writes and status != 403:
            wrong.append(f"read only: {call} -> {status}")
        status = send(other, call)
        if call.endpoint.startswith("LookbackApi.") and status != 403:
            wrong.append(f"another register: {call} -> {status}")
    assert wrong == []
