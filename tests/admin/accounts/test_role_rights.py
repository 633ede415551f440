"""The ministry changes what a role may do: who may, within what, told to whom, kept over deploys."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask, current_app
from sqlalchemy import select

from app.access import policy, roles
from app.access.account import Account
from app.access.accounts import tokens
from app.access.actor import SYSTEM, Actor, Capability, Duty, Kind
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level, Region
from app.access.policy import role_name
from app.access.roles import right
from app.access.scope import acting_as, unscoped
from app.admin.accounts import role_rights
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.transactions import transaction
from app.kernel.households import audit_words
from app.kernel.records import save as records
from app.modules.surveys.lookback.register import LOOKBACK
from tests.answers import died
from tests.builders import (
    CITY,
    COUNTY_MANAGER,
    MINISTRY,
    PROVINCE,
    VILLAGE_CLERK,
    Who,
    account,
    acting,
    actor,
    actor_of,
    api_token,
    household,
    sign_in,
)
from tests.clicks import click
from tests.hands import Hands

C = Capability
CITY_ROLE, COUNTY_ROLE = (role_name(level, Kind.MANAGER) for level in (Level.CITY, Level.COUNTY))
MINISTRY_ROLE = role_name(Level.NATION, Kind.MANAGER)
ENTER, EXPORT = right(C.ENTER, "lookback"), right(C.EXPORT, "lookback")
in_session = pytest.mark.usefixtures("session")


def held(role: str) -> set[str]:
    with unscoped("tests look at roles") as session:
        return roles.in_force(session)[role]


def seen(role: str) -> str:
    return role_rights.fingerprint(held(role))


def change(role: str, *, given: tuple[str, ...] = (), taken: tuple[str, ...] = ()) -> bool:
    return click(role_rights.change, role, given, taken, seen(role))


def deploy() -> None:
    with unscoped("tests deploy") as session:
        roles.sync(session, role_rights.registers())
        session.commit()


@in_session
def test_a_change_holds_and_is_in_the_log() -> None:
    city = account(CITY)
    with acting(MINISTRY) as manager:
        assert change(CITY_ROLE, given=(ENTER,), taken=(EXPORT,))
        db.session.rollback()
    assert actor_of(city).has(C.ENTER, "lookback")
    assert not actor_of(city).has(C.EXPORT, "lookback")
    with unscoped("tests look") as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.register == "role")).one()
    assert (entry.act, entry.account_id, entry.path) == (Act.PERMISSION, manager.account_id, "0.")
    assert entry.detail == {"role": CITY_ROLE, "given": [ENTER], "taken": [EXPORT]}
    with current_app.test_request_context():
        told = audit_words.full(entry)
    assert "给予的权限：录入、修改、删除、上报（脱贫户住房安全保障回头看）" in told
    assert "收回的权限：导出含个人信息的台账（脱贫户住房安全保障回头看）" in told


@in_session
def test_a_change_that_changes_nothing_is_not_told() -> None:
    with acting(MINISTRY):
        assert not click(role_rights.change, CITY_ROLE, [EXPORT], [ENTER], "an old form")
        db.session.rollback()
    with unscoped("tests look") as session:
        assert session.scalars(select(AuditEntry.id)).all() == []


@in_session
def test_a_change_survives_every_deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    with acting(MINISTRY):
        change(CITY_ROLE, given=(ENTER,), taken=(EXPORT,))
        db.session.rollback()
    key = (Level.CITY, Kind.MANAGER)
    deploy()
    monkeypatch.setitem(policy.MATRIX, key, policy.MATRIX[key] | {C.REVIEW})
    deploy()
    now = held(CITY_ROLE)
    assert {ENTER, right(C.REVIEW, "lookback")} <= now
    assert EXPORT not in now


@in_session
def test_a_role_is_put_back_to_the_matrix() -> None:
    before = held(CITY_ROLE)
    with acting(MINISTRY):
        change(CITY_ROLE, given=(ENTER,), taken=(EXPORT,))
        assert click(role_rights.put_back, CITY_ROLE, seen(CITY_ROLE))
        assert not click(role_rights.put_back, CITY_ROLE, "an old form")
        db.session.rollback()
    assert held(CITY_ROLE) == before
    with unscoped("tests look") as session:
        newest = select(AuditEntry).order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        detail = session.scalars(newest.limit(1)).one().detail
    assert detail == {"role": CITY_ROLE, "given": [EXPORT], "taken": [ENTER]}


# ---- what is refused -----------------------------------------------------------------------


@in_session
@pytest.mark.parametrize(
    ("role", "beyond"),
    [
        (CITY_ROLE, right(C.REVIEW, "lookback")),
        (CITY_ROLE, right(C.ENTER, "nothing")),
        (CITY_ROLE, right(C.SETTINGS, "lookback")),
        (CITY_ROLE, "can_list:lookback"),
        (role_name(Level.COUNTY, Kind.ORDINARY), right(C.MANAGE_USERS)),
        (role_name(Level.VILLAGE, Kind.CLERK), right(C.EXPORT, "lookback")),
        (Duty.REVIEWER.zh, ENTER),
        (Duty.ADMINISTRATOR.zh, right(C.MANAGE_USERS)),
    ],
)
def test_nothing_is_given_beyond_what_a_role_may_ever_have(role: str, beyond: str) -> None:
    before = held(role)
    with acting(MINISTRY):
        with pytest.raises(Invalid, match="不能有这些权限"):
            change(role, given=(beyond,), taken=(right(C.SEARCH, "lookback"),))
        db.session.rollback()
    assert held(role) == before


@in_session
def test_many_that_are_beyond_are_told_by_the_first_ones_and_their_number() -> None:
    reviews = [right(C.REVIEW, name) for name in role_rights.registers()]
    with acting(MINISTRY):
        with pytest.raises(Invalid, match=f"等 {len(reviews)} 项"):
            click(role_rights.change, CITY_ROLE, reviews, [], seen(CITY_ROLE))
        db.session.rollback()


@in_session
def test_the_ministry_cannot_lock_itself_out() -> None:
    with acting(MINISTRY):
        with pytest.raises(Invalid, match="没有人能再修改角色"):
            change(MINISTRY_ROLE, taken=(right(C.SETTINGS), right(C.AUDIT)))
        change(MINISTRY_ROLE, taken=(right(C.AUDIT),))
        change(role_name(Level.PROVINCE, Kind.MANAGER), taken=(right(C.SETTINGS),))
        db.session.rollback()
    assert right(C.SETTINGS) in held(MINISTRY_ROLE)
    assert right(C.AUDIT) not in held(MINISTRY_ROLE)


@in_session
@pytest.mark.parametrize(
    "who", [PROVINCE, COUNTY_MANAGER, Who(Level.NATION, Kind.ORDINARY), VILLAGE_CLERK], ids=str
)
def test_others_change_nothing(who: Who) -> None:
    now = seen(CITY_ROLE)
    with acting(who):
        for action in (lambda: change(CITY_ROLE, given=(ENTER,)),
                       lambda: click(role_rights.put_back, CITY_ROLE, now)):  # fmt: skip
            with pytest.raises(Forbidden):
                action()
        db.session.rollback()


@in_session
def test_nor_does_the_ministry_without_the_right_to_settings_nor_by_a_token() -> None:
    one = account(MINISTRY)
    less = actor_of(one)
    less = replace(less, capabilities=less.capabilities - {("settings", SYSTEM)})
    for acts in (less, _by_token(one)):
        with acting_as(acts):
            with pytest.raises(Forbidden):
                change(CITY_ROLE, given=(ENTER,))
            db.session.rollback()


def _by_token(one: Account) -> Actor:
    token, _secret = api_token(one, lookback="enter")
    with unscoped("tests look") as session:
        region = session.get_one(Region, token.region_id)
    return tokens.narrowed(actor_of(one), token.registers, region, token.name)


@in_session
def test_roles_that_are_not_there() -> None:
    with acting(MINISTRY):
        for role in ("Admin", ""):
            with pytest.raises(NotFound):
                click(role_rights.change, role, [ENTER], [], "")
            with pytest.raises(NotFound):
                click(role_rights.put_back, role, "")
        db.session.rollback()


# ---- at once -------------------------------------------------------------------------------


def at_once(app: Flask, who: Actor, *acts: Callable[[], object]) -> list[object]:
    """What each act gave or raised; they begin together, each in a thread of its own."""
    ready = threading.Barrier(len(acts))

    def one(act: Callable[[], object]) -> object:
        with app.app_context(), acting_as(who):
            ready.wait(10)
            try:
                return act()
            except Conflict as error:
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(60) for future in [pool.submit(one, act) for act in acts]]


def test_of_two_changes_at_once_the_second_is_told(app: Flask) -> None:
    with app.app_context():
        manager, form = actor(MINISTRY), seen(CITY_ROLE)
    told = at_once(
        app, manager,
        lambda: click(role_rights.change, CITY_ROLE, [ENTER], [], form),
        lambda: click(role_rights.change, CITY_ROLE, [], [EXPORT], form),
    )  # fmt: skip
    with app.app_context():
        now = held(CITY_ROLE)
    assert sorted(isinstance(one, Conflict) for one in told) == [False, True]
    assert (ENTER in now) is (told[0] is True)
    assert (EXPORT in now) is not (told[1] is True)


def test_a_change_while_deploys_run(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second begins with what the first one left: none of it is lost."""
    key = (Level.CITY, Kind.MANAGER)
    with app.app_context():
        manager, form = actor(MINISTRY), seen(CITY_ROLE)
    monkeypatch.setitem(policy.MATRIX, key, (policy.MATRIX[key] | {C.REVIEW}) - {C.SPOT_CHECK})

    def changes() -> bool:
        try:
            return click(role_rights.change, CITY_ROLE, [ENTER], [EXPORT], form)
        except Conflict:  # the deploy came first
            return click(role_rights.change, CITY_ROLE, [ENTER], [EXPORT], seen(CITY_ROLE))

    told = at_once(app, manager, deploy, changes, deploy)
    assert told == [None, True, None]
    with app.app_context():
        now = held(CITY_ROLE)
    assert {ENTER, right(C.REVIEW, "lookback")} <= now
    assert not {EXPORT, right(C.SPOT_CHECK, "lookback")} & now


def test_a_save_that_began_before_is_finished_the_next_is_refused(app: Flask) -> None:
    with app.app_context():
        clerk, manager = account(VILLAGE_CLERK), actor(MINISTRY)
        before, form = actor_of(clerk), seen(role_name(Level.VILLAGE, Kind.CLERK))
        first, second = (household()[1] for _ in range(2))

    def take() -> None:
        with app.app_context(), acting_as(manager):
            click(role_rights.change, role_name(Level.VILLAGE, Kind.CLERK), [], [ENTER], form)
            db.session.remove()

    with ThreadPoolExecutor(1) as pool, app.app_context():
        with acting_as(before), transaction():
            saved = records.get(LOOKBACK, first.id, lock=True)
            taking = pool.submit(take)
            threading.Event().wait(
                0.2
            )  # on PostgreSQL it is done by now, on SQLite it waits for us
            records.save(LOOKBACK, saved.id, died(), saved.version)
        taking.result(60)
        with acting_as(actor_of(clerk)), pytest.raises(Forbidden):
            click(records.save, LOOKBACK, second.id, died(), 1)
        with unscoped("tests look") as session:
            assert session.get_one(LOOKBACK.model, first.id).died
            assert not session.get_one(LOOKBACK.model, second.id).died


def test_the_next_request_of_who_is_signed_in_counts(app: Flask) -> None:
    with app.app_context():
        one, manager = account(COUNTY_MANAGER), actor(MINISTRY)
        _token, secret = api_token(one)
    hands = Hands(app, sign_in(app, one))
    caller = {"headers": {"Authorization": f"Bearer {secret}"}}
    assert hands.get("/lookback/query").status_code == 200
    assert app.test_client().get("/api/v1/lookback", **caller).status_code == 200
    with app.app_context(), acting_as(manager):
        change(COUNTY_ROLE, taken=(right(C.SEARCH, "lookback"),))
        db.session.remove()
    assert hands.get("/lookback/query").status_code == 403
    assert app.test_client().get("/api/v1/lookback", **caller).status_code == 403
