"""综合查询 as its page: the conditions of a list's address as lines that are changed, and back again.

What is typed goes to and fro as it is: a line that cannot be read says why and loses nothing, and only
what can be read reaches the address of the list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.divisions.regions import Region
from app.core.db import db
from app.core.errors import AnjuError
from app.core.i18n import _, mark, translate
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register
from app.kernel.kinds.choice import OneOf, SomeOf, YesNo
from app.kernel.kinds.date import Day
from app.kernel.kinds.kind import PerKind
from app.kernel.lists import combined
from app.kernel.lists.columns import REGION, REGION_LABEL
from app.kernel.lists.combined import MOST_CONDITIONS, OR, Group, How

#: What the page calls the ways to ask.
_WORDS = {
    How.IS: mark("等于"), How.BEGINS: mark("开头是"), How.CONTAINS: mark("包含"),
    How.ANY: mark("是（可选多个）"), How.NONE: mark("不是（可选多个）"), How.RANGE: mark("范围（起—止）"),
    How.WITHIN: mark("在以下地区内"), How.GIVEN: mark("已填"), How.EMPTY: mark("未填"),
}  # fmt: skip
_YES_NO = {"yes": mark("是"), "no": mark("否")}


@dataclass
class Line:
    """One condition as it is typed. ``group`` counts from 0; ``error``: why it cannot be read."""

    group: int
    name: str = ""
    how: str = ""
    values: list[str] = field(default_factory=list)
    error: str = ""


def lines_of(texts: Sequence[str]) -> list[Line]:
    """The lines of an address; one empty line where it asks for nothing."""
    found, group = [], 0
    for text in texts:
        if text == OR:
            group += 1
        elif text:
            name, how, values = combined.parts(text)
            found.append(Line(group, name, how, values))
    return found or [Line(0)]


def posted(form: MultiDict[str, str]) -> list[Line]:
    """The lines of the page's form."""
    found = []
    for key in form.getlist("row")[: 2 * MOST_CONDITIONS]:
        group = form.get(f"group-{key}", "0")
        number = int(group) if group.isascii() and group.isdigit() and len(group) < 3 else 0
        name, how = form.get(f"field-{key}", ""), form.get(f"how-{key}", "")
        if form.get(f"was-{key}", name) == name:
            found.append(Line(number, name, how, form.getlist(f"value-{key}")))
        else:  # what was typed for another field says nothing of this one
            found.append(Line(number, name))
    return sorted(found, key=lambda line: line.group)


def changed(lines: list[Line], action: str) -> list[Line]:
    """The lines after a button: ``add-<group>``, ``group`` or ``drop-<line>``; else as they are."""
    what, _dash, number = action.partition("-")
    at = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
    if what == "group":
        return [*lines, Line(max(line.group for line in lines) + 1 if lines else 0)]
    if what == "add":
        return sorted([*lines, Line(at)], key=lambda line: line.group)
    if what == "drop":
        return [line for n, line in enumerate(lines) if n != at] or [Line(0)]
    return lines


def read(register: Register, lines: Sequence[Line], actor: Actor) -> tuple[Group, ...]:
    """The groups of the lines that can be read; each other line is told why. Empty lines ask nothing."""
    groups: dict[int, list[combined.Condition]] = {}
    for line in lines:
        if not line.name:
            continue
        try:
            one = combined.read_one(
                register, line.name, line.how, line.values, session=db.session, actor=actor
            )
        except AnjuError as error:
            line.error = error.message
        else:
            groups.setdefault(line.group, []).append(one)
    return tuple(tuple(group) for group in groups.values())


def address(lines: Sequence[Line]) -> list[tuple[str, str]]:
    """The parameters that ask for the lines."""
    texts: list[str] = []
    group = None
    for line in lines:
        if not line.name:
            continue
        if texts and line.group != group:
            texts.append(OR)
        texts.append(combined.written(line.name, line.how, _kept(line)))
        group = line.group
    return [(combined.WHERE, text) for text in texts]


def _kept(line: Line) -> list[str]:
    """The values that the way to ask takes."""
    if line.how in (How.GIVEN, How.EMPTY):
        return []
    if line.how == How.RANGE:
        return [value.strip() for value in (*line.values, "", "")[:2]]
    return [value.strip() for value in line.values if value.strip()]


# ---- as the template shows it -------------------------------------------------------------------


def context(register: Register, lines: Sequence[Line]) -> dict[str, Any]:
    """``groups [[line]]`` and ``choices``: what may be asked, [(head, {name: label})]."""
    known = combined.fields(register)
    shown = [_line(register, n, line, known) for n, line in enumerate(lines)]
    groups: dict[int, list[dict[str, Any]]] = {}
    for one in shown:
        groups.setdefault(one["group"], []).append(one)
    return {"groups": groups, "choices": list(_choices(register, known))}


def _choices(
    register: Register, known: Mapping[str, Field]
) -> Iterator[tuple[str, dict[str, str]]]:
    kept = {
        name: translate(made.label) for name, made in known.items() if name not in register.fields
    }
    yield _("基本"), {REGION: _(REGION_LABEL)} | kept
    for section in register.sections:
        yield translate(section.title), {n: translate(known[n].label) for n in section.fields}


def _line(
    register: Register, number: int, line: Line, known: Mapping[str, Field]
) -> dict[str, Any]:
    made = known.get(line.name)
    asked = made is not None or line.name == REGION
    ways = combined.operators(made) if asked else ()
    how = line.how if line.how in ways else next(iter(ways), "")
    return {
        "n": number,
        "group": line.group,
        "name": line.name,
        "how": how,
        "ways": {way.value: _(_WORDS[way]) for way in ways},
        "input": _input(how, made),
        "options": _options(register, made, line.values)
        if how in (How.ANY, How.NONE) and made
        else {},
        "values": [*line.values, "", ""][:2] if how == How.RANGE else line.values or [""],
        "places": _places(line.values) if how == How.WITHIN else [],
        "unit": translate(made.unit or made.kind.widget.unit) if made else "",
        "error": line.error,
    }


#: Of a range: days have a calendar.
_RANGES: PerKind[str] = PerKind("numbers", {Day: "days"})


def _input(how: str, made: Field | None) -> str:
    """What the line asks with: picks, numbers, days, text, place or nothing."""
    if how in ("", How.GIVEN, How.EMPTY):
        return ""
    if how == How.WITHIN or made is None:
        return "place"
    if how in (How.ANY, How.NONE):
        return "picks"
    return _RANGES[made.kind] if how == How.RANGE else "text"


def _of_list(made: Field) -> dict[str, str]:
    return made.options(all_ever=True)


def _of_answers(_made: Field) -> dict[str, str]:
    return {code: _(text) for code, text in _YES_NO.items()}


_OPTIONS = PerKind(_of_answers, {YesNo: _of_answers, OneOf: _of_list, SomeOf: _of_list})


def _options(register: Register, made: Field, chosen: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """Code -> its text, and whether it is ticked; what is chosen and gone stands as it was."""
    known = _OPTIONS[made.kind](made)
    if made.name == "state" and register.flow:
        known = {code: text for code, text in known.items() if code in register.states}
    texts = known | {code: code for code in chosen if code and code not in known}
    return {code: (text, code in chosen) for code, text in texts.items()}


def _places(values: Sequence[str]) -> list[tuple[str, str]]:
    """The divisions of a line, key and name; one that cannot be read is asked anew."""
    keys = [value for value in values if value.isascii() and value.isdigit() and len(value) < 10]
    found = [db.session.get(Region, int(key)) for key in keys]
    return [(str(region.id), region.full_name) for region in found if region] or [("", "")]
