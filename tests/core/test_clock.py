"""How moments are written."""

import datetime as dt

from app.core.clock import to_minute


def test_a_moment_is_written_on_chinas_clock() -> None:
    assert to_minute(dt.datetime(2026, 11, 30, 16, 5, 59, tzinfo=dt.UTC)) == "2026-12-01 00:05"
