"""Excel's old workbooks (xls, BIFF8 as Excel 97 and later and WPS write it)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from app.core.errors import BadInput
from app.core.i18n import mark, translate
from app.kernel.exchange.cells import ERROR_VALUE, Unreadable, as_text, computed, number_text
from app.kernel.exchange.limits import MAX_LENGTH, PASSWORD, Limits, require_few_sheets
from app.kernel.exchange.sheet import Layout, Merged, Row, Sheet
from app.kernel.exchange.workbooks.compound import CompoundFile
from app.kernel.exchange.workbooks.documents import damaged
from app.kernel.exchange.workbooks.number_formats import NumberFormats
from app.kernel.exchange.workbooks.shared_texts import Texts

NOT_XLSX = mark("这个文件不是Excel 97以后的工作簿，请用Excel或WPS打开后另存为xlsx再导入。")

_BIFF8 = b"\x00\x06"
_CONTINUE = 0x003C
_TEXT_TOKEN = 0x17
_FORMULA = "=…"
_ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?",
    0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip
Record = tuple[int, bytes]


def read_xls(path: Path) -> list[Sheet]:
    """The sheets of a workbook.

    :raises BadInput: it is damaged, locked, too large, or of another program.
    """
    file = CompoundFile(path)
    if "EncryptedPackage" in file:
        raise BadInput(translate(PASSWORD))
    name = next((n for n in ("Workbook", "WORKBOOK", "Book", "BOOK") if n in file), None)
    if name is None:
        raise BadInput(translate(NOT_XLSX))
    try:
        return _Workbook(file.read(name)).sheets()
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise damaged() from error


def _records(stream: bytes, at: int) -> Iterator[Record]:
    """The records of one part of the stream, from its begin to its end, without parts within it."""
    depth = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        body = stream[at + 4 : at + 4 + length]
        at += 4 + length
        depth += (kind == 0x0809) - (kind == 0x000A)
        if not depth:
            return
        if depth == 1:
            yield kind, body
    raise damaged()  # no end


class _Workbook:
    def __init__(self, stream: bytes) -> None:
        if stream[:2] != b"\x09\x08" or stream[4:6] != _BIFF8:
            raise BadInput(translate(NOT_XLSX))
        self._stream = stream
        self._texts = Texts()
        self._sheets: list[tuple[str, int, bool]] = []
        self._codes: dict[int, str] = {}
        self._styles: list[int] = []
        self._since_1904 = False
        self._read()

    def sheets(self) -> list[Sheet]:
        formats = NumberFormats(self._codes, self._styles, since_1904=self._since_1904)
        limits, found = Limits(), []
        require_few_sheets(len(self._sheets))
        for name, at, is_hidden in self._sheets:
            layout = Layout()
            rows = _Cells(self._texts, formats, layout, limits).rows(_records(self._stream, at))
            found.append(Sheet(name, rows, layout, is_hidden=is_hidden))
        return found

    def _read(self) -> None:
        shared: list[bytes] = []
        last = 0
        for kind, body in _records(self._stream, 0):
            last = kind if kind != _CONTINUE else last
            if kind == 0x002F:
                raise BadInput(translate(PASSWORD))
            if kind == 0x00FC or (kind == _CONTINUE and last == 0x00FC):
                shared.append(body)
            elif kind == 0x0085 and body[5] == 0:  # a sheet of cells
                name, _ = _text(body, 7, body[6])
                self._sheets.append((name, struct.unpack_from("<I", body)[0], body[4] != 0))
            elif kind == 0x0022:
                self._since_1904 = body[:1] == b"\x01"
            elif kind == 0x041E:
                number, length = struct.unpack_from("<HH", body)
                self._codes[number], _ = _text(body, 4, length)
            elif kind == 0x00E0:
                self._styles.append(struct.unpack_from("<H", body, 2)[0])
        if shared:
            for text in _Shared(shared).texts():
                self._texts.keep(_plain(text))
        self._texts.close()


def _plain(text: str) -> str:
    """Text without what no cell shows: other control characters than tab and line break."""
    if text.isprintable():
        return text[:MAX_LENGTH]
    return "".join(c for c in text[:MAX_LENGTH] if c >= " " or c in "\t\n")


def _text(body: bytes, at: int, length: int) -> tuple[str, int]:
    """The text whose mark of width stands at ``at``, and where it ends."""
    wide = body[at] & 1
    end = at + 1 + length * (2 if wide else 1)
    raw = body[at + 1 : end]
    return raw.decode("utf-16-le" if wide else "latin-1", "replace"), end


class _Shared:
    """The workbook's texts; a text may go on in the next record."""

    def __init__(self, records: list[bytes]) -> None:
        self._records = records
        self._record, self._at = 0, 8
        self._count = struct.unpack_from("<I", records[0], 4)[0]

    def texts(self) -> Iterator[str]:
        for _ in range(self._count):
            if self._record == len(self._records) - 1 and self._at >= len(self._records[-1]):
                return
            yield self._one()

    def _take(self, length: int) -> bytes:
        """Bytes that may go on in the next record, whose marks they are not."""
        parts = []
        while length:
            if self._at >= len(self._records[self._record]):
                self._record, self._at = self._record + 1, 0
            part = self._records[self._record][self._at : self._at + length]
            self._at += len(part)
            length -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _one(self) -> str:
        length, marks = struct.unpack("<HB", self._take(3))
        runs = struct.unpack("<H", self._take(2))[0] if marks & 8 else 0
        more = struct.unpack("<I", self._take(4))[0] if marks & 4 else 0
        parts, left = [], length
        while left:
            record = self._records[self._record]
            if self._at >= len(record):
                self._record, self._at = self._record + 1, 1
                marks = self._records[self._record][0]  # the width may change
                continue
            width = 2 if marks & 1 else 1
            raw = record[self._at : self._at + left * width]
            if len(raw) < width:
                raise damaged()
            raw = raw[: len(raw) // width * width]
            parts.append(raw.decode("utf-16-le" if width == 2 else "latin-1", "replace"))
            self._at += len(raw)
            left -= len(raw) // width
        self._take(runs * 4 + more)
        return "".join(parts)


Cell = tuple[int, int, str]


class _Cells:
    """The cells of one sheet: row and column, from 0, and what they show."""

    def __init__(
        self, texts: Texts, formats: NumberFormats, layout: Layout, limits: Limits
    ) -> None:
        self._texts, self._formats = texts, formats
        self._layout, self._limits = layout, limits
        self._row: list[str] = []
        self._awaited: tuple[int, int] | None = None  # the formula whose text comes next
        self._readers: dict[int, Callable[[bytes], Iterable[Cell]]] = {
            0x0203: self._number,
            0x027E: self._packed,
            0x00BD: self._many_packed,
            0x00FD: self._shared,
            0x0204: self._label,
            0x00D6: self._label,
            0x0205: self._truth_or_error,
            0x0006: self._formula,
            0x0207: self._formula_text,
            0x0208: self._hidden,
            0x007D: self._hidden_columns,
            0x00E5: self._merged,
        }

    def rows(self, records: Iterator[Record]) -> Iterator[Row]:
        """The rows that say anything."""
        number = -1
        for kind, body in records:
            read = self._readers.get(kind)
            for row, column, text in read(body) if read else ():
                if row != number:
                    if row < number:
                        raise damaged()  # every program writes them in order
                    yield from self._taken(number)
                    number = row
                self._row += [""] * (column + 1 - len(self._row))
                self._row[column] = text
        yield from self._taken(number)

    def _taken(self, number: int) -> Iterator[Row]:
        if self._row:
            self._limits.take(self._row)
            yield number + 1, self._row
            self._row = []

    def _shown(self, style: int, value: float) -> str:
        return (self._formats.of(style) or number_text)(value)

    def _number(self, body: bytes) -> Iterable[Cell]:
        row, column, style, value = struct.unpack_from("<HHHd", body)
        return ((row, column, self._shown(style, value)),)

    def _packed(self, body: bytes) -> Iterable[Cell]:
        row, column, style, packed = struct.unpack_from("<HHHI", body)
        return ((row, column, self._shown(style, _unpacked(packed))),)

    def _many_packed(self, body: bytes) -> Iterable[Cell]:
        row, column = struct.unpack_from("<HH", body)
        for n in range((len(body) - 6) // 6):
            style, packed = struct.unpack_from("<HI", body, 4 + 6 * n)
            yield row, column + n, self._shown(style, _unpacked(packed))

    def _shared(self, body: bytes) -> Iterable[Cell]:
        row, column, number = struct.unpack_from("<HH2xI", body)
        return ((row, column, as_text(self._texts[number])),)

    def _label(self, body: bytes) -> Iterable[Cell]:
        row, column, length = struct.unpack_from("<HH2xH", body)
        return ((row, column, as_text(_plain(_text(body, 8, length)[0]))),)

    def _truth_or_error(self, body: bytes) -> Iterable[Cell]:
        row, column, value, is_error = struct.unpack_from("<HH2xBB", body)
        shown = Unreadable(_ERRORS.get(value, "#N/A"), ERROR_VALUE) if is_error else _truth(value)
        return ((row, column, shown),)

    def _formula(self, body: bytes) -> Iterable[Cell]:
        row, column, style = struct.unpack_from("<HHH", body)
        result, kind = body[6:14], body[6]
        self._awaited = None
        if result[6:8] != b"\xff\xff":
            shown = self._shown(style, struct.unpack("<d", result)[0])
        elif kind == 0:
            self._awaited = row, column
            self._source = _source(body)
            return ()
        else:
            shown = _truth(result[2]) if kind == 1 else ""
        return (
            (row, column, computed(_source(body), "" if isinstance(shown, Unreadable) else shown)),
        )

    def _formula_text(self, body: bytes) -> Iterable[Cell]:
        if self._awaited is None:
            return ()
        (row, column), self._awaited = self._awaited, None
        length = struct.unpack_from("<H", body)[0]
        return ((row, column, computed(self._source, _plain(_text(body, 2, length)[0]))),)

    def _hidden(self, body: bytes) -> Iterable[Cell]:
        row, marks = struct.unpack_from("<H10xH", body)
        if marks & 0x20:
            self._layout.hidden_rows.add(row + 1)
        return ()

    def _hidden_columns(self, body: bytes) -> Iterable[Cell]:
        first, last, marks = struct.unpack_from("<HH4xH", body)
        if marks & 1:
            self._layout.hide_columns(first + 1, last + 1)
        return ()

    def _merged(self, body: bytes) -> Iterable[Cell]:
        for n in range(struct.unpack_from("<H", body)[0]):
            top, bottom, left, right = struct.unpack_from("<HHHH", body, 2 + 8 * n)
            self._layout.merge(Merged(top + 1, left + 1, bottom + 1, right + 1))
        return ()


def _unpacked(packed: int) -> float:
    """A number of four bytes: a whole one, or the upper half of a usual one; perhaps hundredths."""
    if packed & 2:
        value = float((packed ^ 0x80000000) - 0x80000000 >> 2)
    else:
        value = struct.unpack("<d", struct.pack("<II", 0, packed & 0xFFFFFFFC))[0]
    return value / 100 if packed & 1 else value


def _truth(value: int) -> str:
    return "TRUE" if value else "FALSE"


def _source(body: bytes) -> str:
    """What stands for a formula, whose own text is not kept; ``="6110…"`` is told."""
    length = struct.unpack_from("<H", body, 20)[0]
    if length > 3 and body[22] == _TEXT_TOKEN and len(body) >= 22 + length:
        text, end = _text(body, 24, body[23])
        if end == 22 + length:
            return '="' + text.replace('"', '""') + '"'
    return _FORMULA
