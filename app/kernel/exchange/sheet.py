"""A sheet that was read: its rows lie in a file of their own, so that reading it again costs no
memory and no second parsing of the workbook.
"""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.kernel.exchange.cells import Unreadable

Row = tuple[int, list[str]]
"""Row number as Excel counts, and the cells as text."""

_ROWS_A_LINE = 500


class Sheet:
    """One sheet. Iterating gives its rows that say anything; it may be repeated.

    ``height`` is the number of the last of them.
    """

    def __init__(self, name: str, rows: Iterable[Row]) -> None:
        self.name = name
        self.height = 0
        # Nameless: nothing of it outlives the process.
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the sheet
        weakref.finalize(self, self._file.close)
        self._keep(rows)

    def _keep(self, rows: Iterable[Row]) -> None:
        kept: list[object] = []
        for number, cells in rows:
            if not any(cells):
                continue
            odd = [(i, c.reason) for i, c in enumerate(cells) if type(c) is Unreadable]
            kept.append((number, cells, odd) if odd else (number, cells))
            self.height = number
            if len(kept) == _ROWS_A_LINE:
                self._write(kept)
                kept = []
        if kept:
            self._write(kept)

    def _write(self, rows: list[object]) -> None:
        text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        self._file.write(text.encode("utf-8", "surrogatepass") + b"\n")

    def __iter__(self) -> Iterator[Row]:
        at = 0
        while True:
            self._file.seek(at)  # another reader may be elsewhere in the file
            line = self._file.readline()
            if not line:
                return
            at += len(line)
            for number, cells, *odd in json.loads(line):
                for column, reason in odd[0] if odd else ():
                    cells[column] = Unreadable(cells[column], reason)
                yield number, cells


@dataclass(frozen=True)
class ListHead:
    """Where a list stands in a workbook: its sheet, head row, and column name -> index."""

    sheet: Sheet
    row: int
    cells: tuple[str, ...]
    columns: dict[str, int]


@dataclass(frozen=True)
class Head:
    """Where the columns stand: field name -> index. Data begin below row ``row``."""

    sheet: Sheet
    row: int
    labels: tuple[str, ...]
    columns: dict[str, int]
