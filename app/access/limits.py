"""Limits that hold over all workers: how often something may be done within a time.

One row counts one thing (failures of an account, searches of an account, one use of a captcha).
Counting and asking is a single statement, so that requests at the same moment cannot pass together.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from sqlalchemy import Integer, String, case, delete, or_, select, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Model, db, upsert
from app.core.errors import TooMany
from app.core.i18n import _
from app.core.jobs.table import JobContext, daily_job
from app.core.transactions import transaction
from app.core.types import UtcDateTime

#: No limit lasts longer; older counts are forgotten once a day.
LONGEST = dt.timedelta(days=1)


class LimitCount(Model):
    """``n`` times since ``since``, of what ``name`` and ``key`` say."""

    __tablename__ = "limit_count"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    n: Mapped[int] = mapped_column(Integer, nullable=False)
    since: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)


@dataclass(frozen=True)
class Limit:
    """``key`` may do what ``name`` says ``most`` times within ``within``. Of a ``lasting`` one that
    time begins anew when it is reached: who has reached it is out for so long.
    """

    name: str
    key: str
    most: int
    within: dt.timedelta
    lasting: bool = False


def take(limit: Limit) -> int | None:
    """Count one: gives the how-many-eth it is, or None when none was left. The caller commits."""
    moment = now()
    over = LimitCount.since <= moment - limit.within
    restart = or_(over, LimitCount.n + 1 >= limit.most) if limit.lasting else over
    insert = upsert(db.session, LimitCount).values(
        name=limit.name, key=limit.key, n=1, since=moment
    )
    counted = insert.on_conflict_do_update(
        index_elements=["name", "key"],
        set_={
            "n": case((over, 1), else_=LimitCount.n + 1),
            "since": case((restart, moment), else_=LimitCount.since),
        },
        where=or_(over, LimitCount.n < limit.most),
    ).returning(LimitCount.n)
    return db.session.scalar(counted)


def wait(*limits: Limit) -> dt.timedelta | None:
    """How long one must wait until none of these is reached; None: not at all. One statement."""
    asked = {(limit.name, limit.key): limit for limit in limits}
    rows = db.session.execute(
        select(LimitCount.name, LimitCount.key, LimitCount.n, LimitCount.since).where(
            tuple_(LimitCount.name, LimitCount.key).in_(list(asked))
        )
    )
    waits = [
        since + asked[name, key].within - now()
        for name, key, n, since in rows
        if n >= asked[name, key].most
    ]
    return max((left for left in waits if left > dt.timedelta()), default=None)


def full(limit: Limit) -> dt.timedelta | None:
    """How long nothing is left, told by reading before anything is counted; None: count, then you know.
    On SQLite whoever writes waits for all others that do, on PostgreSQL for those of the same key.
    """
    return wait(limit) if db.session.get_bind().dialect.name == "sqlite" else None


def forget(*limits: Limit) -> None:
    """Count from nought again; the caller commits."""
    keys = [(limit.name, limit.key) for limit in limits]
    db.session.execute(delete(LimitCount).where(tuple_(LimitCount.name, LimitCount.key).in_(keys)))


def require(limit: Limit) -> None:
    """:func:`require_one` in a transaction of its own: it counts whatever becomes of the request."""
    if (left := full(limit)) is not None:
        raise too_many(left)
    with transaction():
        require_one(limit)


def require_one(limit: Limit) -> None:
    """Count one; the caller commits.

    :raises TooMany: none was left; says for how long.
    """
    if take(limit) is None:
        raise too_many(wait(limit) or limit.within)


def too_many(left: dt.timedelta) -> TooMany:
    """What is told to whom nothing is left for so long."""
    return TooMany(
        _("操作过于频繁，请%(n)s分钟后再试。", n=minutes(left)),
        retry_after=math.ceil(left.total_seconds()),
    )


def minutes(left: dt.timedelta) -> int:
    """Whole minutes to wait, at least one."""
    return max(1, math.ceil(left.total_seconds() / 60))


@daily_job("limits.tidy", title="清理过期的计数")
def tidy(_job: JobContext) -> None:
    """Forget counts of limits that ended long ago."""
    with transaction():
        db.session.execute(delete(LimitCount).where(LimitCount.since < now() - LONGEST))
