"""Makes the ledger's rows of surveys that were approved before it was there, proves and mends them.

Some hundred households at a time, in the order of their places; what a killed worker leaves undone its
successor does, and doing it twice changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.access.scope import joined
from app.core.jobs.table import JobContext, job_kind
from app.core.transactions import transaction
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
_WHY = "the ledger of all divisions follows the surveys"
Place = tuple[str, uuid.UUID]


@job_kind(KIND, title="建立C、D级农户台账")
def run(job: JobContext) -> dict[str, Any]:
    """Every register from where an earlier attempt stopped."""
    names = [register.name for register in surveys()]
    done = job.checkpoint or {"register": names[0], "path": "", "id": _START[1].hex, "rows": 0}
    rows = int(done["rows"])
    for number, name in enumerate(names[names.index(done["register"]) :]):
        after = (done["path"], uuid.UUID(done["id"])) if number == 0 else _START
        for last, ids in _in_danger(None, _register(name), after):
            with transaction(), joined(_WHY, writes=True) as session:
                rows += projection.settle(session, ids)
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


def mend() -> int:
    """Put it right, some at a time; gives how many rows were wrong."""
    mended = 0
    for ids in households(None):
        with transaction(), joined(_WHY, writes=True) as session:
            mended += projection.settle(session, ids)
    return mended


def households(session: Session | None) -> Iterator[list[uuid.UUID]]:
    """The keys of those that should have a row, then of those that have one, some at a time; without
    a ``session`` each time as they are then.
    """
    for register in surveys():
        for _last, ids in _in_danger(session, register, _START):
            yield ids
    for _last, ids in _walk(session, Risk, _START):
        yield ids


def _in_danger(
    session: Session | None, register: Register, after: Place
) -> Iterator[tuple[Place, list[uuid.UUID]]]:
    model = register.model
    unsafe = projection.unsafe(register).sql(columns_of(model, register.name))
    return _walk(session, model, after, model.state == State.APPROVED, unsafe)


def _walk(
    session: Session | None, model: Any, after: Place, *conditions: Any
) -> Iterator[tuple[Place, list[uuid.UUID]]]:
    """The households of a register's rows, some at a time, with the place of the last."""
    order = tuple_(model.path, model.id)
    query = select(model.path, model.id, model.household_id).where(*conditions)
    query = query.order_by(model.path, model.id).limit(_AT_ONCE)
    while True:
        with nullcontext(session) if session else joined(_WHY) as reading:
            rows = reading.execute(query.where(order > after)).all()
        if not rows:
            return
        after = rows[-1].path, rows[-1].id
        yield after, list(dict.fromkeys(row.household_id for row in rows))


def _register(name: str) -> Register:
    found = get_register(name)
    if found is None:
        raise LookupError(name)
    return found
