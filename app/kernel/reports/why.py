"""为什么是这个名次: what keeps a division from a better place in a rate of what it was given to do, step by
step or rule by rule; how many households that are, and what place it would have without them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
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
#: The cause of households that nobody has entered yet.
UNENTERED = "unentered"
#: Households by the causes that they stand under: these codes, so many.
Groups = list[tuple[frozenset[str], int]]


@dataclass(frozen=True)
class Cause:
    """Why the place is no better: ``n`` households, of which ``only`` are counted for this alone, so that
    mending it leaves ``done`` of the rate; ``place`` is the one that the division would have. Nobody has
    counted these three in a large division (``Why.large``). ``code``: how addresses call it, the rule, the figure
    of the step or :data:`UNENTERED`. ``figure``: the list that shows them, empty where there are no records yet.
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
class Trial:
    """What would be without some ``causes``: ``n`` households stand under these alone, which leaves ``done`` of the
    rate and gives the ``place``.
    """

    causes: tuple[Cause, ...]
    n: int
    done: int
    place: int


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
class Asked:
    """What is asked: the place of a division in the rate of the figure ``of``, of a year and kind or of all; and
    what it would be ``without`` the causes of these codes. One that costs nothing any more is passed over.
    """

    register: Register
    region: Region
    of: str
    year: int | None
    kind: str
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Why:
    """The whole answer: of each rate the ``standings``, of the one that was asked for all the rest, causes that
    gain most first. ``siblings``: none where those beside it lie outside the area. ``large``: so many records
    that rules are told by counters alone.
    """

    asked: Asked
    above: Region
    at: dt.datetime
    standings: tuple[Standing, ...]
    chosen: Standing
    causes: tuple[Cause, ...]
    better: tuple[Better, ...]
    siblings: tuple[Sibling, ...]
    large: bool
    trial: Trial | None

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


def read(asked: Asked) -> Why:
    """Why a division has its place among the divisions beside it. As many statements, whatever the number of
    divisions, rules and records.

    :raises NotFound: no such rate, or the region lies outside the actor's area or has nobody beside it.
    """
    register = asked.register
    rates = explained(register)
    if asked.of not in rates:
        raise NotFound(_("没有这项排名。"))
    lacks = [name for rate in rates.values() for name in rate.lacks.split()]
    whole = [register.whole] if register.whole else []
    field = standing.read(
        register, asked.region, (*rates.values(),), (*lacks, *whole), asked.year, asked.kind
    )
    found = [standing.of(field, rate) for rate in rates.values()]
    chosen = next(one for one in found if one.rate.of == asked.of)
    large = chosen.rate.rank == LOWEST and _is_large(field)
    groups = [] if large or not chosen.told or not chosen.whole else _groups(field, chosen)
    causes = _counted(field, chosen) if large else _causes(field, chosen, groups)
    order = sorted(causes, key=lambda one: (one.place or 0, -(one.only or 0), -one.n))
    return Why(
        asked, field.above, field.sheet.at, tuple(found), chosen, tuple(order),
        tuple(islice(_better(field, chosen), _BETTER_TOLD)), tuple(_siblings(field, chosen)),
        large, _trial(field, chosen, groups, [one for one in order if one.code in asked.without]),
    )  # fmt: skip


def _siblings(field: Field, chosen: Standing) -> Iterator[Sibling]:
    """The divisions that have a place and a name, the first before the others."""
    pairs = field.pairs[chosen.rate.of]
    places = ranked(pairs, lowest=chosen.rate.rank == LOWEST)
    for key in sorted(field.named, key=lambda key: places[key]):
        yield Sibling(field.named[key], places[key], Fraction(*pairs[key]))


# ---- what keeps it back --------------------------------------------------------------------------


def _groups(field: Field, chosen: Standing) -> Groups:
    """The households that keep it back, by their causes: of a step each has one, of rules maybe several, and
    stays counted until the last of them is mended.
    """
    if chosen.rate.rank == LOWEST:
        rules = _rules_of(field.sheet.register, chosen.rate.of)
        broken = _broken(field, chosen.rate.of)
        return [(frozenset(rules.keys() & set(codes)), n) for codes, n in broken]
    steps = [(name, field.own.counts[name]) for name in chosen.rate.lacks.split()]
    left = chosen.whole - chosen.done - sum(n for _name, n in steps)
    told = [(name, n) for name, n in steps if field.sheet.told(name)]
    return [(frozenset({name}), n) for name, n in (*told, (UNENTERED, left)) if n > 0]


def _causes(field: Field, chosen: Standing, groups: Groups) -> Iterator[Cause]:
    for code in dict.fromkeys(code for codes, _n in groups for code in sorted(codes)):
        every = sum(n for codes, n in groups if code in codes)
        done, place = _without(field, chosen, alone := _freed(groups, {code}))
        cause = _named(field, chosen, code)
        yield replace(cause, n=every, only=alone, done=done, place=place)


def _named(field: Field, chosen: Standing, code: str) -> Cause:
    """A cause that nobody has counted yet: what it is called, and where it is shown."""
    sheet = field.sheet
    if code == UNENTERED:
        return Cause(_("还没有录入"), 0, code=code)
    if chosen.rate.rank != LOWEST:
        return Cause(sheet.register.figures[code].text, 0, figure=sheet.key(code), code=code)
    figure = _rules_of(sheet.register, chosen.rate.of)[code]
    kept = sheet.register.rule_figures[code]
    remedy = figure.rule.remedy if figure.rule else ""
    return Cause(figure.text, 0, figure=sheet.key(kept), code=code, remedy=remedy)


def _freed(groups: Groups, without: Collection[str]) -> int:
    """How many households stand under these causes alone."""
    return sum(n for codes, n in groups if codes and codes <= set(without))


def _without(field: Field, chosen: Standing, freed: int) -> tuple[int, int]:
    """What is done of the rate with so many households mended, and the place with that."""
    done = chosen.done - freed if chosen.rate.rank == LOWEST else chosen.done + freed
    return done, field.place(chosen.rate, done)


def _trial(field: Field, chosen: Standing, groups: Groups, causes: list[Cause]) -> Trial | None:
    if not groups or not causes:
        return None
    freed = _freed(groups, {one.code for one in causes})
    return Trial(tuple(causes), freed, *_without(field, chosen, freed))


def _is_large(field: Field) -> bool:
    """Are these more records than a page reads?"""
    whole = field.sheet.register.whole
    return whole is not None and field.own.counts[whole] > SMALL_AREA


def _counted(field: Field, chosen: Standing) -> Iterator[Cause]:
    """How many records break each rule, by counters: these do not know what else a record breaks."""
    if not chosen.whole or not chosen.told:
        return
    sheet = field.sheet
    rules = _rules_of(sheet.register, chosen.rate.of)
    names = {sheet.register.rule_figures[code]: code for code in rules}
    own = statistics.read(
        sheet.register, field.region, names, children=(), year=sheet.year, kind=sheet.kind
    )
    for name, code in names.items():
        if n := own.total.counts[name]:
            yield replace(_named(field, chosen, code), n=n)


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


__all__ = ["UNENTERED", "Asked", "Better", "Cause", "Sibling", "Trial", "Why", "explained", "read"]
