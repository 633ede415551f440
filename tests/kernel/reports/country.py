"""A small country for the tests of statistics: households of every kind in divisions of every kind.

Ordinary counties of one city, a county directly under its province, a city without counties, a
district of a province-level city, the corps; records in villages, in a town without a village, and
in a county without a town.
"""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.core.clock import uuid7
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.rows.household import Household
from app.kernel.rows.reading import values_of
from app.modules.homes.choices import Grade, OtherHome
from app.modules.surveys.lookback.model import Lookback
from app.modules.unsafe_homes import backfill
from tests import builders as b

DECIDED = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)

#: Every way a record may stand: the values that figures look at.
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"state": State.DRAFT, **b.died()},
    {"state": State.SUBMITTED, **b.own_house(Grade.A)},
    {"state": State.RETURNED, **b.own_house(Grade.D)},
    {"state": State.APPROVED, **b.own_house(Grade.A)},
    {"state": State.APPROVED, **b.own_house(Grade.B)},
    {"state": State.APPROVED, **b.own_house(Grade.C)},
    {"state": State.APPROVED, **b.own_house(Grade.D)},
    {"state": State.APPROVED, **b.other_home(OtherHome.WITH_RELATIVES)},
    {"state": State.APPROVED, **b.died()},
)


def places() -> Iterator[Region]:
    """Villages of all the odd divisions, two of one town; a town; a county."""
    county = b.region(b.COUNTY, Level.COUNTY)
    yield from (b.below(county, Level.VILLAGE, nth) for nth in (0, 1, 30))
    yield b.below(county, Level.TOWN)
    yield county
    for code in (b.NEXT_COUNTY, b.FAR_COUNTY, b.PROVINCE_COUNTY, b.CITY_COUNTY, "110101", "659001"):
        yield b.below(b.region(code, Level.COUNTY), Level.VILLAGE)


def settle() -> int:
    """Fill the country; every place gets another mix of kinds. Gives how many households."""
    kinds, made = itertools.cycle(KINDS), []
    for number, place in enumerate(places()):
        for _household in range(len(KINDS) + number % 4):
            kind = dict(next(kinds))
            if kind.get("state") in (State.APPROVED, State.RETURNED):
                kind |= {"decided_at": DECIDED, "submitted_by": uuid7()}
            made += _household_of(place, kind, len(made))
    with unscoped("tests make households") as session:
        session.add_all(made)
        session.commit()
    backfill.mend()
    return len(made) // 2


def _household_of(place: Region, kind: dict[str, Any], number: int) -> list[Any]:
    head = {"head_name": f"户主{number}", "head_id": b.id_number(number)}
    home = Household(
        id=uuid7(), region_id=place.id, match_key=f"test:{number}",
        issued_name=head["head_name"], issued_id=head["head_id"], **head,
    )  # fmt: skip
    return [home, Lookback(id=uuid7(), region_id=place.id, household_id=home.id, **head, **kind)]


class Truth:
    """What every figure should be, counted in Python from all rows, without any scope."""

    def __init__(self, register: Register) -> None:
        with unscoped("the oracle of the tests counts by itself") as session:
            rows = list(session.scalars(select(register.model)))
        self.keys = {
            name: [
                (row.path, row.id) for row in rows if register.counted(name).test(values_of(row))
            ]
            for name in register.figures
        }

    def rows(self, figure: str, path: str, *, alone: bool = False) -> set[uuid.UUID]:
        """Keys of the rows at or below a path (``alone``: exactly at it) that a figure counts."""
        return {
            key
            for place, key in self.keys[figure]
            if (place == path if alone else place.startswith(path))
        }
