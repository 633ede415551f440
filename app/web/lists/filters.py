"""The filters of a register's list as its page shows them: the bar above it, what is asked as chips."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from app.access.divisions.regions import Region
from app.core.clock import today
from app.core.db import db
from app.core.i18n import _, translate
from app.core.jobs.table import Job
from app.kernel.declare import choice_lists
from app.kernel.declare.field import Field
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register
from app.kernel.kinds.choice import OneOf, SomeOf, YesNo
from app.kernel.kinds.kind import PerKind
from app.kernel.lists import combined
from app.kernel.lists.combined import WHERE
from app.kernel.lists.query import (
    ALL,
    DECIDED_FROM,
    DECIDED_FROM_LABEL,
    PLACE_NAMES,
    Query,
    by_key,
)
from app.web.frame.listing import CURSORS, Filter


def bar(
    register: Register,
    menu: Menu,
    query: Query,
    args: MultiDict[str, str],
    *,
    whole: bool = False,
) -> list[Filter]:
    """What one may filter by, with what is asked for; ``whole``: in divisions beyond the own area."""
    found = [Filter.region("region", _("行政区划"), query.region, whole=whole)]
    found += [
        Filter(n, _(label), value=query.named.get(n), advanced=True)
        for n, (label, _level) in PLACE_NAMES.items()
    ]
    at_once = ("state", *by_key(register))
    for name in register.lists.filters.split():
        if name != menu.fixed[0]:
            made = register.model.__fields__[name]
            one = _one(register, made, args.get(name), advanced=name not in at_once)
            opens = name == "state" and bool(menu.states)
            found.append(replace(one, value=one.value or ALL, for_all=ALL) if opens else one)
    return found + _by_figure(register, query)


def _by_figure(register: Register, query: Query) -> list[Filter]:
    """The choice among figures, unless another figure is asked for: a list has one at most."""
    label, names = register.lists.by_figure
    if not label or (query.figure and not offers(register, query.figure)):
        return []
    options = {name: register.figure_label(name) for name in names.split()}
    return [Filter.choice("figure", translate(label), query.figure, options, advanced=True)]


def offers(register: Register, figure: str) -> bool:
    """Is the figure one of those that a filter offers?"""
    return figure in register.lists.by_figure[1].split()


def key(
    register: Register,
    args: MultiDict[str, str],
    wanted: MultiDict[str, str],
    region: Region | None,
) -> Any:
    """What the filters of this page depend on, so that they are rendered once: what the address says
    (the chips) and what the list shows (the inputs), the lists of choices as they are, the day, what the
    division is called; None where a person's name or number, an account's own result or a combination
    is asked for, which nobody else will ask.
    """
    made = register.model.__fields__
    texts = [n for n in register.lists.filters.split() if not made[n].kind.picked]
    if any(wanted.get(name) for name in (*texts, *PLACE_NAMES, WHERE, "found") if name != "state"):
        return None
    said, shown = (
        tuple((k, v) for k, v in one.items(multi=True) if k not in CURSORS)
        for one in (args, wanted)
    )
    place = region.full_name if region is not None else ""
    return request.path, said, shown, place, choice_lists.version(), today()


class Asked:
    """How a list asks for a field's value: as text; the others say what is different."""

    def filter(self, made: Field, value: str | None, hint: str, *, advanced: bool) -> Filter:
        """The input of the bar."""
        label = translate(made.label)
        return Filter(made.name, label, value=value, placeholder=hint, advanced=advanced)

    def said(self, made: Field, text: str) -> str:
        """What is asked for, in words."""
        return text


class _YesNo(Asked):
    def filter(self, made: Field, value: str | None, hint: str, *, advanced: bool) -> Filter:
        return Filter(made.name, translate(made.label), "yes_no", value, advanced=advanced)

    def said(self, made: Field, text: str) -> str:
        return _("是") if text in ("yes", "是") else _("否")


class _Chosen(Asked):
    def filter(self, made: Field, value: str | None, hint: str, *, advanced: bool) -> Filter:
        known = made.options(all_ever=True)
        return Filter.choice(made.name, translate(made.label), value, known, advanced=advanced)

    def said(self, made: Field, text: str) -> str:
        return made.options(all_ever=True).get(text, text)


#: How a list asks for each kind; a kind that is not named is what it derives from, or text.
ASKED: PerKind[Asked] = PerKind(Asked(), {YesNo: _YesNo(), OneOf: _Chosen(), SomeOf: _Chosen()})


def _one(register: Register, made: Field, value: str | None, *, advanced: bool) -> Filter:
    hints = {
        register.name_field: _("姓名开头几个字"),
        register.number_field: _("完整身份证号"),
    }
    found = ASKED[made.kind].filter(made, value, hints.get(made.name, ""), advanced=advanced)
    if made.name != "state" or not register.flow:
        return found
    return replace(found, options=[one for one in found.options if one.value in register.states])


def value_said(made: Field, text: str) -> str:
    """What is asked of a field, in words."""
    whole = made.name == "state" and text == ALL
    return _("全部") if whole else ASKED[made.kind].said(made, text)


def said(register: Register, query: Query, args: MultiDict[str, str]) -> list[tuple[str, str, str]]:
    """What is asked for in words, (name in the address, label, value): for chips and searches."""
    found = []
    if query.region:
        found.append(("region", _("行政区划"), query.region.name))
    if query.figure:
        label = register.figure_label(query.figure)
        own = offers(register, query.figure)
        title = translate(register.lists.by_figure[0]) if own else _("统计项")
        found.append(("figure", title, label))
    if query.unplaced:
        found.append(("unplaced", _("范围"), _("行政区划缺失")))
    if query.decided_from:
        since = _("%(day)s 起", day=query.decided_from.isoformat())
        found.append((DECIDED_FROM, _(DECIDED_FROM_LABEL), since))
    if query.where:
        found.append((WHERE, _(combined.LABEL), combined.sentence(register, query.where)))
    if query.found:
        job = db.session.get_one(Job, query.found)  # parse() has read it
        found.append(("found", _("后台查询"), job.subject))
    found += [
        (n, _(label), query.named[n])
        for n, (label, _level) in PLACE_NAMES.items()
        if n in query.named
    ]
    for name in register.lists.filters.split():
        made = register.model.__fields__[name]
        label, given = translate(made.label), [t for t in args.getlist(name) if t]
        found += [(name, label, value_said(made, text)) for text in given]
    return found
