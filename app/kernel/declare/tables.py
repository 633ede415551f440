"""What a register's statistics show: tables, their columns, what must add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


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
    columns: tuple[Column, ...] = ()  # those below the head of a group
    of: str = ""  # the register whose figure it is, where it is another's; that of all years


def columns(names: str) -> tuple[Column, ...]:
    """Columns of plain figures."""
    return tuple(Column(name) for name in names.split())


@dataclass(frozen=True)
class Table:
    """A statistics table by division, heads as in the manual; ``chart`` names its bars.

    ``progress`` names two figures, what is done and of how many: the register then has a weekly
    table too, with the increase and the rank. ``on_desk``: the desk shows the table itself.
    """

    name: str  # in addresses
    title: str  # in the menu, and above the table
    columns: tuple[Column, ...]  # left to right
    identities: tuple[Identity, ...] = ()  # what must add up
    chart: tuple[str, ...] = ()
    progress: tuple[str, str] | None = None
    on_desk: bool = False

    def leaves(self) -> Iterator[Column]:
        """The columns that show a figure, left to right."""

        def walk(items: tuple[Column, ...]) -> Iterator[Column]:
            for item in items:
                if item.columns:
                    yield from walk(item.columns)
                else:
                    yield item

        return walk(self.columns)
