"""The cells of one sheet of an xlsx workbook, as Excel shows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from operator import itemgetter
from typing import IO, NoReturn

from app.core.errors import BadInput
from app.core.i18n import mark, translate
from app.kernel.exchange.cells import ERROR_VALUE, Unreadable, as_text, computed, number_text
from app.kernel.exchange.limits import MAX_COLUMNS, MAX_LENGTH, MAX_ROWS, Limits, too_many_rows
from app.kernel.exchange.sheet import Layout, Merged, Row
from app.kernel.exchange.workbooks.documents import Handler, damaged, local, read
from app.kernel.exchange.workbooks.number_formats import NumberFormats, Shown
from app.kernel.exchange.workbooks.shared_texts import (
    TextCollector,
    Texts,
    unescaped,
    without_escapes,
)

_ROW = re.compile(r'\s*<row((?: [\w:.]+="[^"<&]*")*) ?>')
_CELL = re.compile(
    r'(\s*<c r="([A-Z]{1,3})([0-9]+)"([^<>]*?)'
    r"(?:/>|>(?:<f>([^<]+)</f>)?(?:<v>([^<]*)</v>|<v ?/>)?"
    r'(?:<is><t(?: xml:space="preserve")?>([^<]*)</t></is>)?</c>))'
)
_END = re.compile(r"\s*</row>")
_ATTRIBUTES = re.compile(r'(?: [\w:.]+="[^"<&]*")* ?')
_ATTRIBUTE = re.compile(r' ([\w:.]+)="([^"]*)"')
_PLACE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_AREA = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Za-z]{1,3})\$?([0-9]{1,7}))?")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]*)?Z?)?")
_USUAL = {"t", "s", "cm", "vm", "ph"}
_MANY = 1000
_whole = itemgetter(0)
_GAP = 1000
_LONGEST_NUMBER = 24  # with the blanks around it
_STRAYS_TOLD = 20

STRAY = mark("单元格%(cell)s有多余的内容，离名单很远，请删除这一格（或其所在的行、列）后再导入。")


def column_number(letters: str) -> int:
    """A -> 1, XFD -> 16384."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """1 -> A."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def is_true(said: str | None) -> bool:
    """An attribute of a document that is on."""
    return said in ("1", "true", "on")


class Values:
    """What the cells of a workbook name by number, and what they show."""

    def __init__(self, texts: Texts, formats: NumberFormats) -> None:
        self._texts, self._formats = texts, formats
        self._known: dict[str, str] = {}

    def show(self, kind: str, style: int) -> Callable[[str], str]:
        """What makes of what a cell says what it shows; of its attributes ``t`` and ``s``."""
        if kind in ("", "n"):
            shown = self._formats.of(style)
            return _number if shown is None else partial(_formatted, shown)
        return {"s": self._text, "b": _truth, "e": _error, "d": _day, "inlineStr": _inline}.get(
            kind, _string
        )

    def _text(self, said: str) -> str:
        """The text with this number; what rows repeat is not looked up again."""
        if (known := self._known.get(said)) is not None:
            return known
        if not (said.strip().isdecimal() and len(said) < _LONGEST_NUMBER):
            raise damaged()
        text = as_text(self._texts[int(said)])
        if len(self._known) < _MANY and len(text) < _MANY:
            self._known[said] = text
        return text


def _string(said: str) -> str:
    return as_text(without_escapes(said)[:MAX_LENGTH])


def _inline(said: str) -> str:
    """A text that stands in the cell itself, in an element of its own."""
    return _string(said)


def _truth(said: str) -> str:
    return "TRUE" if is_true(said.strip()) else "FALSE"


def _error(said: str) -> str:
    return Unreadable(said[:200], ERROR_VALUE)


def _number(said: str) -> str:
    if said.isdigit() and said.isascii() and len(said) < 16 and said[0] != "0":
        return said
    return _formatted(number_text, said)


def _formatted(shown: Shown, said: str) -> str:
    if not (said := said.strip()):
        return ""
    if not _NUMBER.fullmatch(said):
        raise damaged()
    return shown(float(said))


def _day(said: str) -> str:
    found = _DAY.fullmatch(said.strip())
    if found is None:
        return as_text(said)
    return found[1] if found[2] in (None, "00:00:00") else f"{found[1]} {found[2]}"


def rows_of(stream: IO[bytes], values: Values, layout: Layout, limits: Limits) -> Iterator[Row]:
    """The rows of a sheet's document that say anything.

    :raises BadInput: it is damaged, or has more rows or columns than a list may have.
    """
    sheet = _SheetDocument(values, layout, limits)
    for _ in read(
        stream, sheet, inside=sheet.is_between_rows, opening=b"<sheetData", closing=b"</row>",
        quick=sheet.quick,
    ):  # fmt: skip
        yield from sheet.taken()


class _SheetDocument(Handler):
    """Hears a sheet; a row that is written as usual is read by :meth:`quick` instead."""

    def __init__(self, values: Values, layout: Layout, limits: Limits) -> None:
        self._values, self._layout, self._limits = values, layout, limits
        self._rows: list[Row] = []
        self._number = self._last = 0
        self._is_hidden = False
        self._shows: dict[str, Callable[[str], str]] = {}
        # of the parser
        self._in_data = self._in_row = False
        self._cells: list[str] = []
        self._column = 0
        self._kind, self._style = "", 0
        self._said: dict[str, list[str]] = {}
        self._into: list[str] | None = None
        self._length = 0
        self._collector = TextCollector()

    def is_between_rows(self) -> bool:
        """Is the parser among rows, in none?"""
        return self._in_data and not self._in_row

    def taken(self) -> list[Row]:
        """What was read since it was asked."""
        rows, self._rows = self._rows, []
        return rows

    # ---- as everybody writes it -------------------------------------------------------------

    def quick(self, element: str) -> bool:
        """Take a whole row if it is written as usual."""
        row = _ROW.match(element)
        if row is None:
            return False
        found = _CELL.findall(element, row.end())
        end = row.end() + sum(map(len, map(_whole, found)))
        if not _END.fullmatch(element, end):
            return False
        attributes = dict(_ATTRIBUTE.findall(row[1]))
        number = attributes.get("r", "")
        if not number.isdecimal() or len(number) > 6 or int(number) > MAX_ROWS:
            return False
        cells = self._quick_cells(found, number)
        if cells is None:
            return False
        self._begin(number, attributes)
        self._cells = cells
        self._finish()
        return True

    def _quick_cells(self, found: list[tuple[str, ...]], number: str) -> list[str] | None:
        """The cells of a row; None: the parser must look at it."""
        cells: list[str] = []
        shows = self._shows
        for _, letters, row, attributes, formula, value, inline in found:
            if not (said := value or inline or formula):
                continue
            show = shows.get(attributes) or self._show(attributes)
            if row != number or show is None or (inline != "") is not (show is _inline):
                return None
            if value or inline:
                said = show(unescaped(said) if "&" in said else said)
            if formula:
                said = computed("=" + unescaped(formula), _plain(said) if value else "")
            if (missing := _column(letters) - len(cells)) == 1:
                cells.append(said)
            elif missing < 1 or len(cells) + missing > MAX_COLUMNS:
                return None
            elif said:
                cells += [""] * (missing - 1) + [said]
        return cells

    def _show(self, attributes: str) -> Callable[[str], str] | None:
        """How cells with these attributes show what they say; few between many cells. None: they are
        written oddly.
        """
        kind_style = _kind_style(attributes)
        show = self._values.show(*kind_style) if kind_style else None
        if show is not None and len(self._shows) < _MANY:
            self._shows[attributes] = show
        return show

    # ---- as the parser finds it -------------------------------------------------------------

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        if self._in_row:
            self._start_in_row(name, attributes)
        elif name == "row" and self._in_data:
            self._in_row = True
            self._begin(attributes.get("r", str(self._number + 1)), attributes)
        elif name == "sheetData":
            self._in_data = True
        elif name == "mergeCell":
            self._merged(attributes.get("ref", ""))
        elif name == "col" and is_true(attributes.get("hidden")):
            self._hidden_columns(attributes.get("min", ""), attributes.get("max", ""))

    def _start_in_row(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            place = attributes.get("r")
            self._column = self._column_of(place) if place else self._column + 1
            self._kind = attributes.get("t", "")
            style = attributes.get("s", "0")
            self._style = int(style) if style.isdecimal() and len(style) < 9 else 0
            self._said, self._into = {}, None
        elif name in ("v", "f"):
            self._into, self._length = self._said.setdefault(name, []), 0
        else:
            self._collector.start(name)

    def _column_of(self, place: str) -> int:
        found = _PLACE.fullmatch(place)
        if found is None or int(found[2]) != self._number:
            raise damaged()
        return column_number(found[1])

    def end(self, tag: str) -> None:
        name = local(tag)
        if not self._in_row:
            self._in_data = self._in_data and name != "sheetData"
        elif name == "row":
            self._in_row = False
            self._finish()
        elif name == "c":
            self._end_cell()
        elif name in ("v", "f"):
            self._into = None
        else:
            self._collector.end(name)

    def data(self, text: str) -> None:
        if self._into is None:
            if self._in_row:
                self._collector.data(text)
        elif self._length <= MAX_LENGTH:
            self._into.append(text)
            self._length += len(text)

    def _end_cell(self) -> None:
        inline = self._collector.taken()
        said = "".join(self._said.get("v", ()))
        if self._kind == "inlineStr":
            text = as_text(inline)
        else:
            text = self._values.show(self._kind, self._style)(said) if said else ""
        if "f" in self._said:
            text = computed("=" + "".join(self._said["f"]), _plain(text))
        if text:
            self._put(self._column, text)

    def _merged(self, ref: str) -> None:
        found = _AREA.fullmatch(ref)
        if found is None:
            return
        top, left = int(found[2]), column_number(found[1])
        bottom, right = (int(found[4]), column_number(found[3])) if found[3] else (top, left)
        self._layout.merge(Merged(top, left, bottom, right))

    def _hidden_columns(self, first: str, last: str) -> None:
        if all(one.isdecimal() and len(one) < 6 for one in (first, last)):
            self._layout.hide_columns(int(first), int(last))

    # ---- rows -------------------------------------------------------------------------------

    def _begin(self, number: str, attributes: dict[str, str]) -> None:
        if not number.isdecimal() or len(number) > 7 or int(number) <= self._number:
            raise damaged()  # Excel opens no such file either
        self._number, self._is_hidden = int(number), is_true(attributes.get("hidden"))
        self._cells, self._column = [], 0

    def _put(self, column: int, text: str) -> None:
        if column > MAX_COLUMNS or self._number > MAX_ROWS:
            self._stray(column, text)
            return
        missing = column - len(self._cells)
        if missing == 1:
            self._cells.append(text)
        elif missing > 0:
            self._cells += [""] * (missing - 1) + [text]
        else:
            self._cells[column - 1] = text

    def _stray(self, column: int, text: str) -> None:
        """A cell beyond what a list may have: blanks are left out, anything else is refused."""
        place = f"{column_letters(column)}{self._number}"
        if text.strip():
            self._refuse(place)
        if len(self._layout.left_out) < _STRAYS_TOLD:
            self._layout.left_out.append(place)

    def _refuse(self, place: str) -> NoReturn:
        if self._number > MAX_ROWS and self._last + _GAP > self._number:
            raise too_many_rows()
        raise BadInput(translate(STRAY, cell=place))

    def _finish(self) -> None:
        if self._cells:
            self._limits.take(self._cells)
            self._last = self._number
            if self._is_hidden:
                self._layout.hidden_rows.add(self._number)
            self._rows.append((self._number, self._cells))


@cache
def _column(letters: str) -> int:
    return column_number(letters)


def _kind_style(attributes: str) -> tuple[str, int] | None:
    if not _ATTRIBUTES.fullmatch(attributes):
        return None
    said = dict(_ATTRIBUTE.findall(attributes))
    style = said.get("s", "0")
    if not said.keys() <= _USUAL or not (style.isdecimal() and len(style) < 9):
        return None
    return said.get("t", ""), int(style)


def _plain(shown: str) -> str:
    return "" if isinstance(shown, Unreadable) else shown
