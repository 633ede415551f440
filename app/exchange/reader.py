"""Workbooks in: xlsx, xls and csv as rows of text, not a digit lost, nothing computed.

A cell that cannot be taken at its word becomes :class:`Unreadable`: a formula (its shown value may
be stale, or another's), an error value, a number so long that Excel has rounded it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self
from xml.parsers import expat

import python_calamine as calamine

from app.core.errors import BadInput
from app.core.i18n import mark, translate

MAX_BYTES = 40 * 1024 * 1024
MAX_UNPACKED = 1024 * 1024 * 1024
MAX_ROWS = 500_000
MAX_COLUMNS = 400
MAX_CELLS = 20_000_000
EXACT = 10**15
"""Excel keeps 15 significant digits; a longer number has lost its last ones."""

_BLOCK = 4 * 1024 * 1024
_CELL = re.compile(rb'<(?:\w+:)?c r="([A-Z]{1,3})([0-9]{1,7})"[^>]*[^/>]>')
_SUSPECT = re.compile(rb"<(?:\w+:)?f[ />]|t=\"e\"")
_ROUNDED = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]{2,3}")
_ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"}

FORMULA = mark("公式不能导入，请改为填写数值或文字。")
ERROR_VALUE = mark("单元格是错误值，请改正。")
ROUNDED = mark("数字过长，Excel 已丢失末尾几位；请把单元格设为“文本”格式后重新填写。")


class Unreadable(str):
    """A cell that must not be imported; ``reason`` is the Chinese message that says why."""

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, shown: str, reason: str) -> Self:
        made = super().__new__(cls, shown)
        made.reason = reason
        return made


@dataclass(frozen=True)
class Sheet:
    """One sheet. Iterating gives (row number as Excel counts, cells as text); it may be repeated."""

    name: str
    height: int
    _rows: Callable[[], Iterator[tuple[int, list[str]]]]

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self._rows()


def read_book(path: Path, name: str) -> list[Sheet]:
    """The visible sheets of a file; ``name`` is what the user calls it, its content decides.

    Raises BadInput when it is no workbook, damaged, locked or too large.
    """
    size = path.stat().st_size
    if not size:
        raise BadInput(translate("文件是空的（0字节），请重新选择。"))
    if size > MAX_BYTES:
        raise BadInput(translate("文件超过40 MB，请拆分后分别导入。"))
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"PK"):
        return _read_xlsx(path)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return _read_calamine(path, {})
    if name.lower().endswith((".csv", ".txt")):
        return [_read_csv(path)]
    raise BadInput(translate("只能导入Excel文件（xlsx、xls）或csv文件；这个文件的内容不是表格。"))


# --- xlsx ----------------------------------------------------------------------------------


def _read_xlsx(path: Path) -> list[Sheet]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                raise BadInput(translate(_TOO_LARGE))
            odd = {
                name: _odd_cells(archive, name)
                for name in archive.namelist()
                if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)
            }
            formulas = {title: odd.get(part, {}) for title, part in _sheet_parts(archive).items()}
            strings = [n for n in archive.namelist() if n.lower().endswith("sharedstrings.xml")]
            for entry in strings:  # read to the end: proves that its size is what it claims
                _drain(archive, entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise BadInput(translate(_DAMAGED)) from error
    return _read_calamine(path, formulas)


def _drain(archive: zipfile.ZipFile, name: str) -> None:
    with archive.open(name) as stream:
        while stream.read(_BLOCK):
            pass


def _odd_cells(archive: zipfile.ZipFile, name: str) -> dict[tuple[int, int], Unreadable]:
    """Formulas and error values of one sheet by (row, column), both from 0; checks its extent."""
    rows = columns = 0
    suspect, rest = False, b""
    with archive.open(name) as stream:
        while block := stream.read(_BLOCK):
            text = rest + block
            cut = text.rfind(b"<") if len(block) == _BLOCK else len(text)
            text, rest = text[:cut], text[cut:]
            suspect = suspect or _SUSPECT.search(text) is not None
            for letters, row in set(_CELL.findall(text)):
                rows, columns = max(rows, int(row)), max(columns, _column(letters))
    if rows > MAX_ROWS:
        raise BadInput(translate("行数超过%(n)s，请拆分后分别导入。", n=f"{MAX_ROWS:,}"))
    if columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        raise BadInput(translate("表格右侧或下方有多余的内容，请删除多余的行列后再导入。"))
    if not suspect:
        return {}
    with archive.open(name) as stream:
        return _parse_odd_cells(stream)


def _parse_odd_cells(stream: IO[bytes]) -> dict[tuple[int, int], Unreadable]:
    found: dict[tuple[int, int], Unreadable] = {}
    row = column = -1
    is_error = in_formula = in_value = False
    text = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, is_error, in_formula, in_value, text
        tag = tag.rpartition(":")[2]
        if tag == "row":
            row, column = int(attributes.get("r", row + 2)) - 1, -1
        elif tag == "c":
            place = attributes.get("r")
            column = _column(place.rstrip("0123456789").encode()) - 1 if place else column + 1
            is_error = attributes.get("t") == "e"
        elif tag == "f":
            in_formula, text = True, ""
        elif tag == "v" and is_error:
            in_value, text = True, ""

    def end(tag: str) -> None:
        nonlocal in_formula, in_value
        tag = tag.rpartition(":")[2]
        if tag == "f":
            in_formula = False
            found[row, column] = Unreadable(f"={text}"[:200], FORMULA)
        elif tag == "v" and in_value:
            in_value = False
            found.setdefault((row, column), Unreadable(text[:200], ERROR_VALUE))

    def data(part: str) -> None:
        nonlocal text
        if in_formula or in_value:
            text += part

    def refuse(*_args: object) -> None:
        raise BadInput(translate(_DAMAGED))

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = data, refuse
    try:
        parser.ParseFile(stream)
    except (expat.ExpatError, ValueError) as error:
        raise BadInput(translate(_DAMAGED)) from error
    return found


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Title of each sheet -> its part in the archive."""
    relations = _elements(archive, "xl/_rels/workbook.xml.rels", "Relationship")
    targets = {r["Id"]: r["Target"].lstrip("/").removeprefix("xl/") for r in relations}
    return {
        sheet["name"]: f"xl/{targets[sheet['r:id']]}"
        for sheet in _elements(archive, "xl/workbook.xml", "sheet")
        if sheet.get("r:id") in targets
    }


def _elements(archive: zipfile.ZipFile, name: str, wanted: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == wanted:
            found.append(attributes)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    try:
        parser.Parse(archive.read(name), True)
    except (KeyError, expat.ExpatError) as error:
        raise BadInput(translate(_DAMAGED)) from error
    return found


def _column(letters: bytes) -> int:
    """A -> 1, XFD -> 16384."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


# --- values --------------------------------------------------------------------------------


def _read_calamine(path: Path, odd: dict[str, dict[tuple[int, int], Unreadable]]) -> list[Sheet]:
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        shown = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.typ == calamine.SheetTypeEnum.WorkSheet
            and sheet.visible == calamine.SheetVisibleEnum.Visible
        ]
        sheets = [_sheet(book.get_sheet_by_name(name), odd.get(name, {})) for name in shown]
    except calamine.PasswordError as error:
        raise BadInput(translate("文件设有密码，请去掉密码后再导入。")) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise BadInput(translate(_DAMAGED)) from error
    if not sheets:
        raise BadInput(translate("文件中没有可见的工作表。"))
    return sheets


def _sheet(sheet: calamine.CalamineSheet, odd: dict[tuple[int, int], Unreadable]) -> Sheet:
    _, left = sheet.start or (0, 0)
    height = sheet.end[0] + 1 if sheet.end else 0
    if height > MAX_ROWS:
        raise BadInput(translate("行数超过%(n)s，请拆分后分别导入。", n=f"{MAX_ROWS:,}"))
    by_row: dict[int, dict[int, Unreadable]] = {}
    for (row, column), cell in odd.items():
        by_row.setdefault(row, {})[column] = cell

    def rows() -> Iterator[tuple[int, list[str]]]:
        before = [""] * left
        for number, values in enumerate(sheet.iter_rows()):  # from the sheet's first row
            cells = before + [as_text(value) for value in values]
            for column, cell in by_row.get(number, {}).items():
                cells += [""] * (column + 1 - len(cells))
                cells[column] = cell
            yield number + 1, cells

    return Sheet(sheet.name, height, rows)


def as_text(value: object) -> str:
    """What a person sees in the cell, as text; :class:`Unreadable` where that cannot be trusted."""
    if isinstance(value, str):
        if value.isalnum() and not value.isascii():
            return value  # Chinese words: most cells
        if value.startswith("="):
            return Unreadable(value[:200], FORMULA)
        if value in _ERRORS:
            return Unreadable(value, ERROR_VALUE)
        return Unreadable(value, ROUNDED) if _ROUNDED.fullmatch(value) else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        if abs(value) >= EXACT or value != value:  # noqa: PLR0124 - NaN
            return Unreadable(repr(value), ROUNDED)
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


# --- csv -----------------------------------------------------------------------------------


def _read_csv(path: Path) -> Sheet:
    data = path.read_bytes()
    text = _decoded(data)
    dialect = max(",\t;", key=text[:10_000].count)
    height = text.count("\n") + 1
    if height > MAX_ROWS:
        raise BadInput(translate("行数超过%(n)s，请拆分后分别导入。", n=f"{MAX_ROWS:,}"))

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=dialect), 1):
                yield number, [as_text(cell) for cell in cells[:MAX_COLUMNS]]
        except csv.Error as error:
            raise BadInput(translate(_DAMAGED)) from error

    return Sheet(path.stem, height, rows)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput(translate("csv文件的编码无法识别，请另存为UTF-8编码或xlsx后再导入。"))


_DAMAGED = mark("文件损坏或不是真正的Excel文件，请用Excel或WPS打开后另存为xlsx再导入。")
_TOO_LARGE = mark("文件解压后过大，请拆分后分别导入。")
