"""Workbooks as people make them, and as attackers do."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from app.core.errors import BadInput
from app.kernel.exchange import cells as texts
from app.kernel.exchange.cells import Unreadable
from app.kernel.exchange.reader import read_book
from app.kernel.exchange.workbooks import documents, sheet_document, xlsx

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(fill: Callable[[Any, Any], None], name: str = "list.xlsx", **options: Any) -> Path:
        path = tmp_path / name
        with xlsxwriter.Workbook(path, options) as book:
            fill(book, book.add_worksheet("名单"))
        return path

    return write


def rows(path: Path) -> list[tuple[int, list[str]]]:
    return list(read_book(path, path.name)[0])


def test_values_are_text_and_lose_no_digit(make: Make) -> None:
    def fill(book: Any, sheet: Any) -> None:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(
            0, 0, ["610121198607050969", 5, 2.5, 13912345678, 610121860705096, True, ""]
        )
        sheet.write_datetime(0, 7, dt.datetime(2024, 9, 7), day)

    assert rows(make(fill)) == [
        (1, ["610121198607050969", "5", "2.5", "13912345678", "610121860705096", "TRUE", "",
             "2024-09-07"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fill", "shown", "reason"),
    [
        (lambda s: s.write_number(0, 1, 610121198607050969), "6.10121", texts.ROUNDED),
        (lambda s: s.write_string(0, 1, "6.10122E+17"), "6.10122E+17", texts.ROUNDED),
        (lambda s: s.write_formula(0, 1, "=SUM(A1:A2)", None, 7), "=SUM(A1:A2)", texts.FORMULA),
        (lambda s: s.write_formula(0, 1, "=SUM(A1:A2)", None, ""), "=SUM(A1:A2)", texts.FORMULA),
        (lambda s: s.write_string(0, 1, "=1+1"), "=1+1", texts.FORMULA),
        (lambda s: s.write_array_formula("B1", "{=A1:A2}"), "=A1:A2", texts.FORMULA),
    ],
)
def test_what_cannot_be_trusted_is_unreadable(
    make: Make, fill: Callable[[Any], None], shown: str, reason: str
) -> None:
    def both(_book: Any, sheet: Any) -> None:
        sheet.write_string(0, 0, "一")
        fill(sheet)
        sheet.write_string(0, 2, "三")
        sheet.write_string(1, 0, "下一行")

    (_, cells), (_, after) = rows(make(both))
    assert isinstance(cells[1], Unreadable)
    assert cells[1].startswith(shown)
    assert cells[1].reason == reason
    assert (cells[0], cells[2], after[0]) == ("一", "三", "下一行")


def test_an_error_value_is_unreadable(make: Make, tmp_path: Path) -> None:
    source = make(lambda _b, s: s.write_formula(0, 0, "=1/0", None, "#DIV/0!"))
    pasted = tmp_path / "pasted.xlsx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(pasted, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<f>1/0</f>", b""))
    ((_, cells),) = rows(pasted)
    assert isinstance(cells[0], Unreadable)
    assert cells[0].reason == texts.ERROR_VALUE


def test_rows_keep_their_numbers_where_the_sheet_begins_lower(make: Make) -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_string(3, 2, "户主姓名")
        sheet.write_formula(5, 4, "=1")
        sheet.write_string(5, 2, "张三")

    found = rows(make(fill))
    assert [(number, cells) for number, cells in found if any(cells)] == [
        (4, ["", "", "户主姓名"]),
        (6, ["", "", "张三", "", "=1"]),
    ]


def test_formulas_belong_to_their_own_sheet_and_hidden_sheets_are_left_out(make: Make) -> None:
    def fill(book: Any, first: Any) -> None:
        hidden, other = book.add_worksheet("选项"), book.add_worksheet("第二张")
        hidden.hide()
        first.write_string(0, 0, "a")
        other.write_formula(0, 0, "=1")

    first, other = read_book(make(fill), "x.xlsx")
    assert (first.name, other.name) == ("名单", "第二张")
    assert not isinstance(next(iter(first))[1][0], Unreadable)
    assert isinstance(next(iter(other))[1][0], Unreadable)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_csv_in_any_usual_spelling(tmp_path: Path, encoding: str, mark: str) -> None:
    path = tmp_path / "list.csv"
    text = mark.join(["户主姓名", "身份证号", "备注"]) + "\r\n" + mark.join(["张三", "61", '"=1"'])
    path.write_bytes(text.encode(encoding))
    assert rows(path) == [(1, ["户主姓名", "身份证号", "备注"]), (2, ["张三", "61", "=1"])]
    assert isinstance(rows(path)[1][1][2], Unreadable)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_text_with_tabs_that_is_called_xls_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "list.xls"
    path.write_bytes('户主姓名\t身份证号\r\n张三\t="61"\r\n'.encode(encoding))
    assert rows(path) == [(1, ["户主姓名", "身份证号"]), (2, ["张三", "61"])]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "a.xlsx", "0字节"),
        (b"PK\x03\x04 no zip", "a.xlsx", "损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 no workbook", "a.xls", "损坏"),
        (b"<html><table>", "a.xls", "网页.*另存为xlsx"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html>", "a.xls", "网页.*另存为xlsx"),
        ("<html xmlns:x=1>".encode("utf-16"), "a.xls", "网页.*另存为xlsx"),
        (b"MIME-Version: 1.0\r\nX-Document-Type: Workbook", "a.xls", "网页.*另存为xlsx"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:x">', "a.xls", "XML.*另存为xlsx"),
        (b"a,b\nc,d\n", "a.xls", "不是表格"),
        (b"\0\1\2\t\0", "a.csv", "不是表格"),
        (b"x" * (1 << 20), "a.csv", "内容过多"),
        (b"%PDF-1.4", "a.pdf", "不是表格"),
    ],
)
def test_what_is_no_workbook_is_refused(
    tmp_path: Path, content: bytes, name: str, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_book(path, name)


def with_row(source: Path, row: bytes) -> Path:
    return rewritten(source, lambda d: d.replace(b"</sheetData>", row + b"</sheetData>"))


@pytest.mark.parametrize("address", ["C1048576", "OK4"])
def test_a_cell_far_away_is_named_by_its_address(make: Make, address: str) -> None:
    source = make(lambda _b, s: s.write_string(0, 0, "a"))
    number = address.lstrip("COK")
    cell = f'<row r="{number}"><c r="{address}" t="str"><v>%s</v></c></row>'
    with pytest.raises(BadInput, match=f"单元格{address}有多余的内容"):
        rows(with_row(source, (cell % "b").encode()))
    (sheet,) = read_book(with_row(source, (cell % " ").encode()), "a.xlsx")
    assert (list(sheet), sheet.left_out) == ([(1, ["a"])], [address])


def test_a_cell_within_the_limits_costs_only_itself(make: Make) -> None:
    source = make(lambda _b, s: s.write_string(0, 0, "a"))
    last = b'<row r="500000"><c r="OJ500000" t="str"><v>b</v></c></row>'
    assert rows(with_row(source, last)) == [(1, ["a"]), (500_000, [""] * 399 + ["b"])]


def test_more_rows_than_a_list_may_have_are_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_document, "MAX_ROWS", 20)
    path = make(lambda _b, s: [s.write_string(n, 0, "b") for n in range(21)])
    with pytest.raises(BadInput, match="行数超过"):
        rows(path)


def test_a_bomb_is_refused(make: Make) -> None:
    source = make(lambda _b, s: s.write_string(0, 0, "a"))
    bomb = rewritten(
        source, lambda d: d.replace(b"<sheetData>", b" " * 40_000_000 + b"<sheetData>")
    )
    assert bomb.stat().st_size < 100_000
    with pytest.raises(BadInput, match="解压后过大"):
        rows(bomb)


def test_an_archive_of_too_many_parts_is_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(lambda _b, s: s.write_string(0, 0, "a"))
    with zipfile.ZipFile(source) as archive:
        parts = len(archive.namelist())
    monkeypatch.setattr(xlsx, "_MAX_PARTS", parts - 1)
    monkeypatch.setattr(xlsx, "BLOCK", 700)  # what is counted lies across two
    with pytest.raises(BadInput, match="解压后过大"):
        rows(source)
    monkeypatch.setattr(xlsx, "_MAX_PARTS", parts)
    assert rows(source) == [(1, ["a"])]


def test_a_long_table_of_formats_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make(lambda _b, s: s.write_string(0, 0, "a"))
    monkeypatch.setattr(xlsx, "_LONGEST_PART", 500)
    with pytest.raises(BadInput, match="解压后过大"):
        rows(source)


def test_an_entity_bomb_is_refused(make: Make, tmp_path: Path) -> None:
    source = make(lambda _b, s: s.write_formula(0, 0, "=1"))
    evil = tmp_path / "evil.xlsx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(evil, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                head, tail = data.split(b"\n", 1)
                data = head + b'<!DOCTYPE worksheet [<!ENTITY a "aaaa">]>' + tail
            new.writestr(name, data)
    with pytest.raises(BadInput, match="损坏"):
        rows(evil)


# --- read a piece at a time ----------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["texts in the cells", "texts shared"])
def long_list(request: pytest.FixtureRequest, make: Make) -> Path:
    """3,000 rows of odd and even kinds below two empty ones."""

    def fill(_book: Any, sheet: Any) -> None:
        for n in range(3000):
            row = n + 2 + (n // 1000) * 7  # some rows are missing
            sheet.write_string(row, 1, f"户{n} <&>")
            sheet.write_number(row, 2, n + 0.5 if n % 3 else n)
            if n % 500 == 0:
                sheet.write_formula(row, 4, "=B1", None, n)

    return make(fill, constant_memory=request.param)


def expected_of(n: int) -> tuple[int, list[str]]:
    cells = ["", f"户{n} <&>", str(n + 0.5) if n % 3 else str(n)]
    return n + 3 + (n // 1000) * 7, cells


def test_pieces_give_what_the_whole_gives(long_list: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [(number, [c for c in cells if c]) for number, cells in rows(long_list)]
    monkeypatch.setattr(documents, "BLOCK", 5_000)
    (sheet,) = read_book(long_list, "x.xlsx")
    for _ in range(2):  # it may be read again
        found = list(sheet)
        assert [(number, [c for c in cells if c]) for number, cells in found] == whole
        assert [(number, cells[:3]) for number, cells in found] == [
            expected_of(n) for n in range(3000)
        ]
        assert [n for n, (_, cells) in enumerate(found) if isinstance(cells[-1], Unreadable)] == [
            0, 500, 1000, 1500, 2000, 2500,
        ]  # fmt: skip
    assert sheet.height == found[-1][0]


def test_two_readers_of_one_sheet_do_not_meet(long_list: Path) -> None:
    (sheet,) = read_book(long_list, "x.xlsx")
    pairs = list(zip(sheet, sheet, strict=True))
    assert len(pairs) == 3000
    assert all(one == other for one, other in pairs)


def rewritten(source: Path, change: Callable[[bytes], bytes]) -> Path:
    """The workbook with another document for its sheet."""
    target = source.with_name("rewritten.xlsx")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name == "xl/worksheets/sheet1.xml" else data)
    return target


def two_rows(make: Make, old: bytes, new: bytes) -> Path:
    """A list of two rows, one cell each, whose document says ``new`` where ``old`` stood first."""
    source = make(lambda _b, s: [s.write_string(n, 60, "一") for n in range(2)])
    return rewritten(source, lambda document: document.replace(old, new, 1))


def prefixed(document: bytes) -> bytes:
    named = re.sub(rb"<(/?)(worksheet|sheetData|row|c|v|f|is|t)\b", rb"<\1x:\2", document)
    return named.replace(b"xmlns=", b"xmlns:x=")


@pytest.mark.parametrize(
    "change",
    [
        prefixed,
        lambda d: d.replace(b"<row ", b"<!-- <row r='9'> --><row "),
        lambda d: re.sub(rb'<row r="[0-9]+"', rb"<row", d),
        lambda d: d.replace(b'<row r="', b'<row spans="2:3" r="'),
    ],
    ids=["with a prefix", "with remarks", "rows without numbers", "numbers behind"],
)
def test_other_spellings_of_a_document(
    make: Make, monkeypatch: pytest.MonkeyPatch, change: Callable[[bytes], bytes]
) -> None:
    def fill(_book: Any, sheet: Any) -> None:
        for n in range(800):
            sheet.write_string(n, 1, f"户{n}")

    monkeypatch.setattr(documents, "BLOCK", 3_000)
    path = rewritten(make(fill, constant_memory=True), change)
    assert rows(path) == [(n + 1, ["", f"户{n}"]) for n in range(800)]


@pytest.mark.parametrize(
    "far",
    [
        b'<c r="XFD1" t="b"><v>1</v></c>',
        b"<c r='XFD1' t='b'><v>1</v></c>",
        b'<c t="b" r="XFD1"><v>1</v></c>',
        b'<x:c r="XFD1" t="b"><x:v>1</x:v></x:c>',
        b'<c\tr = "xfd1" t="b"><v>1</v></c>',
    ],
)
def test_a_cell_far_away_hides_behind_no_spelling(make: Make, far: bytes) -> None:
    with pytest.raises(BadInput, match="单元格XFD1有多余的内容"):
        rows(two_rows(make, b"</row>", far + b"</row>"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<row r="2"', b'<row r="1"'),
        (b'r="BI2"', b'r="BI3"'),
        (b'<row r="2"', b'<row r="x"'),
        (b"</sheetData>", b"<row></sheetData>"),
        (b't="s"><v>0</v>', b"><v>1e9999999</v>"),
        (b't="s"><v>0</v>', b"><v>one</v>"),
        (b't="s"><v>0</v>', b't="s"><v>-1</v>'),
        (b't="s"><v>0</v>', b't="str"><v>&nbsp;</v>'),
        (b't="s"><v>0</v>', b't="str"><v>&#0;</v>'),
        (b't="s"><v>0</v>', b't="str"><v>\x01</v>'),
        (b't="s"><v>0</v>', b't="str"><v>\xff</v>'),
        (b"<sheetData", b"<!DOCTYPE worksheet [<!ENTITY a 'aaaa'>]><sheetData"),
    ],
)
def test_what_excel_would_not_open_is_refused(make: Make, old: bytes, new: bytes) -> None:
    with pytest.raises(BadInput, match="损坏"):
        rows(two_rows(make, old, new))


def test_formats_without_a_value_far_away_do_no_harm(make: Make) -> None:
    source = make(lambda _b, s: s.write_string(0, 0, "a"))
    empty = b'<row r="900000" spans="1:9"><c r="WQK900000" s="1"/></row>'
    assert rows(with_row(source, empty)) == [(1, ["a"])]


def test_a_document_cut_short_is_refused(make: Make) -> None:
    source = make(lambda _b, s: s.write_string(0, 0, "a"))
    with pytest.raises(BadInput, match="损坏"):
        rows(rewritten(source, lambda d: d[: d.index(b"</sheetData")]))


# --- texts that cells only name ------------------------------------------------------------


def with_texts(source: Path, sheet: Callable[[bytes], bytes], texts: Callable[[bytes], bytes]):
    """The workbook with other documents for its sheet and its shared texts."""
    changed = rewritten(source, sheet)
    target = source.with_name("texts.xlsx")
    with zipfile.ZipFile(changed) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, texts(data) if name == "xl/sharedStrings.xml" else data)
    return target


def same(document: bytes) -> bytes:
    return document


@pytest.mark.parametrize(
    ("sheet", "texts"),
    [
        (same, same),
        (lambda d: d.replace(b't="s"', b"t='s'"), same),
        (lambda d: d.replace(b"<v>", b"<v >\n"), same),
        (same, lambda d: d.replace(b"<si>", b"<!-- <si>no</si> --><si>", 1)),
        (
            same,
            lambda d: re.sub(rb"<(/?)(sst|si|t)\b", rb"<\1x:\2", d).replace(b"xmlns=", b"xmlns:x="),
        ),
    ],
    ids=["as Excel does", "other quotes", "blanks", "remarks", "with a prefix"],
)
def test_shared_texts_in_any_spelling(
    make: Make, monkeypatch: pytest.MonkeyPatch,
    sheet: Callable[[bytes], bytes], texts: Callable[[bytes], bytes],
) -> None:  # fmt: skip
    def fill(book: Any, sheet: Any) -> None:
        bold = book.add_format({"bold": True})
        for n in range(300):
            sheet.write_string(n, 0, f" 户{n} <&> ")
            sheet.write_string(n, 1, "同一个")
            sheet.write_rich_string(n, 2, bold, "粗", "细", bold, f"{n}")
            sheet.write_string(n, 3, "长\n行_x0041_")

    monkeypatch.setattr(documents, "BLOCK", 4_000)
    found = rows(with_texts(make(fill), sheet, texts))
    assert found == [
        (n + 1, [f" 户{n} <&> ", "同一个", f"粗细{n}", "长\n行_x0041_"]) for n in range(300)
    ]


def test_a_cell_that_names_no_text_is_damage(make: Make) -> None:
    source = make(lambda _b, s: s.write_string(0, 0, "a"))
    with pytest.raises(BadInput, match="损坏"):
        rows(rewritten(source, lambda d: d.replace(b"<v>0</v>", b"<v>7</v>")))
