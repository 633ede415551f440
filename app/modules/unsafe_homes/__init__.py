"""C、D级农户台账（住房安全未保障台账）: every household of an unsafe house, or without one (spec 02)."""

from app.modules.unsafe_homes import backfill, projection, register

__all__ = ["backfill", "projection", "register"]
