"""Another role or division for an account: rights, allowances, grants, the log (spec 01 §Users)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.access.account import Account
from app.access.actor import Capability, Duty, Kind
from app.access.audit.log import AuditEntry
from app.access.divisions.regions import Level, Region
from app.access.grant import Grant
from app.access.scope import unscoped
from app.admin.accounts import changing as accounts
from app.admin.accounts import roles as account_roles
from app.core.clock import today
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_REVIEWER,
    FAR_COUNTY,
    TOWN_CLERK,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    account,
    acting,
    actor_of,
    below,
    region,
)
from tests.clicks import click

MANAGER, CLERK = (Level.TOWN, Kind.MANAGER), (Level.TOWN, Kind.CLERK)
in_session = pytest.mark.usefixtures("session")


def change(one: Account, role: tuple[Level, Kind], place: Region) -> Account:
    seen = accounts.fingerprint(accounts.get(one.uuid))
    return click(account_roles.change_role, one.uuid, role, place.id, seen)


def kept(one: Account) -> Account:
    """As it is now."""
    with unscoped("tests look") as session:
        return session.get_one(Account, one.id)


def towns() -> tuple[Region, Region]:
    county = region(COUNTY)
    return below(county, Level.TOWN, 0), below(county, Level.TOWN, 1)


@in_session
def test_a_clerk_becomes_the_manager_of_another_town() -> None:
    one, other = towns()
    clerk = account(TOWN_CLERK, one, registers={"lookback": "read"})
    with acting(COUNTY_MANAGER) as manager:
        changed = change(clerk, MANAGER, other)
        assert (changed.level, changed.kind, changed.path) == (*MANAGER, other.path)
        db.session.rollback()
    now = actor_of(kept(clerk))
    assert now.path == other.path
    assert now.has(Capability.EXPORT, "lookback")
    assert not now.has(Capability.ENTER, "lookback"), "its list of registers stays"
    with unscoped("tests look") as session:
        query = select(AuditEntry).where(AuditEntry.record_id == clerk.uuid)
        entry = session.scalars(query).one()
        assert entry.account_id == manager.account_id
        assert (entry.detail or {})["changes"]["role"] == ["乡镇级信息采集员用户", "乡镇级管理用户"]
        assert entry.detail["changes"]["region"] == [one.full_name, other.full_name]


@in_session
def test_what_does_not_go_with_the_new_role_ends() -> None:
    one, _other = towns()
    reviewer = account(COUNTY_REVIEWER)
    with unscoped("tests grant") as session:
        grant = Grant(
            account_id=reviewer.id, capability=Capability.SPOT_CHECK, ends_on=today(),
            region_id=reviewer.region_id, reason="抽查",
        )  # fmt: skip
        session.add(grant)
        session.commit()
        key = grant.id
    with acting(COUNTY_MANAGER):
        changed = change(reviewer, CLERK, one)
        assert accounts.duties_of(changed) == [Duty.COLLECTOR]
        db.session.rollback()
    assert not actor_of(kept(reviewer)).has(Capability.REVIEW, "lookback")
    with unscoped("tests look") as session:
        assert session.get_one(Grant, key).revoked_at is not None


@in_session
def test_the_new_place_must_have_room() -> None:
    """One manager a town; whoever only changes within the county's 98 does not count twice."""
    one, other = towns()
    account(TOWN_MANAGER, one)
    clerk, manager = account(TOWN_CLERK, one), account(TOWN_MANAGER, other)
    with acting(COUNTY_MANAGER) as actor_:
        with pytest.raises(Invalid, match="最多 1 个") as told:
            change(clerk, MANAGER, one)
        assert [p.field for p in told.value.problems] == ["region"]
        db.session.rollback()
        county = region(COUNTY)
        with unscoped("tests fill") as session:
            for n in range(96):
                session.add(
                    Account(username=f"fill{n}", first_name="甲", last_name="", email=f"fill{n}",
                            active=True, kind=Kind.ORDINARY, level=int(Level.COUNTY),
                            region_id=county.id, path=county.path)
                )  # fmt: skip
            session.commit()
        changed = change(manager, (Level.COUNTY, Kind.ORDINARY), county)
        assert changed.path == actor_.path


@in_session
def test_only_its_manager_and_only_to_what_that_one_creates() -> None:
    one, other = towns()
    clerk = account(VILLAGE_CLERK, below(one, Level.VILLAGE))
    far = below(region(FAR_COUNTY), Level.TOWN)
    with acting(COUNTY_MANAGER):
        with pytest.raises(Invalid):
            change(clerk, CLERK, far)
        with pytest.raises(Invalid):
            change(clerk, CLERK, below(other, Level.VILLAGE))  # a village is no town
        with pytest.raises(Forbidden):
            change(clerk, (Level.COUNTY, Kind.MANAGER), region(COUNTY))
        with pytest.raises(Conflict):
            click(account_roles.change_role, clerk.uuid, CLERK, other.id, "old")
        db.session.rollback()
    with acting(CITY):
        with pytest.raises(Forbidden):
            change(clerk, CLERK, other)
        db.session.rollback()
    with acting(COUNTY_MANAGER, region(FAR_COUNTY)), pytest.raises(NotFound):
        click(account_roles.change_role, clerk.uuid, CLERK, far.id, "")


@pytest.mark.both_databases
def test_through_the_pages(app: Any, as_account: Any) -> None:
    with app.app_context():
        one, other = towns()
        clerk = account(TOWN_CLERK, one)
    hands = as_account(COUNTY_MANAGER)
    url = f"/accounts/{clerk.uuid}"
    assert f'href="{url}/role"' in hands.get(url).text
    page = hands.get(f"{url}/role").text
    assert f'value="{one.id}"' in page
    assert "乡镇级管理用户" in page
    seen = page.split('name="seen" value="')[1].split('"')[0]
    wrong = hands.post(f"{url}/role?role=town-manager", {"seen": seen, "region": ""})
    assert wrong.status_code == 422
    assert "请选择所属地区" in wrong.text
    form = {"seen": seen, "region": str(other.id)}
    assert hands.post(f"{url}/role?role=town-manager", form).status_code == 302
    page = hands.get(url).text
    assert other.full_name in page
    assert "乡镇级管理用户" in page
    stale = hands.post(f"{url}/role?role=town-clerk", form)
    assert stale.status_code == 422
    assert "刚被修改" in stale.text
    assert f'value="{other.id}"' in stale.text, "what was picked"
