"""Counters as tests find and spoil them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Update, func, select, update
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level
from app.kernel.declare.figures import parted
from app.kernel.declare.register import Register
from app.kernel.figures import mending
from app.kernel.figures.tally import slot_of, tally


def line(register: str, key: str, level: Level = Level.COUNTY) -> tuple[Any, Any]:
    """The column that keeps a figure, and the condition of its lines of counties (or of towns)."""
    figure, dim = parted(key)
    slot = slot_of(register, figure)
    own = tally.c.register == register, tally.c.dim == dim, tally.c.part == slot.part
    return slot.column, own[0] & own[1] & own[2] & (tally.c.level == int(level))


def spoil(register: str, key: str, n: Any, level: Level = Level.COUNTY) -> Update:
    """A figure's counters say ``n``, which may be made of what they say."""
    column, lines = line(register, key, level)
    return update(tally).where(lines).values({column: n})


def add(register: str, key: str, n: int, level: Level = Level.COUNTY) -> Update:
    """A figure's counters say so many more."""
    return spoil(register, key, line(register, key)[0] + n, level)


def total(session: Session, register: str, key: str, level: Level = Level.COUNTY) -> int:
    """What a figure's lines of one grain add up to."""
    column, lines = line(register, key, level)
    return int(session.scalar(select(func.coalesce(func.sum(column), 0)).where(lines)) or 0)


def rebuild(session: Session, register: Register) -> int:
    """Set all counters of a register, and say how many were wrong. The caller commits."""
    strays = mending.forget_strays(session, register)
    return strays + sum(mending.mend(session, register, area) for area in mending.areas(session))
