"""Counters: one narrow line per (register, figure, county), kept in the transaction of the row.

A figure is a condition. Python makes the delta of each changed row, SQL proves the sum and makes
the drill-down. Deltas are gathered while the session flushes and applied once, sorted, just
before the commit, so that two savers lock lines in one order. Bulk writes hand in their own
deltas through :func:`hand_in`.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import (
    Date,
    Index,
    Integer,
    String,
    bindparam,
    case,
    delete,
    event,
    func,
    insert,
    inspect,
    literal,
    select,
    text,
)
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, mapped_column

from app.access.divisions.regions import Level, Region, ancestor_paths, subtree
from app.access.scope import MADE_ONCE
from app.core.db import Model, outermost, upsert
from app.core.kept import Kept
from app.core.types import PathType
from app.kernel.declare.expressions import ALWAYS, Columns, Expr
from app.kernel.declare.register import Register, all_registers, of_year, register_of

#: Execution option of a bulk UPDATE or DELETE whose deltas are handed in.
HANDED_IN = "deltas_handed_in"
#: Register, figure and county id -> the change that the transaction makes.
_deltas: Kept[dict[tuple[str, str, int], int]] = Kept(lambda: defaultdict(int))


class Counter(Model):
    """``n`` rows of ``register`` in the county satisfy ``figure``, a key of ``Register.counted``.
    ``path`` is the county's.
    """

    __tablename__ = "counter"
    __table_args__ = (Index("ix_counter_scope", "register", "figure", "path", "n"),)

    register: Mapped[str] = mapped_column(String(32), primary_key=True)
    figure: Mapped[str] = mapped_column(String(48), primary_key=True)
    county_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    path: Mapped[str] = mapped_column(PathType, nullable=False)
    n: Mapped[int] = mapped_column(Integer, nullable=False)


class CounterDay(Model):
    """What a county and every division above it counted at the end of a day: increases, trends,
    ranks as of a date. Written once a day, so sums cost nothing here and reading is one key.
    """

    __tablename__ = "counter_day"

    register: Mapped[str] = mapped_column(String(32), primary_key=True)
    figure: Mapped[str] = mapped_column(String(48), primary_key=True)
    region_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    path: Mapped[str] = mapped_column(PathType, nullable=False)
    n: Mapped[int] = mapped_column(Integer, nullable=False)


def satisfied(register: Register, values: Mapping[str, Any]) -> set[str]:
    """Keys of the figures that a row with these values counts in; of its year too."""
    listed, years = register.listed.test(values), register.years
    said = _years_in(values.get(years.name)) if years else ()
    of_its_years = bool(years and said and (years.listed or register.listed).test(values))
    if not listed and not of_its_years:
        return set()
    names = [name for name, figure in register.figures.items() if figure.where.test(values)]
    found = set(names) if listed else set()
    return found | {of_year(n, year) for n in names for year in said} if of_its_years else found


def _years_in(value: Any) -> tuple[int, ...]:
    """The years that a field of one or of several says."""
    if value is None:
        return ()
    return tuple(int(year) for year in value) if isinstance(value, list | tuple) else (int(value),)


def asked_of(register: Register) -> set[str]:
    """Names of the fields that :func:`satisfied` looks at."""
    years = register.years
    asked = [register.listed, *(figure.where for figure in register.figures.values())]
    asked += [years.listed] if years and years.listed else []
    names = {name for condition in asked for name in condition.names()}
    return names | {years.name} if years else names


def hand_in(session: Session, register: Register, deltas: Mapping[tuple[str, int], int]) -> None:
    """Deltas of a bulk write: (figure, county id) -> change."""
    pending = _deltas.of(outermost(session))
    for (figure, county_id), change in deltas.items():
        pending[register.name, figure, county_id] += change


def gather(session: Session, register: Register, row: Any) -> None:
    """Note what a row about to be flushed changes."""
    if not register.figures:
        return
    pending = _deltas.of(outermost(session))
    state = inspect(row)
    if state.persistent or state.deleted:
        old = _old_values(row)
        for figure in satisfied(register, old):
            pending[register.name, figure, old["county_id"]] -= 1
    if row not in session.deleted:
        new = _new_values(row)
        for figure in satisfied(register, new):
            pending[register.name, figure, new["county_id"]] += 1


def _names(row: Any) -> Iterable[str]:
    return (*(n for n, f in row.__fields__.items() if f.stored), "county_id")


def _new_values(row: Any) -> dict[str, Any]:
    defaults = {n: f.default for n, f in row.__fields__.items() if f.default is not None}
    return {n: v if (v := getattr(row, n)) is not None else defaults.get(n) for n in _names(row)}


def _old_values(row: Any) -> dict[str, Any]:
    attrs = inspect(row).attrs
    old = {}
    for name in _names(row):
        history = attrs[name].history
        if history.deleted:
            old[name] = history.deleted[0]
        else:  # added without anything deleted: nothing was there when the row was inserted
            old[name] = None if history.added else getattr(row, name)
    return old


def apply(session: Session) -> None:
    """Write what was gathered, sorted: the last thing before a commit (:mod:`app.kernel.figures.writing`)."""
    pending = _deltas.of(session)
    changes = sorted((key, n) for key, n in pending.items() if n)
    pending.clear()
    if not changes:
        return
    _upsert(session, [
        {"register": r, "figure": f, "county_id": c, "county": c, "n": n}
        for (r, f, c), n in changes
    ])  # fmt: skip


def _upsert(session: Session, lines: list[dict[str, Any]]) -> None:
    path = select(Region.path).where(Region.id == bindparam("county", type_=Integer))
    statement = upsert(session, Counter).values(path=path.scalar_subquery())
    statement = statement.on_conflict_do_update(
        index_elements=["register", "figure", "county_id"],
        set_={"n": Counter.n + statement.excluded.n},
    )
    session.connection().execute(statement, lines)


@event.listens_for(Session, "do_orm_execute")
def _refuse_uncounted(state: ORMExecuteState) -> None:
    """An UPDATE or DELETE of many rows passes the counters by: who writes one hands in deltas."""
    if (state.is_update or state.is_delete) and not state.execution_options.get(HANDED_IN):
        for mapper in state.all_mappers:
            register = register_of(mapper.class_)
            if register is not None and register.figures:
                raise RuntimeError(f"bulk change of {register.name} without hand_in()")


# ---- reading -------------------------------------------------------------------------------


def total(session: Session, register: Register, figure: str, path: str) -> int:
    """How many rows a figure counts in a subtree at county level or above: one index range."""
    low, high = subtree(path)
    asked = {"register": register.name, "figure": figure, "low": low, "high": high}
    return int(session.scalar(_TOTAL, asked) or 0)


def total_between(register: Any, figure: Any, low: Any, high: Any) -> Any:
    """The same inside another statement, between two bounds of paths: a scalar."""
    return (
        select(func.coalesce(func.sum(Counter.n), 0))
        .where(
            Counter.register == register,
            Counter.figure == figure,
            Counter.path >= low,
            Counter.path < high,
        )
        .scalar_subquery()
    )


#: Made once: building a statement costs as much as asking.
_TOTAL = select(
    total_between(*map(bindparam, ("register", "figure", "low", "high")))
).execution_options(**{MADE_ONCE: True})


# ---- rebuilding and proving ------------------------------------------------------------------


def at_one_moment(session: Session) -> None:
    """What this transaction reads is of one moment, whoever saves meanwhile; say it first."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def live_counts(session: Session, register: Register) -> dict[tuple[str, int], int]:
    """Every (figure, county) counted from the rows themselves; non-zero ones."""
    county = register.model.county_id
    return {(key, place): n for (place, key), n in live_by(session, register, county).items()}


def live_by(
    session: Session, register: Register, place: Any, *where: Any, figures: Iterable[str] = ()
) -> dict[tuple[Any, str], int]:
    """(place, key of a figure) -> how many rows, counted from the rows; non-zero ones. ``place`` is
    the column or expression that they are grouped by; ``figures`` are all of the register's unless given.
    """
    from app.kernel.rows.reading import columns_of

    model, years = register.model, register.years
    columns, names = columns_of(model, register.name), list(figures or register.figures)
    sums = [
        func.sum(case((register.figures[n].where.sql(columns), 1), else_=0)).label(n) for n in names
    ]
    whole = select(place, literal(None), *sums).where(*where, *_only(register.listed, columns))
    answers = [session.execute(whole.group_by(place)).all()]
    if years:
        year = getattr(model, years.name)
        listed = _only(years.listed or register.listed, columns)
        by_year = select(place, year, *sums).where(*where, *listed, year.is_not(None))
        answers.append(session.execute(by_year.group_by(place, year)).all())
    found: dict[tuple[Any, str], int] = defaultdict(int)
    for at, _none, *counts in answers[0]:
        for name, n in zip(names, counts, strict=True):
            found[at, name] += int(n)
    for at, said, *counts in (line for answer in answers[1:] for line in answer):
        for year in _years_in(said):
            for name, n in zip(names, counts, strict=True):
                found[at, of_year(name, year)] += int(n)
    return {key: n for key, n in found.items() if n}


def _only(listed: Expr, columns: Columns) -> list[Any]:
    return [] if listed is ALWAYS else [listed.sql(columns)]


def kept_counts(session: Session, register: Register) -> dict[tuple[str, int], int]:
    """The same from the counters."""
    query = select(Counter.figure, Counter.county_id, Counter.n).where(
        Counter.register == register.name
    )
    return {(figure, county): n for figure, county, n in session.execute(query) if n}


def rebuild(session: Session, register: Register) -> int:
    """Set the counters from the rows; returns how many lines were wrong. The caller commits.

    Savers wait at their commit meanwhile: what is counted and what is kept must be of one moment.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE counter IN SHARE ROW EXCLUSIVE MODE"))
    live, kept = live_counts(session, register), kept_counts(session, register)
    wrong = {key for key in live.keys() | kept.keys() if live.get(key, 0) != kept.get(key, 0)}
    hand_in(session, register, {key: live.get(key, 0) - kept.get(key, 0) for key in wrong})
    return len(wrong)


def snapshot(
    session: Session, day: dt.date, left_out: Callable[[Register], Collection[str]] | None = None
) -> int:
    """Keep the counters of now as those of ``day`` (again: replaces them), with the sums of every
    division above; gives how many lines. ``left_out`` names a register's figures of which no day is kept
    now. The caller commits.
    """
    kept = select(Counter.register, Counter.figure, Counter.county_id, Counter.n)
    rows = session.connection().execute(kept.where(Counter.n != 0))
    left = {r.name: left_out(r) for r in all_registers()} if left_out else {}
    return keep_day(
        session,
        day,
        {(r, f, c): n for r, f, c, n in rows if f.partition("@")[0] not in left.get(r, ())},
    )


def keep_day(session: Session, day: dt.date, counts: Mapping[tuple[str, str, int], int]) -> int:
    """The same with given counts: (register, figure, county id) -> n."""
    connection = session.connection()
    places = connection.execute(
        select(Region.path, Region.id).where(Region.level <= Level.COUNTY, ~Region.structural)
    )
    ids = dict(places.all())
    paths = {i: path for path, i in ids.items()}
    sums: dict[tuple[str, str, int, str], int] = defaultdict(int)
    for (register, figure, county_id), n in counts.items():
        path = paths[county_id]
        for place in (*ancestor_paths(path), path):
            sums[register, figure, ids[place], place] += n
    lines = [
        {"register": r, "figure": f, "region_id": i, "day": day, "path": path, "n": n}
        for (r, f, i, path), n in sorted(sums.items())
    ]
    connection.execute(delete(CounterDay).where(CounterDay.day == day))
    if lines:
        connection.execute(insert(CounterDay), lines)
    return len(lines)


def broken_identities(session: Session, register: Register) -> list[str]:
    """Identities of the declaration that some county's counters break, those of a year too."""
    kept = kept_counts(session, register)
    lines = {(key.partition("@")[2], county) for key, county in kept}
    return [
        f"{register.name}: {identity.text} (county {county}{', ' if year else ''}{year})"
        for identity in register.identities
        for year, county in sorted(lines)
        if kept.get((_key(identity.total, year), county), 0)
        != sum(kept.get((_key(part, year), county), 0) for part in identity.parts)
    ]


def _key(figure: str, year: str) -> str:
    return of_year(figure, int(year) if year else None)


__all__ = [
    "Counter",
    "CounterDay",
    "asked_of",
    "at_one_moment",
    "broken_identities",
    "hand_in",
    "keep_day",
    "kept_counts",
    "live_by",
    "live_counts",
    "rebuild",
    "satisfied",
    "snapshot",
    "total",
    "total_between",
]
