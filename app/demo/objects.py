"""Low-income households of the demonstration that are no poverty-exit households: of civil affairs'
lists and added by hand, with members, some left, some without a village.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, Region, in_subtree
from app.core.clock import uuid7
from app.demo.people import People, Person
from app.demo.places import County, region
from app.kernel.households import lists as households
from app.kernel.households import people
from app.kernel.kinds import formats
from app.kernel.rows.household import Finding, Household
from app.kernel.rows.member import Member, PersonNumber
from app.modules.homes.choices import Hardship, Origin
from app.modules.low_income.fields import Condition, Listed, Reason, Upkeep, the_list
from app.modules.low_income.joining import new_household, row_of

_A_COUNTY = 60
_GROUPS = (Hardship.ALLOWANCE, Hardship.DESTITUTE, Hardship.STRICKEN, Hardship.BORDERLINE)


def load(
    session: Session, counties: Sequence[County], made: People, day: dt.date, seed: int
) -> dict[str, int]:
    """Some in each county whose list was issued; gives how many. The session sees everything; the
    caller commits.
    """
    pick = random.Random(seed)
    _stand(session, day)
    rows = [
        row
        for county in counties
        if county.shares is not None
        for row in _county(session, county, made, pick, day)
    ]
    session.flush()
    return {"low_income_only": len(rows)}


def _stand(session: Session, day: dt.date) -> None:
    """The numbers of the poverty-exit households that are on the list already."""
    query = select(Household).where(Household.low_income).order_by(Household.id)
    numbers: dict[str, Any] = {}
    for one in session.scalars(query):
        number = people.present_number(one)
        if number and formats.id_number_valid(number, day):
            numbers.setdefault(number, one.id)
    rows = [{"number": number, "household_id": key} for number, key in numbers.items()]
    if rows:
        session.execute(insert(PersonNumber), rows)


def _county(
    session: Session, county: County, made: People, pick: random.Random, day: dt.date
) -> list[Listed]:
    place = region(session, county.code, Level.COUNTY)
    query = (
        select(Region)
        .where(in_subtree(Region.path, place.path), Region.level == Level.VILLAGE)
        .order_by(Region.path)
        .limit(12)
    )
    villages = session.scalars(query).all()
    rows = [
        _household(session, pick.choice(villages), made, county.code, pick, day)
        for _ in range(_A_COUNTY)
    ]
    for row in rows[:6]:
        _join(session, row, made.head([county.code]), pick)
    _show(session, rows[0])
    for number, row in enumerate(rows[6:14]):
        _leave(session, row, day - dt.timedelta(days=3 * number + 1), number)
    for row in rows[14:20]:
        _unplace(session, row, place)
    return rows


def _household(
    session: Session, village: Region, made: People, code: str, pick: random.Random, day: dt.date
) -> Listed:
    head, phone = made.head([code]), made.phone()
    values = {"sex": head.sex, "phone": phone}
    home = new_household(village, head.name, head.number, values)
    households.join(session, home)
    row: Listed = row_of(session, the_list(), home)
    by_hand = pick.random() < 0.3
    row.origin = Origin.MANUAL if by_hand else Origin.CIVIL
    row.added_on = day - dt.timedelta(days=pick.randint(1, 90)) if by_hand else None
    row.upkeep = Upkeep.DONE if by_hand or pick.random() < 0.7 else Upkeep.PENDING
    row.groups = tuple(sorted({g.value for g in pick.choices(_GROUPS, k=2)}))
    row.sex, row.phone = head.sex, phone
    row.condition = pick.choice((Condition.SAFE, Condition.SAFE, Condition.UNSAFE, Condition.NONE))
    return row


def _join(session: Session, row: Listed, person: Person, pick: random.Random) -> None:
    member = Member(
        id=uuid7(), household_id=row.household_id, region_id=row.region_id, name=person.name,
        id_number=person.number, sex=person.sex, relation=pick.choice(("01", "02")),
        low_income=True,
    )  # fmt: skip
    session.add(member)
    session.flush()
    households.refresh(session, session.get_one(Household, row.household_id))


def _show(session: Session, row: Listed) -> None:
    """A member stands in the place of a head who is not low-income."""
    home = session.get_one(Household, row.household_id)
    households.members(session, home)[0].shown = True
    row.head_low_income = False
    households.refresh(session, home)


def _leave(session: Session, row: Listed, day: dt.date, number: int) -> None:
    reason = Reason.DIED if number % 2 else Reason.OTHER
    households.delist(session, session.get_one(Household, row.household_id), "low_income")
    row.leave(day, reason, "" if number % 2 else "收入已稳定，不再符合条件", None)


def _unplace(session: Session, row: Listed, county: Region) -> None:
    home = session.get_one(Household, row.household_id)
    home.region_id = county.id
    home.findings = (Finding.NO_VILLAGE.value,)
    home.place_written = "城关镇 东风村"
    households.refresh(session, home)
