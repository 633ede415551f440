"""Gives a newly declared register its rows, and new figures their counters, county by county.

The deploy step notes what is missing (:func:`app.kernel.figures.state.declare`) and queues this job. Killed, it goes
on with the county where it stopped; what is done twice changes nothing.

Nobody who saves waits for it. Counters are sums of what each transaction added, so what is missing from
a line is the difference between rows and line at one moment, and may be added at any later one. Divisions
stay where they are meanwhile (the county's lock, held together with those who save), and two fillers, or
``flask stats rebuild``, never add the same difference twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import exists, func, select, text
from sqlalchemy.orm import Session

from app.access.divisions.regions import Region, in_subtree
from app.access.scope import hold, joined, unscoped
from app.core.db import db, read_only
from app.core.jobs.table import Job, JobContext, JobState, enqueue, job_kind
from app.core.transactions import transaction
from app.kernel.declare.register import Register
from app.kernel.figures import counters
from app.kernel.figures import state as figures
from app.kernel.figures.counters import Counter
from app.kernel.figures.state import ROWS
from app.kernel.records import copies
from app.kernel.rows.household import Household

KIND = "figures.fill"
_AT_ONCE = 500  # households
_WHY = "rows and counters of all counties are filled"
_ALONE = 0x616E6B  # an advisory lock that one filler holds


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
    """Rows first, then figures, register by register, each in all counties."""
    done = dict(job.checkpoint or {"task": "", "path": "", "rows": 0, "lines": 0})
    with joined(_WHY) as session:
        tasks, counties = _tasks(session), _counties(session)
    for number, (register, names) in enumerate(tasks):
        task = f"{register.name}: {' '.join(names)} {figures.digest_of(register, names)}"
        if done["task"] != task:
            done |= {"task": task, "path": ""}
        for place, county in enumerate(counties):
            if county.path <= done["path"]:
                continue
            if names == [ROWS]:
                done["rows"] += _make_rows(register, county)
            with transaction(), joined(_WHY, writes=True) as session:
                if names != [ROWS]:
                    done["lines"] += _count(session, register, county, names)
                done["path"] = county.path
                job.save(dict(done))
            job.progress(number * len(counties) + place + 1, len(tasks) * len(counties))
        with transaction(), joined(_WHY, writes=True) as session:
            figures.mark_filled(session, register, names)
    return {"rows": done["rows"], "lines": done["lines"]}


def _tasks(session: Session) -> list[tuple[Register, list[str]]]:
    """What is done in all counties before the next: the rows of a register, or its figures."""
    missing = figures.open_figures(session)
    found: dict[tuple[str, bool], tuple[Register, list[str]]] = {}
    for register, name in missing:
        found.setdefault((register.name, name != ROWS), (register, []))[1].append(name)
    return [found[key] for key in sorted(found, key=lambda key: (key[1], key[0]))]


def _counties(session: Session) -> Sequence[Any]:
    query = select(Region.id, Region.path).where(Region.county_id == Region.id)
    return session.execute(query.order_by(Region.path)).all()


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


# ---- figures ---------------------------------------------------------------------------------


def _count(session: Session, register: Register, county: Any, names: Collection[str]) -> int:
    """Set the county's lines of these figures; gives how many were wrong."""
    _alone(session)
    hold(session, {(county.id, county.path)}, {county.id})
    with _one_moment(session) as reading:
        live = _live(reading, register, county, names)
        kept = _kept(reading, register, county, names)
    wrong = {key for key in live.keys() | kept.keys() if live.get(key, 0) != kept.get(key, 0)}
    deltas = {(key, county.id): live.get(key, 0) - kept.get(key, 0) for key in wrong}
    counters.hand_in(session, register, deltas)
    return len(wrong)


def _alone(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_ALONE, 0)))
        session.execute(text("LOCK TABLE counter IN ROW EXCLUSIVE MODE"))


@contextmanager
def _one_moment(session: Session) -> Iterator[Session]:
    """A session that sees rows and counters of one moment. On SQLite ours does, being the one writer."""
    if session.get_bind().dialect.name != "postgresql":
        yield session
        return
    with read_only(), unscoped("rows are compared with counters") as reading:
        counters.at_one_moment(reading)
        yield reading


def _live(
    session: Session, register: Register, county: Any, names: Collection[str]
) -> dict[str, int]:
    model = register.model
    below = in_subtree(model.path, county.path)
    found = counters.live_by(session, register, model.county_id, below, figures=names)
    return {key: n for (_county, key), n in found.items()}


def _kept(
    session: Session, register: Register, county: Any, names: Collection[str]
) -> dict[str, int]:
    query = select(Counter.figure, Counter.n).where(
        Counter.register == register.name, Counter.county_id == county.id, Counter.n != 0
    )
    return {key: n for key, n in session.execute(query) if key.partition("@")[0] in names}
