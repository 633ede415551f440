"""The report of work as PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.core.files.paper import Grid, Paper
from app.core.i18n import _
from app.kernel.exchange import printing
from app.kernel.exchange.writer import head_spans

PAPER = Path(__file__).parent / "papers/work.typ"


def pdf(paper: Paper) -> bytes:
    """The report on the template beside this module."""
    data = paper.data() | {
        "chapters": [
            {"title": c.title, "paragraphs": c.paragraphs, "grids": [_grid(g) for g in c.grids]}
            for c in paper.chapters
        ],
        "annexes": [_grid(grid) for grid in paper.annexes],
        "annex": _("附表%(n)s", n="{n}"),
    }
    return printing.pdf(PAPER, data)


def _grid(grid: Grid) -> dict[str, Any]:
    depth = max(map(len, grid.heads))
    spans = [
        {
            "text": span.text,
            "x": span.left,
            "y": span.top,
            "colspan": span.right - span.left + 1,
            "rowspan": span.bottom - span.top + 1,
        }
        for span in head_spans(grid.heads, depth)
    ]
    return {
        "title": grid.title,
        "spans": spans,
        "depth": depth,
        "columns": len(grid.heads),
        "rows": grid.rows,
        "notes": grid.notes,
    }
