"""A sheet that was read: its rows lie in a file of their own, so that reading it again costs no
memory and no second parsing of the workbook.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from app.kernel.exchange.cells import Computed, Unreadable
from app.kernel.exchange.limits import MAX_COLUMNS, MAX_MERGED, too_much
from app.kernel.exchange.spool import nameless

Row = tuple[int, list[str]]
"""Row number as Excel counts, and the cells as text."""

_ROWS_A_LINE = 500
_LENGTH_OF_A_LINE = 500_000


@dataclass(frozen=True)
class Merged:
    """Cells that are shown as one, counted from 1; what it says stands in the first."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class Layout:
    """What is known of a sheet besides its cells, once all of them were read."""

    merged: list[Merged] = field(default_factory=list)
    #: Numbers of rows that a filter or a hand has hidden.
    hidden_rows: set[int] = field(default_factory=set)
    #: The first and the last of columns that a hand has hidden.
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    #: Cells beyond what a list may have, in which only blanks stand: ``C1048576``.
    left_out: list[str] = field(default_factory=list)

    def hide_columns(self, first: int, last: int) -> None:
        """Nobody sees these columns; those beyond what a list may have concern nobody."""
        if first <= min(last, MAX_COLUMNS) and len(self.hidden_columns) < MAX_COLUMNS:
            self.hidden_columns.append((first, last))

    def merge(self, merged: Merged) -> None:
        """Cells are shown as one. :raises BadInput: too many are."""
        if len(self.merged) >= MAX_MERGED:
            raise too_much()
        if merged.top <= merged.bottom and merged.left <= merged.right:
            self.merged.append(merged)


class Sheet:
    """One sheet. Iterating gives its rows that say anything, as Excel shows them: of merged cells the
    first column says the same in every row, the others nothing. It may be repeated.

    ``height`` is the number of the last of them; ``hidden_rows`` are the numbers of those that nobody
    sees in Excel; they are read like the others. ``is_hidden``: nobody sees the whole sheet.
    """

    def __init__(
        self,
        name: str,
        rows: Iterable[Row],
        layout: Layout | None = None,
        *,
        is_hidden: bool = False,
    ) -> None:
        """``layout`` may be filled in while the rows are read."""
        self.name = name
        self.height = 0
        self.is_hidden = is_hidden
        self.hidden_rows: list[int] = []
        self._layout = layout or Layout()
        self._file = nameless(self)
        self._keep(rows)
        self._merged = sorted(self._layout.merged, key=lambda merged: merged.top, reverse=True)

    def hides(self, column: int) -> bool:
        """Is the column, counted from 1, one that nobody sees in Excel?"""
        return any(first <= column <= last for first, last in self._layout.hidden_columns)

    @property
    def left_out(self) -> list[str]:
        """Cells far away in which only blanks stand; nobody need care."""
        return self._layout.left_out

    def _keep(self, rows: Iterable[Row]) -> None:
        kept: list[object] = []
        length = 0
        for number, cells in rows:
            if not any(cells):
                continue
            odd = [(i, *_kept(c)) for i, c in enumerate(cells) if isinstance(c, Unreadable)]
            kept.append((number, cells, odd) if odd else (number, cells))
            self.height = number
            if number in self._layout.hidden_rows:
                self.hidden_rows.append(number)
            length += sum(map(len, cells))
            if len(kept) == _ROWS_A_LINE or length > _LENGTH_OF_A_LINE:
                self._write(kept)
                kept, length = [], 0
        if kept:
            self._write(kept)

    def _write(self, rows: list[object]) -> None:
        text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        self._file.write(text.encode("utf-8", "surrogatepass") + b"\n")

    def __iter__(self) -> Iterator[Row]:
        return _shown(self._rows(), list(self._merged)) if self._merged else self._rows()

    def _rows(self) -> Iterator[Row]:
        at = 0
        while True:
            self._file.seek(at)  # another reader may be elsewhere in the file
            line = self._file.readline()
            if not line:
                return
            at += len(line)
            for number, cells, *odd in json.loads(line):
                for column, *reason in odd[0] if odd else ():
                    cells[column] = _odd(cells[column], *reason)
                yield number, cells


def _kept(cell: Unreadable) -> list[str]:
    return [cell.reason, cell.shown] if isinstance(cell, Computed) else [cell.reason]


def _odd(text: str, reason: str, shown: str | None = None) -> Unreadable:
    return Unreadable(text, reason) if shown is None else Computed(text, shown)


def _shown(rows: Iterator[Row], waiting: list[Merged]) -> Iterator[Row]:
    """The rows with what merged cells show; ``waiting`` are those, the topmost last."""
    # One a column: memory and time are bounded however many lie over one another.
    columns: dict[int, tuple[int, str]] = {}
    for number, cells in rows:
        while waiting and waiting[-1].top <= number:
            merged = waiting.pop()
            first = cells[merged.left - 1] if len(cells) >= merged.left else ""
            if merged.top < number:  # its first row says nothing
                first = ""
            for column in range(merged.left - 1, min(merged.right, MAX_COLUMNS)):
                columns[column] = merged.bottom, first if column == merged.left - 1 else ""
        for column, (bottom, text) in columns.items():
            if number > bottom:
                continue
            if column < len(cells):
                cells[column] = text
            elif text:
                cells.extend([""] * (column - len(cells)) + [text])
        yield number, cells


class Workbook(Sequence[Sheet]):
    """The sheets of a file that a person sees; ``hidden`` are the others."""

    def __init__(self, sheets: Iterable[Sheet]) -> None:
        every = list(sheets)
        self._sheets = [sheet for sheet in every if not sheet.is_hidden]
        self.hidden = [sheet for sheet in every if sheet.is_hidden]

    @overload
    def __getitem__(self, index: int) -> Sheet: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sheet]: ...
    def __getitem__(self, index: int | slice) -> Sheet | list[Sheet]:
        return self._sheets[index]

    def __len__(self) -> int:
        return len(self._sheets)
