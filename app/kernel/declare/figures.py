"""What a register counts: its figures, the years that divide them, and the keys that name a figure of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from app.core.clock import today
from app.core.i18n import mark, translate
from app.kernel.declare.expressions import Expr, Has
from app.kernel.declare.flow import State
from app.kernel.declare.quality import BROKEN, SEVERITIES, Severity
from app.kernel.declare.rules import Rule
from app.kernel.declare.terms import Ref


@dataclass(frozen=True)
class Figure:
    """A named condition over a row: counted, drilled down to, charted in the colour ``tone``
    (good, warn, bad, info, neutral). With ``sum`` it does not count the rows but adds up what a field of
    them says, exactly: such a figure stands in tables, alone or in a rate or mean.
    """

    label: str  # what pages call it
    where: Expr  # the rows that it counts
    tone: str = ""
    sum: str = ""  # the field of a number that it adds up
    rule: Rule | None = None  # of one that the kernel makes: the rule that these rows break

    @property
    def text(self) -> str:
        """What pages call it, in the user's language."""
        return self.rule.label if self.rule else translate(self.label)


@dataclass(frozen=True)
class Years:
    """Figures are counted for each year that the field ``name`` says too, from ``since`` on; it says
    one year, or several (:func:`app.kernel.declare.fields.years`).

    ``listed``: the rows of a year, where they are not those that the lists show. ``usual`` gives the
    year that pages show unless another is asked for; without it they show all years.

    ``by`` names a choice that divides each year: figures are counted for each year and code too, and
    pages offer the codes beside the year. ``usual_kind`` is the code that they show with the usual year.
    """

    name: str
    since: int
    listed: Expr | None = None
    usual: Callable[[], int] | None = None
    by: str = ""
    usual_kind: str = ""

    def offered(self) -> range:
        """The years that one may ask for, the newest first; next year's is planned already."""
        return range(today().year + 1, self.since - 1, -1)


# ---- keys ------------------------------------------------------------------------------------


def dim_of(year: int | None, kind: str = "") -> str:
    """What counters call a year, a kind of it, or (empty) all years."""
    if not year:
        return ""
    return f"{year}/{kind}" if kind else str(year)


def of_dim(figure: str, dim: str) -> str:
    """The key of a figure in a dimension (:func:`dim_of`)."""
    return f"{figure}@{dim}" if dim else figure


def of_year(figure: str, year: int | None, kind: str = "") -> str:
    """The key of a figure of one year or a kind of it, or of all years."""
    return of_dim(figure, dim_of(year, kind))


def parted(key: str) -> tuple[str, str]:
    """The figure and the dimension that a key names."""
    figure, _at, dim = key.partition("@")
    return figure, dim


# ---- what the kernel counts besides ----------------------------------------------------------

#: How figures of findings are drawn.
_TONES = {Severity.INCOMPLETE: "info", Severity.ERROR: "bad", Severity.QUESTIONABLE: "warn"}
#: What is to be filled in of a record that asks for no move (a record that was never begun asks for none).
OPEN = {
    State.DRAFT: mark("已录入，待上报"),
    State.RETURNED: mark("退回补正，待修改"),
    State.RECTIFY: mark("退回整改，待修改"),
}


def of_quality(rules: Iterable[Rule]) -> dict[str, Figure]:
    """How many records have findings of each severity, and how many break each rule."""
    found = {
        one.value: Figure(one.zh, Has(Ref(SEVERITIES), one.value), _TONES[one]) for one in Severity
    }
    for rule in rules:
        where = Has(Ref(BROKEN), rule.code)
        found[rule.figure] = Figure(rule.code, where, _TONES[rule.severity], rule=rule)
    return found


def of_single_states(figures: Mapping[str, Figure]) -> dict[State, str]:
    """The first of the figures that is exactly one state, of each state that has one."""
    found: dict[State, str] = {}
    for name, figure in figures.items():
        if figure.where.names() == {"state"}:
            states = [s for s in State if figure.where.test({"state": s})]
            if len(states) == 1:
                found.setdefault(states[0], name)
    return found
