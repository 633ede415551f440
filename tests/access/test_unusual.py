"""Who deletes or adds too much at a time is locked at once; the manager above unlocks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import limits, policy
from app.access.account import Account
from app.access.accounts import sign_in as signin
from app.access.accounts import unusual
from app.access.accounts.tokens import Token
from app.access.accounts.unusual import What
from app.access.audit.log import Act, AuditEntry
from app.access.scope import unscoped
from app.access.settings import SettingValue
from app.core.clock import now
from app.core.db import db
from app.core.errors import Forbidden
from app.core.jobs.table import Job, JobState
from app.kernel.declare.flow import State
from app.kernel.records import save as records
from app.modules.homes.choices import Grade
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.builders import (
    CITY,
    COUNTY_COLLECTOR,
    COUNTY_MANAGER,
    COUNTY_READER,
    FAR_COUNTY,
    MINISTRY,
    NEXT_COUNTY,
    PROVINCE,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    account,
    household,
    region,
    sign_in,
)
from tests.clicks import click
from tests.hands import Hands

JSON = {"Accept": "application/json"}


@pytest.fixture
def few(app: Flask) -> None:
    """Two deletions, three additions an hour."""
    with app.app_context(), unscoped("tests set") as session:
        nation = region("0").id
        for name, number in (("unusual.deletions", 2), ("unusual.additions", 3)):
            session.add(SettingValue(region_id=nation, name=name, value=number))
        session.commit()


@pytest.fixture
def clerk(app: Flask, few: None) -> Account:
    with app.app_context():
        return account(COUNTY_COLLECTOR)


def surveys(app: Flask, n: int, state: State) -> list[Lookback]:
    with app.app_context():
        made = [household(name=f"户{i}")[1] for i in range(n)]
        if state != State.MISSING:
            made = [builders.complete(one, builders.own_house(Grade.A)) for one in made]
    return made


def states(app: Flask) -> list[State]:
    with app.app_context(), unscoped("tests look") as session:
        return list(session.scalars(select(Lookback.state).order_by(Lookback.head_name)))


def stored(app: Flask, made: Account) -> Account:
    with app.app_context(), unscoped("tests look") as session:
        return session.get_one(Account, made.id)


def delete(hands: Hands, survey: Lookback) -> Any:
    return hands.post(f"/lookback/{survey.id}/clear?version={survey.version}")


def test_deleting_too_much_locks_at_once(app: Flask, clerk: Account) -> None:
    rows = surveys(app, 4, State.DRAFT)
    here, elsewhere = (Hands(app, sign_in(app, clerk)) for _nth in range(2))
    with app.app_context(), unscoped("tests arrange") as session:
        token = builders.api_token(clerk)[0].id
        session.add(Job(kind="ledger.export", account_id=clerk.uuid, path=clerk.path))
        session.commit()
    assert [delete(here, row).status_code for row in rows[:2]] == [302, 302]
    third = delete(here, rows[2])
    assert third.status_code == 403
    assert "删除了超过2条记录，已被封闭" in third.text
    assert states(app) == [State.MISSING, State.MISSING, State.DRAFT, State.DRAFT]
    for hands in (here, elsewhere):
        assert hands.get("/", headers=JSON).status_code == 401, "open sessions end"
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(Job.state)).all() == [JobState.CANCELLED]
        assert session.get_one(Token, token).revoked_at is not None, "and tokens"
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.LOCK)).one()
        assert (entry.account_id, entry.record_id) == (clerk.uuid, clerk.uuid)
        assert entry.detail["reason"] == "60分钟内删除超过2条记录"
        assert entry.detail["jobs"] == 1
    with app.app_context(), pytest.raises(Forbidden, match="封闭"), policy.as_account(clerk.uuid):
        pass


def test_only_the_owner_is_told_that_it_is_locked(app: Flask, clerk: Account) -> None:
    rows = surveys(app, 3, State.DRAFT)
    hands = Hands(app, sign_in(app, clerk))
    for row in rows:
        delete(hands, row)
    client = app.test_client()
    token = client.get("/login/", headers=JSON).json["csrf_token"]
    form = {"username": clerk.username, "csrf_token": token}
    right = client.post("/login/", data=form | {"password": builders.PASSWORD}, headers=JSON)
    wrong = client.post("/login/", data=form | {"password": "falsch1"}, headers=JSON)
    assert right.status_code == wrong.status_code == 401
    assert "封闭" in right.json["error"]
    assert "封闭" not in wrong.json["error"]
    assert client.get("/", headers=JSON).status_code == 401


def test_adding_too_much_locks_but_changing_does_not(app: Flask, clerk: Account) -> None:
    rows = surveys(app, 4, State.MISSING)
    hands = Hands(app, sign_in(app, clerk))
    answers = []
    for row in rows[:3]:
        answers.append(save(hands, row, 1))
        answers.append(save(hands, row, 2))
    assert [answer.status_code for answer in answers] == [302] * 6
    assert save(hands, rows[3], 1).status_code == 403
    assert stored(app, clerk).lock_reason == "additions 3 60"
    assert states(app)[3] == State.MISSING


def save(hands: Hands, survey: Lookback, version: int) -> Any:
    form = {"version": str(version), "died": "yes" if version == 1 else "no"}
    return hands.post(f"/lookback/{survey.id}/edit", form)


def test_jobs_are_exempt(app: Flask, clerk: Account) -> None:
    rows = surveys(app, 4, State.DRAFT)
    with app.app_context(), policy.as_account(clerk.uuid):
        for row in rows:
            click(records.clear, LOOKBACK, row.id, row.version)
    assert stored(app, clerk).locked_at is None


def locked_account(app: Flask, who: Any, place: Any = None) -> Account:
    with app.app_context():
        made = account(who, place)
        with unscoped("tests lock an account") as session:
            row = session.get_one(Account, made.id)
            row.locked_at, row.lock_reason = now(), "deletions 50 60"
            session.commit()
        return made


def seen_by(app: Flask, who: Any, place: Any = None) -> set[str]:
    with app.app_context(), builders.acting(who, place) as actor:
        found = {one.username for one in unusual.locked(actor)}
        assert db.session.scalar(select(unusual.number_locked(actor))) == len(found)
        return found


def test_who_unlocks_whom(app: Flask) -> None:
    with app.app_context():
        next_county, far = region(NEXT_COUNTY), region(FAR_COUNTY)
    village = locked_account(app, VILLAGE_CLERK).username
    town = locked_account(app, TOWN_MANAGER).username
    reader = locked_account(app, COUNTY_READER).username
    county = locked_account(app, COUNTY_MANAGER).username
    city = locked_account(app, CITY).username
    assert seen_by(app, COUNTY_MANAGER) == {village, town, reader}
    assert seen_by(app, COUNTY_MANAGER, next_county) == set()
    assert seen_by(app, COUNTY_MANAGER, far) == set()
    assert seen_by(app, CITY) == {county}
    assert seen_by(app, PROVINCE) == {city}
    assert seen_by(app, MINISTRY) == {village, town, reader, county, city}
    for nobody in (COUNTY_READER, TOWN_MANAGER, VILLAGE_CLERK):
        assert seen_by(app, nobody) == set()


def test_a_manager_unlocks_with_a_reason(app: Flask, clerk: Account) -> None:
    rows = surveys(app, 4, State.DRAFT)
    hands = Hands(app, sign_in(app, clerk))
    for row in rows[:3]:
        delete(hands, row)
    manager = Hands(app, sign_in(app, COUNTY_MANAGER))
    assert "/locked/" in manager.get("/").text, "it waits on the desk"
    page = manager.get("/locked/")
    assert clerk.username in page.text
    assert "60分钟内删除超过2条记录" in page.text
    url = f"/locked/{clerk.uuid}/unlock"
    for bad, message in (("  ", "请填写解除封闭的理由"), ("因" * 201, "最多 200 个字")):
        refused = manager.post(url, {"reason": bad})
        assert refused.status_code == 422
        assert message in refused.text
        assert stored(app, clerk).locked_at is not None
    assert manager.post(url, {"reason": "清理重复录入"}).status_code == 302
    assert manager.post(url, {"reason": "再点一次"}).status_code == 404
    assert "/locked/" not in manager.get("/").text
    with app.app_context(), unscoped("tests look") as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.UNLOCK)).one()
        assert entry.record_id == clerk.uuid
        assert entry.detail["reason"] == "清理重复录入"
    again = Hands(app, sign_in(app, clerk))
    assert delete(again, rows[3]).status_code == 302, "it counts from nought"


def test_another_manager_unlocks_nothing(app: Flask, clerk: Account) -> None:
    rows = surveys(app, 3, State.DRAFT)
    hands = Hands(app, sign_in(app, clerk))
    for row in rows:
        delete(hands, row)
    with app.app_context():
        neighbour = account(COUNTY_MANAGER, region(NEXT_COUNTY))
    for who in (neighbour, CITY):
        manager = Hands(app, sign_in(app, who))
        answer = manager.post(f"/locked/{clerk.uuid}/unlock", {"reason": "想解除"})
        assert answer.status_code == 404
    reader = Hands(app, sign_in(app, COUNTY_READER))
    assert reader.get("/locked/").status_code == 403
    assert stored(app, clerk).locked_at is not None


def test_the_count_goes_with_what_it_counts(app: Flask, clerk: Account) -> None:
    """What is refused for another reason is no deletion."""
    rows = surveys(app, 1, State.DRAFT)
    hands = Hands(app, sign_in(app, clerk))
    for _nth in range(5):
        answer = hands.post(f"/lookback/{rows[0].id}/clear?version=99")
        assert answer.status_code in {302, 409}
    assert stored(app, clerk).locked_at is None
    with app.app_context(), builders.acting(COUNTY_COLLECTOR):
        unusual.count(What.DELETIONS)
        db.session.rollback()


def test_the_machines_administrator_unlocks_the_ministry(app: Flask) -> None:
    manager = locked_account(app, MINISTRY)
    run = app.test_cli_runner().invoke
    assert run(args=["accounts", "unlock", "nobody", "--reason", "x"]).exit_code == 2
    done = run(args=["accounts", "unlock", manager.username, "--reason", "来电核实"])
    assert done.exit_code == 0, done.output
    assert stored(app, manager).locked_at is None
    with app.app_context(), unscoped("tests look") as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.UNLOCK)).one()
        assert (entry.record_id, entry.detail["reason"]) == (manager.uuid, "来电核实")


def test_a_locked_account_shows_it_to_its_manager(app: Flask) -> None:
    one = locked_account(app, VILLAGE_CLERK)
    manager = Hands(app, sign_in(app, COUNTY_MANAGER))
    page = manager.get(f"/accounts/{one.uuid}").text
    assert "60分钟内删除超过50条记录" in page
    assert 'href="/locked/"' in page
    assert "封闭" in manager.get("/accounts/").text


def test_a_new_password_forgets_the_failures(app: Flask) -> None:
    with app.app_context():
        one = account(VILLAGE_CLERK)
        limit = signin.of_account(one.username, dt.timedelta(minutes=15))
        for _nth in range(limit.most):
            limits.take(limit)
        db.session.commit()
        assert limits.wait(limit)
    manager = Hands(app, sign_in(app, COUNTY_MANAGER))
    assert manager.post(f"/accounts/{one.uuid}/reset").status_code == 200
    with app.app_context():
        assert limits.wait(limit) is None
