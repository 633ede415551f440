"""Numbers: whole ones, years, amounts with two places, money."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import Integer, Numeric, SmallInteger
from sqlalchemy.types import TypeEngine

from app.core.i18n import mark, translate
from app.kernel.kinds import formats
from app.kernel.kinds.kind import Described, OneText, Widget

_WHOLE = re.compile("-?[0-9]+")
_AMOUNT = re.compile("-?[0-9]+(\\.[0-9]*)?")


class Number(OneText):
    """What is compared and added up as a number."""

    __slots__ = ()
    compares_as_text = False
    compares_as_number = True


class Whole(Number):
    """A whole number."""

    __slots__ = ()
    name = "integer"
    widget = Widget(mode="numeric", numeric=True)
    added_in = 1
    least: ClassVar[int | None] = None  # whatever the field says
    most: ClassVar[int | None] = None  # the largest that its column holds

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return Integer()

    def read(self, made: Described, text: str) -> int:
        plain = formats.half_width(text)
        if not _WHOLE.fullmatch(plain):
            raise ValueError(translate("请填写整数，不要带单位。"))
        if len(plain) > 10 or abs(int(plain)) > 2_000_000_000:
            raise ValueError(translate("数字过大，请核对。"))
        return int(plain)


class Year(Whole):
    """A calendar year."""

    __slots__ = ()
    name = "year"
    added_in = 0
    least, most = 1900, 2100

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return SmallInteger()

    def read(self, made: Described, text: str) -> int:
        year = super().read(made, text)
        if not self.least <= year <= self.most:
            raise ValueError(translate("年份应在 1900 至 2100 之间，请核对。"))
        return year

    def input_length(self, made: Described) -> int:
        return 4


class Amount(Number):
    """A Decimal with two places."""

    __slots__ = ()
    name = "decimal"
    widget = Widget(mode="decimal", numeric=True)
    json_text = True
    added_in = 100

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return Numeric(12, 2)

    def read(self, made: Described, text: str) -> Decimal:
        plain = formats.half_width(text).replace(",", "")
        if not _AMOUNT.fullmatch(plain):
            raise ValueError(translate("请填写数字，不要带单位。"))
        whole, _, places = plain.partition(".")
        if len(whole.lstrip("-").lstrip("0")) > 10:
            raise ValueError(translate("数字过大，请核对。"))
        if len(places.rstrip("0")) > 2:
            raise ValueError(translate("最多保留两位小数。"))
        return Decimal(plain).quantize(Decimal("0.01"))

    def text(self, made: Described, value: Any, at: Any) -> str:
        return f"{value.normalize():f}"

    def from_json(self, kept: Any) -> Decimal:
        return Decimal(kept)


class Money(Amount):
    """An amount in 元."""

    __slots__ = ()
    name = "money"
    widget = Widget(mode="decimal", numeric=True, unit=mark("元"))

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return Numeric(14, 2)

    def text(self, made: Described, value: Any, at: Any) -> str:
        return f"{value:,.2f}"


INTEGER, YEAR, DECIMAL, MONEY = Whole(), Year(), Amount(), Money()
