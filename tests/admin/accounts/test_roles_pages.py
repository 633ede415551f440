"""FAB's pages of roles, rights and users: the ministry changes roles there, managers read their accounts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import roles
from app.access.account import Account
from app.access.actor import Capability, Duty, Kind
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.policy import role_name
from app.access.roles import right
from app.access.scope import unscoped
from app.admin.accounts import role_rights
from app.core.db import db
from tests.builders import (
    CITY,
    COUNTY_MANAGER,
    COUNTY_READER,
    COUNTY_REVIEWER,
    FAR_COUNTY,
    MINISTRY,
    PROVINCE,
    VILLAGE_CLERK,
    Who,
    account,
    actor_of,
    region,
)
from tests.hands import Hands

C = Capability
CITY_ROLE = role_name(Level.CITY, Kind.MANAGER)
ENTER, EXPORT = right(C.ENTER, "lookback"), right(C.EXPORT, "lookback")
SignIn = Callable[..., Hands]


def key(app: Flask, role: str) -> int:
    with app.app_context(), unscoped("tests look at roles") as session:
        return roles.lock(session)[role]


def held(app: Flask, role: str) -> set[str]:
    with app.app_context(), unscoped("tests look at roles") as session:
        return roles.in_force(session)[role]


def form(page: str) -> dict[str, Any]:
    """What a browser would send of the form of a role, nothing changed."""
    ticked = re.findall(r'name="permissions" value="([^"]+)"[^>]* checked', page)
    (seen,) = re.findall(r'name="seen" value="([^"]*)"', page)
    return {"permissions": ticked, "seen": seen}


def offered(page: str) -> set[str]:
    return set(re.findall(r'name="permissions" value="([^"]+)"', page))


def test_the_ministry_reads_and_changes_a_role(app: Flask, as_account: SignIn) -> None:
    hands, url = as_account(MINISTRY), f"/roles/edit/{key(app, CITY_ROLE)}"
    with app.app_context():
        city = account(CITY)
    listed = hands.get("/roles/list/?psize_RolesView=100")
    assert listed.status_code == 200
    assert CITY_ROLE in listed.text
    shown = hands.get(url.replace("edit", "show")).text
    assert "审核（脱贫户住房安全保障回头看）" not in shown
    assert "导出含个人信息的台账（脱贫户住房安全保障回头看）" in shown
    page = hands.get(url).text
    sent = form(page)
    assert set(sent["permissions"]) == held(app, CITY_ROLE)
    sent["permissions"] = [*(one for one in sent["permissions"] if one != EXPORT), ENTER]
    answer = hands.post(url, sent)
    assert answer.status_code == 302, answer.text
    assert "下一次操作时生效" in hands.get(answer.location).text
    with app.app_context():
        acting = actor_of(city)
        assert acting.has(C.ENTER, "lookback")
        assert not acting.has(C.EXPORT, "lookback")
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.register == "role")).one()
    assert entry.act == Act.PERMISSION
    assert entry.detail == {"role": CITY_ROLE, "given": [ENTER], "taken": [EXPORT]}


def test_only_what_a_role_may_ever_have_is_offered(app: Flask, as_account: SignIn) -> None:
    hands = as_account(MINISTRY)
    with app.app_context():
        ceilings = roles.ceilings(role_rights.registers())
    for role in (CITY_ROLE, Duty.REVIEWER.zh, Duty.ADMINISTRATOR.zh):
        page = hands.get(f"/roles/edit/{key(app, role)}").text
        assert offered(page) == ceilings[role]


@pytest.mark.parametrize("beyond", [right(C.REVIEW, "lookback"), "can_list:RolesView", "1", ""])
def test_what_is_beyond_the_offered_is_refused_and_what_was_ticked_stays(
    app: Flask, as_account: SignIn, beyond: str
) -> None:
    hands, url = as_account(MINISTRY), f"/roles/edit/{key(app, CITY_ROLE)}"
    before, sent = held(app, CITY_ROLE), form(hands.get(url).text)
    sent["permissions"] = [*sent["permissions"], ENTER, beyond]
    answer = hands.post(url, sent)
    assert answer.status_code == 422
    assert "不能有这些权限" in answer.text
    assert ENTER in form(answer.text)["permissions"]
    assert held(app, CITY_ROLE) == before


def test_of_two_who_change_a_role_the_second_is_told(app: Flask, as_account: SignIn) -> None:
    hands, url = as_account(MINISTRY), f"/roles/edit/{key(app, CITY_ROLE)}"
    one, two = form(hands.get(url).text), form(hands.get(url).text)
    one["permissions"] = [*one["permissions"], ENTER]
    two["permissions"] = [name for name in two["permissions"] if name != EXPORT]
    assert hands.post(url, one).status_code == 302
    answer = hands.post(url, two)
    assert answer.status_code == 409
    assert "刚被修改" in answer.text
    assert {ENTER, EXPORT} <= held(app, CITY_ROLE)


def test_the_ministry_cannot_untick_its_own_way_back(app: Flask, as_account: SignIn) -> None:
    hands, role = as_account(MINISTRY), role_name(Level.NATION, Kind.MANAGER)
    url = f"/roles/edit/{key(app, role)}"
    sent = form(hands.get(url).text)
    sent["permissions"] = []
    answer = hands.post(url, sent)
    assert answer.status_code == 422
    assert "没有人能再修改角色" in answer.text
    assert right(C.SETTINGS) in held(app, role)


def test_a_role_is_put_back_by_its_action(app: Flask, as_account: SignIn) -> None:
    hands, pk, before = as_account(MINISTRY), key(app, CITY_ROLE), held(app, CITY_ROLE)
    with app.app_context(), unscoped("tests change roles") as session:
        roles.give(session, pk, {ENTER})
        session.commit()
    assert "恢复为规定权限" in hands.get(f"/roles/show/{pk}").text
    answer = hands.post(f"/roles/action/put_back/{pk}")
    assert (answer.status_code, answer.location) == (302, f"/roles/show/{pk}")
    assert held(app, CITY_ROLE) == before


@pytest.mark.parametrize(
    "who", [PROVINCE, COUNTY_MANAGER, Who(Level.NATION, Kind.ORDINARY), VILLAGE_CLERK], ids=str
)
def test_others_neither_read_nor_change_roles(app: Flask, as_account: SignIn, who: Who) -> None:
    hands, pk = as_account(who), key(app, CITY_ROLE)
    before = held(app, CITY_ROLE)
    for url in ("/roles/list/", f"/roles/show/{pk}", f"/roles/edit/{pk}", "/rights/list/"):
        assert hands.get(url).status_code == 403, url
    assert hands.post(f"/roles/edit/{pk}", {"permissions": [ENTER]}).status_code == 403
    assert hands.post(f"/roles/action/put_back/{pk}").status_code == 403
    assert held(app, CITY_ROLE) == before
    assert "/roles/list/" not in hands.get("/help/").text


def test_what_fab_would_do_besides_is_not_there(app: Flask, as_account: SignIn) -> None:
    hands, pk = as_account(MINISTRY), key(app, CITY_ROLE)
    with app.app_context():
        one = account(CITY).id
    for url in ("/roles/add", "/rights/add", f"/rights/show/{pk}", "/users/add", f"/users/edit/{one}",
                "/users/userinfo/", "/resetpassword/form", "/roles/export", "/users/export"):  # fmt: skip
        assert hands.get(url).status_code == 404, url
    for url in (f"/roles/delete/{pk}", f"/users/delete/{one}", "/users/action_post",
                f"/users/action/resetpasswords/{one}", f"/roles/action/copyrole/{pk}"):  # fmt: skip
        assert hands.post(url, {"rowid": one, "action": "copyrole"}).status_code in (404, 405), url
    assert hands.get("/roles/show/999999").status_code == 404
    assert hands.get("/roles/edit/nothing").status_code == 404


def test_rights_are_told_in_words(as_account: SignIn) -> None:
    page = as_account(MINISTRY).get("/rights/list/?psize_RightsView=100").text
    assert "录入、修改、删除、上报" in page
    assert "脱贫户住房安全保障回头看" in page
    assert "can_" not in re.sub(r"<(option|select)[^>]*>[^<]*", "", page)


def test_a_manager_reads_who_has_which_role_in_the_own_area(app: Flask, as_account: SignIn) -> None:
    with app.app_context():
        near = account(COUNTY_REVIEWER)
        far = account(COUNTY_REVIEWER, region(FAR_COUNTY, Level.COUNTY))
    hands = as_account(COUNTY_MANAGER)
    page = hands.get("/users/list/").text
    assert near.username in page
    assert far.username not in page
    assert Duty.REVIEWER.zh in page
    shown = hands.get(f"/users/show/{near.id}")
    assert shown.status_code == 200
    assert "县级普通用户" in shown.text
    assert hands.get(f"/users/show/{far.id}").status_code == 404
    found = hands.get(f"/users/list/?_flt_0_roles={key(app, Duty.REVIEWER.zh)}").text
    assert near.username in found
    with app.app_context(), unscoped("tests look") as session:
        manager = session.scalars(
            select(Account.username).where(Account.kind == Kind.MANAGER)
        ).one()
    (rows,) = re.findall(r"<tbody>.*</tbody>", found, re.DOTALL)
    assert manager not in rows


@pytest.mark.parametrize("who", [COUNTY_READER, VILLAGE_CLERK], ids=str)
def test_who_manages_nobody_reads_no_users(app: Flask, as_account: SignIn, who: Who) -> None:
    with app.app_context():
        one = account(VILLAGE_CLERK).id
    hands = as_account(who)
    assert hands.get("/users/list/").status_code == 403
    assert hands.get(f"/users/show/{one}").status_code == 403


def test_rights_are_told_in_words_and_lead_nowhere(app: Flask, as_account: Any) -> None:
    page = as_account(MINISTRY).get("/rights/list/?psize_RightsView=100").text
    (rows,) = re.findall(r"<tbody>.*</tbody>", page, re.DOTALL)
    assert "脱贫户住房安全保障回头看" in rows
    assert "lookback" not in rows
    assert "can_" not in page
    assert "/rights/show/" not in page, "there is no such page"
