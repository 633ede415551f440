"""Gives a newly declared register its rows, and new figures their counters, county by county.

The deploy step notes what is missing (:func:`app.kernel.figures.state.declare`) and queues this job. Killed, it goes
on with the county where it stopped; what is done twice changes nothing.

Nobody who saves waits for it (:mod:`app.kernel.figures.mending`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.access.divisions.regions import in_subtree
from app.access.scope import joined
from app.core.db import db
from app.core.jobs.table import Job, JobContext, JobState, enqueue, job_kind
from app.core.transactions import transaction
from app.kernel.declare.register import Register
from app.kernel.figures import mending, rejudging
from app.kernel.figures import state as figures
from app.kernel.figures.comparing import proving
from app.kernel.figures.mending import Area
from app.kernel.figures.state import ROWS, RULES
from app.kernel.records import copies
from app.kernel.rows.household import Household

KIND = "figures.fill"
_AT_ONCE = 500  # households
_OF_ROWS = [[ROWS], [RULES]]  # what comes before figures, in this order
_WHY = "rows and counters of all counties are filled"


def require() -> bool:
    """Note what is declared, and queue the job if something is to be filled; gives whether."""
    with joined("the deploy step notes what is declared", writes=True) as session:
        missing = figures.declare(session)
    waits = select(Job.id).where(Job.kind == KIND, Job.state == JobState.QUEUED).limit(1)
    if missing and db.session.scalar(waits) is None:
        enqueue(KIND, {}, owner=None)
    return missing


@job_kind(KIND, title="补充登记表记录和统计数字")
def fill(job: JobContext) -> dict[str, Any]:
    """Rows first, then the rules that they break, then figures, register by register, each in all counties."""
    done = dict(job.checkpoint or {"task": "", "path": "", "rows": 0, "lines": 0})
    with joined(_WHY) as session:
        tasks, counties = _tasks(session), mending.counties(session)
    for number, (register, names) in enumerate(tasks):
        task = f"{register.name}: {' '.join(names)} {figures.digest_of(register, names)}"
        if done["task"] != task:
            done |= {"task": task, "path": ""}
        model = Household if names == [ROWS] else register.model
        with joined(_WHY) as session:
            held = mending.held(session, register, counties, model)
        for place, county in enumerate(counties):
            if county.path <= done["path"]:
                continue
            if county.path in held:
                _fill(job, done, register, names, county)
            job.progress(number * len(counties) + place + 1, len(tasks) * len(counties))
        if names == [RULES] and register.shared:
            done["lines"] += proving.mend(register)
        with transaction(), joined(_WHY, writes=True) as session:
            figures.mark_filled(session, register, names)
    return {"rows": done["rows"], "lines": done["lines"]}


def _fill(
    job: JobContext, done: dict[str, Any], register: Register, names: list[str], county: Any
) -> None:
    """One task in one county, and where the job goes on after it."""
    if names == [ROWS]:
        done["rows"] += _make_rows(register, county)
    elif names == [RULES]:
        if register.shared:
            proving.fill(register, county)
        done["lines"] += rejudging.county(register, county)
    with transaction(), joined(_WHY, writes=True) as session:
        if names not in _OF_ROWS:
            done["lines"] += mending.mend(session, register, Area(county.path, [county]), names)
        done["path"] = county.path
        job.save(dict(done))


def _tasks(session: Session) -> list[tuple[Register, list[str]]]:
    """What is done in all counties before the next: the rows of a register, its rules, or its figures."""
    missing = figures.open_figures(session)
    found: dict[tuple[int, str], tuple[Register, list[str]]] = {}
    for register, name in missing:
        order = _OF_ROWS.index([name]) if [name] in _OF_ROWS else len(_OF_ROWS)
        found.setdefault((order, register.name), (register, []))[1].append(name)
    return [found[key] for key in sorted(found)]


# ---- rows ------------------------------------------------------------------------------------


def _make_rows(register: Register, county: Any) -> int:
    """Every household of the county on the register's list has a row, made for some at a time; gives
    how many were made.

    :raises TryAgain: somebody put one of them onto the list at this moment.
    """
    theirs = exists().where(register.model.household_id == Household.id)
    listed = getattr(Household, register.follows)
    query = select(Household).where(in_subtree(Household.path, county.path), listed, ~theirs)
    query = query.order_by(Household.path, Household.id).limit(_AT_ONCE).with_for_update()
    made = 0
    while True:
        with transaction(), joined(_WHY, writes=True) as session:
            found = session.scalars(query).all()
            session.add_all(copies.first_row(register, household) for household in found)
        made += len(found)
        if len(found) < _AT_ONCE:
            return made
