"""What a sheet shows: merged cells, hidden rows, cells that are kept and read again."""

from __future__ import annotations

from app.kernel.exchange.cells import FORMULA, Computed, Unreadable, as_text
from app.kernel.exchange.sheet import Layout, Merged, Sheet, Workbook


def test_merged_cells_say_the_same_in_every_row_of_their_first_column() -> None:
    rows = [
        (1, ["县", "村", "姓名"]),
        (2, ["洛南县", "西街", "甲"]),
        (3, ["", "kept by WPS", "乙"]),
        (5, ["", "", "丙"]),
        (6, ["", "", "丁"]),
    ]
    layout = Layout([Merged(2, 1, 5, 1), Merged(2, 2, 3, 2), Merged(6, 1, 6, 2)])
    for _ in range(2):
        assert list(Sheet("一", rows, layout)) == [
            (1, ["县", "村", "姓名"]),
            (2, ["洛南县", "西街", "甲"]),
            (3, ["洛南县", "西街", "乙"]),
            (5, ["洛南县", "", "丙"]),
            (6, ["", "", "丁"]),
        ]


def test_merged_across_only_the_first_column_says_it() -> None:
    layout = Layout([Merged(1, 1, 1, 3), Merged(2, 2, 3, 3)])
    rows = [(1, ["名单", "x", "x"]), (2, ["a", "b", ""]), (3, ["c"])]
    assert list(Sheet("一", rows, layout)) == [
        (1, ["名单", "", ""]),
        (2, ["a", "b", ""]),
        (3, ["c", "b"]),
    ]


def test_a_merge_whose_first_row_says_nothing_says_nothing() -> None:
    layout = Layout([Merged(1, 1, 3, 1), Merged(2**19, 1, 2**20, 1)])
    assert list(Sheet("一", [(2, ["x", "a"])], layout)) == [(2, ["", "a"])]


def test_hidden_rows_are_read_and_known() -> None:
    sheet = Sheet("一", [(1, ["a"]), (2, ["b"]), (3, [""])], Layout(hidden_rows={2, 3}))
    assert (list(sheet), sheet.hidden_rows) == ([(1, ["a"]), (2, ["b"])], [2])


def test_hidden_sheets_are_beside_those_that_are_seen() -> None:
    seen, hidden = Sheet("一", []), Sheet("二", [(1, ["a"])], is_hidden=True)
    book = Workbook([hidden, seen])
    assert (list(book), book.hidden) == ([seen], [hidden])


def test_cells_come_back_as_they_were() -> None:
    cells = ["一", as_text("=A1+1"), Computed("=B1", "男"), as_text(1e18)]
    ((_, back),) = Sheet("一", [(1, cells)])
    assert back == ["一", "=A1+1", "=B1", "1e+18"]
    assert [type(cell) for cell in back] == [str, Computed, Computed, Unreadable]
    assert [c.shown for c in back if isinstance(c, Computed)] == ["", "男"]
    assert [c.reason for c in back if isinstance(c, Computed)] == [FORMULA] * 2


def test_numbers_are_read_as_they_are_shown() -> None:
    said = {85.49999999999999: "85.5", 0.1 + 0.2: "0.3", 5.0: "5", -2.5: "-2.5", 1e-7: "0.0000001"}
    assert {value: as_text(value) for value in said} == said
    for lost in (1e15, -1e17, float("nan"), float("inf")):
        assert isinstance(as_text(lost), Unreadable)


def test_a_formula_that_is_only_a_text_is_that_text() -> None:
    assert as_text('="610121198607050969"') == "610121198607050969"
    assert as_text('= "说""什么" ') == '说"什么'
    assert isinstance(as_text('="1"&A1'), Computed)
    assert isinstance(as_text('="a"&"b"'), Computed)
