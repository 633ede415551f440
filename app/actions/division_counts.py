"""Counters follow a division that goes to another county, city or province.

Counters have one line a county, and each day's are kept for every division down to the county. So
a county takes its own along, past days included; a town takes its present counts, and of each past
day the share of its county's that it has today, for its own past was not kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import case, delete, func, select

from app.access.regions import Region, ancestor_paths, in_subtree
from app.core.db import upsert
from app.registry import counters
from app.registry.counters import Counter, CounterDay
from app.registry.reading import columns_of
from app.registry.register import all_registers

Session = Any
_ROWS_A_STATEMENT = 5000


def leave_county(session: Session, path: str, old: Any, new: Any) -> None:
    """What lies at or below ``path``, of a town or village, is the county ``new``'s from now on."""
    for register in all_registers():
        if not register.figures:
            continue
        moved, whole = _counts(session, register, path), _counts(session, register, old.path)
        counters.hand_in(
            session,
            register,
            {(name, old.id): -n for name, n in moved.items()}
            | {(name, new.id): n for name, n in moved.items()},
        )
        share = {name: n / whole[name] for name, n in moved.items()}
        _days_follow(session, old.id, _above(session, old), _above(session, new), register, share)


def change_place(session: Session, node: Any, old_parent: Any, new_parent: Any) -> None:
    """A county or a larger division leaves what stands above it for what stands above it now."""
    old, new = _above(session, old_parent), _above(session, new_parent)
    for register in all_registers():
        if register.figures:
            share = dict.fromkeys(register.figures, 1.0)
            _days_follow(session, node.id, old, new, register, share)


def forget(session: Session, county_ids: Collection[int]) -> None:
    """Lines of counties that are gone; each counts nothing."""
    session.connection().execute(delete(Counter).where(Counter.county_id.in_(county_ids)))


def _counts(session: Session, register: Any, path: str) -> dict[str, int]:
    """Figure -> how many rows at or below a path; not those that none counts."""
    model, columns = register.model, columns_of(register.model, register.name)
    names = list(register.figures)
    sums = [func.sum(case((register.figures[n].where.sql(columns), 1), else_=0)) for n in names]
    row = session.execute(select(*sums).where(in_subtree(model.path, path))).one()
    return {name: int(n) for name, n in zip(names, row, strict=True) if n}


def _above(session: Session, region: Any) -> dict[int, str]:
    """The division itself and those above it: key -> path."""
    paths = [*ancestor_paths(region.path), region.path]
    query = select(Region.id, Region.path).where(Region.path.in_(paths), ~Region.structural)
    return dict(session.execute(query).all())


def _days_follow(
    session: Session, source: int, old: dict[int, str], new: dict[int, str], register: Any,
    share: dict[str, float],
) -> None:  # fmt: skip
    """Every kept day: ``share`` of what ``source`` counted leaves ``old`` and comes to ``new``."""
    if not share:
        return
    kept = select(CounterDay.figure, CounterDay.day, CounterDay.n).where(
        CounterDay.register == register.name,
        CounterDay.figure.in_(share),
        CounterDay.region_id == source,
        CounterDay.n != 0,
    )
    lines: dict[tuple[int, str, str, Any], int] = defaultdict(int)
    for figure, day, n in session.execute(kept).all():
        part = round(n * share[figure])
        for key in old.keys() - new.keys():
            lines[key, old[key], figure, day] -= part
        for key in new.keys() - old.keys():
            lines[key, new[key], figure, day] += part
    rows = [
        {
            "register": register.name,
            "figure": figure,
            "region_id": key,
            "day": day,
            "path": path,
            "n": n,
        }
        for (key, path, figure, day), n in sorted(lines.items())
        if n
    ]
    statement = upsert(session, CounterDay)
    statement = statement.on_conflict_do_update(
        index_elements=["register", "figure", "region_id", "day"],
        set_={"n": CounterDay.n + statement.excluded.n},
    )
    for first in range(0, len(rows), _ROWS_A_STATEMENT):
        session.connection().execute(statement, rows[first : first + _ROWS_A_STATEMENT])
