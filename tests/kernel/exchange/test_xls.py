"""Excel's old workbooks, judged by another reader of them."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from app.core.errors import BadInput
from app.kernel.exchange.cells import Computed, Unreadable, as_text
from app.kernel.exchange.reader import read_book
from app.kernel.exchange.workbooks.documents import DAMAGED
from tests.kernel.exchange import old_workbooks as old

_NUMBER, _PACKED, _MANY, _SHARED, _LABEL, _TRUTH, _FORMULA, _TEXT, _ROW, _COLUMNS = (
    0x0203, 0x027E, 0x00BD, 0x00FD, 0x0204, 0x0205, 0x0006, 0x0207, 0x0208, 0x007D,
)  # fmt: skip
SAID = ["户主姓名", "plain", "王𠮷", "a & <b>", "长" * 400, "", "两\n行", "long " * 90]


def number(row: int, column: int, value: float, style: int = 0) -> bytes:
    return old.cell(_NUMBER, row, column, style, struct.pack("<d", value))


def formula(row: int, column: int, result: bytes, tokens: bytes) -> bytes:
    body = result + bytes(6) + struct.pack("<H", len(tokens)) + tokens
    return old.cell(_FORMULA, row, column, 0, body)


def every_kind() -> bytes:
    return old.joined(
        [
            old.record(_ROW, struct.pack("<HHHHHHHHH", 1, 0, 9, 255, 0, 0, 0x20, 0, 0)[:16]),
            old.record(_COLUMNS, struct.pack("<HHHHHH", 1, 2, 2304, 0, 1, 0)),
            old.record(_COLUMNS, struct.pack("<HHHHHH", 4, 4, 2304, 0, 0, 0)),
            *(old.cell(_SHARED, 0, n, 0, struct.pack("<I", n)) for n in range(len(SAID))),
            number(1, 0, 85.49999999999999),
            number(1, 1, 43465, style=1),
            number(1, 2, 43465.5, style=2),
            old.cell(_PACKED, 1, 3, 0, struct.pack("<I", (1205 << 2) | 3)),
            old.cell(_PACKED, 1, 4, 0, struct.pack("<i", (-7 << 2) | 2)),
            old.record(_MANY, struct.pack("<HHHIHIH", 2, 1, 0, (5 << 2) | 2, 1, (43465 << 2) | 2, 2)),
            old.cell(_LABEL, 2, 4, 0, old.text("标签")),
            old.cell(_TRUTH, 3, 0, 0, b"\1\0"),
            number(3, 1, 610121198607050969.0),
        ]
    )  # fmt: skip


def made(path: Path, records: bytes, limit: int = old.LONGEST_RECORD) -> Path:
    return old.write(path / "list.xls", [("名单", records)], old.texts(SAID, limit))


@pytest.mark.parametrize("limit", [64, 101, 750, old.LONGEST_RECORD])
def test_every_kind_of_cell_is_read_as_the_judge_reads_it(tmp_path: Path, limit: int) -> None:
    path = made(tmp_path, every_kind(), limit)
    (sheet,) = read_book(path, "list.xls")
    judge = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    width = max(len(row) for row in judge)
    found = {n: [*cells, *[""] * (width - len(cells))] for n, cells in sheet}
    assert found == {n: [as_text(value) for value in row] for n, row in enumerate(judge, 1)}
    assert found[2][:5] == ["85.5", "2018-12-31", "2018-12-31 12:00:00", "12.05", "-7"]
    assert found[3][:5] == ["", "5", "2018-12-31", "", "标签"]
    assert isinstance(dict(sheet)[4][1], Unreadable)
    assert sheet.hidden_rows == [2]
    assert [n for n in range(1, 9) if sheet.hides(n)] == [2, 3]


def test_formulas_errors_merged_cells_and_hidden_sheets(tmp_path: Path) -> None:
    source, text_token = b"\x1e\x05\x00", b"\x17" + old.text("6101", "<B")
    is_text = b"\0\0\0\0\0\0\xff\xff"
    records = [
        formula(0, 0, struct.pack("<d", 7), source),
        formula(0, 1, is_text, source), old.record(_TEXT, old.text("男")),
        formula(0, 2, is_text, text_token), old.record(_TEXT, old.text("6101")),
        formula(0, 3, b"\x02\0\x07\0\0\0\xff\xff", source),
        old.cell(_TRUTH, 0, 4, 0, b"\x07\1"),
        old.cell(_LABEL, 0, 5, 0, old.text("村")),
        old.cell(_LABEL, 1, 6, 0, old.text("x")),
        old.merged((0, 1, 5, 5)),
    ]  # fmt: skip
    path = old.write(tmp_path / "a.xls", [("~藏", every_kind()[:0]), ("名单", old.joined(records))])
    book = read_book(path, "a.xls")
    assert ([s.name for s in book], [s.name for s in book.hidden]) == (["名单"], ["藏"])
    (_, first), (_, second) = book[0]
    assert [c.shown for c in first if isinstance(c, Computed)] == ["7", "男", ""]
    assert (first[2], type(first[2]), first[4], type(first[4])) == (
        "6101",
        str,
        "#DIV/0!",
        Unreadable,
    )
    assert second == ["", "", "", "", "", "村", "x"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"before": old.record(0x002F, b"\1\0")}, "密码"),
        ({"version": 0x0500, "name": "Book"}, "另存为xlsx"),
        ({"name": "WordDocument"}, "另存为xlsx"),
        ({"name": "EncryptedPackage"}, "密码"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    path = old.write(tmp_path / "a.xls", [("一", number(0, 0, 1))], **more)
    with pytest.raises(BadInput, match=message):
        read_book(path, "a")


def test_a_spoilt_workbook_is_read_or_refused(tmp_path: Path) -> None:
    chance = random.Random(7)
    whole = made(tmp_path, every_kind()).read_bytes()
    path = tmp_path / "spoilt.xls"
    said: set[int | str] = set()
    for _ in range(400):
        spoilt = bytearray(whole)
        for _ in range(chance.randrange(1, 5)):
            # its head, its table and directory at the end, and the records
            at = chance.choice(
                (
                    chance.randrange(512),
                    chance.randrange(len(whole)),
                    len(whole) - chance.randrange(1, 1200),
                )
            )
            spoilt[at] = chance.choice((0, 1, 255, chance.randrange(256)))
        path.write_bytes(
            bytes(spoilt[: chance.choice((None, None, chance.randrange(1, len(whole))))])
        )
        try:
            said.add(len(list(read_book(path, "a.xls")[0])))
        except BadInput as error:
            said.add(error.message)
    assert DAMAGED in said
    assert 4 in said
