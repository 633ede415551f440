"""The official sheet of a register whose records users make (``Creates.sheet``): its columns in their groups, one
below the other the same in the template, in what is exported and in what is imported.

A column is a division of the row's place or a field; files stand there as their number and are not read. A
field that may say that there is none (``none``) has one column for that and its reason: 无（未办理）.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.core.db import db
from app.core.i18n import _, translate
from app.kernel.declare.field import Field
from app.kernel.declare.groups import Sheet
from app.kernel.declare.register import Register
from app.kernel.exchange.by_kind import CELLS
from app.kernel.exchange.places import PLACES
from app.kernel.exchange.writer import Cell, Column
from app.kernel.kinds import formats
from app.kernel.rows.file import Attachment

_WIDTH = 16


@dataclass(frozen=True)
class Official:
    """One column: ``head`` is Chinese, as it is printed; ``made`` the field, of a division None."""

    name: str
    section: str
    head: str
    made: Field | None = None

    @property
    def is_file(self) -> bool:
        """Stands a number there that nobody reads?"""
        return self.made is not None and not self.made.stored


def sheet_of(register: Register) -> Sheet | None:
    """The official sheet, if the register has one."""
    return register.creates.sheet if register.creates else None


def columns(register: Register) -> list[Official]:
    """Its columns in order; none of a register without one."""
    sheet = sheet_of(register)
    if sheet is None:
        return []
    left_out = {*sheet.leaves_out.split(), *told_beside(register)}
    found = []
    for number, section in enumerate(register.sections):
        if not number:
            places = zip(PLACES, sheet.places, strict=True)
            found += [Official(name, section.title, head) for name, head in places]
        for name in section.fields:
            made = register.fields[name]
            if name not in left_out and (made.typed or _is_photo(made)):
                head = f"{made.label}（{made.unit}）" if made.unit else made.label
                found.append(Official(name, section.title, head, made))
    return found


def told_beside(register: Register) -> Iterator[str]:
    """Fields that have no column or cell of their own: another one's says it."""
    for made in register.fields.values():
        if made.none is not None:
            yield made.none.name
        if made.why is not None:
            yield made.why.name


def _is_photo(made: Field) -> bool:
    return made.accept == "photo"


def heads(register: Register) -> list[Column]:
    """The columns as a sheet has them, with what a template says of each."""
    return [
        Column(
            (one.section, one.head),  # Chinese in every language: the import reads them
            _WIDTH,
            CELLS[one.made.kind].options(one.made) if one.made else (),
            _note(one),
            required=False,
        )
        for one in columns(register)
    ]


def _note(one: Official) -> str:
    made = one.made
    if made is None:
        return ""
    notes = [translate(made.help)] if made.help else []
    if note := CELLS[made.kind].note(made):
        notes.append(note)
    if made.accept:
        notes.append(_("照片请在系统中上传；导出时这里是张数，导入时不读取。"))
    if made.none is not None:
        example = formats.none_text("未办理")
        notes.append(_("没有的在括号里说明原因，如：%(example)s。", example=example))
    return "\n".join(notes)


# ---- rows ----------------------------------------------------------------------------------------

_Row = Sequence[Any]
_Counts = Mapping[tuple[uuid.UUID, str], int]
_Cell = Callable[[_Row, _Counts], Cell]


class Rows:
    """Makes cells of rows: those of the fields that :attr:`names` names, after the row's key."""

    def __init__(self, register: Register) -> None:
        self._register = register
        fields = [one.made for one in columns(register) if one.made is not None]
        self._files = [made.name for made in fields if not made.stored]
        beside = [one for made in fields for one in (made.none, made.why) if one is not None]
        self.names = tuple(dict.fromkeys(made.name for made in (*fields, *beside) if made.stored))
        self._cells = [self._cell(made) for made in fields]

    def cells(self, rows: Sequence[_Row]) -> Iterator[list[Cell]]:
        """Rows begin with the key."""
        counts = self._counts([row[0] for row in rows]) if self._files else {}
        for row in rows:
            yield [cell(row, counts) for cell in self._cells]

    def _cell(self, made: Field) -> _Cell:
        name = made.name
        if not made.stored:
            return lambda row, counts: counts.get((row[0], name))
        write, at = CELLS[made.kind].writer(made), self.names.index(name) + 1
        if made.none is None:
            return lambda row, _counts: write(row[at])
        none_at = self.names.index(made.none.name) + 1
        why_at = self.names.index(made.why.name) + 1 if made.why else none_at

        def number(row: _Row, _counts: _Counts) -> Cell:
            if row[at] is None and row[none_at]:
                return formats.none_text(row[why_at] if made.why else "")
            return write(row[at])

        return number

    def _counts(self, keys: Sequence[uuid.UUID]) -> _Counts:
        """How many files the records have of each field."""
        query = select(Attachment.record_id, Attachment.field, func.count()).where(
            Attachment.record_id.in_(keys), Attachment.field.in_(self._files)
        )
        found = db.session.execute(query.group_by(Attachment.record_id, Attachment.field))
        return {(key, name): n for key, name, n in found}
