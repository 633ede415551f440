"""Small conditions over named fields, read three ways: Python, JavaScript data, SQL.

Semantics, the same for all readers: a test on a missing value (None, empty text, empty list) is
false; ``~`` is the plain complement. So ``~grade.is_("A")`` holds for a record without a grade.
Operands are names, so that a condition can be written before its class is mapped.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true

from app.access import settings
from app.kernel.declare.terms import Columns, Const, Ref, Term, Values
from app.kernel.kinds.choice import holds
from app.kernel.kinds.kind import Kind
from app.kernel.kinds.values import is_missing, to_json

#: What the name of a fact begins with: no field's does; and that of a rule over other records.
FACT, KEPT = "@", "@kept:"


@dataclass(frozen=True, eq=False)
class Fact(Term):
    """What is so of a record though nothing of it says so: what a setting says where it lies, whether it lies
    in a province, whether others say the same (:mod:`app.kernel.rows.facts` knows how).
    """

    what: str  # "archive.fast_days": a setting; "within:65": a province; "kept:phone.shared": a finding
    otherwise: Any  # where nobody knows

    @property
    def name(self) -> str:
        """Among the values of a record."""
        return FACT + self.what

    @property
    def yes(self) -> Expr:
        """It is so."""
        return Compare("eq", self, Const(True))

    def python(self, values: Values) -> Any:
        return values.get(self.name, self.otherwise)

    def js(self) -> list[Any]:
        return ["fact", self.name, Const(self.otherwise).js()[1]]

    def sql(self, columns: Columns) -> ColumnElement[Any]:
        return func.coalesce(columns(self.name), self.otherwise)

    def names(self) -> set[str]:
        return {self.name}


def setting(name: str) -> Fact:
    """What a declared setting says in the division where the record lies; yes/no ones and numbers."""
    return Fact(name, settings.get(name).default)


def within(*codes: str) -> Expr:
    """The record lies in one of these provinces, by their codes of two digits: ``within("65", "66")``."""
    return Or(tuple(Fact(f"within:{code}", False).yes for code in codes))


class Expr(ABC):
    """A condition. ``test`` never raises on missing values."""

    @abstractmethod
    def test(self, values: Values) -> bool: ...

    @abstractmethod
    def js(self) -> list[Any]: ...

    @abstractmethod
    def sql(self, columns: Columns) -> ColumnElement[bool]:
        """True where the test holds; NULL or false where not (see :class:`Not`)."""

    @abstractmethod
    def names(self) -> set[str]: ...

    def holds_of(self, row: Any) -> bool:
        """The test of a record as it stands in its row."""
        return self.test({name: getattr(row, name) for name in self.names()})

    def __and__(self, other: Expr) -> Expr:
        return And((self, other))

    def __or__(self, other: Expr) -> Expr:
        return Or((self, other))

    def __invert__(self) -> Expr:
        return Not(self)


@dataclass(frozen=True, eq=False)
class In(Expr):
    """The field's value is one of some."""

    field: Ref  # whose value is asked
    values: tuple[Any, ...]  # one of these

    def test(self, values: Values) -> bool:
        value = self.field.python(values)
        return value is not None and value in self.values

    def js(self) -> list[Any]:
        options = [to_json(v) for v in self.values]
        if len(options) == 1:
            return ["is", self.field.name, options[0]]
        return ["in", self.field.name, options]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        column = self.field.sql(columns)
        return column == self.values[0] if len(self.values) == 1 else column.in_(self.values)

    def names(self) -> set[str]:
        return self.field.names()


@dataclass(frozen=True, eq=False)
class Has(Expr):
    """A many-choice contains a code."""

    field: Ref  # of several codes
    code: Any  # is among them

    def test(self, values: Values) -> bool:
        return str(self.code) in map(str, values.get(self.field.name) or ())

    def js(self) -> list[Any]:
        return ["has", self.field.name, to_json(self.code)]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return holds(self.field.sql(columns), self.code)

    def names(self) -> set[str]:
        return self.field.names()


@dataclass(frozen=True, eq=False)
class Given(Expr):
    """The field has a value (children: at least one)."""

    field: Ref  # says anything

    def test(self, values: Values) -> bool:
        return not is_missing(values.get(self.field.name))

    def js(self) -> list[Any]:
        return ["given", self.field.name]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return columns("?" + self.field.name)

    def names(self) -> set[str]:
        return self.field.names()


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


@dataclass(frozen=True, eq=False)
class Compare(Expr):
    """Two values in order; false when one of them is missing."""

    op: str  # eq lt le gt ge
    left: Term  # false where it is missing
    right: Term  # … or this

    def test(self, values: Values) -> bool:
        left, right = self.left.python(values), self.right.python(values)
        return left is not None and right is not None and bool(_COMPARE[self.op](left, right))

    def js(self) -> list[Any]:
        return [self.op, self.left.js(), self.right.js()]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        result: ColumnElement[bool] = _COMPARE[self.op](
            self.left.sql(columns), self.right.sql(columns)
        )
        return result

    def names(self) -> set[str]:
        return self.left.names() | self.right.names()


@dataclass(frozen=True, eq=False)
class Valid(Expr):
    """The text is a valid ID number, phone or unified social credit code."""

    kind: Kind  # says what is right
    field: Ref  # its text is

    def test(self, values: Values) -> bool:
        value = self.field.python(values)
        return value is not None and self.kind.valid(str(value))

    def js(self) -> list[Any]:
        return ["valid", self.kind.known_as, self.field.name]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return self.kind.valid_sql(self.field.sql(columns))

    def names(self) -> set[str]:
        return self.field.names()


@dataclass(frozen=True, eq=False)
class And(Expr):
    """All of them."""

    parts: tuple[Expr, ...]  # all of these

    def test(self, values: Values) -> bool:
        return all(part.test(values) for part in self.parts)

    def js(self) -> list[Any]:
        return ["and", *(part.js() for part in self.parts)] if self.parts else ["true"]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return and_(true(), *(part.sql(columns) for part in self.parts))

    def names(self) -> set[str]:
        return set().union(*(part.names() for part in self.parts))

    def __and__(self, other: Expr) -> Expr:
        return And((*self.parts, other))


@dataclass(frozen=True, eq=False)
class Or(Expr):
    """At least one of them."""

    parts: tuple[Expr, ...]  # any of these

    def test(self, values: Values) -> bool:
        return any(part.test(values) for part in self.parts)

    def js(self) -> list[Any]:
        return ["or", *(part.js() for part in self.parts)] if self.parts else ["false"]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return or_(false(), *(part.sql(columns) for part in self.parts))

    def names(self) -> set[str]:
        return set().union(*(part.names() for part in self.parts))


@dataclass(frozen=True, eq=False)
class Not(Expr):
    """The complement; in SQL an unknown test counts as false before it is turned round."""

    part: Expr  # does not hold

    def test(self, values: Values) -> bool:
        return not self.part.test(values)

    def js(self) -> list[Any]:
        return ["not", self.part.js()]

    def sql(self, columns: Columns) -> ColumnElement[bool]:
        return not_(func.coalesce(self.part.sql(columns), false()))

    def names(self) -> set[str]:
        return self.part.names()

    def __invert__(self) -> Expr:
        return self.part


ALWAYS: Expr = And(())
NEVER: Expr = Or(())
