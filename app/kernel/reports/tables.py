"""A statistics table as it is read, on the page and in Excel alike: merged heads, rows, notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from app.access.divisions.regions import Region
from app.core.i18n import _, translate
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.tables import Column, Table
from app.kernel.figures.state import being_counted, explained
from app.kernel.figures.statistics import Line, LineKind, Sheet, read


@dataclass(frozen=True)
class Cell:
    """One cell: a count with the figure whose rows it is (of those ``since`` a day the ones that were
    decided from then on), or a text. ``sub`` is the small line. ``setting``: where it is set.
    """

    value: int | str
    figure: str = ""
    of: str = ""  # the register that counts it, where it is another than the table's
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
    """All figures of its register that a table and its chart show."""
    return (*(column.figure for column in table.leaves() if not column.of), *table.chart)


def of_sheet(table: Table, sheet: Sheet) -> Report:
    """The table of figures that were read already; those of another register are read now."""
    others = _others(table, sheet)
    sheet = _with_unplaced(sheet, others.values())
    rows = (
        Row(
            line.kind,
            line.label,
            line.region,
            tuple(_cell(sheet, others, column, line) for column in table.leaves()),
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
        notes=(*unplaced_note(sheet), *counting_note(sheet, *others.values())),
        year=sheet.year,
    )


def _others(table: Table, sheet: Sheet) -> dict[str, Sheet]:
    """By register, what a table shows of others than its own, for the same divisions."""
    names: dict[str, list[str]] = {}
    for column in table.leaves():
        if column.of:
            names.setdefault(column.of, []).append(column.figure)
    children = [line.region for line in sheet.divisions]
    return {
        name: read(register, sheet.region, figures, children)
        for name, figures in names.items()
        if (register := get_register(name)) is not None
    }


def _with_unplaced(sheet: Sheet, others: Iterable[Sheet]) -> Sheet:
    """The sheet with the line 行政区划缺失 where only another register has one, that rows add up."""
    last = sheet.lines[-1]
    if last.kind == LineKind.UNPLACED:
        return sheet
    if not any(other.lines[-1].kind == LineKind.UNPLACED for other in others):
        return sheet
    line = Line(LineKind.UNPLACED, sheet.region, dict.fromkeys(sheet.total.counts, 0))
    return replace(sheet, lines=(*sheet.lines, line))


def _cell(sheet: Sheet, others: Mapping[str, Sheet], column: Column, line: Line) -> Cell:
    if not column.of:
        return figure_cell(sheet, line, column.figure)
    if not others[column.of].told(column.figure):
        return Cell(being_counted(), figure=column.figure, of=column.of)
    key = (line.kind, line.region.id)
    counts = (one.counts for one in others[column.of].lines if (one.kind, one.region.id) == key)
    n = next(counts, {column.figure: 0})[column.figure]
    return Cell(n, figure=column.figure, of=column.of)


def figure_cell(sheet: Sheet, line: Line, figure: str) -> Cell:
    """A figure of the sheet's own, or that it is being counted."""
    value = line.counts[figure] if sheet.told(figure) else being_counted()
    return Cell(value, figure=sheet.key(figure))


def counting_note(*sheets: Sheet) -> tuple[str, ...]:
    """What 统计中 means, where it stands."""
    return (explained(),) if any(sheet.counting for sheet in sheets) else ()


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
    source = get_register(column.of) if column.of else register
    return translate(column.head or (source or register).figures[column.figure].label)
