"""Find the division that a list means, written as its author wrote it (spec 08, imports).

Many rows name few divisions: a :class:`Finder` reads the siblings once for each parent and keeps
them, so that a list of 100,000 rows costs one statement a town.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

from sqlalchemy import ColumnElement, false, null, select, union_all

from app.access.divisions import regions
from app.access.divisions.former import LEFT_BEHIND, RegionHistory
from app.access.divisions.names import readable, spellings
from app.access.divisions.regions import CODE_LENGTH, Level, Region
from app.core.db import db
from app.core.lazy import lazy

_STRUCTURAL = re.compile("直辖|直管|^市辖区$|^县$")
_UPPER = (Level.PROVINCE, Level.CITY, Level.COUNTY)
_MOST_DIGITS = 9  # a longer number is no key of a division
_STEPS = range(3)  # how many spellings a name has
_NEAREST_FIRST = sorted(product(_STEPS, _STEPS), key=sum)


class Place(NamedTuple):
    """What an import keeps of a division; a plain value that no rollback expires."""

    id: int
    level: Level
    code: str
    name: str
    full_name: str
    path: str
    county_id: int | None
    province_id: int | None


def place_of(region: Region) -> Place:
    """What an import keeps of this one."""
    return Place(*(getattr(region, name) for name in Place._fields))


class Match(NamedTuple):
    """The one division that is meant; ``exact`` if it is written as the tree has it."""

    place: Place
    exact: bool


class _Names:
    """Names of divisions of one level, among which a written one must mean exactly one."""

    def __init__(self, named: Iterable[tuple[str, Place]]) -> None:
        self._by_name: dict[str, list[Place]] = defaultdict(list)
        self._by_spelling: dict[tuple[int, str], list[Place]] = defaultdict(list)
        self._level: Level | None = None
        for name, place in named:
            self._level = place.level
            self._by_name[name].append(place)
            for step, spelling in enumerate(spellings(name, place.level)):
                self._by_spelling[step, spelling].append(place)

    def find(self, written: str) -> Match | None:
        if not written or self._level is None:
            return None
        if len(same := self._by_name.get(written, [])) == 1:
            return Match(same[0], exact=True)
        forms = spellings(written, self._level)
        for here, there in _NEAREST_FIRST:
            if found := self._by_spelling.get((there, forms[here])):
                return Match(found[0], exact=False) if len(found) == 1 else None
        return None


class Siblings:
    """Divisions of one level. ``former`` are names that they had, or that others had which were
    merged into one of them or moved away: they count where no present name fits.
    """

    def __init__(self, places: Iterable[Place], former: Iterable[tuple[str, Place]] = ()) -> None:
        self._now = _Names((place.name, place) for place in places)
        self._former = _Names(former)

    def find(self, written: str) -> Match | None:
        """The one that ``written`` names, or None if it names none or several."""
        found = self._now.find(written)
        if found is None and (before := self._former.find(written)) is not None:
            return before._replace(exact=False)
        return found


class Finder:
    """Resolves written names level by level; keep one for a whole import, not for longer."""

    def __init__(self) -> None:
        self._towns: dict[int, Siblings] = {}
        self._villages: dict[int, Siblings] = {}
        self._all_villages: dict[int, Siblings] = {}
        self._counties: dict[tuple[str, str], tuple[bool, Siblings]] = {}

    def county(self, province: str, city: str, name: str) -> Match | None:
        """The county ``name``; ``province`` and ``city`` may be blank if the rest is clear.

        A city column may also hold the province once more (北京市), a structural word (市辖区) or
        the county itself where it stands directly under its province (仙桃市).
        """
        key = (province or "", city or "")
        if key not in self._counties:
            self._counties[key] = self._counties_of(*key)
        known, counties = self._counties[key]
        match = counties.find(name)
        if match is None or known or Siblings([match.place]).find(city):
            return match
        return None

    def town(self, county: Place | Region, name: str) -> Match | None:
        """The town ``name`` of ``county``."""
        return self._among(self._towns, county, Level.TOWN).find(name)

    def village(self, town: Place | Region, name: str) -> Match | None:
        """The village ``name`` of ``town``; 村, 村委会, 居委会, 社区 … make no difference."""
        return self._among(self._villages, town, Level.VILLAGE).find(name)

    def village_of_county(self, county: Place | Region, name: str) -> Match | None:
        """The village ``name`` wherever it lies in ``county``, if only one there is called so."""
        if county.id not in self._all_villages:
            self._all_villages[county.id] = Siblings(
                *_read(
                    (Region.county_id == county.id) & (Region.level == Level.VILLAGE),
                    false(),
                )
            )
        return self._all_villages[county.id].find(name)

    @lazy
    def _all_upper(self) -> tuple[list[Place], list[tuple[str, Place]]]:
        return _read(Region.level.in_(_UPPER), RegionHistory.level.in_(_UPPER))

    @lazy
    def _upper(self) -> dict[Level, list[Place]]:
        """All provinces, cities and counties: 3,350."""
        found: dict[Level, list[Place]] = defaultdict(list)
        for place in self._all_upper[0]:
            found[place.level].append(place)
        return found

    def _counties_of(self, province: str, city: str) -> tuple[bool, Siblings]:
        """The counties of a written province and city; False if such a city is not known."""
        counties, cities = self._upper[Level.COUNTY], self._upper[Level.CITY]
        if province:
            match = self._siblings(self._upper[Level.PROVINCE]).find(province)
            if match is None:
                return True, Siblings([])
            # Lists give the corps' cities to the region whose code they carry: both find them.
            code = match.place.code[:2]
            counties = [p for p in counties if _lies_in(p, match.place) or p.code[:2] == code]
            cities = [p for p in cities if _lies_in(p, match.place)]
        if not city or city == province or _STRUCTURAL.search(readable(city)):
            return True, self._siblings(counties)
        match = self._siblings(cities).find(city)
        if match is None:
            return False, self._siblings(counties)
        return True, self._siblings([p for p in counties if _lies_in(p, match.place)])

    def _siblings(self, places: Sequence[Place]) -> Siblings:
        """With the names that they had before."""
        here = {place.id for place in places}
        return Siblings(places, [one for one in self._all_upper[1] if one[1].id in here])

    def _among(self, kept: dict[int, Siblings], parent: Place | Region, level: Level) -> Siblings:
        if parent.id not in kept:
            kept[parent.id] = Siblings(
                *_read(
                    (Region.parent_id == parent.id) & (Region.level == level),
                    (RegionHistory.parent_id == parent.id) & (RegionHistory.level == level),
                )
            )
        return kept[parent.id]


def meant(text: str, level: Level) -> Region | None:
    """The division that a form or a cell names: by its key, its code of 12 digits or its full name,
    written as the tree has it. None if there is none, which is shown, of any level.
    """
    if text.isascii() and text.isdigit():
        if len(text) == CODE_LENGTH:
            return regions.by_code(text, level) or regions.by_code(text)
        found = regions.get(int(text)) if len(text) <= _MOST_DIGITS else None
        return None if found is None or found.structural else found
    return _of_full_name(text)


def _of_full_name(text: str) -> Region | None:
    """Down the tree, one statement a level: where the text goes on like a child's full name."""
    found = db.session.scalar(select(Region).where(Region.level == Level.NATION))
    while found is not None and found.full_name != text:
        begins = [r for r in regions.children(found) if text.startswith(r.full_name)]
        found = max(begins, key=lambda region: len(region.full_name), default=None)
    return found


def _lies_in(place: Place, area: Place) -> bool:
    return place.path.startswith(area.path)


def _read(
    now: ColumnElement[bool], then: ColumnElement[bool]
) -> tuple[list[Place], list[tuple[str, Place]]]:
    """Divisions of today, and names left behind with the one that stands for each; one statement."""
    columns = [getattr(Region, name) for name in Place._fields]
    left = RegionHistory.kind.in_(LEFT_BEHIND) & (RegionHistory.level == Region.level)
    query = union_all(
        select(*columns, null().label("was")).where(now, ~Region.structural),
        select(*columns, RegionHistory.name)
        .join(RegionHistory, RegionHistory.into_id == Region.id)
        .where(then, left),
    )
    places: list[Place] = []
    former: dict[tuple[str, int], tuple[str, Place]] = {}
    for *row, was in db.session.execute(query):
        place = Place(*row)
        if was is None:
            places.append(place)
        else:
            former[was, place.id] = was, place
    return places, list(former.values())
