"""The head of a list, as it stands in sheets that people made."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from app.core.errors import BadInput
from app.kernel.exchange.imports.heads import Wanted, find_heads, not_read
from app.kernel.exchange.sheet import Layout, Merged, Sheet, Workbook

NAMES = {
    "姓名": "name", "身份证号": "number", "电话": "phone", "县": "county", "村": "village",
}  # fmt: skip
LIST = [(1, ["县", "姓名", "身份证号"]), (2, ["洛南县", "张三", "61"])]
FORM = [
    (1, ["农户登记表"]),
    (2, ["姓名", "张三", "身份证号", "61"]),
    (3, ["电话", "139", "县", "洛南县"]),
    (4, ["村", "西街"]),
]


def lacking(columns: Collection[str]) -> list[str]:
    return [name for name in ("name", "number") if name not in columns]


WANTED = Wanted(NAMES, str, lacking)


def test_a_form_of_one_household_is_told_to_be_no_list() -> None:
    with pytest.raises(BadInput, match="“一户”是一户一张的表格，不是名单"):
        find_heads([Sheet("一户", FORM)], WANTED)
    down = [(n, [head, "x"]) for n, head in enumerate(NAMES, 1)]
    with pytest.raises(BadInput, match="不是名单"):
        find_heads([Sheet("一户", down)], WANTED)


def test_a_form_beside_a_list_is_only_not_read() -> None:
    book = Workbook([Sheet("一户", FORM), Sheet("名单", LIST)])
    heads = find_heads(book, WANTED)
    assert [head.sheet.name for head in heads] == ["名单"]
    assert not_read(heads, book, WANTED)["unread"] == ["一户"]


@pytest.mark.parametrize(
    "more",
    [
        [(3, ["县", "姓名", "身份证号"]), (4, ["洛南县", "李四", "62"])],  # the head again
        [(3, ["", "电话", ""]), (4, ["", "电话", ""])],  # a word of another column
        [(3, ["", "电话", "村"])],
    ],
)
def test_a_list_whose_cells_say_words_of_heads_is_a_list(more: list[tuple[int, list[str]]]) -> None:
    (head,) = find_heads([Sheet("名单", [*LIST, *more])], WANTED)
    assert (head.row, head.columns) == (1, {"county": 0, "name": 1, "number": 2})


def test_two_head_rows_with_merged_cells_below_a_title() -> None:
    rows = [
        (1, ["某某村名单", "kept", "kept", "kept"]),
        (2, ["县", "户主", "", "电话"]),
        (3, ["", "姓名", "身份证号", ""]),
        (4, ["洛南县", "张三", "61", "139"]),
        (5, ["", "李四", "62", "138"]),
    ]
    merged = [
        Merged(1, 1, 1, 4), Merged(2, 1, 3, 1), Merged(2, 2, 2, 3), Merged(2, 4, 3, 4),
        Merged(4, 1, 5, 1),
    ]  # fmt: skip
    (head,) = find_heads([Sheet("名单", rows, Layout(merged))], WANTED)
    assert (head.row, head.columns) == (3, {"county": 0, "name": 1, "number": 2, "phone": 3})
    assert [cells[0] for _, cells in head.rows()] == ["洛南县", "洛南县"]
    assert head.ignored == []


def test_a_hidden_list_is_named_and_a_hidden_sheet_of_choices_is_not() -> None:
    hidden = [Sheet("旧", LIST, is_hidden=True), Sheet("选项", [(1, ["男", "女"])], is_hidden=True)]
    layout = Layout(hidden_rows={1, 2}, hidden_columns=[(2, 2), (9, 16384)], left_out=["C1048576"])
    book = Workbook([Sheet("名单", LIST, layout), *hidden])
    assert not_read(find_heads(book, WANTED), book, WANTED) == {
        "sheets": ["名单"], "unread": [], "hidden": ["旧"], "ignored": [], "hidden_rows": [2],
        "hidden_columns": ["姓名"], "left_out": ["C1048576"],
    }  # fmt: skip
