"""Which survey counts is told by another rule than before (docs/adr/the-survey-that-counts.md): what stands
on them is brought into line once. Each county is told first what that changes, and has a week.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select, tuple_, update
from sqlalchemy.orm import Session

from app.access.accounts import notices
from app.access.accounts.notices import Notice, NoticeKind
from app.access.divisions.regions import Level, Region, subtree
from app.access.scope import joined
from app.core.clock import now, today
from app.core.db import db
from app.core.i18n import _
from app.core.jobs.table import Job, JobContext, JobState, daily_job, once_job
from app.core.transactions import supposed, transaction
from app.kernel.households import lists as households
from app.kernel.rows.household import Household
from app.modules.surveys.last import Cause, approved, approved_at, last_surveys, newest, surveyed

#: The jobs that tell and that change.
TELL, CHANGE = "surveys.resettle", "surveys.resettle_due"
#: How long a county has between the two.
WEEK = dt.timedelta(days=7)
_CHUNK = 500
#: Of how many households a notice says the names.
_NAMED = 10
_WHY = "which survey counts is another one in all divisions"
Place = tuple[str, uuid.UUID]
_FIRST: Place = ("", uuid.UUID(int=0))
_START = {"county": 0, "path": _FIRST[0], "id": _FIRST[1].hex, "homes": 0}


@once_job(TELL, title="告知住房安全信息口径调整")
def tell(job: JobContext) -> dict[str, Any]:
    """Tell the managers of every county what will change there, one county after the other; what is
    found by changing it is rolled back. Killed, it goes on with the next county; none is told twice.
    """
    done = dict(job.checkpoint or {"path": "", "told": 0})
    for county in _counties(done["path"]):
        said = _changes(county)
        with transaction(), joined(_WHY, writes=True) as session:
            done["told"] += _tell(session, county, said)
            done["path"] = county.path
            job.save(dict(done))
        job.progress(done["told"], 0)
    return {"told": done["told"]}


def _counties(after: str) -> Any:
    query = select(Region.id, Region.path, Region.full_name).order_by(Region.path)
    with joined(_WHY) as session:
        return session.execute(query.where(Region.level == Level.COUNTY, Region.path > after)).all()


@dataclass
class _Said:
    """What a county is told: what changes how often, and of how many households, some by name."""

    what: Counter[str] = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)
    homes: int = 0


def _changes(county: Row[Any]) -> _Said:
    said = _Said()
    after: Place | None = _FIRST
    while after is not None:
        with supposed(), joined(_WHY, writes=True) as session:
            after, homes = _concerned(session, county.path, after)
            said.homes += len(homes)
            said.names += [home.head_name for home in homes[: _NAMED - len(said.names)]]
            said.what.update(_settle(session, homes))
    return said


def _tell(session: Session, county: Row[Any], said: _Said) -> bool:
    """Tell a county once; gives whether it is told at all."""
    known = select(Notice.id).where(
        Notice.region_id == county.id, Notice.kind == NoticeKind.RESETTLE
    )
    if session.scalar(known) is not None:
        return True
    if not said.what:
        return False
    notices.tell(
        session, county.id, NoticeKind.RESETTLE, "/household/list",
        place=county.full_name, homes=str(said.homes), names=_("、").join(said.names),
        day=f"{today() + WEEK}", what=sorted(said.what.items()),
    )  # fmt: skip
    return True


@daily_job(CHANGE, title="按排查时间调整住房安全信息")
def change(job: JobContext) -> dict[str, Any]:
    """Change it in the counties that were told a week ago; on all other days there is nothing to do.
    Some households at a time; killed, it goes on after the last ones, and doing it twice changes
    nothing.
    """
    if not _due():
        return {}
    done = dict(job.checkpoint or _START)
    told = select(Region.id, Region.path).join(Notice, Notice.region_id == Region.id)
    told = told.where(Notice.kind == NoticeKind.RESETTLE, Region.id >= done["county"])
    with joined(_WHY) as session:
        counties = session.execute(told.order_by(Region.id)).all()
    for county in counties:
        if county.id != done["county"]:
            done |= _START | {"county": county.id, "homes": done["homes"]}
        after: Place | None = (done["path"], uuid.UUID(done["id"]))
        while after is not None:
            with transaction(), joined(_WHY, writes=True) as session:
                after, homes = _concerned(session, county.path, after)
                done["homes"] += bool(_settle(session, homes)) and len(homes)
                if after is not None:
                    done |= {"path": after[0], "id": after[1].hex}
                    job.save(dict(done))
            job.progress(done["homes"], 0)
    finished = {"told": len(counties), "homes": done["homes"]}
    with transaction():
        db.session.execute(update(Job).where(Job.kind == TELL).values(result=finished))
    return finished


def _due() -> bool:
    """Were all counties told, a week ago, and was nothing changed since?"""
    query = select(Job.result).where(
        Job.kind == TELL, Job.state == JobState.DONE, Job.finished <= now() - WEEK
    )
    return any(result is not None and "homes" not in result for result in db.session.scalars(query))


def _concerned(session: Session, area: str, after: Place) -> tuple[Place | None, list[Household]]:
    """The households of an area whose survey that counts is another one now, or whose house was made
    safe since, of some behind a place; with the place of the last that was looked at, None at the end.
    """
    low, high = subtree(area)
    order = tuple_(Household.path, Household.id)
    query = select(Household.path, Household.id).where(Household.path >= low, Household.path < high)
    query = query.order_by(Household.path, Household.id).limit(_CHUNK)
    rows = session.execute(query.where(order > after)).all()
    known = approved(session, [row.id for row in rows])
    asked = select(Household).where(Household.id.in_(known.surveys)).order_by(Household.id)
    found = [home for home in session.scalars(asked) if _differs(home, known)]
    return (rows[-1].path, rows[-1].id) if rows else None, found


def _differs(home: Household, known: Any) -> bool:
    """Does another survey count than the one that was decided on last, of whichever list, as it was
    before? Or was the house made safe since?
    """
    counting = newest(home, known.surveys[home.id])
    before = max(known.surveys[home.id], key=lambda one: (approved_at(one[1]), one[1].id.int))
    if counting is None or counting[1].id != before[1].id:
        return True
    return known.safe_since(home.id, counting[1]) is not None


def _settle(session: Session, homes: list[Household]) -> list[str]:
    """Bring what stands on their surveys into line; gives what changed."""
    if not homes:
        return []
    held = households.locked(session, [home.id for home in homes])
    return surveyed(session, held, last_surveys(session, held), Cause.RULE)
