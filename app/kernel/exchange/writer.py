"""Workbooks out: streamed to a file in bounded memory, nothing in them is ever live.

Cells are written as text, numbers, days or rates, so that ``=1+1`` typed by someone stays ``=1+1``.
Past a million rows a sheet goes on in a second one. Every sheet prints on A4 across, its head on each
page.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import IO, Any, Self

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from app.core.i18n import translate

ROWS_A_SHEET = 1_000_000
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_OPTIONS_SHEET = "选项"
_INLINE_OPTIONS = 240  # Excel takes 255 characters of options inside the cell rule
_LONGEST_CELL = 32_767
_LETTERS = [xl_col_to_name(number) for number in range(16_384)]
_ESCAPE_LIKE = re.compile("_(?=x[0-9a-fA-F]{4}_)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

_A4 = 9
_MARGINS = {"left": 0.4, "right": 0.4, "top": 0.5, "bottom": 0.6}  # inches
#: Excel counts days from here; the first ones it counts wrong, and are written as text.
_FIRST_DAY, _COUNTED_RIGHT = dt.date(1899, 12, 30), dt.date(1900, 3, 1)


@dataclass(frozen=True)
class Rate:
    """A part of a whole, 1 for all of it: a number that Excel shows in percent, with 1 or 2 ``places``."""

    share: Decimal
    places: int = 1


Cell = str | int | float | Decimal | dt.date | Rate | None
Comments = Mapping[int, str]


@dataclass(frozen=True)
class Column:
    """One column. ``heads`` are its head cells from the top; equal neighbours are merged.

    ``options`` become a drop-down (a warning, not a wall: old texts may stand in old lists);
    ``note`` a comment on the head; ``width`` is in characters, a Chinese one counts two.
    """

    heads: tuple[str, ...]
    width: float = 12
    options: tuple[str, ...] = ()
    note: str = ""
    required: bool = False


class _Sheet(Worksheet):
    """XlsxWriter's sheet with a short way for plain rows, four times as fast.

    In constant-memory mode XlsxWriter keeps one row and writes it as XML when the next begins; a
    plain row is written as XML at once instead.
    """

    def plain_row(self, number: int, cells: Sequence[Cell], forms: _Forms) -> None:
        """Write a whole row of texts, numbers and days below the rows written so far."""
        self._write_single_row(number)
        style = _index(forms.text)
        row = number + 1
        parts = [f'<row r="{row}">']
        for letters, cell in zip(_LETTERS, cells, strict=False):
            if cell is None or cell == "":
                continue
            text: Any = cell
            if not isinstance(cell, str):
                text, form = _number(cell, forms)
                if not isinstance(text, str):
                    of = f' s="{_index(form)}"' if form else ""
                    parts.append(f'<c r="{letters}{row}"{of}><v>{text}</v></c>')
                    continue
            if not text.isprintable() or len(text) > _LONGEST_CELL:
                text = clean(text)
            if "&" in text or "<" in text or "_x" in text:
                text = escaped(text)
            keep = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
            parts.append(
                f'<c r="{letters}{row}" s="{style}" t="inlineStr"><is><t{keep}>{text}</t></is></c>'
            )
        parts.append("</row>")
        self.fh.write("".join(parts))
        self._check_dimensions(number, max(0, len(cells) - 1))

    def ruled_row(self, number: int, cells: Sequence[Cell], forms: _Forms) -> None:
        """The same with lines around every cell, and thousands set apart."""
        for column, cell in enumerate(cells):
            shown, form = (cell, None) if isinstance(cell, str) else _number(cell, forms)
            if isinstance(shown, str):
                self.write_string(number, column, clean(shown), forms.ruled_text)
            elif shown is None:
                self.write_blank(number, column, None, forms.ruled_text)
            else:
                whole = forms.ruled_amount if isinstance(shown, Decimal) else forms.ruled_number
                self.write_number(number, column, shown, form or whole)

    def head_rows(self, cells: Sequence[tuple[HeadSpan, Format]]) -> None:
        """Write merged head cells from the top down, as constant memory demands."""
        for row in range(1 + max(span.bottom for span, _ in cells)):
            for span, form in cells:
                for column in range(span.left, span.right + 1):
                    if (row, column) == (span.top, span.left):
                        self.write_string(row, column, span.text, form)
                    elif span.top <= row <= span.bottom:
                        self.write_blank(row, column, None, form)
        for span, _ in cells:
            if (span.top, span.left) != (span.bottom, span.right):
                self.merge.append([span.top, span.left, span.bottom, span.right])


@dataclass(frozen=True)
class _Forms:
    """How cells look, by what they hold; ``ruled`` ones have lines around them."""

    text: Format
    day: Format
    rates: Mapping[int, Format]  # by their places
    ruled_text: Format
    ruled_number: Format
    ruled_amount: Format


def _index(form: Format) -> int:
    """The number by which cells of a sheet name a form. XlsxWriter has no public word for it: its own
    sheets ask so when they write a cell, and :meth:`_Sheet.plain_row` writes cells itself.
    """
    number: int = form._get_xf_index()  # noqa: SLF001 - see above
    return number


def _number(cell: Any, forms: _Forms) -> tuple[Any, Format | None]:
    """What a cell that is no text holds, and how it looks, where that is not told by its column."""
    if isinstance(cell, Rate):
        return cell.share, forms.rates[cell.places]
    if isinstance(cell, dt.date):
        if cell < _COUNTED_RIGHT:
            return cell.isoformat(), None
        return (cell - _FIRST_DAY).days, forms.day
    return cell, None


class _Target:
    """The file of a workbook, as its archive writes it. On a full disk the archive is left open and
    wants to end itself when it is collected, long after its file was closed: nothing is done then.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file: IO[bytes] | None = file

    def write(self, data: bytes) -> int:
        if self._file is None:
            return len(data)
        try:
            return self._file.write(data)
        except OSError:
            self._file = None
            raise

    def tell(self) -> int:
        return self._file.tell() if self._file is not None else 0

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence) if self._file is not None else 0

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()


class Book:
    """A workbook being written to ``file``. Use as a context manager; leaving it saves."""

    def __init__(self, file: IO[bytes]) -> None:
        self._book = xlsxwriter.Workbook(
            _Target(file),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "nan_inf_to_errors": False,
            },
        )
        add = self._book.add_format
        line = {"border": 1, "border_color": "#BFBFBF"}
        head = {"bold": True, "align": "center", "valign": "vcenter", "text_wrap": True, **line}
        self._head = add({**head, "bg_color": "#DDEBF7"})
        self._required = add({**head, "bg_color": "#FFE699"})
        self._title = add({"bold": True, "font_size": 14, "align": "center", "valign": "vcenter"})
        self._forms = _Forms(
            text=add({"num_format": "@"}),
            day=add({"num_format": "yyyy-mm-dd", "align": "left"}),
            rates={n: add({"num_format": f"0.{'0' * n}%", **line}) for n in (1, 2)},
            ruled_text=add({"num_format": "@", **line}),
            ruled_number=add({"num_format": "#,##0", **line}),
            ruled_amount=add({"num_format": "#,##0.00", **line}),
        )
        self._marked = add({"num_format": "@", "bg_color": "#FFC7CE"})
        self._names: set[str] = set()
        self._options: list[tuple[str, ...]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_rest: object) -> None:
        if kind is None:
            self._write_options()
        self._book.close()

    def table(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Cell]],
        *,
        title: str = "",
        comments: Iterable[Comments] | None = None,
        frozen_columns: int = 0,
        filtered: bool = False,
        ruled: bool = False,
    ) -> int:
        """One table, on as many sheets as it needs; gives the number of rows.

        ``comments`` runs beside ``rows``: column -> text for the cells to mark. ``filtered``: its
        head has Excel's filters. ``ruled``: a table to be printed, with lines, one page wide.
        """
        count = last = 0
        sheet, first = self._sheet(name, columns, title, frozen_columns)
        marks = iter(comments) if comments is not None else None
        for cells in rows:
            if count and count % ROWS_A_SHEET == 0:
                _end(sheet, first, last, len(columns), filtered=filtered, ruled=ruled)
                sheet, first = self._sheet(name, columns, title, frozen_columns)
            last = first + count % ROWS_A_SHEET
            marked = next(marks) if marks is not None else None
            if marked:
                self._marked_row(sheet, last, cells, marked)
            elif ruled:
                sheet.ruled_row(last, cells, self._forms)
            else:
                sheet.plain_row(last, cells, self._forms)
            count += 1
        _end(sheet, first, last, len(columns), filtered=filtered, ruled=ruled)
        return count

    def _marked_row(
        self, sheet: Worksheet, number: int, cells: Sequence[Cell], marked: Comments
    ) -> None:
        for column, cell in enumerate(cells):
            text = "" if cell is None else str(cell)
            if column in marked:
                sheet.write_string(number, column, clean(text), self._marked)
                sheet.write_comment(number, column, clean(marked[column]), {"x_scale": 2})
            elif text:
                sheet.write_string(number, column, clean(text), self._forms.text)

    def _sheet(
        self, name: str, columns: Sequence[Column], title: str, frozen_columns: int
    ) -> tuple[_Sheet, int]:
        sheet: _Sheet = self._book.add_worksheet(self._free_name(name), worksheet_class=_Sheet)
        for number, column in enumerate(columns):
            sheet.set_column(number, number, column.width, self._forms.text)
        top = 1 if title else 0
        if title:
            sheet.set_row(0, 26)
        depth = max(len(column.heads) for column in columns)
        for number, column in enumerate(columns):
            if column.note:  # before the rows: constant memory looks back at nothing
                leaf = top + len(column.heads) - 1
                sheet.write_comment(leaf, number, column.note, {"x_scale": 2})
        sheet.head_rows(self._head_cells(columns, top, depth, title))
        first = top + depth
        sheet.freeze_panes(first, frozen_columns)
        sheet.set_paper(_A4)
        sheet.set_landscape()
        sheet.set_margins(**_MARGINS)
        sheet.repeat_rows(top, first - 1)
        sheet.set_footer("&C&P / &N")
        for number, column in enumerate(columns):
            if column.options:
                self._drop_down(sheet, number, first, column.options)
        return sheet, first

    def _head_cells(
        self, columns: Sequence[Column], top: int, depth: int, title: str
    ) -> list[tuple[HeadSpan, Format]]:
        cells = []
        for span in head_spans([column.heads for column in columns], depth):
            required = any(c.required for c in columns[span.left : span.right + 1])
            cells.append((span.below(top), self._required if required else self._head))
        if title:
            cells.insert(0, (HeadSpan(title, 0, 0, 0, len(columns) - 1), self._title))
        return cells

    def _drop_down(
        self, sheet: Worksheet, column: int, first: int, options: tuple[str, ...]
    ) -> None:
        source: Any = list(options)
        if len(",".join(options)) > _INLINE_OPTIONS or any("," in o for o in options):
            if options not in self._options:
                self._options.append(options)
            letter = xl_col_to_name(self._options.index(options))
            source = f"='{_OPTIONS_SHEET}'!${letter}$1:${letter}${len(options)}"
        sheet.data_validation(
            first,
            column,
            first + 100_000,
            column,
            {
                "validate": "list",
                "source": source,
                "error_type": "warning",
                "error_title": translate("不在选项中"),
                "error_message": translate("请从下拉列表中选择。"),
            },
        )

    def _write_options(self) -> None:
        if not self._options:
            return
        sheet = self._book.add_worksheet(_OPTIONS_SHEET)
        sheet.hide()
        for number in range(max(map(len, self._options))):
            for column, options in enumerate(self._options):
                if number < len(options):
                    sheet.write_string(number, column, options[number])

    def _free_name(self, name: str) -> str:
        base = re.sub(r"[\[\]:*?/\\']", " ", name).strip()[:26] or "Sheet"
        free, number = base, 2
        while free.lower() in self._names:
            free, number = f"{base}({number})", number + 1
        self._names.add(free.lower())
        return free


def _end(
    sheet: Worksheet, first: int, last: int, width: int, *, filtered: bool, ruled: bool
) -> None:
    """What a sheet is given once its rows are known; it begins with row ``first``."""
    if filtered:
        sheet.autofilter(first - 1, 0, max(first - 1, last), width - 1)
    if ruled:
        sheet.fit_to_pages(1, 0)
        sheet.center_horizontally()


@dataclass(frozen=True)
class HeadSpan:
    """A head cell that covers rows ``top``–``bottom`` and columns ``left``–``right``."""

    text: str
    top: int
    bottom: int
    left: int
    right: int

    def below(self, rows: int) -> HeadSpan:
        """The same cell, ``rows`` rows further down."""
        return replace(self, top=self.top + rows, bottom=self.bottom + rows)


def head_spans(heads: Sequence[tuple[str, ...]], depth: int) -> list[HeadSpan]:
    """Merge what repeats: ``[("户主",), ("住房", "等级"), ("住房", "面积")]`` gives 户主 over two
    rows, 住房 over two columns, and 等级, 面积 below it.
    """
    spans = []
    for level in range(depth):
        left = 0
        while left < len(heads):
            own = heads[left]
            if level >= len(own):
                left += 1
                continue
            right = left
            if level < len(own) - 1:  # groups merge sideways, leaves stand alone
                while right + 1 < len(heads) and _same_group(heads[right + 1], own, level):
                    right += 1
            bottom = depth - 1 if level == len(own) - 1 else level
            spans.append(HeadSpan(own[level], level, bottom, left, right))
            left = right + 1
    return spans


def _same_group(other: tuple[str, ...], own: tuple[str, ...], level: int) -> bool:
    return len(other) > level + 1 and other[: level + 1] == own[: level + 1]


def clean(text: str) -> str:
    """``text`` without what XML cannot hold, no longer than a cell may be."""
    return _CONTROL.sub("", text)[:_LONGEST_CELL]


def escaped(text: str) -> str:
    """``text`` inside an XML element; what looks like Excel's own escape (``_x0041_``) stays text."""
    return _ESCAPE_LIKE.sub("_x005F_", text.replace("&", "&amp;").replace("<", "&lt;"))
