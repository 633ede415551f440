"""What waits for an account: records to enter, to submit, to correct, to review; its jobs.

One statement, whatever the number of registers. A town and what stands above read counters; a village,
where they are too coarse, counts the rows by their own index of states.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
    union_all,
)

from app.access import settings
from app.access.actor import Actor, Capability
from app.access.divisions.regions import Level, Region, subtree
from app.access.scope import MADE_ONCE
from app.access.settings import SettingValue
from app.core.clock import now
from app.core.db import db
from app.core.jobs.table import OPEN_STATES, Job, JobState
from app.kernel.declare.flow import SENT_BACK, State, review_setting
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register, all_registers, get_register
from app.kernel.figures import tally as lines
from app.kernel.figures.counters import kept_at
from app.kernel.figures.state import is_complete
from app.kernel.figures.tally import Slot, tally
from app.kernel.rows.reading import columns_of

#: What an account with the capability has to do with a record of each state, most urgent first.
DUTIES: dict[Capability, tuple[State, ...]] = {
    Capability.ENTER: (*SENT_BACK, State.DRAFT, State.MISSING),
    Capability.CHECK: (State.CHECKING,),
    Capability.REVIEW: (State.SUBMITTED,),
}
#: … and what of it the menu's badge tells: the work that was never begun is none.
BADGES: dict[Capability, tuple[State, ...]] = {
    Capability.ENTER: SENT_BACK,
    Capability.CHECK: (State.CHECKING,),
    Capability.REVIEW: (State.SUBMITTED,),
}
_LATELY = dt.timedelta(days=1)
_STATES = frozenset(state.value for state in State)


@dataclass(frozen=True)
class Waiting:
    """``n`` records in ``state`` wait under a menu entry of a register, of those that ask to move none;
    ``area``: in this division, where the right is granted only for named ones. ``reviewed``: somebody there
    decides on records of the register.
    """

    register: Register
    menu: Menu
    state: State
    n: int
    area: Region | None = None
    reviewed: bool = True

    @property
    def figure(self) -> str:
        """The figure that counts them; empty where that is their whole state."""
        return self.register.open_figures.get(self.state, "")


@dataclass(frozen=True)
class Jobs:
    """The account's own background jobs: still running, ended within a day, of those failed."""

    running: int
    ended: int
    failed: int


@dataclass(frozen=True)
class Badges:
    """``numbers``: (register, menu) -> how many records the menu's badge tells. ``closed``: menus of reviews
    that no county of the account's area wants, and where nothing waits.
    """

    numbers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    closed: frozenset[tuple[str, str]] = frozenset()


def waiting_for(actor: Actor) -> list[Waiting]:
    """Everything that waits for the actor, urgent things first; nothing where nothing does. What was saved
    waits for nobody where a county wants no review.
    """
    wanted = [
        (register, menu, state)
        for register in all_registers()
        for menu in register.menus
        if register.flow is not None
        and not menu.page
        and menu.rows is None
        and actor.has(menu.capability, register.name)
        for state in DUTIES.get(menu.capability, ())
    ]
    return [
        item
        for item in _count(actor, wanted)
        if item.n and (item.reviewed or item.state != State.DRAFT)
    ]


def badges(actor: Actor) -> Badges:
    """What the badges of the account's menus tell (:data:`BADGES`); one statement."""
    wanted = [
        (register, menu, state)
        for register in all_registers()
        for menu in register.menus
        if register.flow is not None
        and not menu.page
        and menu.rows is None
        and actor.has(menu.capability, register.name)
        for state in BADGES.get(menu.capability, ())
    ]
    found: dict[tuple[str, str], int] = {}
    reviewed: set[tuple[str, str]] = set()
    for item in _count(actor, wanted):
        key = item.register.name, item.menu.name
        found[key] = found.get(key, 0) + item.n
        reviewed |= {key} if item.reviewed or item.state != State.SUBMITTED else set()
    return Badges(found, frozenset(key for key, n in found.items() if not n) - reviewed)


def jobs_of(actor: Actor) -> Jobs:
    """The account's own jobs, open or ended lately."""
    query = select(Job.state, func.count()).where(own_lately(actor)).group_by(Job.state)
    found = {state: int(n) for state, n in db.session.execute(query)}
    return Jobs(
        running=sum(found.get(state, 0) for state in OPEN_STATES),
        ended=found.get(JobState.DONE, 0) + found.get(JobState.FAILED, 0),
        failed=found.get(JobState.FAILED, 0),
    )


def own_lately(actor: Actor) -> ColumnElement[bool]:
    """The condition for the jobs of :func:`jobs_of`."""
    ended = Job.state.in_((JobState.DONE, JobState.FAILED)) & (Job.finished > now() - _LATELY)
    return (Job.account_id == actor.account_id) & (Job.state.in_(OPEN_STATES) | ended)


def _count(actor: Actor, wanted: list[tuple[Register, Menu, State]]) -> list[Waiting]:
    """One statement; two more where some right is granted only for named counties."""
    by_areas: dict[tuple[str, ...], list[tuple[str, State]]] = {}
    for register, menu, state in wanted:
        areas = actor.areas(Capability(menu.capability), register.name)
        by_areas.setdefault(areas, []).append((register.name, state))
    found: dict[tuple[str, str, str], int] = {}
    for areas, parts in by_areas.items():
        asked = tuple((*part, *_kept_at(actor, *part)) for part in dict.fromkeys(parts))
        bounds: dict[str, Any] = {}
        for number, path in enumerate(areas):
            bounds[f"low{number}"], bounds[f"high{number}"] = subtree(path)
            bounds[f"line{number}"] = settings.line_of(path)
        query = _query(asked, len(areas))
        for number, name, state, n in db.session.execute(query, bounds):
            found[areas[number], name, state] = int(n or 0)
    named = _named({path for areas in by_areas for path in areas} - {actor.path})
    return [
        Waiting(
            register, menu, state, found.get((path, register.name, state), 0), named.get(path),
            _is_reviewed(register, path, found),
        )
        for register, menu, state in wanted
        for path in actor.areas(Capability(menu.capability), register.name)
    ]  # fmt: skip


def _is_reviewed(register: Register, path: str, found: Mapping[tuple[str, str, str], int]) -> bool:
    """Does the division, or one below it, want a review? ``found`` has what each of them has set."""
    if register.review is None or not register.review.setting:
        return True
    line = settings.line_of(path)
    said = {place: bool(n) for (area, name, place), n in found.items()
            if (area, name) == (path, register.name) and place not in _STATES}  # fmt: skip
    own = settings.in_force(settings.get(review_setting(register)), [said.get(p) for p in line])
    return bool(own) or any(on for place, on in said.items() if place not in line)


def _named(paths: set[str]) -> dict[str, Region]:
    """The divisions that rights are granted for, by their paths."""
    if not paths:
        return {}
    query = select(Region).where(Region.path.in_(paths), ~Region.structural)
    return {region.path: region for region in db.session.scalars(query)}


#: Register and state, and where complete counters keep how many are in it.
_Part = tuple[str, State, Slot | None, Level]


@cache
def _query(parts: tuple[_Part, ...], areas: int) -> CompoundSelect[Any]:
    """One line for each register and state in each of the areas ``low0`` to ``high0`` …. Every page asks
    it, so it is made once for each kind of account.
    """
    asked = [_part(*part, number) for part in parts for number in range(areas)]
    names = dict.fromkeys(name for name, *_rest in parts)
    optional = [one for one in map(_register, names) if one.review and one.review.setting]
    asked += [_set(register, number) for register in optional for number in range(areas)]
    return union_all(*asked).execution_options(**{MADE_ONCE: True})


def _set(register: Register, area: int) -> Select[*tuple[Any, ...]]:
    """Who says whether the register is reviewed: a line for each division of the area, and above it, that does."""
    line = Region.path.in_(bindparam(f"line{area}", expanding=True))
    inside = and_(*_within(Region.path, area))
    wanted = cast(SettingValue.value, String) == "true"
    return (
        select(
            literal_column(str(area)),
            literal(register.name),
            type_coerce(Region.path, String),
            case((wanted, 1), else_=0),
        )
        .join(SettingValue, SettingValue.region_id == Region.id)
        .where(SettingValue.name == review_setting(register), or_(line, inside))
    )


def _kept_at(actor: Actor, name: str, state: State) -> tuple[Slot | None, Level]:
    register = _register(name)
    figure = register.open_figures.get(state) or register.state_figures.get(state)
    if figure is None or actor.level > Level.TOWN or not is_complete(register, figure):
        return None, actor.level
    _dim, slot, grain = kept_at(name, figure, actor.level)
    return slot, grain


def _register(name: str) -> Register:
    register = get_register(name)
    if register is None:
        raise LookupError(name)
    return register


def _part(
    name: str, state: State, slot: Slot | None, grain: Level, area: int
) -> Select[*tuple[Any, ...]]:
    register = _register(name)
    keys: tuple[ColumnElement[Any], ...] = (
        literal_column(str(area)).label("area"),
        literal(register.name).label("register"),
        literal(state.value).label("state"),
    )
    if slot is not None:
        kept = lines.of(register.name, "", grain, [slot.part])
        query = select(*keys, func.sum(slot.column))
        return query.where(kept, *_within(tally.c.path, area))
    model = register.model
    listed = register.listed.sql(columns_of(model, register.name))
    own = [model.state == state, *_within(model.path, area), listed]
    if figure := register.open_figures.get(state):
        own.append(register.kept_figures[figure].where.sql(columns_of(model, register.name)))
    return select(*keys, func.count()).where(*own)


def _within(path: Any, area: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The condition that ``path`` lies in the area of that number, whose bounds come later."""
    return path >= bindparam(f"low{area}"), path < bindparam(f"high{area}")
