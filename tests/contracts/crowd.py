"""Records of every register in divisions of every kind, of every kind that a figure tells apart, and what
each figure should count of them.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

from sqlalchemy import inspect, select

from app.access.divisions.regions import Region
from app.access.scope import unscoped
from app.core.clock import local, now, uuid7
from app.kernel.declare.expressions import And, Expr
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register, all_registers
from app.kernel.rows.household import Household
from app.kernel.rows.reading import values_of
from tests import builders, specimens
from tests.kernel.reports.country import places
from tests.specimens import candidates

_A_PLACE = 9  # records of a register
_TRIES = 400  # to find answers that a figure counts


def registers() -> list[Register]:
    """Those that count anything."""
    return [register for register in all_registers() if register.figures and register.menus]


def register(name: str) -> Register:
    """One of them."""
    return next(one for one in registers() if one.name == name)


def settle() -> None:
    """Fill the country of the tests of statistics, the same each time, with records that each of the
    figures counts in turn.
    """
    chance, made = random.Random(2026), []
    aims = {register.name: cycle(register.figures) for register in registers()}
    for number, place in enumerate(places()):
        homes = [_home(place, number * 100 + n) for n in range(_A_PLACE)]
        made += homes
        for turn, register in enumerate(registers()):
            for n, home in enumerate(homes):
                row = home
                if register.model is not Household:
                    if (n + turn) % 4 == 0:  # not every household is in every register
                        continue
                    row = specimens.blank(register, place, household=home)
                    setattr(row, register.name_field, home.head_name)
                made.append(row)
                _answer(row, register, next(aims[register.name]), chance)
    with unscoped("tests make records") as session:
        session.add_all(made)
        session.commit()


def _home(place: Region, number: int) -> Household:
    name, numbered = f"户主{number}", builders.id_number(number)
    return Household(
        id=uuid7(), region_id=place.id, match_key=f"test:{number}", issued_name=name,
        issued_id=numbered, head_name=name, head_id=numbered, poverty_exit=True,
        low_income=number % 3 == 0,
    )  # fmt: skip


def _answer(row: Any, register: Register, figure: str, chance: random.Random) -> None:
    """Give the row values by which figures tell records apart, such that this one counts it."""
    asked = [name for name in _told_apart(register) if register.model.__fields__[name].stored]
    offered = {name: _offered(register, name) for name in asked}
    values = values_of(row) | {name: chance.choice(some) for name, some in offered.items()}
    whole = ["total"] if "total" in register.figures else []  # what a list shows is counted there
    parts = [part for name in (figure, *whole) for part in _parts(register.counted(name))]
    for _try in range(_TRIES):
        wrong = [part for part in parts if not part.test(values)]
        if not wrong:
            break
        name = chance.choice(sorted(n.lstrip("?#") for n in chance.choice(wrong).names()))
        values[name] = chance.choice(offered[name])
    else:
        raise LookupError(f"no record counts as {register.name}.{figure}")
    for name in asked:
        setattr(row, name, values[name])
    if hasattr(row, "decided_at") and row.state in (State.APPROVED, State.RETURNED):
        row.decided_at = now() - dt.timedelta(days=chance.choice((1, 3, 20, 200)))


def _parts(wanted: Expr) -> Iterator[Expr]:
    """The conditions that must all hold."""
    for part in wanted.parts if isinstance(wanted, And) else [wanted]:
        yield from _parts(part) if isinstance(part, And) else [part]


def _offered(register: Register, name: str) -> list[Any]:
    may_be_empty = inspect(register.model).columns[name].nullable
    made = register.model.__fields__[name]
    offered = list(State) if name == "state" else list(islice(candidates(made), 30))
    if made.named:  # each is a figure, and there are more than records
        codes = made.codes
        several = [tuple(codes[n::9]) for n in range(9)]
        offered = [*((code,) for code in codes), *several, *several, *several, *several]
    return [*offered, *([None] if may_be_empty else [])]


def _told_apart(register: Register) -> list[str]:
    """The fields that its figures ask for."""
    asked = set().union(*(figure.where.names() for figure in register.figures.values()))
    asked |= register.listed.names() | ({register.years.name} if register.years else set())
    return sorted(name.lstrip("?#") for name in asked)


class Truth:
    """What every figure of a register should count, told in Python from all rows, without any scope."""

    def __init__(self, register: Register) -> None:
        self.register = register
        with unscoped("the oracle of the tests counts by itself") as session:
            self._rows = [(row, values_of(row)) for row in session.scalars(select(register.model))]
        self._counted: dict[str, list[Any]] = {}

    def named(self, keys: frozenset[uuid.UUID]) -> list[str]:
        """Whom these rows are about."""
        return sorted(self.register.named(row) for row, _values in self._rows if row.id in keys)

    def standing(self, state: State, path: str) -> frozenset[uuid.UUID]:
        """Keys of the listed rows at or below a path that stand in a state."""
        return frozenset(
            row.id
            for row, values in self._rows
            if row.path.startswith(path)
            and row.state == state
            and self.register.listed.test(values)
        )

    def rows(
        self, figure: str, path: str, *, alone: bool = False, since: dt.date | None = None
    ) -> frozenset[uuid.UUID]:
        """Keys of the rows at or below a path (``alone``: exactly at it) that a figure counts, ``since``:
        of those that were decided from that day on.
        """
        if figure not in self._counted:
            where = self.register.counted(figure)
            self._counted[figure] = [row for row, values in self._rows if where.test(values)]
        return frozenset(
            row.id
            for row in self._counted[figure]
            if (row.path == path if alone else row.path.startswith(path))
            and (since is None or (row.decided_at and local(row.decided_at).date() >= since))
        )
