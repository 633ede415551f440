"""Where people stand: the members of a household, and each person's ID number with one household.

Called by :mod:`app.kernel.households.lists` whenever a household changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.clock import today
from app.core.errors import Conflict
from app.core.i18n import _
from app.kernel.kinds import formats
from app.kernel.rows.household import Household
from app.kernel.rows.member import Member, PersonNumber


class Taken(Conflict):
    """A person's number stands with another household."""

    code = "taken"


def present_number(household: Household) -> str | None:
    """The ID number of the present head."""
    return household.head_id or household.matching_id


def numbers(household: Household, members: Sequence[Member]) -> set[str]:
    """The valid ID numbers that stand with the household while it is on the list."""
    every = (present_number(household), *(member.id_number for member in members))
    return {number for number in every if number and formats.id_number_valid(number, today())}


def follow(session: Session, household: Household, members: Sequence[Member]) -> None:
    """The numbers stand where the people do; the caller commits.

    :raises Taken: one of them stands with another household, perhaps only just now.
    """
    wanted = numbers(household, members) if household.low_income else set()
    query = select(PersonNumber).where(PersonNumber.household_id == household.id)
    held = {one.number: one for one in session.scalars(query)}
    for number in held.keys() - wanted:
        session.delete(held[number])
    session.flush()
    new = sorted(wanted - held.keys())
    if not new:
        return
    if session.scalar(select(PersonNumber.number).where(PersonNumber.number.in_(new)).limit(1)):
        raise _taken()
    try:
        with session.begin_nested():
            session.add_all(PersonNumber(number=n, household_id=household.id) for n in new)
    except IntegrityError:
        raise _taken() from None


def _taken() -> Taken:
    return Taken(_("该身份证号刚刚被列入低收入群体名单，一个身份证号只能在一处，请核对。"))
