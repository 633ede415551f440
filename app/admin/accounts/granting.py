"""依申请开通: a manager grants a right for a time, and takes it back (spec 01 §Users "on grant")."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.access import policy
from app.access.account import Account
from app.access.accounts import managing
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level, Region, in_subtree
from app.access.grant import Grant
from app.access.policy import GRANTABLE
from app.admin.accounts.changing import SUBJECT, invalid_text, managed_account, subject_of, too_long
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.core.types import nfc
from app.kernel.declare.rules import Problem

LONGEST_GRANT = dt.timedelta(days=366)
MOST_COUNTIES, REASON_LENGTH = 60, 200


def grantable(actor: Actor, account: Account) -> list[Capability]:
    """What the actor may grant the account for a time."""
    if not managing.manages(actor, account):
        return []
    return sorted(GRANTABLE.get((Level(account.level), account.kind), ()))


def grant(
    account_id: uuid.UUID,
    capability: Capability,
    region_ids: Sequence[int],
    ends_on: dt.date | None,
    reason: str,
) -> list[Grant]:
    """Give a right until the end of ``ends_on``, to a city manager for named counties.

    :raises Invalid: with every problem of the form.
    """
    account = managed_account(account_id)
    actor = policy.require(Capability.MANAGE_USERS)
    if capability not in grantable(actor, account):
        raise Forbidden(_("该账号不能开通这项权限。"))
    reason = nfc(reason)
    regions = _granted_regions(account, region_ids)
    problems = [*_grant_problems(ends_on, reason)]
    if not regions:
        text = _("请选择区县，须在该账号所属地区内，一次最多 %(n)s 个。", n=MOST_COUNTIES)
        problems.append(Problem("counties", "counties.area", text))
    if problems or ends_on is None:
        raise Invalid(invalid_text(problems), problems)
    made = [
        Grant(
            account_id=account.id,
            capability=capability,
            region_id=region.id,
            ends_on=ends_on,
            reason=reason,
            granted_by=actor.account_id,
            granted_by_name=f"{actor.login} {actor.name}"[:128],
        )
        for region in regions
    ]
    db.session.add_all(made)
    detail = {
        "account": account.username,
        "granted": capability.zh,
        "regions": [region.full_name for region in regions],
        "ends_on": ends_on.isoformat(),
        "reason": reason,
    }
    audit.record(
        db.session, Act.PERMISSION, register=SUBJECT, row=subject_of(account), detail=detail
    )
    return made


def revoke(account_id: uuid.UUID, grant_id: uuid.UUID) -> None:
    """End a grant before its day."""
    account = managed_account(account_id)
    found = db.session.scalar(
        select(Grant)
        .where(Grant.id == grant_id, Grant.account_id == account.id)
        .options(joinedload(Grant.region))
    )
    if found is None:
        raise NotFound(_("没有找到这项授权。"))
    end(account, found)


def end(account: Account, grant: Grant) -> None:
    """End it now, if it has not ended; the caller has asked."""
    if not grant.open:
        return
    grant.revoked_at = now()
    detail = {
        "account": account.username,
        "revoked": grant.capability.zh,
        "regions": [grant.region.full_name],
        "ends_on": grant.ends_on.isoformat(),
    }
    audit.record(
        db.session, Act.PERMISSION, register=SUBJECT, row=subject_of(account), detail=detail
    )


def grants_of(account: Account) -> Sequence[Grant]:
    """The account's grants, ended ones too, the latest first; at most a hundred."""
    query = select(Grant).where(Grant.account_id == account.id).options(joinedload(Grant.region))
    return db.session.scalars(query.order_by(Grant.granted_at.desc(), Grant.id).limit(100)).all()


def _granted_regions(account: Account, region_ids: Sequence[int]) -> list[Region]:
    """The divisions of a grant: named counties of a city, else the account's own division."""
    path = account.path or ""
    if account.level >= Level.COUNTY:
        return [account.region]
    wanted = sorted(set(region_ids))[: MOST_COUNTIES + 1]
    query = select(Region).where(
        Region.id.in_(wanted),
        Region.level == Level.COUNTY,
        in_subtree(Region.path, path),
        ~Region.structural,
    )
    found = list(db.session.scalars(query.order_by(Region.path)))
    return found if len(found) == len(wanted) <= MOST_COUNTIES else []


def _grant_problems(ends_on: dt.date | None, reason: str) -> list[Problem]:
    problems = []
    if ends_on is None or not today() <= ends_on <= today() + LONGEST_GRANT:
        text = _("请填写截止日期：今天或以后，最长一年。")
        problems.append(Problem("ends_on", "ends_on.range", text))
    if not reason:
        problems.append(Problem("reason", "reason.required", _("请填写开通原因。")))
    elif len(reason) > REASON_LENGTH:
        problems.append(Problem("reason", "reason.length", too_long(REASON_LENGTH, reason)))
    return problems
