"""What the address of a list asks, and what an empty list says."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask

from app.access.divisions.regions import Level
from app.kernel.declare.flow import State
from app.kernel.declare.register import get_register
from tests import builders, specimens
from tests.web.lists.listed import QUERY, AsAccount, households, names

#: Filters, order and paging are SQL.
pytestmark = pytest.mark.both_databases


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (f"{QUERY}?head_id=610122197001010013", "核对身份证号"),
        (f"{QUERY}?head_name=无", "从姓名的第一个字开始"),
        (f"{QUERY}?state=draft", "清除全部条件"),
        ("/lookback/entry", "如果村、镇没有显示脱贫户"),
    ],
)  # fmt: skip
def test_an_empty_list_says_why_and_what_to_do(as_account: AsAccount, url: str, text: str):
    assert text in as_account(builders.TOWN_CLERK).get(url).text


# ---- addresses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        f"{QUERY}?stat=draft",
        f"{QUERY}?craftsman_id=1",
        f"{QUERY}/columns?stat=draft",
        f"{QUERY}/filters?stat=draft",
        "/lookback/statistics/progress?regoin=1",
        "/exchange/export/lookback?stat=draft",
    ],
)
def test_what_an_address_says_and_nobody_knows_is_an_error(as_account: AsAccount, address: str):
    """Else a list that its reader believes to be filtered would show everything."""
    manager = as_account(builders.COUNTY_MANAGER)
    answer = manager.get(address)
    assert answer.status_code == 400
    assert "没有参数" in answer.text
    assert html.escape(address.partition("?")[2].partition("=")[0]) in answer.text


def test_what_pages_add_to_an_address_is_known(app: Flask, as_account: AsAccount):
    """Every link of a list to itself and its neighbours leads somewhere."""
    households(app, *(f"户{number}" for number in range(25)), state=State.DRAFT)
    manager = as_account(builders.COUNTY_MANAGER)
    page = manager.get(f"{QUERY}?state=draft&size=20").text
    links = {html.unescape(link) for link in re.findall(r'href="(/[^"#]+\?[^"]+)"', page)}
    assert len(links) > 20
    answers = {link: manager.get(link).status_code for link in sorted(links)}
    assert {link: code for link, code in answers.items() if code not in (200, 302)} == {}


def test_a_number_is_no_name_that_begins_so(app: Flask, as_account: AsAccount):
    """Names and numbers are keys of one table, and lists mask numbers: by a beginning one could be told
    digit by digit.
    """
    number = builders.id_number()
    households(app, "甲户", number=number, state=State.SUBMITTED)
    manager = as_account(builders.COUNTY_MANAGER)
    lists = (QUERY, "/household/list", "/lookback/review")
    for start, found in ((number[:-1], []), (number[:6], []), (number, ["甲户"])):
        for page in lists:
            assert names(manager.get(f"{page}?head_name={start}").text) == found, page
        told = manager.get(f"/api/v1/lookback?head_name={start}").get_json()
        assert len(told["items"]) == len(found)


def test_a_number_that_begins_with_a_letter_is_no_name_either(app: Flask, as_account: AsAccount):
    """A passport's, say; names of Latin letters are found by their beginning as others are."""
    households(app, "Abdulla", number="A1234567", state=State.SUBMITTED)
    manager = as_account(builders.COUNTY_MANAGER)
    starts = ("A1", "A123456", "A", "Abdu", "A1234567")
    for page in (QUERY, "/household/list", "/lookback/review"):
        found = {start: names(manager.get(f"{page}?head_name={start}").text) for start in starts}
        assert list(map(len, found.values())) == [0, 0, 1, 1, 1], (page, found)
    opened = [manager.get(f"/search/?q={start}").status_code == 302 for start in starts]
    assert opened == [False, False, True, True, True]


# ---- a list that opens with a state ---------------------------------------------------------


@pytest.fixture
def applications(app: Flask) -> None:
    """One that waits to be entered, one that is approved."""
    with app.app_context():
        register = get_register("application")
        village = builders.seat(Level.VILLAGE)
        for name, state in (("甲户", State.MISSING), ("乙户", State.APPROVED)):
            specimens.record(register, village, name=name, state=state)


LEDGER = "/application/ledger"


@pytest.mark.usefixtures("applications")
@pytest.mark.parametrize(
    ("asked", "shown", "chosen", "exported"),
    [
        ("", ["乙户"], ["approved"], "state=approved"),
        ("?state=", ["乙户"], ["approved"], "state=approved"),
        ("?state=all", ["甲户", "乙户"], [], "state=all"),
        ("?state=missing", ["甲户"], ["missing"], "state=missing"),
        ("?figure=missing", ["甲户"], [], "figure=missing"),
        ("?figure=total&state=approved", ["乙户"], ["approved"], "figure=total&amp;state=approved"),
    ],
)  # fmt: skip
def test_a_list_that_opens_with_a_state_can_show_all(
    as_account: AsAccount, asked: str, shown: list[str], chosen: list[str], exported: str
):
    """Also a number's rows of every state; the file holds what the page shows."""
    page = as_account(builders.COUNTY_MANAGER).get(f"{LEDGER}{asked}").text
    assert sorted(names(page)) == sorted(shown)
    select_ = page[page.index('name="state"') : page.index("</select>", page.index('name="state"'))]
    assert '<option value="all">' in select_
    assert re.findall(r'value="(\w*)" selected', select_) == chosen
    assert f'href="/exchange/export/application?{exported}"' in page


@pytest.mark.usefixtures("applications")
def test_a_file_of_every_state_says_how_many(as_account: AsAccount):
    manager = as_account(builders.COUNTY_MANAGER)
    for asked, n in (("?state=all", "2"), ("", "2"), ("?state=approved", "1")):
        page = manager.get(f"/exchange/export/application{asked}").text
        assert re.search(r"记录数（户）</dt>.*?(\d+)", page, re.DOTALL)[1] == n
        assert ("填报状态" in page) == (n == "1")
