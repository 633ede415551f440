"""Tokens of the API: an account's rights narrowed, until a day, revoked or ended with the account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import limits
from app.access.account import Account
from app.access.accounts import tokens
from app.access.accounts.tokens import Token, hashed, narrowed
from app.access.actor import SYSTEM, Capability, RegisterAccess
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.access.settings import SettingValue
from app.admin.accounts import changing as accounts
from app.admin.accounts import tokens as act
from app.admin.accounts.tokens import Wanted
from app.core.clock import now, today
from app.core.errors import Forbidden, Invalid, NotFound
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    account,
    actor,
    actor_of,
    api_token,
    below,
    region,
    seat,
)
from tests.clicks import click

C = Capability
ME = "/api/v1/me"


def ask(app: Flask, secret: str, path: str = ME, **headers: str) -> Any:
    return app.test_client().get(path, headers={"Authorization": f"Bearer {secret}"} | headers)


def test_a_token_has_its_owners_rights_in_its_registers_and_division(session: Any) -> None:
    county, city = region(COUNTY), seat(Level.CITY)
    whole = actor(COUNTY_MANAGER)
    reads = narrowed(whole, {"lookback": RegisterAccess.READ.value}, county, "甲")
    assert (reads.has(C.SEARCH, "lookback"), reads.has(C.SEARCH)) == (True, True)
    enters = narrowed(whole, {"lookback": RegisterAccess.ENTER.value}, county, "甲")
    assert enters.has(C.ENTER, "lookback")
    assert enters.has(C.REVIEW, "lookback")
    for one in (reads, enters):
        assert not one.has(C.SEARCH, "household")
        assert not any(
            one.has(c, s) for c in (C.EXPORT, C.IMPORT_LIST) for s in ("lookback", SYSTEM)
        )
        assert not any(one.has(c) for c in C if c != C.SEARCH)
    assert not reads.has(C.ENTER, "lookback")
    reader = narrowed(actor(COUNTY_READER), {"lookback": "enter"}, county, "甲")
    assert not reader.has(C.ENTER, "lookback"), "never more than its owner"
    village = below(county, Level.VILLAGE)
    small = narrowed(whole, {"lookback": "enter"}, village, "甲")
    assert (small.path, small.level, small.region_id) == (village.path, Level.VILLAGE, village.id)
    with pytest.raises(Forbidden):
        narrowed(whole, {"lookback": "enter"}, city, "甲")


def test_a_granted_county_stays_the_only_one(session: Any) -> None:
    from dataclasses import replace

    one, other = region(COUNTY), region(NEXT_COUNTY)
    city = actor(CITY)
    pair = (C.ENTER.value, "lookback")
    granted = replace(city, capabilities=city.capabilities | {pair}, limits={pair: (one.path,)})
    registers = {"lookback": "enter"}
    whole = narrowed(granted, registers, seat(Level.CITY), "甲")
    assert whole.areas(C.ENTER, "lookback") == (one.path,)
    assert narrowed(granted, registers, one, "甲").areas(C.ENTER, "lookback") == (one.path,)
    assert narrowed(granted, registers, other, "甲").areas(C.ENTER, "lookback") == ()


def test_only_a_hash_is_kept_and_each_use_is_seen(app: Flask) -> None:
    with app.app_context():
        owner = account(VILLAGE_CLERK)
        made, secret = api_token(owner)
    answer = ask(app, secret)
    assert (answer.status_code, answer.json["token"]) == (200, "民政数据交换")
    assert answer.json["account"] == owner.username
    assert "Set-Cookie" not in answer.headers
    with app.app_context(), unscoped("tests look") as session:
        kept = session.get_one(Token, made.id)
        assert kept.secret_hash == hashed(secret) != secret
        assert (kept.used_from, now() - kept.used_at < dt.timedelta(minutes=1)) == (
            "127.0.0.1",
            True,
        )


@pytest.mark.parametrize("secret", ["", "anju_x", "x" * 5000, "é", "anju_ two"])
def test_wrong_tokens(app: Flask, secret: str) -> None:
    answer = ask(app, secret)
    assert (answer.status_code, answer.json["code"]) == (401, "token_refused")
    assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize(
    "change",
    [
        {"token": {"expires_on": today() - dt.timedelta(days=1)}},
        {"token": {"revoked_at": now()}},
        {"account": {"active": False}},
        {"account": {"locked_at": now()}},
    ],
    ids=["past its day", "revoked", "account closed", "account locked"],
)
def test_ended_ones(app: Flask, change: dict[str, Any]) -> None:
    with app.app_context():
        owner = account(VILLAGE_CLERK)
        made, secret = api_token(owner)
        with unscoped("tests arrange") as session:
            rows = {
                "token": session.get_one(Token, made.id),
                "account": session.get_one(Account, owner.id),
            }
            for name, columns in change.items():
                for column, value in columns.items():
                    setattr(rows[name], column, value)
            session.commit()
    assert ask(app, secret).status_code == 401


def test_a_division_that_left_its_owners_area_shuts_the_token(app: Flask) -> None:
    with app.app_context():
        _made, secret = api_token(account(COUNTY_MANAGER), region(NEXT_COUNTY))
    assert ask(app, secret).status_code == 403


def test_a_token_opens_the_api_and_nothing_else(app: Flask) -> None:
    with app.app_context():
        _made, secret = api_token(account(COUNTY_MANAGER))
    for path in ("/", "/lookback/query", "/accounts/", "/audit/", "/tokens/"):
        assert ask(app, secret, path).status_code == 401, path
    assert app.test_client().get(f"{ME}?token={secret}").status_code == 401


def test_too_many_requests_wait(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        _made, secret = api_token(account(VILLAGE_CLERK))
        _other, another = api_token(account(VILLAGE_CLERK))
        with unscoped("tests set") as session:
            nation = seat(Level.NATION).id
            session.add(SettingValue(region_id=nation, name="tokens.requests", value=10))
            session.commit()
    answers = [ask(app, secret) for _ in range(11)]
    assert [a.status_code for a in answers] == [200] * 10 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert ask(app, another).status_code == 200
    later = now() + dt.timedelta(seconds=61)
    monkeypatch.setattr(limits, "now", lambda: later)
    assert ask(app, secret).status_code == 200


def test_guessing_ends(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_WRONG", 3)
    assert [ask(app, f"anju_{n}").status_code for n in range(4)] == [401, 401, 401, 429]


# ---- made and revoked ------------------------------------------------------------------------


def wanted(owner: str, **changes: Any) -> Wanted:
    from dataclasses import replace

    good = Wanted("民政", owner, {"lookback": "read"}, region(COUNTY).id, today())
    return replace(good, **changes)


def test_managers_make_and_revoke(session: Any) -> None:
    manager = account(COUNTY_MANAGER)
    clerk = account(COUNTY_READER)
    with acting_as(actor_of(manager)):
        made, secret = click(act.create, wanted(clerk.username))
        assert secret.startswith("anju_")
        assert made.hint == secret[-4:]
        assert [t.id for t in act.visible(actor_of(manager))] == [made.id]
        click(act.revoke, made.id)
        click(act.revoke, made.id)
        assert not made.open
    entries = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.PERMISSION)).all()
    assert [set(e.detail) & {"granted", "revoked"} for e in entries] == [{"granted"}, {"revoked"}]
    assert {e.record_id for e in entries} == {clerk.uuid}
    assert secret not in str([e.detail for e in entries])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "甲" * 61}, "name"),
        ({"login": "nobody"}, "login"),
        ({"registers": {}}, "registers"),
        ({"registers": {"lookback": "all"}}, "registers"),
        ({"registers": {"household": "enter"}}, "registers"),
        ({"registers": {"system": "read"}}, "registers"),
        ({"region_id": None}, "region"),
        ({"region_id": "next"}, "region"),
        ({"expires_on": None}, "expires_on"),
        ({"expires_on": dt.date(2020, 1, 1)}, "expires_on"),
        # 366, should midnight pass between
        ({"expires_on": today() + dt.timedelta(days=367)}, "expires_on"),
    ],
)
def test_what_a_token_must_say(session: Any, changes: dict[str, Any], field: str) -> None:
    manager = account(COUNTY_MANAGER)
    if changes.get("region_id") == "next":
        changes = {"region_id": region(NEXT_COUNTY).id}
    with acting_as(actor_of(manager)), pytest.raises(Invalid) as caught:
        click(act.create, wanted(manager.username, **changes))
    assert [p.field for p in caught.value.problems] == [field]


def test_nobody_makes_or_revokes_for_others(session: Any) -> None:
    reader = account(COUNTY_READER)
    stranger = account(COUNTY_MANAGER, region(NEXT_COUNTY))
    made, _secret = api_token(reader)
    beside, own = actor_of(stranger), actor_of(reader)
    there = region(NEXT_COUNTY).id
    with acting_as(beside):
        with pytest.raises(Invalid):
            click(act.create, wanted(reader.username, region_id=there))
        with pytest.raises(NotFound):
            click(act.revoke, made.id)
        assert act.visible(beside) == []
    session.rollback()
    with acting_as(own):
        here = wanted(reader.username)
        with pytest.raises(Forbidden):
            click(act.create, here)
        assert not click(act.revoke, made.id).open, "its owner may end it"


def test_an_account_that_is_closed_ends_its_tokens_for_good(session: Any) -> None:
    manager, clerk = account(COUNTY_MANAGER), account(VILLAGE_CLERK)
    made, _secret = api_token(clerk)
    with acting_as(actor_of(manager)):
        click(accounts.deactivate, clerk.uuid)
        click(accounts.reactivate, clerk.uuid)
    session.expire_all()
    assert session.get_one(Token, made.id).revoked_at is not None


# ---- pages -------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_the_pages(app: Flask, as_account: Callable[..., Any]) -> None:
    hands = as_account(COUNTY_MANAGER)
    login = hands.get("/api/v1/me").json["account"]
    form = hands.get("/tokens/new")
    assert login in form.text
    with app.app_context():
        place = region(COUNTY).id
    typed = {"name": "民政对接", "login": login, "access-lookback": "read", "region": str(place),
             "expires_on": ""}  # fmt: skip
    wrong = hands.post("/tokens/new", typed)
    assert wrong.status_code == 422
    assert 'value="民政对接"' in wrong.text
    made = hands.post("/tokens/new", typed | {"expires_on": today().isoformat()})
    secret = made.text.split('token-text">')[1].split("<")[0]
    assert ask(app, secret).json["token"] == "民政对接"
    listed = hands.get("/tokens/").text
    assert "民政对接" in listed
    assert secret not in listed
    assert "民政对接" in hands.get("/account/").text
    key = listed.split("/tokens/")[-1]
    revoke = next(p for p in listed.split('"') if p.endswith("/revoke"))
    assert key
    assert hands.post(revoke).status_code == 302
    assert ask(app, secret).status_code == 401
    assert as_account(COUNTY_READER).get("/tokens/").status_code == 403
