"""Counters: kept in the transaction of the row, for its county and its town (:mod:`app.kernel.figures.tally`).

A figure is a condition. Python makes the delta of each changed row, SQL proves the sum and makes
the drill-down. Deltas are gathered while the session flushes and applied once, sorted, just
before the commit, so that two savers lock lines in one order. Bulk writes hand in their own
deltas through :func:`hand_in`.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    cast,
    delete,
    event,
    func,
    inspect,
    literal_column,
    select,
)
from sqlalchemy.orm import ORMExecuteState, Session

from app.access.divisions.regions import NATION_PATH, Level, Region, in_subtree, subtree
from app.access.scope import MADE_ONCE
from app.core.db import history_of, outermost
from app.core.kept import Kept
from app.kernel.declare.expressions import ALWAYS, Expr
from app.kernel.declare.figures import Figure, Years, dim_of, of_dim, parted
from app.kernel.declare.quality import BROKEN
from app.kernel.declare.register import Register, all_registers, register_of
from app.kernel.declare.terms import Columns
from app.kernel.figures import tally as lines
from app.kernel.figures.day_tables import DAYS, keep_days
from app.kernel.figures.tally import (
    Place,
    Slot,
    kept_under,
    slot_of,
    tally,
    town_of,
    town_path,
)

#: Execution option of a bulk UPDATE or DELETE whose deltas are handed in.
HANDED_IN = "deltas_handed_in"
_PLACES_AT_ONCE = 100  # divisions whose sums of a day are in memory
#: Register, key of a figure and place -> the change that the transaction makes.
_deltas: Kept[dict[tuple[str, str, Place], int]] = Kept(lambda: defaultdict(int))


def amounts(register: Register, values: Mapping[str, Any]) -> dict[str, int]:
    """Keys of the figures that a row with these values counts in, of its year and kind too: with 1, or with
    what it adds.
    """
    listed, years = register.listed.test(values), register.years
    said = _years_in(values.get(years.name)) if years else ()
    of_its_years = bool(years and said and (years.listed or register.listed).test(values))
    if not listed and not of_its_years:
        return {}
    own = {
        name: n
        for name, figure in register.plain_figures.items()
        if figure.where.test(values) and (n := _amount(register, figure, values))
    }
    of_rules, broken = register.rule_figures, values.get(BROKEN) or ()
    own |= {of_rules[code]: 1 for code in broken if code in of_rules}
    found = dict(own) if listed else {}
    if years and of_its_years:
        dims = list(_dims(said, values.get(years.by)))
        shown = [(name, n) for name, n in own.items() if name in register.figures]
        found |= {of_dim(name, dim): n for name, n in shown for dim in dims}
    return found


def _amount(register: Register, figure: Figure, values: Mapping[str, Any]) -> int:
    """What a row adds to a figure that counts it."""
    if not figure.sum:
        return 1
    value = values.get(figure.sum)
    return round(value * register.model.__fields__[figure.sum].kind.added_in) if value else 0


def _dims(years: Iterable[int], kind: Any) -> Iterator[str]:
    for year in years:
        yield dim_of(year)
        if kind:
            yield dim_of(year, str(kind))


def _years_in(value: Any) -> tuple[int, ...]:
    """The years that a field of one or of several says."""
    if value is None:
        return ()
    return tuple(int(year) for year in value) if isinstance(value, list | tuple) else (int(value),)


def asked_of(register: Register, figures: Iterable[str] | None = None) -> set[str]:
    """Names of the fields that :func:`amounts` looks at, for all figures or for these."""
    years = register.years
    names = register.kept_figures if figures is None else figures
    asked = [register.listed, *(register.kept_figures[name].where for name in names)]
    asked += [years.listed] if years and years.listed else []
    found = {name for condition in asked for name in condition.names()}
    found |= {register.kept_figures[name].sum for name in names}
    found |= {years.name, years.by} if years else set()
    return found - {""}


def hand_in(
    session: Session, register: Register, deltas: Mapping[tuple[str, int, str], int]
) -> None:
    """Deltas of a bulk write: (figure, county id, path of the rows) -> change."""
    pending = _deltas.of(outermost(session))
    for (figure, county_id, path), change in deltas.items():
        pending[register.name, figure, county_id] += change
        pending[register.name, figure, town_of(path)] += change


def hand_in_lines(
    session: Session, register: Register, changes: Mapping[tuple[str, Place], int]
) -> None:
    """Changes of single lines, a county's or a town's: (figure, place) -> change."""
    pending = _deltas.of(outermost(session))
    for (figure, place), change in changes.items():
        pending[register.name, figure, place] += change


def gather(session: Session, register: Register, row: Any) -> None:
    """Note what a row about to be flushed changes."""
    if not register.kept_figures:
        return
    state = inspect(row)
    if state.persistent or state.deleted:
        old = _old_values(row)
        _note(session, register, old, -1)
    if row not in session.deleted:
        _note(session, register, _new_values(row), 1)


def _note(session: Session, register: Register, values: Mapping[str, Any], change: int) -> None:
    at = values["county_id"], values["path"]
    hand_in(session, register, {(f, *at): change * n for f, n in amounts(register, values).items()})


def _names(row: Any) -> Iterable[str]:
    return (*(n for n, f in row.__fields__.items() if f.stored), "county_id", "path")


def _new_values(row: Any) -> dict[str, Any]:
    defaults = {n: f.default for n, f in row.__fields__.items() if f.default is not None}
    return {n: v if (v := getattr(row, n)) is not None else defaults.get(n) for n in _names(row)}


def _old_values(row: Any) -> dict[str, Any]:
    old = {}
    for name in _names(row):
        history = history_of(row, name)
        if history.deleted:
            old[name] = history.deleted[0]
        else:  # added without anything deleted: nothing was there when the row was inserted
            old[name] = None if history.added else getattr(row, name)
    return old


def apply(session: Session) -> None:
    """Write what was gathered: the last thing before a commit (:mod:`app.kernel.figures.writing`)."""
    pending = _deltas.of(session)
    changes = {key: n for key, n in pending.items() if n}
    pending.clear()
    if changes:
        lines.add(session.connection(), changes)


@event.listens_for(Session, "do_orm_execute")
def _refuse_uncounted(state: ORMExecuteState) -> None:
    """An UPDATE or DELETE of many rows passes the counters by: who writes one hands in deltas."""
    if (state.is_update or state.is_delete) and not state.execution_options.get(HANDED_IN):
        for mapper in state.all_mappers:
            register = register_of(mapper.class_)
            if register is not None and register.kept_figures:
                raise RuntimeError(f"bulk change of {register.name} without hand_in()")


# ---- reading -------------------------------------------------------------------------------


def total(
    session: Session, register: Register, key: str, path: str, level: Level = Level.COUNTY
) -> int:
    """How many rows a figure counts in a division at county level or above, or of a town: one range."""
    low, high = subtree(path)
    query = _total(register.name, *kept_at(register.name, key, level))
    return int(session.scalar(query, {"low": low, "high": high}) or 0)


def kept_at(register: str, key: str, level: Level) -> tuple[str, Slot, Level]:
    """Where a figure of a division is kept: dimension, slot, and the grain of the lines that tell of it."""
    grain = Level.TOWN if level == Level.TOWN else Level.COUNTY
    return *kept_under(register, key), grain


@lru_cache(maxsize=1000)  # building a statement costs as much as asking
def _total(register: str, dim: str, slot: Slot, grain: Level) -> Select[Any]:
    low: Any = bindparam("low")
    query = select(_sum(register, dim, slot, grain, low, bindparam("high")))
    return query.execution_options(**{MADE_ONCE: True})


def total_between(register: str, key: str, level: Level, low: Any, high: Any) -> ScalarSelect[Any]:
    """The same inside another statement, between two bounds of paths: a scalar."""
    return _sum(register, *kept_at(register, key, level), low, high)


def _sum(
    register: str, dim: str, slot: Slot, grain: Level, low: Any, high: Any
) -> ScalarSelect[Any]:
    where = lines.lines_of(register, dim, grain, [slot.part], low, high)
    return select(func.coalesce(func.sum(slot.column), 0)).where(*where).scalar_subquery()


# ---- rebuilding and proving ------------------------------------------------------------------


def live_counts(
    session: Session, register: Register, area: str = NATION_PATH, figures: Iterable[str] = ()
) -> dict[tuple[str, Place], int]:
    """Every (key of a figure, county's key or town's path) counted from the rows themselves; non-zero
    ones, of an area at county level or above, of all that the register keeps unless given.
    """
    model = register.model
    where = () if area == NATION_PATH else (in_subtree(model.path, area),)
    places = model.county_id, town_path(model.path)
    found: dict[tuple[str, Place], int] = defaultdict(int)
    for (county, town), key, n in live_by(session, register, places, *where, figures=figures):
        found[key, county] += n
        found[key, town] += n
    return dict(found)


def live_by(
    session: Session,
    register: Register,
    places: tuple[Any, ...],
    *where: Any,
    figures: Iterable[str] = (),
) -> Iterator[tuple[tuple[Any, ...], str, int]]:
    """(place, key of a figure, how many rows or how much they add), from the rows; non-zero ones, maybe in
    several parts. ``places`` are the columns or expressions that they are grouped by; ``figures`` are all
    that the register keeps unless given.
    """
    from app.kernel.rows.reading import columns_of

    model, years = register.model, register.years
    columns, asked = columns_of(model, register.name), set(figures or register.kept_figures)
    named = [name for name in register.plain_figures if name in asked]
    of_rules = {code: name for code, name in register.rule_figures.items() if name in asked}
    sums = {n: live(register, n, register.kept_figures[n].where, columns) for n in named}
    rows = *where, *_only(register.listed, columns)
    whole = select(*places, *sums.values()).where(*rows).group_by(*places)
    for line in session.execute(whole) if sums else ():
        yield from _told(line, named, len(places), ("",))
    for at, name, n in _broken_by(session, model, places, rows, of_rules):
        yield at, name, n
    if not years:
        return
    named = [name for name in named if name in register.figures]
    dims = tuple(getattr(model, name) for name in (years.name, years.by) if name)
    rows = *where, *_only(years.listed or register.listed, columns), dims[0].is_not(None)
    by_year = select(*places, *dims, *(sums[name] for name in named)).where(*rows)
    for line in session.execute(by_year.group_by(*places, *dims)) if named else ():
        told = [*(None for _dim in dims), *named]
        yield from _told(line, told, len(places), _dims_of(years, line[len(places) :]))
    for at, name, n in _broken_by(session, model, (*places, *dims), rows, of_rules):
        for dim in _dims_of(years, at[len(places) :]):
            yield at[: len(places)], of_dim(name, dim), n


def _broken_by(
    session: Session, model: Any, places: tuple[Any, ...], rows: Iterable[Any],
    of_rules: Mapping[str, str],
) -> Iterator[tuple[tuple[Any, ...], str, int]]:  # fmt: skip
    """(place, figure of a rule, how many rows break it). Rows are counted by all the rules that they break
    together: a hundred conditions on each would take the database much longer.
    """
    if not of_rules:
        return
    broken = getattr(model, BROKEN)
    query = select(*places, broken, func.count()).where(*rows, broken.is_not(None))
    for *at, codes, n in session.execute(query.group_by(*places, broken)):
        for code in codes or ():
            if code in of_rules:
                yield tuple(at), of_rules[code], int(n)


def _dims_of(years: Years, said: Sequence[Any]) -> list[str]:
    """The dimensions of what ``said`` begins with: a year, or several, and a kind."""
    return list(_dims(_years_in(said[0]), said[1] if years.by else None))


def live(register: Register, figure: str, where: Expr, columns: Columns) -> ColumnElement[int]:
    """How many rows a condition holds for; of a figure that adds up, how much they add."""
    shown = register.figures.get(figure)
    if shown is None or not shown.sum:
        return func.sum(case((where.sql(columns), 1), else_=0))
    value = columns(shown.sum)
    parts = cast(func.round(value * register.added_in(figure)), BigInteger)
    return func.sum(case((and_(where.sql(columns), value.is_not(None)), parts), else_=0))


def _told(
    line: Row[Any], names: Sequence[str | None], places: int, dims: Iterable[str]
) -> Iterator[tuple[tuple[Any, ...], str, int]]:
    """What one line of sums, which come after ``places``, tells of each dimension."""
    for name, n in zip(names, line[places:], strict=True):
        if name and n:
            yield from ((tuple(line[:places]), of_dim(name, dim), int(n)) for dim in dims)


def _only(listed: Expr, columns: Columns) -> list[Any]:
    return [] if listed is ALWAYS else [listed.sql(columns)]


def kept_counts(
    session: Session, register: Register, area: str = NATION_PATH, figures: Iterable[str] = ()
) -> dict[tuple[str, Place], int]:
    """The same from the counters."""
    return kept_lines(session, register, in_subtree(tally.c.path, area), figures=figures)


def kept_lines(
    session: Session, register: Register, *where: Any, figures: Iterable[str] = ()
) -> dict[tuple[str, Place], int]:
    """The same of the lines that these conditions name."""
    names = list(figures or register.kept_figures)
    slots = {name: slot_of(register.name, name) for name in names}
    columns = list(dict.fromkeys(slot.column for slot in slots.values()))
    at = {column.name: number for number, column in enumerate(columns, 4)}
    of_county = and_(
        tally.c.level == int(Level.COUNTY),
        Region.path == tally.c.path,
        Region.county_id == Region.id,
    )
    query = (
        select(tally.c.dim, tally.c.path, tally.c.part, Region.id, *columns)
        .outerjoin(Region, of_county)
        .where(tally.c.register == register.name, *where)
    )
    return {
        (of_dim(name, dim), county or path): line[at[slot.column.name]]
        for line in session.execute(query)
        for dim, path, part, county in (line[:4],)
        for name, slot in slots.items()
        if slot.part == part and line[at[slot.column.name]]
    }


def snapshot(
    session: Session, day: dt.date, left_out: Callable[[Register], Collection[str]] | None = None
) -> int:
    """Keep the counters of now as those of ``day`` (again: replaces them), with the sums of every
    division above; gives how many lines. ``left_out`` names a register's figures of which no day is kept
    now; nor is one of single rules. The caller commits.
    """
    connection = session.connection()
    for table in DAYS:
        connection.execute(delete(table).where(table.day == day))
    kept = connection.execute(select(tally.c.register, tally.c.dim).distinct()).all()
    dims: dict[str, list[str]] = defaultdict(list)
    for name, dim in sorted(kept):
        dims[name].append(dim)
    upper = select(Region.path, Region.id).where(Region.level <= Level.COUNTY, ~Region.structural)
    ids: dict[str, int] = dict(connection.execute(upper).all())
    made = 0
    for register in all_registers():
        left = left_out(register) if left_out else ()
        figures = [n for n, one in register.figures.items() if n not in left and not one.rule]
        for dim in dims[register.name]:
            for width in sorted({len(path) for path in ids}):
                for some in _by_part(register, figures):
                    made += _keep_sums(connection, register, dim, day, width, some, ids)
    return made


def _keep_sums(
    connection: Connection,
    register: Register,
    dim: str,
    day: dt.date,
    width: int,
    slots: Mapping[str, Slot],
    ids: Mapping[str, int],
) -> int:
    """Those of the divisions whose paths have this width, some at a time: all of them and all figures at
    once would be kept by the worker for as long as it lives. Gives how many lines.
    """
    made = 0
    query = _day(register, dim, width, slots)
    with connection.execute(query, execution_options={"yield_per": _PLACES_AT_ONCE}) as found:
        for places in found.partitions():
            day_lines = [
                {"register": register.name, "figure": of_dim(name, dim),
                 "region_id": ids[path], "day": day, "path": path, "n": int(n)}
                for path, *sums in places if path in ids
                for name, n in zip(slots, sums, strict=True) if n
            ]  # fmt: skip
            keep_days(connection, register, day_lines)
            made += len(day_lines)
    return made


def _by_part(register: Register, figures: Iterable[str]) -> list[dict[str, Slot]]:
    """The slots of these figures, those of each part of the lines apart."""
    found: dict[int, dict[str, Slot]] = defaultdict(dict)
    for name in figures:
        slot = slot_of(register.name, name)
        found[slot.part][name] = slot
    return list(found.values())


def _day(register: Register, dim: str, width: int, slots: Mapping[str, Slot]) -> Select[Any]:
    """The sums of the divisions whose paths have this width: lines of counties added up by the beginnings of
    their paths.
    """
    place = func.substr(tally.c.path, literal_column("1"), literal_column(str(width)))
    part = next(iter(slots.values())).part
    area = lines.lines_of(register.name, dim, Level.COUNTY, [part], *subtree(NATION_PATH))
    sums = [func.sum(slot.column) for slot in slots.values()]
    query = select(place, *sums).where(*area, func.length(tally.c.path) >= width)
    return query.group_by(place)


def broken_identities(
    session: Session, register: Register, kept: Mapping[tuple[str, Place], int] | None = None
) -> list[str]:
    """Identities of the declaration that the counters of a county or town break, those of a year too;
    ``kept`` are the counters, where they were read already.
    """
    kept = kept_counts(session, register) if kept is None else kept
    places = {(parted(key)[1], place) for key, place in kept}
    return [
        f"{register.name}: {identity.text} (at {place}{', ' if dim else ''}{dim})"
        for identity in register.identities
        for dim, place in sorted(places, key=str)
        if kept.get((of_dim(identity.total, dim), place), 0)
        != sum(kept.get((of_dim(part, dim), place), 0) for part in identity.parts)
    ]


__all__ = [
    "amounts",
    "asked_of",
    "broken_identities",
    "hand_in",
    "hand_in_lines",
    "kept_at",
    "kept_counts",
    "kept_lines",
    "live",
    "live_by",
    "live_counts",
    "snapshot",
    "total",
    "total_between",
]
