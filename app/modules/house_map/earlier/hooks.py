"""初判: what is told beside a survey of earlier results about its household and its parcel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.choices import Choices
from app.core.db import db
from app.core.i18n import _
from app.kernel import hooks
from app.kernel.declare.register import Register, register_of
from app.kernel.hooks import Earlier, Known
from app.kernel.rows.household import Household
from app.modules.homes.house import House
from app.modules.house_map import visits
from app.modules.house_map.earlier import facts as prior
from app.modules.house_map.earlier.facts import PriorFact


@hooks.earlier_facts.listen()
def told(register: Register, row: Any, before: Any) -> Iterator[Earlier]:
    """Which earlier results there are, and whether somebody has to go there, and why. They tell of the
    house that a survey found; what a dossier says of the one that was built since is none of theirs.
    """
    known, notices = prior.rows_of(db.session, row), []
    if known:
        notices.append(("info", _("以往信息：%(what)s", what=prior.told(known))))
    if why := visits.reasons(register, row, known, before):
        notices.append(("warn", _("需入户核实：%(why)s。", why=_("；").join(why))))
    of_survey = issubclass(register.model, House)
    yield Earlier(notices, prior.facts(db.session, row, known) if of_survey else {})


@hooks.earlier_days.listen()
def days(number: str, kind: Choices) -> Iterator[Select[Any]]:
    """The days of earlier results about a person."""
    yield select(PriorFact.found_on).where(PriorFact.id_number == number, PriorFact.kind == kind)


@hooks.carried.listen()
def carry(session: Session, household: Household) -> None:
    """Earlier results lie where their household lies."""
    for fact in session.scalars(prior.about(household)):
        fact.region_id = household.region_id


@hooks.household_story.listen()
def known(session: Session, household: Household, actor: Actor, most: int) -> Iterator[Known]:
    """What authorities knew earlier."""
    register = register_of(PriorFact)
    if register and policy.may(Capability.SEARCH, register.name, household, actor=actor):
        for fact in session.scalars(prior.about(household).limit(most)):
            yield Known(register, fact.found_on, prior.told([fact]))
