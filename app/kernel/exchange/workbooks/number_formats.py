"""How a cell's format shows the number in it: as a number, a day, a time, with zeros in front.

A workbook keeps a day as a number; only the format tells. Formats with a number of their own are
those of Excel, the days of Chinese and Japanese editions (27–36, 50–58) among them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from app.kernel.exchange.cells import number_text

Shown = Callable[[float], str]
"""What is seen of a number."""

_DAYS = {*range(14, 18), *range(27, 32), 36, *range(50, 59)}
_TIMES = {*range(18, 22), *range(32, 36), 45, 46, 47}
_BOTH = {22}
_HIDDEN_IN_CODES = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]')
_DAY = re.compile(r"[yd]|aaa|(?<![a-z])e+(?![-+a-z])")
_TIME = re.compile(r"[hs]|am/pm|\u4e0a\u5348")
_MONTH = re.compile(r"m")
_ZEROS = re.compile("0{2,20}")

_FIRST = dt.datetime.fromisoformat("1899-12-30")
_BETWEEN = 1462  # days from the first of 1900 to that of 1904, of which others count
_LAST = 2_958_466
_SECONDS = 86_400


class NumberFormats:
    """The formats of a workbook's cells. ``codes`` are those of its own: number -> code; ``cells``
    the number of the format that the cells of each style have.
    """

    def __init__(self, codes: Mapping[int, str], cells: list[int], *, since_1904: bool) -> None:
        self._shown = [shown_by(codes.get(n), n, since_1904=since_1904) for n in cells]

    def of(self, style: int) -> Shown | None:
        """What is seen of a number in a cell of this style; None: the number itself."""
        return self._shown[style] if 0 <= style < len(self._shown) else None


@lru_cache(1000)
def _by_code(code: str) -> frozenset[str] | int:
    """Which of ``day`` and ``time`` a format shows; or how many digits it fills up with zeros."""
    plain = _HIDDEN_IN_CODES.sub("", code.split(";", 1)[0]).lower().replace("general", "")
    if _ZEROS.fullmatch(plain):
        return len(plain)
    parts = set()
    if _DAY.search(plain):
        parts.add("day")
    if _TIME.search(plain):
        parts.add("time")
    if not parts and _MONTH.search(plain):
        parts.add("day")
    return frozenset(parts)


def shown_by(code: str | None, number: int, *, since_1904: bool) -> Shown | None:
    """How a format shows numbers (None: as they are): its code, or its number where it is one of Excel's own."""
    if code is not None:
        found = _by_code(code[:255])
        if isinstance(found, int):
            return _with_zeros(found)
        day, time = "day" in found, "time" in found
    else:
        day, time = number in _DAYS or number in _BOTH, number in _TIMES or number in _BOTH
    if not (day or time):
        return None
    return _moment(day=day, time=time, since_1904=since_1904)


def _with_zeros(length: int) -> Shown:
    def shown(value: float) -> str:
        text = number_text(value)
        return text.zfill(length) if text.isdigit() else text

    return shown


def _moment(*, day: bool, time: bool, since_1904: bool) -> Shown:
    def shown(value: float) -> str:
        found = moment(value, since_1904=since_1904)
        if found is None:
            return number_text(value)
        if not day:
            return found.time().isoformat()
        at_all = time and found.time() != dt.time()
        return found.isoformat(" ") if at_all else found.date().isoformat()

    return shown


def moment(value: float, *, since_1904: bool = False) -> dt.datetime | None:
    """The day and second that Excel counts with this number; None: it counts none."""
    if since_1904:
        value += _BETWEEN
    if not 0 <= value < _LAST or 60 <= value < 61:  # Excel counts a 29 February 1900
        return None
    days, rest = divmod(value if value > 60 else value + 1, 1)
    try:
        return _FIRST + dt.timedelta(days=days, seconds=round(rest * _SECONDS))
    except OverflowError:
        return None
