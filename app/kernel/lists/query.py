"""What the address of a list asks for, read and checked."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.divisions import asked as region_asked
from app.access.divisions.regions import Level, Region
from app.core.clock import read_day
from app.core.errors import BadInput, NotFound
from app.core.i18n import _, mark, translate
from app.core.jobs.table import Job, JobState
from app.core.types import nfc
from app.kernel.declare.field import Field
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.kinds import formats
from app.kernel.lists import combined
from app.kernel.lists.combined import WHERE
from app.kernel.lists.results import KIND

#: What a list's address says besides the declared filters: its parameter for the day of decisions …
DECIDED_FROM = "decided_from"
DECIDED_FROM_LABEL = mark("审核日期")
#: What a list's address says as ``state`` to ask for every state, where its menu entry opens with some.
ALL = "all"
#: Filters by the name of a division: parameter -> its label and the level that is named.
PLACE_NAMES = {
    "town_name": (mark("乡镇名称"), Level.TOWN),
    "village_name": (mark("村名称"), Level.VILLAGE),
}
#: … and all of these.
BESIDE = ("region", "unplaced", "figure", "found", WHERE, DECIDED_FROM, *PLACE_NAMES)


@dataclass(frozen=True)
class Query:
    """What is asked for. ``filters``: field name -> parsed value, or a tuple of values.

    ``name`` is how the name of a record begins, ``number`` its whole ID number. ``menu``: the entry whose list it is, where that one has rows of its own. ``unplaced``: only rows
    of the region itself that lie in no division below it.
    """

    region: Region | None = None
    unplaced: bool = False
    menu: str = ""
    figure: str | None = None
    states: tuple[State, ...] = ()
    filters: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    number: str = ""
    named: Mapping[str, str] = field(default_factory=dict)
    where: tuple[combined.Group, ...] = ()  # one of these groups holds
    found: uuid.UUID | None = None  # only among what this search in the background has found
    decided_from: dt.date | None = None  # only what was decided from that day of China on


def parse(register: Register, args: Mapping[str, Any], session: Session, actor: Actor) -> Query:
    """The query of a URL. ``args`` is a MultiDict (``getlist``).

    :raises BadInput: an unknown or unreadable value. :raises NotFound: a foreign division.
    """
    figure = args.get("figure") or None
    if figure is not None and not _counts(register, figure):
        raise BadInput(_("没有这个统计项：%(name)s。", name=str(figure)[:40]))
    filters: dict[str, Any] = {}
    for name in register.lists.filters.split():
        if name in ("state", *by_key(register)):
            continue
        values = _every(args, name)
        if values:
            filters[name] = tuple(_parsed(register.model.__fields__[name], v) for v in values)
    states: tuple[State, ...] = ()
    if register.flow is not None:
        states = _states(_every(args, "state"))
    return Query(
        region=_region(args.get("region"), session, actor),
        menu=_menu(register, args.get("menu") or ""),
        unplaced=_flag(args.get("unplaced")),
        figure=figure,
        states=states,
        filters=filters,
        name=_name_asked(register, args),
        number=formats.mend_id_number(args.get(register.number_field) or "")[:32],
        named={n: text for n in PLACE_NAMES if (text := nfc(args.get(n) or "")[:30])},
        where=combined.read(register, _every(args, WHERE), session, actor),
        found=_found(args.get("found"), register, session, actor),
        decided_from=_day(args.get(DECIDED_FROM), register),
    )


def _every(args: Any, name: str) -> list[str]:
    """All values of a parameter that may be repeated."""
    return [text for text in args.getlist(name) if text] if hasattr(args, "getlist") else []


def _counts(register: Register, key: str) -> bool:
    """Is it a figure that counts rows, of a year and kind that there are?"""
    try:
        register.counted(key)
    except KeyError:
        return False
    return not register.adds(key)


def by_key(register: Register) -> tuple[str, ...]:
    """The filters that look for one record: by the beginning of its name, by its whole ID number."""
    known, keys = register.model.__fields__, (register.name_field, register.number_field)
    asked = (name for name in register.lists.filters.split() if name in keys)
    return tuple(name for name in asked if not known[name].kind.picked)


def decisions(register: Register) -> tuple[str, ...]:
    """The parameter for the day of decisions, where its records have one."""
    return (DECIDED_FROM,) if hasattr(register.model, "decided_at") else ()


def _day(text: str | None, register: Register) -> dt.date | None:
    if not text:
        return None
    try:
        if hasattr(register.model, "decided_at"):
            return read_day(text)
    except ValueError:
        pass
    raise BadInput(_("审核日期有误。"))


def _found(
    text: str | None, register: Register, session: Session, actor: Actor
) -> uuid.UUID | None:
    """A result belongs to the account that asked for it, until it expires."""
    if not text:
        return None
    try:
        job = session.get(Job, uuid.UUID(text))
    except ValueError:
        job = None
    if (
        job is None
        or (job.kind, job.account_id, job.state) != (KIND, actor.account_id, JobState.DONE)
        or job.args["register"] != register.name
        or job.expires is None
    ):
        raise NotFound(_("没有找到这次查询的结果。它可能已过期，请重新查询。"))
    return job.id


def _parsed(made: Field, text: str) -> Any:
    try:
        value = made.parse(text)
    except ValueError as error:
        label = translate(made.label)
        raise BadInput(_("%(label)s：%(value)s", label=label, value=str(error))) from None
    return value[0] if made.kind.several and value else value


def _name_asked(register: Register, args: Any) -> str:
    """How the name that is looked for begins."""
    kind = register.model.__fields__[register.name_field].kind
    return kind.beginning(args.get(register.name_field) or "")[:64]


def _menu(register: Register, name: str) -> str:
    if name and not any(menu.name == name for menu in register.menus):
        raise BadInput(_("没有这个列表：%(name)s。", name=name[:40]))
    return name


def _flag(text: str | None) -> bool:
    if text not in (None, "", "0", "1"):
        raise BadInput(_("筛选条件“行政区划缺失”有误。"))
    return text == "1"


def _states(texts: Sequence[str]) -> tuple[State, ...]:
    return () if ALL in texts else tuple(_state(text) for text in texts)


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise BadInput(_("没有这种状态：%(text)s。", text=text[:20])) from None


def _region(text: str | None, session: Session, actor: Actor) -> Region | None:
    if not text:
        return None
    return region_asked.in_area(session, region_asked.read_key(text), actor.path)
