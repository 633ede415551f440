"""The counters' table: one wide line for each county and one for each town, of each register and year.

A figure has a slot, which is a column of one part of the lines: ``v07`` of part 0. The deploy step gives
slots (:func:`give_slots`), never one twice: what is not declared any more keeps its own, and finds it again
when it comes back. So lines need no migration for a figure, and reading fifteen of them is one range.

``dim`` is empty, or the year (``2026``), or the year and kind (``2026/central``), that is counted beside all. A county's line lies at its path; a
town's holds what lies in the town and its villages. Rows that lie in a county's no town have a line of the
town's grain at the county's own path, so that the lines below a county add up to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    and_,
    case,
    func,
    insert,
    literal_column,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.access.divisions.regions import Level
from app.core.db import Model, db, read_only
from app.core.types import PathType
from app.kernel.declare.figures import parted
from app.kernel.declare.register import all_registers

#: Figures of one part of a line.
WIDTH = 32
#: Where rows lie: the key of a county, or the path of a town.
Place = int | str
_VILLAGE = 4  # characters of a village's label, its dot included
_LINES = 50  # of one statement
_KEY, _KEPT = "tally_slots", "tally_keys"


def _text(length: int) -> String:
    """Compared byte by byte."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


tally = Table(
    "tally",
    Model.metadata,
    Column("register", _text(32), primary_key=True),
    Column("dim", _text(24), primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("path", PathType, primary_key=True),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    *(
        Column(f"v{number:02}", BigInteger, nullable=False, server_default=text("0"))
        for number in range(WIDTH)
    ),
    postgresql_with={"fillfactor": 80},  # a save writes a line where it stands, no index
)


class TallySlot(Model):
    """Where the lines of a register keep a figure."""

    __tablename__ = "tally_slot"
    __table_args__ = (UniqueConstraint("register", "part", "slot", name="uq_tally_slot"),)

    register: Mapped[str] = mapped_column(String(32), primary_key=True)
    figure: Mapped[str] = mapped_column(String(48), primary_key=True)
    part: Mapped[int] = mapped_column(SmallInteger, nullable=False)
    slot: Mapped[int] = mapped_column(SmallInteger, nullable=False)


@dataclass(frozen=True, slots=True)
class Slot:
    """A column of one part of the lines."""

    part: int
    number: int

    @property
    def column(self) -> Column[int]:
        return tally.c[_COLUMNS[self.number]]


_COLUMNS = tuple(f"v{number:02}" for number in range(WIDTH))


# ---- slots -----------------------------------------------------------------------------------


def give_slots(session: Session) -> None:
    """Every figure that a register keeps has one from now on. The deploy step says it; the caller commits."""
    given: dict[str, dict[str, int]] = {}
    for one in session.scalars(select(TallySlot)):
        given.setdefault(one.register, {})[one.figure] = one.part * WIDTH + one.slot
    lines = []
    for register in all_registers():
        own = given.get(register.name, {})
        new = [figure for figure in register.kept_figures if figure not in own]
        for number, figure in enumerate(new, max(own.values(), default=-1) + 1):
            part, slot = divmod(number, WIDTH)
            lines.append({"register": register.name, "figure": figure, "part": part, "slot": slot})
    if lines:
        session.execute(insert(TallySlot), lines)


def slot_of(register: str, figure: str) -> Slot:
    """Where a figure is kept. A process asks the table once, and again for what it does not know.

    :raises LookupError: the deploy step has given it none.
    """
    known = current_app.extensions.get(_KEY)
    if known is None or (register, figure) not in known:
        known = current_app.extensions[_KEY] = _read_slots()
    if (register, figure) not in known:
        raise LookupError(f"{register}.{figure} has no slot: run flask deploy")
    return known[register, figure]


def kept_under(register: str, key: str) -> tuple[str, Slot]:
    """The dimension and the slot of a figure's key; a process works it out once.

    :raises LookupError: the deploy step has given it none.
    """
    known = current_app.extensions.setdefault(_KEPT, {})
    if (register, key) not in known:
        figure, dim = parted(key)
        known[register, key] = dim, slot_of(register, figure)
    found: tuple[str, Slot] = known[register, key]
    return found


def _read_slots() -> dict[tuple[str, str], Slot]:
    query = select(TallySlot.register, TallySlot.figure, TallySlot.part, TallySlot.slot)
    with read_only(), db.engine.connect() as connection:  # whatever the caller is writing
        return {(of, name): Slot(part, slot) for of, name, part, slot in connection.execute(query)}


# ---- reading ---------------------------------------------------------------------------------


def lines_of(
    register: str, dim: str, level: Level, parts: Iterable[int], low: Any, high: Any
) -> tuple[ColumnElement[bool], ...]:
    """The lines of one grain between two bounds of paths: one index range."""
    return of(register, dim, level, parts), tally.c.path >= low, tally.c.path < high


def of(register: str, dim: str, level: Level, parts: Iterable[int]) -> ColumnElement[bool]:
    """The lines of one grain."""
    found = sorted(set(parts))
    part = tally.c.part == found[0] if len(found) == 1 else tally.c.part.in_(found)
    grain = tally.c.level == int(level)
    return and_(tally.c.register == register, tally.c.dim == dim, grain, part)


def town_of(path: str) -> str:
    """The town in which a row at ``path`` lies; of what lies in none the path itself."""
    return path[:-_VILLAGE] if path[-_VILLAGE - 1] == "." else path


def town_path(path: Any) -> ColumnElement[str]:
    """The same in SQL."""
    before = func.length(path) - literal_column(str(_VILLAGE))
    dot = func.substr(path, before, literal_column("1")) == literal_column("'.'")
    return case((dot, func.substr(path, literal_column("1"), before)), else_=path)


# ---- writing ---------------------------------------------------------------------------------


def add(connection: Connection, changes: Mapping[tuple[str, str, Place], int]) -> None:
    """(register, key of a figure, place) -> change, added to the lines: towns before counties, each in
    one order for everybody, so that two who write wait for each other and never in a ring.
    """
    lines: dict[tuple[bool, str, str, int, Any], dict[int, int]] = {}
    for (register, key, place), n in changes.items():
        if n:
            dim, slot = kept_under(register, key)
            line = isinstance(place, int), register, dim, slot.part, place
            lines.setdefault(line, {})[slot.number] = n
    ordered = sorted(lines)
    # Numbers are written out: to bind a thousand of them takes longer than all else of a commit.
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    path_of_county = _PATH_OF_COUNTY.format(mark)
    for first in range(0, len(ordered), _LINES):
        some = ordered[first : first + _LINES]
        numbers = sorted({number for line in some for number in lines[line]})
        rows = []
        given: list[Any] = []
        for of_county, register, dim, part, place in some:
            level, path = (Level.COUNTY, path_of_county) if of_county else (Level.TOWN, mark)
            counts = [
                f"{lines[of_county, register, dim, part, place].get(n, 0):d}" for n in numbers
            ]
            rows.append(f"({mark}, {mark}, {level:d}, {path}, {part:d}, {', '.join(counts)})")
            given += (register, dim, place)
        columns = [_COLUMNS[number] for number in numbers]
        names = ", ".join(("register", "dim", "level", "path", "part", *columns))
        sums = ", ".join(f"{column} = tally.{column} + excluded.{column}" for column in columns)
        connection.exec_driver_sql(
            _UPSERT.format(names=names, rows=", ".join(rows), sums=sums), tuple(given)
        )


_PATH_OF_COUNTY = "(SELECT path FROM region WHERE id = {})"
_UPSERT = (
    "INSERT INTO tally ({names}) VALUES {rows}"
    " ON CONFLICT (register, dim, level, path, part) DO UPDATE SET {sums}"
)


__all__ = [
    "WIDTH",
    "Place",
    "Slot",
    "TallySlot",
    "add",
    "give_slots",
    "lines_of",
    "of",
    "slot_of",
    "tally",
    "town_of",
    "town_path",
]
