"""The survey of a household that counts (spec 02 "The survey that counts"): of its approved surveys on
lists on which it still stands the one with the newest day of survey, then of decision.

Whoever needs it asks here: of households :func:`last_surveys`, of records at hand :func:`newest`. Whoever
must follow it listens to :func:`surveyed`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy import func, literal, null, select, union_all
from sqlalchemy.orm import Session, object_session

from app.core.clock import local
from app.kernel import hooks
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.register import Register, all_registers
from app.kernel.hook import asks
from app.kernel.households import lists as households
from app.kernel.rows.household import Household
from app.modules.surveys.fields import Survey, unsecured

#: A record and its register.
Told = tuple[Register, Any]


def surveys() -> list[Register]:
    """The registers of surveys."""
    return [r for r in all_registers() if issubclass(r.model, Survey)]


@dataclass(frozen=True)
class Last:
    """The survey of a household that counts, and of which register it is. ``safe_from``: what was done
    to the house at that survey's day or after it has made it safe since (an accepted renovation).
    """

    register: Register
    survey: Any
    safe_from: dt.date | None = None


class Cause(Enum):
    """Why households are brought into line with their surveys."""

    STEP = "step"  # something was decided on, or happened
    RULE = "rule"  # which survey counts is told by another rule: nobody did anything


@asks
def surveyed(
    session: Session, homes: Sequence[Household], lasts: Mapping[uuid.UUID, Last], cause: Cause, /
) -> Iterable[str]:
    """The surveys of these households that count may be others now, or none (a household without one is
    not among ``lasts``): what stands on them follows. Each listener answers what it changed, one name
    in Chinese for each change. Nobody else works on the households until the transaction ends.
    """
    return ()


# ---- the rule ------------------------------------------------------------------------------------


def approved_at(survey: Any) -> dt.datetime:
    """When an approved survey was decided on."""
    return survey.decided_at or survey.changed_at


def day_of(survey: Any) -> dt.date:
    """The day of an approved survey; one that needs none (of the deceased) is of its decision's."""
    return survey.surveyed_on or local(approved_at(survey)).date()


def stands(home: Household, register: Register) -> bool:
    """Is the household on the list that is surveyed by the register?"""
    return not register.follows or bool(getattr(home, register.follows))


def newest(home: Household, approved: Iterable[Told]) -> Told | None:
    """Of the household's approved surveys the one that counts."""
    return max(
        (one for one in approved if stands(home, one[0])),
        key=lambda one: (day_of(one[1]), approved_at(one[1]), one[1].id.int),
        default=None,
    )


# ---- asked of the database -----------------------------------------------------------------------


@dataclass
class Approved:
    """By household: its approved surveys, of which ``id``, ``surveyed_on`` and ``decided_at`` are
    known, and the last day on which its house was made safe.
    """

    surveys: dict[uuid.UUID, list[Told]] = field(default_factory=lambda: defaultdict(list))
    safe_from: dict[uuid.UUID, dt.date] = field(default_factory=dict)

    def safe_since(self, household_id: uuid.UUID, survey: Any) -> dt.date | None:
        """Since when, if not before that survey."""
        on = self.safe_from.get(household_id)
        return on if on is not None and on >= day_of(survey) else None


def approved(session: Session, household_ids: Collection[uuid.UUID]) -> Approved:
    """What is known of these households; one statement."""
    registers = {register.name: register for register in surveys()}
    queries = []
    for register in registers.values():
        model = register.model
        decided = func.coalesce(model.decided_at, model.changed_at).label("decided_at")
        query = select(
            literal(register.name).label("register"), model.household_id,
            model.id, model.surveyed_on.label("surveyed_on"), decided,
        )  # fmt: skip
        queries.append(
            query.where(model.household_id.in_(household_ids), model.state == State.APPROVED)
        )
    for fact in hooks.house_facts(household_ids):
        done = fact.subquery()
        household_id, on = done.c
        queries.append(select(literal(""), household_id, null(), on, null()))
    found = Approved()
    for row in session.execute(union_all(*queries)):
        key = row.household_id
        if row.register:
            found.surveys[key].append((registers[row.register], row))
        else:
            found.safe_from[key] = max(row.surveyed_on, found.safe_from.get(key, dt.date.min))
    return found


def last_surveys(
    session: Session, homes: Collection[Household], at_hand: Sequence[Any] = ()
) -> dict[uuid.UUID, Last]:
    """The surveys of these households that count, by household; one statement, and one for each register
    of which some are not ``at_hand``.
    """
    known = approved(session, [home.id for home in homes])
    wanted = {home.id: one for home in homes if (one := newest(home, known.surveys[home.id]))}
    rows = {row.id: row for row in at_hand}
    missing: dict[Any, list[uuid.UUID]] = defaultdict(list)
    for register, survey in wanted.values():
        if survey.id not in rows:
            missing[register.model].append(survey.id)
    for model, keys in missing.items():
        query = select(model).where(model.id.in_(keys))
        rows |= {row.id: row for row in session.scalars(query)}
    return {
        key: Last(register, rows[survey.id], known.safe_since(key, survey))
        for key, (register, survey) in wanted.items()
    }


# ---- following -----------------------------------------------------------------------------------


def follow(session: Session, household_ids: Collection[uuid.UUID]) -> None:
    """Tell whoever follows the surveys of these households. The caller commits."""
    session.flush()
    homes = households.locked(session, household_ids)  # two may be decided on at once
    surveyed(session, homes, last_surveys(session, homes), Cause.STEP)


@hooks.listed.listen()
def _listed(session: Session, household: Household) -> None:
    follow(session, [household.id])


@hooks.stepped.listen(of=Survey, order=50)
def _stepped(register: Register, row: Any, step: Transition) -> None:
    """An approval, or its end, may change which one counts."""
    session = object_session(row)
    if session is None or State.APPROVED not in (row.state, *step.sources):
        return
    session.flush()
    homes = households.locked(session, [row.household_id])
    if all(_alone(home, register, row) for home in homes):  # as most are: nothing to ask
        counts = row.state == State.APPROVED
        lasts = {row.household_id: Last(register, row)} if counts else {}
    else:
        lasts = last_surveys(session, homes, [row])
    surveyed(session, homes, lasts, Cause.STEP)


def _alone(home: Household, register: Register, row: Any) -> bool:
    """Does nothing but this survey tell of the house? It has no earlier ones, those of other lists do
    not count, and what was done to the house does not matter to what it says.
    """
    if getattr(row, "predecessor_id", None) or not stands(home, register):
        return False
    if any(stands(home, other) for other in surveys() if other is not register):
        return False
    return row.state != State.APPROVED or not unsecured.holds_of(row)


# ---- the page of the household -------------------------------------------------------------------


@hooks.house_record.listen()
def tells_of_house(home: Household, records: Sequence[Told]) -> Iterator[Told]:
    """The survey that counts; without one the last that says anything, rather of a list on which the
    household stands.
    """
    told = [
        (register, row)
        for register, row in records
        if issubclass(register.model, Survey) and row.state != State.MISSING
    ]
    counting = newest(home, (one for one in told if one[1].state == State.APPROVED))
    yield from [counting] if counting else sorted(told, key=_said(home))[-1:]


def _said(home: Household) -> Any:
    return lambda one: (stands(home, one[0]), one[1].state == State.APPROVED, one[1].said_at)
