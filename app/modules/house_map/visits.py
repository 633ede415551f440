"""需入户核实: when a house must be visited before it is judged, and why (2024 guideline §三（四）).

Each reason is a condition over what the survey says and what was known before (``prior.<field>``: the
latest earlier result that says it), read in Python for one record and in SQL to find all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, select, union

from app.core.i18n import _, mark, translate
from app.kernel.declare.expressions import And, Compare, Expr, Given, In, Or
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.declare.terms import Columns, Const, Ref
from app.kernel.kinds.values import is_missing
from app.kernel.rows.household import SearchKey
from app.kernel.rows.reading import columns_of, values_of
from app.modules.homes.house import APPRAISALS_FROM, House
from app.modules.house_map.earlier.facts import PriorFact, of_this_house

_PRIOR = "prior."
#: 重要信息: without them nobody can judge a house from papers.
KEY_FACTS = ("structure", "year_built", "storeys", "floor_area")


@dataclass(frozen=True)
class Reason:
    """Why somebody has to go there. ``say`` completes the text with the record's values."""

    code: str
    where: Expr
    say: Callable[[Mapping[str, Any]], str]


def _unknown(name: str) -> Expr:
    return ~(Given(Ref(name)) | Given(Ref(_PRIOR + name)))


def _since(name: str) -> Expr:
    return Compare("ge", Ref(name), Const(APPRAISALS_FROM))


def _missing_text(values: Mapping[str, Any]) -> str:
    fields = House.__fields__
    names = [translate(fields[n].label) for n in KEY_FACTS if _unknown(n).test(values)]
    return _("房屋重要信息缺失（%(names)s）", names=_("、").join(names))


def _changed_text(values: Mapping[str, Any]) -> str:
    grade = values[_PRIOR + "grade"]
    return _("与以往结论不一致（以往为%(grade)s）", grade=grade.label)


REASONS = (
    Reason("missing", Or(tuple(_unknown(name) for name in KEY_FACTS)), _missing_text),
    Reason(
        "unjudged",
        ~(_since("judged_on") | _since(_PRIOR + "judged_on")),
        lambda _values: translate(mark("没有2021年以后的安全鉴定或评估")),
    ),
    Reason(
        "changed",
        Given(Ref("grade"))
        & Given(Ref(_PRIOR + "grade"))
        & ~Compare("eq", Ref("grade"), Ref(_PRIOR + "grade")),
        _changed_text,
    ),
)


def applies(register: Register) -> Expr:
    """Where there is a house to judge still: nothing entered yet, or an own house not yet approved."""
    entered = register.rules.shown[KEY_FACTS[0]] & ~In(Ref("state"), (State.APPROVED,))
    return In(Ref("state"), (State.MISSING,)) | entered


def reasons(
    register: Register, record: Any, known: Sequence[PriorFact], before: Any = None
) -> list[str]:
    """Why the record's house must be visited, in words; ``known`` are its earlier results. ``before``
    is the record whose facts the form takes over, where this one says nothing yet.
    """
    if not issubclass(register.model, House):
        return []
    values = values_of(record) | _latest(known)
    if before is not None:
        said = values_of(before)
        if not register.rules.shown[KEY_FACTS[0]].test(said):
            return []  # it told of no house
        values |= {name: said[name] for name in (*KEY_FACTS, "judged_on", "grade")}
    if not applies(register).test(values):
        return []
    return [reason.say(values) for reason in REASONS if reason.where.test(values)]


def needed(register: Register) -> ColumnElement[bool]:
    """The same as a condition over the register's rows."""
    columns = _columns(register)
    return And((applies(register), Or(tuple(r.where for r in REASONS)))).sql(columns)


def _latest(known: Sequence[PriorFact]) -> dict[str, Any]:
    """``prior.<field>`` of earlier results, which come with the latest first."""
    found: dict[str, Any] = {}
    for row in known:
        said = {name: getattr(row, name) for name in (*KEY_FACTS, "grade")}
        said["judged_on"] = row.found_on if row.grade is not None else None
        for name, value in said.items():
            if not is_missing(value):
                found.setdefault(_PRIOR + name, value)
    return found


def _columns(register: Register) -> Columns:
    own, model = columns_of(register.model, register.name), register.model
    numbers = select(SearchKey.value).where(SearchKey.household_id == model.household_id)
    of_home = select(PriorFact.id).where(PriorFact.id_number.in_(numbers.correlate(model)))
    of_house = select(PriorFact.id).where(PriorFact.parcel_number == model.parcel_number)
    about = PriorFact.id.in_(union(of_home.correlate(model), of_house.correlate(model)))

    def lookup(name: str) -> ColumnElement[Any]:
        plain = name.lstrip("?#")
        if not plain.startswith(_PRIOR):
            return own(name)
        asked = plain.removeprefix(_PRIOR)
        given: Any = PriorFact.grade if asked == "judged_on" else getattr(PriorFact, asked)
        column = PriorFact.found_on if asked == "judged_on" else given
        standing = of_this_house(model.household_id, model)
        query = select(column).where(and_(about, given.is_not(None), *standing))
        latest = query.order_by(PriorFact.found_on.desc(), PriorFact.id).limit(1)
        found = latest.correlate(model).scalar_subquery()
        return found.is_not(None) if name.startswith("?") else found

    return lookup
