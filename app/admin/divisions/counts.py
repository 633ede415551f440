"""Counters follow a division that goes to another county, city or province.

Counters have one line a county, and each day's are kept for every division down to the county. So
a county takes its own along, past days included; a town takes its present counts, and of each past
day the share of its county's that it has today, for its own past was not kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select

from app.access.divisions.regions import Region, ancestor_paths, in_subtree
from app.core.db import upsert
from app.kernel.declare.register import all_registers
from app.kernel.figures import counters
from app.kernel.figures.counters import Counter, CounterDay

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
        if share:
            above = _above(session, old), _above(session, new)
            _days_follow(session, old.id, *above, register, share)


def change_place(session: Session, node: Any, old_parent: Any, new_parent: Any) -> None:
    """A county or a larger division leaves what stands above it for what stands above it now."""
    old, new = _above(session, old_parent), _above(session, new_parent)
    for register in all_registers():
        if register.figures:
            _days_follow(session, node.id, old, new, register)


def forget(session: Session, county_ids: Collection[int]) -> None:
    """Lines of counties that are gone; each counts nothing."""
    session.connection().execute(delete(Counter).where(Counter.county_id.in_(county_ids)))


def _counts(session: Session, register: Any, path: str) -> dict[str, int]:
    """Figure -> how many rows at or below a path; not those that none counts."""
    model = register.model
    found: dict[str, int] = defaultdict(int)
    below = in_subtree(model.path, path)
    for (_county, key), n in counters.live_by(session, register, model.county_id, below).items():
        found[key] += n
    return found


def _above(session: Session, region: Any) -> dict[int, str]:
    """The division itself and those above it: key -> path."""
    paths = [*ancestor_paths(region.path), region.path]
    query = select(Region.id, Region.path).where(Region.path.in_(paths), ~Region.structural)
    return dict(session.execute(query).all())


def _days_follow(
    session: Session, source: int, old: dict[int, str], new: dict[int, str], register: Any,
    share: dict[str, float] | None = None,
) -> None:  # fmt: skip
    """Every kept day: ``share`` of what ``source`` counted (all of it) leaves ``old``, comes to
    ``new``.
    """
    kept = select(CounterDay.figure, CounterDay.day, CounterDay.n).where(
        CounterDay.register == register.name,
        CounterDay.region_id == source,
        CounterDay.n != 0,
    )
    if share is not None:
        kept = kept.where(CounterDay.figure.in_(share))
    lines: dict[tuple[int, str, str, Any], int] = defaultdict(int)
    for figure, day, n in session.execute(kept).all():
        part = n if share is None else round(n * share[figure])
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
