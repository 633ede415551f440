"""What a register's statistics show: tables, their columns, what must add up; and what its report says."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Identity:
    """``text`` is ``total = part + part``; proved by tests and ``flask stats verify``."""

    text: str

    @property
    def total(self) -> str:
        """The figure that is the sum."""
        return self.text.split("=")[0].strip()

    @property
    def parts(self) -> tuple[str, ...]:
        """The figures that are added."""
        return tuple(part.strip() for part in self.text.split("=")[1].split("+"))


@dataclass(frozen=True)
class Column:
    """A column of a statistics table: a figure, or a group of columns under one head."""

    figure: str = ""  # the figure's name
    head: str = ""  # its head, where that is not the label of the figure
    columns: tuple[Column | Rate, ...] = ()  # those below the head of a group
    of: str = ""  # the register whose figure it is, where it is another's; of the same year and kind, if it counts by them


def columns(names: str) -> tuple[Column, ...]:
    """Columns of plain figures."""
    return tuple(Column(name) for name in names.split())


#: Names of the weekly table, of the days and of the rules in addresses; no declared table may have them.
WEEK, TREND, BY_RULE = "week", "trend", "rules"
#: … and of the pages that tell why a division has its place.
WHY = "why"
#: In columns and rates the name of what the division that is looked at gave those below it to do
#: (app.kernel.quotas); the total is the sum of those that are listed.
QUOTA = "quota"
#: Which rate is the best one, the first among siblings.
HIGHEST, LOWEST = "highest", "lowest"


@dataclass(frozen=True)
class Rate:
    """A column that says how much of one figure another one is: in percent with two decimals, over
    100 % as it is, a dash where there is nothing to divide by. A figure of another register is called
    ``register.figure``. The total's rate is that of the sums.

    ``rank`` (HIGHEST or LOWEST) puts a column beside it: the place among siblings by the exact fraction,
    where equal rates share one.
    """

    head: str  # what stands over it
    of: str  # the figure that is divided
    over: str  # … and by which
    rank: str = ""  # which rate is the first
    #: Figures of rows that it would count, were the next step done: what a division can do for its place.
    lacks: str = ""

    @property
    def figures(self) -> tuple[str, str]:
        """The two that it reads."""
        return self.of, self.over


@dataclass(frozen=True)
class Mean(Rate):
    """A rate that is told as a number of two decimals in the unit of what ``of`` adds up: how much comes
    to each row that ``over`` counts.
    """


def divided(name: str) -> tuple[str, str]:
    """The register, empty for the table's own, and the figure of ``register.figure``."""
    register, _dot, figure = name.rpartition(".")
    return register, figure


@dataclass(frozen=True)
class Table:
    """A statistics table by division, heads as in the manual; ``chart`` names its bars.

    ``progress`` names two figures, what is done and of how many: the register then has a weekly
    table too, with the increase and the rank. ``told_on`` names the column of days on which rows were first told to
    be done, where nobody need decide on them. ``on_desk``: the desk shows the table itself.
    """

    name: str  # in addresses
    title: str  # in the menu, and above the table
    columns: tuple[Column | Rate, ...]  # left to right
    identities: tuple[Identity, ...] = ()  # what must add up
    chart: tuple[str, ...] = ()
    progress: tuple[str, str] | None = None
    told_on: str = ""
    on_desk: bool = False

    def leaves(self) -> Iterator[Column | Rate]:
        """The columns that show something, left to right."""
        return _leaves(self.columns)

    def counted(self) -> set[str]:
        """The figures of the register itself that stand in it as they are."""
        return {one.figure for one in self.leaves() if isinstance(one, Column) and not one.of}

    def shown(self) -> Iterator[tuple[str, str]]:
        """The figures that its columns read: the register, empty for its own, and the name."""
        return (one for one in self._read() if one != ("", QUOTA))

    @property
    def quotas(self) -> bool:
        """Does a column read what was given to do?"""
        return ("", QUOTA) in self._read()

    def _read(self) -> Iterator[tuple[str, str]]:
        for one in self.leaves():
            if isinstance(one, Rate):
                yield from map(divided, one.figures)
            else:
                yield one.of, one.figure

    def plain(self, figures: Collection[str]) -> Table:
        """The table with those of its own register's figures alone."""
        return replace(self, columns=_plain(self.columns, figures))


@dataclass(frozen=True)
class Briefing:
    """The register's chapter of the work report (spec 02): sentences in which a figure in braces
    stands for its number, ``{rate}`` for the share that is done; ``nothing`` where no row counts.
    ``todo`` names a figure and what is to be done about it, said where it is not 0. ``by_year``
    names the table that is shown by year too.
    """

    title: str  # the head of the chapter
    sentences: tuple[str, ...]  # said where a row counts
    nothing: str
    todo: tuple[tuple[str, str], ...] = ()
    by_year: str = ""

    def texts(self) -> tuple[str, ...]:
        """All that it says, in Chinese."""
        return (self.title, *self.sentences, self.nothing, *(text for _figure, text in self.todo))


def _leaves(items: tuple[Column | Rate, ...]) -> Iterator[Column | Rate]:
    for item in items:
        if isinstance(item, Column) and item.columns:
            yield from _leaves(item.columns)
        else:
            yield item


def _plain(items: tuple[Column | Rate, ...], figures: Collection[str]) -> tuple[Column, ...]:
    found = []
    for item in items:
        if isinstance(item, Column) and not item.of:
            below = _plain(item.columns, figures)
            if below or item.figure in figures:
                found.append(replace(item, columns=below))
    return tuple(found)
