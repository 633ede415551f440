"""Records of every register beside the look-back, made from its declaration (tests/specimens.py).

They hang on the households of bench.data: a register that follows a list has its households, the others
one in :data:`EVERY`, in the measured county all of them.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, inspect

from app.core.types import UuidType
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register, all_registers
from app.kernel.rows.household import Household
from app.modules.surveys.lookback.model import Lookback
from bench.bulk import Writer
from tests import specimens

EVERY = 20
LOW_INCOME = 5  # one household in so many stands on that list too
STATES = (*[State.APPROVED] * 5, State.SUBMITTED, State.SUBMITTED, State.DRAFT, State.RETURNED)
_VARIANTS = 12

OTHERS = [r for r in all_registers() if r.menus and r.model not in (Household, Lookback)]


class Others:
    """Writes the records of one household in all these registers."""

    def __init__(self, connection: Connection, village: int, place: list[str], key: Any) -> None:
        self._key = key
        self._pick = random.Random(20260101)
        self._made = [(r, *_written(r, connection, village, place)) for r in OTHERS]

    def add(self, household: str, place: tuple[Any, ...], person: tuple[str, str], n: int) -> None:
        """``person``: name and ID number of the head; ``n`` numbers households, the nation through;
        one below zero lies in the measured county.
        """
        for register, writer, tails in self._made:
            if not _belongs(register, n):
                continue
            values: dict[str, Any] = {"household_id": household, "head_name": person[0]}
            values |= {"head_id": person[1], register.name_field: person[0]}
            values |= {register.number_field: person[1]} if register.number_field else {}
            varying = [
                values.get(name) or self._key() for name in writer.varying if name not in _PLACE
            ]
            head, rest = varying[:1], varying[1:]  # the key comes before the place
            writer.add((*head, *place, *rest), self._pick.choice(tails))

    def flush(self) -> None:
        for _register, writer, _tails in self._made:
            writer.flush()


def is_low_income(n: int) -> bool:
    return n < 0 or n % LOW_INCOME == 0


_PLACE = ("region_id", "path", "county_id", "province_id")


def _belongs(register: Register, n: int) -> bool:
    if register.follows == "low_income":
        return is_low_income(n)
    return bool(register.follows) or n < 0 or n % EVERY == 0


def _written(
    register: Register, connection: Connection, village: int, place: list[str]
) -> tuple[Writer, list[Any]]:
    """The writer of a register and the shared halves of its rows: some valid forms in each state."""
    columns = inspect(register.model).columns
    theirs = [register.name_field, register.number_field]
    home = columns.get("household_id")
    if register.of_households or (home is not None and not home.nullable):
        theirs = ["household_id", "head_name", "head_id"]
    theirs += [
        key for key, column in columns.items()
        if isinstance(column.type, UuidType) and not column.nullable
        and key not in ("id", "household_id")
    ]  # fmt: skip
    writer = Writer(connection, register.model, ["id", *place, *filter(None, theirs)])
    where: Any = SimpleNamespace(id=village)  # all that a specimen asks of its division
    tails = []
    for number in range(_VARIANTS):
        make = specimens.fullest if number % 2 else specimens.valid
        row = specimens.kept(register)
        for name, value in specimens.stored(register, make(register, where)).items():
            if value is not None and not register.model.__fields__[name].system:
                setattr(row, name, value)
        for state in STATES if register.flow else (None,):
            if state is not None:
                row.state = state
            held = {name: getattr(row, name) for name in writer.shared}
            tails.append(writer.tail({n: v for n, v in held.items() if v is not None}))
    return writer, tails
