"""Time and keys. All instants are aware UTC; days are those of China."""

from __future__ import annotations

import datetime as dt
import os
import time
import uuid
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


def now() -> dt.datetime:
    """The present instant, aware, UTC."""
    return dt.datetime.now(dt.UTC)


def today() -> dt.date:
    """The present day in China, where every deadline and form date is read."""
    return dt.datetime.now(CHINA).date()


#: The years that days of the program are of.
YEARS = range(1900, 2101)


def read_day(text: str) -> dt.date:
    """The day that an address or a form says.

    :raises ValueError: none, or one of a year that nobody means: at the edges of the calendar there are no
        instants to compare with.
    """
    day = dt.date.fromisoformat(text)
    if day.year not in YEARS:
        raise ValueError(text)
    return day


def day_begins(day: dt.date) -> dt.datetime:
    """The instant at which a day begins in China."""
    return dt.datetime.combine(day, dt.time(), tzinfo=CHINA).astimezone(dt.UTC)


def local(moment: dt.datetime) -> dt.datetime:
    """The same instant on China's clock, for display."""
    return moment.astimezone(CHINA)


def to_minute(moment: dt.datetime) -> str:
    """The same as pages and papers write it: 2026-12-01 11:58."""
    return f"{local(moment):%Y-%m-%d %H:%M}"


def uuid7() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): sorts by creation time, needs no central sequence."""
    millis = time.time_ns() // 1_000_000
    rand = int.from_bytes(os.urandom(10), "big")
    value = (millis & (2**48 - 1)) << 80 | 0x7 << 76 | (rand >> 68) << 64 | 0b10 << 62
    return uuid.UUID(int=value | rand & (2**62 - 1))
