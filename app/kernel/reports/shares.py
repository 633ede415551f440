"""What part of a whole is done, as pages, charts, reports and workbooks say it."""

from __future__ import annotations

#: Where nothing can be told.
UNKNOWN = "—"


def share(done: int, whole: int) -> str:
    """In percent, rounded to one digit: never 100.0 before all is done, never 0.0 once anything is; a dash
    where there is nothing to be done.
    """
    if not whole:
        return UNKNOWN
    tenths = (done * 2000 + whole) // (2 * whole)
    if 0 < done < whole:
        tenths = min(max(tenths, 1), 999)
    return f"{tenths / 10:.1f}%"
