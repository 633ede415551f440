"""The page of a row, what is done with one or with many, and files of what a list shows."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from tests import builders
from tests.web.crud.conftest import Noted, Person, Rows, SignIn, at_fields, key_of, listed, names

Added = Callable[..., str]


@pytest.fixture
def crews(manager: Person, village: int, rows: Rows) -> Callable[..., list[int]]:
    """The keys of as many new crews of one name."""

    def add(name: str, count: int = 1) -> list[int]:
        for _n in range(count):
            said = {"region_id": village, "name": name}
            assert manager.change("/crews/add", said).status_code == 302
        return [key for (key,) in rows("SELECT id FROM crew WHERE name = :name", name=name)]

    return add


def test_a_page_shows_a_row_and_what_belongs_to_it(manager: Person) -> None:
    key = listed(manager.get("/contractors/list/?_flt_3_code=TEST00000000000001"))[0][0]
    page = manager.get(f"/contractors/show/{key}").text
    assert "可选001" in page
    assert "138****8000" in page
    assert "施工合同" in page
    all_of_them = f"/contracts/list/?_flt_0_contractor={key}"
    assert all_of_them in page
    assert set(names(manager.get(all_of_them))) <= {f"合同{n:02}" for n in range(1, 31)}
    add = f"/contracts/add?_flt_0_contractor={key}"
    assert add in page
    form = manager.get(add)
    assert 'name="contractor"' not in form.text
    said = {"title": "从页面新增", "signed_on": "2026-01-01"}
    assert manager.change(add, said).status_code == 302
    assert "从页面新增" in manager.get(f"{all_of_them}&_flt_0_title=从").text


def test_what_an_address_fixes_lies_in_the_own_area(
    manager: Person, rows: Rows, program: Any
) -> None:
    foreign = key_of(rows, "contractor", "远方公司")
    said = {"title": "给远方的", "signed_on": "2026-01-01"}
    for key in (foreign, "01234567-89ab-7def-8123-456789abcdef"):
        url = f"/contracts/add?_flt_0_contractor={key}"
        assert manager.get(url).status_code in (200, 404)
        assert manager.post(url, said).status_code == 404
    assert manager.get("/contracts/add?_flt_0_contractor=x").status_code == 400
    assert not rows("SELECT 1 FROM contract WHERE title = '给远方的'")


def test_fieldsets_say_what_a_page_shows(manager: Person) -> None:
    page = manager.get("/crews/show/11").text
    for shown in ("甲%乙", "P11", "3 人", "1.5", "2026-01-01 08:00", "技能001、技能002", "工具"):
        assert shown in page
    form = manager.get("/crews/edit/11").text
    assert (
        form.index("基本")
        < form.index('name="name"')
        < form.index("更多")
        < form.index('name="wage"')
    )


def test_an_action_of_one_row_and_of_many(
    manager: Person, added: Added, rows: Rows, noted: Noted
) -> None:
    keys = [added(name="停用的") for _n in range(3)]
    active = "SELECT count(*) FROM contractor WHERE name = '停用的' AND active"
    answer = manager.post(f"/contractors/action/retire/{keys[0]}")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/contractors/list/")
    assert rows(active) == [(2,)]
    bulk = [("action", "retire"), *(("id", key) for key in keys)]
    answer = manager.client.post("/contractors/action_post", data=_form(bulk, manager))
    assert answer.status_code == 302
    assert "已停用 3 个单位。" in manager.get("/contractors/list/").text
    assert rows(active) == [(0,)]
    told = [one for one in noted("contractor", "update") if "active" in one["changes"]]
    assert [one["changes"] for one in told[:3]] == [{"active": ["yes", "no"]}] * 3


def _form(pairs: list[tuple[str, str]], person: Person) -> dict[str, Any]:
    made: dict[str, Any] = {"csrf_token": person.token}
    for name, value in pairs:
        made[name] = [*made.get(name, []), str(value)]
    return made


def bulk(person: Person, url: str, action: str, keys: list[Any]) -> Any:
    said = _form([("action", action), *(("id", key) for key in keys)], person)
    return person.client.post(f"{url}/action_post", data=said)


def test_what_an_action_changes_in_silence_is_asked_and_noted(
    manager: Person, person: SignIn, crews: Callable[..., list[int]], rows: Rows, noted: Noted
) -> None:
    keys = crews("歇着", 2)
    assert bulk(manager, "/crews", "rest", keys).status_code == 302
    told = noted("crew", "update")[:2]
    assert [one["changes"] for one in told] == [{"notes": [None, "休整中"]}] * 2
    reader = person(builders.COUNTY_READER)
    assert bulk(reader, "/crews", "rest", keys).status_code == 403
    assert reader.post(f"/crews/action/rest/{keys[0]}").status_code == 403


def test_an_action_may_not_move_a_row_out_of_the_area(
    manager: Person, crews: Callable[..., list[int]], rows: Rows, far: int, village: int
) -> None:
    [key] = crews("要走的")
    answer = manager.post(f"/crews/action/move/{key}", {"to": far})
    assert answer.status_code == 302
    page = manager.get("/crews/list/").text
    assert "不在您的管辖范围内" in page
    assert "已迁走" not in page, "what an action says before it is true"
    assert rows("SELECT region_id FROM crew WHERE name = '要走的'") == [(village,)]


def test_rows_of_two_models_are_asked_and_noted_each_as_its_own(
    manager: Person, crews: Callable[..., list[int]], rows: Rows, noted: Noted
) -> None:
    [key] = crews("领工具的")
    assert manager.post(f"/crews/action/equip/{key}").status_code == 302
    assert noted("tool", "create")[0]["changes"]["name"] == [None, "新锤子"]
    assert noted("crew", "update")[0]["changes"] == {"notes": [None, "\u00e9"]}
    [(tool,)] = rows("SELECT id FROM tool WHERE name = '新锤子'")
    assert manager.post(f"/tools/delete/{tool}").status_code == 302  # others count them


def test_an_action_that_comes_twice_is_done_once_and_told_the_same(
    manager: Person, crews: Callable[..., list[int]], rows: Rows
) -> None:
    [key] = crews("点两次")
    said = {"form_key": uuid.uuid4().hex, "csrf_token": manager.token}
    for _time in range(2):
        answer = manager.client.post(f"/crews/action/purge/{key}", data=said)
        assert answer.status_code == 302
        assert "已解散。" in manager.get("/crews/list/").text


def test_what_an_action_deletes_is_noted(
    manager: Person, crews: Callable[..., list[int]], rows: Rows, noted: Noted
) -> None:
    keys = crews("解散的", 3)
    assert manager.post(f"/crews/action/purge/{keys[0]}").status_code == 302
    assert bulk(manager, "/crews", "purge", keys[1:]).status_code == 302
    assert not rows("SELECT 1 FROM crew WHERE name = '解散的'")
    told = noted("crew", "delete")[:3]
    assert [one["changes"]["name"] for one in told] == [["解散的", None]] * 3
    assert {one["record"] for one in told} == {str(key) for key in keys}


def test_a_bulk_action_is_all_or_nothing(
    manager: Person, crews: Callable[..., list[int]], rows: Rows
) -> None:
    keys = crews("一个都不少", 2)
    for wrong in ("9001", "123456789", "x", "-1", "9" * 40, ""):  # far away; nowhere; no keys
        assert bulk(manager, "/crews", "purge", [*keys, wrong]).status_code == 404
    assert len(rows("SELECT 1 FROM crew WHERE name = '一个都不少'")) == 2
    used = rows("SELECT skill_id FROM crew_skill WHERE crew_id = 11")[0][0]
    free = rows("SELECT max(id) FROM skill")[0][0]
    answer = bulk(manager, "/skills", "purge", [free, used])  # a crew needs one of them
    assert answer.status_code == 302
    assert "还有其他内容与它关联" in manager.get("/skills/list/").text
    assert rows("SELECT count(*) FROM skill WHERE id = :id", id=free) == [(1,)]


def test_what_no_action_takes_is_told(manager: Person, crews: Callable[..., list[int]]) -> None:
    [key] = crews("挑错的")
    assert bulk(manager, "/crews", "purge", range(10_000)).status_code == 400
    assert bulk(manager, "/crews", "purge", range(101)).status_code == 400
    for name in ("none", "", "delete", "__init__", "move"):  # move is of one row alone
        assert bulk(manager, "/crews", name, [key]).status_code == 404
    assert manager.post(f"/skills/action/purge/{1}").status_code == 404  # of many alone
    assert bulk(manager, "/crews", "purge", []).status_code == 302
    assert "请先勾选要处理的记录。" in manager.get("/crews/list/").text
    assert manager.get(f"/crews/action/purge/{key}").status_code == 405
    assert bulk(manager, "/crews", "rest", [key, key]).status_code == 302  # twice the same


def test_a_method_of_ones_own_is_behind_the_gate(manager: Person, person: SignIn) -> None:
    assert manager.get("/crews/greeting/").text.startswith("CrewView.greeting: ")
    assert manager.get("/crews/greeting/?x=1").status_code == 400
    assert manager.get("/crews/closed/").status_code == 403  # @before_request
    assert manager.post("/crews/shout/").text == "!"
    assert person(builders.COUNTY_READER).post("/crews/shout/").status_code == 403


def test_routes_that_a_view_leaves_out_are_none(manager: Person) -> None:
    assert names(manager.get("/shifts/list/")) == ["一组"]
    for method, url in (
        ("post", "/shifts/delete/1"),
        ("get", "/shifts/export"),
        ("post", "/shifts/action_post"),
    ):
        assert getattr(manager, method)(url).status_code == 404
    page = manager.get("/shifts/show/1").text
    assert "/shifts/delete/" not in page
    assert "/shifts/export" not in manager.get("/shifts/list/").text


# ---- files ----------------------------------------------------------------------------------


def export(person: Person, query: str, **said: str) -> Any:
    return person.post(f"/contractors/export?{query}", {"reason": "工作联系"} | said)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_holds_whole_what_the_list_shows(
    manager: Person, added: Added, rows: Rows, kind: str, noted: Noted
) -> None:
    for name in ("=1+1", "+86 139", "@sum", "-3", "普通"):
        added(name=name, grade="second")
    asked = f"format={kind}&_flt_0_code=9161&_flt_0_grade=second&_oc_ContractorView=code&_od_ContractorView=asc"
    page = manager.get(f"/contractors/export?{asked}").text
    for shown in ("文件含完整的联系电话", "<dt>资质等级</dt>", "等于 二级"):
        assert shown in page
    answer = export(manager, asked)
    assert answer.status_code == 200
    table = _table(answer.content, kind)
    assert table[0] == ["名称", "统一社会信用代码", "资质等级", "所在地区", "联系电话", "在用"]
    found = [line[0].removeprefix("'") for line in table[1:]]
    assert found[-5:] == ["=1+1", "+86 139", "@sum", "-3", "普通"]
    assert {line[2] for line in table[1:]} == {"二级"}
    assert table[-1][4] == "13991234567"
    assert table[-1][5] == "是"
    if kind == "csv":
        assert table[-5][0] == "'=1+1"
        assert answer.content.startswith(b"\xef\xbb\xbf")
    told = noted("contractor", "export")[0]
    assert told["rows"] == len(table) - 1
    assert told["reason"] == "工作联系"


def _table(content: bytes, kind: str) -> list[list[str]]:
    if kind == "csv":
        return [*csv.reader(io.StringIO(content.decode("utf-8-sig")))]
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)
    return [[str(cell.value) for cell in line] for line in sheet.iter_rows()]


def test_a_file_needs_a_reason(manager: Person, rows: Rows, noted: Noted) -> None:
    before = len(noted("contractor", "export"))
    answer = export(manager, "format=csv&_flt_0_code=9161", reason="", other_reason=" ")
    assert answer.status_code == 422
    assert "原因" in re.sub(r"\s", "", answer.text)
    assert len(noted("contractor", "export")) == before
    assert manager.get("/contractors/export?format=pdf").status_code == 400


def test_a_file_is_for_those_who_may(person: SignIn) -> None:
    clerk = person(builders.TOWN_CLERK)
    assert clerk.get("/contractors/export").status_code == 403
    assert export(clerk, "format=csv").status_code == 403
    assert "/contractors/export" not in clerk.get("/contractors/list/").text


def test_a_field_in_error_is_beside_its_input(manager: Person) -> None:
    answer = manager.post("/skills/add", {"name": ""})
    assert at_fields(answer) == {"name": "请填写“Name”。"}
