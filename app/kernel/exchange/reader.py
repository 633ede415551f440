"""Files in: xlsx, xls and csv as sheets of text."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from app.core.errors import BadInput
from app.core.i18n import mark, translate
from app.kernel.exchange.cells import as_text
from app.kernel.exchange.limits import (
    MAX_COLUMNS,
    MAX_ROWS,
    Limits,
    require_size,
    too_many_rows,
    too_much,
)
from app.kernel.exchange.sheet import Row, Sheet, Workbook
from app.kernel.exchange.workbooks.compound import SIGNATURE
from app.kernel.exchange.workbooks.documents import damaged
from app.kernel.exchange.workbooks.xls import read_xls
from app.kernel.exchange.workbooks.xlsx import read_xlsx

_BLOCK = 1024 * 1024
_HEAD = 2048
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WEB_PAGE = re.compile(rb"<(?:!doctype|html|head|body|meta|table|style|div|!--)")
_SAVE_AS = mark(
    "这个文件其实是%(kind)s格式，不是真正的Excel文件，请用Excel或WPS打开后另存为xlsx再导入。"
)


def read_book(path: Path, name: str) -> Workbook:
    """The sheets of a file; ``name`` is what the user calls it, its content decides.

    :raises BadInput: it is no workbook, damaged, locked or too large.
    """
    require_size(path.stat().st_size)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith((b"PK", SIGNATURE)):
        book = Workbook(read_xlsx(path) if head.startswith(b"PK") else read_xls(path))
        if not book:
            raise BadInput(translate("文件中没有可见的工作表。"))
        return book
    if kind := _other_kind(head):
        raise BadInput(translate(_SAVE_AS, kind=kind))
    if b"\0" not in head or head[:2] in _UTF16:
        is_text = name.lower().endswith((".csv", ".txt"))
        if is_text or (name.lower().endswith((".xls", ".et")) and b"\t" in head):
            return Workbook([_read_csv(path, Path(name).stem)])
    raise BadInput(translate("只能导入Excel文件（xlsx、xls）或csv文件；这个文件的内容不是表格。"))


def _other_kind(head: bytes) -> str | None:
    """What other programs call xls though it is none: web pages, tables in XML."""
    text = head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n").lower()
    if text.startswith(b"mime-version:") or _WEB_PAGE.match(text):
        return translate("网页")
    return "XML" if text.startswith(b"<?xml") else None


# --- csv -----------------------------------------------------------------------------------


def _read_csv(path: Path, name: str) -> Sheet:
    encoding, errors = _encoding(path)
    with path.open(encoding=encoding, errors=errors, newline="") as file:
        start = file.read(10_000)
        dialect = max(",\t;", key=start.count)
        file.seek(0)
        return Sheet(name, _csv_rows(csv.reader(_lines(file), delimiter=dialect)))


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(_BLOCK):
        if len(line) == _BLOCK:
            raise too_much()
        yield line


def _csv_rows(lines: Iterator[list[str]]) -> Iterator[Row]:
    limits = Limits()
    try:
        for number, line in enumerate(lines, 1):
            if number > MAX_ROWS:
                raise too_many_rows()
            cells = [as_text(cell.strip("\t\0")) for cell in line[:MAX_COLUMNS]]
            limits.take(cells)
            yield number, cells
    except csv.Error as error:
        raise damaged() from error


def _encoding(path: Path) -> tuple[str, str]:
    """How the file is written, and what to do about what cannot be read."""
    with path.open("rb") as file:
        if file.read(2) in _UTF16:
            return "utf-16", "replace"
    for encoding in ("utf-8-sig", "gb18030"):
        if _is_in(path, encoding):
            return encoding, "strict"
    raise BadInput(translate("csv文件的编码无法识别，请另存为UTF-8编码或xlsx后再导入。"))


def _is_in(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
