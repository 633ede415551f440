"""Parts of pages that are kept as made HTML show what is so now: each is kept under all that it says.

Texts of choices: tests/web/settings/test_choice_pages.py.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select, update

from app.access.account import Account
from app.access.actor import Duty
from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.core.clock import today
from app.kernel.declare import choice_lists
from app.modules.surveys.lookback.register import LOOKBACK
from app.web.register import inputs
from tests import builders
from tests.hands import Hands

AsAccount = Callable[..., Hands]


@pytest.fixture
def reviewer(as_account: AsAccount) -> Hands:
    return as_account(builders.COUNTY_REVIEWER)


def chips(page: str) -> list[str]:
    return re.findall(r'<a class="chip" .*?><span>([^<]*)</span>', page)


def test_what_an_address_says_is_a_chip_and_what_a_menu_opens_with_is_none(reviewer: Hands) -> None:
    opened, said = "/lookback/review?list=1", "/lookback/review?list=1&state=submitted"
    for url, expected in ((opened, []), (said, ["填报状态：待审核"]), (opened, [])):
        assert chips(reviewer.get(url).text) == expected


def test_a_menu_loses_what_a_right_that_is_taken_away_opened(app: Flask, reviewer: Hands) -> None:
    assert 'href="/lookback/review"' in reviewer.get("/").text
    with app.app_context(), unscoped("the duty's rights are taken away") as session:
        session.scalars(select(Role).where(Role.name == Duty.REVIEWER.zh)).one().permissions = []
        session.commit()
    page = reviewer.get("/").text
    assert 'href="/lookback/review"' not in page
    assert 'href="/lookback/query"' in page


def test_accounts_and_divisions_are_called_as_they_are_now(app: Flask, reviewer: Hands) -> None:
    with app.app_context():
        county = builders.region(builders.COUNTY, Level.COUNTY)
    url = f"/lookback/query?region={county.id}"
    before = reviewer.get(url).text
    assert f'title="{county.full_name}"' in before
    assert chips(before) == [f"行政区划：{county.name}"]
    with app.app_context(), unscoped("both get new names") as session:
        session.execute(
            update(Region).where(Region.id == county.id).values(name="玉山县", full_name="玉山县")
        )
        session.execute(update(Account).values(first_name="王新名"))
        session.commit()
    after = reviewer.get(url).text
    assert county.name not in after
    assert '<span class="me-name">王新名</span>' in after
    assert 'title="玉山县"' in after
    assert chips(after) == ["行政区划：玉山县"]


def test_each_language_has_its_own(app: Flask, as_account: AsAccount) -> None:
    clerk, label = as_account(builders.TOWN_CLERK), LOOKBACK.fields["died"].label
    with app.app_context():
        url = f"/lookback/{builders.household()[1].id}/edit"
    chinese = clerk.get(url).text
    clerk.post("/language/en")
    english = clerk.get(url).text
    assert (label in chinese, label in english) == (True, False)
    assert ("Sign out" in chinese, "Sign out" in english) == (False, True)
    clerk.post("/language/zh")
    assert label in clerk.get(url).text


def test_the_words_of_the_api_follow_those_of_choices(app: Flask, as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    assert "01 砖石结构" in manager.get("/help/api").text
    with app.app_context(), unscoped("the ministry words a choice anew") as session:
        session.add(choice_lists.ListText(list="structure", code="01", text="砖混和石结构"))
        choice_lists.touch(session)
        session.commit()
    page = manager.get("/help/api").text
    assert "01 砖混和石结构" in page
    assert "01 砖石结构" not in page


def test_what_is_offered_no_more_from_today_on_is_gone_today(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = LOOKBACK.fields["structure"]
    with app.test_request_context():
        with unscoped("the last day of a choice") as session:
            item = session.scalars(
                select(choice_lists.ListItem).filter_by(list="structure")
            ).first()
            assert item is not None
            item.valid_to = today()
            choice_lists.touch(session)
            session.commit()
        choice_lists.forget()
        codes = [one["value"] for one in inputs.described(made)["options"]]
        for module in (choice_lists, inputs):
            monkeypatch.setattr(module, "today", lambda: today() + dt.timedelta(days=1))
        assert [one["value"] for one in inputs.described(made)["options"]] == codes[1:]
