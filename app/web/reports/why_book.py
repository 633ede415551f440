"""Why a division has its place, as a workbook: its places, what keeps it back, and who stands beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from io import BytesIO

from app.core.clock import to_minute
from app.core.i18n import _, translate
from app.kernel.declare.tables import LOWEST
from app.kernel.exchange.writer import Book, Cell, Column, Rate
from app.kernel.figures.state import being_counted
from app.kernel.reports.shares import UNKNOWN
from app.kernel.reports.why import Why

_PLACES = 2  # of a rate
_WIDE, _USUAL = 40, 14  # characters


def of(found: Why, dim: str) -> BytesIO:
    """The workbook; ``dim`` is what its titles say of year and kind. Beside the own division nobody has a name:
    its third sheet is left out, and the best rate and the median stand beside its places.
    """
    place = found.asked.region.full_name
    file = BytesIO()
    with Book(file) as book:
        for name, heads, rows in _sheets(found):
            columns = [Column((head,), width=_USUAL) for head in heads]
            columns[0] = Column((heads[0],), width=_WIDE)
            title = _("%(place)s %(what)s（%(dim)s，%(time)s）", place=place, what=name, dim=dim,
                      time=to_minute(found.at))  # fmt: skip
            book.table(name, columns, rows, title=title, frozen_columns=1, ruled=True)
    file.seek(0)
    return file


def _sheets(found: Why) -> Iterator[tuple[str, tuple[str, ...], Iterable[Sequence[Cell]]]]:
    """Name, heads and rows of each."""
    heads: tuple[str, ...]
    head = translate(found.chosen.rate.head)
    heads = (_("排名项目"), _("名次"), _("参加排名的地区"), _("户数"), _("任务量"), _("比例"), _("最好"), _("中位数"))  # fmt: skip
    yield _("名次"), heads, _places(found)
    by_rule = found.chosen.rate.rank == LOWEST
    first = _("规则") if by_rule else _("阶段")
    heads = (first, _("户数"), _("只有这一项"), _("补齐后%(rate)s", rate=head), _("补齐后名次"))
    yield _("原因"), heads, _causes(found)
    if found.siblings:
        rows = ((one.region.name, one.place, _rate(one.share)) for one in found.siblings)
        yield _("同级排名"), (_("地区"), _("名次"), head), rows


def _places(found: Why) -> Iterator[Sequence[Cell]]:
    for one in found.standings:
        yield (
            translate(one.rate.head), one.place or UNKNOWN, one.among, one.done, one.whole,
            _rate(one.share) if one.told else being_counted(), _rate(one.best), _rate(one.middle),
        )  # fmt: skip


def _causes(found: Why) -> Iterator[Sequence[Cell]]:
    whole = found.chosen.whole
    for one in found.causes:
        after = None if one.done is None else Fraction(one.done, whole)
        only = UNKNOWN if one.only is None else one.only
        yield one.label, one.n, only, _rate(after), one.place or UNKNOWN


def _rate(exact: Fraction | None) -> Cell:
    if exact is None:
        return UNKNOWN
    return Rate(Decimal(exact.numerator) / Decimal(exact.denominator), _PLACES)


__all__ = ["of"]
