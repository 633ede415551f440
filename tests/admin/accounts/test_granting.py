"""依申请开通 of one register: who is offered it, by whom, and what the log keeps of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from flask import Flask

from app.access.account import Account
from app.access.actor import Capability, RegisterAccess
from app.access.scope import acting_as
from app.admin.accounts import granting
from app.admin.accounts.granting import Offer
from app.core.clock import today
from app.core.errors import Forbidden, Invalid
from app.kernel.households import audit_words
from tests.admin.accounts.test_accounts import entries
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_COLLECTOR,
    COUNTY_MANAGER,
    PROVINCE,
    TOWN_CLERK,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    Who,
    account,
    actor,
    actor_of,
    region,
    sign_in,
)
from tests.clicks import click
from tests.hands import Hands

ENTER = Capability.ENTER
OF_ARCHIVES = Offer(ENTER, "archive")


def offers(manager: Who, one: Account) -> list[Offer]:
    return granting.grantable(actor(manager), one)


def test_what_is_offered_to_whom(session: Any) -> None:
    assert offers(PROVINCE, account(CITY)) == [Offer(ENTER), OF_ARCHIVES]
    for who in (TOWN_CLERK, VILLAGE_CLERK):
        assert offers(COUNTY_MANAGER, account(who)) == [OF_ARCHIVES]
    assert offers(COUNTY_MANAGER, account(TOWN_MANAGER)) == []
    ordinary = offers(COUNTY_MANAGER, account(COUNTY_COLLECTOR))
    assert ordinary == [Offer(Capability.APPROVE_MOVE), Offer(Capability.SPOT_CHECK)]
    assert offers(COUNTY_MANAGER, account(CITY)) == []  # who manages an account grants it
    assert offers(TOWN_MANAGER, account(VILLAGE_CLERK)) == []


def test_a_county_lets_a_clerk_enter_archives_until_a_day(session: Any) -> None:
    clerk, month = account(VILLAGE_CLERK), today() + dt.timedelta(days=30)
    with acting_as(actor(COUNTY_MANAGER)):
        click(granting.grant, clerk.uuid, OF_ARCHIVES, [], month, "村里集中补录")
        assert actor_of(clerk).areas(ENTER, "archive") == (clerk.path,)
        session.rollback()
        click(granting.revoke, clerk.uuid, granting.grants_of(clerk)[0].id)
    assert not actor_of(clerk).has(ENTER, "archive")
    assert actor_of(clerk).has(ENTER, "craftsman")
    given, taken = entries(clerk)
    told = audit_words.full(given)
    assert "授权：录入、修改、删除、上报" in told
    assert "模块：农村危房改造农户档案" in told
    assert f"截止日期：{month}" in told
    assert "模块：农村危房改造农户档案" in audit_words.full(taken)


def test_a_city_enters_archives_of_named_counties(session: Any) -> None:
    city = account(CITY)
    with acting_as(actor(PROVINCE)):
        click(granting.grant, city.uuid, OF_ARCHIVES, [region(COUNTY).id], today(), "县里人手不足")
    assert actor_of(city).areas(ENTER, "archive") == (region(COUNTY).path,)
    assert not actor_of(city).has(ENTER, "craftsman")


def test_what_cannot_be_granted(session: Any) -> None:
    collector = account(COUNTY_COLLECTOR)
    clerk = account(TOWN_CLERK, registers={"archive": RegisterAccess.READ.value})
    with acting_as(actor(COUNTY_MANAGER)):
        for one, what in (
            (collector, OF_ARCHIVES), (clerk, Offer(ENTER)), (clerk, Offer(ENTER, "craftsman")),
            (clerk, Offer(Capability.REVIEW, "archive")),
        ):  # fmt: skip
            with pytest.raises(Forbidden):
                click(granting.grant, one.uuid, what, [], today(), "想要")
            session.rollback()
        with pytest.raises(Invalid) as refused:
            click(granting.grant, clerk.uuid, OF_ARCHIVES, [], today(), "补录")
        session.rollback()
    [problem] = refused.value.problems
    assert problem.field == "capability"
    assert "可用模块" in problem.message


def test_the_page_offers_it_and_shows_what_was_given(app: Flask) -> None:
    with app.app_context():
        clerk, city = account(TOWN_CLERK), account(CITY)
    hands = Hands(app, sign_in(app, COUNTY_MANAGER))
    page = hands.get(f"/accounts/{clerk.uuid}").text
    assert "录入、修改、删除、上报（农村危房改造农户档案）" in page
    form = {"capability": OF_ARCHIVES.code, "ends_on": today().isoformat(), "reason": "补录"}
    assert hands.post(f"/accounts/{clerk.uuid}/grant", form).status_code == 302
    shown = hands.get(f"/accounts/{clerk.uuid}").text
    assert shown.count("录入、修改、删除、上报（农村危房改造农户档案）") == 2
    province = Hands(app, sign_in(app, PROVINCE))
    page = province.get(f"/accounts/{city.uuid}").text
    assert "录入、修改、删除、上报（农村危房改造农户档案除外）" in page
