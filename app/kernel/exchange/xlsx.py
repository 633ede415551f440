"""Workbooks of Excel's own kind (xlsx), read a piece at a time.

The reader of values opens whole sheets, a megabyte for each thousand rows. So a sheet's document
is cut before one of its rows every megabyte, the texts that its cells only name are put into them,
and each piece is opened as a sheet of a small workbook that has the number formats of the great
one: memory is that of a piece, whatever the number of rows.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

import python_calamine as calamine

from app.core.errors import BadInput
from app.core.i18n import mark, translate
from app.kernel.exchange.cells import ERROR_VALUE, FORMULA, Unreadable, as_text
from app.kernel.exchange.shared_texts import SharedTexts
from app.kernel.exchange.sheet import MAX_COLUMNS, Row, Sheet

MAX_UNPACKED = 1024 * 1024 * 1024
MAX_ROWS = 500_000
MAX_CELLS = 20_000_000

_TEXTS = "xl/sharedstrings.xml"
_PIECE = 1024 * 1024
_SHEET_DATA = re.compile(rb"<(\w+:)?sheetData\b[^>]*>")
_TAG = re.compile(rb"<(?:\w+:)?c\b[^>]*>")
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,7})["']""")
# Of a million cells each needs a look; patterns that begin with plain letters take a tenth.
_USUAL_ROW = re.compile(rb'<c r="[A-Z]{1,3}([0-9]{1,7})"')
_FAR_COLUMN = re.compile(rb'<c r="(?:O[K-Z]|[P-Z][A-Z]|[A-Z]{3})[0-9]')
_SUSPECT = re.compile(rb"""<(?:\w+:)?f[\s/>]|\bt\s*=\s*["']e["']""")
_HINTS = (b"<f", b":f", b'"e"', b"'e'")  # of something suspect

DAMAGED = mark("文件损坏或不是真正的Excel文件，请用Excel或WPS打开后另存为xlsx再导入。")
TOO_MANY_ROWS = mark("行数超过%(n)s，请拆分后分别导入。")
_TOO_LARGE = mark("文件解压后过大，请拆分后分别导入。")
_TOO_WIDE = mark("表格右侧或下方有多余的内容，请删除多余的行列后再导入。")


def read_xlsx(path: Path) -> list[Sheet]:
    """The visible sheets of a workbook.

    :raises BadInput: it is damaged, locked or too large.
    """
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                raise BadInput(translate(_TOO_LARGE))
            return _Workbook(archive, Path(folder)).sheets()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BadInput(translate(DAMAGED)) from error


class _Workbook:
    """One archive; ``folder`` is for the small workbooks that stand for its pieces."""

    def __init__(self, archive: zipfile.ZipFile, folder: Path) -> None:
        self._archive = archive
        self._names = {name.lower(): name for name in archive.namelist()}
        self._parts = self._sheet_parts()
        self._texts = self._shared_texts()
        self._shell, self._small = folder / "shell.xlsx", folder / "small.xlsx"
        with zipfile.ZipFile(self._shell, "w") as shell:
            for name in archive.namelist():
                if _is_shared(name) or (name.lower() == _TEXTS and self._texts is None):
                    with archive.open(name) as source, shell.open(name, "w") as copy:
                        shutil.copyfileobj(source, copy)
        # Where every piece opens the texts anew it should not be much smaller than they are.
        self._piece = max(_PIECE, self._shell.stat().st_size)

    def sheets(self) -> list[Sheet]:
        try:
            return [Sheet(name, self._rows(name)) for name in visible(opened(self._shell))]
        except (calamine.CalamineError, ValueError) as error:
            raise BadInput(translate(DAMAGED)) from error

    def _rows(self, sheet: str) -> Iterator[Row]:
        part = self._names.get(self._parts.get(sheet, "").lower())
        if part is None:
            raise BadInput(translate(DAMAGED))
        with self._archive.open(part) as stream:
            for piece in _pieces(stream, self._piece):
                _require_small(piece)
                odd = _odd_cells(piece) if _is_suspect(piece) else {}
                whole = self._texts.put_in(piece) if self._texts else piece
                shutil.copyfile(self._shell, self._small)
                with zipfile.ZipFile(self._small, "a") as small:
                    small.writestr(part, whole)
                yield from rows_of(opened(self._small).get_sheet_by_name(sheet), odd)

    def _shared_texts(self) -> SharedTexts | None:
        """The texts that cells name; None if there are none, or only the reader can tell them."""
        name = self._names.get(_TEXTS)
        if name is None:
            return None
        with self._archive.open(name) as stream:
            try:
                return SharedTexts(stream)
            except ValueError:
                return None

    def _sheet_parts(self) -> dict[str, str]:
        """Title of each sheet -> its part in the archive."""
        targets = {
            relation["Id"]: posixpath.normpath(posixpath.join("/xl", relation["Target"]))[1:]
            for relation in self._elements("xl/_rels/workbook.xml.rels", "Relationship")
            if "Id" in relation and "Target" in relation
        }
        parts = {}
        for sheet in self._elements("xl/workbook.xml", "sheet"):
            key = next((value for name, value in sheet.items() if name.endswith(":id")), "")
            if key in targets and "name" in sheet:
                parts[sheet["name"]] = targets[key]
        return parts

    def _elements(self, name: str, wanted: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag.rpartition(":")[2] == wanted:
                found.append(attributes)

        parser = expat.ParserCreate()
        parser.StartElementHandler = start
        try:
            parser.Parse(self._archive.read(self._names[name.lower()]), True)
        except (KeyError, expat.ExpatError) as error:
            raise BadInput(translate(DAMAGED)) from error
        return found


def _is_shared(name: str) -> bool:
    """Does every sheet need this part: the workbook, its formats?"""
    low = name.lower()
    return low.startswith(("[content", "_rels/", "xl/_rels/")) or low in {
        "xl/workbook.xml",
        "xl/styles.xml",
    }


def opened(path: Path) -> calamine.CalamineWorkbook:
    """The reader of values on a file.

    :raises BadInput: it is locked or no workbook.
    """
    try:
        return calamine.CalamineWorkbook.from_path(str(path))
    except calamine.PasswordError as error:
        raise BadInput(translate("文件设有密码，请去掉密码后再导入。")) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise BadInput(translate(DAMAGED)) from error


def visible(book: calamine.CalamineWorkbook) -> list[str]:
    """Names of the sheets that a person sees.

    :raises BadInput: there are none.
    """
    found = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet
        and sheet.visible == calamine.SheetVisibleEnum.Visible
    ]
    if not found:
        raise BadInput(translate("文件中没有可见的工作表。"))
    return found


def rows_of(
    sheet: calamine.CalamineSheet, odd: dict[tuple[int, int], Unreadable] | None = None
) -> Iterator[Row]:
    """The rows of an opened sheet; ``odd`` are cells, counted from 0, that are no values."""
    top, left = sheet.start or (0, 0)
    by_row: dict[int, list[tuple[int, Unreadable]]] = {}
    for (row, column), cell in (odd or {}).items():
        by_row.setdefault(row, []).append((column, cell))
    before = [""] * left
    for number, values in enumerate(sheet.to_python(), top):
        cells = before + [as_text(value) for value in values]
        _put(cells, by_row.pop(number, []))
        yield number + 1, cells
    for number in sorted(by_row):  # where nothing else stands
        yield number + 1, _put([], by_row[number])


def _put(cells: list[str], odd: list[tuple[int, Unreadable]]) -> list[str]:
    for column, cell in odd:
        cells += [""] * (column + 1 - len(cells))
        cells[column] = cell
    return cells


# --- pieces of a sheet's document ----------------------------------------------------------


def _pieces(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """A sheet's document as several that hold some ``size`` bytes of its rows each."""
    block = stream.read(size)
    opening = _SHEET_DATA.search(block)
    if opening is None or b"<!DOCTYPE" in block[: opening.start()]:
        raise BadInput(translate(DAMAGED))
    prefix = opening[1] or b""
    head, rest = block[: opening.end()], block[opening.end() :]
    end, tail = b"</%bsheetData" % prefix, b"</%bsheetData></%bworksheet>" % (prefix, prefix)
    if not opening[0].endswith(b"/>"):
        while (stop := rest.find(end)) < 0:
            if cut := _last_row(rest, prefix):
                yield head + rest[:cut] + tail
                rest = rest[cut:]
            block = stream.read(size)
            if not block:
                raise BadInput(translate(DAMAGED))
            rest += block
        yield head + rest[:stop] + tail
    while stream.read(size):  # to its end: proves that the archive is whole
        pass


def _last_row(text: bytes, prefix: bytes) -> int:
    """Where the last row begins that says its number; 0 if the text cannot be cut."""
    if b"<!" in text:  # remarks and raw text may hold anything
        return 0
    opening = b"<%brow" % prefix
    numbered = re.compile(rb"%b\s[^>]*\br\s*=[^>]*>" % opening)
    at = len(text)
    for _ in range(3):  # the very last one may not be here whole
        at = text.rfind(opening, 0, at)
        if at <= 0 or numbered.match(text, at):
            return max(0, at)
    return 0


def _require_small(piece: bytes) -> None:
    """Opened, a piece is a rectangle around its cells: one far away may not cost memory."""
    cells = piece[piece.find(b"sheetData") :]
    usual = _USUAL_ROW.findall(cells)
    if len(usual) == cells.count(b"<c") and b":c" not in cells and not _FAR_COLUMN.search(cells):
        rows = set(map(int, set(usual)))
        if not rows or (max(rows) <= MAX_ROWS and _height(rows) * MAX_COLUMNS <= MAX_CELLS):
            return
    # Cells that have a format and no value count for nothing.
    tags = [tag for tag in _TAG.findall(cells) if not tag.endswith(b"/>")]
    places = [(int(p[2]), _column(p[1])) for tag in tags if (p := _PLACE.search(tag))]
    if not places:
        return
    rows, last = {row for row, _ in places}, max(column for _, column in places)
    if max(rows) > MAX_ROWS:
        raise BadInput(translate(TOO_MANY_ROWS, n=f"{MAX_ROWS:,}"))
    if last > MAX_COLUMNS or _height(rows) * last > MAX_CELLS:
        raise BadInput(translate(_TOO_WIDE))


def _height(rows: set[int]) -> int:
    return max(rows) - min(rows) + 1


def _is_suspect(piece: bytes) -> bool:
    """May there be a formula or an error value?"""
    return any(hint in piece for hint in _HINTS) and _SUSPECT.search(piece) is not None


def _column(letters: bytes) -> int:
    """A -> 1, XFD -> 16384."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _odd_cells(piece: bytes) -> dict[tuple[int, int], Unreadable]:
    """Formulas and error values by (row, column), both from 0."""
    reader = _OddCells()
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.data
    try:
        parser.Parse(piece, True)
    except (expat.ExpatError, ValueError) as error:
        raise BadInput(translate(DAMAGED)) from error
    return reader.found


class _OddCells:
    """Hears what an XML parser finds in a sheet."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, int], Unreadable] = {}
        self._row = self._column = -1
        self._is_error = self._in_formula = self._in_value = False
        self._text = ""

    def start(self, tag: str, attributes: dict[str, Any]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self._row, self._column = int(attributes.get("r", self._row + 2)) - 1, -1
        elif tag == "c":
            place = attributes.get("r")
            letters = place.rstrip("0123456789").encode() if place else b""
            self._column = _column(letters) - 1 if place else self._column + 1
            self._is_error = attributes.get("t") == "e"
        elif tag == "f":
            self._in_formula, self._text = True, ""
        elif tag == "v" and self._is_error:
            self._in_value, self._text = True, ""

    def end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "f":
            self._in_formula = False
            shown = f"={self._text}"[:200]
            self.found[self._row, self._column] = Unreadable(shown, FORMULA)
        elif tag == "v" and self._in_value:
            self._in_value = False
            cell = Unreadable(self._text[:200], ERROR_VALUE)
            self.found.setdefault((self._row, self._column), cell)

    def data(self, part: str) -> None:
        if self._in_formula or self._in_value:
            self._text += part
