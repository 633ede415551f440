"""Where a division is written into other rows, and how all of them follow when it moves.

No list of tables is kept: every column of a path's type, every key of a division and the county
and province beside it are found in the metadata. A table that comes later moves along by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Table,
    UniqueConstraint,
    func,
    literal,
    select,
    text,
    update,
)

from app.access.divisions.regions import Level, Region, in_subtree, label
from app.access.scope import LOCK
from app.core.db import Model
from app.core.errors import Conflict
from app.core.i18n import _
from app.core.types import PathType

#: Labels below these came with the seed, or may come with another part of it (``regions load``).
_FIRST_LABEL = dict.fromkeys(Level, 36 * 36 // 2) | {Level.VILLAGE: 36**3 // 2}

#: A table of one line for each county and division above: no town and no village, which merge, is in
#: it. Its keys are kept by app.kernel.figures.counters.
_OF_COUNTIES = {"counter_day", "sum_day"}
#: A table of one line a place: those of two that merge are made one by app.admin.divisions.counts.
_ONE_A_PLACE = {"tally"}


@dataclass(frozen=True)
class Placed:
    """A table whose rows lie in divisions. ``regions`` are its keys of divisions, ``paths`` where
    they lie; ``county`` and ``province`` stand beside a column called ``path``.
    """

    table: Table
    paths: tuple[Column[Any], ...]
    regions: tuple[Column[Any], ...]
    county: Column[Any] | None
    province: Column[Any] | None

    @property
    def belongs_to_division(self) -> bool:
        """Is a row about the division itself, as its settings are, and goes with it?"""
        return any(
            key.ondelete == "CASCADE" for column in self.regions for key in column.foreign_keys
        )

    @property
    def one_a_division(self) -> bool:
        """May a division have only one such row? Then two that merge cannot keep both."""
        unique = [set(self.table.primary_key.columns)]
        unique += [
            set(c.columns) for c in self.table.constraints if isinstance(c, UniqueConstraint)
        ]
        unique += [set(index.columns) for index in self.table.indexes if index.unique]
        return any(column in columns for columns in unique for column in self.regions)


@cache
def placed_tables() -> tuple[Placed, ...]:
    """Every table with rows in divisions, the tree itself and its history's keys apart."""
    return tuple(find_placed(Model.metadata.tables.values()))


def find_placed(tables: Iterable[Table]) -> Iterator[Placed]:
    """Those of ``tables`` whose rows lie in divisions."""
    for table in tables:
        if table.name == Region.__tablename__:
            continue
        paths = tuple(c for c in table.columns if isinstance(c.type, PathType))
        regions = tuple(
            column
            for column in table.columns
            if column.name == "region_id"
            or any(key.column.table.name == Region.__tablename__ for key in column.foreign_keys)
        )
        if table.name in _OF_TREE or table.name in _OF_COUNTIES:
            regions = ()
        if paths or regions:
            columns = table.columns
            yield Placed(
                table, paths, regions, columns.get("county_id"), columns.get("province_id")
            )


#: Staged changes and history: what their keys mean, app.admin.divisions.publish knows.
_OF_TREE = {"region_change", "region_history"}


def check(placed: Placed) -> str | None:
    """Why rows of this table could not follow their division, or None."""
    name = placed.table.name
    if placed.regions and placed.one_a_division and not placed.belongs_to_division:
        return f"{name}: one row a division, but not said what a merge makes of two"
    if (placed.county is not None or placed.province is not None) and not any(
        column.name == "path" for column in placed.paths
    ):
        return f"{name}: a county or province without a path beside it"
    return None


# ---- following -------------------------------------------------------------------------------


def hold_counties(connection: Connection, counties: set[int]) -> None:
    """Nobody writes into these counties until the transaction ends; who does so now is waited for.
    See :func:`app.access.scope.hold`. On SQLite there is one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        for county in sorted(counties):
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:of, :county)"), {"of": LOCK, "county": county}
            )


def follow(
    connection: Connection, old: str, new: str, *, county: int | None, province: int | None
) -> None:
    """Everything at or below the path ``old`` lies at ``new`` now.

    ``county`` and ``province`` are the new ones where they changed, else None.
    """
    for placed in placed_tables():
        for column in placed.paths:
            values: dict[Any, Any] = {column: literal(new) + func.substr(column, len(old) + 1)}
            _follow(connection, placed, column, old, values, county, province)


def follow_region(
    connection: Connection, old: str, new: str, *, county: int | None, province: int | None
) -> None:
    """The same for the tree itself."""
    values: dict[str, Any] = {"path": literal(new) + func.substr(Region.path, len(old) + 1)}
    values |= {"county_id": county} if county is not None else {}
    values |= {"province_id": province} if province is not None else {}
    table: Any = Region.__table__
    connection.execute(update(table).where(in_subtree(Region.path, old)).values(values))


def _follow(
    connection: Connection,
    placed: Placed,
    column: Column[Any],
    old: str,
    values: dict[Any, Any],
    county: int | None,
    province: int | None,
) -> None:
    if column.name == "path":
        if placed.county is not None and county is not None:
            values[placed.county] = county
        if placed.province is not None and province is not None:
            values[placed.province] = province
    statement = update(placed.table).where(in_subtree(column, old))
    connection.execute(statement.values(values | _untouched(placed.table)))


def hand_over(connection: Connection, old: Any, new: Any) -> None:
    """All rows of the division ``old`` itself are ``new``'s now; both have id, path, county_id and
    province_id. Nothing may lie below ``old`` any more. What belongs to the division itself goes
    with it.
    """
    moved = new.county_id != old.county_id
    for placed in placed_tables():
        for column in placed.regions:
            if not placed.belongs_to_division:
                statement = update(placed.table).where(column == old.id)
                values: dict[Any, Any] = {column: new.id}
                connection.execute(statement.values(values | _untouched(placed.table)))
        if placed.table.name in _ONE_A_PLACE:
            continue
        for column in placed.paths:  # of what lay deeper and is gone, only the audit log knows
            _follow(
                connection, placed, column, old.path, {column: new.path},
                new.county_id if moved else None, new.province_id if moved else None,
            )  # fmt: skip


def _untouched(table: Table) -> dict[Any, Any]:
    """Columns that note when a row was changed by somebody keep what they say."""
    return {column: column for column in table.columns if column.onupdate is not None}


def new_paths(connection: Connection, parent: Any, level: Level, count: int) -> list[str]:
    """Paths of new children of ``parent``, in order; their labels were never another's.

    :raises Conflict: all labels of this parent were given.
    """
    table: Any = Region.__table__
    last = connection.scalar(select(table.c.last_label).where(table.c.id == parent.id))
    first = max((last or 0) + 1, _FIRST_LABEL[level])
    try:
        paths = [f"{parent.path}{label(n, level)}" for n in range(first, first + count)]
    except ValueError:
        raise Conflict(_("“%(name)s”下的行政区划过多，不能再增加。", name=parent.name)) from None
    used = update(table).where(table.c.id == parent.id)
    connection.execute(used.values(last_label=first + count - 1))
    return paths


def reserve_keys(connection: Connection, count: int) -> list[int]:
    """Keys of divisions to come, which no other will ever have."""
    if connection.dialect.name == "postgresql":
        keys = text(
            "SELECT nextval(pg_get_serial_sequence('region', 'id')) FROM generate_series(1, :count)"
        )
        return list(connection.scalars(keys, {"count": count}))
    forward = text("UPDATE sqlite_sequence SET seq = seq + :count WHERE name = 'region'")
    connection.execute(forward, {"count": count})
    last = connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'region'")) or count
    return list(range(last - count + 1, last + 1))


def queue_of_publishers(connection: Connection, *, alone: bool) -> None:
    """One publishes at a time, and nobody stages meanwhile."""
    if connection.dialect.name == "postgresql":
        lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        connection.execute(text(f"SELECT {lock}(:of, 0)"), {"of": LOCK})
