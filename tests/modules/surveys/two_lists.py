"""A household on two lists, each with a survey of its own, as tests decide on them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.scope import unscoped
from app.core.clock import uuid7
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.records import copies, steps
from app.kernel.records import save as records
from app.kernel.rows.household import Household
from app.modules.homes.choices import Grade, Living, Measure
from app.modules.low_income.model import LowIncome
from app.modules.renovation.application.model import Application
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.register import MONITORING
from app.modules.unsafe_homes.model import Risk
from tests import builders as b
from tests.renewing import act

BOTH = ("poverty_exit", "low_income")
OLD, NEW = dt.date(2024, 9, 7), dt.date(2024, 11, 3)
DANGEROUS: dict[str, Any] = b.own_house(Grade.D) | {
    "secured": False, "measure": Measure.RENOVATION, "measure_year": 2024,
}  # fmt: skip
SAFE: dict[str, Any] = b.own_house(Grade.A)
ELSEWHERE: dict[str, Any] = b.other_home()
#: Other ways of counting told the one that was decided on last.
DECIDED = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


class Two:
    """The household; ``rows`` are its surveys by register's name."""

    def __init__(self) -> None:
        self.home = b.home(lists=BOTH)
        self.rows: dict[str, Any] = {}
        with unscoped("tests list a household") as session:
            home = session.get_one(Household, self.home.id)
            session.add(_listed(home))
            for register in (LOOKBACK, MONITORING):
                row = copies.first_row(register, home)
                row.id = uuid7()
                session.add(row)
                self.rows[register.name] = row
            session.commit()
        for name, row in self.rows.items():
            b.attach(row, *b.FILES_UNSAFE, register=name)

    def enter(self, register: Register, form: dict[str, Any], day: dt.date) -> None:
        """The village submits the survey of a day."""
        key, who = self.rows[register.name].id, b.actor(b.VILLAGE_CLERK)
        said = form | {"surveyed_on": day}
        if register is MONITORING and said.get("living") == Living.OWN:
            said["has_house"] = True
        act(who, records.save, register, key, said, 1)
        act(who, steps.transition, register, key, "submit", None, b.CONTACT)

    def decide(self, register: Register, name: str = "approve", **said: Any) -> None:
        who = b.actor(b.COUNTY_REVIEWER if name != "send_back" else b.CITY)
        key = self.rows[register.name].id
        act(who, steps.transition, register, key, name, None, b.CONTACT, **said)

    def put(self, register: Register, form: dict[str, Any], day: dt.date, nth: int) -> None:
        """The survey as it was approved before the rule: nothing followed it."""
        with unscoped("tests approve past all rules") as session:
            row = session.get_one(register.model, self.rows[register.name].id)
            for name, value in (form | {"surveyed_on": day}).items():
                setattr(row, name, value)
            row.state, row.decided_at = State.APPROVED, DECIDED + dt.timedelta(days=nth)
            session.commit()

    # ---- what stands on the surveys ------------------------------------------------------------

    def own_house(self) -> bool:
        with unscoped("tests look") as session:
            return session.get_one(Household, self.home.id).own_house

    def ledger(self) -> Risk | None:
        with unscoped("tests look") as session:
            return session.scalar(select(Risk).where(Risk.household_id == self.home.id))

    def application(self) -> Application | None:
        with unscoped("tests look") as session:
            return _application(session, self.home)


def _application(session: Session, home: Household) -> Application | None:
    query = select(Application).where(Application.household_id == home.id)
    return session.scalars(query.order_by(Application.number.desc())).first()


def _listed(home: Household) -> LowIncome:
    return LowIncome(
        region_id=home.region_id, household_id=home.id, head_name=home.head_name,
        head_id=home.head_id, groups=("allowance",), low_income=True, added_on=OLD,
    )  # fmt: skip
