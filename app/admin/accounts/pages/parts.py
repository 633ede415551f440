"""What the page of one account is made of: its facts, buttons, grants, history."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select

from app.access.account import Account
from app.access.accounts import managing
from app.access.actor import Actor
from app.access.audit.log import AuditEntry
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.admin.accounts import changing as accounts
from app.admin.accounts import granting
from app.admin.accounts.exporting import department_of, role_of
from app.core.clock import to_minute, today
from app.core.db import db
from app.core.i18n import _
from app.kernel.households import audit_words
from app.kernel.kinds import formats

_HISTORY = 10


def facts(account: Account, *, managed: bool) -> list[dict[str, Any]]:
    """Who it is; for those who only look, also what the form would show, phone masked."""
    duties = _("、").join(duty.label for duty in accounts.duties_of(account))
    at = account.last_login
    login = to_minute(at.replace(tzinfo=dt.UTC)) if at else _("从未登录")
    found = [
        {"label": _("账号"), "text": account.username, "kind": "id"},
        {"label": _("所属地区"), "text": account.region.full_name},
        {"label": _("用户角色"), "text": role_of(account)},
        {"label": _("职责"), "text": duties},
        {"label": _("最近登录"), "text": login},
    ]
    if not managed:
        found += [
            {"label": _("联系电话"), "text": formats.mask_phone(account.phone), "kind": "id"},
            {"label": _("所属部门"), "text": department_of(account)},
            {"label": _("录入人"), "text": account.entry_person},
            {"label": _("审核责任人"), "text": account.review_person},
        ]
    return found


def steps(actor: Actor, account: Account, url: str, *, managed: bool) -> list[dict[str, Any]]:
    """The buttons beside the form, by word."""
    found: list[dict[str, Any]] = []
    if managing.may_reset(actor, account):
        text = _("重置后，%(name)s 现在的密码立即失效。确定重置吗？", name=account.username)
        found.append(
            {"label": _("重置密码"), "url": f"{url}/reset", "confirm": text, "icon": "key"}
        )
    if managed and account.active:
        text = _("注销后，%(name)s 立即不能登录，以后可以恢复。确定注销吗？", name=account.username)
        found.append({"label": _("注销"), "url": f"{url}/deactivate", "confirm": text})
    elif managed:
        found.append({"label": _("恢复正常"), "url": f"{url}/reactivate"})
    if managed and not accounts.has_worked(account):
        text = _("删除后不能恢复。确定删除 %(name)s 吗？", name=account.username)
        found.append({"label": _("删除"), "url": f"{url}/delete", "confirm": text, "danger": True})
    found = [step | {"post": True} for step in found]
    if managed:
        found.append({"label": _("调整角色和地区"), "url": f"{url}/role"})
    if managed and account.active:
        found.append({"label": _("新建接口令牌"), "url": f"/tokens/new?account={account.uuid}"})
    return found


def grants(account: Account, url: str, *, managed: bool) -> list[dict[str, Any]]:
    """What was granted for a time, ended grants too."""
    return [
        {
            "what": granting.Offer(one.capability, one.register).label,
            "region": one.region.full_name,
            "ends_on": one.ends_on.isoformat(),
            "reason": one.reason,
            "by": one.granted_by_name or "",
            "state": _grant_state(one),
            "revoke_url": f"{url}/grants/{one.id}/revoke" if managed and one.open else None,
        }
        for one in granting.grants_of(account)
    ]


def _grant_state(one: Any) -> dict[str, str]:
    if one.open:
        return {"text": _("有效"), "tone": "good"}
    return {"text": _("已收回") if one.revoked_at else _("已到期"), "tone": "neutral"}


def grant_form(
    actor: Actor, account: Account, url: str, typed: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The form of a new grant, with what was ``typed``; None where nothing can be granted."""
    offered = granting.grantable(actor, account)
    if not offered or not account.active:
        return None
    typed = typed or {"problems": []}
    errors: dict[str, list[str]] = {}
    for problem in typed["problems"]:
        errors.setdefault(problem.field, []).append(problem.message)
    choices = [{"value": one.code, "label": one.label} for one in offered]
    fields: list[dict[str, Any]] = [
        {
            "name": "capability", "label": _("权限"), "kind": "choice", "wide": True,
            "options": choices, "value": typed.get("capability", choices[0]["value"]),
            "errors": errors.get("capability"),
        }
    ]  # fmt: skip
    if account.level < Level.COUNTY:
        options = [{"value": str(r.id), "label": r.name} for r in _counties(account)]
        fields.append(
            {
                "name": "counties", "label": _("区县"), "kind": "many", "options": options,
                "value": typed.get("counties", []), "errors": errors.get("counties"),
            }
        )  # fmt: skip
    last = today() + granting.LONGEST_GRANT
    fields += [
        {
            "name": "ends_on", "label": _("截止日期"), "kind": "date", "required": True,
            "value": typed.get("ends_on"), "errors": errors.get("ends_on"),
            "min": today().isoformat(), "max": last.isoformat(),
            "help": _("当天仍有效，过后自动失效"),
        },
        {
            "name": "reason", "label": _("开通原因"), "kind": "text", "required": True,
            "value": typed.get("reason"), "errors": errors.get("reason"), "length": 200,
        },
    ]  # fmt: skip
    return {"action_url": f"{url}/grant", "fields": fields}


def _counties(account: Account) -> list[Region]:
    return [r for r in regions.children(account.region) if r.level == Level.COUNTY]


def history(account: Account) -> list[dict[str, str]]:
    """The last changes of the account, each with its entry in the audit log."""
    query = select(AuditEntry).where(AuditEntry.record_id == account.uuid)
    return [
        {
            "time": to_minute(entry.at),
            "what": entry.act.label,
            "text": audit_words.summary(entry),
            "who": entry.account_name or "",
            "url": f"/audit/{entry.id}",
        }
        for entry in db.session.scalars(query.order_by(AuditEntry.at.desc()).limit(_HISTORY))
    ]
