"""Files in: xlsx, xls and csv as sheets of text."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

from app.core.errors import BadInput
from app.core.i18n import translate
from app.kernel.exchange.cells import as_text
from app.kernel.exchange.sheet import MAX_COLUMNS, Row, Sheet, Workbook
from app.kernel.exchange.xlsx import (
    DAMAGED,
    MAX_ROWS,
    TOO_MANY_ROWS,
    opened,
    read_xlsx,
    rows_of,
    visible,
)

MAX_BYTES = 40 * 1024 * 1024
_BLOCK = 1024 * 1024


def read_book(path: Path, name: str) -> Workbook:
    """The sheets of a file; ``name`` is what the user calls it, its content decides.

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
        return Workbook(read_xlsx(path))
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return Workbook(_read_xls(path))
    if name.lower().endswith((".csv", ".txt")):
        return Workbook([_read_csv(path)])
    raise BadInput(translate("只能导入Excel文件（xlsx、xls）或csv文件；这个文件的内容不是表格。"))


def _read_xls(path: Path) -> list[Sheet]:
    """Excel's old kind ends at 65,536 rows: it is opened whole."""
    book = opened(path)
    return [Sheet(name, rows_of(book.get_sheet_by_name(name))) for name in visible(book)]


# --- csv -----------------------------------------------------------------------------------


def _read_csv(path: Path) -> Sheet:
    encoding, errors = _encoding(path)
    with path.open(encoding=encoding, errors=errors, newline="") as file:
        start = file.read(10_000)
        dialect = max(",\t;", key=start.count)
        file.seek(0)
        return Sheet(path.stem, _csv_rows(csv.reader(file, delimiter=dialect)))


def _csv_rows(lines: Iterator[list[str]]) -> Iterator[Row]:
    try:
        for number, cells in enumerate(lines, 1):
            if number > MAX_ROWS:
                raise BadInput(translate(TOO_MANY_ROWS, n=f"{MAX_ROWS:,}"))
            yield number, [as_text(cell) for cell in cells[:MAX_COLUMNS]]
    except csv.Error as error:
        raise BadInput(translate(DAMAGED)) from error


def _encoding(path: Path) -> tuple[str, str]:
    """How the file is written, and what to do about what cannot be read."""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
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
