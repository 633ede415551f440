"""What is told of an ID number that stands elsewhere in the country already (spec 01, exception a):
the county and a name, nothing else; each time logged and limited by the hour. An import is told less.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from app.access import limits, settings
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.limits import Limit
from app.access.scope import current_actor
from app.access.settings import NUMBER, Setting
from app.core.db import db
from app.core.i18n import mark
from app.core.transactions import apart, transaction
from app.kernel.kinds import formats

CHECKS = settings.declare(
    Setting(
        "personal.duplicates",
        mark("每个账号每小时最多查到几个外地的重复身份证号"),
        NUMBER,
        default=30,
        lowest=1,
        highest=10_000,
        unit=mark("个号码"),
        help=mark("更正身份证号时全国查重，只告知所在县和户主姓名，每次记入审计日志。"),
    )
)


@dataclass(frozen=True)
class Found:
    """Where a number stands: the key of the row of ``register``, and its county."""

    register: str
    number: str
    key: uuid.UUID
    county: str


def told_elsewhere(found: Found, short: str, whole: str) -> str:
    """What the actor is told of a number outside the own area: the ``whole``, or only the ``short``.

    A number that is listed elsewhere is refused, so what is told is counted and kept apart from the
    transaction that asks: two that ask at one moment may both be told the last one.
    """
    actor = current_actor()
    if actor is None or actor.in_job:
        return short
    by_hour = Limit(
        "duplicates", actor.account_id.hex, settings.value(CHECKS.name), timedelta(hours=1)
    )
    if (left := limits.wait(by_hour)) is not None:
        return short + limits.too_many(left).message
    detail = {
        "number": formats.mask_id(found.number),
        "found": str(found.key),
        "county": found.county,
    }
    entry = audit.entry_of(Act.DUPLICATE, register=found.register, detail=detail)
    apart(lambda: _count(by_hour, entry))
    return whole


def _count(limit: Limit, entry: audit.AuditEntry) -> None:
    with transaction():
        limits.take(limit)
        db.session.add(entry)
