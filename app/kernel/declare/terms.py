"""The values that conditions compare: fields, constants, and what is worked out from them, read three ways."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, reduce
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, extract, func, literal

from app.core.clock import today
from app.kernel.kinds.formats_sql import DaysBetween
from app.kernel.kinds.values import is_missing, to_json

#: The values of a record by the names of its fields.
Values = Mapping[str, Any]
#: The columns of a statement by the names of fields; ``#name`` is how many rows or files there are.
Columns = Callable[[str], ColumnElement[Any]]


class Term(ABC):
    """A value: a field, a constant, or something computed from them."""

    @abstractmethod
    def python(self, values: Values) -> Any: ...

    @abstractmethod
    def js(self) -> list[Any]: ...

    @abstractmethod
    def sql(self, columns: Columns) -> ColumnElement[Any]: ...

    @abstractmethod
    def names(self) -> set[str]: ...

    def plus(self, amount: int | Term) -> Plus:
        return Plus(self, amount)

    def times(self, number: int | Term) -> Times:
        return Times(self, number)

    @property
    def year(self) -> Year:
        return Year(self)


@dataclass(frozen=True, eq=False)
class Ref(Term):
    """The value of a field."""

    field: Any  # Field or name; a Field learns its name when its class is made

    @cached_property
    def name(self) -> str:
        return self.field if isinstance(self.field, str) else str(self.field.name)

    def python(self, values: Values) -> Any:
        value = values.get(self.name)
        return None if is_missing(value) else value

    def js(self) -> list[Any]:
        return ["field", self.name]

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return columns(self.name)

    def names(self) -> set[str]:
        return {self.name}


@dataclass(frozen=True, eq=False)
class Const(Term):
    """A constant: number, date, text or enum member."""

    value: Any  # a day, a number, a code

    def python(self, values: Values) -> Any:
        return self.value

    def js(self) -> list[Any]:
        value = self.value
        return [
            "const",
            value if isinstance(value, int) and not isinstance(value, bool) else to_json(value),
        ]

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return literal(self.value)

    def names(self) -> set[str]:
        return set()


@dataclass(frozen=True, eq=False)
class Today(Term):
    """The present day. Only for values that are entered today, never for old records' rules."""

    def python(self, values: Values) -> dt.date:
        return today()

    def js(self) -> list[Any]:
        return ["const", today().isoformat()]

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return literal(today())

    def names(self) -> set[str]:
        return set()


@dataclass(frozen=True, eq=False)
class Year(Term):
    """The calendar year of a date."""

    of: Term  # a day

    def python(self, values: Values) -> int | None:
        value = self.of.python(values)
        return None if value is None else int(value.year)

    def js(self) -> list[Any]:
        return ["year", self.of.js()]

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return cast(extract("year", self.of.sql(columns)), Integer)

    def names(self) -> set[str]:
        return self.of.names()


@dataclass(frozen=True, eq=False)
class Plus(Term):
    """A number and another one."""

    of: Term  # a number or a day
    amount: int | Term  # is added, a fact maybe; days to a day

    def python(self, values: Values) -> Any:
        value = self.of.python(values)
        return None if value is None else value + term(self.amount).python(values)

    def js(self) -> list[Any]:
        return ["plus", self.of.js(), term(self.amount).js()]

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return self.of.sql(columns) + term(self.amount).sql(columns)

    def names(self) -> set[str]:
        return self.of.names() | term(self.amount).names()


@dataclass(frozen=True, eq=False)
class Times(Term):
    """A number so many times."""

    of: Term  # a whole number
    by: int | Term  # so many, a fact maybe

    def python(self, values: Values) -> Any:
        value = self.of.python(values)
        return None if value is None else value * term(self.by).python(values)

    def js(self) -> list[Any]:
        return ["times", self.of.js(), term(self.by).js()]

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return self.of.sql(columns) * term(self.by).sql(columns)

    def names(self) -> set[str]:
        return self.of.names() | term(self.by).names()


@dataclass(frozen=True, eq=False)
class Sum(Term):
    """Amounts added up; what is missing counts as nothing."""

    parts: tuple[Term, ...]  # amounts with two places

    def python(self, values: Values) -> Decimal:
        given = (part.python(values) for part in self.parts)
        return sum((Decimal(value) for value in given if value is not None), Decimal(0))

    def js(self) -> list[Any]:
        return ["total", ["const", 0], *(part.js() for part in self.parts)]

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        given = (func.coalesce(part.sql(columns), 0) for part in self.parts)
        return func.round(reduce(add, given), 2)  # SQLite keeps amounts as floats

    def names(self) -> set[str]:
        return set().union(*(part.names() for part in self.parts))


@dataclass(frozen=True, eq=False)
class Between(Term):
    """How many days lie between two dates."""

    start: Term  # the first day
    end: Term  # the later one

    def python(self, values: Values) -> int | None:
        start, end = self.start.python(values), self.end.python(values)
        return None if start is None or end is None else int((end - start).days)

    def js(self) -> list[Any]:
        return ["days", self.start.js(), self.end.js()]

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return DaysBetween(self.start.sql(columns), self.end.sql(columns))

    def names(self) -> set[str]:
        return self.start.names() | self.end.names()


@dataclass(frozen=True, eq=False)
class Count(Ref):
    """How many children (rows, photos) a field has; none is 0, not missing."""

    def python(self, values: Values) -> int:
        return len(values.get(self.name) or ())

    def js(self) -> list[Any]:
        return ["count", self.name]

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return columns("#" + self.name)


def term(value: Any) -> Term:
    """A term from a term, a field, or a constant."""
    if isinstance(value, Term):
        return value
    return value.operand if hasattr(value, "operand") else Const(value)
