"""Workbooks of Excel's own kind (xlsx): which sheets there are, and where in the archive.

Why this program reads them itself: docs/adr/workbooks-are-read-here.md.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from pathlib import Path
from typing import IO

from app.core.errors import BadInput
from app.core.i18n import mark, translate
from app.kernel.exchange.limits import PASSWORD, Limits, require_few_sheets
from app.kernel.exchange.sheet import Layout, Sheet
from app.kernel.exchange.workbooks.documents import BLOCK, Handler, damaged, local, parse
from app.kernel.exchange.workbooks.number_formats import NumberFormats
from app.kernel.exchange.workbooks.shared_texts import Texts, shared_texts
from app.kernel.exchange.workbooks.sheet_document import Values, is_true, rows_of

MAX_UNPACKED = 1024 * 1024 * 1024
_ALWAYS_UNPACKED = 16 * 1024 * 1024
_USUAL_RATIO = 40
"""Lists shrink to a tenth or a twentieth; a small file cannot stand for a great one."""
_LONGEST_PART = 8 * 1024 * 1024
_MAX_FORMATS = 100_000
_MAX_PARTS = 10_000
_LISTED = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

TOO_LARGE = mark("文件解压后过大，请拆分后分别导入。")
OTHER_PROGRAM = mark("这个文件不是xlsx工作簿，请用Excel或WPS打开后另存为xlsx再导入。")


def read_xlsx(path: Path) -> list[Sheet]:
    """The sheets of a workbook.

    :raises BadInput: it is damaged, locked or too large.
    """
    try:
        _require_few_parts(path)
        with zipfile.ZipFile(path) as archive:
            return _Workbook(_Archive(archive, path.stat().st_size)).sheets()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise damaged() from error


def _require_few_parts(path: Path) -> None:
    """:raises BadInput: the archive lists more parts than any workbook has: each costs memory."""
    found, end = 0, b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found += (end + block).count(_LISTED)
            end = block[1 - len(_LISTED) :]
    if found > _MAX_PARTS:
        raise BadInput(translate(TOO_LARGE))


class _Archive:
    """The parts of a workbook by their names in any case; gives out so much and no more."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self._left = min(MAX_UNPACKED, _ALWAYS_UNPACKED + _USUAL_RATIO * size)
        self._entries = {entry.filename.lower(): entry for entry in archive.infolist()}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._entries

    def open(self, name: str) -> IO[bytes]:
        """A part of the workbook.

        :raises BadInput: it is not there, locked, or more than a workbook of this size unpacks to.
        """
        entry = self._entries.get(name.lower())
        if entry is None or entry.compress_type not in _METHODS:
            raise damaged()
        if entry.flag_bits & 1:
            raise BadInput(translate(PASSWORD))
        self._left -= entry.file_size  # no more than that is unpacked
        if self._left < 0:
            raise BadInput(translate(TOO_LARGE))
        return self._archive.open(entry)

    def hear(self, name: str, handler: Handler) -> None:
        """Parse a part that is held whole: what sheets and formats there are."""
        with self.open(name) as stream:
            if self._entries[name.lower()].file_size > _LONGEST_PART:
                raise BadInput(translate(TOO_LARGE))
            parse(stream, handler)


class _Workbook:
    def __init__(self, archive: _Archive) -> None:
        self._archive = archive
        book = _main_part(archive)
        self._targets = _Relations(archive, book).targets
        self._book = _Book()
        archive.hear(book, self._book)
        self._values = Values(self._texts(), self._formats())

    def sheets(self) -> list[Sheet]:
        limits = Limits()
        found = [
            (name, hidden, self._targets[key][1])
            for name, key, hidden in self._book.sheets
            if self._targets.get(key, ("", ""))[0] == "worksheet"
        ]
        require_few_sheets(len(found))
        return [self._sheet(*sheet, limits) for sheet in found]

    def _sheet(self, name: str, is_hidden: bool, part: str, limits: Limits) -> Sheet:
        layout = Layout()
        with self._archive.open(part) as stream:
            rows = rows_of(stream, self._values, layout, limits)
            return Sheet(name, rows, layout, is_hidden=is_hidden)

    def _texts(self) -> Texts:
        part = self._only("sharedStrings")
        if part is None:
            return shared_texts(None)
        with self._archive.open(part) as stream:
            return shared_texts(stream)

    def _formats(self) -> NumberFormats:
        part, styles = self._only("styles"), _Styles()
        if part is not None:
            self._archive.hear(part, styles)
        return NumberFormats(styles.codes, styles.cells, since_1904=self._book.since_1904)

    def _only(self, kind: str) -> str | None:
        parts = (part for said, part in self._targets.values() if said == kind)
        return next((part for part in parts if part in self._archive), None)


def _main_part(archive: _Archive) -> str:
    """Where the workbook stands. :raises BadInput: the archive holds none, or another program's."""
    if "_rels/.rels" not in archive or "[content_types].xml" not in archive:
        raise BadInput(translate(OTHER_PROGRAM)) if "mimetype" in archive else damaged()
    parts = [
        part for kind, part in _Relations(archive, "").targets.values() if kind == "officeDocument"
    ]
    if not parts or not parts[0].lower().startswith("xl/") or parts[0].endswith(".bin"):
        raise BadInput(translate(OTHER_PROGRAM))
    return parts[0]


class _Relations(Handler):
    """Which parts a part names. ``targets``: key -> (kind, part)."""

    def __init__(self, archive: _Archive, part: str) -> None:
        self.targets: dict[str, tuple[str, str]] = {}
        self._folder, name = posixpath.split(part)
        archive.hear(posixpath.join(self._folder, "_rels", f"{name}.rels"), self)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        target = attributes.get("Target")
        if local(tag) == "Relationship" and target and attributes.get("TargetMode") != "External":
            kind = posixpath.basename(attributes.get("Type", ""))
            whole = posixpath.normpath(posixpath.join("/", self._folder, target.replace("\\", "/")))
            self.targets[attributes.get("Id", "")] = kind, whole.lstrip("/")


class _Book(Handler):
    """``sheets``: (title, key of its part, is it hidden?)."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []
        self.since_1904 = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        if name == "workbookPr":
            self.since_1904 = is_true(attributes.get("date1904"))
        elif name == "sheet" and "name" in attributes:
            key = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((attributes["name"][:255], key, hidden))


class _Styles(Handler):
    """Formats of numbers: ``codes`` by their numbers, the number of each style in ``cells``."""

    def __init__(self) -> None:
        self.codes: dict[int, str] = {}
        self.cells: list[int] = []
        self._in_cells = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name, said = local(tag), attributes.get("numFmtId", "0")
        number = int(said) if said.isdecimal() and len(said) < 6 else 0
        if name == "numFmt" and len(self.codes) < _MAX_FORMATS:
            self.codes[number] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells and len(self.cells) < _MAX_FORMATS:
            self.cells.append(number)

    def end(self, tag: str) -> None:
        self._in_cells = self._in_cells and local(tag) != "cellXfs"
