"""角色权限表: what roles hold now, what was changed in words, for auditors at every level; as Excel."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from app.access import roles
from app.access.account import Account
from app.access.actor import SYSTEM, Actor, Capability, Duty, Kind
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.grant import Grant
from app.access.policy import role_name
from app.access.roles import right
from app.access.scope import unscoped
from app.admin.accounts import matrix, role_rights
from app.core.clock import today
from app.core.db import db, read_only
from tests.builders import (
    CITY,
    COUNTY_MANAGER,
    COUNTY_READER,
    FAR_COUNTY,
    MINISTRY,
    PROVINCE,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    Who,
    account,
    actor,
    region,
    seat,
)

C = Capability
CITY_ROLE = role_name(Level.CITY, Kind.MANAGER)
READER_ROLE = role_name(Level.COUNTY, Kind.ORDINARY)
URL = "/roles/matrix/"


def change(role: str, *, given: tuple[str, ...] = (), taken: tuple[str, ...] = ()) -> None:
    with unscoped("tests change roles") as session:
        key = roles.lock(session)[role]
        roles.give(session, key, given)
        roles.take(session, key, taken)
        session.commit()


def lines(reads: Actor) -> list[matrix.Line]:
    with read_only(), unscoped("tests read the matrix") as session:
        return matrix.lines(session, reads)


def cell(role: str, capability: Capability, reads: Actor | None = None) -> matrix.Cell:
    line = next(line for line in lines(reads or actor(MINISTRY)) if line.role == role)
    return next(one for one in line.cells if one.capability == capability)


def test_every_role_by_every_capability(session: Any) -> None:
    found = lines(actor(COUNTY_MANAGER))
    assert [line.role for line in found][:2] == ["部级管理用户", "部级普通用户"]
    assert [line.role for line in found][-3:] == [duty.zh for duty in Duty]
    for line in found:
        assert [one.capability for one in line.cells] == list(Capability)
        assert not line.changed
    stored = {(line.role, right(one.capability, name))
              for line in found for one in line.cells for name in one.held}  # fmt: skip
    with unscoped("tests look at roles") as wide:
        held = roles.in_force(wide)
    assert stored == {(role, one) for role, rights in held.items() for one in rights}


def test_what_was_changed_is_told(session: Any) -> None:
    every = tuple(right(C.ENTER, name) for name in roles.subjects(role_rights.registers()))
    change(CITY_ROLE, given=every, taken=(right(C.EXPORT, "lookback"), right(C.AUDIT)))
    enter, export = cell(CITY_ROLE, C.ENTER), cell(CITY_ROLE, C.EXPORT)
    assert (matrix.text(enter), matrix.changes(enter)) == ("全部", ["增加：全部"])
    assert matrix.text(export) == "除脱贫户住房安全保障回头看外全部"
    assert matrix.changes(export) == ["收回：脱贫户住房安全保障回头看"]
    audit = cell(CITY_ROLE, C.AUDIT)
    assert (matrix.text(audit), matrix.changes(audit)) == ("", ["收回：全部"])
    assert matrix.text(cell(CITY_ROLE, C.SETTINGS)) == "有"
    change(CITY_ROLE, taken=every[1:])
    assert matrix.text(cell(CITY_ROLE, C.ENTER)) == "仅系统"


def test_what_is_stored_beyond_the_ceiling_is_told_and_not_in_force(session: Any) -> None:
    change(CITY_ROLE, given=(right(C.REVIEW, "lookback"),))
    review = cell(CITY_ROLE, C.REVIEW)
    assert (review.held, review.idle) == (frozenset(), {"lookback"})
    assert matrix.text(review) == ""
    assert matrix.changes(review) == []
    assert "超出规定上限，不起作用" in matrix.notes(review)[0]


def grant(one: Account, capability: Capability, *, days: int = 10) -> None:
    with unscoped("tests grant") as session:
        day = today() + dt.timedelta(days=days)
        session.add(
            Grant(account_id=one.id, capability=capability, region_id=one.region_id, ends_on=day,
                  reason="抽查")
        )  # fmt: skip
        session.commit()


def test_what_is_granted_for_a_time_is_told_in_the_own_area(session: Any) -> None:
    assert matrix.notes(cell(READER_ROLE, C.SPOT_CHECK)) == ["可限时授权"]
    assert matrix.notes(cell(READER_ROLE, C.EXPORT)) == []
    for place, days in ((seat(Level.COUNTY), 0), (region(FAR_COUNTY, Level.COUNTY), 5)):
        grant(account(COUNTY_READER, place), C.SPOT_CHECK, days=days)
    grant(account(COUNTY_READER), C.SPOT_CHECK, days=-1)
    assert matrix.notes(cell(READER_ROLE, C.SPOT_CHECK)) == ["限时授权：2 个账号"]
    near = cell(READER_ROLE, C.SPOT_CHECK, actor(COUNTY_MANAGER))
    assert matrix.notes(near) == ["限时授权：1 个账号"]
    assert matrix.text(near) == ""


# ---- the page ------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [MINISTRY, PROVINCE, CITY, COUNTY_MANAGER], ids=str)
def test_auditors_at_every_level_read_it(as_account: Callable[..., Any], who: Who) -> None:
    hands = as_account(who)
    page = hands.get(URL)
    assert page.status_code == 200
    assert "所有角色与规定一致。" in page.text
    assert "乡镇级信息采集员用户" in page.text
    assert f'href="{URL}"' in hands.get("/help/").text


@pytest.mark.parametrize("who", [COUNTY_READER, TOWN_MANAGER, VILLAGE_CLERK], ids=str)
def test_others_do_not(as_account: Callable[..., Any], who: Who) -> None:
    hands = as_account(who)
    for url in (URL, "/roles/matrix/export"):
        assert hands.get(url).status_code == 403
    assert hands.post("/roles/matrix/export", {"reason": "审计检查"}).status_code == 403
    assert f'href="{URL}"' not in hands.get("/help/").text


def test_the_page_says_what_was_changed_in_both_languages(
    app: Flask, as_account: Callable[..., Any]
) -> None:
    hands = as_account(COUNTY_MANAGER)
    with app.app_context():
        change(CITY_ROLE, given=(right(C.ENTER, "lookback"),))
    page = hands.get(URL).text
    assert "与规定不同的角色：市级管理用户。" in page
    assert "增加：脱贫户住房安全保障回头看" in page
    hands.post("/language/en")
    page = hands.get(URL).text
    assert "Roles that differ from the matrix: City manager." in page
    assert "Added: " in page


# ---- Excel ---------------------------------------------------------------------------------


def test_the_workbook_says_the_same_and_the_log_why(
    app: Flask, as_account: Callable[..., Any]
) -> None:
    hands = as_account(COUNTY_MANAGER)
    with app.app_context():
        change(CITY_ROLE, given=(right(C.ENTER, "lookback"),), taken=(right(C.AUDIT),))
    assert "文件不含个人信息" in hands.get("/roles/matrix/export").text
    answer = hands.post("/roles/matrix/export", {"reason": "审计检查"})
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.data))
    shown, each = book.worksheets
    heads = [one.value for one in shown[2]]
    row = next(row for row in shown.iter_rows(values_only=True) if row[0] == C.ENTER.zh)
    told = dict(zip(heads, row, strict=True))[CITY_ROLE]
    assert told == "仅脱贫户住房安全保障回头看\n增加：脱贫户住房安全保障回头看\n可限时授权"
    rows = set(each.iter_rows(min_row=2, values_only=True))
    about = len(role_rights.registers()) + 1
    assert len(rows) == 14 * ((len(Capability) - 4) * about + 4)
    assert (
        CITY_ROLE, C.ENTER.zh, "脱贫户住房安全保障回头看", "有", "无", "增加", "可限时授权"
    ) in rows  # fmt: skip
    assert (CITY_ROLE, C.AUDIT.zh, "系统", "无", "有", "收回", None) in rows
    assert (CITY_ROLE, C.SETTINGS.zh, "系统", "有", "有", None, None) in rows
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == Act.EXPORT)).one()
    told = {"list": "角色权限表", "rows": len(rows), "reason": "审计检查"}
    assert (entry.register, entry.detail) == ("role", told)


@pytest.mark.parametrize("reason", ["", "短"])
def test_nothing_goes_out_without_a_reason(as_account: Callable[..., Any], reason: str) -> None:
    answer = as_account(COUNTY_MANAGER).post("/roles/matrix/export", {"other_reason": reason})
    assert answer.status_code == 422
    assert "原因" in answer.text


def test_the_system_is_named(session: Any) -> None:
    assert cell(CITY_ROLE, C.SETTINGS).about == (SYSTEM,)
