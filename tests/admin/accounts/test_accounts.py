"""What managers do to accounts: allowances that hold against two at once, nobody lifts itself."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import func, select

from app.access.account import Account
from app.access.accounts.tokens import Token
from app.access.actor import Actor, Capability, Duty, Kind
from app.access.audit import log as audit
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level, Region
from app.access.grant import Grant
from app.access.scope import acting_as, unscoped
from app.admin.accounts import changing as accounts
from app.admin.accounts import granting
from app.admin.accounts.changing import Details
from app.admin.accounts.granting import Offer
from app.core.clock import today
from app.core.errors import BadInput, Conflict, Forbidden, Invalid, NotFound
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    FAR_COUNTY,
    MINISTRY,
    NEXT_COUNTY,
    PROVINCE,
    TOWN_CLERK,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    Who,
    account,
    actor,
    actor_of,
    api_token,
    below,
    region,
    seat,
)
from tests.clicks import click
from tests.crowds import at_once

ORDINARY = (Level.COUNTY, Kind.ORDINARY)
VILLAGE = (Level.VILLAGE, Kind.CLERK)


def entries(one: Account) -> list[AuditEntry]:
    with unscoped("tests look") as session:
        query = select(AuditEntry).where(AuditEntry.record_id == one.uuid)
        return list(session.scalars(query.order_by(AuditEntry.at)))


def kept(one: Account) -> Account:
    with unscoped("tests look") as session:
        return session.get_one(Account, one.id)


def fill(place: Region, who: Who, count: int) -> None:
    """So many accounts of that kind in a division."""
    with unscoped("tests fill") as session:
        for n in range(count):
            name = f"fill{place.id}x{n:03}"
            session.add(
                Account(username=name, first_name=name, last_name="", email=name, active=True,
                        kind=who.kind, level=int(who.level), region_id=place.id, path=place.path)
            )  # fmt: skip
        session.commit()


# ---- create --------------------------------------------------------------------------------


def test_a_new_account(session: Any) -> None:
    with acting_as(actor(COUNTY_MANAGER)) as manager:
        details = Details(name="审核股", duties=frozenset({Duty.REVIEWER}), entry_person="王录入")
        made, password = click(accounts.create, *ORDINARY, manager.region_id, "", details)
    assert made.username == "61012200000001"
    assert len(password) == 12
    assert made.must_change_password
    new = actor_of(made)
    assert new.has(Capability.REVIEW, "lookback")
    assert not new.has(Capability.ENTER, "lookback")
    (entry,) = entries(made)
    assert (entry.act, entry.register, entry.account_id) == (
        Act.CREATE,
        "account",
        manager.account_id,
    )
    assert entry.detail["duties"] == ["信息审核员"]
    assert password not in str(entry.detail)
    assert made.password not in str(entry.detail)


@pytest.mark.parametrize("role", [(Level.VILLAGE, Kind.CLERK), (Level.TOWN, Kind.MANAGER)])
def test_new_accounts_below(session: Any, role: tuple[Level, Kind]) -> None:
    place = seat(role[0])
    with acting_as(actor(COUNTY_MANAGER)):
        made, _password = click(accounts.create, *role, place.id, "", Details(name=place.name))
    assert made.path == place.path
    assert actor_of(made).has(Capability.ENTER, "lookback")


@pytest.mark.parametrize(
    ("login", "field"), [("蓝田县01", "login"), ("abc", "login"), ("a b;c", "login")]
)
def test_a_name_that_is_none(session: Any, login: str, field: str) -> None:
    with acting_as(actor(COUNTY_MANAGER)) as manager, pytest.raises(Invalid) as error:
        click(accounts.create, *ORDINARY, manager.region_id, login, Details(name="甲"))
    assert [p.field for p in error.value.problems] == [field]


def test_a_name_is_given_once_in_the_country(session: Any) -> None:
    account(VILLAGE_CLERK, below(region(FAR_COUNTY), Level.VILLAGE), username="taken01")
    with acting_as(actor(COUNTY_MANAGER)) as manager, pytest.raises(Invalid, match="已存在"):
        click(accounts.create, *ORDINARY, manager.region_id, "taken01", Details(name="甲"))


def test_every_problem_is_told_at_once(session: Any) -> None:
    details = Details(name="", phone="123", department="公安", entry_person="王" * 65)
    with acting_as(actor(COUNTY_MANAGER)), pytest.raises(Invalid) as error:
        click(accounts.create, *ORDINARY, None, "蓝", details)
    fields = {p.field for p in error.value.problems}
    assert fields == {"region", "login", "name", "phone", "department", "entry_person"}


@pytest.mark.parametrize(
    ("who", "level", "kind"),
    [
        (COUNTY_MANAGER, Level.COUNTY, Kind.MANAGER),  # a peer
        (COUNTY_MANAGER, Level.CITY, Kind.ORDINARY),  # above
        (CITY, Level.VILLAGE, Kind.CLERK),  # two levels down
        (COUNTY_READER, Level.COUNTY, Kind.ORDINARY),
        (TOWN_MANAGER, Level.TOWN, Kind.CLERK),
    ],
)
def test_what_one_may_not_create(session: Any, who: Who, level: Level, kind: Kind) -> None:
    with acting_as(actor(who)) as acting, pytest.raises(Forbidden):
        click(accounts.create, level, kind, acting.region_id, "", Details(name="甲"))


def test_no_account_in_a_division_of_another(session: Any) -> None:
    foreign = below(region(NEXT_COUNTY), Level.VILLAGE)
    with acting_as(actor(COUNTY_MANAGER)), pytest.raises(Invalid) as error:
        click(accounts.create, *VILLAGE, foreign.id, "", Details(name="甲"))
    assert foreign.name not in str(error.value.problems)


# ---- allowances ----------------------------------------------------------------------------


def test_full_is_full_and_says_what_to_do(session: Any) -> None:
    fill(seat(Level.VILLAGE), VILLAGE_CLERK, 2)
    village = seat(Level.VILLAGE)
    with acting_as(actor(COUNTY_MANAGER)):
        third, _password = click(accounts.create, *VILLAGE, village.id, "", Details(name="甲"))
        with pytest.raises(Invalid, match=r"已有 3 个，最多 3 个.*请先注销") as error:
            click(accounts.create, *VILLAGE, village.id, "", Details(name="乙"))
        assert error.value.problems[0].field == "region"
        session.rollback()
        click(accounts.deactivate, third.uuid)
        fourth, _password = click(accounts.create, *VILLAGE, village.id, "", Details(name="丙"))
        with pytest.raises(BadInput, match="最多 3 个"):
            click(accounts.reactivate, third.uuid)
        session.rollback()
        click(accounts.deactivate, fourth.uuid)
        click(accounts.reactivate, third.uuid)
    assert kept(third).active


def test_one_manager_a_division(session: Any) -> None:
    account(COUNTY_MANAGER)
    with acting_as(actor(CITY)), pytest.raises(Invalid, match="最多 1 个"):
        click(
            accounts.create, Level.COUNTY, Kind.MANAGER, region(COUNTY).id, "", Details(name="甲")
        )


def test_town_managers_count_with_the_countys_ordinary_users(session: Any) -> None:
    fill(region(COUNTY), COUNTY_READER, 98)
    with acting_as(actor(COUNTY_MANAGER)), pytest.raises(Invalid, match="最多 98 个"):
        click(
            accounts.create, Level.TOWN, Kind.MANAGER, seat(Level.TOWN).id, "", Details(name="甲")
        )


def test_two_managers_create_the_98th_at_once(app: Flask) -> None:
    with app.app_context():
        fill(region(COUNTY), COUNTY_READER, 97)
        managers = [actor(COUNTY_MANAGER), actor(COUNTY_MANAGER)]

    def create(manager: Actor) -> Any:
        def run() -> Account:
            with acting_as(manager):
                return click(accounts.create, *ORDINARY, manager.region_id, "", Details(name="甲"))[
                    0
                ]

        return run

    done = at_once(app, *map(create, managers))
    assert sorted(type(one).__name__ for one in done) == ["Account", "Invalid"], done
    assert "最多 98 个" in next(str(one) for one in done if isinstance(one, Invalid))
    with app.app_context(), unscoped("tests count") as session:
        query = select(func.count()).where(Account.level == 3, Account.kind == Kind.ORDINARY)
        assert session.scalar(query) == 98


def test_two_take_one_name_at_once(app: Flask) -> None:
    with app.app_context():
        managers = [actor(COUNTY_MANAGER), actor(COUNTY_MANAGER, region(NEXT_COUNTY))]

    def create(manager: Actor) -> Any:
        def run() -> Account:
            with acting_as(manager):
                return click(
                    accounts.create, *ORDINARY, manager.region_id, "same01", Details(name="甲")
                )[0]

        return run

    done = at_once(app, *map(create, managers))
    assert sorted(type(one).__name__ for one in done) == ["Account", "Invalid"], done


# ---- change --------------------------------------------------------------------------------


def test_a_change_is_kept_with_old_and_new(session: Any) -> None:
    one = account(COUNTY_READER, phone="13800000001")
    wanted = Details(name="新名", phone="13800000002", duties=frozenset({Duty.COLLECTOR}),
                     registers={"lookback": "enter"})  # fmt: skip
    with acting_as(actor(COUNTY_MANAGER)):
        click(accounts.change, one.uuid, wanted, accounts.fingerprint(one))
    assert actor_of(kept(one)).has(Capability.ENTER, "lookback")
    (entry,) = entries(one)
    assert entry.act == Act.PERMISSION
    assert entry.detail["changes"]["phone"] == ["13800000001", "13800000002"]
    assert entry.detail["changes"]["duties"] == [[], ["信息采集员"]]
    assert entry.detail["changes"]["registers"] == [None, {"lookback": "enter"}]


def test_an_older_form_changes_nothing(session: Any) -> None:
    one = account(COUNTY_READER)
    with acting_as(actor(COUNTY_MANAGER)):
        seen = accounts.fingerprint(one)
        session.rollback()
        click(accounts.change, one.uuid, Details(name="先到"), seen)
        with pytest.raises(Conflict):
            click(accounts.change, one.uuid, Details(name="后到"), seen)
        session.rollback()
        click(accounts.change, one.uuid, Details(name="先到"), seen)  # the same form, sent twice
    assert kept(one).first_name == "先到"


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (Details(name="甲", duties=frozenset({Duty.REVIEWER})), "duties"),
        (Details(name="甲", registers={"nothing": "enter"}), "registers"),
        (Details(name="甲", registers={"lookback": "all"}), "registers"),
    ],
)
def test_rights_that_the_role_cannot_have(session: Any, details: Details, field: str) -> None:
    clerk = account(VILLAGE_CLERK)
    with acting_as(actor(COUNTY_MANAGER)), pytest.raises(Invalid) as error:
        click(accounts.change, clerk.uuid, details, accounts.fingerprint(clerk))
    assert [p.field for p in error.value.problems] == [field]


def acts(one: Account) -> list[Any]:
    """Everything that a manager can do to an account."""
    wanted = Details(name="甲", duties=frozenset({Duty.ADMINISTRATOR}))
    return [
        lambda: click(accounts.change, one.uuid, wanted, ""),
        lambda: click(accounts.reset_password, one.uuid),
        lambda: click(accounts.deactivate, one.uuid),
        lambda: click(accounts.reactivate, one.uuid),
        lambda: click(accounts.delete, one.uuid),
        lambda: click(granting.grant, one.uuid, Offer(Capability.ENTER), [], today(), "因为"),
        lambda: click(granting.revoke, one.uuid, uuid.uuid4()),
    ]


def test_nobody_lifts_itself_a_peer_or_one_above(session: Any) -> None:
    own, peer = account(COUNTY_MANAGER), account(COUNTY_MANAGER)
    above_, far = account(CITY), account(COUNTY_READER, region(NEXT_COUNTY))
    with acting_as(actor_of(own)):
        session.rollback()
        for one in (own, peer):
            for act in acts(one):
                with pytest.raises(Forbidden):
                    act()
                session.rollback()
        for one in (above_, far):  # outside the area: as if they did not exist
            for act in acts(one):
                with pytest.raises(NotFound):
                    act()
                session.rollback()
    for one in (own, peer, above_, far):
        now = kept(one)
        assert (now.first_name, now.active, now.password) == (one.first_name, True, one.password)
        assert entries(one) == []


def test_a_province_looks_at_a_clerk_and_changes_nothing(session: Any) -> None:
    clerk = account(VILLAGE_CLERK)
    with acting_as(actor(PROVINCE)):
        assert accounts.get(clerk.uuid).username == clerk.username
        session.rollback()
        for act in acts(clerk):
            with pytest.raises(Forbidden):
                act()
            session.rollback()


def test_own_details_give_no_rights(session: Any) -> None:
    one = account(COUNTY_READER, department="民政", registers={"lookback": "read"})
    with acting_as(actor_of(one)):
        mine = session.scalar(select(Account).where(Account.uuid == one.uuid))
        wanted = Details(name="新名", phone="13800000002", department="住建",
                         duties=frozenset({Duty.REVIEWER}), entry_person="王录入")  # fmt: skip
        click(accounts.change_own, mine, wanted)
    now = kept(one)
    assert (now.first_name, now.entry_person, now.department) == ("新名", "王录入", "民政")
    assert now.registers == {"lookback": "read"}
    assert not actor_of(now).has(Capability.REVIEW, "lookback")


def test_own_details_are_changed_from_what_they_are_by_then(session: Any) -> None:
    """The log tells what its manager had put in since the page was read."""
    one = account(COUNTY_READER)
    with acting_as(actor_of(one)):
        mine = session.scalar(select(Account).where(Account.uuid == one.uuid))
        session.commit()  # what was read stays
        with unscoped("its manager changes it") as theirs:
            theirs.get_one(Account, one.id).first_name = "经办"
            theirs.commit()
        click(accounts.change_own, mine, Details(name="新名"))
    (entry,) = entries(one)
    assert entry.detail["changes"]["name"] == ["经办", "新名"]


# ---- passwords, state, deletion ------------------------------------------------------------


def test_a_reset_ends_sessions_and_tokens_and_forces_a_change(session: Any) -> None:
    clerk, colleague = account(VILLAGE_CLERK), account(VILLAGE_CLERK)
    (ended, _secret), (left, _other) = api_token(clerk), api_token(colleague)
    before = clerk.get_id()
    with acting_as(actor(COUNTY_MANAGER)):
        _account, password = click(accounts.reset_password, clerk.uuid)
    now = kept(clerk)
    assert now.must_change_password
    assert now.get_id() != before
    (entry,) = entries(clerk)
    assert entry.act == Act.PASSWORD
    assert password not in str(entry.detail)
    assert now.password not in str(entry.detail)
    assert session.get_one(Token, ended.id).revoked_at is not None
    assert session.get_one(Token, left.id).revoked_at is None


def test_the_ministry_resets_a_clerks_password(session: Any) -> None:
    clerk = account(VILLAGE_CLERK)
    with acting_as(actor(MINISTRY)):
        click(accounts.reset_password, clerk.uuid)
        with pytest.raises(Forbidden):
            click(accounts.deactivate, clerk.uuid)
        session.rollback()
    assert kept(clerk).active


def test_who_worked_stays(session: Any) -> None:
    clerk, idle = account(TOWN_CLERK), account(TOWN_CLERK)
    with acting_as(actor_of(clerk)):
        audit.note(Act.CREATE, register="lookback", detail={"changes": {}})
    with acting_as(actor_of(idle)):
        audit.note(Act.LOGIN)
    with acting_as(actor(COUNTY_MANAGER)) as manager:
        session.rollback()
        with pytest.raises(Conflict, match="不能删除，只能注销"):
            click(accounts.delete, clerk.uuid)
        session.rollback()
        click(accounts.delete, idle.uuid)
    (entry,) = (e for e in entries(idle) if e.act == Act.DELETE)
    assert entry.account_id == manager.account_id
    with unscoped("tests look") as everything:
        assert everything.get(Account, clerk.id) is not None
        assert everything.get(Account, idle.id) is None
        assert everything.scalar(select(func.count()).select_from(Role)) > 0


# ---- grants --------------------------------------------------------------------------------


def test_the_province_lets_a_city_enter(session: Any) -> None:
    city, month = account(CITY), today() + dt.timedelta(days=30)
    counties = [region(COUNTY).id, region(NEXT_COUNTY).id]
    with acting_as(actor(PROVINCE)):
        click(
            granting.grant, city.uuid, Offer(Capability.ENTER), counties, month, "两县没有录入条件"
        )
        assert actor_of(city).areas(Capability.ENTER, "lookback") == (
            region(COUNTY).path, region(NEXT_COUNTY).path,
        )  # fmt: skip
        one = next(g for g in granting.grants_of(city) if g.region_id == counties[0])
        session.rollback()
        click(granting.revoke, city.uuid, one.id)
    assert actor_of(city).areas(Capability.ENTER, "lookback") == (region(NEXT_COUNTY).path,)
    given, taken = entries(city)
    assert given.act == taken.act == Act.PERMISSION
    assert given.detail["ends_on"] == month.isoformat()
    assert given.detail["regions"] == [region(COUNTY).full_name, region(NEXT_COUNTY).full_name]
    assert taken.detail["revoked"] == Capability.ENTER.zh


def test_a_county_lets_an_ordinary_user_spot_check(session: Any) -> None:
    one = account(COUNTY_READER)
    with acting_as(actor(COUNTY_MANAGER)):
        click(granting.grant, one.uuid, Offer(Capability.SPOT_CHECK), [], today(), "年终抽查")
        session.rollback()
        with pytest.raises(Forbidden):
            click(granting.grant, one.uuid, Offer(Capability.EXPORT), [], today(), "想要")
        session.rollback()
    assert actor_of(one).has(Capability.SPOT_CHECK, "lookback")


@pytest.mark.parametrize(
    ("counties", "days", "reason", "field"),
    [
        ([], 30, "因为", "counties"),
        ([FAR_COUNTY], 30, "因为", "counties"),
        ([COUNTY, FAR_COUNTY], 30, "因为", "counties"),
        ([COUNTY], -1, "因为", "ends_on"),
        ([COUNTY], 400, "因为", "ends_on"),
        ([COUNTY], None, "因为", "ends_on"),
        ([COUNTY], 30, " ", "reason"),
        ([COUNTY], 30, "长" * 201, "reason"),
    ],
)
def test_a_grant_that_makes_no_sense(
    session: Any, counties: list[str], days: int | None, reason: str, field: str
) -> None:
    city = account(CITY)
    ids = [region(code).id for code in counties]
    ends = today() + dt.timedelta(days=days) if days is not None else None
    with acting_as(actor(PROVINCE)), pytest.raises(Invalid) as error:
        click(granting.grant, city.uuid, Offer(Capability.ENTER), ids, ends, reason)
    session.rollback()
    assert [p.field for p in error.value.problems] == [field]
    with unscoped("tests look") as everything:
        assert everything.scalar(select(func.count()).select_from(Grant)) == 0
