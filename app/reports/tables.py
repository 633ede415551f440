"""A statistics table as it is read, on the page and in Excel alike: merged heads, rows, notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from app.access.regions import Region
from app.core.i18n import _, translate
from app.registry.register import Column, Register, Table
from app.reports.statistics import LineKind, Sheet, read


@dataclass(frozen=True)
class Head:
    """One cell of the head; ``columns`` and ``lines`` are how far it spans."""

    text: str
    columns: int = 1
    lines: int = 1


@dataclass(frozen=True)
class Cell:
    """One cell: a count with the figure whose rows it is, or a text. ``sub`` is the small line."""

    value: int | str
    figure: str = ""
    sub: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Row:
    """One row. ``region`` is the division it tells about; only DIVISION leads one level down."""

    kind: LineKind
    label: str
    region: Region
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Report:
    """A table ready to be shown. ``heads`` are the lines of its head, the division's cell first."""

    title: str
    register: Register
    region: Region
    heads: tuple[tuple[Head, ...], ...]
    rows: tuple[Row, ...]
    at: dt.datetime
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many columns, the division's included."""
        return sum(head.columns for head in self.heads[0])


def report(register: Register, table: Table, region: Region) -> Report:
    """A declared table for a region of the actor's area."""
    return of_sheet(table, read(register, region, table_figures(table)))


def table_figures(table: Table) -> tuple[str, ...]:
    """All figures that a table and its chart show."""
    return (*(column.figure for column in table.leaves()), *table.chart)


def of_sheet(table: Table, sheet: Sheet) -> Report:
    """The table of figures that were read already."""
    names = [column.figure for column in table.leaves()]
    rows = (
        Row(
            line.kind,
            line.label,
            line.region,
            tuple(Cell(line.counts[name], figure=name) for name in names),
        )
        for line in sheet.lines
    )
    return Report(
        title=translate(table.title),
        register=sheet.register,
        region=sheet.region,
        heads=heads(sheet.register, table.columns),
        rows=tuple(rows),
        at=sheet.at,
        notes=unplaced_note(sheet),
    )


def unplaced_note(sheet: Sheet) -> tuple[str, ...]:
    """What the row 行政区划缺失 means, where there is one."""
    if sheet.lines[-1].kind != LineKind.UNPLACED:
        return ()
    return (_("“行政区划缺失”是已在本地区、但还没有确定下级地区的农户。"),)


def heads(register: Register, columns: tuple[Column, ...]) -> tuple[tuple[Head, ...], ...]:
    """The merged head of declared columns, with the cell of the division in front."""
    depth = max(_depth(column) for column in columns)
    lines: list[list[Head]] = [[] for _line in range(depth)]
    lines[0].append(Head(_("地区"), lines=depth))
    for column in columns:
        for level, head in _heads(register, column, depth):
            lines[level].append(head)
    return tuple(tuple(line) for line in lines)


def column_label(register: Register, column: Column) -> str:
    """What stands over a column."""
    return translate(column.head or register.figures[column.figure].label)


def _depth(column: Column) -> int:
    return 1 + max((_depth(inner) for inner in column.columns), default=0)


def _leaves(column: Column) -> int:
    return sum(_leaves(inner) for inner in column.columns) or 1


def _heads(
    register: Register, column: Column, depth: int, level: int = 0
) -> Iterator[tuple[int, Head]]:
    """A column's cells with their line; a plain column reaches down to the last line."""
    if not column.columns:
        yield level, Head(column_label(register, column), lines=depth - level)
        return
    yield level, Head(translate(column.head), columns=_leaves(column))
    for inner in column.columns:
        yield from _heads(register, inner, depth, level + 1)
