"""A day."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from sqlalchemy import Date
from sqlalchemy.types import TypeEngine

from app.core.i18n import translate
from app.kernel.kinds import formats
from app.kernel.kinds.kind import Described, OneText, Widget

_COMPACT = re.compile("[0-9]{8}")


class Day(OneText):
    """Without a time; from 1900 to 2100."""

    __slots__ = ()
    name = "date"
    widget = Widget(type="date")
    cell = "date"
    json_text = True

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return Date()

    def read(self, made: Described, text: str) -> dt.date:
        cleaned = formats.half_width(text)
        if _COMPACT.fullmatch(cleaned):
            cleaned = f"{cleaned[:4]}-{cleaned[4:6]}-{cleaned[6:]}"
        for mark in "年月./":
            cleaned = cleaned.replace(mark, "-")
        try:
            year, month, day = (int(part) for part in cleaned.replace("日", "").split("-"))
            value = dt.date(year, month, day)
        except ValueError:
            raise ValueError(translate("请填写日期，例如 2024-09-07。")) from None
        if not 1900 <= value.year <= 2100:
            raise ValueError(translate("年份应在 1900 至 2100 之间，请核对。"))
        return value

    def text(self, made: Described, value: Any, at: Any) -> str:
        return str(value.isoformat())

    def from_json(self, kept: Any) -> dt.date:
        return dt.date.fromisoformat(kept)


DATE = Day()
