"""Numbers of persons, firms and accounts: mended to the official spelling, judged by a rule that Python,
SQL and scripts read alike, masked in lists. See :mod:`app.kernel.kinds.formats`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import ColumnElement

from app.core.clock import today
from app.core.i18n import mark
from app.kernel.kinds import formats, formats_sql
from app.kernel.kinds.kind import Described, Widget
from app.kernel.kinds.text import Text


class Identity(Text):
    """``scripts``' ``isValid`` in form/rules.js must know the name of each."""

    __slots__ = ()
    longest: ClassVar[int]  # characters of a stored one
    wrong: ClassVar[str]  # said of one that is not valid
    masked: ClassVar[bool] = True  # in lists, unless a field says otherwise

    def input_length(self, made: Described) -> int:
        return self.longest + 6

    def explain(self, value: str) -> str:
        """A better message for the very value than ``wrong``; empty where there is none."""
        return ""


class IdNumber(Identity):
    """A resident identity number (GB 11643)."""

    __slots__ = ()
    name = "id_number"
    widget = Widget(length=24, words=False)
    names_person = True
    longest = 18
    wrong = mark("身份证号不正确，请核对。")

    def mend(self, text: str) -> str:
        return formats.mend_id_number(text)

    def valid(self, text: str) -> bool:
        return formats.id_number_valid(text, today())

    def valid_sql(self, column: Any) -> ColumnElement[bool]:
        return formats_sql.id_number_valid_sql(column, today())

    def mask(self, value: str) -> str:
        return formats.mask_id(value)

    def explain(self, value: str) -> str:
        problem = formats.id_number_problem(value, today())
        return str(problem.message) if problem else ""


class Phone(Identity):
    """A mobile or fixed-line number."""

    __slots__ = ()
    name = "phone"
    widget = Widget(type="tel")
    longest = 32
    wrong = mark("电话号码不正确，请填写 11 位手机号，或区号-号码。")

    def mend(self, text: str) -> str:
        return formats.mend_phone(text)

    def valid(self, text: str) -> bool:
        return formats.phone_valid(text)

    def valid_sql(self, column: Any) -> ColumnElement[bool]:
        return formats_sql.phone_valid_sql(column)


class Uscc(Identity):
    """A unified social credit code (GB 32100): public, never masked."""

    __slots__ = ()
    name = "uscc"
    widget = Widget(length=24, words=False)
    longest = 18
    wrong = mark("统一社会信用代码不正确，请核对 18 位代码。")
    masked = False

    def mend(self, text: str) -> str:
        return formats.mend_uscc(text)

    def valid(self, text: str) -> bool:
        return formats.uscc_valid(text)

    def valid_sql(self, column: Any) -> ColumnElement[bool]:
        return formats_sql.uscc_valid_sql(column)


class Account(Identity):
    """The number of a bank account."""

    __slots__ = ()
    name = "account"
    longest = 30
    wrong = mark("银行账号应为 8 至 30 位数字，请核对。")

    def mend(self, text: str) -> str:
        return formats.mend_account(text)

    def valid(self, text: str) -> bool:
        return formats.account_valid(text)

    def valid_sql(self, column: Any) -> ColumnElement[bool]:
        return formats_sql.account_valid_sql(column)

    def input_length(self, made: Described) -> int:
        return self.longest + 12  # in groups of four


ID_NUMBER, PHONE, USCC, ACCOUNT = IdNumber(), Phone(), Uscc(), Account()
