"""How many records are in each state is counted too, where no declared figure is exactly that state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.declare.register import all_registers, get_register
from app.kernel.figures import counters, mending
from app.kernel.figures.day_tables import CounterDay
from tests import specimens
from tests.builders import COUNTY, NEXT_COUNTY, above, below, region
from tests.kernel.figures import counted

KEPT = "state.returned"
DAY = dt.date(2024, 9, 7)
MONITORING = get_register("monitoring")
assert MONITORING is not None


@pytest.fixture
def everything(session: Any) -> Iterator[Session]:
    with unscoped("counters are proved over all rows") as made:
        yield made


def returned(session: Session, code: str = COUNTY, **columns: Any) -> Any:
    """A record that was sent back, with its household, in the county's first village."""
    place = below(region(code), Level.VILLAGE)
    row = specimens.blank(MONITORING, place, state=State.RETURNED, **columns)
    session.add(row)
    session.commit()
    return row


def of(session: Session, place: Region) -> int:
    return counters.total(session, MONITORING, KEPT, place.path, place.level)


def test_every_state_of_every_reviewed_register_is_counted_once() -> None:
    for register in all_registers():
        if register.flow is None:
            assert register.kept_figures == register.figures
            continue
        assert register.state_figures.keys() == set(register.states)
        kept = [figure.where for figure in register.kept_figures.values()]
        for state in register.states:
            alone = [w for w in kept if w.names() == {"state"} and w.test({"state": state})]
            exactly = [w for w in alone if sum(w.test({"state": s}) for s in State) == 1]
            first = register.kept_figures[register.state_figures[state]]
            assert first.where in exactly
            assert (
                len(exactly) == 1 or first.label != state.label
            )  # declared twice, never kept twice


def test_it_follows_its_record(everything: Session) -> None:
    row = returned(everything)
    village, county, far = below(region(COUNTY), Level.VILLAGE), region(COUNTY), region(NEXT_COUNTY)
    town, nation = above(village, Level.TOWN), region("0", Level.NATION)
    assert [of(everything, place) for place in (nation, county, town, far)] == [1, 1, 1, 0]
    row.region_id = below(far, Level.VILLAGE).id
    everything.commit()
    assert [of(everything, place) for place in (nation, county, town, far)] == [1, 0, 0, 1]
    row.state = State.SUBMITTED
    everything.commit()
    assert of(everything, nation) == 0


def test_it_is_proved_and_mended(everything: Session) -> None:
    returned(everything)
    everything.execute(counted.spoil("monitoring", KEPT, 7))
    everything.commit()
    county = region(COUNTY)
    proof = mending.prove(everything, MONITORING, above(county, Level.PROVINCE).path)
    assert proof.wrong == {(KEPT, county.id): (1, 7)}
    everything.rollback()
    assert counted.rebuild(everything, MONITORING) == 1
    everything.commit()
    assert of(everything, county) == 1


def test_no_year_and_no_day_has_it(everything: Session) -> None:
    year = DAY.year
    returned(everything, year=year, newest_of_year=True)
    live = {key for key, _place in counters.live_counts(everything, MONITORING)}
    assert {KEPT, "total", f"total@{year}"} <= live
    assert f"{KEPT}@{year}" not in live
    assert live == {key for key, _place in counters.kept_counts(everything, MONITORING)}
    counters.snapshot(everything, DAY)
    days = set(everything.scalars(select(CounterDay.figure)))
    assert "total" in days
    assert KEPT not in days
