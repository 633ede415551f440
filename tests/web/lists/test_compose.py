"""综合查询: from its page to the list, its file and its REST answer; kept, shared, walked through."""

from __future__ import annotations

import html
import io
import re
from typing import Any

import openpyxl
import pytest
from flask import Flask

from app.access.scope import unscoped
from app.core.jobs.worker import work
from app.kernel.lists.saved_rows import SavedFilter
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.web.lists.listed import QUERY, AsAccount, households, kept, names, step

COMPOSE = f"{QUERY}/compose"


def typed(*lines: tuple[int, str, str, list[str]], action: str = "search") -> dict[str, Any]:
    """The form of the page with these lines: group, field, way, values."""
    form: dict[str, Any] = {"action": action, "row": [str(n) for n in range(len(lines))]}
    for n, (group, name, how, values) in enumerate(lines):
        form |= {f"group-{n}": str(group), f"was-{n}": name, f"field-{n}": name}
        form |= {f"how-{n}": how, f"value-{n}": values}
    return form


@pytest.fixture
def rows(app: Flask) -> list[Lookback]:
    made = households(app, "甲户", "乙户", "丙户")
    with app.app_context(), unscoped("tests enter") as session:
        session.get_one(Lookback, made[0].id).died = True
        session.commit()
    return made


@pytest.mark.usefixtures("rows")
def test_the_page_leads_to_the_list_and_back(as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    assert f'href="{COMPOSE}?state=missing"' in manager.get(f"{QUERY}?state=missing").text
    lines = (0, "died", "any", ["yes"]), (1, "head_name", "begins", ["乙"])
    answer = manager.post(f"{COMPOSE}?size=50", typed(*lines))
    there = "size=50&where=died%3Aany%3Ayes&where=or&where=head_name%3Abegins%3A%E4%B9%99"
    assert (answer.status_code, answer.location) == (302, f"{QUERY}?{there}")
    listed = manager.get(answer.location)
    assert sorted(names(listed.text)) == ["乙户", "甲户"]
    assert "综合查询：（是否死亡销户是“是”）或（户主姓名以“乙”开头）" in listed.text
    assert listed.text.count('type="hidden" name="where"') == 3  # the bar's filters keep it
    back = manager.get(f"{COMPOSE}?{there}").text
    assert 'value="yes" checked' in back
    assert "第 2 组" in back


@pytest.mark.usefixtures("rows")
def test_list_file_and_rest_answer_are_one(app: Flask, as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    asked = "where=died:any:yes&where=or&where=head_name:begins:乙"
    assert "共 2 户" in manager.get(f"{QUERY}?{asked}").text
    answer = manager.get(f"/api/v1/lookback?{asked}").get_json()
    assert (answer["count"], len(answer["items"])) == (2, 2)
    asking = manager.get(f"/exchange/export/lookback?{asked}").text
    assert "（是否死亡销户是“是”）或（户主姓名以“乙”开头）" in asking
    manager.post(f"/exchange/export/lookback?{asked}", {"reason": "工作调度"})
    with app.app_context():
        work(app, once=True)
    jobs = manager.get("/exchange/jobs/").text
    file = manager.get(
        html.unescape(re.search(r'href="(/exchange/jobs/[0-9a-f-]+/files/0)"', jobs)[1])
    )
    sheet = openpyxl.load_workbook(io.BytesIO(file.data)).active
    assert sorted(c.value for row in sheet.iter_rows() for c in row if c.value in ("甲户", "乙户", "丙户")) == ["乙户", "甲户"]  # fmt: skip
    assert manager.get("/api/v1/lookback?where=nothing:is:1").status_code == 400


def test_a_wrong_value_is_said_beside_its_condition_and_nothing_is_lost(
    as_account: AsAccount,
) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    lines = (
        (0, "decided_size", "is", ["1"]),
        (0, "population", "in", ["9", "2"]),
        (0, "head_name", "begins", ["王"]),
    )
    answer = manager.post(COMPOSE, typed(*lines[1:]))
    assert answer.status_code == 422
    assert 'id="line-0-error">' in answer.text
    assert "起大于止" in answer.text
    assert all(f'value="{text}"' in answer.text for text in ("9", "2", "王"))
    assert "没有项目“decided_size”" in manager.post(COMPOSE, typed(lines[0])).text
    assert manager.get(f"{QUERY}?where=population:in:9..2").status_code == 400
    assert manager.get(f"{QUERY}?where=nothing:is:1").status_code == 400
    assert manager.get(f"{COMPOSE}?wherever=1").status_code == 400
    told = manager.get(f"{COMPOSE}?where=population:in:9..2&where=head_name:begins:王")
    assert told.status_code == 200
    assert "起大于止" in told.text
    assert 'value="王"' in told.text


def test_lines_and_groups_are_added_and_dropped(as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    line = (0, "head_name", "begins", ["王"])
    assert manager.post(COMPOSE, typed(line, action="add-0")).text.count('name="row"') == 2
    assert "第 2 组" in manager.post(COMPOSE, typed(line, action="group")).text
    assert 'value="王"' not in manager.post(COMPOSE, typed(line, action="drop-0")).text
    changed = typed(line, action="show") | {"field-0": "died"}
    page = manager.post(COMPOSE, changed).text
    assert 'name="value-0" value="yes"' in page
    assert 'value="王"' not in page
    empty = manager.post(COMPOSE, typed((0, "", "", [])))
    assert empty.location == QUERY


@pytest.mark.usefixtures("rows")
def test_it_is_kept_and_what_is_gone_is_told(app: Flask, as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    asked = "where=died:any:yes&where=or&where=died:empty"
    manager.post(f"{QUERY}/filters?{asked}", {"name": "核对", "shared": "on"})
    [row] = kept(app)
    assert row.asked == [["where", "died:any:yes"], ["where", "or"], ["where", "died:empty"]]
    shared = as_account(builders.TOWN_MANAGER).get(
        f"{QUERY}/filters/{row.id}", follow_redirects=True
    )
    assert "综合查询" in shared.text
    one = f"{QUERY}/filters?where=head_id:is:{builders.id_number(1)}"
    assert "不能共享" in manager.post(one, {"name": "一人", "shared": "on"}).text
    with app.app_context(), unscoped("a field goes") as session:
        session.get_one(SavedFilter, row.id).asked = [
            ["where", "gone_field:any:yes"], ["where", "died:any:maybe"], ["where", "died:empty"],
        ]  # fmt: skip
        session.commit()
    opened = manager.get(f"{QUERY}/filters/{row.id}", follow_redirects=True).text
    assert "“gone_field”已不再是筛选条件" in opened
    assert "“是否死亡销户”的选项“died:any:maybe”已不存在" in opened
    assert "综合查询：是否死亡销户未填" in opened


@pytest.mark.usefixtures("rows")
def test_what_is_found_is_walked_through(as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    listed = manager.get(f"{QUERY}?where=died:any:yes&where=or&where=head_name:begins:乙").text
    page = manager.get(html.unescape(re.search(r'href="([^"]+)" class="row-link"', listed)[1])).text
    assert "第 1 / 2 户" in page
    on = step(manager, page, "next").text
    assert "第 2 / 2 户" in on
    assert 'rel="next"' not in on


def test_a_list_beyond_the_own_area_is_not_searched_so(as_account: AsAccount) -> None:
    """It would tell of fields that it does not show."""
    manager = as_account(builders.COUNTY_MANAGER)
    assert manager.get("/craftsman/province?where=phone:given").status_code == 400
    assert manager.get("/craftsman/province/compose").status_code == 404
