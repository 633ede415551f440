"""Divisions from a workbook: staged, never valid by themselves; wrong rows come back marked."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.access.divisions.former import ChangeKind, RegionChange
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.admin.divisions import exporting as division_list
from app.admin.divisions import importing as division_import
from app.admin.divisions import publish as division_publish
from app.admin.divisions import reading as divisions
from app.core.db import db
from app.core.errors import BadInput
from app.core.jobs.table import Job, JobState
from app.core.jobs.worker import work
from app.kernel.exchange.imports.notes import notes_of
from app.kernel.exchange.writer import Book, Column
from tests.builders import CITY, COUNTY, COUNTY_MANAGER, account, actor_of, below, region
from tests.clicks import begin_import
from tests.tree import broken

HEADS = ["级别", "代码", "名称", "上级代码", "国家编码", "管理部门类别", "排序"]


def book(rows: list[list[Any]], heads: list[str] = HEADS) -> io.BytesIO:
    made = io.BytesIO()
    with Book(made) as writer:
        writer.table("行政区划", [Column((head,)) for head in heads], rows)
    made.seek(0)
    return made


def village(
    code: str, name: str, parent: str = "", level: str = "村级", sort: str = ""
) -> list[Any]:
    return [level, code, name, parent, "", "", sort]


@pytest.fixture
def run(app: Flask, session: Any) -> Any:
    """Import rows as the county's manager (or another); gives the job as it ended."""

    def go(
        rows: list[list[Any]], who: Any = COUNTY_MANAGER, name: str = "a.xlsx", **how: Any
    ) -> Job:
        file = book(rows) if isinstance(rows, list) else rows
        options = {"dry_run": False, "whole": False, "force": False} | how
        with acting_as(actor_of(account(who))):
            job = begin_import(division_import.start, file, name, **options)
        db.session.remove()
        work(app, once=True)
        with unscoped("tests look") as everything:
            return everything.get_one(Job, job.id)

    return go


def pending() -> dict[str, RegionChange]:
    with unscoped("tests look") as session:
        return {c.name: c for c in session.scalars(select(RegionChange))}


def counts(job: Job) -> tuple[int, ...]:
    assert job.state == JobState.DONE, job.message
    result = job.result or {}
    return tuple(result[n] for n in ("created", "updated", "unchanged", "rejected"))


def messages(job: Job) -> dict[int, str]:
    found = {n.row: "".join(m for _c, m in n.notes) for n in notes_of(job.id)}
    db.session.rollback()
    return found


def test_new_towns_with_their_villages(app: Flask, run: Any) -> None:
    job = run(
        [
            village("610122901001", "永宁村", "610122901000", sort="7"),
            village("610122901000", "新安镇", "610122000000", level="乡镇级"),
            village("610122901002", "永兴村"),  # its code says where it stands
        ]
    )
    assert counts(job) == (3, 0, 0, 0)
    staged = pending()
    assert {c.kind for c in staged.values()} == {ChangeKind.ADD}
    town = staged["新安镇"]
    assert staged["永宁村"].parent_id == staged["永兴村"].parent_id == town.region_id
    assert (staged["永宁村"].sort, staged["永兴村"].sort) == (7, 2)
    with acting_as(actor_of(account(COUNTY_MANAGER))):
        division_publish.publish(region(COUNTY, Level.COUNTY).id)
        db.session.commit()
    with unscoped("tests look") as everything:
        made = everything.scalars(select(Region).where(Region.name == "永宁村")).one()
        assert made.full_name == "陕西省西安市蓝田县新安镇永宁村"
        assert broken(everything) == []


def test_what_exists_is_changed_and_what_is_alike_left(run: Any, session: Any) -> None:
    county = region(COUNTY, Level.COUNTY)
    one, two, three = (below(county, Level.VILLAGE, n) for n in range(3))
    town = below(county, Level.TOWN, 1)
    job = run(
        [
            village(one.code, "永宁村"),
            village(two.code, two.name),
            village(three.code, three.name, town.code),
        ]
    )
    assert counts(job) == (0, 2, 1, 0)
    staged = pending()
    assert staged["永宁村"].kind == ChangeKind.CHANGE
    assert staged[three.name].parent_id == town.id
    assert staged["永宁村"].path == below(county, Level.TOWN).path
    assert staged[three.name].path == county.path


def test_each_wrong_row_says_what_is_wrong(run: Any, session: Any) -> None:
    county = region(COUNTY, Level.COUNTY)
    town, known = below(county, Level.TOWN), below(county, Level.VILLAGE)
    renamed = below(county, Level.VILLAGE, 1)
    other = below(region("610124", Level.COUNTY), Level.VILLAGE)
    new = town.code[:9]
    job = run(
        [
            village("12345", "甲村"),
            village(f"{new}901", ""),
            village(f"{new}902", "乙村", "999999999999"),
            village(f"{new}903", known.name),
            village(f"{new}904", "丙村", town.code, sort="第一"),
            village(renamed.code, "丁村"),
            village(renamed.code, "癸村"),
            village(other.code, "戊村"),
            village(f"{new}905", "己村", town.code, level="组"),
            village(county.code, "庚县", level="县级"),
            village(f"{new}906", "=1+1", town.code),
            village(f"{new}907", "辛村", town.code),
            village(f"{new}908", "辛社区", town.code),
        ]
    )
    told = messages(job)
    assert counts(job) == (1, 1, 0, 11)
    for row, part in {
        2: "12位数字", 3: "请填写名称", 4: "没有找到上级", 5: known.name, 6: "整数", 8: "第7行",
        9: "不在您的管辖范围内", 10: "级别须为", 11: "上级管理用户", 12: "公式", 14: "辛村",
    }.items():  # fmt: skip
        assert part in told[row], (row, told[row])
    assert set(pending()) == {"丁村", "辛村"}
    names = [file["name"] for file in job.files_of("result")]
    assert names == ["a-标注.xlsx"]


def test_below_a_wrong_row_nothing_goes_in(run: Any) -> None:
    job = run(
        [
            village("610122901000", "蓝关镇", "610122000000", level="乡镇级"),  # like 蓝关街道
            village("610122901001", "永宁村", "610122901000"),
        ]
    )
    assert counts(job) == (0, 0, 0, 2)
    assert "第2行" in messages(job)[3]
    forced = run(
        [village("610122901000", "蓝关镇", "610122000000", level="乡镇级")], CITY, force=True
    )
    assert counts(forced) == (1, 0, 0, 0)


def test_a_check_and_all_or_nothing_write_nothing(run: Any) -> None:
    rows = [village("610122001901", "永宁村"), village("1", "永兴村")]
    assert counts(run(rows, dry_run=True)) == (1, 0, 0, 1)
    assert counts(run(rows, whole=True)) == (0, 0, 0, 1)
    assert pending() == {}


def test_no_head_no_import(run: Any) -> None:
    job = run(book([["甲"]], ["村名"]))
    assert job.state == JobState.FAILED
    assert "没有找到表头" in job.message


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_what_was_exported_changes_nothing(app: Flask, run: Any, form: str) -> None:
    file = io.BytesIO()
    with app.app_context():
        rows = division_list.write(file, region(COUNTY, Level.COUNTY), form)
    assert rows > 300
    file.seek(0)
    job = run(file, name=f"a.{form}")
    assert counts(job) == (0, 0, rows, 0)


@pytest.mark.one_database
def test_twenty_thousand_villages_with_three_hundred_wrong_rows(run: Any, session: Any) -> None:
    county = region(COUNTY, Level.COUNTY)
    rows = [
        village(f"610122{300 + n:03}000", f"{_spelled(n)}镇", county.code, level="乡镇级")
        for n in range(500)
    ]
    for n in range(19_500):
        parent = f"610122{300 + n // 39:03}"
        code = f"{parent}{n % 39 + 1:03}" if n % 65 else "12"
        rows.append(village(code, f"{_spelled(n)}村", f"{parent}000"))
    job = run(rows)
    assert counts(job) == (19_700, 0, 0, 300)
    with unscoped("tests look") as everything:
        assert everything.scalar(select(func.count()).select_from(RegionChange)) == 19_700
        assert everything.scalar(select(func.count()).select_from(Region)) < 10_000
    assert len(job.files_of("result")) == 1


def _spelled(number: int) -> str:
    return "".join("零一二三四五六七八九"[int(digit)] for digit in f"{number:05}")


def test_a_killed_import_staged_nothing(run: Any, monkeypatch: Any) -> None:
    """The rows are staged with the job's checkpoint: what comes after a kill begins anew."""
    real, calls = division_import._Import._stage, []

    def dies_once(self: Any, lines: Any) -> None:
        real(self, lines)
        db.session.flush()
        calls.append(1)
        if len(calls) == 1:
            raise BadInput("killed")

    monkeypatch.setattr(division_import._Import, "_stage", dies_once)
    rows = [village("610122001901", "永宁村")]
    assert run(rows).state == JobState.FAILED
    assert pending() == {}
    assert counts(run(rows)) == (1, 0, 0, 0)
    assert divisions.levels_below(Level.TOWN) == [Level.VILLAGE]


def test_a_village_does_not_move_beside_one_of_its_name(run: Any) -> None:
    one, other = (below(region(COUNTY, Level.COUNTY), Level.TOWN, n) for n in range(2))
    twin, code = below(other, Level.VILLAGE), f"{one.code[:9]}901"
    run([village(code, twin.name, one.code)])
    with acting_as(actor_of(account(COUNTY_MANAGER))):
        division_publish.publish(region(COUNTY, Level.COUNTY).id)
        db.session.commit()
    job = run([village(code, twin.name, other.code)])
    assert counts(job) == (0, 0, 0, 1)
    assert "相同或相似" in messages(job)[2]
    job = run([village(code, "永宁村", other.code)])
    assert counts(job) == (0, 1, 0, 0)
