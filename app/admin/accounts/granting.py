"""依申请开通: a manager grants a right for a time, and takes it back (spec 01 §Users "on grant")."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.access import policy
from app.access.account import Account
from app.access.accounts import managing
from app.access.actor import Actor, Capability, RegisterAccess
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level, Region, in_subtree
from app.access.entry import ENTRIES
from app.access.grant import Grant
from app.admin.accounts.changing import SUBJECT, invalid_text, managed_account, subject_of, too_long
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.core.types import nfc
from app.kernel.declare.rules import Problem
from app.kernel.households.audit_words import register_title

LONGEST_GRANT = dt.timedelta(days=366)
MOST_COUNTIES, REASON_LENGTH = 60, 200


@dataclass(frozen=True)
class Offer:
    """What may be granted: a capability, in ``register`` alone or, where that is None, in all registers that
    do not say themselves who enters.
    """

    capability: Capability
    register: str | None = None

    @property
    def code(self) -> str:
        """As forms say it."""
        return f"{self.capability.value}:{self.register or ''}"

    @property
    def label(self) -> str:
        """In the user's language."""
        if self.register is not None:
            return _("%(right)s（%(what)s）", right=self.capability.label,
                     what=register_title(self.register))  # fmt: skip
        if self.capability != Capability.ENTER or not ENTRIES:
            return self.capability.label
        others = _("、").join(register_title(name) for name in sorted(ENTRIES))
        return _("%(right)s（%(what)s除外）", right=self.capability.label, what=others)


def grantable(actor: Actor, account: Account) -> list[Offer]:
    """What the actor may grant the account for a time."""
    if not managing.manages(actor, account):
        return []
    key = Level(account.level), account.kind
    most = policy.on_grant(*key)
    named = [Offer(Capability.ENTER, name) for name in sorted(most.entered)]
    return [*(Offer(capability) for capability in sorted(most.usual)), *named]


def offered(code: str) -> Offer | None:
    """What a form means by ``code``, offered or not; None: nothing of that name."""
    name, _colon, register = code.partition(":")
    known = {capability.value: capability for capability in Capability}
    return Offer(known[name], register or None) if name in known else None


def grant(
    account_id: uuid.UUID,
    what: Offer,
    region_ids: Sequence[int],
    ends_on: dt.date | None,
    reason: str,
) -> list[Grant]:
    """Give a right until the end of ``ends_on``, to a city manager for named counties.

    :raises Invalid: with every problem of the form.
    """
    account = managed_account(account_id)
    actor = policy.require(Capability.MANAGE_USERS)
    if what not in grantable(actor, account):
        raise Forbidden(_("该账号不能开通这项权限。"))
    reason = nfc(reason)
    regions = _granted_regions(account, region_ids)
    problems = [*_closed(account, what), *_grant_problems(ends_on, reason)]
    if not regions:
        text = _("请选择区县，须在该账号所属地区内，一次最多 %(n)s 个。", n=MOST_COUNTIES)
        problems.append(Problem("counties", "counties.area", text))
    if problems or ends_on is None:
        raise Invalid(invalid_text(problems), problems)
    made = [
        Grant(
            account_id=account.id,
            capability=what.capability,
            register=what.register,
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
        "granted": what.capability.zh,
        **_about(what.register),
        "regions": [region.full_name for region in regions],
        "ends_on": ends_on.isoformat(),
        "reason": reason,
    }
    audit.record(
        db.session, Act.PERMISSION, register=SUBJECT, row=subject_of(account), detail=detail
    )
    return made


def _closed(account: Account, what: Offer) -> list[Problem]:
    """A grant opens no register that the account's own list closes: nobody shall believe that it did."""
    held = account.registers
    if what.register is None or held is None or held.get(what.register) == RegisterAccess.ENTER:
        return []
    text = _(
        "该账号的可用模块中没有可录入的“%(what)s”，请先修改该账号。",
        what=register_title(what.register),
    )
    return [Problem("capability", "capability.closed", text)]


def _about(register: str | None) -> dict[str, str]:
    """What the audit log keeps of the register of a grant."""
    return {"register": register} if register else {}


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
        **_about(grant.register),
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
