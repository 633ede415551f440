"""The counters of the demonstration, and what they were at the end of every day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, Region, ancestor_paths
from app.demo.timeline import DAYS
from app.kernel.declare.figures import parted
from app.kernel.declare.register import Register, all_registers
from app.kernel.figures import counters
from app.kernel.figures.counters import CounterDay

#: Register, figure, county and path of the rows.
Counted = tuple[str, str, int, str]
#: Day -> what is counted -> change.
Deltas = Mapping[dt.date, dict[Counted, int]]


def deltas() -> Deltas:
    """None yet."""
    return defaultdict(lambda: defaultdict(int))


def count_in(
    changes: Deltas, register: Register, row: Mapping[str, Any], day: dt.date, change: int
) -> None:
    """A row comes into its figures at that day, or leaves them."""
    for figure, n in counters.amounts(register, row).items():
        changes[day][register.name, figure, row["county_id"], row["path"]] += change * n


def write(
    session: Session, changes: Deltas, today: dt.date, registers: tuple[Register, ...]
) -> None:
    """What every day since the list was issued ended with; and the counters, when the caller commits."""
    kept: dict[Counted, int] = defaultdict(int)
    for number in range(DAYS, 0, -1):
        day = today - dt.timedelta(days=number)
        for key, change in changes[day].items():
            kept[key] += change
        _keep(session, day, kept)
    for register in registers:
        own = {(f, c, path): n for (name, f, c, path), n in kept.items() if name == register.name}
        counters.hand_in(session, register, own)


def _keep(session: Session, day: dt.date, counts: Mapping[Counted, int]) -> None:
    upper = select(Region.path, Region.id).where(Region.level <= Level.COUNTY, ~Region.structural)
    ids = dict(session.connection().execute(upper).all())
    paths = {key: path for path, key in ids.items()}
    shown = {(register.name, name) for register in all_registers() for name in register.counting}
    sums: dict[tuple[str, str, int, str], int] = defaultdict(int)
    for (register, figure, county_id, _path), n in counts.items():
        if (register, parted(figure)[0]) not in shown:  # no page compares it
            continue
        path = paths[county_id]
        for place in (*ancestor_paths(path), path):
            sums[register, figure, ids[place], place] += n
    lines = [
        {"register": r, "figure": f, "region_id": i, "day": day, "path": path, "n": n}
        for (r, f, i, path), n in sorted(sums.items())
    ]
    if lines:
        session.connection().execute(insert(CounterDay), lines)
