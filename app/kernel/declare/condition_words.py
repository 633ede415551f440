"""A condition of a declaration in words: "现住房情况为自有农村住房，且是否死亡销户为否"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.i18n import _, translate
from app.kernel.declare.expressions import And, Compare, Expr, Fact, Given, Has, In, Not, Or, Valid
from app.kernel.declare.field import Field
from app.kernel.declare.terms import Between, Const, Count, Plus, Ref, Sum, Term, Times, Today, Year
from app.kernel.declare.terms import term as as_term

_SIGNS = {"eq": "=", "lt": "<", "le": "≤", "gt": ">", "ge": "≥"}


def describe(condition: Expr, fields: Mapping[str, Field]) -> str:
    """The condition in the user's language; empty where it always holds."""
    if isinstance(condition, And):
        return _("，且").join(_inner(part, fields) for part in condition.parts)
    if isinstance(condition, Or):
        return _("，或").join(_inner(part, fields) for part in condition.parts)
    if isinstance(condition, Not):
        return _("不满足“%(what)s”", what=describe(condition.part, fields))
    if isinstance(condition, In):
        texts = _("、").join(_text(condition.field, v, fields) for v in condition.values)
        return _("%(label)s为%(value)s", label=_term(condition.field, fields), value=texts)
    if isinstance(condition, Has):
        text = _text(condition.field, condition.code, fields)
        return _("%(label)s含%(value)s", label=_term(condition.field, fields), value=text)
    if isinstance(condition, Given):
        return _("已填写%(label)s", label=_term(condition.field, fields))
    if isinstance(condition, Valid):
        return _("%(label)s格式正确", label=_term(condition.field, fields))
    if isinstance(condition, Compare):
        left, right = _term(condition.left, fields), _term(condition.right, fields)
        return f"{left} {_SIGNS[condition.op]} {right}"
    raise TypeError(f"no words for {type(condition).__name__}")


def _inner(part: Expr, fields: Mapping[str, Field]) -> str:
    text = describe(part, fields)
    joined = isinstance(part, And | Or) and len(part.parts) > 1
    return _("（%(what)s）", what=text) if joined else text


def _term(term: Term, fields: Mapping[str, Field]) -> str:
    if isinstance(term, Count):
        return _("%(label)s的个数", label=_label(term.name, fields))
    if isinstance(term, Ref):
        return _label(term.name, fields)
    if isinstance(term, Year):
        return _("%(label)s的年份", label=_term(term.of, fields))
    if isinstance(term, Fact):
        return _("参数“%(what)s”", what=term.what)
    if isinstance(term, Plus):
        return f"{_term(term.of, fields)} + {_term(as_term(term.amount), fields)}"
    if isinstance(term, Times):
        return f"{_term(term.of, fields)} × {_term(as_term(term.by), fields)}"
    if isinstance(term, Sum):
        return " + ".join(_term(part, fields) for part in term.parts)
    if isinstance(term, Between):
        start, end = _term(term.start, fields), _term(term.end, fields)
        return _("%(start)s至%(end)s的天数", start=start, end=end)
    if isinstance(term, Today):
        return _("今天")
    if isinstance(term, Const):
        return str(term.value)
    raise TypeError(f"no words for {type(term).__name__}")


def _label(name: str, fields: Mapping[str, Field]) -> str:
    made = fields.get(name)
    return translate(made.label) if made else name


def _text(ref: Ref, value: Any, fields: Mapping[str, Field]) -> str:
    made = fields.get(ref.name)
    return made.text((value,) if made.kind.several else value) if made else str(value)
