"""Work that is more than 12 months unfinished (spec 04 "Dossier"), looked for once a day.

Overdue is a fact that comes with the calendar and not with a save: it is kept with the record, that
lists and figures by division tell it as anything else.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select

from app.access.scope import joined
from app.core.clock import today
from app.core.jobs.table import JobContext, daily_job
from app.core.transactions import transaction
from app.kernel import hooks
from app.kernel.declare.flow import Transition
from app.kernel.declare.register import Register
from app.modules.homes.choices import Progress
from app.modules.renovation.dossier.model import Dossier

_AT_ONCE = 500


def year_before(day: dt.date) -> dt.date:
    """The day twelve months before ``day``."""
    if (day.month, day.day) == (2, 29):
        return day.replace(year=day.year - 1, day=28)
    return day.replace(year=day.year - 1)


def is_overdue(row: Dossier) -> bool:
    """Started, by an approved stage, more than twelve months ago, and not completed by one."""
    late = row.started_on is not None and row.started_on < year_before(today())
    return row.stage == Progress.STARTED and late


@daily_job("dossier.overdue", title="逾期未竣工核对")
def run(_job: JobContext) -> dict[str, Any]:
    """Mark what became overdue since yesterday."""
    return {"rows": mark_all()}


def mark_all() -> int:
    """Mark what is overdue and not marked yet, some at a time; gives how many."""
    marked = 0
    late = (
        select(Dossier)
        .where(
            Dossier.stage == Progress.STARTED,
            Dossier.started_on < year_before(today()),
            ~Dossier.overdue,
        )
        .limit(_AT_ONCE)
    )
    while True:
        with transaction(), joined("the calendar moves everywhere", writes=True) as session:
            rows = session.scalars(late).all()
            for row in rows:
                row.overdue = True
        marked += len(rows)
        if len(rows) < _AT_ONCE:
            return marked


@hooks.stepped.listen(of=Dossier, order=60)
def follow(_register: Register, row: Any, _step: Transition) -> None:
    """What is completed, or sent back, is overdue no more; what is started late may be at once."""
    if row.overdue != is_overdue(row):
        row.overdue = is_overdue(row)
