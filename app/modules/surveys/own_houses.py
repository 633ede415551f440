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
from app.core.db import db
from app.core.jobs.table import JobContext, once_job
from app.kernel import hooks
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.register import Register
from app.kernel.households import lists as households
from app.kernel.rows.household import Household
from app.modules.homes.choices import Living
from app.modules.surveys.fields import Survey
from app.modules.surveys.last import Last, last_approved, surveyed

_CHUNK = 500


def settle(session: Session, household_ids: Sequence[uuid.UUID]) -> int:
    """Set the mark of these households; gives how many changed. The caller commits."""
    last = last_approved(session, household_ids)
    homes = session.scalars(select(Household).where(Household.id.in_(household_ids)))
    return sum(mark(home, last.get(home.id)) for home in homes)


def mark(home: Household, last: Last | None) -> bool:
    """Set the mark of a household by its survey that was approved last; gives whether it changed."""
    own = last is not None and not last.survey.died and last.survey.living == Living.OWN
    changed = home.own_house != own
    if changed:
        home.own_house = own
    return changed


@hooks.stepped.listen(of=Survey, order=50)
def follow(register: Register, row: Any, step: Transition) -> None:
    """An approval, or its end, may change what the household's last survey says."""
    session = object_session(row)
    if session is None or State.APPROVED not in (row.state, *step.sources):
        return
    session.flush()
    homes = households.locked(session, [row.household_id])  # two may be decided on at once
    if row.state == State.APPROVED:
        lasts = {row.household_id: Last(register, row)}  # none was approved later
    else:
        lasts = last_approved(session, [row.household_id])
    for home in homes:
        mark(home, lasts.get(home.id))
    surveyed(session, homes, lasts)


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
