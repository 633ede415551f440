"""A statistics table as it is read, on the page and in Excel alike: merged heads, rows, notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from app.access.divisions.regions import Region
from app.core.i18n import _, translate
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.tables import LOWEST, QUOTA, Column, Mean, Rate, Table, divided
from app.kernel.figures.state import being_counted, explained
from app.kernel.figures.statistics import Line, LineKind, Sheet, read
from app.kernel.kinds import MONEY
from app.kernel.quotas import giving
from app.kernel.reports.shares import UNKNOWN, ranked, share
from app.kernel.reports.standing import is_explained

_PLACES = 2  # of a rate
_CENT = Decimal("0.01")
_WAN = 10_000


@dataclass(frozen=True)
class Cell:
    """One cell: a count with the figure whose rows it is (of those ``since`` a day the ones that were
    decided from then on), or a text. ``sub`` is the small line. ``setting``: where it is set.
    ``exact`` is the number that a rate was rounded from; ``words``: it is read from its beginning. ``why``: of a
    place the figure whose rate it is, where it is told why it is that one.
    """

    value: int | Decimal | str
    figure: str = ""
    of: str = ""  # the register that counts it, where it is another than the table's
    since: dt.date | None = None
    setting: str = ""
    sub: str = ""
    tone: str = ""
    exact: Fraction | None = None
    words: bool = False
    why: str = ""

    @property
    def text(self) -> str:
        """As it is read."""
        if isinstance(self.value, Decimal):
            return f"{self.value:,.2f}"
        return f"{self.value:,}" if isinstance(self.value, int) else self.value

    @property
    def number(self) -> Fraction | None:
        """By which rows are put in order; None: it tells no number."""
        if self.exact is None and not isinstance(self.value, str):
            return Fraction(self.value)
        return self.exact

    @property
    def tells(self) -> bool:
        """Does it tell anything, but that it cannot be told?"""
        return self.value not in (UNKNOWN, being_counted(), "")


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
    kind: str = ""  # … and the code that divides it
    first_head: str = ""  # what the rows are, unless divisions
    ranks: frozenset[int] = frozenset()  # the columns of cells that tell a place among siblings


def report(
    register: Register, table: Table, region: Region, year: int | None = None, kind: str = ""
) -> Report:
    """A declared table for a region of the actor's area, of one year, a kind of it, or of all."""
    return of_sheet(table, read(register, region, table_figures(table), year=year, kind=kind))


def table_figures(table: Table) -> tuple[str, ...]:
    """All figures of its register that a table and its chart show."""
    return (*(figure for register, figure in table.shown() if not register), *table.chart)


def of_sheet(table: Table, sheet: Sheet) -> Report:
    """The table of figures that were read already; those of another register are read now."""
    read = _Sheets(table, sheet)
    leaves = [read.cells_of(leaf) for leaf in table.leaves()]
    rows = (
        Row(line.kind, line.label, line.region, tuple(c for cells in leaves for c in cells(line)))
        for line in read.sheet.lines
    )
    return Report(
        title=translate(table.title),
        register=sheet.register,
        region=sheet.region,
        heads=tuple(heads(sheet.register, table.columns)),
        rows=tuple(rows),
        at=sheet.at,
        notes=(
            *unplaced_note(read.sheet),
            *counting_note(read.sheet, *read.others.values()),
            *_why_note(table),
        ),
        year=sheet.year,
        kind=sheet.kind,
        ranks=frozenset(_ranks(table)),
    )


def _why_note(table: Table) -> tuple[str, ...]:
    """That a place leads to what keeps a division back."""
    if not any(isinstance(leaf, Rate) and is_explained(leaf) for leaf in table.leaves()):
        return ()
    return (_("点名次可以看到是哪个阶段、哪条规则拉低了名次。"),)


def _ranks(table: Table) -> Iterator[int]:
    """The columns of cells that tell a place among siblings."""
    at = 0
    for leaf in table.leaves():
        if isinstance(leaf, Rate) and leaf.rank:
            at += 1
            yield at
        at += 1


class _Sheets:
    """What a table reads: of its own register, and of others for the same divisions."""

    def __init__(self, table: Table, sheet: Sheet) -> None:
        self.others = _others(table, sheet)
        self.sheet = _with_unplaced(sheet, self.others.values())
        self.quotas = _quotas(self.sheet) if table.quotas else {}

    def cells_of(self, leaf: Column | Rate) -> Callable[[Line], Iterator[Cell]]:
        """Makes the cells of a line: one, or a rate and its rank."""
        return self._rates(leaf) if isinstance(leaf, Rate) else self._counts(leaf)

    def _counts(self, column: Column) -> Callable[[Line], Iterator[Cell]]:
        def cells(line: Line) -> Iterator[Cell]:
            if not column.of and column.figure == QUOTA:
                yield Cell(self.quotas.get(_key(line), UNKNOWN))
                return
            if not column.of:
                yield figure_cell(self.sheet, line, column.figure)
                return
            sheet = self.others[column.of]
            n = self._count(column.of, column.figure, line)
            shown = being_counted() if n is None else told(sheet.register, column.figure, n)
            yield Cell(shown, figure=sheet.key(column.figure), of=column.of)

        return cells

    def _rates(self, rate: Rate) -> Callable[[Line], Iterator[Cell]]:
        pairs = {_key(line): self._pair(rate, line) for line in self.sheet.lines}
        siblings = {line.region.id: pairs[_key(line)] for line in self.sheet.divisions}
        told = {key: pair for key, pair in siblings.items() if pair is not None}
        places = ranked(told, lowest=rate.rank == LOWEST)

        def cells(line: Line) -> Iterator[Cell]:
            pair = pairs[_key(line)]
            if pair is None:
                yield Cell(being_counted())
            else:
                yield self._rate(rate, *pair)
            if rate.rank:
                place = places.get(line.region.id) if line.kind == LineKind.DIVISION else None
                why = rate.of if place is not None and is_explained(rate) else ""
                yield Cell(UNKNOWN if place is None else place, why=why)

        return cells

    def _rate(self, rate: Rate, done: int, whole: int) -> Cell:
        if not whole:
            return Cell(UNKNOWN)
        if not isinstance(rate, Mean):
            return Cell(share(done, whole, _PLACES), exact=Fraction(done, whole))
        register, figure = divided(rate.of)
        of = self.others[register].register if register else self.sheet.register
        exact = Fraction(done, whole * (of.added_in(figure) or 1))
        value = Decimal(exact.numerator) / Decimal(exact.denominator)
        return Cell(value.quantize(_CENT, ROUND_HALF_UP), exact=exact)

    def _pair(self, rate: Rate, line: Line) -> tuple[int, int] | None:
        """What is divided and by what; None while one of them is being counted."""
        done, whole = (self._count(*divided(name), line) for name in rate.figures)
        return None if done is None or whole is None else (done, whole)

    def _count(self, register: str, figure: str, line: Line) -> int | None:
        """What a figure counts on a line; None while it is being counted. Of quotas 0 where none is set."""
        if not register and figure == QUOTA:
            return self.quotas.get(_key(line), 0)
        sheet = self.others[register] if register else self.sheet
        if not sheet.told(figure):
            return None
        if not register:
            return line.counts[figure]
        found = (one.counts[figure] for one in sheet.lines if _key(one) == _key(line))
        return next(found, 0)


def _key(line: Line) -> tuple[LineKind, int]:
    return line.kind, line.region.id


def _quotas(sheet: Sheet) -> dict[tuple[LineKind, int], int]:
    """What the sheet's region gave those that it lists, their sum, and of one without any what it was given;
    nothing of lines that were given nothing.
    """
    asked = sheet.register, sheet.region, sheet.year, sheet.kind
    if not sheet.divisions:
        own = giving.received(*asked)
        return {} if own is None else {_key(sheet.total): own}
    given = giving.given(*asked)
    found = {
        _key(line): n for line in sheet.divisions if (n := given.get(line.region.id)) is not None
    }
    return found | ({_key(sheet.total): sum(found.values())} if found else {})


def _others(table: Table, sheet: Sheet) -> dict[str, Sheet]:
    """By register, what a table shows of others than its own, for the same divisions."""
    names: dict[str, list[str]] = {}
    for of, figure in table.shown():
        if of:
            names.setdefault(of, []).append(figure)
    children = [line.region for line in sheet.divisions]
    return {
        name: read(register, sheet.region, figures, children, *_same_dim(register, sheet))
        for name, figures in names.items()
        if (register := get_register(name)) is not None
    }


def _same_dim(register: Register, sheet: Sheet) -> tuple[int | None, str]:
    """The year and kind of a sheet, as far as another register counts by them too."""
    if register.years is None:
        return None, ""
    return sheet.year, sheet.kind if sheet.kind in register.kinds else ""


def _with_unplaced(sheet: Sheet, others: Iterable[Sheet]) -> Sheet:
    """The sheet with the line 行政区划缺失 where only another register has one, that rows add up."""
    last = sheet.lines[-1]
    if last.kind == LineKind.UNPLACED:
        return sheet
    if not any(other.lines[-1].kind == LineKind.UNPLACED for other in others):
        return sheet
    line = Line(LineKind.UNPLACED, sheet.region, dict.fromkeys(sheet.total.counts, 0))
    return replace(sheet, lines=(*sheet.lines, line))


def figure_cell(sheet: Sheet, line: Line, figure: str) -> Cell:
    """A figure of the sheet's own, or that it is being counted."""
    if not sheet.told(figure):
        return Cell(being_counted(), figure=sheet.key(figure))
    return figure_told(sheet.register, figure, line.counts[figure], sheet.key(figure))


def figure_told(register: Register, figure: str, n: int, key: str) -> Cell:
    """The cell of a figure's number; ``key`` names the list of the rows that it counts."""
    value = told(register, figure, n)
    return Cell(value, figure=key, sub=_in_wan(register, figure, value))


def told(register: Register, figure: str, n: int) -> int | Decimal:
    """A figure's number as people read it: of what is added up in parts, the whole ones with two places."""
    parts = register.added_in(figure)
    return n if parts in (0, 1) else (Decimal(n) / parts).quantize(_CENT)


def _in_wan(register: Register, figure: str, value: int | Decimal) -> str:
    """Large sums of money are read in 万元 too."""
    made = register.model.__fields__.get(register.figures[figure].sum)
    if made is None or made.kind is not MONEY or value < _WAN:
        return ""
    return _("%(n)s万元", n=f"{Decimal(value) / _WAN:,.2f}")


def counting_note(*sheets: Sheet) -> tuple[str, ...]:
    """What 统计中 means, where it stands."""
    return (explained(),) if any(sheet.counting for sheet in sheets) else ()


def unplaced_note(sheet: Sheet) -> tuple[str, ...]:
    """What the row 行政区划缺失 means, where there is one."""
    if sheet.lines[-1].kind != LineKind.UNPLACED:
        return ()
    return (_("“行政区划缺失”是已在本地区、但还没有确定下级地区的农户。"),)


def heads(
    register: Register, columns: tuple[Column | Rate, ...], above: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """The texts over each column that shows something: those of its groups, then its own."""
    for column in columns:
        if isinstance(column, Rate):
            yield (*above, _rate_head(register, column))
            if column.rank:
                yield (*above, _("排名"))
            continue
        own = (*above, column_label(register, column))
        if column.columns:
            yield from heads(register, column.columns, own)
        else:
            yield own


def _rate_head(register: Register, rate: Rate) -> str:
    """What stands over it; of a mean the unit too."""
    of, figure = divided(rate.of)
    source = (get_register(of) if of else None) or register
    unit = unit_of(source, figure) if isinstance(rate, Mean) else ""
    head = translate(rate.head)
    return _("%(label)s（%(unit)s）", label=head, unit=unit) if unit else head


def column_label(register: Register, column: Column) -> str:
    """What stands over a column."""
    if column.head or column.columns:
        return translate(column.head)
    if column.figure == QUOTA and not column.of:
        return _("任务量")
    source = (get_register(column.of) if column.of else None) or register
    label, unit = source.figures[column.figure].text, unit_of(source, column.figure)
    return _("%(label)s（%(unit)s）", label=label, unit=unit) if unit else label


def unit_of(register: Register, figure: str) -> str:
    """In what a figure adds up, in the user's language; empty: it counts rows."""
    name = register.figures[figure].sum
    made = register.model.__fields__[name] if name else None
    return translate(made.unit or made.kind.widget.unit) if made else ""
