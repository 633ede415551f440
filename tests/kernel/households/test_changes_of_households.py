"""Property: whatever is done to households that split off, move, die and change their head, after
every step the counters are a live count and the identities hold.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import Actor
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.db import db, read_only
from app.core.errors import AnjuError
from app.kernel.declare.flow import State
from app.kernel.declare.register import register_of
from app.kernel.figures import counters
from app.kernel.households import moves
from app.kernel.records import save as records
from app.kernel.records import steps
from app.kernel.rows.household import Household
from app.kernel.rows.record import Standing
from app.kernel.rows.transfer import Transfer, TransferState
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    CITY,
    CONTACT,
    COUNTY,
    NEXT_COUNTY,
    actor,
    below,
    died,
    household,
    id_number,
    moved,
    other_home,
    region,
)
from tests.clicks import click

_RIGHTS = frozenset(
    (name, "lookback") for name in ("enter", "review", "spot_check", "approve_move")
)
#: The states from which a step may come to something, so that most do.
_FIT = {
    "submit": (State.DRAFT, State.RETURNED),
    "approve": (State.SUBMITTED,),
    "send_back": (State.APPROVED,),
}


class Work:
    """Random steps by two accounts of the city, of which one enters and the other one decides."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.villages = [
            below(region(code), Level.VILLAGE, nth)
            for code in (COUNTY, NEXT_COUNTY)
            for nth in (0, 1)
        ]
        self.clerk, self.manager = (
            replace(who, capabilities=who.capabilities | _RIGHTS)
            for who in (actor(CITY), actor(CITY))
        )
        for number in range(4):
            household(self.chance.choice(self.villages), name=f"户主{number}")
        self.done: Counter[str] = Counter()

    def step(self) -> None:
        plans: list[tuple[int, Actor, Callable[[uuid.UUID], Any]]] = [
            (6, self.clerk, self.save),
            (3, self.clerk, self.submit),
            (3, self.manager, self.approve),
            (1, self.manager, self.send_back),
            (1, self.clerk, self.clear),
            (3, self.manager, self.agree),
            (1, self.manager, self.refuse),
            (1, self.clerk, self.withdraw),
        ]
        _weight, who, work = self.chance.choices(plans, [weight for weight, *_ in plans])[0]
        fit = _FIT.get(work.__name__, tuple(State))
        with unscoped("tests look") as session:
            keys = session.scalars(
                select(Lookback.id).where(Lookback.state.in_(fit)).order_by(Lookback.id)
            ).all()
        if not keys:
            return
        key = self.chance.choice(keys)
        with acting_as(who):
            try:
                work(key)
                self.done[work.__name__] += 1
            except AnjuError:
                db.session.rollback()
            finally:
                db.session.remove()

    def save(self, key: uuid.UUID) -> None:
        pick = self.chance
        heads = [
            {"name": f"分{n}", "id_number": id_number(600 + n), "phone": None}
            for n in pick.sample(range(6), pick.randint(1, 2))
        ]
        form = pick.choice(
            [
                died(),
                other_home(),
                other_home() | {"split": True, "split_heads": heads},
                moved(pick.choice(self.villages).id),
                moved(pick.choice(self.villages).id) | {"split": True, "split_heads": heads},
                other_home()
                | {"head_changed": True, "new_head_name": "新户主", "new_head_relation": "02",
                   "new_head_id": id_number(650 + pick.randrange(5))},
            ]
        )  # fmt: skip
        click(records.save, LOOKBACK, key, form, records.get(LOOKBACK, key).version)

    def submit(self, key: uuid.UUID) -> None:
        click(steps.transition, LOOKBACK, key, "submit", None, CONTACT)

    def approve(self, key: uuid.UUID) -> None:
        click(steps.transition, LOOKBACK, key, "approve", None, CONTACT)

    def send_back(self, key: uuid.UUID) -> None:
        click(steps.transition, LOOKBACK, key, "send_back", None, CONTACT, "抽查不符")

    def clear(self, key: uuid.UUID) -> None:
        click(records.clear, LOOKBACK, key, records.get(LOOKBACK, key).version)

    def agree(self, _key: uuid.UUID) -> None:
        click(moves.agree, self._waiting(), CONTACT)

    def refuse(self, _key: uuid.UUID) -> None:
        click(moves.refuse, self._waiting(), CONTACT, "不同意")

    def withdraw(self, _key: uuid.UUID) -> None:
        click(moves.withdraw, self._waiting(), CONTACT)

    @staticmethod
    def _waiting() -> uuid.UUID:
        query = select(Transfer.id).where(Transfer.state == TransferState.WAITING)
        return db.session.scalar(query.order_by(Transfer.id).limit(1)) or uuid.uuid4()


def require_truth() -> None:
    """Counters, identities, and what must hold between households and their records."""
    own = register_of(Household)
    assert own
    with read_only(), unscoped("counters are proved") as session:
        for register in (LOOKBACK, own):
            assert counters.kept_counts(session, register) == counters.live_counts(
                session, register
            )
            assert counters.broken_identities(session, register) == []
        rows = session.execute(
            select(Household, Lookback).join(Lookback, Lookback.household_id == Household.id)
        ).all()
        assert session.scalar(select(func.count()).select_from(Household)) == len(rows)
        for home, row in rows:
            assert (row.path, row.standing) == (home.path, home.standing)
            assert (home.parent_id is None) == (home.standing is None)
        query = select(Transfer.household_id).where(Transfer.state == TransferState.WAITING)
        assert sorted(session.scalars(query)) == sorted(r.household_id for _h, r in rows if r.moved)
        places = {home.id: home.path for home, _row in rows}
        for home, _row in rows:  # who is not counted yet is where the parent is
            if home.standing == Standing.PENDING:
                assert home.path == places[home.parent_id]


@pytest.mark.parametrize("seed", [2, 3])
def test_random_work(session: Any, seed: int) -> None:
    work, wanted = Work(seed), {"save", "submit", "approve", "agree"}
    for done in range(135):
        if done >= 45 and wanted <= set(work.done):
            break
        work.step()
        require_truth()
    assert wanted <= set(work.done), "the work did something"
