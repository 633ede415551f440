"""A generated list: what it is asked for by its address, in which order, how it is shown and to whom."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import pytest

from tests import builders
from tests.web.crud.conftest import Person, SignIn, listed, names, problems

#: Crews that only the tests of filters know (program.py): P11 甲%乙, P12 甲_乙, P13 甲x乙, P14 Ab\c.
PROBES = "/crews/list/?_flt_0_badge=P1"
A, B, C, D = "甲%乙", "甲_乙", "甲x乙", "Ab\\c"


def asked(manager: Person, *conditions: str) -> list[str]:
    """Those of the probes that a list has."""
    return sorted(names(manager.get("&".join([PROBES, *conditions]))))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (
            "_flt_0_name=甲%25",
            [A],
        ),  # of text: starts with, ends with, holds, equals; then the opposites
        ("_flt_0_name=ab", [D]),
        ("_flt_0_name=ab\\", [D]),
        ("_flt_1_name=_乙", [B]),
        ("_flt_2_name=%25", [A]),
        ("_flt_2_name=_", [B]),
        ("_flt_3_name=甲x乙", [C]),
        ("_flt_4_name=甲", [D]),
        ("_flt_5_name=乙", [D]),
        ("_flt_6_name=_", [A, C, D]),
        ("_flt_7_name=甲x乙", [A, B, D]),
        ("_flt_8_name=甲x乙&_flt_8_name=甲_乙", [B, C]),
        ("_flt_9_name=甲x乙&_flt_9_name=甲_乙", [A, D]),
        ("_flt_0_size=3", [A]),  # of numbers: equals, more, less; the opposite; one of them
        ("_flt_1_size=3", [B]),
        ("_flt_2_size=3", [D]),
        ("_flt_3_size=3", [B, D]),
        ("_flt_4_size=3&_flt_4_size=-1", [A, D]),
        ("_flt_5_size=3", [B, D]),
        ("_flt_0_wage=2.5", [B]),
        ("_flt_1_wage=1.5", [B]),
        ("_flt_0_insured=yes", [A]),
        ("_flt_0_insured=no", [B]),
        ("_flt_1_insured=yes", [B]),
        ("_flt_0_founded=2020-01-01", [A]),
        ("_flt_1_founded=2020-06-01", [B]),
        ("_flt_2_founded=2020-06-01", [A]),
        ("_flt_1_checked_at=2026-01-01 12:00", [B]),
        ("_flt_0_skills=1", [A]),
        ("_flt_0_skills=2", [A, B]),
        ("_flt_0_name=", [A, B, C, D]),  # what is empty asks for nothing
    ],
)
def test_each_operator_finds_its_rows(manager: Person, condition: str, found: list[str]) -> None:
    assert asked(manager, condition) == sorted(found)


def test_a_relation_is_asked_by_its_key(manager: Person, rows) -> None:
    key = listed(manager.get("/contractors/list/?_flt_3_code=TEST00000000000051"))[0][0]
    assert asked(manager, f"_flt_0_firm={key}") == [A]
    assert asked(manager, f"_flt_1_firm={key}") == [B]


def test_a_relation_is_chosen_among_what_is_found_when_one_looks(manager: Person, rows) -> None:
    """The list reads none of the rows that its panel could offer; what is chosen it calls by its name."""
    key = listed(manager.get("/contractors/list/?_flt_3_code=TEST00000000000051"))[0][0]
    panel = r'<select[^>]*name="_flt_0_firm"[^>]*data-search-url="([^"]*)".*?</select>'
    for asked, options in (("", 1), (f"_flt_0_firm={key}", 2)):
        found = re.search(panel, manager.get(f"/crews/list/?{asked}").text, re.DOTALL)
        assert found
        assert found[0].count("<option") == options
    assert "备选051" in found[0]
    assert len(manager.get(found[1]).json()["items"]) == 200
    assert manager.get(f"{found[1]}?q=备选051").json()["items"] == [{"id": key, "text": "备选051"}]


def test_a_masked_phone_is_found_whole_and_orders_nothing(manager: Person, rows) -> None:
    """The search panel, files and relations offer no other way either (the panel asks for the whole)."""
    page = manager.get("/contractors/list/?_flt_0_phone=13800138000&_flt_0_code=TEST")
    assert len(listed(page)) == 20
    assert "联系电话：等于 13800138000" in page.text
    assert 'name="_flt_0_phone"' in page.text
    assert "_oc_ContractorView=phone" not in page.text
    assert names(manager.get("/contractors/list/?_flt_0_phone=138001380")) == []
    for wrong in ("_flt_1_phone=138", "_oc_ContractorView=phone&_od_ContractorView=asc"):
        for way in ("list/", "export"):
            assert manager.get(f"/contractors/{way}?{wrong}").status_code == 400, wrong
    for wrong in ("(filters:!((col:phone,opr:sw,value:'138')))",
                  "(filters:!((col:phone,opr:neq,value:'13800138000')))",
                  "(order_column:phone,order_direction:asc)"):  # fmt: skip
        assert manager.api("GET", f"/contractor/?q={wrong}").status_code == 400, wrong
    told = manager.api("GET", "/contractor/_info").json()
    assert [one["operator"] for one in told["filters"]["phone"]] == ["eq"]


def test_a_division_is_asked_with_all_under_it(
    manager: Person, person: SignIn, village: int, far: int, program
) -> None:
    with program.app.app_context():
        county = builders.region(builders.COUNTY).id
        other = builders.below(builders.region(builders.COUNTY), builders.Level.TOWN, 1).id
    assert asked(manager, f"_flt_0_region_id={village}") == sorted([A, B, C, D])
    assert asked(manager, f"_flt_0_region_id={county}") == sorted([A, B, C, D])
    assert asked(manager, f"_flt_0_region_id={other}") == []
    assert names(manager.get(f"/crews/list/?_flt_0_region_id={far}")) == []


@pytest.mark.parametrize(
    "condition",
    [
        "_flt_0_size=many", "_flt_0_size=1e3", "_flt_0_size=" + "9" * 30, "_flt_0_size=9223372036854775808",
        "_flt_0_wage=nan", "_flt_0_wage=inf", "_flt_0_insured=perhaps", "_flt_0_founded=2020-02-30",
        "_flt_0_founded=yesterday", "_flt_0_checked_at=25:00", "_flt_0_firm=1", "_flt_0_skills=one",
        "_flt_0_region_id=here", "_flt_0_region_id=" + "9" * 30, "_flt_0_name=" + "x" * 201, "_flt_99_name=x", "_flt_0_hidden=x",
        "_flt_0_path=0.", "_flt_x_name=1", "_flt_0_nothing=1", "colour=red", "page_CrewView=-1",
        "page_CrewView=x", "page_CrewView=99999999999", "psize_CrewView=7", "psize_CrewView=100000",
        "_oc_CrewView=path&_od_CrewView=asc", "_oc_CrewView=hidden&_od_CrewView=asc",
        "_oc_CrewView=name&_od_CrewView=sideways", "_flt_0_name=%00",
        "&".join(f"_flt_8_name={n}" for n in range(201)),
    ],
)  # fmt: skip
def test_what_an_address_may_not_say_is_told(manager: Person, condition: str) -> None:
    for page in ("list/", "export"):
        answer = manager.get(f"/crews/{page}?{condition}")
        assert answer.status_code == 400
        said = re.search(r"<h1[^>]*>.*?</h1>\s*<p[^>]*>([^<]+)", answer.text, re.DOTALL)
        assert said, answer.text
        assert re.search(r"[\u4e00-\u9fff]", said[1])
        assert "SELECT" not in answer.text


def test_a_condition_is_a_chip_that_takes_itself_away(manager: Person) -> None:
    answer = manager.get(f"{PROBES}&_flt_1_size=3&_flt_0_insured=no&page_CrewView=0")
    chips = re.findall(r'<a class="chip" href="([^"]*)"[^>]*>.*?<span>([^<]*)</span>', answer.text)
    assert [html.unescape(text) for _url, text in chips] == [
        "编号：开头是 P1", "Size：大于 3", "Insured：等于 否",
    ]  # fmt: skip
    without = html.unescape(chips[1][0])
    assert names(manager.get("/crews/list/" + without.partition("/crews/list/")[2])) == [B]


def test_a_list_is_sorted_both_ways(manager: Person) -> None:
    order = "&_oc_CrewView=size&_od_CrewView="
    up = [n for n in names(manager.get(PROBES + order + "asc")) if n != C]
    down = [n for n in names(manager.get(PROBES + order + "desc")) if n != C]
    assert up == [D, A, B]
    assert down == [B, A, D]
    heads = re.search(r"<thead>.*?</thead>", manager.get(PROBES + order + "asc").text, re.DOTALL)
    assert heads
    assert "_od_CrewView=desc" in heads[0]


def test_pages_follow_each_other_without_a_gap(manager: Person) -> None:
    url = "/contractors/list/?_flt_0_code=TEST&psize_ContractorView=100"
    found, page = [], 0
    while page < 5:
        answer = manager.get(f"{url}&page_ContractorView={page}")
        found += [key for key, _name in listed(answer)]
        if f"page_ContractorView={page + 1}" not in answer.text:
            break
        page += 1
    assert page == 2
    assert len(found) == len(set(found)) == 215
    assert "第 201–215 条，共 215 条" in answer.text
    assert names(manager.get(f"{url}&page_ContractorView=999")) == []


def test_a_list_says_what_its_author_says_of_it(manager: Person) -> None:
    text = manager.get(f"{PROBES}&_flt_8_name={quote(A)}&_flt_8_name={quote(C)}").text
    assert "3 人" in text  # formatters_columns
    assert "不详" in text  # of nothing, too
    assert "技能001、技能002" in text
    whole = manager.get("/crews/list/?_flt_3_name=一组").text
    assert "技能001、技能002、技能003、技能004、技能005等 2" in whole
    assert "2020-01-01" in text
    assert "2026-01-01 08:00" in text
    assert "共 2 条" in text
    assert "看不见的" not in manager.get("/crews/list/").text  # base_filters


def test_the_menu_has_a_category_with_icons_and_what_one_may_open(
    manager: Person, program, person: SignIn
) -> None:
    text = manager.get("/crews/list/").text
    side = re.search(r"<nav.*</nav>", text, re.DOTALL)
    assert side
    for said in (
        "施工管理",
        "/contractors/list/",
        "/contracts/list/",
        "/crews/list/",
        "/skills/list/",
    ):
        assert said in side[0]
    assert re.search(r"#(i-|icon-)?tool\b", side[0])
    assert 'aria-current="page"' in side[0]


def test_english_pages_say_what_is_ours_in_english(person: SignIn) -> None:
    clerk = person(builders.TOWN_CLERK)
    clerk.post("/language/en")
    for url, said in (
        ("/contractors/list/?_flt_0_name=x", ("begins with x", "No entries found", "Division")),
        ("/contractors/add", ("Save", "Division")),
    ):
        text = clerk.get(url).text
        for one in said:
            assert one in text, one
    answer = clerk.post("/contractors/add", {})
    clerk.post("/language/zh")
    assert problems(answer)["region_id"] == "Division: Please fill in “Division”."


@pytest.mark.parametrize(
    "url",
    ["/crews/list/", "/crews/add", "/crews/edit/1", "/crews/show/1", "/contractors/list/",
     "/contractors/export"],
)  # fmt: skip
def test_pages_need_no_script_and_no_style_of_their_own(manager: Person, url: str) -> None:
    answer = manager.get(url)
    assert answer.status_code == 200
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"|javascript:", answer.text)
    for said in re.findall(r"<script([^>]*)>", answer.text):
        assert "src=" in said or 'type="application/json"' in said
    assert "jquery" not in answer.text.lower()
    assert "appbuilder/" not in answer.text
