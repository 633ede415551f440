"""Every address x everybody x own row, foreign row, unknown row: the status that they must see,
and nothing of what lies outside their area (spec 01, spec 09 "Nothing leaked").
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.access.accounts import Account
from app.access.actor import Actor, Capability
from app.access.audit import Act, AuditEntry
from app.access.grants import Grant
from app.access.regions import Level
from app.access.scope import unscoped
from app.core.clock import today
from app.registers.lookback.model import Lookback
from app.registers.lookback.register import LOOKBACK
from app.registry.flow import State
from app.web.requests import PUBLIC
from tests.builders import CITY, COUNTY_MANAGER, EVERYBODY, VILLAGE_CLERK, account, sign_in
from tests.contracts.conftest import Place, World
from tests.contracts.routes import ANYBODY, MANAGES, MINISTRY, Call, asked, calls, picture

ALLOWED = {200, 201, 302, 303, 400, 409, 422}


def ask(client: FlaskClient, call: Call) -> Any:
    options = dict(call.options)
    if "file" in options.get("data", {}):
        options["data"] = {"file": (picture(), "a.png")}
    return client.open(call.path, method=call.method, **options)


def leaks(response: Any, place: Place) -> list[str]:
    body = response.get_data() + str(response.headers).encode()
    return [secret for secret in place.secrets if secret and secret.encode() in body]


def _may(actor: Actor, asks: Any) -> bool:
    """In the register, or in the system where the capability belongs to no register."""
    if asks == MINISTRY:
        return actor.level == Level.NATION and actor.has(Capability.SETTINGS)
    asks = Capability.MANAGE_USERS if asks == MANAGES else asks
    return actor.has(asks, "lookback") or actor.has(asks)


def test_every_address_has_its_contract(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert {e for e in endpoints - PUBLIC if asked(e) is None} == set()
    assert PUBLIC - endpoints == set()


@pytest.mark.usefixtures("no_csrf")
def test_own_rows(world: World) -> None:
    """403 exactly for those who lack the right; never 404, never 500."""
    with world.app.app_context(), unscoped("tests arrange") as session:
        session.get_one(Lookback, world.inside.survey.id).state = State.SUBMITTED
        session.commit()
    wrong = []
    for call in calls(world.app, world.inside, PUBLIC):
        if call.endpoint == "FileView.thumb":
            continue  # needs the bytes: see the tests of the pages
        for who, client in world.clients.items():
            status = ask(client, call).status_code
            allowed = call.asks == ANYBODY or _may(world.actors[who], call.asks)
            expected = ALLOWED | {404} if call.endpoint == "FileView.show" else ALLOWED
            if str(world.inside.job) in call.path:
                expected = {404}  # an import or export is its account's alone
            if call.endpoint == "TokensView.revoke":
                expected = ALLOWED | {404}  # the account's own, or of one that it manages
            if call.asks == MANAGES and allowed:
                expected = ALLOWED | {403, 404}  # only one of them: see test_accounts.py
            if status not in (expected if allowed else {403}):
                wrong.append(f"{who}: {call} -> {status}, allowed: {allowed}")
    assert wrong == []


@pytest.mark.usefixtures("no_csrf")
def test_foreign_rows(world: World) -> None:
    """As if they did not exist (or 403, where the account may not do it anywhere)."""
    wrong = []
    for level, place in world.outside.items():
        for call in calls(world.app, place, PUBLIC):
            for who, client in world.clients.items():
                if who.level != level:
                    continue
                response = ask(client, call)
                if call.about_row and response.status_code not in {403, 404}:
                    wrong.append(f"{who}: {call} -> {response.status_code}")
                asks = Capability.SEARCH if call.asks == ANYBODY else call.asks
                tells = call.about_row or asks not in (MANAGES, MINISTRY)
                if response.status_code == 403 and tells and _may(world.actors[who], asks):
                    wrong.append(f"{who}: {call} -> 403 tells that it exists")
                if found := leaks(response, place):
                    wrong.append(f"{who}: {call} shows {found}")
    assert wrong == []
    with world.app.app_context(), unscoped("tests look") as session:
        states = session.scalars(select(Lookback.state)).all()
        assert set(states) == {State.DRAFT}, "nothing was changed"


@pytest.mark.usefixtures("no_csrf")
def test_a_grant_opens_its_counties_and_nothing_beside_them(world: World) -> None:
    """A city that may enter for one county: there it may, in the next one it only looks."""
    with world.app.app_context():
        city = account(CITY)
        with unscoped("tests grant") as session:
            session.add(
                Grant(account_id=city.id, capability=Capability.ENTER, ends_on=today(),
                      region_id=world.inside.region.county_id, reason="没有录入条件")
            )  # fmt: skip
            session.commit()
    client = sign_in(world.app, city)
    wrong = []
    for place, expected in ((world.inside, ALLOWED), (world.outside[Level.COUNTY], {404})):
        for call in calls(world.app, place, PUBLIC):
            if call.asks == Capability.ENTER and str(place.survey.id) in call.path:
                status = ask(client, call).status_code
                if status not in expected:
                    wrong.append(f"{call} -> {status}")
    assert wrong == []


@pytest.mark.usefixtures("no_csrf")
def test_unknown_rows_answer_like_foreign_ones(world: World) -> None:
    foreign = world.outside[Level.COUNTY]
    nowhere = Place(
        Lookback(id=uuid.uuid4(), household_id=uuid.uuid4(), head_name="无"),
        type(foreign.file)(id=uuid.uuid4(), key=""),
        foreign.region,
    )
    client = world.clients[COUNTY_MANAGER]
    different = []
    for there, here in zip(
        calls(world.app, foreign, PUBLIC), calls(world.app, nowhere, PUBLIC), strict=True
    ):
        if there.about_row:
            one, two = ask(client, there), ask(client, here)
            texts = [_without_ids(r.get_data(as_text=True)) for r in (one, two)]
            if (one.status_code, texts[0]) != (two.status_code, texts[1]):
                different.append(f"{there} -> {one.status_code}, {here} -> {two.status_code}")
    assert different == []


def _without_ids(text: str) -> str:
    import re

    return re.sub(
        r"[0-9a-f]{8}-[0-9a-f-]{27}|nonce=\S+|csrf\S+|value=\"\S+\"|content=\"\S+\"", "", text
    )


@pytest.mark.usefixtures("no_csrf")
def test_wrong_ids_and_wrong_methods(world: World) -> None:
    client = world.clients[COUNTY_MANAGER]
    addresses = world.app.url_map.bind("localhost")
    wrong = []
    for call in calls(world.app, world.inside, PUBLIC):
        for method in {"PUT", "DELETE", "PATCH"} - set(addresses.allowed_methods(call.path)):
            status = client.open(call.path, method=method).status_code
            if status != 405:
                wrong.append(f"{method} {call.path} -> {status}")
        inside = world.inside
        for part in (inside.survey.id, inside.survey.household_id, inside.file.id, inside.job):
            if str(part) in call.path:
                for bad in ("0", "x" * 40, "%00", "..", quote("王"), "1;drop table lookback"):
                    path = call.path.replace(str(part), bad)
                    status = client.open(path, method=call.method).status_code
                    if status not in {301, 302, 308, 400, 404, 405}:
                        wrong.append(f"{call.method} {path} -> {status}")
    assert wrong == []


@pytest.mark.usefixtures("no_csrf")
def test_signed_out(world: World) -> None:
    client = world.app.test_client()
    wrong = []
    for call in calls(world.app, world.inside, PUBLIC):
        page = ask(client, call)
        if "json" in call.options or call.path.startswith("/api/"):
            assert page.status_code == 401, str(call)
        elif page.status_code != 302 or "/login" not in page.headers["Location"]:
            wrong.append(f"{call} -> {page.status_code}")
        call.options["headers"] = {"X-Requested-With": "fetch"}
        script = ask(client, call)
        if script.status_code != 401 or not script.is_json:
            wrong.append(f"script {call} -> {script.status_code}")
        if leaks(page, world.inside) or leaks(script, world.inside):
            wrong.append(f"{call} leaks")
    assert wrong == []


def test_the_first_password_comes_before_anything_else(app: Flask, world: World) -> None:
    with app.app_context():
        new = account(COUNTY_MANAGER, must_change_password=True)
    client = sign_in(app, new)
    for call in calls(app, world.inside, PUBLIC):
        if call.method == "GET" and call.endpoint != "AccountView.password":
            response = ask(client, call)
            if call.path.startswith("/api/"):
                assert response.status_code == 403, str(call)
                continue
            assert response.status_code == 302, str(call)
            assert response.headers["Location"].endswith("/account/password"), str(call)


@pytest.mark.parametrize("change", [{"active": False}, {"region_id": None, "path": None}])
def test_a_closed_account_is_out_at_once(app: Flask, world: World, change: dict[str, Any]) -> None:
    with app.app_context():
        one = account(COUNTY_MANAGER)
    client = sign_in(app, one)
    assert client.get("/lookback/entry").status_code == 200
    with app.app_context(), unscoped("tests arrange") as session:
        account_row = session.get_one(Account, one.id)
        for name, value in change.items():
            setattr(account_row, name, value)
        session.commit()
    assert client.get("/lookback/entry").status_code in {302, 403}
    assert leaks(client.get("/lookback/entry"), world.inside) == []


def test_every_post_needs_its_token(world: World) -> None:
    client = world.clients[COUNTY_MANAGER]
    wrong = [
        f"{call} -> {status}"
        for call in calls(world.app, world.inside, PUBLIC)
        if call.method != "GET" and (status := ask(client, call).status_code) != 400
    ]
    assert world.app.test_client().post("/login/", data={"username": "a"}).status_code == 400
    assert wrong == []


# ---- parameters ------------------------------------------------------------------------------

BAD = ["abc", "-1", "99999999999999999999", "x" * 3000, "\x00", "'%; --", "𠅤"]
PARAMETERS = {
    "/lookback/query": ["region", "figure", "after", "before", "page", "size", "unplaced",
                        *LOOKBACK.filters.split()],
    "/lookback/review?list=1": ["region", "page", "after"],
    "/lookback/entry": ["region", "before", "size"],
    "/lookback/statistics/progress": ["region"],
    "/lookback/statistics/week": ["region"],
    "/regions/search": ["q", "level", "until"],
    "/regions/children": ["id", "level", "until"],
    "/search/": ["q"],
    "/exchange/export/lookback": ["region", "grade", "head_name"],
}  # fmt: skip


def test_no_parameter_breaks_a_page(world: World) -> None:
    client = world.clients[COUNTY_MANAGER]
    broken = []
    for page, names in PARAMETERS.items():
        for name in names:
            for value in BAD:
                url = f"{page}{'&' if '?' in page else '?'}{name}={quote(value)}"
                if (status := client.get(url).status_code) not in {200, 302, 400, 404}:
                    broken.append(f"{url[:120]} -> {status}")
    assert broken == []


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("region", ["abc", "-1", "1.5"]),
        ("figure", ["nothing"]),
        ("state", ["nothing"]),
        ("size", ["7", "abc", "-20"]),
        ("page", ["0", "-1", "abc"]),
        ("after", ["abc"]),
        ("before", ["abc"]),
        ("grade", ["E"]),
        ("measure_year", ["soon"]),
    ],
)
def test_bad_parameters_of_a_list_are_refused(
    world: World, parameter: str, values: list[str]
) -> None:
    client = world.clients[COUNTY_MANAGER]
    for value in values:
        response = client.get(f"/lookback/query?{parameter}={value}")
        assert response.status_code == 400, (parameter, value)


def test_foreign_divisions(world: World) -> None:
    wrong = []
    for who, client in world.clients.items():
        if who.level not in world.outside:
            continue
        place = world.outside[who.level]
        for page in ("/lookback/query", "/lookback/statistics/summary",
                     "/lookback/statistics/summary/excel", "/lookback/statistics/week"):  # fmt: skip
            response = client.get(f"{page}?region={place.region.id}")
            if response.status_code != 404 or place.region.name in response.text:
                wrong.append(f"{who} {page} -> {response.status_code}")
        if client.get(f"/regions/children?id={place.region.id}").status_code != 404:
            wrong.append(f"{who} /regions/children")
        found = client.get(f"/regions/search?q={place.region.code}").json["items"]
        if any(item["code"] == place.region.code for item in found):
            wrong.append(f"{who} /regions/search")
    assert wrong == []


@pytest.mark.parametrize("who", EVERYBODY, ids=str)
def test_searching_finds_nothing_outside(world: World, who: Any) -> None:
    client = world.clients[who]
    if who.level not in world.outside:
        return
    place = world.outside[who.level]
    for url in (
        f"/search/?q={place.survey.head_id}",
        f"/search/?q={quote(place.survey.head_name)}",
        f"/lookback/query?head_id={place.survey.head_id}",
        f"/lookback/query?head_name={quote(place.survey.head_name)}",
        "/lookback/query?figure=total",
        "/",
    ):
        response = client.get(url)
        assert response.status_code == 200, url
        body = response.text
        for asked_for in (place.survey.head_id or "", place.survey.head_name):
            body = body.replace(f'value="{asked_for}"', "").replace(f"：{asked_for}", "")
        if url.startswith("/search"):
            assert str(place.survey.household_id) not in body
        else:
            assert str(place.survey.id) not in body
            assert place.file.key not in body


def test_lists_show_no_whole_number(world: World) -> None:
    survey = world.inside.survey
    for who, client in world.clients.items():
        for page in ("/lookback/query", "/lookback/entry", "/lookback/review?list=1"):
            body = client.get(page).text
            assert survey.head_id not in body, (str(who), page)
            assert "13909180000" not in body, (str(who), page)


def test_whole_numbers_are_for_those_who_work_on_the_record(world: World) -> None:
    survey = world.inside.survey
    for who, client in world.clients.items():
        actor = world.actors[who]
        whole = any(actor.has(c, "lookback") for c in (Capability.ENTER, Capability.REVIEW))
        assert (survey.head_id in client.get(f"/lookback/{survey.id}").text) is whole, str(who)
        assert survey.head_id not in client.get(f"/household/{survey.household_id}").text, str(who)


def test_a_refused_look_is_noted_once(world: World) -> None:
    clerk, place = world.clients[VILLAGE_CLERK], world.outside[Level.VILLAGE]
    for url in (
        f"/lookback/{place.survey.id}",
        f"/household/{place.survey.household_id}",
        f"/files/{place.file.id}",
        f"/lookback/query?region={place.region.id}",
        "/lookback/review",
    ):
        with world.app.app_context(), unscoped("tests arrange") as session:
            before = set(session.scalars(select(AuditEntry.id)))
        assert clerk.get(url).status_code in {403, 404}
        with world.app.app_context(), unscoped("tests look") as session:
            (entry,) = (e for e in session.scalars(select(AuditEntry)) if e.id not in before)
        assert entry.act == Act.REFUSED
        assert entry.account_id == world.actors[VILLAGE_CLERK].account_id
        assert entry.path == world.actors[VILLAGE_CLERK].path


def test_a_village_clerk_reviews_nothing(world: World) -> None:
    client = world.clients[VILLAGE_CLERK]
    assert client.get("/lookback/review").status_code == 403
