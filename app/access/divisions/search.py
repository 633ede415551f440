"""Search for a division by what a user types: name, code or pinyin initials.

The cost is bounded by index ranges, not by the size of the tree: up to a city (some thousand
nodes) a name may match in its middle; in a province or the nation it must begin with the words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, case, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from app.access.divisions.former import LEFT_BEHIND, RegionHistory
from app.access.divisions.regions import (
    Level,
    Region,
    ancestor_paths,
    has_children,
    in_subtree,
    is_child_of,
    within,
)
from app.core.db import db
from app.core.types import nfc

LIMIT = 30
_FEW = 5
_LAST = "\U0010ffff"  # sorts behind every character that a name may hold
_SMALL_AREA_LABELS = 3  # nation, province and one more: a city at most
_PART, _MOST_PARTS = 2, 16  # characters of an ancestor's name, written before a division's


class Entry(NamedTuple):
    """What a picker shows of a division."""

    id: int
    code: str
    name: str
    full_name: str
    level: Level
    has_children: bool
    former: str = ""  # the name or code that was searched for, where it had it before


def search(
    query: str,
    area: str,
    levels: Collection[Level] = tuple(Level),
    limit: int = LIMIT,
    near: Sequence[str] = (),
) -> Sequence[Entry]:
    """Divisions in the subtree of the path ``area`` that ``query`` may mean: those in the first of the
    areas ``near`` first, then by level.

    Digits are the beginning of a code, Latin letters of pinyin initials, all else is a name, which may
    follow names of ancestors. With blanks in it, the last word is searched for and the others stand in
    the full name: 蓝田 秦谷; without, where few are called so, it is taken apart: 蓝田县秦谷, 陕西秦谷.
    One statement an area, another where it is taken apart, one for names and codes of old.
    """
    printable = "".join(c if c.isprintable() else " " for c in nfc(query))
    *context, word = printable.split() or [""]
    if not word or not levels:
        return []
    found: dict[int, Entry] = {}
    for place in [*(one for one in near if within(one, area) and one != area), area]:
        if len(found) < limit:
            conditions = [in_subtree(Region.path, place), *map(_stands_in_full_name, context)]
            small = place.count(".") >= _SMALL_AREA_LABELS
            here = _found(word, levels, conditions, limit, small=small)
            found |= {one.id: one for one in here if one.id not in found}
    return list(found.values())[:limit]


def _found(
    word: str, levels: Collection[Level], conditions: list[Any], limit: int, *, small: bool
) -> list[Entry]:
    """What fits the word as it stands; where that is little, taken apart, and what was called so."""
    column, start = _prefix(word)
    asked = _of_area if small else _of_ranges
    found = _entries(asked(levels, column, start, word, conditions, limit))
    if len(found) < _FEW and column is Region.name:
        found += _joined(word, levels, conditions, limit)
    if len(found) < _FEW and column is not Region.initials:
        found += _formerly(column is Region.code, start, levels, conditions, limit)
    return list({one.id: one for one in reversed(found)}.values())[::-1]


def _stands_in_full_name(part: str) -> ColumnElement[bool]:
    return Region.full_name.contains(part, autoescape=True)


def _of_area(
    levels: Collection[Level], column: Any, start: str, word: str, conditions: list[Any], limit: int
) -> Any:
    """Of a small area: names may hold the word in their middle."""
    begins = column.between(start, start + _LAST)
    inside = Region.name.contains(word, autoescape=True)
    best_first = (case((begins, 0), else_=1), Region.level, Region.sort, Region.code)
    found = _shown().where(begins | inside, Region.level.in_(levels), *conditions)
    return found.order_by(*best_first).limit(limit)


def _of_ranges(
    levels: Collection[Level], column: Any, start: str, word: str, conditions: list[Any], limit: int
) -> Any:
    """One index range a level; of counties and above, a few thousand, all that hold the word."""
    begins = column.between(start, start + _LAST)
    inside = begins | Region.name.contains(word, autoescape=True)
    ranges = [
        _shown()
        .add_columns(case((begins, 0), else_=1).label("rank"))
        .where(Region.level == level, inside if level <= Level.COUNTY else begins, *conditions)
        .order_by("rank", column, Region.path)
        .limit(limit)
        .subquery()
        for level in levels
    ]
    rows = union_all(*(select(part) for part in ranges)).subquery()
    columns = [one for one in rows.c if one.key != "rank"]
    return (
        select(*columns).order_by(rows.c.level, rows.c.rank, rows.c.name, rows.c.code).limit(limit)
    )


def _joined(word: str, levels: Collection[Level], conditions: list[Any], limit: int) -> list[Entry]:
    """Divisions whose name begins with the end of the word, while its beginning names what they lie
    in: 洛南县东街, 陕西洛南东街. Where it stands so in a full name, no other is meant.
    """
    ranges = []
    for at in range(_PART, min(len(word) - _PART, _MOST_PARTS) + 1):
        above, name = word[:at], word[at:]
        letters = "%".join(f"\\{c}" if c in "\\%_" else c for c in above)
        loosely = Region.full_name.like(f"%{letters}%", escape="\\")
        rank = case((_stands_in_full_name(above), 0), else_=1).label("rank")
        begins = Region.name.between(name, name + _LAST)
        one = (
            _shown().add_columns(rank).where(Region.level.in_(levels), begins, loosely, *conditions)
        )
        ranges.append(one.order_by(rank, Region.level, Region.path).limit(limit).subquery())
    if not ranges:
        return []
    rows = union_all(*(select(part) for part in ranges)).subquery()
    found = db.session.execute(select(rows).order_by(rows.c.rank, rows.c.level, rows.c.code)).all()
    return [Entry(*row[:-1]) for row in found if row.rank == found[0].rank]


def _formerly(
    by_code: bool, start: str, levels: Collection[Level], conditions: list[Any], limit: int
) -> list[Entry]:
    """Divisions that had such a name or code, or took one over that had."""
    column = RegionHistory.code if by_code else RegionHistory.name
    query = (
        _shown()
        .add_columns(column)
        .join(RegionHistory, RegionHistory.into_id == Region.id)
        .where(
            column.between(start, start + _LAST),
            RegionHistory.kind.in_(LEFT_BEHIND),
            Region.level.in_(levels),
            *conditions,
        )
        .order_by(Region.level, column, Region.code)
        .limit(limit)
    )
    found = {row[0]: Entry(*row) for row in db.session.execute(query)}
    return list(found.values())


def named(name: str, level: Level, areas: Collection[str], limit: int) -> list[str]:
    """Paths of at most ``limit`` divisions of a level, in or above one of ``areas``, that are called
    like this. One statement; in the middle of a name only where that stays cheap, as in
    :func:`search`.
    """
    small = all(area.count(".") >= _SMALL_AREA_LABELS for area in areas)
    called = (
        Region.name.contains(name, autoescape=True)
        if small
        else Region.name.between(name, name + _LAST)
    )
    inside = or_(
        Region.path.in_({above for area in areas for above in ancestor_paths(area)}),
        *(in_subtree(Region.path, area) for area in areas),
    )
    query = select(Region.path).where(Region.level == level, called, inside, ~Region.structural)
    return list(db.session.scalars(query.order_by(Region.path).limit(limit)))


def entries_below(region_id: int) -> Sequence[Entry]:
    """The shown children of a division, in their order."""
    return _entries(
        _shown().where(is_child_of(region_id)).order_by(Region.level, Region.sort, Region.code)
    )


def of_keys(keys: Sequence[int], area: str) -> list[Entry]:
    """The divisions with these keys that lie in the subtree ``area``, in the order of the keys."""
    if not keys:
        return []
    query = _shown().where(Region.id.in_(keys), in_subtree(Region.path, area))
    found = {one.id: one for one in _entries(query)}
    return [found[key] for key in keys if key in found]


def entry(region_id: int, area: str) -> tuple[Entry, str] | None:
    """A division of the subtree ``area`` and its path; None if there is none, or it lies outside."""
    query = _shown().add_columns(Region.path)
    row = db.session.execute(
        query.where(Region.id == region_id, in_subtree(Region.path, area))
    ).first()
    return (Entry(*row[:-1]), row[-1]) if row is not None else None


def _prefix(word: str) -> tuple[InstrumentedAttribute[str], str]:
    """The column that a word searches, and with what its values begin."""
    plain = unicodedata.normalize("NFKC", word).lower()
    if plain.isascii() and plain.isdigit():
        return Region.code, plain
    if plain.isascii() and plain.isalnum():
        return Region.initials, plain
    return Region.name, word


def _shown() -> Select[int, str, str, str, Level, bool]:
    return select(
        Region.id, Region.code, Region.name, Region.full_name, Region.level,
        has_children().label("has_children"),
    ).where(~Region.structural)  # fmt: skip


def _entries(query: Select[*tuple[Any, ...]]) -> list[Entry]:
    return [Entry(*row) for row in db.session.execute(query)]
