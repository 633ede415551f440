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

from app.access.divisions.regions import Region, in_subtree
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _
from app.kernel.declare.figures import Figure
from app.kernel.declare.register import Register
from app.kernel.declare.tables import LOWEST, Rate
from app.kernel.figures import statistics
from app.kernel.lists.asked import SMALL_AREA
from app.kernel.reports import standing
from app.kernel.reports.shares import ranked
from app.kernel.reports.standing import Field, Standing, is_explained
from app.kernel.rows.reading import columns_of

#: How many better places are told with what they take.
_BETTER_TOLD = 3


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
    """A division that may be told by name, itself or one beside it, with its exact rate."""

    region: Region
    place: int
    share: Fraction


@dataclass(frozen=True)
class Why:
    """The whole answer: of each rate the ``standings``, of the one that was asked for all the rest, causes that
    gain most first. ``siblings``: none where those beside it lie outside the area. ``large``: so many records
    that rules are told by counters alone.
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


def read(register: Register, region: Region, of: str, year: int | None, kind: str) -> Why:
    """Why the region has its place in the rate of the figure ``of`` among the divisions beside it. As many
    statements, whatever the number of divisions, rules and records.

    :raises NotFound: no such rate, or the region lies outside the actor's area or has nobody beside it.
    """
    rates = explained(register)
    if of not in rates:
        raise NotFound(_("没有这项排名。"))
    lacks = [name for rate in rates.values() for name in rate.lacks.split()]
    whole = [register.whole] if register.whole else []
    field = standing.read(register, region, (*rates.values(),), (*lacks, *whole), year, kind)
    found = [standing.of(field, rate) for rate in rates.values()]
    chosen = next(one for one in found if one.rate.of == of)
    causes = _causes(field, chosen)
    return Why(
        register, region, field.above, year, kind, field.sheet.at, tuple(found), chosen,
        tuple(sorted(causes, key=lambda one: (one.place or 0, -(one.only or 0), -one.n))),
        tuple(islice(_better(field, chosen), _BETTER_TOLD)), tuple(_siblings(field, chosen)),
        chosen.rate.rank == LOWEST and _is_large(field),
    )  # fmt: skip


def _siblings(field: Field, chosen: Standing) -> Iterator[Sibling]:
    """The divisions that have a place and a name, the first before the others."""
    pairs = field.pairs[chosen.rate.of]
    places = ranked(pairs, lowest=chosen.rate.rank == LOWEST)
    for key in sorted(field.named, key=lambda key: places[key]):
        yield Sibling(field.named[key], places[key], Fraction(*pairs[key]))


# ---- what keeps it back --------------------------------------------------------------------------


def _causes(field: Field, chosen: Standing) -> Iterator[Cause]:
    if not chosen.whole or not chosen.told:
        return
    if chosen.rate.rank == LOWEST:
        yield from _rules(field, chosen)
    else:
        yield from _steps(field, chosen)


def _steps(field: Field, chosen: Standing) -> Iterator[Cause]:
    """Households that wait in a step before, and those that nobody has entered yet."""
    counts, sheet = field.own.counts, field.sheet
    left = chosen.whole - chosen.done
    for name in chosen.rate.lacks.split():
        n = counts[name]
        left -= n
        if n and sheet.told(name):
            done = chosen.done + n
            text = sheet.register.figures[name].text
            yield Cause(text, n, n, done, field.place(chosen.rate, done), sheet.key(name))
    if left > 0:
        done = chosen.done + left
        yield Cause(_("还没有录入"), left, left, done, field.place(chosen.rate, done))


def _rules(field: Field, chosen: Standing) -> Iterator[Cause]:
    """The rules of the severity that records of the division break: a record that breaks several stays
    counted until the last of them is mended.
    """
    sheet = field.sheet
    rules = _rules_of(sheet.register, chosen.rate.of)
    if _is_large(field):
        yield from _counted(field, rules)
        return
    every = dict.fromkeys(rules, 0)
    alone = dict.fromkeys(rules, 0)
    for broken, n in _broken(field, chosen.rate.of):
        own = [code for code in broken if code in rules]
        for code in own:
            every[code] += n
        if len(own) == 1:
            alone[own[0]] += n
    for code, figure in rules.items():
        if every[code] and figure.rule is not None:
            done = chosen.done - alone[code]
            yield Cause(
                figure.text, every[code], alone[code], done, field.place(chosen.rate, done),
                sheet.key(figure.rule.figure), code, figure.rule.remedy,
            )  # fmt: skip


def _is_large(field: Field) -> bool:
    """Are these more records than a page reads?"""
    whole = field.sheet.register.whole
    return whole is not None and field.own.counts[whole] > SMALL_AREA


def _counted(field: Field, rules: Mapping[str, Figure]) -> Iterator[Cause]:
    """How many records break each rule, by counters: these do not know what else a record breaks."""
    sheet = field.sheet
    named = {f.rule.figure: (code, f) for code, f in rules.items() if f.rule is not None}
    own = statistics.read(
        sheet.register, field.region, named, children=(), year=sheet.year, kind=sheet.kind
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


def _broken(field: Field, severity: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Which rules records break together, and how many do. One statement, over the rows of a division that is
    not large.
    """
    register, model = field.sheet.register, field.sheet.register.model
    where = register.counted(field.sheet.key(severity)).sql(columns_of(model, register.name))
    query = select(model.broken, func.count()).where(
        in_subtree(model.path, field.region.path), where
    )
    for broken, n in db.session.execute(query.group_by(model.broken)):
        yield tuple(broken or ()), int(n)


def _better(field: Field, chosen: Standing) -> Iterator[Better]:
    """The next better places, the nearest first, each with the least number of households that it takes."""
    own = chosen.share
    if own is None or not chosen.told:
        return
    lowest = chosen.rate.rank == LOWEST
    pairs = field.pairs[chosen.rate.of]
    shares = {Fraction(*pair) for key, pair in pairs.items() if key != field.region.id}
    ahead = sorted((s for s in shares if (s < own if lowest else s > own)), reverse=lowest)
    told = chosen.place
    for other in ahead:
        reached = other * chosen.whole
        n = ceil(chosen.done - reached) if lowest else ceil(reached - chosen.done)
        place = field.place(chosen.rate, chosen.done - n if lowest else chosen.done + n)
        if told is None or place < told:
            told = place
            yield Better(place, n)


__all__ = ["Better", "Cause", "Sibling", "Why", "explained", "read"]
