"""Rows that name many others by several relations: what is shown of these, and that a page costs the same
however many relations are shown and chosen, at one row and at many.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Any

import pytest

from tests import builders
from tests.running.servers import Server
from tests.web.crud.conftest import Person, Rows, SignIn, as_key, key_of, listed
from tests.web.crud.test_rights import statements

FAR = 9001  # the key of whatever lies far (program.py, which no test imports)
SITES = 60
MOST = 6  # statements of a list
A, B, C = "甲%乙", "甲_乙", "甲x乙"
ONE, MANY = "_flt_3_name=工地002", "psize_SiteView=100"
DOTTED = ("skills.name", "crews.name", "firms.name", "reserve.name")


@pytest.fixture
def asked(rows: Rows) -> list[str]:
    """Conditions of an address that choose a row by each relation, one after the other."""
    firms = [as_key(rows(f"SELECT {c} FROM site WHERE id = 1")[0][0])
             for c in ("builder_id", "designer_id")]  # fmt: skip
    return [f"_flt_0_builder={firms[0]}", f"_flt_0_designer={firms[1]}", "_flt_0_crew=1",
            "_flt_0_skills=2", "_flt_0_crews=12"]  # fmt: skip


def chips(manager: Person, url: str) -> list[str]:
    found = re.findall(r'<a class="chip".*?<span>([^<]*)</span>', manager.get(url).text)
    return [said.partition("：")[2].partition(" ")[2] for said in found]


@pytest.mark.both_databases
def test_a_list_costs_the_same_whatever_is_chosen(
    manager: Person, asked: list[str], program: Server
) -> None:
    with program.app.app_context():
        county = builders.region(builders.COUNTY).id
    manager.get("/sites/list/")  # what a process asks once
    for of in (ONE, MANY):
        chosen = [f"/sites/list/?{of}&{said}" for said in accumulate(asked, "{}&{}".format)]
        costs = {statements(manager.get(url)) for url in chosen}
        assert len(costs) == 1, (of, costs)
        everything = manager.get(f"{chosen[-1]}&_flt_0_region_id={county}")
        assert len(listed(everything)) == (1 if of == ONE else SITES)
        assert statements(everything) <= MOST


@pytest.mark.both_databases
def test_what_is_chosen_is_called_by_its_name(
    manager: Person, asked: list[str], rows: Rows
) -> None:
    """Two of one relation, and one whose key is written otherwise, too; a row of another area by its key."""
    url = "/sites/list/?" + "&".join([*asked, "_flt_0_skills=3", "_flt_0_skills=02"])
    assert chips(manager, url) == [
        "可选001", "可选002", "一组", "技能002", "技能003", "技能002", B,
    ]  # fmt: skip
    foreign = key_of(rows, "contractor", "远方公司")
    url = f"/sites/list/?_flt_0_builder={foreign}&_flt_0_crew={FAR}&_flt_0_skills=1"
    answer = manager.get(url)
    assert listed(answer) == []
    assert chips(manager, url) == [foreign, str(FAR), "技能001"]
    assert "远方" not in answer.text


@pytest.mark.both_databases
def test_an_api_costs_the_same_however_many_relations_it_shows(manager: Person) -> None:
    manager.api("GET", "/site/")
    columns = list(accumulate(DOTTED, "{},{}".format))
    for of in ("filters:!((col:name,opr:eq,value:工地002))", "page_size:100"):
        queries = [f"(select_columns:!(id,builder.name,{shown}),{of})" for shown in columns]
        costs = {statements(manager.api("GET", f"/site/?q={query}")) for query in queries}
        assert len(costs) == 1, (of, costs)
        plain = statements(manager.api("GET", f"/site/?q=(select_columns:!(id,builder.name),{of})"))
        assert costs == {plain + 1}
        assert costs <= {*range(MOST)}
    assert statements(manager.api("GET", "/site/1")) <= MOST


@pytest.mark.both_databases
def test_an_api_shows_of_each_relation_what_lies_in_the_area(
    manager: Person, person: SignIn
) -> None:
    """In the order of the relation, else of the keys; masked; the pages as before."""
    for url in ("/site/?q=(order_column:name,order_direction:asc,page_size:2)", "/site/1"):
        told = manager.api("GET", url).json()
        first = told["result"][0] if "count" in told else told["result"]
        assert first["name"] == "工地001"
        assert first["builder"] == {"name": "可选001"}
        assert first["skills"] == [{"name": "技能002"}, {"name": "技能001"}]
        assert first["crews"] == [{"name": A, "badge": "P11"}, {"name": B, "badge": "P12"}]
        assert first["reserve"] == [{"name": B}, {"name": C}]
        assert {one["name"] for one in first["firms"]} == {"可选003", "可选004"}
        assert {one["phone"] for one in first["firms"]} == {"138****8000"}
    listed = manager.api("GET", "/site/?q=(order_column:name,order_direction:asc,page_size:2)")
    assert listed.json()["count"] == SITES
    assert listed.json()["ids"] == [1, 2]
    ministry = person(builders.MINISTRY).api("GET", "/site/1").json()["result"]
    assert [one["name"] for one in ministry["crews"]] == [A, B, "远方班组"]
    assert manager.api("GET", f"/site/{FAR}").status_code == 404


@pytest.mark.both_databases
def test_a_list_and_a_page_show_of_each_relation_what_lies_in_the_area(manager: Person) -> None:
    for url in ("/sites/list/?_flt_3_name=工地001", "/sites/show/1"):
        text = manager.get(url).text
        for said in ("可选001", "可选002", "一组", "技能002、技能001", f"{A}、{B}", f"{B}、{C}"):
            assert said in text, (url, said)
        assert "远方" not in text
    assert statements(manager.get("/sites/show/1")) <= MOST


def test_the_rows_of_a_relation_order_no_list(manager: Person) -> None:
    for name in ("skills.name", "crews"):
        query: Any = f"(order_column:{name},order_direction:asc)"
        assert manager.api("GET", f"/site/?q={query}").status_code == 400
