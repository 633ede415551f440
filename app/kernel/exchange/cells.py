"""What stands in a cell, as text: not a digit lost, nothing computed.

A cell that cannot be taken at its word becomes :class:`Unreadable`: a formula (its shown value may
be stale, or another's), an error value, a number so long that Excel has rounded it.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Self

from app.core.i18n import mark

EXACT = 10**15
"""Excel keeps 15 significant digits; a longer number has lost its last ones."""

_FORMULA_SHOWN = 200
_QUOTED = re.compile(r'=\s*"((?:[^"]|"")*)"\s*')
_ROUNDED = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]{2,3}")
_ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"}

FORMULA = mark("公式不能导入，请改为填写数值或文字。")
ERROR_VALUE = mark("单元格是错误值，请改正。")
ROUNDED = mark("数字过长，Excel 已丢失末尾几位；请把单元格设为“文本”格式后重新填写。")


class Unreadable(str):
    """A cell that must not be imported; ``reason`` is the Chinese message that says why."""

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, shown: str, reason: str) -> Self:
        made = super().__new__(cls, shown)
        made.reason = reason
        return made


class Computed(Unreadable):
    """A formula; its text is the cell. ``shown`` is what Excel showed there when the file was saved,
    empty if it was never computed: enough for a column that is never required, to be flagged.
    """

    __slots__ = ("shown",)
    shown: str

    def __new__(cls, formula: str, shown: str = "") -> Self:
        made = super().__new__(cls, formula[:_FORMULA_SHOWN], FORMULA)
        made.shown = shown
        return made


def computed(formula: str, shown: str) -> str:
    """A formula's cell; ``="6110…"`` only says that its content is text."""
    if plain := _QUOTED.fullmatch(formula):
        return plain[1].replace('""', '"')
    return Computed(formula, shown)


def as_text(value: object) -> str:
    """What a person sees in the cell, as text; :class:`Unreadable` where that cannot be trusted."""
    if isinstance(value, str):
        if value.isdigit() or (value.isalnum() and not value.isascii()):
            return value  # numbers as text and Chinese words: most cells
        if value.startswith("="):
            return computed(value, "")
        if value in _ERRORS:
            return Unreadable(value, ERROR_VALUE)
        return Unreadable(value, ROUNDED) if _ROUNDED.fullmatch(value) else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number_text(float(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def number_text(value: float) -> str:
    """A number as Excel shows it, with the 15 digits that it keeps: 85.49999999999999 is 85.5."""
    if value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    if not abs(value) < EXACT:  # nor is it a number at all
        return Unreadable(repr(value), ROUNDED)
    text = f"{value:.15g}"
    return f"{Decimal(text):f}" if "e" in text else text
