"""Every address at the door: signed out, with a first password, without a token, with what is no key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from app.access.account import Account
from app.access.scope import unscoped
from app.web.frame.requests import PUBLIC
from tests.builders import COUNTY_MANAGER, account, sign_in
from tests.contracts.conftest import World, ask, each_subject, leaks
from tests.contracts.routes import calls


@pytest.mark.one_database(turn=1)
@each_subject
def test_at_the_door(app: Flask, world: World) -> None:
    """Signed out nobody sees anything, the first password comes before all else, a POST needs its
    token, and what is no key or no method is told as such.
    """
    wrong = [*_signed_out(world), *_first_password(app, world), *_without_token(world)]
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        wrong += _wrong_ids_and_methods(world)
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    assert not wrong, "\n".join(wrong)


def _signed_out(world: World) -> Iterator[str]:
    world.app.config["WTF_CSRF_ENABLED"] = False
    client = world.app.test_client()
    for call in calls(world.app, world.inside, PUBLIC):
        page = ask(client, call)
        if "json" in call.options or call.path.startswith("/api/"):
            if page.status_code != 401:
                yield f"signed out: {call} -> {page.status_code}"
        elif page.status_code != 302 or "/login" not in page.headers["Location"]:
            yield f"signed out: {call} -> {page.status_code}"
        call.options["headers"] = {"X-Requested-With": "fetch"}
        script = ask(client, call)
        if script.status_code != 401 or not script.is_json:
            yield f"signed out: script {call} -> {script.status_code}"
        if leaks(page, world.inside) or leaks(script, world.inside):
            yield f"signed out: {call} leaks"
    world.app.config["WTF_CSRF_ENABLED"] = True


def _first_password(app: Flask, world: World) -> Iterator[str]:
    with app.app_context():
        new = account(COUNTY_MANAGER, must_change_password=True)
    client = sign_in(app, new)
    for call in calls(app, world.inside, PUBLIC):
        if call.method == "GET" and call.endpoint != "AccountView.password":
            response = ask(client, call)
            if call.path.startswith("/api/"):
                right = response.status_code == 403
            else:
                right = response.headers.get("Location", "").endswith("/account/password")
            if not right:
                yield f"first password: {call} -> {response.status_code}"


def _without_token(world: World) -> Iterator[str]:
    client = world.clients[COUNTY_MANAGER]
    for call in calls(world.app, world.inside, PUBLIC):
        if call.method != "GET" and (status := ask(client, call).status_code) != 400:
            yield f"no token: {call} -> {status}"
    if world.app.test_client().post("/login/", data={"username": "a"}).status_code != 400:
        yield "no token: sign in"


def _wrong_ids_and_methods(world: World) -> Iterator[str]:
    """Asked as by scripts: the page of an error is the same for all, and dearer than its status."""
    client, inside = world.clients[COUNTY_MANAGER], world.inside
    script = {"X-Requested-With": "fetch"}
    addresses = world.app.url_map.bind("localhost")
    known = list(calls(world.app, inside, PUBLIC))
    for path in dict.fromkeys(call.path for call in known):
        for method in {"PUT", "DELETE", "PATCH"} - set(addresses.allowed_methods(path)):
            status = client.open(path, method=method, headers=script).status_code
            if status != 405:
                yield f"{method} {path} -> {status}"
    wrong = {
        (call.method, call.path.replace(str(part), bad)): None
        for call in known
        for part in (inside.record.id, inside.household_id, inside.file.id, inside.job)
        if str(part) in call.path
        for bad in ("0", "x" * 40, "%00", "..", quote("王"), "1;drop table lookback")
    }
    for method, path in wrong:
        status = client.open(path, method=method, headers=script).status_code
        if status not in {301, 302, 308, 400, 404, 405}:
            yield f"{method} {path} -> {status}"


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
