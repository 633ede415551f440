"""The filters of a register's list as its page shows them: the bar above it, what is asked as chips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import request
from werkzeug.datastructures import MultiDict

from app.core.db import db
from app.core.i18n import _, translate
from app.core.jobs import Job
from app.registry.field import CHOICE, MANY, YES_NO, Field
from app.registry.ledger_query import DECIDED_FROM, DECIDED_FROM_LABEL, PLACE_NAMES, Query, by_key
from app.registry.register import Menu, Register

#: What an address says of the place in a list.
CURSORS = ("after", "before", "page")


def bar(
    register: Register, menu: Menu, query: Query, args: MultiDict[str, str]
) -> list[dict[str, Any]]:
    """What one may filter by, with what is asked for (see anju/_filters.html)."""
    region = query.region
    found: list[dict[str, Any]] = [
        {
            "name": "region",
            "label": _("行政区划"),
            "kind": "region",
            "value": region.id if region else None,
            "text": region.full_name if region else "",
        }
    ]
    found += [
        {
            "name": n,
            "label": _(label),
            "kind": "text",
            "value": query.named.get(n),
            "advanced": True,
        }
        for n, (label, _level) in PLACE_NAMES.items()
    ]
    for name in register.filters.split():
        if name == menu.fixed[0]:
            continue
        made = register.model.__fields__[name]
        shown = _one(register, made, args.get(name))
        shown["advanced"] = name not in ("state", *by_key(register))
        found.append(shown)
    return found + _by_figure(register, query)


def _by_figure(register: Register, query: Query) -> list[dict[str, Any]]:
    """The choice among figures, unless another figure is asked for: a list has one at most."""
    label, names = register.by_figure
    if not label or (query.figure and not offers(register, query.figure)):
        return []
    options = [{"value": n, "label": register.figure_label(n)} for n in names.split()]
    return [
        {
            "name": "figure",
            "label": translate(label),
            "kind": "choice",
            "value": query.figure,
            "options": options,
            "advanced": True,
        }
    ]


def offers(register: Register, figure: str) -> bool:
    """Is the figure one of those that a filter offers?"""
    return figure in register.by_figure[1].split()


def key(register: Register, args: MultiDict[str, str]) -> Any:
    """What the filters of this page depend on, so that they are rendered once; None where a person's
    name or number, or an account's own result is asked for, which nobody else will ask.
    """
    made = register.model.__fields__
    texts = [n for n in register.filters.split() if made[n].kind not in (YES_NO, CHOICE, MANY)]
    if any(args.get(name) for name in (*texts, *PLACE_NAMES, "found") if name != "state"):
        return None
    return request.path, tuple((k, v) for k, v in args.items(multi=True) if k not in CURSORS)


def _one(register: Register, made: Field, value: str | None) -> dict[str, Any]:
    base = {"name": made.name, "label": translate(made.label), "value": value}
    if made.kind == YES_NO:
        return base | {"kind": "yes_no"}
    if made.kind in (CHOICE, MANY):
        known = made.options(all_ever=True)
        options = [{"value": c, "label": t} for c, t in known.items()]
        return base | {"kind": "choice", "options": options}
    hints = {
        register.name_field: _("姓名开头几个字"),
        register.number_field: _("完整身份证号"),
    }
    return base | {"kind": "text", "placeholder": hints.get(made.name, "")}


def chips(
    register: Register, menu: Menu, query: Query, args: MultiDict[str, str]
) -> list[dict[str, str]]:
    found = []
    if query.region:
        found.append((_("行政区划"), query.region.name, "region"))
    if query.figure:
        label = register.figure_label(query.figure)
        own = offers(register, query.figure)
        title = translate(register.by_figure[0]) if own else _("统计项")
        found.append((title, label, "figure"))
    if query.unplaced:
        found.append((_("范围"), _("行政区划缺失"), "unplaced"))
    if query.decided_from:
        since = _("%(day)s 起", day=query.decided_from.isoformat())
        found.append((_(DECIDED_FROM_LABEL), since, DECIDED_FROM))
    if query.found:
        job = db.session.get_one(Job, query.found)  # parse() has read it
        found.append((_("后台查询"), job.subject, "found"))
    found += [
        (_(label), query.named[n], n)
        for n, (label, _level) in PLACE_NAMES.items()
        if n in query.named
    ]
    for name in register.filters.split():
        made = register.model.__fields__[name]
        label, given = translate(made.label), [t for t in args.getlist(name) if t]
        found += [(label, _text(made, text), name) for text in given]
    return [
        {
            "label": _("%(label)s：%(value)s", label=label, value=value),
            "remove_url": url(args, drop=(name, *CURSORS)),
        }
        for label, value, name in found
    ]


def _text(made: Field, text: str) -> str:
    if made.kind == YES_NO:
        return _("是") if text in ("yes", "是") else _("否")
    return made.options(all_ever=True).get(text, text) if made.kind in (CHOICE, MANY) else text


def url(args: MultiDict[str, str], drop: Sequence[str] = (), **changes: Any) -> str:
    """The address of this page without ``drop``, with ``changes``."""
    pairs = [(k, v) for k, v in args.items(multi=True) if v and k not in drop and k not in changes]
    pairs += [(k, str(v)) for k, v in changes.items() if v is not None]
    return request.path + (f"?{urlencode(pairs)}" if pairs else "")
