"""A division above tells one below it what keeps back its place: which causes, how many households, where they are.

It is a notice to the division's accounts (:mod:`app.access.accounts.notices`) and stands in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import force_locale

from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import regions
from app.access.divisions.regions import Region, within
from app.core.db import db
from app.core.errors import Invalid, NotFound
from app.core.i18n import _
from app.core.types import nfc
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.reports.why import Asked, Trial, Why, read

#: Characters that somebody may add.
LONGEST = 200
_CHINESE = "zh"  # a notice is translated for who reads it


def may_urge(register: Register, region: Region, actor: Actor) -> bool:
    """May the account tell the division? Whoever gives out work may, those below its own division."""
    below = region.path != actor.path and within(region.path, actor.path)
    return below and actor.has(Capability.QUOTAS, register.name)


def urge(asked: Asked, message: str, url_of: Callable[[Trial], str], actor: Actor) -> None:
    """Tell the division of the causes that are tried (``asked.without``) and of what somebody adds; ``url_of`` says
    where their households are. The caller commits.

    :raises NotFound: it is not below the own division. :raises Invalid: no cause, or a message that is too long.
    """
    if not may_urge(asked.register, asked.region, actor):
        raise NotFound(_("只能通知下级地区。"))
    with force_locale(_CHINESE):
        found = read(asked)
    message = " ".join(nfc(message).split())
    trial = _checked(found.trial, message)
    _tell(found, trial, message, url_of(trial), actor)


def _checked(trial: Trial | None, message: str) -> Trial:
    problems = []
    if trial is None:
        problems.append(Problem("without", "urge.causes", _("请先勾选要对方补齐的原因。")))
    if len(message) > LONGEST:
        text = _("最多 %(n)s 个字，现有 %(m)s 个。", n=LONGEST, m=len(message))
        problems.append(Problem("message", "urge.long", text))
    if problems or trial is None:
        raise Invalid(_("请改正标出的内容。"), problems)
    return trial


def _tell(found: Why, trial: Trial, message: str, url: str, actor: Actor) -> None:
    asked, session = found.asked, db.session()
    giver = regions.get(actor.region_id)
    rate = found.chosen.rate.head
    causes = [(one.label, one.n) for one in trial.causes]
    notices.tell(
        session, asked.region.id, NoticeKind.URGED, url,
        giver=giver.full_name if giver else "", register=asked.register.title, rate=rate,
        place=str(found.chosen.place or "—"), what=causes, message=message or "—",
    )  # fmt: skip
    detail: dict[str, object] = {
        "region": asked.region.full_name,
        "rate": rate,
        "causes": [f"{label} {n}" for label, n in causes],
        "text": message,
    }
    detail |= {"year": asked.year} if asked.year else {}
    detail |= {"of_kind": asked.kind} if asked.kind else {}
    audit.record(
        session, Act.NOTICE, register=asked.register.name, path=asked.region.path, detail=detail
    )


__all__ = ["LONGEST", "may_urge", "urge"]
