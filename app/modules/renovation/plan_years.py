"""The plan year of renovations: it rolls over by itself on a day that is a setting (spec 02, 04).

Applications whose measure is planned for a later year wait, on no list, until that year begins.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import settings
from app.access.scope import joined
from app.access.settings import TEXT, Setting
from app.core.clock import now, today
from app.core.i18n import _, mark
from app.core.jobs.table import JobContext, daily_job
from app.core.transactions import transaction
from app.modules.renovation import following
from app.modules.renovation.fields import Basis

_CHUNK = 500
_MONTH_DAY = re.compile(r"(\d{2})-(\d{2})")


def _wrong_day(text: str) -> str | None:
    match = _MONTH_DAY.fullmatch(text)
    try:
        dt.date(2023, int(match[1]) if match else 0, int(match[2]) if match else 0)
    except ValueError:
        return _("请填写月和日，例如 01-01。")
    return None


BEGINS = settings.declare(
    Setting(
        "application.plan_year_begins",
        mark("计划年度开始的月日"),
        TEXT,
        "01-01",
        lowest=5,
        highest=5,
        check=_wrong_day,
        help=mark(
            "到这一天，保障年度为当年的改造申请自动进入申请信息录入。格式为月-日，例如 01-01。"
        ),
    )
)


def plan_year(day: dt.date | None = None, session: Session | None = None) -> int:
    """The plan year that a day (today) belongs to; asked by ``session``, if it writes."""
    day = day or today()
    month, of_month = map(int, settings.value(BEGINS.name, session=session).split("-"))
    return day.year if (day.month, day.day) >= (month, of_month) else day.year - 1


@daily_job("application.rollover", title="计划年度转入")
def roll_over(job: JobContext) -> dict[str, Any]:
    """Open the applications whose plan year has begun, some at a time: killed, it goes on with those
    that still wait. On other days there are none.
    """
    register = following.register()
    if register is None:
        return {"opened": 0}
    model, year, opened = register.model, plan_year(), 0
    while True:
        why = "the plan year begins everywhere at once"
        with transaction(), joined(why, writes=True) as session:
            query = select(model).where(model.basis == Basis.WAITING, model.plan_year <= year)
            rows = session.scalars(query.order_by(model.plan_year, model.id).limit(_CHUNK)).all()
            for row in rows:
                row.basis, row.changed_at = Basis.HELD, now()
                following.note(session, register, row, "rolled_over", following.ROLLED_OVER)
        opened += len(rows)
        job.progress(opened, 0)
        if len(rows) < _CHUNK:
            return {"opened": opened, "year": year}
