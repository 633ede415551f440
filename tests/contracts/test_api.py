"""A token may what its account may on the pages of the API, for every role and address, in its area and
outside: made from the URL map like the contracts of the pages.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.access.divisions.regions import Level
from app.web.frame.requests import PUBLIC
from tests.api.conftest import Caller
from tests.builders import (
    CITY,
    COUNTY_COLLECTOR,
    COUNTY_READER,
    COUNTY_REVIEWER,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    account,
    api_token,
)
from tests.contracts.conftest import World
from tests.contracts.place import Place
from tests.contracts.routes import APIS, SYSTEM, Call, calls
from tests.contracts.test_routes import ALLOWED, each_subject, leaks

#: These do what they are asked at once, and the next role would find it done.
_ACTS = (".upload", ".create", ".remove")
ROLES = (CITY, COUNTY_READER, COUNTY_REVIEWER, COUNTY_COLLECTOR, TOWN_MANAGER, VILLAGE_CLERK)


def of_api(app: Flask, place: Place) -> Iterator[Call]:
    """The requests that change nothing: their version is an old one."""
    for call in calls(app, place, PUBLIC):
        if call.path.startswith("/api/v1/") and not call.endpoint.endswith(_ACTS):
            yield call


def send(caller: Caller, call: Call) -> int:
    options = dict(call.options)
    answer = caller.ask(call.method, call.path.removeprefix("/api/v1"), **options)
    caller.last = answer
    return answer.status_code


@pytest.mark.one_database(turn=0)
@each_subject
def test_a_token_may_what_its_account_may(app: Flask, world: World) -> None:
    """In its area and outside; one for reading changes nothing, one for another register sees nothing."""
    name, other = world.register.name, "household"
    every = {r.name: "enter" if r.entered else "read" for r in APIS.values()}
    with app.app_context():
        callers = {who: Caller(app, api_token(account(who), **every)[1]) for who in ROLES}
        owner = account(COUNTY_COLLECTOR)
        reads = Caller(app, api_token(owner, **{name: "read"})[1])
        elsewhere = Caller(app, api_token(owner, **{other: "read"})[1])
    wrong = []
    for call in of_api(app, world.inside):
        for who, caller in callers.items():
            status, allowed = send(caller, call), world.keeps(world.actors[who], call)
            if status not in (ALLOWED if allowed else {403}):
                wrong.append(f"{who}: {call} -> {status}, allowed: {allowed}")
        writes = call.method != "GET" and not call.endpoint.endswith(".reveal")
        if writes and (status := send(reads, call)) != 403:
            wrong.append(f"read only: {call} -> {status}")
        if world.inside.subject != SYSTEM and (status := send(elsewhere, call)) != 403:
            wrong.append(f"for another register: {call} -> {status}")
    levels = {Level.VILLAGE: VILLAGE_CLERK, Level.COUNTY: COUNTY_REVIEWER, Level.CITY: CITY}
    for level, who in levels.items():
        place, caller = world.outside[level], callers[who]
        for call in of_api(app, place):
            status = send(caller, call)
            if call.about_row and status not in {403, 404}:
                wrong.append(f"{who}: outside {call} -> {status}")
            if caller.last is not None and (found := leaks(caller.last, place)):
                wrong.append(f"{who}: outside {call} shows {found}")
    assert not wrong, "\n".join(wrong)
