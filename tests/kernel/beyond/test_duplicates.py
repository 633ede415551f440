"""The duplicate check of a corrected ID number (spec 01, exception a): what it tells, to whom."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import policy
from app.access.account import Account
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.access.settings import SettingValue
from app.kernel.households import lists as households
from app.modules.surveys.lookback.model import Lookback
from tests.builders import (
    FAR_COUNTY,
    VILLAGE_CLERK,
    account,
    below,
    household,
    region,
    seat,
    sign_in,
)
from tests.hands import Hands


@pytest.fixture
def clerk(app: Flask) -> Account:
    with app.app_context():
        return account(VILLAGE_CLERK)


@pytest.fixture
def survey(app: Flask) -> Lookback:
    with app.app_context():
        return household(name="赵玉兰")[1]


def far_household(app: Flask) -> Any:
    with app.app_context():
        return household(below(region(FAR_COUNTY), Level.VILLAGE), name="远方的人")[0]


def correct(hands: Hands, survey: Lookback, number: str) -> Any:
    form = {"version": str(survey.version), "died": "no", "corrected_id": number}
    return hands.post(f"/lookback/{survey.id}/edit", form)


def notes(app: Flask) -> list[AuditEntry]:
    with app.app_context(), unscoped("tests look") as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.act == Act.DUPLICATE)))


def test_abroad_it_tells_county_and_head_and_is_noted(
    app: Flask, clerk: Account, survey: Lookback
) -> None:
    other = far_household(app)
    with app.app_context():
        county, village = region(FAR_COUNTY, Level.COUNTY), below(region(FAR_COUNTY), Level.VILLAGE)
    page = correct(Hands(app, sign_in(app, clerk)), survey, other.issued_id)
    assert page.status_code == 422
    assert f"该身份证号已在名单中：{county.full_name}，户主远方的人，请核对。" in page.text
    assert village.name not in page.text
    assert str(other.id) not in page.text
    (entry,) = notes(app)
    assert (entry.account_id, entry.path) == (clerk.uuid, clerk.path)
    assert entry.detail["found"] == str(other.id)
    assert other.issued_id not in str(entry.detail)
    with app.app_context(), unscoped("tests look") as session:
        assert session.get_one(Lookback, survey.id).corrected_id is None


def test_at_home_it_tells_the_village_and_notes_nothing(
    app: Flask, clerk: Account, survey: Lookback
) -> None:
    with app.app_context():
        near = household(name="同村的人")[0]
        village = seat(Level.VILLAGE)
    page = correct(Hands(app, sign_in(app, clerk)), survey, near.issued_id)
    assert f"该身份证号已在名单中：{village.full_name}，户主同村的人，请核对。" in page.text
    assert notes(app) == []


def test_so_many_an_hour_and_no_more(app: Flask, clerk: Account, survey: Lookback) -> None:
    with app.app_context(), unscoped("tests set") as session:
        nation = region("0").id
        session.add(SettingValue(region_id=nation, name="personal.duplicates", value=2))
        session.commit()
    hands, others = Hands(app, sign_in(app, clerk)), [far_household(app) for _nth in range(3)]
    pages = [correct(hands, survey, other.issued_id) for other in others]
    assert ["户主远方的人" in page.text for page in pages] == [True, True, False]
    assert "操作过于频繁" in pages[2].text
    assert pages[2].status_code == 422, "it is refused all the same"
    assert len(notes(app)) == 2


def test_an_import_is_told_no_more_than_that(app: Flask, clerk: Account, survey: Lookback) -> None:
    other = far_household(app)
    with app.app_context(), policy.as_account(clerk.uuid):
        message = households.listed_already(survey.household_id, other.issued_id)
    assert message == "该身份证号已在其他地区的名单中。"
    assert notes(app) == []
