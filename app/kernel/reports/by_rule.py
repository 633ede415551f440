"""The table of a register's rules (spec 06 "Data quality"): for each how many records of a division break
it, where that is kept; a cell leads to them.
"""

from __future__ import annotations

from app.access.divisions.regions import Region
from app.core.i18n import _, translate
from app.kernel.declare.figures import Figure
from app.kernel.declare.register import Register
from app.kernel.figures.statistics import LineKind, Sheet, read
from app.kernel.reports.tables import Cell, Report, Row, counting_note, figure_cell


def report(register: Register, region: Region, year: int | None = None, kind: str = "") -> Report:
    """A row a rule, in the order of the form, for a region of the actor's area."""
    figures = {n: f for n, f in register.quality_figures.items() if f.rule}
    sheet = read(register, region, figures, children=(), year=year, kind=kind)
    return Report(
        title=title(),
        register=register,
        region=region,
        heads=tuple((head,) for head in (_("严重程度"), _("户数"), _("依据"), _("改正办法"))),
        rows=tuple(_row(sheet, name, figure) for name, figure in figures.items()),
        at=sheet.at,
        notes=counting_note(sheet),
        year=year,
        kind=kind,
        first_head=_("规则"),
    )


def title() -> str:
    """What the table is called."""
    return _("各项规则")


def _row(sheet: Sheet, name: str, figure: Figure) -> Row:
    rule = figure.rule
    if rule is None:
        raise ValueError(f"{name} is the figure of no rule")
    cells = (
        Cell(rule.severity.label, tone=figure.tone, words=True),
        figure_cell(sheet, sheet.total, name),
        Cell(translate(rule.source), words=True),
        Cell(translate(rule.remedy), words=True),
    )
    return Row(LineKind.RULE, rule.label, sheet.region, cells)
