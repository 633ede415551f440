"""Figures of a register by division: one line for each child of a region (spec 02 "Lists").

Down to the county the lines are sums of counters, inside a town they are counted from the rows
themselves; in a county, too, while its counters are not complete. Either way it is one statement,
whatever the number of households.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    func,
    literal_column,
    select,
)

from app.access.actor import Actor
from app.access.divisions import asked as region_asked
from app.access.divisions import regions
from app.access.divisions.regions import Level, PathColumn, Region, in_subtree, subtree, within
from app.access.scope import in_scope
from app.core.choices import Choices
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.i18n import _
from app.kernel.declare.figures import dim_of, of_dim, of_year
from app.kernel.declare.register import Register
from app.kernel.figures import tally as lines
from app.kernel.figures.counters import live
from app.kernel.figures.state import incomplete
from app.kernel.figures.tally import Slot, slot_of, tally
from app.kernel.rows.reading import columns_of

#: What an address says that asks for no single year.
ALL_YEARS = "all"
ALL_KINDS = "all"
_LABEL, _VILLAGE_LABEL = 3, 4  # characters of one step of a path, its dot included


class LineKind(Choices):
    """What a line of a table stands for."""

    TOTAL = "total", "合计"
    OWN = "own", "本级"
    DIVISION = "division", "地区"
    UNPLACED = "unplaced", "行政区划缺失"
    DAY = "day", "日期"
    RULE = "rule", "规则"


@dataclass(frozen=True)
class Line:
    """One line: the counts of ``region``; of UNPLACED those that lie in none of its children."""

    kind: LineKind
    region: Region
    counts: Mapping[str, int]

    @property
    def label(self) -> str:
        """The division's name, or what the line is."""
        named = self.kind in (LineKind.DIVISION, LineKind.OWN)
        return self.region.name if named else self.kind.label


@dataclass(frozen=True)
class Sheet:
    """The counts of one region. ``lines`` begins with the total, which is the sum of the others;
    a region without children has only its OWN line.
    """

    register: Register
    region: Region
    lines: tuple[Line, ...]
    at: dt.datetime
    year: int | None = None  # of which the counts are, where not of all
    kind: str = ""  # … and the code that divides it
    counting: frozenset[str] = frozenset()  # figures that cannot be told yet

    def told(self, *figures: str) -> bool:
        """May all these be shown?"""
        return self.counting.isdisjoint(figures)

    def key(self, figure: str) -> str:
        """The figure as counters, days and lists name it."""
        return of_year(figure, self.year, self.kind)

    @property
    def total(self) -> Line:
        return self.lines[0]

    @property
    def divisions(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.kind == LineKind.DIVISION)


def region_asked_for(actor: Actor, text: str | None) -> Region:
    """The region that an address names; without one the account's own.

    :raises BadInput: no number. :raises NotFound: no such division in the account's area.
    """
    key = region_asked.read_key(text) if text else actor.region_id
    return region_asked.in_area(db.session, key, actor.path)


def year_asked_for(register: Register, text: str | None) -> int | None:
    """The year that an address names, None for all of them; without one the usual year.

    :raises BadInput: none of those that the register offers.
    """
    years = register.years
    if not text:
        return years.usual() if years and years.usual else None
    if years and text == ALL_YEARS:
        return None
    if years is None or text not in map(str, years.offered()):
        raise BadInput(_("年度有误，请从页面上重新选择。"))
    return int(text)


def kind_asked_for(register: Register, year: int | None, text: str | None) -> str:
    """The code that divides the year, empty for all of them; without one the usual code of the usual year.

    :raises BadInput: none of those that the register offers, or of no year.
    """
    years = register.years
    if not text:
        usual = years.usual_kind if years and years.usual else ""
        return usual if years and years.usual and year == years.usual() else ""
    if text == ALL_KINDS and register.kinds:
        return ""
    if year is None or text not in register.kinds:
        raise BadInput(_("分类有误，请从页面上重新选择。"))
    return text


def trail(actor: Actor, region: Region) -> tuple[Region, ...]:
    """The divisions from the account's own down to ``region``."""
    if region.path == actor.path:
        return (region,)
    above = [r for r in regions.ancestors(region) if within(r.path, actor.path)]
    return (*above, region)


def read(
    register: Register,
    region: Region,
    figures: Iterable[str],
    children: Sequence[Region] | None = None,
    year: int | None = None,
    kind: str = "",
) -> Sheet:
    """The figures of ``region`` and of the divisions directly below it for reporting, its
    ``children``, which are looked up unless given; of one ``year``, of a ``kind`` of it, or of all.
    What figures add up is told in the parts that it is kept in.

    :raises NotFound: the region lies outside the actor's area.
    """
    if not in_scope(region.path):
        raise NotFound(_("没有找到该地区。它可能不存在，或不在您的管辖范围内。"))
    names = tuple(dict.fromkeys(figures))
    children = regions.children(region) if children is None else children
    found = _sums(register, region, names, dim_of(year, kind))
    total = {name: sum(counts[name] for counts in found.values()) for name in names}
    lines = [Line(LineKind.TOTAL if children else LineKind.OWN, region, total)]
    if children:
        nothing = dict.fromkeys(names, 0)
        lines += [Line(LineKind.DIVISION, c, found.get(c.path, nothing)) for c in children]
        unplaced = found.get(region.path, nothing)
        if any(unplaced.values()):
            lines.append(Line(LineKind.UNPLACED, region, unplaced))
    counting = incomplete(register, counters=region.level < Level.COUNTY)
    counting &= frozenset(names)
    return Sheet(register, region, tuple(lines), now(), year, kind, counting)


def child_path(path: PathColumn, width: int) -> ColumnElement[str]:
    """The path of the child that a path lies in, see :func:`child_width`; of what lies in none
    of them the path itself.
    """
    return func.substr(path, literal_column("1"), literal_column(str(width)))


def child_width(region: Region) -> int:
    """Length of the paths of a region's children: labels of one level have one width."""
    return len(region.path) + (_VILLAGE_LABEL if region.level >= Level.TOWN else _LABEL)


def _sums(
    register: Register, region: Region, names: tuple[str, ...], dim: str
) -> dict[str, dict[str, int]]:
    """Path of a child (or of the region itself) -> figure -> how many."""
    if region.level > Level.COUNTY or (region.level == Level.COUNTY and _open(register, names)):
        counted = db.session.execute(_from_rows(register, region, names, dim))
        return {place: dict(zip(names, map(int, n), strict=True)) for place, *n in counted}
    return by_counters(register, region, names, dim)


def by_counters(
    register: Register, region: Region, names: tuple[str, ...], dim: str
) -> dict[str, dict[str, int]]:
    """The same of a region down to the county, from counters alone. These have no scope: :func:`read` asks it,
    and :mod:`app.kernel.beyond.own_place` tells no division's name.
    """
    slots = tuple(slot_of(register.name, name) for name in names)
    grain = Level.TOWN if region.level == Level.COUNTY else Level.COUNTY
    query, columns = _from_counters(register.name, dim, grain, slots, child_width(region))
    low, high = subtree(region.path)
    found: dict[str, dict[str, int]] = {}
    for place, part, *sums in db.session.execute(query, {"low": low, "high": high}):
        counts = found.setdefault(place, dict.fromkeys(names, 0))
        for name, slot in zip(names, slots, strict=True):
            if slot.part == part:
                counts[name] = int(sums[columns[slot.number]])
    return found


def _open(register: Register, names: tuple[str, ...]) -> bool:
    return not incomplete(register).isdisjoint(names)


@lru_cache(maxsize=256)  # building it takes as long as a province's answer
def _from_counters(
    register: str, dim: str, grain: Level, slots: tuple[Slot, ...], width: int
) -> tuple[Select[*tuple[Any, ...]], dict[int, int]]:
    """One index range, whatever the number of figures; and which of its sums is that of a column."""
    columns = {slot.number: slot.column for slot in slots}
    place = child_path(tally.c.path, width).label("place")
    sums = [func.sum(column) for column in columns.values()]
    parts = [slot.part for slot in slots]
    where = lines.lines_of(register, dim, grain, parts, bindparam("low"), bindparam("high"))
    query = select(place, tally.c.part, *sums).where(*where).group_by(place, tally.c.part)
    return query, {number: at for at, number in enumerate(columns)}


def _from_rows(
    register: Register, region: Region, names: tuple[str, ...], dim: str
) -> Select[*tuple[Any, ...]]:
    model = register.model
    columns = columns_of(model, register.name)
    place = child_path(model.path, child_width(region)).label("place")
    keys = {name: register.counted(of_dim(name, dim)) for name in names}
    counts = [live(register, name, where, columns) for name, where in keys.items()]
    return select(place, *counts).where(in_subtree(model.path, region.path)).group_by(place)
