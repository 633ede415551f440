"""Surveys that were approved before applications opened by themselves get theirs (spec 04)."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import or_, select, tuple_

from app.access.scope import joined
from app.core.jobs.table import JobContext, once_job
from app.core.transactions import transaction
from app.kernel.declare.flow import State
from app.kernel.rows.reading import columns_of
from app.modules.renovation import openings
from app.modules.renovation.fields import NEEDS
from app.modules.renovation.plan_years import plan_year
from app.modules.surveys.last import surveys

_CHUNK = 200


@once_job("application.backfill", title="生成已审核农户的改造申请")
def open_for_approved(job: JobContext) -> dict[str, Any]:
    """Some households at a time, in the order of their places; killed, it goes on after the last
    ones. A household that has its application already is left as it is.
    """
    year = plan_year()
    done = dict(job.checkpoint or {"register": "", "path": "", "id": "", "opened": 0})
    for register in sorted(surveys(), key=lambda r: r.name):
        if register.name < done["register"]:
            continue
        if register.name != done["register"]:
            done |= {"register": register.name, "path": "", "id": ""}
        model = register.model
        columns = columns_of(model, register.name)
        asking = or_(*(where.sql(columns) for where in NEEDS.values()))
        order = (model.path, model.id)
        query = select(model.household_id, *order).where(model.state == State.APPROVED, asking)
        while True:
            why = "applications open for surveys of all divisions"
            with transaction(), joined(why, writes=True) as session:
                after = query
                if done["id"]:
                    after = query.where(tuple_(*order) > (done["path"], uuid.UUID(done["id"])))
                rows = session.execute(after.order_by(*order).limit(_CHUNK)).all()
                if not rows:
                    break
                done["opened"] += openings.settle(session, [row.household_id for row in rows], year)
                done |= {"path": rows[-1].path, "id": rows[-1].id.hex}
                job.save(dict(done))
            job.progress(done["opened"], 0)
    return {"opened": done["opened"]}
