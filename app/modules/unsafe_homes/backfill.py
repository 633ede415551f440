"""Makes the ledger's rows of surveys that were approved before it was there, proves and mends them.

Some hundred households at a time, in the order of their places; what a killed worker leaves undone its
successor does, and doing it twice changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.access.scope import unscoped
from app.core.jobs.table import JobContext, job_kind
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register, get_register
from app.kernel.rows.reading import columns_of
from app.modules.surveys.last import surveys
from app.modules.unsafe_homes import projection
from app.modules.unsafe_homes.model import Risk

#: The job that the migration queues.
KIND = "risk.backfill"
_AT_ONCE = 500  # households
_START = ("", uuid.UUID(int=0))
Place = tuple[str, uuid.UUID]


@job_kind(KIND, title="建立C、D级农户台账")
def run(job: JobContext) -> dict[str, Any]:
    """Every register from where an earlier attempt stopped."""
    names = [register.name for register in surveys()]
    done = job.checkpoint or {"register": names[0], "path": "", "id": _START[1].hex, "rows": 0}
    rows = int(done["rows"])
    for number, name in enumerate(names[names.index(done["register"]) :]):
        after = (done["path"], uuid.UUID(done["id"])) if number == 0 else _START
        with unscoped("the ledger's rows of all surveys approved before") as session:
            for last, ids in _in_danger(session, _register(name), after):
                rows += projection.settle(session, ids)
                session.commit()
                session.expunge_all()
                job.save({"register": name, "path": last[0], "id": last[1].hex, "rows": rows})
                job.progress(names.index(name), len(names), str(rows))
    return {"rows": rows}


def wrong(session: Session) -> Iterator[str]:
    """What of the ledger is not as the surveys say, in words."""
    told: set[str] = set()  # a row that is wrong is met twice
    for ids in households(session):
        new = [what for what in projection.wrong(session, ids) if what not in told]
        told.update(new)
        yield from new
        session.expunge_all()


def mend(session: Session) -> int:
    """Put it right; gives how many rows were wrong. Commits as it goes."""
    mended = 0
    for ids in households(session):
        mended += projection.settle(session, ids)
        session.commit()
        session.expunge_all()
    return mended


def households(session: Session) -> Iterator[list[uuid.UUID]]:
    """The keys of those that should have a row, then of those that have one, some at a time."""
    for register in surveys():
        for _last, ids in _in_danger(session, register, _START):
            yield ids
    for _last, ids in _walk(session, Risk, _START):
        yield ids


def _in_danger(
    session: Session, register: Register, after: Place
) -> Iterator[tuple[Place, list[uuid.UUID]]]:
    model = register.model
    unsafe = projection.unsafe(register).sql(columns_of(model, register.name))
    return _walk(session, model, after, model.state == State.APPROVED, unsafe)


def _walk(
    session: Session, model: Any, after: Place, *conditions: Any
) -> Iterator[tuple[Place, list[uuid.UUID]]]:
    """The households of a register's rows, some at a time, with the place of the last."""
    order = tuple_(model.path, model.id)
    query = select(model.path, model.id, model.household_id).where(*conditions)
    query = query.order_by(model.path, model.id).limit(_AT_ONCE)
    while rows := session.execute(query.where(order > after)).all():
        after = rows[-1].path, rows[-1].id
        yield after, list(dict.fromkeys(row.household_id for row in rows))


def _register(name: str) -> Register:
    found = get_register(name)
    if found is None:
        raise LookupError(name)
    return found
