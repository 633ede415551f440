"""Which surveys are asked for anew: those of before the day on which the house was made safe by a
renovation that is completed and accepted (:mod:`app.modules.renovation.dossier.accepting`).

It follows from two registers: it is kept with the survey, that lists and figures by division tell it as
anything else. A survey that is moved takes it along, for its household's dossiers move too; one that a
later survey replaced keeps it, and no list shows it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, object_session

from app.access.scope import joined
from app.core.jobs.table import JobContext, once_job
from app.core.transactions import transaction
from app.kernel import hooks
from app.kernel.declare.register import Register
from app.modules.homes.choices import COMPLETED
from app.modules.renovation.dossier.model import Dossier
from app.modules.surveys import last
from app.modules.surveys.fields import Survey, unsecured
from app.modules.surveys.last import Told

#: Of how many dossiers at a time.
_CHUNK = 500
_WHY = "surveys of all divisions follow the renovations"


def mark(session: Session, household_ids: Collection[uuid.UUID]) -> list[Told]:
    """Say of each survey of these households whether it is asked for anew; gives those that are. One
    statement, and one for each register of surveys. The caller commits.
    """
    made_safe = _made_safe(session, household_ids)
    marked: list[Told] = []
    for register in last.surveys():
        model = register.model
        query = select(model).where(model.household_id.in_(household_ids)).order_by(model.id)
        for survey in session.scalars(query):
            asked = _is_asked(survey, made_safe)
            if survey.to_resurvey != asked:
                survey.to_resurvey = asked
            if asked:
                marked.append((register, survey))
    return marked


def _made_safe(
    session: Session, household_ids: Collection[uuid.UUID]
) -> Mapping[uuid.UUID, dt.date]:
    """By household the last day on which a renovation was accepted."""
    query = select(Dossier.household_id, func.max(Dossier.accepted_on)).where(
        Dossier.household_id.in_(household_ids),
        Dossier.stage.in_(COMPLETED),
        Dossier.accepted_on.is_not(None),
    )
    with session.no_autoflush:
        rows = session.execute(query.group_by(Dossier.household_id)).all()
    return {household_id: on for household_id, on in rows if on is not None}


def _is_asked(survey: Any, made_safe: Mapping[uuid.UUID, dt.date]) -> bool:
    on = made_safe.get(survey.household_id)
    return on is not None and unsecured.holds_of(survey) and last.day_of(survey) <= on


@hooks.saved.listen(of=Survey, where=unsecured | Survey.to_resurvey.yes, order=80)
def follow(_register: Register, row: Any, _changes: Mapping[str, Any]) -> None:
    """A survey of the house as it is now is asked for no more."""
    session = object_session(row)
    asked = (
        session is not None
        and unsecured.holds_of(row)
        and _is_asked(row, _made_safe(session, [row.household_id]))
    )
    if row.to_resurvey != asked:
        row.to_resurvey = asked


@hooks.clearing.listen(of=Survey, order=80)
def forget(_register: Register, row: Any) -> None:
    """What says nothing is not asked for anew, but for the first time."""
    row.to_resurvey = False


@once_job("surveys.asked_anew", title="标记改造后需重新排查的农户")
def mark_all(job: JobContext) -> dict[str, Any]:
    """Mark the surveys of before the renovations that are there, some dossiers at a time in order of
    their keys; killed, it goes on after the last ones.
    """
    done = dict(job.checkpoint or {"after": "", "rows": 0})
    query = select(Dossier.id, Dossier.household_id).order_by(Dossier.id).limit(_CHUNK)
    query = query.where(Dossier.stage.in_(COMPLETED), Dossier.accepted_on.is_not(None))
    while True:
        after = query.where(Dossier.id > uuid.UUID(done["after"])) if done["after"] else query
        with transaction(), joined(_WHY, writes=True) as session:
            rows = session.execute(after).all()
            if not rows:
                return {"rows": done["rows"]}
            done["rows"] += len(mark(session, list({row.household_id for row in rows})))
            done["after"] = rows[-1].id.hex
            job.save(dict(done))
        job.progress(done["rows"], 0)
