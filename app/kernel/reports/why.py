"""为什么是这个名次: what keeps a division from a better place in a rate of what it was given to do, step by
step or rule by rule; how many households that are, and what place it would have without them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import ceil

from sqlalchemy import func, select

from app.access.divisions import regions
from app.access.divisions.regions import Region, in_subtree
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _
from app.kernel.declare.figures import Figure
from app.kernel.declare.quality import Severity
from app.kernel.declare.register import Register
from app.kernel.declare.tables import LOWEST, QUOTA, Mean, Rate
from app.kernel.figures import statistics
from app.kernel.figures.statistics import Line, Sheet
from app.kernel.lists.asked import SMALL_AREA
from app.kernel.quotas import giving
from app.kernel.reports.shares import ranked
from app.kernel.rows.reading import columns_of

#: How many better places are told with what they take.
_BETTER_TOLD = 3
Pair = tuple[int, int]
_SEVERITIES = {one.value for one in Severity}


@dataclass(frozen=True)
class Standing:
    """A division in one rate: what is done of what was given, its place among so many that have one; None:
    it has none.
    """

    rate: Rate
    done: int
    whole: int
    place: int | None
    among: int

    @property
    def share(self) -> Fraction | None:
        """The exact rate."""
        return Fraction(self.done, self.whole) if self.whole else None


@dataclass(frozen=True)
class Cause:
    """Why the place is no better: ``n`` households, of which ``only`` are counted for this alone, so that
    mending it leaves ``done`` of the rate; ``place`` is the one that the division would have. Nobody has
    counted these three in a large division (``Why.large``). ``figure``: the list that shows them, empty where
    there are no records yet. ``code``: the rule.
    """

    label: str
    n: int
    only: int | None = None
    done: int | None = None
    place: int | None = None
    figure: str = ""
    code: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Better:
    """A better place, and how many households it takes."""

    place: int
    households: int


@dataclass(frozen=True)
class Sibling:
    """A division beside it, with its exact rate."""

    region: Region
    place: int
    share: Fraction


@dataclass(frozen=True)
class Why:
    """The whole answer: of each rate the ``standings``, of the one that was asked for all the rest, causes that
    gain most first. ``large``: so many records that rules are told by counters alone.
    """

    register: Register
    region: Region
    above: Region
    year: int | None
    kind: str
    at: dt.datetime
    standings: tuple[Standing, ...]
    chosen: Standing
    causes: tuple[Cause, ...]
    better: tuple[Better, ...]
    siblings: tuple[Sibling, ...]
    large: bool

    @property
    def several(self) -> bool:
        """May a household stand under several causes?"""
        return sum(one.n for one in self.causes) > self.chosen.done


def explained(register: Register) -> dict[str, Rate]:
    """The rates of which it is told, by the figure that they divide: those of what was given to do, that rank
    and that name what they lack, or count findings.
    """
    found: dict[str, Rate] = {}
    for table in register.tables:
        for leaf in table.leaves():
            if isinstance(leaf, Rate) and is_explained(leaf):
                found.setdefault(leaf.of, leaf)
    return found


def is_explained(rate: Rate) -> bool:
    """Is there an answer to why a division has its place in this rate?"""
    ranks = bool(rate.rank) and rate.over == QUOTA and not isinstance(rate, Mean)
    return ranks and (rate.rank != LOWEST or rate.of in _SEVERITIES)


def read(register: Register, region: Region, of: str, year: int | None, kind: str) -> Why:
    """Why the region has its place in the rate of the figure ``of`` among the divisions beside it. As many
    statements, whatever the number of divisions, rules and records.

    :raises NotFound: no such rate, or the division above lies outside the actor's area.
    """
    rates = explained(register)
    above = _above(region)
    if of not in rates or above is None:
        raise NotFound(_("没有这项排名。"))
    lacks = [name for rate in rates.values() for name in rate.lacks.split()]
    whole = [register.whole] if register.whole else []
    sheet = statistics.read(register, above, (*rates, *lacks, *whole), year=year, kind=kind)
    given = giving.given(register, above, year, kind)
    found = [_standing(sheet, rate, region, given) for rate in rates.values()]
    chosen = next(one for one in found if one.rate.of == of)
    pairs = _pairs(sheet, of, given)
    causes = _causes(sheet, chosen, region, pairs)
    return Why(
        register, region, above, year, kind, sheet.at, tuple(found), chosen,
        tuple(sorted(causes, key=lambda one: (one.place or 0, -(one.only or 0), -one.n))),
        tuple(islice(_better(chosen, region, pairs), _BETTER_TOLD)), tuple(_siblings(sheet, chosen, pairs)),
        chosen.rate.rank == LOWEST and _is_large(sheet, region),
    )  # fmt: skip


def _above(region: Region) -> Region | None:
    found = regions.ancestors(region)
    return found[-1] if found else None


def _pairs(sheet: Sheet, of: str, given: Mapping[int, int]) -> dict[int, Pair]:
    """What is done and what was given, of the divisions that have both."""
    counts = {line.region.id: line.counts[of] for line in sheet.divisions}
    return {key: (done, given[key]) for key, done in counts.items() if given.get(key)}


def _standing(sheet: Sheet, rate: Rate, region: Region, given: Mapping[int, int]) -> Standing:
    pairs = _pairs(sheet, rate.of, given)
    places = ranked(pairs, lowest=rate.rank == LOWEST)
    done = _line(sheet, region).counts[rate.of]
    return Standing(rate, done, given.get(region.id, 0), places.get(region.id), len(places))


def _line(sheet: Sheet, region: Region) -> Line:
    found = next((line for line in sheet.divisions if line.region.id == region.id), None)
    if found is None:
        raise NotFound(_("没有这项排名。"))
    return found


def _siblings(sheet: Sheet, chosen: Standing, pairs: Mapping[int, Pair]) -> Iterator[Sibling]:
    """The divisions that have a place, the first before the others."""
    places = ranked(pairs, lowest=chosen.rate.rank == LOWEST)
    lines = {line.region.id: line.region for line in sheet.divisions}
    for key in sorted(places, key=lambda key: places[key]):
        yield Sibling(lines[key], places[key], Fraction(*pairs[key]))


# ---- what keeps it back --------------------------------------------------------------------------


def _causes(
    sheet: Sheet, chosen: Standing, region: Region, pairs: Mapping[int, Pair]
) -> Iterator[Cause]:
    if not chosen.whole or not sheet.told(chosen.rate.of):
        return
    if chosen.rate.rank == LOWEST:
        yield from _rules(sheet, chosen, region, pairs)
    else:
        yield from _steps(sheet, chosen, region, pairs)


def _place(chosen: Standing, region: Region, pairs: Mapping[int, Pair], done: int) -> int:
    """The place with so many done, the others as they are."""
    pairs = {**pairs, region.id: (done, chosen.whole)}
    return ranked(pairs, lowest=chosen.rate.rank == LOWEST)[region.id]


def _steps(
    sheet: Sheet, chosen: Standing, region: Region, pairs: Mapping[int, Pair]
) -> Iterator[Cause]:
    """Households that wait in a step before, and those that nobody has entered yet."""
    counts, figures = _line(sheet, region).counts, sheet.register.figures
    left = chosen.whole - chosen.done
    for name in chosen.rate.lacks.split():
        n = counts[name]
        left -= n
        if n and sheet.told(name):
            done = chosen.done + n
            place = _place(chosen, region, pairs, done)
            yield Cause(figures[name].text, n, n, done, place, sheet.key(name))
    if left > 0:
        done = chosen.done + left
        yield Cause(_("还没有录入"), left, left, done, _place(chosen, region, pairs, done))


def _rules(
    sheet: Sheet, chosen: Standing, region: Region, pairs: Mapping[int, Pair]
) -> Iterator[Cause]:
    """The rules of the severity that records of the division break: a record that breaks several stays
    counted until the last of them is mended.
    """
    rules = _rules_of(sheet.register, chosen.rate.of)
    if _is_large(sheet, region):
        yield from _counted(sheet, region, rules)
        return
    every = dict.fromkeys(rules, 0)
    alone = dict.fromkeys(rules, 0)
    for broken, n in _broken(sheet, chosen.rate.of, region):
        own = [code for code in broken if code in rules]
        for code in own:
            every[code] += n
        if len(own) == 1:
            alone[own[0]] += n
    for code, figure in rules.items():
        if every[code] and figure.rule is not None:
            done = chosen.done - alone[code]
            yield Cause(
                figure.text, every[code], alone[code], done, _place(chosen, region, pairs, done),
                sheet.key(figure.rule.figure), code, figure.rule.remedy,
            )  # fmt: skip


def _is_large(sheet: Sheet, region: Region) -> bool:
    """Are these more records than a page reads?"""
    whole = sheet.register.whole
    return whole is not None and _line(sheet, region).counts[whole] > SMALL_AREA


def _counted(sheet: Sheet, region: Region, rules: Mapping[str, Figure]) -> Iterator[Cause]:
    """How many records break each rule, by counters: these do not know what else a record breaks."""
    named = {f.rule.figure: (code, f) for code, f in rules.items() if f.rule is not None}
    own = statistics.read(
        sheet.register, region, named, children=(), year=sheet.year, kind=sheet.kind
    )
    counts = own.total.counts
    for name, (code, figure) in named.items():
        if counts[name] and figure.rule is not None:
            yield Cause(
                figure.text,
                counts[name],
                figure=sheet.key(name),
                code=code,
                remedy=figure.rule.remedy,
            )


def _rules_of(register: Register, severity: str) -> dict[str, Figure]:
    """By code, those whose breaking is a finding of this severity."""
    figures = register.quality_figures.values()
    return {f.rule.code: f for f in figures if f.rule is not None and f.rule.severity == severity}


def _broken(sheet: Sheet, severity: str, region: Region) -> Iterator[tuple[tuple[str, ...], int]]:
    """Which rules records break together, and how many do. One statement, over the rows of a division that is
    not large.
    """
    register, model = sheet.register, sheet.register.model
    where = register.counted(sheet.key(severity)).sql(columns_of(model, register.name))
    query = select(model.broken, func.count()).where(in_subtree(model.path, region.path), where)
    for broken, n in db.session.execute(query.group_by(model.broken)):
        yield tuple(broken or ()), int(n)


def _better(chosen: Standing, region: Region, pairs: Mapping[int, Pair]) -> Iterator[Better]:
    """The next better places, the nearest first, each with the least number of households that it takes."""
    own = chosen.share
    if own is None:
        return
    lowest = chosen.rate.rank == LOWEST
    shares = {Fraction(*pair) for key, pair in pairs.items() if key != region.id}
    ahead = sorted((s for s in shares if (s < own if lowest else s > own)), reverse=lowest)
    told = chosen.place
    for other in ahead:
        reached = other * chosen.whole
        n = ceil(chosen.done - reached) if lowest else ceil(reached - chosen.done)
        place = _place(chosen, region, pairs, chosen.done - n if lowest else chosen.done + n)
        if told is None or place < told:
            told = place
            yield Better(place, n)


__all__ = [
    "Better",
    "Cause",
    "Sibling",
    "Standing",
    "Why",
    "explained",
    "is_explained",
    "read",
]
