"""The marked workbook of an import: every row that was rejected or flagged as it came, a comment in
each cell that somebody must look at, so that it can be corrected and imported again.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from app.core.i18n import translate
from app.core.jobs.table import JobContext
from app.kernel.exchange.columns import COLUMNS, REFERENCE
from app.kernel.exchange.imports.heads import MESSAGES, RESULT, ROW, SHEET, Head, own_heads
from app.kernel.exchange.imports.notes import ImportNote, notes_of
from app.kernel.exchange.writer import MEDIA_TYPE, Book, Column, Comments

_WIDTHS = {column.name: column.width for column in COLUMNS}
_WIDTH = 16

Marked = tuple[list[str], Comments]
"""One row with the comments of its cells."""


def attach(job: JobContext, write: Callable[[IO[bytes]], Any]) -> str:
    """Keep what ``write`` writes beside the file that was sent; gives its name."""
    name = translate("%(name)s-标注", name=Path(job.files[0]["name"]).stem) + ".xlsx"
    with tempfile.TemporaryFile() as file:
        write(file)
        file.seek(0)
        job.attach(file, name, MEDIA_TYPE)
    return name


def write(file: IO[bytes], title: str, layouts: Sequence[Layout], job_id: uuid.UUID) -> None:
    """A sheet for each that was read and has such rows. Streams: memory does not grow with the rows."""
    with Book(file) as book:
        for number, layout in enumerate(layouts):
            first = number * SHEET
            if len(layouts) > 1 and not any(
                notes_of(job_id, after=first, until=first + SHEET, limit=1)
            ):
                continue
            book.table(
                layout.head.sheet.name if len(layouts) > 1 else title,
                layout.columns,
                (cells for cells, _ in _noted(layout, first, job_id)),
                comments=(marks for _, marks in _noted(layout, first, job_id)),
            )


def _noted(layout: Layout, first: int, job_id: uuid.UUID) -> Iterator[Marked]:
    notes = notes_of(job_id, after=first, until=first + SHEET)
    note = next(notes, None)
    for number, cells in layout.head.sheet:
        if note is None:
            return
        if first + number == note.row:
            yield layout.row(cells, note)
            note = next(notes, None)


class Layout:
    """The columns of a sheet as they came, then 原行号, 处理结果 and 问题说明, and the household's key
    where the import has a column for it. ``main`` is the column that takes what is said of one that
    the sheet has not.
    """

    def __init__(
        self,
        head: Head,
        main: str,
        label_of: Callable[[str], str],
        reference: str | None = None,
    ) -> None:
        self.head, self._main, self._label_of, self._reference = head, main, label_of, reference
        taken = own_heads()
        own = [i for i, text in enumerate(head.labels) if text.strip() not in taken]
        own = [i for i in own if reference is None or i != head.columns.get(reference)]
        while own and not head.labels[own[-1]].strip():
            own.pop()
        self._own = own
        self._at = {name: own.index(i) for name, i in head.columns.items() if i in own}
        names = {index: name for name, index in head.columns.items()}
        widths = [_WIDTHS.get(names.get(i, ""), _WIDTH) for i in own]
        self.columns = [
            Column((head.labels[i].strip(),), width) for i, width in zip(own, widths, strict=True)
        ]
        self.columns += [
            Column((translate(ROW),), 8),
            Column((translate(RESULT),), 14),
            Column((translate(MESSAGES),), 50),
        ]
        if reference is not None:
            self.columns.append(Column((REFERENCE.label,), REFERENCE.width))

    def row(self, cells: Sequence[str], note: ImportNote) -> Marked:
        """One row as it came, and what is said of it."""
        row = [str(cells[i]) if i < len(cells) else "" for i in self._own]
        row += [str((note.row - 1) % SHEET + 1), outcome(note), _messages(note, self._label_of)]
        if self._reference is not None:
            row.append(str(note.household_id or ""))
        return row, _comments(note, self._at, self._at[self._main])


def _comments(note: ImportNote, at: Mapping[str, int], other: int) -> Comments:
    """Column -> what is wrong there; of a field that has none, in the column ``other``."""
    marks: dict[int, str] = {}
    for name, message in note.notes:
        place = at.get(name, other)
        marks[place] = f"{marks[place]}\n{message}" if place in marks else message
    return marks


def _messages(note: ImportNote, label_of: Callable[[str], str]) -> str:
    return "\n".join(
        translate("%(label)s：%(value)s", label=label_of(name), value=message)
        for name, message in note.notes
    )


def outcome(note: ImportNote) -> str:
    """处理结果 of a row."""
    return translate("未导入") if note.rejected else translate("已导入，请核对")
