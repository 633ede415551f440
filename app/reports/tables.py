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
class Cell:
    """One cell: a count with the figure whose rows it is (of those ``since`` a day the ones that were
    decided from then on), or a text. ``sub`` is the small line. ``setting``: where it is set.
    """

    value: int | str
    figure: str = ""
    since: dt.date | None = None
    setting: str = ""
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
    """A table ready to be shown. ``heads`` are, for each column of cells, the texts over it from
    the top down; neighbours with the same group above them are merged.
    """

    title: str
    register: Register
    region: Region
    heads: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]
    at: dt.datetime
    notes: tuple[str, ...] = ()
    year: int | None = None  # of which it tells, where not of all
    first_head: str = ""  # what the rows are, unless divisions


def report(register: Register, table: Table, region: Region, year: int | None = None) -> Report:
    """A declared table for a region of the actor's area, of one year or of all."""
    return of_sheet(table, read(register, region, table_figures(table), year=year))


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
            tuple(Cell(line.counts[name], figure=sheet.key(name)) for name in names),
        )
        for line in sheet.lines
    )
    return Report(
        title=translate(table.title),
        register=sheet.register,
        region=sheet.region,
        heads=tuple(heads(sheet.register, table.columns)),
        rows=tuple(rows),
        at=sheet.at,
        notes=unplaced_note(sheet),
        year=sheet.year,
    )


def unplaced_note(sheet: Sheet) -> tuple[str, ...]:
    """What the row 行政区划缺失 means, where there is one."""
    if sheet.lines[-1].kind != LineKind.UNPLACED:
        return ()
    return (_("“行政区划缺失”是已在本地区、但还没有确定下级地区的农户。"),)


def heads(
    register: Register, columns: tuple[Column, ...], above: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """The texts over each column that shows a figure: those of its groups, then its own."""
    for column in columns:
        own = (*above, column_label(register, column))
        if column.columns:
            yield from heads(register, column.columns, own)
        else:
            yield own


def column_label(register: Register, column: Column) -> str:
    """What stands over a column."""
    return translate(column.head or register.figures[column.figure].label)
