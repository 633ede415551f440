"""What is wrong with figures that add up, what divides them, and what divides their years: pairs of a stable
id and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.kernel.declare.figures import Years
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.tables import HIGHEST, LOWEST, QUOTA, Mean, Rate, Table, divided

Wrong = Iterator[tuple[str, str]]

_LONGEST_KIND = 19  # characters: the counters' table holds a year, a stroke and this
_IN_BRACES = re.compile(r"\{(\w+)\}")


def wrong(register: Register) -> Wrong:
    """All of one register."""
    if register.years is not None:
        yield from _of_years(register, register.years)
    known = register.model.__fields__
    for name, figure in register.figures.items():
        made = known.get(figure.sum)
        if figure.sum and (made is None or not made.stored or not made.kind.added_in):
            yield (
                "R081",
                f"figure {name}: {figure.sum} is no field of a number that can be added up",
            )
            return
    yield from _where_rows_are_counted(register)
    if register.quotas and register.years is None:
        yield "R085", "quotas: they are set for years, and nothing is counted by year: say years="
    for table in register.tables:
        if table.quotas and not register.quotas:
            yield "R085", f"table {table.name}: shows quotas, and none are set: say quotas=True"
        for leaf in table.leaves():
            if isinstance(leaf, Rate):
                yield from _of_rate(register, table, leaf)


def _of_years(register: Register, years: Years) -> Wrong:
    if not years.by:
        if years.usual_kind:
            yield "R084", f"years: usual_kind {years.usual_kind}, but by names no choice"
        return
    made = register.model.__fields__.get(years.by)
    if made is None or made.kind.several or made.choices is None:
        yield "R084", f"years: by {years.by} is no choice of an enum"
        return
    for kind in register.kinds:
        if len(kind) > _LONGEST_KIND or not re.fullmatch("[a-z0-9_]+", kind):
            text = f"{kind} of {years.by} is not a code of at most {_LONGEST_KIND} characters a-z 0-9 _"
            yield "R084", f"years: {text}"
    if years.usual_kind and years.usual_kind not in register.kinds:
        yield "R084", f"years: {years.by} has no choice {years.usual_kind}"


def _where_rows_are_counted(register: Register) -> Wrong:
    """Only figures that count stand where a number leads to its rows."""
    adding = register.figures.keys() - {*register.counting}
    places = {
        "headline": register.headline.split(),
        "by_figure": register.lists.by_figure[1].split(),
    }
    if register.briefing:
        said = [name for text in register.briefing.texts() for name in _IN_BRACES.findall(text)]
        places["briefing"] = [*said, *(name for name, _text in register.briefing.todo)]
    for table in register.tables:
        places[f"table {table.name}"] = [*table.chart, *(table.progress or ())]
    for where, names in places.items():
        for name in sorted(adding & {*names}):
            yield "R082", f"{where}: {name} adds up, only figures that count rows stand here"
    for identity in register.identities:
        units = {_parts(register, name) for name in (identity.total, *identity.parts)}
        if len(units - {None}) > 1:
            yield "R082", f"identity {identity.text}: counts are no part of what is added up"


def _of_rate(register: Register, table: Table, rate: Rate) -> Wrong:
    where = f"table {table.name}: {rate.head}"
    if rate.rank not in ("", HIGHEST, LOWEST):
        yield "R080", f"{where} is ranked {HIGHEST} or {LOWEST}, not {rate.rank}"
    done, whole = (_of_any(register, name) for name in rate.figures)
    if done is None or whole is None:
        return  # unknown figures are told already
    if isinstance(rate, Mean):
        if not done or whole:
            yield (
                "R083",
                f"{where} divides no sum by a count, so that it is no mean: make it a Rate",
            )
    elif done != whole:
        yield "R083", f"{where} divides a sum by a count: make it a Mean"


def _of_any(register: Register, name: str) -> int | None:
    of, figure = divided(name)
    source = get_register(of) if of else register
    return _parts(source, figure) if source else None


def _parts(register: Register, figure: str) -> int | None:
    """In how many parts of one a figure adds up, 0: it counts, as quotas do; None: there is no such figure."""
    if figure == QUOTA:
        return 0
    return register.added_in(figure) if figure in register.figures else None


__all__ = ["wrong"]
