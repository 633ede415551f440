"""An account's role and division, changed after it was made (2024 manual 用户管理: 用户角色, 属地).

People change their office more often than their name. Only the manager of the account may do it, to
a role and place that it could as well create; the account keeps its name, password and log.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from app.access import policy
from app.access.account import Account
from app.access.accounts import allowances, managing
from app.access.accounts.allowances import AllowanceFull
from app.access.accounts.managing import Role
from app.access.actor import Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level, Region
from app.access.policy import role_name
from app.admin.accounts import changing as accounts
from app.admin.accounts import granting
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.i18n import _
from app.kernel.declare.rules import Problem


def change_role(account_id: uuid.UUID, role: Role, region_id: int | None, seen: str) -> Account:
    """Another role or division; ``seen`` is the form's :func:`accounts.fingerprint`.

    Duties that do not go with the new role are taken back, grants for a time end.

    :raises Invalid: with every problem of the form. :raises Conflict: it was changed meanwhile.
    """
    actor = policy.require(Capability.MANAGE_USERS)
    allowances.lock(db.session, actor.region_id)
    account = accounts.managed_account(account_id)
    if role not in managing.creates(actor):
        raise Forbidden(_("您的账号不能创建这种用户。"))
    region = db.session.get(Region, region_id) if region_id is not None else None
    problems = accounts.place_problems(actor, *role, region)
    if problems or region is None:
        raise Invalid(accounts.invalid_text(problems), problems)
    if accounts.fingerprint(account) != seen:
        raise Conflict(_("该用户的信息刚被修改，请核对后再保存。"), row=account)
    if (Level(account.level), account.kind, account.region_id) == (*role, region.id):
        return account
    if account.active:
        try:
            allowances.require_room(db.session, *role, region, but=account.id)
        except AllowanceFull as error:
            problem = Problem("region", "region.allowance", error.message)
            raise Invalid(error.message, [problem]) from None
    before = _told(account, account.region)
    for grant in granting.grants_of(account):
        granting.end(account, grant)
    account.level, account.kind = int(role[0]), role[1]
    account.region_id, account.path = region.id, region.path
    details = accounts.details_of(account)
    fitting = {*managing.duties_to_choose(*role), *managing.duties_of(*role)}
    limited = managing.has_register_list(*role)
    details = replace(
        details,
        duties=details.duties & fitting,
        registers=details.registers if limited else None,
    )
    accounts.assign(db.session, account, details)
    after = _told(account, region)
    changes = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
    audit.record(
        db.session, Act.PERMISSION, register=accounts.SUBJECT, row=accounts.subject_of(account),
        detail={"account": account.username, "changes": changes},
    )  # fmt: skip
    return account


def _told(account: Account, region: Region) -> dict[str, object]:
    """What the audit log keeps of it."""
    return {
        "role": role_name(Level(account.level), account.kind),
        "region": region.full_name,
        "duties": [duty.zh for duty in accounts.duties_of(account)],
        "registers": dict(account.registers) if account.registers is not None else None,
    }
