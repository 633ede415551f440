"""The tables of figures as they were at the end of days, written once a day (:mod:`app.kernel.figures.days`)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, Connection, Date, Index, Integer, String, insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Model
from app.core.types import PathType
from app.kernel.declare.register import Register

#: A line as it is written: a value of each column.
Line = dict[str, Any]


class Day:
    """A figure of a county or of a division above it, as it was at the end of a day: increases, trends,
    ranks as of a date. Written once a day, so adding up costs nothing here and reading is one key.
    """

    register: Mapped[str] = mapped_column(String(32), primary_key=True)
    figure: Mapped[str] = mapped_column(String(48), primary_key=True)
    region_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    path: Mapped[str] = mapped_column(PathType, nullable=False)
    n: Mapped[int]


class CounterDay(Day, Model):
    """What was counted."""

    __tablename__ = "counter_day"
    __table_args__ = (Index("ix_counter_day_day", "day"),)

    n: Mapped[int] = mapped_column(Integer, nullable=False)


class SumDay(Day, Model):
    """What figures that add up came to, in the parts that they are kept in: all money of the nation in 分 is
    larger than a count may be.
    """

    __tablename__ = "sum_day"
    __table_args__ = (Index("ix_sum_day_day", "day"),)

    n: Mapped[int] = mapped_column(BigInteger, nullable=False)


#: Every table of days.
DAYS: tuple[type[CounterDay | SumDay], ...] = (CounterDay, SumDay)


def days_of(register: Register, key: str) -> type[CounterDay | SumDay]:
    """Where the days of a figure's key are kept."""
    return SumDay if register.adds(key) else CounterDay


def by_table(
    register: Register, lines: Iterable[Line]
) -> Mapping[type[CounterDay | SumDay], list[Line]]:
    """Lines of days, each at the table of its figure."""
    found: dict[type[CounterDay | SumDay], list[Line]] = defaultdict(list)
    for line in lines:
        found[days_of(register, line["figure"])].append(line)
    return found


def keep_days(connection: Connection, register: Register, lines: Iterable[Line]) -> None:
    """Add lines of days."""
    for table, own in by_table(register, lines).items():
        connection.execute(insert(table), own)


__all__ = ["DAYS", "CounterDay", "Day", "SumDay", "by_table", "days_of", "keep_days"]
