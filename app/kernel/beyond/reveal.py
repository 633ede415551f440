"""Looking at masked numbers: each look is counted and kept (spec 01 "Personal data")."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.access import limits, policy, settings
from app.access.actor import Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.limits import Limit
from app.access.settings import NUMBER, Setting
from app.core.i18n import mark

REVEALS = settings.declare(
    Setting(
        "personal.reveals",
        mark("每小时查看完整号码次数"),
        NUMBER,
        60,
        lowest=5,
        highest=1000,
        unit=mark("次"),
        help=mark("每个账号每小时最多点击查看多少次完整的身份证号或电话，每次记入审计日志。"),
    )
)


def note_look(register: str, row: Any, field: str) -> None:
    """Count and keep that the account looks at a masked field of ``row``.

    :raises TooMany: it has looked at too many within the hour.
    """
    actor = policy.require(Capability.SEARCH)
    most = settings.value(REVEALS.name)
    limits.require(Limit("reveals", actor.account_id.hex, most, timedelta(hours=1)))
    audit.note(Act.REVEAL, register=register, row=row, detail={"field": field})
