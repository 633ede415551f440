"""Where divisions stand on a line from the lowest rate to the highest, and where one would stand without some causes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from app.core.i18n import _
from app.kernel.reports.shares import share
from app.kernel.reports.why import Why

_LEFT, _WIDE = 40, 680  # of the drawing, which is 760 wide and 110 high
_LABELLED = 14  # more divisions than these have their names on a touch alone
_PLACES = 2  # of a rate
_TICKS = 4  # parts of the scale


@dataclass(frozen=True)
class _Dot:
    share: Fraction
    label: str
    own: bool = False


def of(found: Why) -> dict[str, Any] | None:
    """For reports/why.html; None where there are not two to be compared. ``trial`` is the place on the line without
    the causes that are tried.
    """
    dots = list(_one_a_share(_named(found) if found.siblings else _marks(found)))
    most = max((one.share for one in dots), default=Fraction(0))
    if len(dots) < 2 or not most:
        return None
    many = len(dots) > _LABELLED
    return {
        "left": _LEFT,
        "right": _LEFT + _WIDE,
        "ticks": [
            {"x": _LEFT + _WIDE * n // _TICKS, "text": percent(most * n / _TICKS)}
            for n in range(_TICKS + 1)
        ],
        "dots": [
            {
                "x": _x(one.share, most),
                "text": f"{one.label} {percent(one.share)}",
                "label": one.label if one.own or not many else "",
                "y": 30 if n % 2 else 70,  # beside each other, names would lie on each other
                "own": one.own,
            }
            for n, one in enumerate(dots)
        ],
        "trial": _trial(found, most),
    }


def _one_a_share(dots: Iterable[_Dot]) -> Iterator[_Dot]:
    """Those of one rate as one, the lowest first; named is the own one, else the first."""
    shares: dict[Fraction, list[_Dot]] = {}
    for one in dots:
        shares.setdefault(one.share, []).append(one)
    for exact in sorted(shares):
        same = shares[exact]
        first = next((one for one in same if one.own), same[0])
        if len(same) == 1:
            yield first
        else:
            text = _("%(name)s等%(n)s个", name=first.label, n=len(same))
            yield replace(first, label=text)


def percent(exact: Fraction) -> str:
    """An exact rate as it is read."""
    return share(exact.numerator, exact.denominator, _PLACES)


def _x(exact: Fraction, most: Fraction) -> int:
    return _LEFT + round(min(exact, most) / most * _WIDE)


def _named(found: Why) -> Iterator[_Dot]:
    own = found.asked.region.id
    for one in found.siblings:
        yield _Dot(one.share, f"{one.place} {one.region.name}", one.region.id == own)


def _marks(found: Why) -> Iterator[_Dot]:
    """Of divisions without a name the best and the one in the middle, beside the own one."""
    one = found.chosen
    for label, exact in ((_("最好"), one.best), (_("中位数"), one.middle)):
        if exact is not None:
            yield _Dot(exact, label)
    if one.share is not None:
        yield _Dot(one.share, f"{one.place} {found.asked.region.name}", own=True)


def _trial(found: Why, most: Fraction) -> dict[str, Any] | None:
    """From where to where it would go."""
    tried, now = found.trial, found.chosen.share
    if tried is None or now is None:
        return None
    then = Fraction(tried.done, found.chosen.whole)
    return {
        "from": _x(now, most),
        "to": _x(then, most),
        "text": _("补齐后第%(n)s名", n=tried.place),
    }


__all__ = ["of", "percent"]
