"""Answers that are chosen: yes or no, one of a list, several of a list.

What may be chosen, and in which words, the field knows (``code_of``, ``label_of``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, func, or_, type_coerce
from sqlalchemy.types import TypeEngine

from app.core.i18n import mark, translate
from app.core.types import CodeSetType, CodeType, NfcText
from app.kernel.kinds.kind import Described, Kind, OneText, Widget

_ASKS = mark("请选择%(label)s。")


class YesNo(OneText):
    """是 or 否; None until one is chosen."""

    __slots__ = ()
    name = "yes_no"
    asks = _ASKS
    widget = Widget("yes_no", grouped=True)
    picked = True
    speaks = False  # 否 alone says nothing

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return Boolean()

    def read(self, made: Described, text: str) -> bool:
        if text in ("yes", "是", translate("是")):
            return True
        if text in ("no", "否", translate("否")):
            return False
        raise ValueError(translate("请选择“是”或“否”。"))

    def text(self, made: Described, value: Any, at: dt.datetime | None) -> str:
        return translate("是") if value else translate("否")


class OneOf(OneText):
    """One of a code enum or of a list of the ministry's."""

    __slots__ = ()
    name = "choice"
    asks = _ASKS
    widget = Widget("select")
    picked = True

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return CodeType(made.choices) if made.choices else NfcText(32)

    def read(self, made: Described, text: str) -> Any:
        return made.code_of(text)

    def text(self, made: Described, value: Any, at: dt.datetime | None) -> str:
        return made.label_of(value, at)

    def choices_in(self, made: Described, value: Any) -> Iterator[tuple[Described, str]]:
        if value and made.source_list:
            yield made, str(value)


class SomeOf(Kind):
    """Several of them: a tuple, in the order in which they were said."""

    __slots__ = ()
    name = "many"
    asks = _ASKS
    widget = Widget("checks", wide=True, grouped=True)
    several = True
    picked = True
    compares_as_text = False

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return CodeSetType()

    def among(self, column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
        return or_(*(holds(column, code) for code in values))

    def parse(self, made: Described, raw: Any) -> tuple[Any, ...]:
        items = raw if isinstance(raw, list | tuple) else [raw]
        return tuple(made.code_of(str(i)) for i in items if str(i or "").strip())

    def text(self, made: Described, value: Any, at: dt.datetime | None) -> str:
        return translate("、").join(made.label_of(code, at) for code in value)

    def as_typed(self, typed: Any) -> str:
        return translate("、").join(typed)

    def choices_in(self, made: Described, value: Any) -> Iterator[tuple[Described, str]]:
        if made.source_list:
            yield from ((made, str(code)) for code in value or ())


class Codes(SomeOf):
    """Several of what the program itself names: as many as there are."""

    __slots__ = ()
    name = "codes"
    widget = Widget("checks", scripts="many", wide=True, grouped=True)

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return CodeSetType(None)


def holds(column: Any, code: Any) -> ColumnElement[bool]:
    """SQL: is the code among several? Not LIKE: on SQLite that takes "a" for "A"."""
    text = type_coerce(column, String)
    return func.replace(text, f",{code},", "") != text


YES_NO, CHOICE, MANY, CODES = YesNo(), OneOf(), SomeOf(), Codes()
