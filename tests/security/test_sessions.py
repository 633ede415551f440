"""Who is signed in, for how long, and what a session is worth after its account changed."""

from __future__ import annotations

import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.access.account import Account
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.modules.surveys.lookback.model import Lookback
from tests.builders import (
    COUNTY_MANAGER,
    NEXT_COUNTY,
    PASSWORD,
    account,
    below,
    household,
    refusals,
    region,
    sign_in,
)
from tests.hands import Hands
from tests.running.applications import make_app

JSON = {"Accept": "application/json"}


def knock(app: Flask, login: str, after: str = "") -> tuple[FlaskClient, TestResponse]:
    """A browser that tried to sign in, and what it was answered."""
    client = app.test_client()
    token = client.get("/login/", headers=JSON).json["csrf_token"]
    data = {"username": login, "password": PASSWORD, "csrf_token": token}
    return client, client.post(f"/login/?next={after}", data=data)


def enter(app: Flask, login: str) -> FlaskClient:
    return knock(app, login)[0]


@pytest.fixture
def owner(app: Flask) -> Account:
    with app.app_context():
        return account(COUNTY_MANAGER)


def test_a_new_password_ends_every_other_session(app: Flask, owner: Account) -> None:
    here, stolen = Hands(app, enter(app, owner.username)), enter(app, owner.username)
    assert stolen.get("/").status_code == 200
    new = {"current_password": PASSWORD, "new_password": "Xinmima2026",
           "new_password_again": "Xinmima2026"}  # fmt: skip
    assert here.post("/account/password", new).status_code == 302
    assert here.get("/").status_code == 200
    assert stolen.get("/", headers=JSON).status_code == 401


def test_an_account_that_moved_sees_its_new_area_only(
    app: Flask, owner: Account, survey: Lookback
) -> None:
    client = sign_in(app, owner)
    assert client.get(f"/lookback/{survey.id}").status_code == 200
    with app.app_context():
        place = region(NEXT_COUNTY)
        _, there = household(below(place, Level.VILLAGE))
        with unscoped("tests move an account") as session:
            moved = session.get_one(Account, owner.id)
            moved.region_id, moved.path = place.id, place.path
            session.commit()
    assert client.get(f"/lookback/{survey.id}").status_code == 404
    assert client.get(f"/lookback/{there.id}").status_code == 200


def test_a_closed_account_is_out_and_cannot_come_back(app: Flask, owner: Account) -> None:
    client = enter(app, owner.username)
    with app.app_context(), unscoped("tests close an account") as session:
        session.get_one(Account, owner.id).active = False
        session.commit()
    assert client.get("/", headers=JSON).status_code == 401
    assert knock(app, owner.username)[1].status_code == 401


@pytest.mark.parametrize("key", ["", "1", "abc", "1-", "-1-x", "٣-x", "9" * 40 + "-x"])
def test_a_session_that_says_odd_things_is_nobody(app: Flask, key: str) -> None:
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = key, True
    assert client.get("/", headers=JSON).status_code == 401


@pytest.mark.parametrize(
    "after",
    ["//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "http:evil",
     "/%09/evil.example", "/%0d%0aX-Evil:1", "javascript:alert(1)", "http://[", "///evil.example",
     "https:/evil.example", "http://localhost@evil.example", "%00//evil.example"],
)  # fmt: skip
def test_after_signing_in_one_stays_here(app: Flask, owner: Account, after: str) -> None:
    _client, answer = knock(app, owner.username, after)
    assert "X-Evil" not in answer.headers
    target = answer.headers.get("Location", "/")
    assert answer.status_code in (302, 400)
    assert target == "/"


def test_the_session_from_before_is_worth_nothing(app: Flask, owner: Account) -> None:
    client = app.test_client()
    with client.session_transaction() as session:
        session["decided"], session["last_surveyor"] = {"id": "x"}, "别人"
    token = client.get("/login/", headers=JSON).json["csrf_token"]
    data = {"username": owner.username, "password": PASSWORD, "csrf_token": token}
    assert client.post("/login/", data=data).status_code == 302
    with client.session_transaction() as session:
        assert "decided" not in session
        assert "last_surveyor" not in session
    page = client.post("/account/", data={"name": "换名", "csrf_token": token})
    assert page.status_code == 400, "the token went with the session"


def test_an_idle_session_ends_and_a_draft_does_not_keep_it(app: Flask, survey: Lookback) -> None:
    client = sign_in(app, COUNTY_MANAGER)
    hands = Hands(app, client)
    draft = {"version": 1, "values": {"surveyor": "甲"}}
    with client.session_transaction() as session:
        session["seen"] = time.time() - 59 * 60
    seen = time.time() - 59 * 60
    headers = {"Accept": "application/json"}
    with client.session_transaction() as session:
        session["seen"] = seen
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        url = f"/lookback/{survey.id}/draft"
        assert client.post(url, json=draft, headers=headers).status_code == 200
        with client.session_transaction() as session:
            assert session["seen"] == seen
            session["seen"] = time.time() - 61 * 60
        assert client.post(url, json=draft, headers=headers).status_code == 401
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    assert hands.get("/", headers=JSON).status_code == 401


def test_cookies_and_headers_in_production(app: Flask, tmp_path) -> None:
    with app.app_context():
        made = account(COUNTY_MANAGER)
    production = make_app(
        app.config["SQLALCHEMY_DATABASE_URI"], tmp_path, PRODUCTION=True, SESSION_COOKIE_SECURE=True
    )
    client = production.test_client()
    https = {"base_url": "https://localhost", "headers": {"Referer": "https://localhost/login/"}}
    assert client.get("/login/").status_code == 302, "to https"
    token = client.get("/login/", base_url="https://localhost", headers=JSON).json["csrf_token"]
    data = {"username": made.username, "password": PASSWORD, "csrf_token": token}
    entered = client.post("/login/", data=data, **https)
    cookies = entered.headers.getlist("Set-Cookie")
    assert entered.status_code == 302
    assert cookies
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= {p.strip() for p in cookie.split(";")}
    page = client.get("/", base_url="https://localhost")
    policy = page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age" in page.headers["Strict-Transport-Security"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_refused_access_is_in_the_log_once_and_whole(app: Flask) -> None:
    with app.app_context():
        far = household(below(region(NEXT_COUNTY), Level.VILLAGE))[1]
        owner = account(COUNTY_MANAGER)
    hands = Hands(app, sign_in(app, owner))
    asks = [
        f"/lookback/{far.id}", f"/household/{far.household_id}", f"/files/{far.id}",
        f"/lookback/query?region={far.region_id}", f"/lookback/statistics/summary?region={far.region_id}",
        f"/regions/children?id={far.region_id}", f"/exchange/export/lookback?region={far.region_id}",
    ]  # fmt: skip
    for url in asks:
        assert hands.get(url).status_code == 404, url
    batch = {"id": str(far.id), "contact_name": "甲"}
    assert hands.post("/lookback/batch/approve", batch).status_code == 302
    with app.app_context(), unscoped("tests read the log") as session:
        query = select(AuditEntry).where(AuditEntry.act == Act.REFUSED)
        found = list(session.scalars(query.where(AuditEntry.account_id == owner.uuid)))
    with app.app_context():
        assert refusals() == len(asks) + 1
    assert all(e.path == owner.path and e.account_name and e.address and e.detail for e in found)
