"""The SQL reader of :mod:`app.kernel.kinds.formats`: pure SQL on PostgreSQL, functions on SQLite."""

from __future__ import annotations

import datetime as dt
import sqlite3
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Date, Integer, and_, bindparam, case, cast, func
from sqlalchemy import literal_column as sql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement, GenericFunction

from app.core.clock import today as today_in_china
from app.core.db import on_sqlite_connect
from app.kernel.kinds import formats

Text = ColumnElement[Any]


class IdValid(GenericFunction[bool]):
    """``anju_id_valid(text, day)``: :func:`formats.id_number_valid`."""

    name = "anju_id_valid"
    type = Boolean()
    inherit_cache = True


class PhoneValid(GenericFunction[bool]):
    """``anju_phone_valid(text)``: :func:`formats.phone_valid`."""

    name = "anju_phone_valid"
    type = Boolean()
    inherit_cache = True


class AccountValid(GenericFunction[bool]):
    """``anju_account_valid(text)``: :func:`formats.account_valid`."""

    name = "anju_account_valid"
    type = Boolean()
    inherit_cache = True


class UsccValid(GenericFunction[bool]):
    """``anju_uscc_valid(text)``: :func:`formats.uscc_valid`."""

    name = "anju_uscc_valid"
    type = Boolean()
    inherit_cache = True


def id_number_valid_sql(column: Any, today: dt.date | None = None) -> ColumnElement[bool]:
    """SQL for :func:`formats.id_number_valid`; never NULL. ``today`` may be an expression."""
    day = bindparam(None, today_in_china(), Date) if today is None else today
    return IdValid(column, day)


def phone_valid_sql(column: Any) -> ColumnElement[bool]:
    """SQL for :func:`formats.phone_valid`; never NULL."""
    return PhoneValid(column)


def account_valid_sql(column: Any) -> ColumnElement[bool]:
    """SQL for :func:`formats.account_valid`; never NULL."""
    return AccountValid(column)


def uscc_valid_sql(column: Any) -> ColumnElement[bool]:
    """SQL for :func:`formats.uscc_valid`; never NULL."""
    return UsccValid(column)


@on_sqlite_connect
def register_sqlite_functions(connection: sqlite3.Connection) -> None:
    """Give one SQLite connection the predicates, by the Python that the forms use."""

    def id_valid(text: str | None, day: str) -> int:
        return int(formats.id_number_valid(text, dt.date.fromisoformat(day[:10])))

    def phone_valid(text: str | None) -> int:
        return int(formats.phone_valid(text))

    def account_valid(text: str | None) -> int:
        return int(formats.account_valid(text))

    def uscc_valid(text: str | None) -> int:
        return int(formats.uscc_valid(text))

    connection.create_function("anju_id_valid", 2, id_valid, deterministic=True)
    connection.create_function("anju_phone_valid", 1, phone_valid, deterministic=True)
    connection.create_function("anju_account_valid", 1, account_valid, deterministic=True)
    connection.create_function("anju_uscc_valid", 1, uscc_valid, deterministic=True)


@compiles(IdValid, "postgresql")
def _id_valid_postgresql(element: IdValid, compiler: Any, **kw: Any) -> str:
    text, day = element.clauses.clauses
    year, month, of_month = (
        _number(text, start, size) for start, size in ((7, 4), (11, 2), (13, 2))
    )
    leap = and_(year % 4 == 0, (year % 100 != 0) | (year % 400 == 0))
    days = case(
        (month == 2, case((leap, 29), else_=28)),
        (month.in_([4, 6, 9, 11]), 30),
        else_=31,
    )
    total = sum(_number(text, i, 1) * weight for i, weight in enumerate(formats.ID_WEIGHTS, 1))
    right = and_(
        year >= formats.OLDEST_YEAR,
        month.between(1, 12),
        of_month.between(1, days),
        _number(text, 7, 8) <= cast(func.to_char(cast(day, Date), "YYYYMMDD"), Integer),
        func.substr(formats.ID_CHECKS, 1 + total % 11, 1) == func.substr(text, 18, 1),
    )
    return _only_where(text.op("~")("^[0-9]{17}[0-9X]$"), right, compiler, kw)


@compiles(PhoneValid, "postgresql")
def _phone_valid_postgresql(element: PhoneValid, compiler: Any, **kw: Any) -> str:
    (text,) = element.clauses.clauses
    return _only_where(text.op("~")(f"^{formats.PHONE_PATTERN}$"), sql("true"), compiler, kw)


@compiles(AccountValid, "postgresql")
def _account_valid_postgresql(element: AccountValid, compiler: Any, **kw: Any) -> str:
    (text,) = element.clauses.clauses
    return _only_where(text.op("~")(f"^{formats.ACCOUNT_PATTERN}$"), sql("true"), compiler, kw)


@compiles(UsccValid, "postgresql")
def _uscc_valid_postgresql(element: UsccValid, compiler: Any, **kw: Any) -> str:
    (text,) = element.clauses.clauses
    alphabet = formats.USCC_ALPHABET
    total = sum(
        (func.strpos(alphabet, func.substr(text, i, 1)) - 1) * weight
        for i, weight in enumerate(formats.USCC_WEIGHTS, 1)
    )
    wanted = func.substr(alphabet, 1 + (31 - total % 31) % 31, 1)
    form = text.op("~")(f"^[{alphabet}]{{2}}[0-9]{{6}}[{alphabet}]{{10}}$")
    return _only_where(form, wanted == func.substr(text, 18, 1), compiler, kw)


def _number(text: Text, start: int, size: int) -> ColumnElement[int]:
    return cast(func.substr(text, start, size), Integer)


def _only_where(form: Any, right: Any, compiler: Any, kw: dict[str, Any]) -> str:
    """``right`` is evaluated only for texts of the right form: casts cannot fail, NULL is false."""
    return str(compiler.process(case((form, right), else_=sql("false")), **kw))


class DaysBetween(FunctionElement[int]):
    """How many days lie between two dates."""

    type = Integer()
    inherit_cache = True


@compiles(DaysBetween)
def _days_by_number(element: DaysBetween, compiler: Any, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(julianday({end}) - julianday({start}) AS INTEGER)"


@compiles(DaysBetween, "postgresql")
def _days_by_date(element: DaysBetween, compiler: Any, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({end} - {start})"
