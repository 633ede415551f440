"""Which rules a record breaks, kept with it (``Quality.kept``): set at each save and step, and when its
files come or go. What was judged by other rules, or on another day, a job judges again
(:mod:`app.kernel.figures.rejudging`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, case, literal, null, or_, type_coerce

from app.kernel.declare.flow import State
from app.kernel.declare.quality import BROKEN, SEVERITIES
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Evaluation
from app.kernel.declare.terms import Columns


def judge(register: Register, row: Any, result: Evaluation) -> None:
    """Keep with the row what the rules say of it."""
    _keep(register, row, codes(register, result))


def codes(register: Register, result: Evaluation) -> tuple[str, ...]:
    """The rules that are broken, in the order of the form."""
    return register.rules.ordered(problem.code for problem in result.problems)


def forget(register: Register, row: Any) -> None:
    """Nothing is entered any more that could break a rule."""
    if register.quality.kept:
        _keep(register, row, ())


def _keep(register: Register, row: Any, found: tuple[str, ...]) -> None:
    for name, value in ((BROKEN, found), (SEVERITIES, register.rules.severities(found))):
        if tuple(getattr(row, name) or ()) != value:
            setattr(row, name, value)


def in_sql(register: Register, model: Any, columns: Columns) -> ColumnElement[str]:
    """What :func:`judge` would keep of a stored record, as its column holds it: NULL where it breaks no
    rule. ``columns`` read the ``model``, or an alias of it. Records with rows of children are judged by Python
    alone (:func:`by_python`).
    """
    found = register.rules.violations(columns)
    text: ColumnElement[str] = literal("")
    for code in register.rules.ordered(found):
        text = text + case((found[code], literal(f"{code},")), else_=literal(""))
    codes = case((text != "", literal(",") + text), else_=null())
    if "state" in model.__fields__:
        codes = case((model.state == State.MISSING, null()), else_=codes)
    return type_coerce(codes, Text)


def by_python(register: Register, columns: Columns) -> ColumnElement[bool]:
    """The records with rows of children, whose rules no SQL reads."""
    return or_(False, *(columns(f"?{name}") for name in register.rules.of_rows))
