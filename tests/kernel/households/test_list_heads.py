"""Sheets and heads of a list of households: what is read, and what is named as not read."""

from __future__ import annotations

import io

import openpyxl
import pytest

from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.core.files.storage import storage
from app.core.jobs.table import JobState
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports.heads import row_text
from app.kernel.exchange.imports.pipeline import OUTCOMES
from app.kernel.exchange.writer import Book, Column
from tests import builders
from tests.kernel.exchange.lists import HEADS, book, row
from tests.kernel.households.importing import Desk, households, notes

#: Rows of a file and what is said of them.
pytestmark = pytest.mark.one_database


@pytest.mark.parametrize(
    ("heads", "words"),
    [
        (["甲", "乙"], "没有找到表头"),
        (["县", "身份证号", "乡镇"], "只认出“县”、“身份证号”、“乡镇”，还缺“户主姓名”"),
        (
            ["所属组", "户主姓名", "身份证号码"],
            "只认出“户主姓名”、“身份证号码”，还缺“乡（镇）”、“村”",
        ),
        (
            [head for head in HEADS if head != "户主姓名"],
            "行的表头缺“户主姓名”，请按模板补上",
        ),
        ([*HEADS, "身份证号"], "“身份证号”列出现了2次"),
        (["户主", "姓名", *HEADS[:6]], "“户主”、“姓名”都是“户主姓名”列"),
    ],
)
def test_a_file_without_the_right_head_is_refused(desk: Desk, heads: list[str], words: str) -> None:
    result, job = desk.take(book([row(1)], heads))
    assert (result, job.state) == ({}, JobState.FAILED)
    assert words in job.message


def test_heads_may_be_written_otherwise_and_a_title_stand_above(desk: Desk) -> None:
    made = io.BytesIO()
    heads = ["姓名*", "身份证号码", "区县", "乡镇", "行政村", "备注"]
    line = ["王一", builders.id_number(1), "蓝田县", "灞源镇", "秦谷村委会", "=1+1"]
    with Book(made) as writer:
        writer.table("名单", [Column((head,)) for head in heads], [line], title="蓝田县名单")
    made.seek(0)
    result, _ = desk.take(made)
    assert (result["created"], result["flagged"]) == (1, 1)  # the phone is missing


def test_every_sheet_with_a_head_is_read_and_what_is_not_is_named(desk: Desk) -> None:
    made = io.BytesIO()
    with Book(made) as writer:
        writer.table("西街", [Column((head,)) for head in HEADS], [row(1)])
        writer.table("说明", [Column(("填表说明",))], [["请按模板填写"]])
        heads = [*reversed(HEADS), "备注"]
        writer.table("东街", [Column((head,)) for head in heads], [
            [*reversed(row(2)), ""], [*reversed(row(3, county="无此县")), "看"],
        ])  # fmt: skip
    made.seek(0)
    result, job = desk.take(made)
    assert {n: result[n] for n in OUTCOMES if result[n]} == {"created": 2, "rejected": 1}
    assert result["file"] == {
        "sheets": ["西街", "东街"], "unread": ["说明"], "hidden": [], "ignored": ["备注"], "hidden_rows": [],
        "hidden_columns": [],
        "left_out": [],
    }  # fmt: skip
    assert [home.issued_name for home in households()] == ["王一", "王二"]
    (note,) = list(import_notes.notes_of(job.id))
    assert row_text(note.row, result["file"]["sheets"]) == "东街!3"
    (file,) = job.files_of("result")
    with storage().open(file["key"]) as stored:
        marked = openpyxl.load_workbook(io.BytesIO(stored.read()))
    assert marked.sheetnames == ["东街"]
    told = dict(zip(*marked["东街"].iter_rows(values_only=True), strict=True))
    assert (told["户主姓名"], told["备注"], told["原行号"], told["处理结果"]) == (
        "王三", "看", "3", "未导入",
    )  # fmt: skip
    assert (
        told["问题说明"] == "县（市、区、旗）：没有找到“陕西省西安市无此县”，请核对省、市、县名称。"
    )


def test_a_list_without_the_county_lies_in_that_of_the_account(desk: Desk) -> None:
    heads = ["序号", "乡镇", "村", "组", "姓名", "身份证号", "电话"]
    one = ["1", *row(1)[3:8], row(1)[10]]
    result, _job = desk.take(book([one], heads))
    assert (result["created"], result["flagged"]) == (1, 0)
    (home,) = households()
    with unscoped("tests look at everything") as session:
        assert session.get_one(Region, home.region_id).full_name.endswith("蓝田县灞源镇秦谷村委会")


def test_a_list_without_towns_finds_the_only_village_of_that_name(desk: Desk) -> None:
    heads = ["序号", "村", "组", "姓名", "身份证号", "家庭人口", "电话"]
    rows = [
        ["1", "秦谷村", "八组", "王一", builders.id_number(1), "5", "13909180001"],
        ["2", "没有村", "八组", "王二", builders.id_number(2), "5", "13909180002"],
    ]
    result, job = desk.take(book(rows, heads))
    assert {n: result[n] for n in OUTCOMES if result[n]} == {
        "created": 2, "mended": 1, "flagged": 1,
    }  # fmt: skip
    one, two = households()
    with unscoped("tests look at everything") as session:
        assert session.get_one(Region, one.region_id).full_name.endswith("灞源镇秦谷村委会")
        assert session.get_one(Region, two.region_id).level == Level.COUNTY
    assert notes(job) == [
        "village: 蓝田县没有唯一对应“没有村”的村，已列入行政区划缺失，请核对村名，或补充乡镇列。"
    ]
    assert desk.counts([row(1)]) == {"updated": 1}  # the same household where the town is named
