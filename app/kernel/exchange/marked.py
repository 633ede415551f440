"""The marked workbook of an import: every row that was rejected or flagged as it came, a comment in
each cell that somebody must look at, so that it can be corrected and imported again.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from app.core.i18n import mark, translate
from app.core.jobs.table import JobContext
from app.kernel.exchange.columns import COLUMNS, REFERENCE, label_of
from app.kernel.exchange.notes import ImportNote, notes_of
from app.kernel.exchange.sheet import Head, ListHead, Sheet
from app.kernel.exchange.writer import MEDIA_TYPE, Book, Column, Comments

_WIDTHS = {column.name: column.width for column in COLUMNS}


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


def write(file: IO[bytes], head: ListHead, job_id: uuid.UUID) -> None:
    """That of a list of households: its own columns as they came, then 原行号, 处理结果, 问题说明 and
    农户编号.
    """
    layout = _Layout(head)
    _write(file, head.sheet, head.sheet.name, layout.columns, job_id, layout.row)


def write_form(
    file: IO[bytes],
    head: Head,
    main: str,
    title: str,
    beside: Column,
    said_beside: Callable[[ImportNote], str],
    label_of: Callable[[str], str],
    job_id: uuid.UUID,
) -> None:
    """That of a form with fixed columns: those, then ``beside`` with what ``said_beside`` says of a
    row, then 问题说明. ``label_of`` names a field; ``main`` is the one whose column takes what is said
    of a field without one.
    """
    width = len(head.labels)
    columns = [Column((label,), 16) for label in head.labels]
    columns += [beside, Column((translate(_MESSAGES),), 50)]

    def row(cells: list[str], note: ImportNote) -> Marked:
        own = [str(c) for c in cells[:width]] + [""] * (width - len(cells))
        told = [said_beside(note), _messages(note, label_of)]
        return own + told, _comments(note, head.columns, head.columns[main])

    _write(file, head.sheet, title, columns, job_id, row)


def _write(
    file: IO[bytes],
    sheet: Sheet,
    title: str,
    columns: list[Column],
    job_id: uuid.UUID,
    row: Callable[[list[str], ImportNote], Marked],
) -> None:
    """Streams: memory does not grow with the rows."""
    with Book(file) as book:
        book.table(
            title,
            columns,
            (cells for cells, _ in _noted(sheet, job_id, row)),
            comments=(marks for _, marks in _noted(sheet, job_id, row)),
        )


def _noted(
    sheet: Sheet, job_id: uuid.UUID, row: Callable[[list[str], ImportNote], Marked]
) -> Iterator[Marked]:
    notes = notes_of(job_id)
    note = next(notes, None)
    for number, cells in sheet:
        if note is None:
            return
        if number == note.row:
            yield row(cells, note)
            note = next(notes, None)


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


class _Layout:
    """The columns of a list of households."""

    def __init__(self, head: ListHead) -> None:
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

    def row(self, cells: list[str], note: ImportNote) -> Marked:
        row = [str(cells[i]) if i < len(cells) else "" for i in self._own]
        told = [str(note.row), outcome(note), _messages(note, label_of)]
        marks = _comments(note, self._at, self._at["head_name"])
        return [*row, *told, str(note.household_id or "")], marks


_ROW, _RESULT, _MESSAGES = mark("原行号"), mark("处理结果"), mark("问题说明")
_OURS = {_ROW, _RESULT, _MESSAGES}
