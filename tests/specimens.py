"""Records of any register, made from its declaration: values that its rules accept, found by trying
what fields of their kind may hold; and rows of them. ``tests/answers.py`` has the look-back's, by hand.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import inspect

from app.access.divisions.regions import Region
from app.access.scope import unscoped
from app.core.clock import today, uuid7
from app.core.types import UuidType
from app.kernel import kinds as f
from app.kernel.declare import choice_lists
from app.kernel.declare.expressions import Expr
from app.kernel.declare.field import Field
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem, RuleSet
from app.kernel.records import keys
from app.kernel.rows.household import Household
from tests import builders

_ROUNDS = 200


def forget_derived(register: Register) -> None:
    """What the register worked out of its declaration is worked out anew: a test changes that."""
    for name, one in vars(type(register)).items():
        if isinstance(one, cached_property):
            vars(register).pop(name, None)


# ---- values ------------------------------------------------------------------------------------


def valid(register: Register, place: Region, **wanted: Any) -> dict[str, Any]:
    """Values that the register's own rules accept; ``wanted`` are among them. Files are given as a
    list of that many placeholders.
    """
    return _mended(register.rules, _blank(register) | wanted, place, frozenset(wanted))


def fullest(register: Register, place: Region) -> dict[str, Any]:
    """Valid values that show as many fields as one record can, each of them given."""
    chosen = _gates(register, place)
    values = valid(register, place, **chosen)
    shown = register.rules.evaluate(values).shown
    given = {
        name: next(candidates(made, place))
        for name, made in register.fields.items()
        if name in shown and not values[name]
    }
    try:
        return _mended(register.rules, values | given, place, frozenset(chosen))
    except LookupError:  # two optional answers may exclude each other: then one at a time
        for name, value in given.items():
            try:
                values = _mended(register.rules, values | {name: value}, place, {*chosen, name})
            except LookupError:
                continue
        return values


def files_of(register: Register, values: dict[str, Any]) -> list[str]:
    """The file fields that values hold, once for each file."""
    return [
        name for name, made in register.fields.items() if made.kind == f.FILES
        for _file in values[name] or ()
    ]  # fmt: skip


def stored(register: Register, values: dict[str, Any]) -> dict[str, Any]:
    """The values without files, whose rows are beside the record."""
    return {n: v for n, v in values.items() if register.fields[n].kind != f.FILES}


def candidates(made: Field, place: Region | None = None) -> Iterator[Any]:
    """Values that a field of this kind may hold, the likeliest first."""
    kind = made.kind
    if kind in (f.TEXT, f.TEXTAREA, f.PERSON):
        yield f"密{next(_numbers)}" if made.masked else "测试内容"[: made.length]
    elif kind == f.PERSON:
        yield "张测试"
    elif kind in (f.INTEGER, f.DECIMAL, f.MONEY):
        kind_of = int if kind == f.INTEGER else Decimal
        most = made.high if isinstance(made.high, int | Decimal) else None
        for number in (1, made.low, 2, 5, 20, 70, 100, 1000, 10_000, most):
            if number is not None and (most is None or number <= most):
                yield kind_of(number)
    elif kind == f.YEAR:
        yield from (2024, today().year, 2023, 2025, today().year + 1, today().year - 1)
    elif kind == f.DATE:
        days = [dt.date(2024, 9, 7), dt.date(2023, 5, 1), dt.date(2024, 12, 1), dt.date(2021, 6, 1)]
        yield from [*days, today(), *(today() + dt.timedelta(days=n) for n in (-1, 1, 400))]
    elif kind == f.YES_NO:
        yield from (False, True)
    elif kind == f.CHOICE:
        yield from _codes(made)
    elif kind == f.MANY:
        yield from ((str(code),) for code in _codes(made))
    elif kind == f.ID_NUMBER:
        while True:
            yield builders.id_number()
    elif kind == f.PHONE:
        yield f"139{next(_numbers):08}"
    elif kind == f.ACCOUNT:
        yield f"62170000{next(_numbers):011}"
    elif kind == f.USCC:
        yield "91350100M000100Y43"
    elif kind == f.REGION and place is not None:
        yield place.id
    elif kind == f.FILES:
        yield from ([f"file {n}" for n in range(count)] for count in range(made.low or 1, 4))
    elif kind == f.CHILDREN:
        yield from ([_row(made, place)] * count for count in range(max(made.low or 1, 1), 4))


_numbers = itertools.count(9180000)


def _row(made: Field, place: Region | None) -> dict[str, Any]:
    """A valid row of children."""
    blank = dict.fromkeys((part.name for part in made.rows), None)
    given = {part.name: next(candidates(part, place), None) for part in made.rows}
    return _mended(RuleSet(made.rows, {}), blank | given, place, frozenset())


def _codes(made: Field) -> list[Any]:
    if made.choices:
        return [code for code in made.choices if code.value not in made.leaves_out]
    if made.since:
        return [today().year, today().year - 1]
    return [c for c in choice_lists.defaults(made.list_name or "") if c not in made.leaves_out]


def _blank(register: Register) -> dict[str, Any]:
    return {
        name: [] if made.kind in (f.FILES, f.CHILDREN) else None
        for name, made in register.fields.items()
    }


def _mended(rules: RuleSet, values: dict[str, Any], place: Any, kept: Any) -> dict[str, Any]:
    """The values with what is missing given and what is wrong replaced.

    :raises LookupError: no candidate helps.
    """
    for _round in range(_ROUNDS):
        result = rules.evaluate(values)
        values = result.values
        if result.missing:
            for problem in result.missing:
                values[problem.field] = next(candidates(rules.fields[problem.field], place))
        elif result.errors:
            values = _better(rules, values, result.errors, place, kept)
        else:
            return values
    raise LookupError(f"no valid values: {result.errors}")


def _better(
    rules: RuleSet, values: dict[str, Any], errors: list[Problem], place: Any, kept: Any
) -> dict[str, Any]:
    """The values with one field, else two, changed so that fewer rules are broken."""
    first = errors[0]
    name, _dot, code = first.code.partition(".")
    check = next((c for c in rules.fields[name].checks if c.code == code), None)
    about = {name} | (check.wrong.names() if check else set())
    tried = [
        (other, value)
        for other in sorted(about & rules.fields.keys() - set(kept), key=lambda n: n != name)
        for value in itertools.islice(candidates(rules.fields[other], place), 12)
    ]
    pairs = itertools.chain(([one] for one in tried), itertools.combinations(tried, 2))
    for changes in pairs:
        changed = values | dict(changes)
        if len(rules.evaluate(changed).errors) < len(errors):
            return changed
    raise LookupError(f"no candidate mends {first}")


def _gates_of(register: Register) -> tuple[str, ...]:
    """The fields on whose values it depends what is shown, those before others first."""
    rules = register.rules
    named = set().union(*(rules.shown[name].names() for name in rules.fields))
    return tuple(name for name in rules.order if name in named)


#: Register, by its declaration, and place -> the answers that show most there.
_showing: dict[tuple[RuleSet, int], dict[str, Any]] = {}


def _gates(register: Register, place: Region) -> dict[str, Any]:
    """The answers that show most, looked for once: a wide form takes half a second."""
    key = register.rules, place.id
    if key not in _showing:
        _showing[key] = _look_for_gates(register, place)
    return _showing[key]


def _look_for_gates(register: Register, place: Region) -> dict[str, Any]:
    """Each is tried with all that it may be, while that shows more."""
    chosen: dict[str, Any] = {}
    most = -1
    for _again in range(2):
        for name in _gates_of(register):
            for value in itertools.islice(candidates(register.fields[name], place), 8):
                trial = chosen | {name: value}
                try:
                    shown = len(register.rules.evaluate(valid(register, place, **trial)).shown)
                except LookupError:
                    continue
                if shown > most:
                    most, chosen = shown, trial
    return chosen


#: What a record repeats of its household, also where its form has it.
_OF_HOUSEHOLD = ("head_name", "head_id")


# ---- rows --------------------------------------------------------------------------------------


def of_household(register: Register) -> bool:
    """Do its records belong to households?"""
    return register.of_households and "household_id" in inspect(register.model).columns


def record(
    register: Register,
    place: Region,
    *,
    name: str = "",
    state: State | None = None,
    values: dict[str, Any] | None = None,
    **columns: Any,
) -> Any:
    """A stored record of the register that its lists show, with these values and their files."""
    row = blank(register, place, name=name, **columns)
    for field_name, value in stored(register, values or {}).items():
        if not (of_household(register) and field_name in _OF_HOUSEHOLD):
            setattr(row, field_name, value)
    if register.names_household and name:
        row.head_name = name
    keys.follow(register, row)
    if state is not None and "state" in register.model.__fields__:
        row.state = state
    with unscoped("tests make records") as session:
        session.add(row)
        session.commit()
    builders.attach(row, *files_of(register, values or _blank(register)), register=register.name)
    return row


def blank(
    register: Register,
    place: Region,
    *,
    name: str = "",
    household: Household | None = None,
    **columns: Any,
) -> Any:
    """A record not yet stored that its list shows; where it belongs to a household, to one of its
    own unless that is given.
    """
    if of_household(register):
        household = household or builders.home(place, name=name, lists=(register.follows,))
        columns = {
            "household_id": household.id,
            "head_name": household.head_name,
            "head_id": household.head_id,
        } | columns
    row = kept(register)
    row.id, row.region_id = uuid7(), place.id
    for key, value in columns.items():
        setattr(row, key, value)
    for key, column in inspect(register.model).columns.items():  # what leads to other records
        given = column.nullable or column.default is not None or column.primary_key
        if isinstance(column.type, UuidType) and not given and getattr(row, key) is None:
            setattr(row, key, uuid7())
    return row


def kept(register: Register) -> Any:
    """A record that holds what the kernel would know of one that its lists show, of this year."""
    row = register.model()
    for made in register.model.__fields__.values():  # what the kernel would know
        if made.system and made.default is not None and getattr(row, made.name) is None:
            setattr(row, made.name, made.default)
    if register.years is not None:
        made = register.model.__fields__[register.years.name]
        if made.stored and made.system and made.kind in (f.YEAR, f.INTEGER):
            setattr(row, made.name, today().year)
    _list(row, register.listed)
    return row


def _list(row: Any, listed: Expr) -> None:
    """Give the row's fields what the list wants to see."""
    known = type(row).__fields__
    held = {name: getattr(row, name) for name in sorted(listed.names())}
    if listed.test(held):
        return
    for name in held:
        for value in itertools.islice(candidates(known[name]), 8):
            if listed.test(held | {name: value}):
                setattr(row, name, value)
                return
    raise LookupError(f"nothing makes {type(row).__name__} stand on its list")
