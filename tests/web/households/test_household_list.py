"""农户名单: the households of one's area; and lists filtered by the names of towns and villages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.kernel.declare.register import register_of
from app.kernel.figures import counters
from app.kernel.households import lists as households
from app.kernel.lists import asked as ledger_asked
from app.kernel.rows.household import Finding, Household
from tests import builders

#: Filters, order and paging are SQL.
pytestmark = pytest.mark.both_databases

AsAccount = Callable[..., FlaskClient]
LIST = "/household/list"


def flagged(place: Region, name: str, *findings: Finding) -> Household:
    """A household of the list with these findings."""
    home = builders.household(place, name=name)[0]
    with unscoped("tests arrange") as session:
        known = session.get_one(Household, home.id)
        known.findings = tuple(f.value for f in findings)
        session.commit()
    return home


@pytest.fixture
def county(app: Flask) -> Region:
    with app.app_context():
        return builders.region(builders.COUNTY, Level.COUNTY)


@pytest.fixture
def homes(app: Flask, county: Region) -> dict[str, Household]:
    """One faultless, one without a village, one with a wrong number; one of the next county."""
    with app.app_context():
        village = builders.below(county, Level.VILLAGE)
        far = builders.below(builders.region(builders.NEXT_COUNTY), Level.VILLAGE)
        return {
            "王齐": builders.household(village, name="王齐")[0],
            "李缺": flagged(builders.below(county, Level.TOWN), "李缺", Finding.NO_VILLAGE),
            "张误": flagged(village, "张误", Finding.ID_WRONG),
            "外县人": flagged(far, "外县人", Finding.NO_VILLAGE),
        }


def shown(page: str) -> set[str]:
    return {name for name in ("王齐", "李缺", "张误", "外县人") if name in page}


def test_it_shows_the_households_of_the_area_and_where_to_look(
    as_account: AsAccount, homes: dict[str, Household]
) -> None:
    client = as_account(builders.COUNTY_MANAGER)
    page = client.get(LIST).text
    assert shown(page) == {"王齐", "李缺", "张误"}
    assert "共 3 户" in page
    assert f"/household/{homes['王齐'].id}" in page
    assert str(homes["王齐"].issued_id) not in page, "numbers are masked"
    assert "行政区划缺失 1 户" in page
    assert "/exchange/import/household" in page
    assert "农户名单" in client.get("/").text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("figure=no_village", {"李缺"}),
        ("findings=no_village", {"李缺"}),
        ("findings=id_wrong", {"张误"}),
        ("findings=id_wrong&findings=no_village", {"李缺", "张误"}),
        ("head_name=王", {"王齐"}),
        ("findings=phone_odd", set()),
    ],
)
def test_filters(
    as_account: AsAccount, homes: dict[str, Household], query: str, names: set[str]
) -> None:
    page = as_account(builders.COUNTY_MANAGER).get(f"{LIST}?{query}").text
    assert shown(page.split("<tbody>")[-1] if names else "") == names
    if not names:
        assert "没有符合条件的农户" in page


def test_a_number_finds_its_household(as_account: AsAccount, homes: dict[str, Household]) -> None:
    number = homes["张误"].issued_id
    page = as_account(builders.COUNTY_MANAGER).get(f"{LIST}?head_id={number}").text
    assert shown(page.split("<tbody>")[-1]) == {"张误"}


def test_the_count_leads_to_exactly_these_and_a_village_takes_one_off_it(
    app: Flask, as_account: AsAccount, homes: dict[str, Household], county: Region
) -> None:
    with app.app_context():
        survey = builders.household(builders.below(county, Level.TOWN), name="赵缺")[1]
        village = builders.below(county, Level.VILLAGE)
    client = as_account(builders.COUNTY_MANAGER)
    answer = client.post(f"/lookback/{survey.id}/assign", data={"region": str(village.id)})
    assert answer.status_code in (200, 302)
    with app.app_context(), unscoped("tests look") as session:
        register = register_of(Household)
        assert register is not None
        assert counters.live_counts(session, register) == counters.kept_counts(session, register)


def test_a_changed_head_stands_with_the_issued_one_beneath(
    app: Flask, as_account: AsAccount, homes: dict[str, Household]
) -> None:
    with app.app_context(), unscoped("tests arrange") as session:
        home = session.get_one(Household, homes["王齐"].id)
        households.new_head(session, home, "王新", builders.id_number(), None)
        session.commit()
    page = as_account(builders.COUNTY_MANAGER).get(f"{LIST}?head_name=王新").text
    assert "原户主 王齐" in page


def test_those_who_may_export_it(as_account: AsAccount, homes: dict[str, Household]) -> None:
    client = as_account(builders.COUNTY_MANAGER)
    assert "/exchange/export/household" in client.get(LIST).text
    assert client.get("/exchange/export/household?findings=id_wrong").status_code == 200
    assert "/exchange/export/household" not in as_account(builders.COUNTY_READER).get(LIST).text


# ---- names of towns and villages ----------------------------------------------------------


@pytest.fixture
def villages(app: Flask, county: Region) -> list[Region]:
    """A household named after its village in each of four villages of two towns."""
    with app.app_context():
        towns = [builders.below(county, Level.TOWN, n) for n in (0, 1)]
        found = [builders.below(town, Level.VILLAGE, n) for town in towns for n in (0, 1)]
        for number, village in enumerate(found):
            builders.household(village, name=f"户{'甲乙丙丁'[number]}")
    return found


def listed(client: Any, **asked: str) -> str:
    page = client.get("/lookback/query", query_string=asked)
    assert page.status_code == 200
    rows = page.text.split("<tbody>")
    return "".join(n for n in "甲乙丙丁" if len(rows) > 1 and f"户{n}" in rows[1])


def town_of(app: Flask, village: Region) -> Region:
    with app.app_context():
        return builders.above(village, Level.TOWN)


def test_towns_and_villages_are_found_by_name(
    app: Flask, as_account: AsAccount, villages: list[Region]
) -> None:
    client = as_account(builders.COUNTY_MANAGER)
    town = town_of(app, villages[0])
    other = town_of(app, villages[2])
    assert listed(client, town_name=town.name) == "甲乙"
    assert listed(client, town_name=town.name[1:]) == "甲乙" or town.name[1:] in other.name
    assert "甲" in listed(client, village_name=villages[0].name)
    assert listed(client, town_name=town.name, village_name=villages[0].name) == "甲"
    assert listed(client, town_name=other.name, village_name="没有这个村") == ""
    assert listed(client, town_name="%") == ""
    assert listed(client, town_name=town.name, region=str(other.id)) == ""


def test_a_town_is_named_by_those_who_work_below_it(
    app: Flask, as_account: AsAccount, villages: list[Region]
) -> None:
    clerk = as_account(builders.VILLAGE_CLERK, villages[0])
    town = town_of(app, villages[0])
    assert listed(clerk, town_name=town.name, village_name=villages[0].name) == "甲"
    assert listed(clerk, town_name=town_of(app, villages[2]).name) == ""


def test_above_a_city_a_name_is_found_by_its_beginning(
    app: Flask, as_account: AsAccount, villages: list[Region]
) -> None:
    ministry = as_account(builders.MINISTRY)
    town = town_of(app, villages[0])
    assert "甲乙" in listed(ministry, town_name=town.name)
    assert listed(ministry, village_name=villages[0].name[:2]).startswith("甲")


def test_too_many_of_a_name_ask_for_a_smaller_area(
    as_account: AsAccount, villages: list[Region], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ledger_asked._MOST_PLACES, Level.VILLAGE, 1)
    page = as_account(builders.COUNTY_MANAGER).get("/lookback/query?village_name=村").text
    assert "村名称与“村”相符的超过1个" in page
    assert 'value="村"' in page, "what was typed stays"
    assert "村名称：村" in page


def test_the_export_is_of_what_is_listed(
    app: Flask, as_account: AsAccount, villages: list[Region]
) -> None:
    town = town_of(app, villages[0])
    client = as_account(builders.COUNTY_MANAGER)
    page = client.get("/exchange/export/lookback", query_string={"town_name": town.name}).text
    assert town.name in page
    assert "乡镇名称" in page
    assert ">2<" in page
