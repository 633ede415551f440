"""Generated forms: every kind of field, what is refused beside its field with all that was typed kept, and what
two people do to one row.
"""

from __future__ import annotations

import concurrent.futures
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests import builders
from tests.running.servers import Server
from tests.web.crud.conftest import (
    Noted,
    Person,
    Rows,
    as_key,
    at_fields,
    listed,
    names,
    problems,
    signed_in,
)

Added = Callable[..., str]
Firm = Callable[..., dict[str, Any]]
Crew = Callable[..., dict[str, Any]]


@pytest.fixture
def crew(village: int) -> Crew:
    """What a right form of a crew says."""

    def make(name: str, **values: Any) -> dict[str, Any]:
        return {"region_id": village, "name": name} | values

    return make


def stored(rows: Rows, name: str, columns: str = "*") -> list[Any]:
    return rows(f"SELECT {columns} FROM crew WHERE name = :name", name=name)


def test_every_kind_of_column_is_kept_as_typed(manager: Person, crew: Crew, rows: Rows) -> None:
    said = crew(
        "各种字段", badge="B1", size="-12", wage="3.25", notes="一行\n二行 <b>", insured="no",
        checked_at="2026-03-01 08:30:00", founded="1949-10-01", skills=["3", "1"], remark="不保存",
    )  # fmt: skip
    assert manager.change("/crews/add", said).status_code == 302
    [[size, wage, notes, insured]] = stored(rows, "各种字段", "size, wage, notes, insured")
    assert (size, wage, notes.replace("\r", ""), bool(insured)) == (
        -12,
        3.25,
        "一行\n二行 <b>",
        False,
    )
    [[checked, founded]] = stored(rows, "各种字段", "checked_at, founded")
    assert str(checked)[:19] == "2026-03-01 08:30:00"
    assert str(founded) == "1949-10-01"
    query = "SELECT skill_id FROM crew_skill WHERE crew_id = (SELECT id FROM crew WHERE name = '各种字段')"
    assert sorted(rows(query)) == [(1,), (3,)]
    [(key,)] = stored(rows, "各种字段", "id")
    form = manager.get(f"/crews/edit/{key}").text
    for shown in ("-12", "3.25", "2026-03-01 08:30:00", "1949-10-01", "一行", "&lt;b&gt;"):
        assert shown in form
    assert "写全称" in form  # description_columns
    page = manager.get(f"/crews/show/{key}").text
    for shown in ("-12 人", "3.25", "2026-03-01 08:30", "技能001、技能003", "否"):
        assert shown in page


def test_what_may_be_left_empty_is_nothing(manager: Person, crew: Crew, rows: Rows) -> None:
    empty = dict.fromkeys(("badge", "size", "wage", "notes", "checked_at", "founded", "firm"), "")
    assert manager.change("/crews/add", crew("空着", **empty)).status_code == 302
    columns = "badge, size, wage, notes, insured, checked_at, founded, firm_id"
    assert stored(rows, "空着", columns) == [(None,) * 8]


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("name", "", "请填写"),
        ("name", "好" * 21, "20"),
        ("name", "喂!", "不能有叹号。"),
        ("size", "2147483648", "2147483647"),
        ("size", "-" + "9" * 40, "2147483647"),
        ("size", "1.5", "整数"),
        ("size", "五", "整数"),
        ("wage", "abc", "数"),
        ("wage", "nan", "数"),
        ("wage", "1e999", "数"),
        ("founded", "2026-02-30", "日期"),
        ("founded", "10000-01-01", "日期"),
        ("founded", "0000-00-00", "日期"),
        ("checked_at", "2026-01-01 25:00:00", "时间"),
        ("checked_at", "昨天", "时间"),
        ("firm", "nonsense", "没有找到所选的内容"),
        ("firm", "01234567-89ab-7def-8123-456789abcdef", "没有找到所选的内容"),
        ("skills", "999999", "没有找到所选的内容"),
        ("skills", "一", "没有找到所选的内容"),
        ("skills", "9" * 40, "没有找到所选的内容"),
        ("region_id", "1", "行政区划"),
        ("region_id", "9" * 40, "请填写"),
        ("region_id", "<b>", "请填写"),
        ("badge", "123456789", "8"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    manager: Person, crew: Crew, field: str, typed: str, said: str, rows: Rows
) -> None:
    form = crew("打过的字", notes="要留住的备注", skills=["2"], insured="yes") | {field: typed}
    answer = manager.change("/crews/add", form)
    assert answer.status_code == 422, answer.text[:2000]
    assert said in at_fields(answer)[field]
    assert set(problems(answer)) == {field}
    assert "要留住的备注" in answer.text
    if field not in ("skills", "region_id", "firm"):
        assert typed in answer.text
    if field != "skills":
        assert re.search(r'name="skills" value="2"[^>]* checked', answer.text)
    assert not stored(rows, "打过的字")


def test_days_at_the_ends_of_the_calendar_and_any_character_are_kept(
    manager: Person, crew: Crew, rows: Rows
) -> None:
    for name, day in (("元年", "0001-01-01"), ("末年", "9999-12-31"), ("𠮷野家🏗️", "2000-02-29")):
        said = crew(name, founded=day, checked_at=f"{day} 23:59:59")
        assert manager.change("/crews/add", said).status_code == 302
        [(founded,)] = stored(rows, name, "founded")
        assert str(founded) == day
        assert names(manager.get(f"/crews/list/?_flt_3_name={name}")) == [name]
    assert names(manager.get("/crews/list/?_flt_0_founded=2000-02-29")) == ["𠮷野家🏗️"]
    assert (
        manager.get("/crews/list/?_flt_0_founded=0001-01-01").status_code == 400
    )  # nobody means it
    assert manager.change("/crews/add", crew(" a\x00b\u3000", notes="c\x00d")).status_code == 302
    assert stored(rows, "ab", "notes") == [("cd",)]  # as any text here: what cannot be stored goes


def test_what_the_author_says_of_a_relation_limits_what_is_offered(
    manager: Person, crew: Crew
) -> None:
    """add_form_query_rel_fields: firms whose name begins with 可选."""
    form = manager.get("/crews/add").text
    assert "可选001" in form
    assert "备选" not in form
    other = listed(manager.get("/contractors/list/?_flt_3_code=TEST00000000000051"))[0][0]
    answer = manager.change("/crews/add", crew("选别的", firm=other))
    assert at_fields(answer)["firm"].startswith("没有找到所选的内容")
    assert "备选051" in manager.get("/crews/edit/1").text  # what it has it may keep


def test_rows_beyond_those_offered_are_found_by_searching(manager: Person) -> None:
    found = manager.get("/crews/offered/add/skills?q=技能22").json()
    assert [item["text"] for item in found["items"]] == [f"技能22{n}" for n in range(10)]
    assert not found["more"]
    assert manager.get("/crews/offered/add/firm").json()["items"][0]["text"] == "可选001"
    assert (
        manager.get("/crews/offered/add/firm?q=备选05").json()["items"] == []
    )  # not in what is limited
    assert manager.get("/crews/offered/search/firm?q=备选05").json()["items"]
    assert manager.get("/contracts/offered/edit/contractor").json()["more"] is True
    assert "/contracts/offered/add/contractor" in manager.get("/contracts/add").text
    assert "/contracts/offered/search/contractor" in manager.get("/contracts/list/").text
    assert manager.get("/contracts/offered/add/contractor?q=远方").json()["items"] == []
    for url in ("add/name", "edit/hidden", "search/x", "add/%00", "x/firm"):
        assert manager.get(f"/crews/offered/{url}").status_code in (400, 404)
    assert manager.get("/crews/offered/add/firm?other=1").status_code == 400


def test_a_relation_of_more_than_is_offered_loses_nothing(
    manager: Person, rows: Rows, crew: Crew
) -> None:
    form = manager.get("/crews/edit/1").text
    ticked = re.findall(r'name="skills" value="(\d+)"[^>]* checked', form)
    assert len(ticked) == 230
    said = crew("一组", skills=[*ticked[:100], *ticked[101:]])
    assert manager.change("/crews/edit/1", said).status_code == 302
    assert rows("SELECT count(*) FROM crew_skill WHERE crew_id = 1") == [(229,)]
    assert manager.change("/crews/edit/1", crew("一组", skills=ticked)).status_code == 302
    assert rows("SELECT count(*) FROM crew_skill WHERE crew_id = 1") == [(230,)]


def test_what_exists_already_is_said_where_it_lies_elsewhere_too(
    manager: Person, crew: Crew, rows: Rows
) -> None:
    for badge in ("P11", "FAR"):  # in the own village; far away, where nobody here may look
        answer = manager.change("/crews/add", crew("重号", badge=badge, notes="打过的字"))
        assert answer.status_code == 422
        assert at_fields(answer)["badge"] == "“编号”已经存在，请核对。"
        assert "打过的字" in answer.text
    assert not stored(rows, "重号")
    answer = manager.change("/crews/edit/12", crew("甲_乙", badge="FAR"))
    assert at_fields(answer)["badge"] == "“编号”已经存在，请核对。"


def test_a_form_that_is_sent_twice_makes_one_row(manager: Person, crew: Crew, rows: Rows) -> None:
    opened = dict(
        re.findall(r'name="(seen|form_key)" value="([^"]*)"', manager.get("/crews/add").text)
    )
    said = opened | crew("双击")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = [*pool.map(lambda _n: manager.post("/crews/add", said), range(4))]
    assert {answer.status_code for answer in answers} == {302}
    assert {answer.headers["location"] for answer in answers} == {answers[0].headers["location"]}
    assert len(stored(rows, "双击")) == 1
    other = manager.post("/crews/add", said | {"name": "改过"})
    assert other.status_code == 409
    assert "改过" in other.text


def test_one_deletes_while_another_edits(
    manager: Person, program: Server, added: Added, firm: Firm, rows: Rows
) -> None:
    key = added()
    other = signed_in(program, builders.COUNTY_MANAGER)
    opened = dict(re.findall(r'name="(seen|form_key)" value="([^"]*)"',
                             other.get(f"/contractors/edit/{key}").text))  # fmt: skip
    assert manager.post(f"/contractors/delete/{key}").status_code == 302
    answer = other.post(f"/contractors/edit/{key}", opened | firm(name="还在打的字"))
    assert answer.status_code == 404
    assert 'value="还在打的字"' in answer.text
    assert "已被删除" in problems(answer)[""]
    assert manager.post(f"/contractors/delete/{key}").status_code == 404
    other.client.close()


def test_what_others_need_is_not_deleted(manager: Person, added: Added, rows: Rows) -> None:
    key = added(name="有合同的")
    said = {"contractor": key, "title": "要紧的合同", "signed_on": "2026-01-02", "amount": "12.5"}
    assert manager.change("/contracts/add", said).status_code == 302
    assert manager.post(f"/contractors/delete/{key}").status_code == 302
    page = manager.get(f"/contractors/show/{key}")
    assert page.status_code == 200
    assert "还有其他内容与它关联" in page.text
    assert "要紧的合同" in page.text


@pytest.mark.parametrize(
    ("amount", "said"),
    [("10000000000", "最多 10 位整数"), ("1.005", "最多 2 位小数"), ("NaN", "数"), ("1e99", "位整数"),
     ("-9999999999.99", None)],
)  # fmt: skip
def test_a_decimal_fits_its_column(
    manager: Person, added: Added, amount: str, said: str | None
) -> None:
    form = {"contractor": added(), "title": "金额", "signed_on": "2026-01-02", "amount": amount}
    answer = manager.change("/contracts/add", form)
    if said is None:
        assert answer.status_code == 302
        return
    assert answer.status_code == 422
    assert said in at_fields(answer)["amount"]
    assert f'value="{amount}"' in answer.text


def test_masked_values_that_come_back_stay(
    manager: Person, added: Added, firm: Firm, rows: Rows
) -> None:
    key = added()
    assert "13991234567" not in manager.get(f"/contractors/edit/{key}").text
    assert "13991234567" not in manager.get(f"/contractors/show/{key}").text
    assert "13991234567" not in manager.get("/contractors/list/").text
    said = firm(phone="139****4567", code="bad" * 9)
    answer = manager.change(f"/contractors/edit/{key}", said)
    assert answer.status_code == 422
    assert "13991234567" not in answer.text
    assert manager.change(f"/contractors/edit/{key}", firm(phone="139****4567")).status_code == 302
    manager.change(f"/contractors/edit/{key}", firm(name="换号的", phone="13700000000"))
    assert rows("SELECT phone FROM contractor WHERE name = '换号的'") == [("13700000000",)]


def test_a_masked_value_is_shown_on_a_click_that_is_noted(
    manager: Person, added: Added, rows: Rows
) -> None:
    key = added(name="被看的公司")
    answer = manager.post(f"/contractors/reveal/{key}?field=phone")
    assert "13991234567" in answer.text
    query = "SELECT record_id FROM audit_entry WHERE act = 'reveal' ORDER BY at DESC LIMIT 1"
    assert as_key(rows(query)[0][0]) == key
    for url in ("?field=code", "?field=", ""):
        assert manager.post(f"/contractors/reveal/{key}{url}").status_code == 404


def test_a_session_that_ended_while_one_typed_loses_nothing(
    program: Server, crew: Crew, rows: Rows
) -> None:
    """The page's script opens the sign-in layer on that answer; a browser without scripts is told."""
    one = signed_in(program, builders.COUNTY_MANAGER)
    opened = dict(re.findall(r'name="(seen|form_key)" value="([^"]*)"', one.get("/crews/add").text))
    one.client.cookies.clear()
    said = opened | crew("没登录") | {"csrf_token": one.token}
    by_script = one.client.post("/crews/add", data=said, headers={"X-Requested-With": "fetch"})
    assert by_script.status_code in (400, 401)
    assert by_script.json()["message"]
    assert one.client.post("/crews/add", data=said).status_code in (302, 400)
    assert not stored(rows, "没登录")


def test_every_write_is_in_the_audit_log_with_old_and_new(
    manager: Person, crew: Crew, rows: Rows, noted: Noted
) -> None:
    manager.change("/crews/add", crew("记下的", size="3", skills=["1"], founded="2020-01-01"))
    [(key,)] = stored(rows, "记下的", "id")
    manager.change(
        f"/crews/edit/{key}", crew("改过的", size="", skills=["2"], founded="2020-01-01")
    )
    manager.post(f"/crews/delete/{key}")
    told = {act: noted("crew", act)[0] for act in ("create", "update", "delete")}
    assert told["create"]["changes"]["name"] == [None, "记下的"]
    assert told["create"]["changes"]["skills"] == [None, ["技能001"]]
    assert told["update"]["changes"] == {
        "name": ["记下的", "改过的"], "size": ["3", None], "skills": [["技能001"], ["技能002"]],
    }  # fmt: skip
    assert told["delete"]["changes"]["name"] == ["改过的", None]
    assert {one["record"] for one in told.values()} == {str(key)}


def test_what_a_right_form_does_not_change_is_no_entry(
    manager: Person, crew: Crew, rows: Rows
) -> None:
    manager.change("/crews/add", crew("不变的"))
    [(key,)] = stored(rows, "不变的", "id")
    before = rows("SELECT count(*) FROM audit_entry")
    assert manager.change(f"/crews/edit/{key}", crew("不变的")).status_code == 302
    assert rows("SELECT count(*) FROM audit_entry") == before
