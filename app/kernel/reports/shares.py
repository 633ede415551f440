"""What part of a whole is done, as pages, charts, reports and workbooks say it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

#: Where nothing can be told.
UNKNOWN = "—"


def share(done: int, whole: int, places: int = 1) -> str:
    """In percent, rounded to so many places: never 100.0 before all is done, never 0.0 once anything is; a
    dash where there is nothing to be done.
    """
    if not whole:
        return UNKNOWN
    full = 100 * 10**places
    parts = (done * 2 * full + whole) // (2 * whole)
    if 0 < done < whole:
        parts = min(max(parts, 1), full - 1)
    return f"{parts // 10**places}.{parts % 10**places:0{places}}%"


def ranked(pairs: Mapping[int, tuple[int, int]], *, lowest: bool = False) -> dict[int, int]:
    """Key -> place by the exact share that is done, the highest first or the ``lowest``; equal shares have
    one place, what has nothing to be done has none.
    """
    shares = {key: Fraction(done, whole) for key, (done, whole) in pairs.items() if whole}
    order: dict[Fraction, int] = {}
    for place, value in enumerate(sorted(shares.values(), reverse=not lowest), 1):
        order.setdefault(value, place)
    return {key: order[value] for key, value in shares.items()}
