"""The table of a register's rules (spec 06 "Data quality"): for each how many records of a division break
it, where that is kept; a cell leads to them. Where quotas are given, what rate of them that is, and the
division's place among those beside it.
"""

from __future__ import annotations

from dataclasses import replace

from app.access.divisions.regions import Region, ancestors
from app.access.scope import in_scope
from app.core.i18n import _, translate
from app.kernel.declare.figures import Figure
from app.kernel.declare.register import Register
from app.kernel.declare.tables import BY_RULE, LOWEST, QUOTA, Column, Rate, Table
from app.kernel.figures.statistics import LineKind, read
from app.kernel.reports import tables
from app.kernel.reports.order import Order, put_in
from app.kernel.reports.tables import Cell, Report, Row

_COUNT, _RANK = 1, 3  # the columns of records and of places


def report(register: Register, region: Region, year: int | None = None, kind: str = "") -> Report:
    """A row a rule for a region of the actor's area: what most records break first, those that none breaks
    last, in the order of the form. The account's own division has no place: those beside it are not its to see.
    """
    figures = {n: f for n, f in register.quality_figures.items() if f.rule}
    above = _above(region) if register.quotas else None
    children = None if register.quotas else ()
    sheet = read(register, above or region, figures, children, year, kind)
    divisions = tables.of_sheet(_by_division(register, figures), sheet)
    cells = next(row.cells for row in divisions.rows if row.region.id == region.id)
    step = 3 if register.quotas else 1  # cells of a rule
    ranked = (_("率"), _("排名")) if register.quotas else ()
    heads = (_("严重程度"), _("户数"), *ranked, _("依据"), _("改正办法"))
    found = replace(
        divisions,
        title=title(),
        region=region,
        heads=tuple((head,) for head in heads),
        rows=tuple(
            _row(region, figure, cells[n * step : (n + 1) * step])
            for n, figure in enumerate(figures.values())
        ),
        notes=tables.counting_note(sheet),
        first_head=_("规则"),
        ranks=frozenset({_RANK} if register.quotas else ()),
    )
    return put_in(found, Order(_COUNT, down=True))


def title() -> str:
    """What the table is called."""
    return _("各项规则")


def _above(region: Region) -> Region | None:
    """The division that gave it its number, if the actor sees what that gave the others."""
    above = ancestors(region)
    return above[-1] if above and in_scope(above[-1].path) else None


def _by_division(register: Register, figures: dict[str, Figure]) -> Table:
    """The same the other way round: divisions as rows, of each rule its count, rate and place."""
    columns: list[Column | Rate] = []
    for name in figures:
        columns += (
            [Column(name), Rate("", name, QUOTA, LOWEST)] if register.quotas else [Column(name)]
        )
    return Table(BY_RULE, "", tuple(columns))


def _row(region: Region, figure: Figure, told: tuple[Cell, ...]) -> Row:
    rule = figure.rule
    if rule is None:
        raise ValueError(f"{figure.text} is the figure of no rule")
    cells = (
        Cell(rule.severity.label, tone=figure.tone, words=True),
        *told,
        Cell(translate(rule.source), words=True),
        Cell(translate(rule.remedy), words=True),
    )
    return Row(LineKind.RULE, rule.label, region, cells)
