"""既有农房 (spec 04 "Desk"): households whose survey that counts says that they live in a rural house of
their own. Kept with the household, so that it is counted by division as anything else.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.scope import joined
from app.core.i18n import mark
from app.core.jobs.table import JobContext, once_job
from app.core.transactions import transaction
from app.kernel.rows.household import Household
from app.modules.homes.choices import Living
from app.modules.surveys.last import Cause, Last, last_surveys, surveyed

_CHUNK = 500
#: What the mark is called.
OWN_HOUSE = mark("既有农房")


def settle(session: Session, household_ids: Sequence[uuid.UUID]) -> int:
    """Set the mark of these households; gives how many changed. The caller commits."""
    homes = session.scalars(select(Household).where(Household.id.in_(household_ids))).all()
    lasts = last_surveys(session, homes)
    return sum(_set(home, lasts.get(home.id)) for home in homes)


def _set(home: Household, last: Last | None) -> bool:
    """Set the mark of a household by its survey that counts; gives whether it changed."""
    own = last is not None and not last.survey.died and last.survey.living == Living.OWN
    changed = home.own_house != own
    if changed:
        home.own_house = own
    return changed


@surveyed.listen(order=10)
def follow(
    _session: Session, homes: Sequence[Household], lasts: Mapping[uuid.UUID, Last], _cause: Cause
) -> Iterator[str]:
    """The mark is what the survey says."""
    for home in homes:
        if _set(home, lasts.get(home.id)):
            yield OWN_HOUSE


@once_job("households.own_houses", title="统计既有农房")
def mark_all(job: JobContext) -> dict[str, Any]:
    """Mark the households whose surveys were approved before this was kept; some at a time, in the
    order of their keys. Killed, it goes on after the last ones.
    """
    done = dict(job.checkpoint or {"after": "", "marked": 0})
    while True:
        why = "houses of all divisions are counted"
        with transaction(), joined(why, writes=True) as session:
            query = select(Household.id).order_by(Household.id).limit(_CHUNK)
            if done["after"]:
                query = query.where(Household.id > uuid.UUID(done["after"]))
            ids = session.scalars(query).all()
            if not ids:
                return {"rows": done["marked"]}
            done["marked"] += settle(session, ids)
            done["after"] = ids[-1].hex
            job.save(dict(done))
        job.progress(done["marked"], 0)
