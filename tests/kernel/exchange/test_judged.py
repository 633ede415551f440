"""What a cell says, judged by openpyxl: the reader reads what every program writes as it does, and
whatever is spoilt in a file, it reads it or refuses it in words.
"""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app.core.errors import BadInput
from app.kernel.exchange.cells import as_text
from app.kernel.exchange.reader import read_book
from app.kernel.exchange.workbooks import documents
from tests.kernel.exchange.workbooks import SPELLINGS, Rows, random_rows, write

_PARTS = ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml")


def read(path: Path) -> dict[int, list[str]]:
    return dict(read_book(path, path.name)[0])


def judged(path: Path) -> dict[int, list[str]]:
    """The rows as openpyxl reads them."""
    sheet = openpyxl.load_workbook(path, data_only=True).active
    assert sheet is not None
    found = {}
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        cells = [_text(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            found[number] = cells
    return found


def _text(value: Any) -> str:
    if isinstance(value, dt.datetime):  # it keeps microseconds, which nobody sees
        value = (value + dt.timedelta(microseconds=500_000)).replace(microsecond=0)
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, dt.time):
        moment = dt.datetime.combine(dt.date(2000, 1, 1), value) + dt.timedelta(
            microseconds=500_000
        )
        return moment.time().replace(microsecond=0).isoformat()
    return "" if value is None else as_text(value)


@pytest.fixture(scope="module")
def rows() -> Rows:
    return random_rows(random.Random(20))


@pytest.fixture(scope="module")
def expected(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    folder = tmp_path_factory.mktemp("judged")
    return judged(write(folder / "list.xlsx", rows, SPELLINGS["Excel"]))


@pytest.mark.parametrize("program", SPELLINGS)
def test_every_program_is_read_as_the_judge_reads_excel(
    tmp_path: Path, rows: Rows, expected: dict[int, list[str]], program: str
) -> None:
    assert read(write(tmp_path / "list.xlsx", rows, SPELLINGS[program])) == expected
    assert len(expected) == 40


@pytest.mark.parametrize("seed", range(4))
def test_the_quick_way_says_what_the_parser_says_of_any_spoilt_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    rows = random_rows(chance, height=6)
    outcomes = set()
    for turn in range(60):
        spelling = SPELLINGS[chance.choice(list(SPELLINGS))]
        path = write(
            tmp_path / f"{turn}.xlsx", rows, spelling, lambda *part: _spoilt(chance, *part)
        )
        with monkeypatch.context() as patched:
            quick = _read_or_refused(path)
            patched.setattr(documents, "_is_utf8", lambda _block: False)
            assert _read_or_refused(path) == quick
        outcomes.add(type(quick))
    assert outcomes == {dict, str}  # both happen, nothing else


def _spoilt(chance: random.Random, name: str, text: str) -> str:
    if name not in _PARTS or chance.random() < 0.6:
        return text
    at = chance.randrange(len(text))
    end = at + chance.randrange(12)
    other = chance.randrange(len(text))
    return (
        text[:at]
        + chance.choice(
            [
                text[end:],  # something is missing
                text[other : other + 20] + text[at:],  # something stands twice
                chance.choice("<>&\"'/ \0\r\n=0x9\ud7ff") + text[end:],
                "<!-- <row r='9'> </row> -->" + text[at:],
                "<![CDATA[</row>]]>" + text[at:],
                "&#x41;&amp;" + text[at:],
            ]
        )
    )


def _read_or_refused(path: Path) -> dict[int, list[str]] | str:
    try:
        return read(path)
    except BadInput as error:
        return error.message
