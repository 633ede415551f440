"""Search for a division by what a user types: name, code or pinyin initials.

The cost is bounded by index ranges, not by the size of the tree: up to a city (some thousand
nodes) a name may match in its middle; in a province or the nation it must begin with the words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, case, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from app.access.regions import (
    Level,
    Region,
    has_children,
    in_subtree,
    is_child_of,
)
from app.core.db import db
from app.core.types import nfc

LIMIT = 30
_LAST = "\U0010ffff"  # sorts behind every character that a name may hold
_SMALL_AREA_LABELS = 3  # nation, province and one more: a city at most


class Entry(NamedTuple):
    """What a picker shows of a division."""

    id: int
    code: str
    name: str
    full_name: str
    level: Level
    has_children: bool


def search(
    query: str, area: str, levels: Collection[Level] = tuple(Level), limit: int = LIMIT
) -> Sequence[Entry]:
    """Divisions in the subtree of the path ``area`` that ``query`` may mean, highest level first.

    Digits are the beginning of a code, Latin letters of pinyin initials, all else is a name.
    With blanks in it, the last word is searched for and the others stand in the full name:
    蓝田 秦谷. One statement.
    """
    printable = "".join(c if c.isprintable() else " " for c in nfc(query))
    *context, word = printable.split() or [""]
    if not word or not levels:
        return []
    conditions = [in_subtree(Region.path, area)]
    conditions += [Region.full_name.contains(part, autoescape=True) for part in context]
    column, start = _prefix(word)
    begins = column.between(start, start + _LAST)
    if area.count(".") >= _SMALL_AREA_LABELS:
        inside = Region.name.contains(word, autoescape=True)
        best_first = (case((begins, 0), else_=1), Region.level, Region.sort, Region.code)
        small = _shown().where(begins | inside, Region.level.in_(levels), *conditions)
        return _entries(small.order_by(*best_first).limit(limit))
    ranges = [
        _shown()
        .where(Region.level == level, begins, *conditions)
        .order_by(column, Region.path)
        .limit(limit)
        .subquery()
        for level in levels
    ]
    rows = union_all(*(select(part) for part in ranges)).subquery()
    return _entries(select(rows).order_by(rows.c.level, rows.c.name, rows.c.code).limit(limit))


def entries_below(region_id: int) -> Sequence[Entry]:
    """The shown children of a division, in their order."""
    return _entries(
        _shown().where(is_child_of(region_id)).order_by(Region.level, Region.sort, Region.code)
    )


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
