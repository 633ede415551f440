"""The rows of a report in the order of one of its columns, as an address asks for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.core.errors import BadInput
from app.core.i18n import _
from app.kernel.figures.statistics import LineKind
from app.kernel.reports.tables import Cell, Report, Row

#: Rows that are put in order; a total stays above them, what lies in no division below.
_MOVED = (LineKind.DIVISION, LineKind.DAY, LineKind.RULE)
_BEFORE = (LineKind.TOTAL, LineKind.OWN)


@dataclass(frozen=True)
class Order:
    """By the ``column`` of cells, counted from 0; ``down``: the largest first."""

    column: int
    down: bool

    @property
    def text(self) -> str:
        """As an address says it: ``3`` is the third column, ``-3`` its largest first."""
        return f"{'-' if self.down else ''}{self.column + 1}"


def asked_for(text: str | None, report: Report) -> Order | None:
    """The order that an address names; None: as the table has it.

    :raises BadInput: the table has no such column.
    """
    if not text:
        return None
    for column in range(len(report.heads)):
        for order in (Order(column, down=False), Order(column, down=True)):
            if order.text == text:
                return order
    raise BadInput(_("没有这一列，请从页面上重新选择排序。"))


def next_of(column: int, now: Order | None, report: Report) -> Order:
    """What a click on a column's head asks for: the largest first, of ranks the first; then turned round."""
    if now is not None and now.column == column:
        return Order(column, down=not now.down)
    return Order(column, down=column not in report.ranks)


def put_in(report: Report, order: Order | None) -> Report:
    """The report with its rows in that order: what tells nothing comes last, equal ones stay as they were."""
    if order is None:
        return report
    moved = [row for row in report.rows if row.kind in _MOVED]
    told = [row for row in moved if _cell(row, order).tells]
    if all(_cell(row, order).number is not None for row in told):
        told.sort(key=lambda row: _cell(row, order).number or 0, reverse=order.down)
    else:  # days until which something is to be done, and words
        told.sort(key=lambda row: _cell(row, order).text, reverse=order.down)
    first = [row for row in report.rows if row.kind in _BEFORE]
    untold = [row for row in moved if not _cell(row, order).tells]
    last = [row for row in report.rows if row.kind not in (*_MOVED, *_BEFORE)]
    return replace(report, rows=(*first, *told, *untold, *last))


def _cell(row: Row, order: Order) -> Cell:
    return row.cells[order.column]
