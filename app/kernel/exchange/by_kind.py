"""How values of each kind of field stand in cells, in one table (``CELLS``): read, written, and what a
template says of their column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import Any

from app.core.i18n import _, translate
from app.kernel.declare import choice_lists
from app.kernel.declare.field import Field
from app.kernel.exchange.writer import Cell
from app.kernel.kinds import formats
from app.kernel.kinds.children import Rows
from app.kernel.kinds.choice import OneOf, SomeOf, YesNo
from app.kernel.kinds.date import Day
from app.kernel.kinds.kind import PerKind
from app.kernel.kinds.region import Division

_BETWEEN = re.compile("[、，,；;]")  # between the choices in one cell
_REMARK = re.compile(r"[(（].*?[)）]$")  # 低保户（A类）


class CellOf:
    """A number, a day or a text; the others say what is different."""

    def read(self, made: Field, cell: str) -> Any:
        """What a cell says, as the field parses it."""
        return cell

    def understood(self, made: Field, cell: str) -> tuple[Any, str]:
        """The value of what can be understood of a cell, and what is said of the rest."""
        try:
            return made.parse(self.read(made, cell)), ""
        except ValueError as error:
            return None, str(error)

    def writer(self, made: Field) -> Callable[[Any], Cell]:
        """What puts a value into a cell; made once, not for every row."""
        return lambda value: value

    def options(self, made: Field) -> tuple[str, ...]:
        """What a template offers in a drop-down."""
        return ()

    def note(self, made: Field) -> str:
        """What a template says of how it is filled in."""
        return ""


class _YesNo(CellOf):
    def writer(self, made: Field) -> Callable[[Any], Cell]:
        return {True: _("是"), False: _("否"), None: None}.__getitem__

    def options(self, made: Field) -> tuple[str, ...]:
        return (_("是"), _("否"))


class _Day(CellOf):
    def read(self, made: Field, cell: str) -> str:
        return formats.mend_day(cell)


class _Known(CellOf):
    """Few values between many rows: what each is called is looked up once."""

    def writer(self, made: Field) -> Callable[[Any], Cell]:
        known: dict[Any, Cell] = {None: None}

        def look_up(value: Any) -> Cell:
            if value not in known:
                known[value] = made.text(value)
            return known[value]

        return look_up


class _OneOf(_Known):
    def options(self, made: Field) -> tuple[str, ...]:
        return tuple(made.options().values())


class _SomeOf(_Known):
    def read(self, made: Field, cell: str) -> list[str]:
        # texts in other languages hold blanks
        known = {*choice_lists.by_text(made.source_list)} if made.source_list else set()
        known |= {text for word in made.words.values() for text in (word, translate(word))}
        known |= made.also.keys()
        parts = [part.strip() for part in _BETWEEN.split(cell)]
        found = [[part] if part in known else re.split(r"[/+\s]", part) for part in parts]
        words = (word for words in found for word in words if word)
        return list(dict.fromkeys(_without_remark(word, known) for word in words))

    def understood(self, made: Field, cell: str) -> tuple[Any, str]:
        values, unknown = [], []
        for word in self.read(made, cell):
            try:
                values += made.parse([word])
            except ValueError as error:
                unknown.append(str(error))
        return tuple(dict.fromkeys(values)), "".join(unknown)

    def note(self, made: Field) -> str:
        options = _("、").join(made.options().values())
        return _("可填多项，用“、”分开：%(options)s", options=options)


def _without_remark(word: str, known: Container[str]) -> str:
    bare = _REMARK.sub("", word)
    return bare if bare in known and word not in known else word


class _Division(_Known):
    def note(self, made: Field) -> str:
        return _(
            "填写行政区划全称，从省写到村，如“云南省昆明市寻甸回族自治县甸沙乡海尾村委会”；或12位代码。"
        )


class _Rows(CellOf):
    def writer(self, made: Field) -> Callable[[Any], Cell]:
        return lambda value: made.text(value) if value else None


#: A kind that is not named is what it derives from, or a number, a day or a text.
CELLS: PerKind[CellOf] = PerKind(
    CellOf(),
    {
        YesNo: _YesNo(),
        OneOf: _OneOf(),
        SomeOf: _SomeOf(),
        Day: _Day(),
        Division: _Division(),
        Rows: _Rows(),
    },
)
