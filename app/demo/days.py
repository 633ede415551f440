"""The counters of the demonstration, and what they were at the end of every day."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, Region, ancestor_paths
from app.core.bulk import insert_rows
from app.demo.timeline import DAYS
from app.kernel.declare.figures import parted
from app.kernel.declare.register import Register, all_registers
from app.kernel.figures import counters
from app.kernel.figures.day_tables import by_table

#: Register, figure, county and path of the rows.
Counted = tuple[str, str, int, str]
#: Register, figure, division and its path.
Summed = tuple[str, str, int, str]


class Days:
    """What changed in the figures at each day, and in which of them each row counts."""

    def __init__(self) -> None:
        self.changes: dict[dt.date, dict[Counted, int]] = defaultdict(lambda: defaultdict(int))
        self._standing: dict[uuid.UUID, dict[str, int]] = {}

    def count_in(self, register: Register, row: Mapping[str, Any], day: dt.date) -> None:
        """A row comes into its figures at that day."""
        standing = self._standing[row["id"]] = counters.amounts(register, row)
        self._change(register, row, day, standing, 1)

    def count_out(self, register: Register, row: Mapping[str, Any], day: dt.date) -> None:
        """It leaves those that it came into, whatever it says by now."""
        self._change(register, row, day, self._standing.pop(row["id"]), -1)

    def _change(
        self,
        register: Register,
        row: Mapping[str, Any],
        day: dt.date,
        figures: Mapping[str, int],
        by: int,
    ) -> None:
        changes = self.changes[day]
        for figure, n in figures.items():
            changes[register.name, figure, row["county_id"], row["path"]] += by * n


def write(session: Session, days: Days, today: dt.date, registers: tuple[Register, ...]) -> None:
    """What every day since the list was issued ended with; and the counters, when the caller commits."""
    compared = _Compared(today)
    places = _places(session)
    kept: dict[Counted, int] = defaultdict(int)
    sums: dict[Summed, int] = defaultdict(int)
    for number in range(DAYS, 0, -1):
        day = today - dt.timedelta(days=number)
        for key, change in days.changes[day].items():
            kept[key] += change
            name, figure, county_id, _path = key
            if not compared.holds(name, figure):
                continue
            for place in places[county_id]:
                sums[(name, figure, *place)] += change
        _keep(session, day, sums)
    for register in registers:
        own = {(f, c, path): n for (name, f, c, path), n in kept.items() if name == register.name}
        counters.hand_in(session, register, own)


class _Compared:
    """The figures of which pages compare days: not single rules; nor, of registers that divide each
    year, those of years that are over, which no work of these weeks changes.
    """

    def __init__(self, today: dt.date) -> None:
        self._year = today.year
        self._figures = {
            (register.name, name)
            for register in all_registers()
            for name, one in register.figures.items()
            if not one.rule
        }
        self._divided = {register.name for register in all_registers() if register.kinds}

    def holds(self, register: str, key: str) -> bool:
        """Is it one of them?"""
        figure, dim = parted(key)
        over = register in self._divided and dim and int(dim[:4]) < self._year
        return not over and (register, figure) in self._figures


def _places(session: Session) -> dict[int, list[tuple[int, str]]]:
    """Each county, and what lies above it, with their paths."""
    upper = select(Region.path, Region.id).where(Region.level <= Level.COUNTY, ~Region.structural)
    ids = dict(session.connection().execute(upper).all())
    return {
        key: [(ids[place], place) for place in (*ancestor_paths(path), path) if place in ids]
        for path, key in ids.items()
    }


def _keep(session: Session, day: dt.date, sums: Mapping[Summed, int]) -> None:
    lines = [
        {"register": r, "figure": f, "region_id": i, "day": day, "path": path, "n": n}
        for (r, f, i, path), n in sorted(sums.items())
    ]
    for register in all_registers():
        own = [line for line in lines if line["register"] == register.name]
        for table, kept in by_table(register, own).items():
            insert_rows(session.connection(), cast("Table", table.__table__), kept)
