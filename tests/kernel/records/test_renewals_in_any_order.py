"""Records that follow one another, with any work in any order: the figures are right all the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import Actor
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.db import db
from app.core.errors import AnjuError
from app.kernel.households import lists as households
from app.kernel.households import moves
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import Query
from app.kernel.records import renewals, steps
from app.kernel.records import save as records
from app.kernel.rows.household import Household
from app.modules.homes.choices import Grade, Living
from app.modules.surveys.monitoring.model import Monitoring
from app.modules.surveys.monitoring.register import MONITORING
from tests.builders import (
    CONTACT,
    COUNTY,
    COUNTY_COLLECTOR,
    COUNTY_MANAGER,
    COUNTY_REVIEWER,
    FILES_UNSAFE,
    actor,
    attach,
    below,
    died,
    homeless,
    moved,
    other_home,
    own_house,
    region,
)
from tests.modules.samples import monitored
from tests.renewing import act, count, require_no_drift

FORMS: tuple[Callable[[], dict[str, Any]], ...] = (
    died,
    homeless,
    other_home,
    lambda: {"died": False, "living": Living.OWN},
    *(lambda grade=grade: own_house(grade) for grade in Grade),
)


@pytest.mark.parametrize("seed", [1])
def test_counters_live_counts_and_rows_agree_whatever_is_done(session: Any, seed: int) -> None:
    """Random work over several households of two villages; then every figure is the same three
    ways, all identities hold, and one record of each household counts.
    """
    pick = random.Random(seed)
    villages = [below(region(COUNTY), Level.VILLAGE, n) for n in (0, 1)]
    clerk, reviewer, manager = (
        actor(COUNTY_COLLECTOR),
        actor(COUNTY_REVIEWER),
        actor(COUNTY_MANAGER),
    )
    homes = [monitored(pick.choice(villages))[0].id for _ in range(5)]

    def save(row: Any) -> None:
        form = pick.choice(FORMS)() if pick.random() < 0.85 else moved(pick.choice(villages).id)
        act(clerk, records.save, MONITORING, row.id, form, row.version)
        if "grade" in form:
            attach(row, *FILES_UNSAFE, register="monitoring")

    def step(name: str, who: Actor) -> Callable[[Any], None]:
        return lambda row: act(
            who, steps.transition, MONITORING, row.id, name, None, CONTACT, "请核对"
        )

    def move(row: Any) -> None:
        request = act(clerk, moves.waiting_of, row.household_id)
        if request is not None:
            answer = pick.choice((moves.agree, moves.refuse))
            act(manager, answer, request.id, CONTACT, "已核实")

    def leave_or_return(row: Any) -> None:
        with unscoped("the list is kept") as everything:
            home = everything.get_one(Household, row.household_id)
            change = households.delist if home.low_income else households.enlist
            change(everything, home, "low_income")
            everything.commit()

    work: list[tuple[int, Callable[[Any], Any]]] = [
        (8, save),
        (6, step("submit", clerk)),
        (6, step("approve", reviewer)),
        (2, step("return", reviewer)),
        (1, step("send_back", manager)),
        (1, step("withdraw", clerk)),
        (6, lambda row: act(clerk, renewals.renew, MONITORING, row.id)),
        (2, lambda row: act(clerk, records.clear, MONITORING, row.id, row.version)),
        (2, move),
        (1, leave_or_return),
    ]
    done = 0
    for _turn in range(160):
        with unscoped("tests look") as everything:
            rows = everything.scalars(
                select(Monitoring).where(Monitoring.household_id == pick.choice(homes))
            ).all()
        chosen = pick.choices([what for _n, what in work], [n for n, _what in work])[0]
        try:
            chosen(pick.choice(sorted(rows, key=lambda row: row.id)))
            done += 1
        except AnjuError:  # refused: nothing may have changed
            db.session.remove()
    assert done > 30
    require_no_drift()
    with unscoped("tests look") as everything:
        for home in homes:
            rows = everything.scalars(
                select(Monitoring).where(Monitoring.household_id == home)
            ).all()
            assert sum(row.current for row in rows) == 1
            assert len({row.year for row in rows if row.newest_of_year}) == sum(
                row.newest_of_year for row in rows
            )

    def rows_of(figure: str) -> int:
        return len(Ledger(MONITORING, Query(figure=figure), db.session, manager).page(100).rows)

    for figure in MONITORING.figures:
        assert act(manager, rows_of, figure) == count(figure), figure
