"""What stands in a cell, as text: not a digit lost, nothing computed.

A cell that cannot be taken at its word becomes :class:`Unreadable`: a formula (its shown value may
be stale, or another's), an error value, a number so long that Excel has rounded it.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Self

from app.core.i18n import mark

EXACT = 10**15
"""Excel keeps 15 significant digits; a longer number has lost its last ones."""

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


def as_text(value: object) -> str:
    """What a person sees in the cell, as text; :class:`Unreadable` where that cannot be trusted."""
    if isinstance(value, str):
        if value.isdigit() or (value.isalnum() and not value.isascii()):
            return value  # numbers as text and Chinese words: most cells
        if value.startswith("="):
            return Unreadable(value[:200], FORMULA)
        if value in _ERRORS:
            return Unreadable(value, ERROR_VALUE)
        return Unreadable(value, ROUNDED) if _ROUNDED.fullmatch(value) else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        if abs(value) >= EXACT or math.isnan(value):
            return Unreadable(repr(value), ROUNDED)
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)
