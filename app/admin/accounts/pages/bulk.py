"""``/accounts/bulk``: one account for each town or village of the county, with a paper of passwords."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.accounts import managing
from app.access.actor import SYSTEM, Capability
from app.admin.accounts import bulk as account_bulk
from app.admin.accounts import bulk_job as job_of
from app.admin.accounts.pages import forms as account_forms
from app.core.db import db
from app.core.errors import AnjuError, BadInput, Conflict, Forbidden
from app.core.i18n import _
from app.web.frame import shell
from app.web.frame.clicks import once


class AccountBulkView(BaseView):
    """What would be created, and the button."""

    route_base = "/accounts/bulk"
    class_permission_name = SYSTEM
    default_view = "page"

    @expose("/", methods=["GET", "POST"])
    @permission_name(Capability.MANAGE_USERS)
    def page(self) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        roles = tuple(role for role in account_bulk.ROLES if role in managing.creates(actor))
        if not roles:
            raise Forbidden(_("批量创建由县级管理用户使用。"))
        errors = []
        if request.method == "POST":
            try:
                with once() as click:
                    job = job_of.start(_role(roles))
                    text = _("已开始创建：%(what)s。完成后在这里下载初始密码表。", what=job.subject)
                    click.leads_to("/exchange/jobs", text)
            except (BadInput, Conflict) as error:
                errors.append(error.message)
            else:
                return click.answer()
        title = _("批量创建用户")
        shell.crumb(title)
        page = {
            "title": title,
            "intro": _("为本县每个乡镇或每个村各创建一个账号，已有的不重复创建。"),
            "action_url": "/accounts/bulk/",
            "choices": [_choice(role) for role in roles],
            "errors": errors,
            "hints": [
                _("账号为12位行政区划代码加两位序号，名称为该地区名称，可逐个修改。"),
                _("初始密码只在生成的PDF里，由您打印、裁开、当面发放。"),
            ],
            "back_url": shell.list_url("/accounts/"),
        }
        rendered = self.render_template("accounts/account_bulk.html", page=page)
        return (rendered, 422) if errors else rendered


def _role(roles: tuple[managing.Role, ...]) -> managing.Role:
    role = account_forms.role_named(request.form.get("role", ""), roles)
    if role is None:
        raise BadInput(_("请选择要创建的用户。"))
    return role


def _choice(role: managing.Role) -> dict[str, Any]:
    key = account_forms.role_key(role)
    checked = request.form.get("role") == key
    base = {"value": key, "label": account_forms.role_label(role), "checked": checked}
    try:
        planned = account_bulk.plan(db.session, role)
    except AnjuError as error:
        return base | {"problem": error.message, "wanted": 0, "have": 0}
    return base | {"wanted": len(planned.regions), "have": planned.have}
