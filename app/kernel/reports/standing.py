"""A division's place in rates of what it was given to do, among the divisions beside it.

Where the division above lies in the own area these have names; beside the own division they have none
(:mod:`app.kernel.beyond.own_place`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median

from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.access.scope import in_scope
from app.core.clock import now
from app.core.errors import NotFound
from app.core.i18n import _
from app.kernel.beyond import own_place
from app.kernel.declare.quality import Severity
from app.kernel.declare.register import Register
from app.kernel.declare.tables import LOWEST, QUOTA, Mean, Rate, Table
from app.kernel.figures import statistics
from app.kernel.figures.state import incomplete
from app.kernel.figures.statistics import Line, LineKind, Sheet
from app.kernel.quotas import giving
from app.kernel.reports.shares import ranked

#: So many others hide each other: with fewer the best rate and the median would be those of one that is known.
HIDDEN_AMONG = 3
_SEVERITIES = {one.value for one in Severity}
Pair = tuple[int, int]


@dataclass(frozen=True)
class Field:
    """A division among those beside it. ``sheet`` has its line (:attr:`own`); ``pairs`` what is done of what was
    given, by figure and division, of those that were given something; ``named`` are the divisions that may be
    told by name.
    """

    region: Region
    above: Region
    sheet: Sheet
    given: int
    pairs: Mapping[str, Mapping[int, Pair]]
    named: Mapping[int, Region]

    @property
    def own(self) -> Line:
        """The division's own line."""
        return next(line for line in self.sheet.lines if line.region.id == self.region.id)

    def place(self, rate: Rate, done: int) -> int:
        """The place with so many done, the others as they are."""
        pairs = {**self.pairs[rate.of], self.region.id: (done, self.given)}
        return ranked(pairs, lowest=rate.rank == LOWEST)[self.region.id]


@dataclass(frozen=True)
class Standing:
    """A division in one rate: what is done of what was given, its place among so many that have one; None:
    it has none. ``best`` and ``middle``: the best rate and the median of all, where there are enough of them.
    ``told``: False while the figure is being counted.
    """

    rate: Rate
    done: int
    whole: int
    place: int | None
    among: int
    best: Fraction | None = None
    middle: Fraction | None = None
    told: bool = True

    @property
    def share(self) -> Fraction | None:
        """The exact rate."""
        return Fraction(self.done, self.whole) if self.whole else None


def is_explained(rate: Rate) -> bool:
    """Is it told why a division has its place in this rate? Of those of what was given to do that rank and
    name what they lack, or count findings.
    """
    ranks = bool(rate.rank) and rate.over == QUOTA and not isinstance(rate, Mean)
    return ranks and (rate.rank != LOWEST or rate.of in _SEVERITIES)


def has_siblings(region: Region) -> bool:
    """May there be a place? Not for the nation, nor where nobody is given anything: below the towns."""
    return Level.NATION < region.level <= Level.TOWN


def read(
    register: Register,
    region: Region,
    rates: Sequence[Rate],
    more: Iterable[str],
    year: int | None,
    kind: str,
) -> Field:
    """The division among those beside it, in the rates; its own line counts ``more`` figures too. As many
    statements, whatever the number of divisions.

    :raises NotFound: it lies outside the actor's area, or has nobody beside it.
    """
    found = regions.ancestors(region) if has_siblings(region) else ()
    if not found:
        raise NotFound(_("没有这项排名。"))
    above = found[-1]
    names = tuple(dict.fromkeys((*(rate.of for rate in rates), *more)))
    if in_scope(above.path):
        return _in_area(register, region, above, names, year, kind)
    return _nameless(register, region, above, names, year, kind)


def _in_area(
    register: Register, region: Region, above: Region, names: tuple[str, ...], year: int | None, kind: str
) -> Field:  # fmt: skip
    sheet = statistics.read(register, above, names, year=year, kind=kind)
    given = giving.given(register, above, year, kind)
    lines = {line.region.id: line for line in sheet.divisions if given.get(line.region.id)}
    pairs = {
        name: {key: (line.counts[name], given[key]) for key, line in lines.items()}
        for name in names
    }
    named = {key: line.region for key, line in lines.items()}
    return Field(region, above, sheet, given.get(region.id, 0), pairs, named)


def _nameless(
    register: Register, region: Region, above: Region, names: tuple[str, ...], year: int | None, kind: str
) -> Field:  # fmt: skip
    beside = own_place.read(register, region, above, names, year, kind)
    own = Line(LineKind.OWN, region, beside.counts)
    counting = incomplete(register) & frozenset(names)
    sheet = Sheet(register, region, (own,), now(), year, kind, counting)
    others = {-n: other for n, other in enumerate(beside.others, 1)}  # keys of no division
    if beside.given:
        others[region.id] = beside.given, beside.counts
    pairs = {
        name: {key: (counts[name], given) for key, (given, counts) in others.items()}
        for name in names
    }
    return Field(region, above, sheet, beside.given, pairs, {})


def of_table(
    register: Register, table: Table, region: Region, year: int | None, kind: str
) -> tuple[Standing, ...]:
    """The places of a division in the rates of a table of which it is told why; none where it can have none."""
    rates = [leaf for leaf in table.leaves() if isinstance(leaf, Rate) and is_explained(leaf)]
    if not rates or not has_siblings(region):
        return ()
    field = read(register, region, rates, (), year, kind)
    return tuple(of(field, rate) for rate in rates)


def of(field: Field, rate: Rate) -> Standing:
    """The division in one rate."""
    pairs = field.pairs[rate.of]
    done = field.own.counts[rate.of]
    if not field.sheet.told(rate.of):
        return Standing(rate, done, field.given, None, len(pairs), told=False)
    place = ranked(pairs, lowest=rate.rank == LOWEST).get(field.region.id)
    shares = [Fraction(*pair) for pair in pairs.values()]
    best = middle = None
    if len(shares) - (place is not None) >= HIDDEN_AMONG:
        best = min(shares) if rate.rank == LOWEST else max(shares)
        middle = median(shares)
    return Standing(rate, done, field.given, place, len(pairs), best, middle)


__all__ = ["Field", "Pair", "Standing", "has_siblings", "is_explained", "of", "of_table", "read"]
