"""A renovation that is completed and accepted is a fact on the house, dated by its acceptance (spec 02
"The survey that counts"): the house is safe from that day, until a newer survey says otherwise.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterator

from sqlalchemy import Select, select
from sqlalchemy.orm import object_session

from app.kernel import hooks
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.register import Register
from app.modules.homes.choices import Progress
from app.modules.renovation.dossier.model import Dossier
from app.modules.surveys import last

_COMPLETED = (Progress.COMPLETED, Progress.PAID)


@hooks.house_facts.listen()
def accepted(household_ids: Collection[uuid.UUID]) -> Iterator[Select[tuple[uuid.UUID, dt.date]]]:
    """The days of acceptance; the stage that says so is approved, whatever became of the record since."""
    query = select(Dossier.household_id, Dossier.accepted_on)
    yield query.where(
        Dossier.household_id.in_(household_ids),
        Dossier.stage.in_(_COMPLETED),
        Dossier.accepted_on.is_not(None),
    )


@hooks.stepped.listen(of=Dossier, order=70)
def follow(_register: Register, row: Dossier, step: Transition) -> None:
    """The approval of the stage 竣工, or its end, tells another fact."""
    session = object_session(row)
    decided = step.reopens or State.APPROVED in (row.state, *step.sources)
    if session is not None and decided and row.accepted_on is not None:
        last.follow(session, [row.household_id])
