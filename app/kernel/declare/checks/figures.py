"""Do figures, tables and the report of a register name what there is?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.kernel.declare.checks import adding
from app.kernel.declare.checks.finding import Finding
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.tables import BY_RULE, TREND, WEEK, WHY, Briefing, Rate

_IN_BRACES = re.compile(r"\{(\w+)\}")
_TONES = {"", "good", "warn", "bad", "info", "neutral"}


def figures(register: Register) -> Iterator[Finding]:
    known = register.model.__fields__
    if (years := register.years) and years.name not in known:
        yield Finding("R035", register.name, f"years: unknown field {years.name}")
    kernels = register.quality_figures if register.quality.kept else {}
    for name, figure in register.figures.items():
        if figure is kernels.get(name):
            continue
        for other in sorted(figure.where.names() - known.keys()):
            yield Finding("R030", register.name, f"figure {name}: unknown field {other}")
        for other in sorted(figure.where.names() & known.keys()):
            if not known[other].stored:
                yield Finding("R031", register.name, f"figure {name}: {other} is in another table")
        if figure.tone not in _TONES:
            yield Finding("R033", register.name, f"figure {name}: unknown tone {figure.tone}")
    for name in register.headline.split():
        if name not in register.figures:
            yield Finding("R032", register.name, f"headline: unknown figure {name}")
    for name in register.lists.by_figure[1].split():
        if name not in register.figures:
            yield Finding("R058", register.name, f"by_figure: unknown figure {name}")
    for code, text in adding.wrong(register):
        yield Finding(code, register.name, text)
    if register.briefing:
        yield from _briefing(register, register.briefing)
    for table in register.tables:
        if table.name in (WEEK, TREND, BY_RULE, WHY):
            yield Finding("R034", register.name, f"no table may be called {table.name}")
        for of, shown in table.shown():
            source = get_register(of) if of else register
            if source is None or shown not in source.figures:
                text = f"table {table.name}: unknown figure {shown}{f' of {of}' if of else ''}"
                yield Finding("R032", register.name, text)
        named = [*table.chart, *(table.progress or ())]
        named += (
            n for leaf in table.leaves() if isinstance(leaf, Rate) for n in leaf.lacks.split()
        )
        named += (n for i in table.identities for n in (i.total, *i.parts))
        for name in named:
            if name not in register.figures:
                yield Finding("R032", register.name, f"table {table.name}: unknown figure {name}")


def _briefing(register: Register, briefing: Briefing) -> Iterator[Finding]:
    named = {name for text in briefing.texts() for name in _IN_BRACES.findall(text)} - {"rate"}
    for name in sorted(named | {figure for figure, _text in briefing.todo}):
        if name not in register.figures:
            yield Finding("R036", register.name, f"briefing: unknown figure {name}")
    if register.progress_table is None:
        yield Finding("R037", register.name, "briefing: no table has a progress")
    if briefing.by_year and (register.years is None or register.table(briefing.by_year) is None):
        yield Finding("R038", register.name, f"briefing: no table {briefing.by_year} by year")
