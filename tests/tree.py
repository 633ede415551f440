"""What must be true of the tree and of all that lies in it, whatever was published."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import inspect, select

from app.access.divisions.regions import Level, Region, ancestor_paths, joined_name
from app.admin.divisions.moves import placed_tables
from app.core.db import Model
from app.kernel.declare.register import all_registers
from app.kernel.figures import counters
from app.kernel.figures.day_tables import DAYS


def broken(session: Any) -> list[str]:
    """Every contradiction; ``session`` sees all rows."""
    session.expire_all()
    return [*_tree(session), *_rows(session), *_counters(session), *_days(session)]


def _tree(session: Any) -> list[str]:
    found = []
    regions = {r.id: r for r in session.scalars(select(Region))}
    paths: dict[str, int] = {}
    for one in regions.values():
        parent = regions.get(one.parent_id)
        if parent is None:
            if one.level != Level.NATION:
                found.append(f"{one} has no parent")
            continue
        if one.structural:
            if one.path != parent.path or one.full_name != parent.full_name:
                found.append(f"{one} is no group of {parent}")
            continue
        if paths.setdefault(one.path, one.id) != one.id:
            found.append(f"{one} shares its path")
        if one.path.rpartition(".")[0].rpartition(".")[0] + "." != parent.path:
            found.append(f"{one} lies at {one.path}, its parent at {parent.path}")
        above = regions[parent.parent_id] if parent.structural else parent
        if one.full_name != joined_name(above, one.name):
            found.append(f"{one.full_name} under {above.full_name}")
        county = one.id if one.level == Level.COUNTY else parent.county_id
        province = one.id if one.level == Level.PROVINCE else parent.province_id
        if (one.county_id, one.province_id) != (county, province):
            found.append(f"{one}: county {one.county_id}, province {one.province_id}")
        if one.code.startswith("~"):
            found.append(f"{one} lost its code")
    return found


def _rows(session: Any) -> list[str]:
    found = []
    places = {r.id: r for r in session.scalars(select(Region).where(~Region.structural))}
    known = {r.path for r in places.values()}
    for placed in placed_tables():
        if placed.table.name in {"region_change", "region_history"}:
            continue
        for row in session.execute(select(placed.table)).mappings():
            place = places.get(row.get("region_id"))
            if "region_id" in row and row["region_id"] is not None:
                if place is None:
                    found.append(f"{placed.table.name}: lies nowhere")
                    continue
                for name, column in (("path", "path"), ("county_id", "county_id"),
                                     ("province_id", "province_id")):  # fmt: skip
                    if name in row and row[name] != getattr(place, column):
                        found.append(f"{placed.table.name}.{name}: {row[name]}, not {place.path}")
            elif row.get("path") is not None and not _lies(row["path"], known):
                found.append(f"{placed.table.name}: {row['path']} is no division's")
    return found


def _lies(path: str, known: set[str]) -> bool:
    """In a division, or where one was whose account was told so just after it went."""
    return path in known or path.rstrip(".").rpartition(".")[0] + "." in known


def _counters(session: Any) -> list[str]:
    found = []
    for register in all_registers():
        kept, live = (
            counters.kept_counts(session, register),
            counters.live_counts(session, register),
        )
        if kept != live:
            found.append(f"{register.name}: kept {kept}, live {live}")
    return found


def _days(session: Any) -> list[str]:
    """What a division counted is what the counties below it did."""
    return [problem for table in DAYS for problem in _days_in(session, table)]


def _days_in(session: Any, table: Any) -> list[str]:
    places = {r.id: r for r in session.scalars(select(Region).where(~Region.structural))}
    sums: dict[Any, int] = defaultdict(int)
    given: dict[Any, int] = {}
    for line in session.scalars(select(table)):
        place, key = places[line.region_id], (line.register, line.figure, line.day)
        if line.path != place.path:
            return [f"{table.__tablename__}: {line.path}, not {place.path}"]
        given[(*key, place.path)] = line.n
        if place.level == Level.COUNTY:
            for path in (*ancestor_paths(place.path), place.path):
                sums[(*key, path)] += line.n
    return [
        f"{table.__tablename__} {key}: {given.get(key, 0)}, not {sums.get(key, 0)}"
        for key in given.keys() | sums.keys()
        if given.get(key, 0) != sums.get(key, 0)
    ]


def unfollowed(engine: Any) -> list[str]:
    """Columns of the database itself that look like a place and are not moved with divisions."""
    moved = {p.table.name: {c.name for c in (*p.paths, *p.regions)} for p in placed_tables()}
    missed = []
    look = inspect(engine)
    for table in set(look.get_table_names()) - {"region", "alembic_version"}:
        keys = {
            column
            for key in look.get_foreign_keys(table)
            if key["referred_table"] == "region"
            for column in key["constrained_columns"]
        }
        for column in {c["name"] for c in look.get_columns(table)}:
            looks_so = column in keys or column.endswith("path") or column == "region_id"
            if looks_so and column not in moved.get(table, set()):
                missed.append(f"{table}.{column}")
        assert table in Model.metadata.tables, table
    return sorted(missed)
