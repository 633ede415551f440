"""What is written opens in Excel as meant, read back by two independent readers."""

from __future__ import annotations

import datetime as dt
import io
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app.kernel.exchange import writer
from app.kernel.exchange.cells import as_text
from app.kernel.exchange.reader import read_book
from app.kernel.exchange.writer import Book, Column, Rate, head_spans

COLUMNS = (
    Column(("户主姓名",), width=14, required=True, note="必填"),
    Column(("住房", "等级"), options=("A级", "B级")),
    Column(("住房", "面积")),
)


def opened(data: io.BytesIO) -> Any:
    data.seek(0)
    return openpyxl.load_workbook(data)


def test_heads_merge_where_they_repeat() -> None:
    spans = [
        (s.text, s.top, s.bottom, s.left, s.right)
        for s in head_spans([c.heads for c in COLUMNS], 2)
    ]
    assert spans == [("户主姓名", 0, 1, 0, 0), ("住房", 0, 0, 1, 2), ("等级", 1, 1, 1, 1),
                     ("面积", 1, 1, 2, 2)]  # fmt: skip


def test_equal_leaves_and_unlike_parents_do_not_merge() -> None:
    spans = head_spans([("甲", "数"), ("乙", "数"), ("数",), ("数",)], 2)
    assert [(s.text, s.left, s.right) for s in spans] == [
        ("甲", 0, 0), ("乙", 1, 1), ("数", 2, 2), ("数", 3, 3), ("数", 0, 0), ("数", 1, 1),
    ]  # fmt: skip


def test_a_table_opens_as_meant() -> None:
    data = io.BytesIO()
    with Book(data) as book:
        rows = [["张三", "A级", 80], ["李四", None, Decimal("75.50")]]
        assert book.table("台账", COLUMNS, rows, title="农户台账") == 2
    sheet = opened(data)["台账"]
    assert sheet["A1"].value == "农户台账"
    assert {str(r) for r in sheet.merged_cells.ranges} == {"A1:C1", "A2:A3", "B2:C2"}
    assert [[cell.value for cell in row] for row in sheet["A2:C5"]] == [
        ["户主姓名", "住房", None], [None, "等级", "面积"], ["张三", "A级", 80], ["李四", None, 75.5],
    ]  # fmt: skip
    assert sheet["A2"].comment.text == "必填"
    assert sheet.freeze_panes == "A4"
    assert sheet.column_dimensions["A"].width == pytest.approx(14.7, abs=0.1)
    (rule,) = sheet.data_validations.dataValidation
    assert (rule.formula1, str(rule.sqref).split(":")[0]) == ('"A级,B级"', "B4")
    assert sheet["A4"].number_format == "@"


def test_days_are_days_and_shares_percent() -> None:
    data = io.BytesIO()
    with Book(data) as book:
        rows = [[dt.date(2024, 9, 7), dt.date(1900, 1, 1), 1234567]]
        book.table("台账", COLUMNS, rows, title="农户台账", filtered=True)
        share = Rate(Decimal("0.773"))
        book.table("统计", COLUMNS, [["合计", share, 1234567], ["一", None, 0]], ruled=True)
    made = opened(data)
    ledger = made["台账"]
    day, early, plain = ledger[4]
    assert (day.value, day.number_format) == (dt.datetime(2024, 9, 7), "yyyy-mm-dd")
    assert early.value == "1900-01-01"
    assert plain.value == 1234567
    assert ledger.auto_filter.ref == "A3:C4"
    assert (ledger.page_setup.orientation, int(ledger.page_setup.paperSize)) == ("landscape", 9)
    assert ledger.print_title_rows == "$2:$3"
    table = made["统计"]
    assert table.page_setup.fitToHeight == 0, "one page wide, as many as it needs high"
    assert table.sheet_properties.pageSetUpPr.fitToPage
    assert table.auto_filter.ref is None
    assert [c.number_format for c in table[3]] == ["@", "0.0%", "#,##0"]
    assert [c.value for c in table[3]] == ["合计", 0.773, 1234567]
    assert {c.border.left.style for row in table["A3:C4"] for c in row} == {"thin"}


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "<b>&amp;</b>", " 空格 ", "第一行\n第二行", "a_x",
     "https://example.org", "𠅤", "0123", '"', '=HYPERLINK("x")'],
)  # fmt: skip
def test_text_stays_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.xlsx"
    with path.open("wb") as file, Book(file) as book:
        book.table("t", COLUMNS, [[text, "", ""]])
        book.table("marked", COLUMNS, [[text, "", ""]], comments=[{1: "请填写"}])
    for sheet in openpyxl.load_workbook(path):
        cell = sheet["A3"]
        assert (cell.value, cell.data_type) == (text, "s")
        assert cell.hyperlink is None
    for sheet in read_book(path, "t.xlsx"):
        assert list(sheet)[2][1][0] == as_text(text)


def test_what_looks_like_an_escape_of_excels_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    with path.open("wb") as file, Book(file) as book:
        book.table("t", COLUMNS, [["_x0041_", "", ""]])
    assert list(read_book(path, "t.xlsx")[0])[2][1][0] == "_x0041_"


def test_control_characters_are_dropped_and_long_text_cut() -> None:
    data = io.BytesIO()
    with Book(data) as book:
        book.table("t", COLUMNS, [["a\x00\x0bb\ufffe", "字" * 40_000, ""]])
    sheet = opened(data)["t"]
    assert sheet["A3"].value == "ab"
    assert len(sheet["B3"].value) == 32_767


def test_comments_mark_their_cells() -> None:
    data = io.BytesIO()
    with Book(data) as book:
        book.table(
            "t", COLUMNS, [["张三", "A级", 1], ["李四", "", 2]], comments=[{}, {1: "请填写等级。"}]
        )
    sheet = opened(data)["t"]
    assert sheet["B3"].comment is None
    assert sheet["B4"].comment.text == "请填写等级。"
    assert sheet["B4"].fill.fgColor.rgb == "FFFFC7CE"


def test_long_lists_of_options_stand_on_a_hidden_sheet() -> None:
    options = tuple(f"很长的选项第{n}号" for n in range(60))
    data = io.BytesIO()
    with Book(data) as book:
        book.table("t", [Column(("a",), options=options), Column(("b",), options=options)], [])
    made = opened(data)
    assert made["选项"].sheet_state == "hidden"
    assert [c.value for c in made["选项"]["A"]] == list(options)
    rules = made["t"].data_validations.dataValidation
    assert {rule.formula1 for rule in rules} == {"'选项'!$A$1:$A$60"}


def test_a_table_goes_on_in_a_second_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "ROWS_A_SHEET", 10)
    data = io.BytesIO()
    with Book(data) as book:
        assert book.table("农户", COLUMNS, ([str(n), "", n] for n in range(25))) == 25
        book.table("农户", COLUMNS, [])
    made = opened(data)
    assert made.sheetnames == ["农户", "农户(2)", "农户(3)", "农户(4)"]
    found = [row[0] for s in made for row in s.iter_rows(min_row=3, values_only=True) if row[0]]
    assert found == [str(n) for n in range(25)]
    assert made["农户(3)"]["A1"].value == "户主姓名"


def test_sheet_names_are_made_legal() -> None:
    data = io.BytesIO()
    with Book(data) as book:
        book.table("一/二[三]*?:" + "长" * 40, COLUMNS, [])
    (name,) = opened(data).sheetnames
    assert len(name) <= 31


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        with (tmp_path / "t.xlsx").open("wb") as file, Book(file) as book:
            book.table("t", COLUMNS, (["张三", "A级", n] for n in range(count)))
        _, high = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return high

    assert peak(20_000) < peak(2_000) * 1.5
