"""A list of persons makes households with members, or is refused: never a head of each row."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.jobs.table import Job, JobState
from app.core.jobs.worker import work
from app.kernel.exchange.imports.notes import notes_of
from app.kernel.exchange.imports.pipeline import OUTCOMES
from app.kernel.households.exchange import importing as household_import
from app.kernel.rows.household import Household, SearchKey
from app.kernel.rows.member import Member
from tests.builders import COUNTY_MANAGER, account, actor_of, id_number
from tests.clicks import begin_import
from tests.kernel.exchange.lists import book

#: Rows of a file and what is said of them.
pytestmark = pytest.mark.one_database

HEADS = [
    "县",
    "乡镇",
    "村",
    "户编号",
    "姓名",
    "身份证号",
    "与户主关系",
    "性别",
    "联系电话",
    "家庭人口",
]


def person(
    group: str, name: str, number: str, relation: str, village: str = "秦谷村委会"
) -> list[Any]:
    return ["蓝田县", "灞源镇", village, group, name, number, relation, "", "13910015207", "3"]


@pytest.fixture
def take(app: Flask, session: Any) -> Any:
    """Import rows as the county's manager; the counts and what was said by row."""
    manager = actor_of(account(COUNTY_MANAGER))

    def go(
        *rows: list[Any], heads: list[str] = HEADS, **how: bool
    ) -> tuple[dict[str, int], dict[int, str]]:
        options = {"dry_run": False, "whole": False} | how
        with acting_as(manager):
            sent = begin_import(
                household_import.start, book(list(rows), heads), "名单.xlsx", **options
            )
        db.session.remove()
        work(app, once=True)
        with unscoped("tests look") as look:
            job = look.get_one(Job, sent.id)
        assert job.state == JobState.DONE, job.message
        said = {n.row: "；".join(m for _c, m in n.notes) for n in notes_of(job.id)}
        db.session.rollback()
        return {n: v for n in OUTCOMES if (v := (job.result or {})[n])}, said

    return go


def homes() -> dict[str, dict[str, str | None]]:
    """Head -> member -> relation."""
    with unscoped("tests look") as look:
        found: dict[str, dict[str, str | None]] = {}
        for home in look.scalars(select(Household).order_by(Household.issued_name)):
            members = look.scalars(select(Member).where(Member.household_id == home.id))
            found[home.head_name] = {m.name: m.relation for m in members}
        return found


def test_a_household_of_three_rows_is_one_with_two_members(take: Any) -> None:
    a, b, c, d = (id_number() for _ in range(4))
    rows = [
        person("H1", "郑佩禾", a, "户主"),
        person("H1", "陈川佩", b, "配偶"),
        person("H1", "韩砚岚", c, "之子"),
        person("H2", "李望", d, "户主"),
    ]
    assert take(*rows, dry_run=True)[0] == {"created": 4}
    assert homes() == {}
    assert take(*rows)[0] == {"created": 4}
    assert homes() == {"郑佩禾": {"陈川佩": "01", "韩砚岚": "02"}, "李望": {}}
    with unscoped("tests look") as look:
        keys = set(look.scalars(select(SearchKey.value)))
    assert {a, b, c, d} <= keys  # a member's number finds the household
    assert take(*rows)[0] == {"unchanged": 4}
    rows[2][6] = "孙女"
    assert take(*rows)[0] == {"updated": 1, "unchanged": 3}
    assert homes()["郑佩禾"] == {"陈川佩": "01", "韩砚岚": "99"}


def test_without_numbers_of_households_members_stand_below_their_head(take: Any) -> None:
    a, b, c = (id_number() for _ in range(3))
    rows = [
        person("", "郑佩禾", a, "本人"),
        person("", "陈川佩", b, "妻"),
        person("", "李望", c, "女儿", village="别处村"),
    ]
    counts, said = take(*rows)
    assert counts == {"created": 2, "rejected": 1}
    assert said == {4: "与上面的户主郑佩禾不在同一个村组，不能确定是哪一户；请填写户编号。"}
    assert homes() == {"郑佩禾": {"陈川佩": "01"}}


def test_what_cannot_be_told_apart_is_refused(take: Any) -> None:
    numbers = [id_number() for _ in range(7)]
    rows = [
        person("H1", "甲一", numbers[0], "户主"),
        person("H1", "甲二", numbers[1], ""),
        person("H2", "乙一", numbers[2], "配偶"),
        person("H3", "丙一", "", "户主"),
        person("H4", "", numbers[4], "户主"),
        person("H4", "丁二", numbers[5], "之子"),
        person("H3", "丙二", numbers[6], "之子"),
    ]
    counts, said = take(*rows)
    assert counts == {"created": 1, "rejected": 6, "flagged": 1}
    two = "户编号“H1”的第2、3行都是户主，或没有写“与户主关系”；一户只能有一个户主，请核对。"
    none = "没有找到这一户的户主：同一户的人应连续排列，其中一行的“与户主关系”是户主。"
    assert (said[2], said[3], said[4], said[8]) == (two, two, none, none)
    assert said[7] == "户主（第6行）没有导入，请一并改正。"
    assert homes() == {"丙一": {}}


def test_rows_of_one_household_without_relations_are_refused(take: Any) -> None:
    heads = [head for head in HEADS if head != "与户主关系"]
    rows = [
        [*person("H1", name, id_number(), "")[:6], "", "13910015207", "3"] for name in ("甲", "乙")
    ]
    counts, _said = take(*rows, heads=heads)
    assert counts == {"rejected": 2}
    assert homes() == {}


def test_a_member_who_is_another_head_is_refused(take: Any) -> None:
    a, b = id_number(), id_number()
    assert take(person("H1", "甲一", a, "户主"))[0] == {"created": 1}
    counts, said = take(person("H2", "乙一", b, "户主"), person("H2", "甲一", a, "配偶"))
    assert counts == {"created": 1, "rejected": 1}
    assert "该身份证号已在名单中" in said[3]
    assert homes() == {"乙一": {}, "甲一": {}}


def test_a_member_of_another_household_is_refused(take: Any) -> None:
    a, b, c = (id_number() for _ in range(3))
    theirs = [person("H1", "甲一", a, "户主"), person("H1", "甲二", b, "配偶")]
    assert take(*theirs)[0] == {"created": 2}
    other = [person("H2", "乙一", c, "户主"), person("H2", "甲二", b, "配偶")]
    for how in ({"dry_run": True}, {}):
        counts, said = take(*other, **how)
        assert counts == {"created": 1, "rejected": 1}
        assert said[3].startswith("该身份证号是另一户的家庭成员：")
        assert said[3].endswith("秦谷村委会，户主甲一，请核对。")
    assert homes() == {"乙一": {}, "甲一": {"甲二": "01"}}
    assert take(*theirs)[0] == {"unchanged": 2}


def test_nobody_is_a_member_of_two_households_of_one_file(take: Any) -> None:
    a, b, c = (id_number() for _ in range(3))
    rows = [
        person("H1", "甲一", a, "户主"),
        person("H1", "甲二", b, "配偶"),
        person("H2", "乙一", c, "户主"),
        person("H2", "甲二", b, "配偶"),
    ]
    counts, said = take(*rows)
    assert counts == {"created": 3, "rejected": 1}
    assert said == {5: "与第3行是同一个人，却写在两户中；一个人只能在一户，请核对。"}
    assert homes() == {"乙一": {}, "甲一": {"甲二": "01"}}
