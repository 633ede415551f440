"""What follows from a survey for its household: applications for a renovation (:mod:`.openings`) and
whether it lives in a house of its own (:mod:`.own_houses`). They share what is read.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import object_session

from app.actions import households, openings, own_houses
from app.actions.openings import Last
from app.parts.survey import Survey
from app.registry import hooks
from app.registry.flow import State, Transition
from app.registry.register import Register


@hooks.stepped.listen(order=50)
def follow(register: Register, row: Any, step: Transition) -> None:
    """An approval, or its end, may change what the household's last survey says."""
    session = object_session(row)
    if session is None or not issubclass(register.model, Survey):
        return
    if State.APPROVED not in (row.state, *step.sources):
        return
    session.flush()
    homes = households.locked(session, [row.household_id])  # two may be decided on at once
    if row.state == State.APPROVED:
        lasts = {row.household_id: Last(register, row)}  # none was approved later
    else:
        lasts = openings.last_approved(session, [row.household_id])
    for home in homes:
        own_houses.mark(home, lasts.get(home.id))
    openings.bring_into_line(session, homes, lasts)
