"""综合查询: conditions on any field of a record, combined. One of the groups must hold, and in a group all.

An address says them in the parameter ``where``, which is repeated: ``way:any:repair,rebuild``,
``area:in:60..80``, ``completed_on:empty``, ``region:within:1234``; ``or`` begins the next group. What of
a field may be asked depends on its kind; a field that is masked is found whole or not at all, else its
digits could be told one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, String, and_, false, func, not_, or_, type_coerce
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.divisions import asked as region_asked
from app.access.divisions.regions import Level, Region, in_subtree, subtree
from app.core.errors import BadInput
from app.core.i18n import _, mark, translate
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register
from app.kernel.declare.terms import Columns
from app.kernel.kinds.children import Rows
from app.kernel.kinds.choice import OneOf, SomeOf, YesNo
from app.kernel.kinds.date import Day
from app.kernel.kinds.identity import Identity
from app.kernel.kinds.kind import PerKind
from app.kernel.kinds.number import INTEGER, Amount, Whole
from app.kernel.kinds.photo import Files
from app.kernel.kinds.region import Division
from app.kernel.kinds.text import LongText
from app.kernel.lists.columns import REGION, REGION_LABEL, offered

#: The parameter of an address, and what in it begins another group.
WHERE = "where"
OR = "or"
LABEL = mark("综合查询")
MOST_CONDITIONS = 30
MOST_VALUES = 60
_LONGEST = 100
_TO = ".."


class How(StrEnum):
    """What is asked of a field, as addresses name it."""

    IS = "is"
    BEGINS = "begins"
    CONTAINS = "contains"
    ANY = "any"
    NONE = "none"
    RANGE = "in"
    WITHIN = "within"
    GIVEN = "given"
    EMPTY = "empty"


_PRESENCE = (How.GIVEN, How.EMPTY)
#: How a range is said that is open at one end.
_ENDS: PerKind[tuple[str, str]] = PerKind(
    (mark("%(what)s不少于%(low)s"), mark("%(what)s不多于%(high)s")),
    {Day: (mark("%(what)s不早于%(low)s"), mark("%(what)s不晚于%(high)s"))},
)
#: What may be asked of each kind besides whether it is given.
_BY_KIND: PerKind[tuple[How, ...]] = PerKind(
    (How.IS, How.BEGINS, How.CONTAINS),
    {
        Identity: (How.IS,),
        LongText: (How.CONTAINS,),
        YesNo: (How.ANY,),
        OneOf: (How.ANY, How.NONE),
        SomeOf: (How.ANY, How.NONE),
        Whole: (How.RANGE,),
        Amount: (How.RANGE,),
        Day: (How.RANGE,),
        Rows: (How.RANGE,),
        Files: (How.RANGE,),
        Division: (),
    },
)


@dataclass(frozen=True)
class Condition:
    """One condition. ``values``: what is looked for; of a range both ends, None where it is open; of
    divisions the rows of ``region``.
    """

    name: str
    operator: How
    values: tuple[Any, ...] = ()


Group = tuple[Condition, ...]


def fields(register: Register) -> dict[str, Field]:
    """What may be asked, but the division, in the order of a record: what is kept of it first."""
    return dict(offered(register))


def operators(made: Field | None) -> tuple[How, ...]:
    """What may be asked of a field; None is the division of the record."""
    if made is None:
        return (How.WITHIN,)
    return ((How.IS,) if made.masked else _BY_KIND[made.kind]) + _PRESENCE


def label(register: Register, name: str) -> str:
    """What a field is called in the user's language."""
    made = fields(register).get(name)
    return translate(made.label) if made is not None else _(REGION_LABEL)


# ---- read ---------------------------------------------------------------------------------------


def written(name: str, operator: str, values: Sequence[str] = ()) -> str:
    """A condition as an address says it; of a range both ends."""
    said = (_TO if operator == How.RANGE else ",").join(values)
    return f"{name}:{operator}:{said}" if values else f"{name}:{operator}"


def parts(text: str) -> tuple[str, str, list[str]]:
    """What :func:`written` was told."""
    name, _colon, rest = text.partition(":")
    operator, _colon, said = rest.partition(":")
    if operator == How.RANGE:
        low, _to, high = said.partition(_TO)
        return name, operator, [low, high]
    several = operator in (How.ANY, How.NONE, How.WITHIN)
    values = said.split(",") if several else [said]
    return name, operator, [value for value in values if value]


def read(
    register: Register, texts: Iterable[str], session: Session, actor: Actor
) -> tuple[Group, ...]:
    """The groups of an address.

    :raises BadInput: an unknown field or operator, or a value that cannot be read. :raises NotFound: a
        division outside the area.
    """
    groups: list[list[Condition]] = [[]]
    for text in texts:
        if text == OR:
            groups.append([])
        elif text:
            groups[-1].append(read_one(register, *parts(text), session=session, actor=actor))
    if sum(map(len, groups)) > MOST_CONDITIONS:
        raise BadInput(_("条件最多 %(n)s 个，请减少。", n=MOST_CONDITIONS))
    return tuple(tuple(group) for group in groups if group)


def read_one(
    register: Register,
    name: str,
    operator: str,
    values: Sequence[str],
    *,
    session: Session,
    actor: Actor,
) -> Condition:
    """One condition, its values checked as forms check them.

    :raises BadInput: with a message that names the field. :raises NotFound: a division outside the area.
    """
    known = fields(register)
    if name not in known and name != REGION:
        raise BadInput(_("没有项目“%(name)s”。", name=name[:40]))
    made = known.get(name)
    if operator not in operators(made):
        text = _("“%(what)s”不能这样查询：%(how)s。", what=label(register, name), how=operator[:20])
        raise BadInput(text)
    asked = How(operator)
    try:
        found = _values(made, asked, values, partial(_division, session, actor))
    except ValueError as error:
        text = _("%(label)s：%(value)s", label=label(register, name), value=str(error))
        raise BadInput(text) from None
    return Condition(name, asked, found)


def _values(
    made: Field | None,
    operator: How,
    values: Sequence[str],
    division: Callable[[str], Region],
) -> tuple[Any, ...]:
    if operator in _PRESENCE:
        return ()
    if operator is How.RANGE and made is not None:
        return _range(made, values)
    given = [value for value in values if value.strip()]
    if not given:
        raise ValueError(_("请选择。") if operator in (How.ANY, How.NONE) else _("请填写。"))
    if len(given) > MOST_VALUES:
        raise ValueError(_("一个条件最多 %(n)s 个值。", n=MOST_VALUES))
    if made is None:
        return tuple(division(text) for text in given)
    if operator in (How.BEGINS, How.CONTAINS):
        return (_piece(made, given[0]),)
    found = (made.parse(text) for text in given)
    return tuple(value[0] if made.kind.several else value for value in found)


def _piece(made: Field, text: str) -> str:
    """A part of a text, with the characters that are kept."""
    piece = made.kind.beginning(text)
    if len(piece) > _LONGEST:
        raise ValueError(_("最多 %(n)s 个字。", n=_LONGEST))
    return piece


def _range(made: Field, values: Sequence[str]) -> tuple[Any, Any]:
    parse = partial(INTEGER.parse, made) if made.kind.counted else made.parse
    low, high = (parse(text.strip()) for text in (*values, "", "")[:2])
    if low is None and high is None:
        raise ValueError(_("请填写起或止。"))
    if low is not None and high is not None and low > high:
        raise ValueError(_("起大于止，请核对。"))
    return low, high


def _division(session: Session, actor: Actor, text: str) -> Region:
    """The division of a key, in the area; of one that merged the other one."""
    key = region_asked.read_key(text)
    try:
        return region_asked.in_area(session, key, actor.path)
    except region_asked.MergedAway as gone:
        return region_asked.in_area(session, gone.now, actor.path)


def require_own_area(args: Mapping[str, object]) -> None:
    """Beyond the own area a list asks what it shows and no more.

    :raises BadInput: an address asks for a combination there.
    """
    if args.get(WHERE):
        raise BadInput(_("超出管辖范围的列表不能用综合查询。"))


# ---- SQL ----------------------------------------------------------------------------------------


def holds(register: Register, groups: Sequence[Group], columns: Columns) -> ColumnElement[bool]:
    """SQL: does one of the groups hold?"""
    return or_(
        false(), *(and_(*(_sql(register, one, columns) for one in group)) for group in groups)
    )


def _sql(register: Register, one: Condition, columns: Columns) -> ColumnElement[bool]:
    if one.operator is How.WITHIN:
        path = register.model.path
        return or_(false(), *(in_subtree(path, region.path) for region in one.values))
    made = register.model.__fields__[one.name]
    given = columns(f"?{one.name}")
    if one.operator is How.GIVEN:
        return given
    if one.operator is How.EMPTY:
        return not_(func.coalesce(given, false()))
    if one.operator is How.RANGE:
        return _between(columns(f"#{one.name}" if made.kind.counted else one.name), *one.values)
    return _says(made, one, columns(one.name))


def _says(made: Field, one: Condition, column: Any) -> ColumnElement[bool]:
    text = type_coerce(column, String)
    value = one.values[0]
    if one.operator is How.BEGINS:
        begins: ColumnElement[bool] = func.substr(text, 1, len(value)) == value
        return begins
    if one.operator is How.CONTAINS:  # not LIKE: on SQLite that takes "a" for "A"
        return func.replace(text, value, "") != text
    among = made.kind.among(column, one.values)
    return not_(func.coalesce(among, false())) if one.operator is How.NONE else among


def _between(column: Any, low: Any, high: Any) -> ColumnElement[bool]:
    parts = [column >= low] if low is not None else []
    return and_(*parts, *([column <= high] if high is not None else []))


def bounds(groups: Sequence[Group]) -> tuple[str, str] | None:
    """Where all rows lie, as a range of paths, if every group stays in divisions of one and the same county;
    else None: a range over several would hold all that lies between them.
    """
    named = [_divisions(group) for group in groups]
    regions = [region for divisions in named for region in divisions]
    if not all(named) or len({region.county_id for region in regions} - {None}) != 1:
        return None
    if any(region.level < Level.COUNTY for region in regions):
        return None
    ranges = [subtree(region.path) for region in regions]
    return min(low for low, _high in ranges), max(high for _low, high in ranges)


def _divisions(group: Group) -> tuple[Region, ...]:
    """The divisions of the first condition that asks for some."""
    return next((one.values for one in group if one.operator is How.WITHIN), ())


# ---- words --------------------------------------------------------------------------------------


def sentence(register: Register, groups: Sequence[Group]) -> str:
    """What is asked, as people say it."""
    said = [_("，且").join(_said(register, one) for one in group) for group in groups]
    if len(said) == 1:
        return said[0]
    return _("或").join(_("（%(what)s）", what=text) for text in said)


def _said(register: Register, one: Condition) -> str:
    what = label(register, one.name)
    if one.operator is How.WITHIN:
        places = _("或").join(region.full_name for region in one.values)
        return _("位于%(places)s", places=places)
    made = register.model.__fields__[one.name]
    if one.operator is How.RANGE:
        return _range_said(made, what, *one.values)
    if one.operator in (How.ANY, How.NONE):
        texts = _("或").join(_quoted(_choice(made, value)) for value in one.values)
        if one.operator is How.ANY:
            return _("%(what)s是%(texts)s", what=what, texts=texts)
        return _("%(what)s不是%(texts)s", what=what, texts=texts)
    if one.operator in _PRESENCE:
        given = one.operator is How.GIVEN
        return _("%(what)s已填", what=what) if given else _("%(what)s未填", what=what)
    text = _quoted(made.mask(one.values[0]) if made.masked else one.values[0])
    if one.operator is How.BEGINS:
        return _("%(what)s以%(text)s开头", what=what, text=text)
    if one.operator is How.CONTAINS:
        return _("%(what)s包含%(text)s", what=what, text=text)
    return _("%(what)s是%(texts)s", what=what, texts=text)


def _quoted(text: str) -> str:
    return _("“%(text)s”", text=text)


def _choice(made: Field, value: Any) -> str:
    return made.text((value,)) if made.kind.several else made.text(value)


def _range_said(made: Field, what: str, low: Any, high: Any) -> str:
    unit = translate(made.unit or made.kind.widget.unit)
    ends = [
        "" if end is None else f"{end if made.kind.counted else made.text(end)}{unit}"
        for end in (low, high)
    ]
    said = {"what": what, "low": ends[0], "high": ends[1]}
    if low is not None and high is not None:
        return _("%(what)s为%(low)s至%(high)s", **said)
    least, most = _ENDS[made.kind]
    return _(least, **said) if low is not None else _(most, **said)
