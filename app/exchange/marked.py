"""The marked workbook: every rejected and flagged row as it came, a comment in each cell that
somebody must look at, and the household's key where there is one, so that it can be corrected and
imported again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import IO

from app.core.i18n import mark, translate
from app.exchange.household_columns import COLUMNS, REFERENCE
from app.exchange.household_list import Head, label_of
from app.exchange.import_notes import ImportNote, notes_of
from app.exchange.writer import Book, Column, Comments

_WIDTHS = {column.name: column.width for column in COLUMNS}


def write(file: IO[bytes], head: Head, job_id: uuid.UUID) -> int:
    """Write it for one import; gives the number of rows. Streams: memory does not grow."""
    layout = _Layout(head)
    with Book(file) as book:
        return book.table(
            head.sheet.name,
            layout.columns,
            (cells for cells, _ in layout.rows(job_id)),
            comments=(marks for _, marks in layout.rows(job_id)),
        )


class _Layout:
    """The list's own columns as they came, then 原行号, 处理结果, 问题说明 and 农户编号."""

    def __init__(self, head: Head) -> None:
        self._head = head
        own = [i for i in range(len(head.cells)) if i != head.columns.get(REFERENCE.name)]
        while own and not head.cells[own[-1]].strip():
            own.pop()
        own = [i for i in own if head.cells[i].strip() not in _OURS]
        self._own = own
        self._at = {name: own.index(i) for name, i in head.columns.items() if i in own}
        names = {index: name for name, index in head.columns.items()}
        self.columns = [
            Column((head.cells[i].strip(),), _WIDTHS.get(names.get(i, ""), 12)) for i in own
        ]
        self.columns += [
            Column((_ROW,), 8),
            Column((_RESULT,), 14),
            Column((_MESSAGES,), 50),
            Column((REFERENCE.label,), REFERENCE.width),
        ]

    def rows(self, job_id: uuid.UUID) -> Iterator[tuple[list[str], Comments]]:
        notes = notes_of(job_id)
        note = next(notes, None)
        for number, cells in self._head.sheet:
            if note is None:
                return
            if number == note.row:
                yield self._row(cells, note)
                note = next(notes, None)

    def _row(self, cells: list[str], note: ImportNote) -> tuple[list[str], Comments]:
        row = [str(cells[i]) if i < len(cells) else "" for i in self._own]
        marks: dict[int, str] = {}
        for name, message in note.notes:
            place = self._at.get(name, self._at["head_name"])
            marks[place] = f"{marks[place]}\n{message}" if place in marks else message
        result = translate("未导入") if note.rejected else translate("已导入，请核对")
        messages = "\n".join(
            translate("%(label)s：%(value)s", label=label_of(name), value=message)
            for name, message in note.notes
        )
        return [*row, str(note.row), result, messages, str(note.household_id or "")], marks


_ROW, _RESULT, _MESSAGES = mark("原行号"), mark("处理结果"), mark("问题说明")
_OURS = {_ROW, _RESULT, _MESSAGES}
