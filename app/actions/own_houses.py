"""既有农房 (spec 04 "Desk"): households whose survey that was approved last, of whichever register,
says that they live in a rural house of their own. Kept with the household, so that it is counted by
division as anything else.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from app.access.scope import unscoped
from app.actions import events
from app.actions.openings import last_approved
from app.core.db import db
from app.core.jobs import JobContext, once_job
from app.parts.choices import Living
from app.parts.survey import Survey
from app.registry.flow import State, Transition
from app.registry.households import Household
from app.registry.register import Register

_CHUNK = 500


@events.on_stepped
def follow(register: Register, row: Any, step: Transition) -> None:
    """An approval, or its end, may change what the household's last survey says."""
    session = object_session(row)
    touched = State.APPROVED in (row.state, *step.sources)
    if session is not None and touched and issubclass(register.model, Survey):
        session.flush()
        settle(session, [row.household_id])


def settle(session: Session, household_ids: Sequence[uuid.UUID]) -> int:
    """Set the mark of these households; gives how many changed. The caller commits."""
    last = last_approved(session, household_ids)
    changed = 0
    for home in session.scalars(select(Household).where(Household.id.in_(household_ids))):
        found = last.get(home.id)
        own = found is not None and not found.survey.died and found.survey.living == Living.OWN
        if home.own_house != own:
            home.own_house = own
            changed += 1
    return changed


@once_job("households.own_houses", title="统计既有农房")
def mark_all(job: JobContext) -> dict[str, Any]:
    """Mark the households whose surveys were approved before this was kept; some at a time, in the
    order of their keys. Killed, it goes on after the last ones.
    """
    db.session.rollback()  # on SQLite one session writes at a time
    done = dict(job.checkpoint or {"after": "", "marked": 0})
    while True:
        with unscoped("houses of all divisions are counted") as session:
            query = select(Household.id).order_by(Household.id).limit(_CHUNK)
            if done["after"]:
                query = query.where(Household.id > uuid.UUID(done["after"]))
            ids = session.scalars(query).all()
            if not ids:
                return {"rows": done["marked"]}
            done["marked"] += settle(session, ids)
            session.commit()
        done["after"] = ids[-1].hex
        job.save(dict(done))
        job.progress(done["marked"], 0)
