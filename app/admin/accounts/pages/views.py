"""用户管理 and 录入人台账: lists, one account, what its manager does to it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, jsonify, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.account import Account
from app.access.accounts import allowances, managing, unusual
from app.access.accounts import listing as accounts_read
from app.access.accounts import names as account_names
from app.access.accounts.managing import Role
from app.access.actor import SYSTEM, Actor, Capability
from app.access.divisions.regions import Level, Region
from app.admin.accounts import changing as accounts
from app.admin.accounts import exporting as account_list
from app.admin.accounts import granting
from app.admin.accounts import roles as account_roles
from app.admin.accounts.changing import Details
from app.admin.accounts.exporting import RECORDERS, USERS, role_of
from app.admin.accounts.pages import forms as account_forms
from app.admin.accounts.pages import lists as account_lists
from app.admin.accounts.pages import parts as account_parts
from app.core.db import db
from app.core.errors import AnjuError, BadInput, Conflict, Invalid
from app.core.i18n import _, lazy, translate
from app.core.transactions import transaction
from app.kernel.declare.rules import Problem
from app.web.exchange import export_form
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once

BASE = "/accounts"
_SAID = {
    "deactivate": lazy("已注销，该账号立即不能使用。"),
    "reactivate": lazy("已恢复正常。"),
    "delete": lazy("已删除。"),
}


class AccountsView(BaseView):
    """``/accounts``: whom a manager sees and what it may do to them."""

    route_base = BASE
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @takes(*account_list.FILTERS)
    @permission_name(Capability.MANAGE_USERS)
    def index(self) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        context = account_lists.context(USERS, actor, request.args)
        shell.keep_list()
        return self.render_template("lists/list.html", ledger=context)

    # ---- a new one --------------------------------------------------------------------------
    @expose("/new", methods=["GET", "POST"])
    @takes("role", "region")
    @permission_name(Capability.MANAGE_USERS)
    def new(self) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        roles = managing.creates(actor)
        role = account_forms.role_named(request.args.get("role", ""), roles)
        if role is None:
            if request.args.get("role") or not roles:
                raise BadInput(_("请选择要新增的用户角色。"))
            role = roles[0]
        problems: list[Problem] = []
        if request.method == "POST":
            region_id = _region_id(actor, role)  # known before: no lock while a password is hashed
            login, typed = request.form.get("login", ""), account_forms.details(request.form, *role)
            try:
                with once() as click:
                    account, password = accounts.create(*role, region_id, login, typed)
                    text = _("用户已创建。初始密码只显示一次，没有记下的请重置密码。")
                    click.leads_to(f"{BASE}/{account.uuid}", text, "info")  # where it comes again
            except Invalid as error:
                problems = error.problems
            else:
                return self._password_page(account, password, created=True)
        return self._new_page(actor, role, problems)

    def _new_page(self, actor: Actor, role: Role, problems: list[Problem]) -> Any:
        region, fixed = _chosen_region(actor, role)
        shown = account_forms.details(request.form, *role)
        typed = request.form.get("login", "")
        suggestion = _suggestion(region, role) if region else ""
        title = _("新增用户")
        page = {
            "title": title,
            "action_url": f"{BASE}/new?role={account_forms.role_key(role)}",
            "tabs": _role_tabs(managing.creates(actor), role, f"{BASE}/new"),
            "allowances": _allowances(region, role) if region else [],
            "fields": [
                account_forms.region_field(role, region, problems, fixed=fixed),
                account_forms.login_field(typed, suggestion, problems),
                *account_forms.fields(role, shown, problems),
            ],
            "suggest_url": f"{BASE}/suggest?role={account_forms.role_key(role)}",
            "problems": problems,
            "save": _("创建用户"),
            "back_url": shell.list_url(f"{BASE}/"),
        }
        shell.crumb(title)
        rendered = self.render_template("accounts/account_form.html", page=page)
        return (rendered, 422) if problems else rendered

    @expose("/suggest")
    @takes("role", "region")
    @permission_name(Capability.MANAGE_USERS)
    def suggest(self) -> Any:
        """The account name that a division's next account of a role would get, and what is left."""
        actor = policy.require(Capability.MANAGE_USERS)
        role = account_forms.role_named(request.args.get("role", ""), managing.creates(actor))
        region = _region(request.args.get("region", ""))
        if role is None or region is None or not managing.may_create(actor, role, region):
            return jsonify(login="", allowances=[])
        return jsonify(login=_suggestion(region, role), allowances=_allowances(region, role))

    # ---- one --------------------------------------------------------------------------------
    @expose("/<uuid:account_id>", methods=["GET", "POST"])
    @permission_name(Capability.MANAGE_USERS)
    def show(self, account_id: uuid.UUID) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        account = accounts.get(account_id)
        if request.method == "GET":
            return self._show_page(actor, account, accounts.details_of(account), [])
        role = (Level(account.level), account.kind)
        typed = account_forms.details(request.form, *role)
        problems: list[Problem] = []
        try:
            with once() as click:
                accounts.change(account_id, typed, request.form.get("seen", ""))
                click.leads_to(f"{BASE}/{account_id}", _("已保存。"))
        except Invalid as error:
            problems = error.problems
        except Conflict as error:
            problems = [Problem("", "version", error.message)]
        else:
            return click.answer()
        return self._show_page(actor, accounts.get(account_id), typed, problems)

    def _show_page(
        self,
        actor: Actor,
        account: Account,
        shown: Details,
        problems: list[Problem],
        grant: dict[str, Any] | None = None,
    ) -> Any:
        role = (Level(account.level), account.kind)
        managed = managing.manages(actor, account)
        url = f"{BASE}/{account.uuid}"
        page = {
            "title": account.first_name,
            "state": {
                "text": accounts_read.state_of(account).label,
                "tone": account_lists.state_tone(account),
            },
            "locked": unusual.reason_of(account) if account.active else "",
            "facts": account_parts.facts(account, managed=managed),
            "own": account.uuid == actor.account_id,
            "managed": managed,
            "action_url": url,
            "seen": accounts.fingerprint(account),
            "fields": account_forms.fields(role, shown, problems) if managed else [],
            "problems": problems,
            "steps": account_parts.steps(actor, account, url, managed=managed),
            "grants": account_parts.grants(account, url, managed=managed),
            "grant_form": account_parts.grant_form(actor, account, url, grant),
            "history": account_parts.history(account),
        }
        shell.crumb(account.first_name)
        rendered = self.render_template("accounts/account_page.html", page=page)
        return (rendered, 422) if problems or (grant and grant["problems"]) else rendered

    @expose("/<uuid:account_id>/role", methods=["GET", "POST"])
    @takes("role")
    @permission_name(Capability.MANAGE_USERS)
    def role(self, account_id: uuid.UUID) -> Any:
        """Another role or division for the account."""
        actor = policy.require(Capability.MANAGE_USERS)
        account = accounts.managed_account(account_id, lock=False)
        roles = managing.creates(actor)
        now = (Level(account.level), account.kind)
        role = account_forms.role_named(request.args.get("role", ""), roles) or now
        problems: list[Problem] = []
        if request.method == "POST":
            region_id, seen = _region_id(actor, role), request.form.get("seen", "")
            try:
                with once() as click:
                    account_roles.change_role(account_id, role, region_id, seen)
                    text = _("已调整，该账号立即按新的角色和地区使用。")
                    click.leads_to(f"{BASE}/{account_id}", text)
            except Invalid as error:
                problems = error.problems
            except Conflict as error:
                problems = [Problem("", "version", error.message)]
            else:
                return click.answer()
            account = accounts.get(account_id)
        return self._role_page(actor, account, role, problems)

    def _role_page(
        self, actor: Actor, account: Account, role: Role, problems: list[Problem]
    ) -> Any:
        region, fixed = _chosen_region(actor, role)
        if region is None and request.method == "GET" and role[0] == account.level:
            region = account.region
        url = f"{BASE}/{account.uuid}"
        title = _("调整角色和地区")
        page = {
            "title": _("%(name)s：调整角色和地区", name=account.first_name),
            "intro": _("账号和密码不变；不适用于新角色的职责和临时授权一并收回。"),
            "action_url": f"{url}/role?role={account_forms.role_key(role)}",
            "tabs": _role_tabs(managing.creates(actor), role, f"{url}/role"),
            "allowances": _allowances(region, role) if region else [],
            "fields": [account_forms.region_field(role, region, problems, fixed=fixed)],
            "seen": accounts.fingerprint(account),
            "suggest_url": "",
            "problems": problems,
            "save": _("保存"),
            "back_url": url,
        }
        shell.crumb(account.first_name, url)
        shell.crumb(title)
        rendered = self.render_template("accounts/account_form.html", page=page)
        return (rendered, 422) if problems else rendered

    @expose("/<uuid:account_id>/reset", methods=["POST"])
    @permission_name(Capability.MANAGE_USERS)
    def reset(self, account_id: uuid.UUID) -> Any:
        with transaction():
            account, password = accounts.reset_password(account_id)
        return self._password_page(account, password, created=False)

    def _password_page(self, account: Account, password: str, *, created: bool) -> Any:
        """The only time that a first password is seen."""
        region = db.session.get(Region, account.region_id)
        title = _("用户已创建") if created else _("密码已重置")
        page = {
            "title": title,
            "login": account.username,
            "password": password,
            "facts": [
                {"label": _("用户名称"), "text": account.first_name},
                {"label": _("所属地区"), "text": region.full_name if region else ""},
                {"label": _("用户角色"), "text": role_of(account)},
            ],
            "url": f"{BASE}/{account.uuid}",
            "again_url": f"{BASE}/new",
            "back_url": shell.list_url(f"{BASE}/"),
        }
        shell.crumb(title)
        return self.render_template("accounts/account_password.html", page=page)

    @expose("/<uuid:account_id>/deactivate", methods=["POST"])
    @permission_name(Capability.MANAGE_USERS)
    def deactivate(self, account_id: uuid.UUID) -> Any:
        with transaction():
            accounts.deactivate(account_id)
        return _done("deactivate", f"{BASE}/{account_id}")

    @expose("/<uuid:account_id>/reactivate", methods=["POST"])
    @permission_name(Capability.MANAGE_USERS)
    def reactivate(self, account_id: uuid.UUID) -> Any:
        try:
            with transaction():
                accounts.reactivate(account_id)
        except allowances.AllowanceFull as error:
            return _refused(error, f"{BASE}/{account_id}")
        return _done("reactivate", f"{BASE}/{account_id}")

    @expose("/<uuid:account_id>/delete", methods=["POST"])
    @permission_name(Capability.MANAGE_USERS)
    def delete(self, account_id: uuid.UUID) -> Any:
        try:
            with transaction():
                accounts.delete(account_id)
        except Conflict as error:
            return _refused(error, f"{BASE}/{account_id}")
        return _done("delete", shell.list_url(f"{BASE}/"))

    # ---- grants -----------------------------------------------------------------------------
    @expose("/<uuid:account_id>/grant", methods=["POST"])
    @permission_name(Capability.MANAGE_USERS)
    def grant(self, account_id: uuid.UUID) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        account = accounts.get(account_id)
        form = request.form
        what = granting.offered(form.get("capability", ""))
        if what is None:
            raise BadInput(_("请选择要开通的权限。"))
        try:
            with once() as click:
                granting.grant(
                    account_id,
                    what,
                    [int(v) for v in form.getlist("counties") if v.isdecimal() and len(v) < 10],
                    account_forms.day(form.get("ends_on", "")),
                    form.get("reason", ""),
                )
                click.leads_to(f"{BASE}/{account_id}", _("已开通，到期自动失效。"))
        except Invalid as error:
            typed = {
                "capability": what.code,
                "counties": form.getlist("counties"),
                "ends_on": form.get("ends_on", ""),
                "reason": form.get("reason", ""),
                "problems": error.problems,
            }
            account = accounts.get(account_id)
            return self._show_page(actor, account, accounts.details_of(account), [], typed)
        return click.answer()

    @expose("/<uuid:account_id>/grants/<uuid:grant_id>/revoke", methods=["POST"])
    @permission_name(Capability.MANAGE_USERS)
    def revoke(self, account_id: uuid.UUID, grant_id: uuid.UUID) -> Any:
        with transaction():
            granting.revoke(account_id, grant_id)
        flash(_("已收回。"), "success")
        return redirect(f"{BASE}/{account_id}")

    # ---- Excel ------------------------------------------------------------------------------
    @expose("/export", methods=["GET", "POST"])
    @takes(*account_list.FILTERS)
    @permission_name(Capability.MANAGE_USERS)
    def export(self) -> Any:
        return export_page(self, USERS, f"{BASE}/")


class RecordersView(BaseView):
    """``/recorders``: 录入人台账 (2020 manual §五)."""

    route_base = "/recorders"
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @takes(*account_list.FILTERS)
    @permission_name(Capability.MANAGE_USERS)
    def index(self) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        context = account_lists.context(RECORDERS, actor, request.args)
        shell.keep_list()
        return self.render_template("lists/list.html", ledger=context)

    @expose("/export", methods=["GET", "POST"])
    @takes(*account_list.FILTERS)
    @permission_name(Capability.MANAGE_USERS)
    def export(self) -> Any:
        return export_page(self, RECORDERS, "/recorders/")


#: What most exports of accounts are for; the reason may also be typed.
_REASONS = (lazy("账号清理"), lazy("上级要求报送"), lazy("工作联系"))


def export_page(view: BaseView, what: str, back: str) -> Any:
    """What will be exported and why; then into the background."""
    policy.require(Capability.EXPORT)
    actor = policy.require(Capability.MANAGE_USERS)
    args = {k: v for k, v in request.args.items() if k in account_list.FILTERS and v}
    query = account_list.parse(args, actor)
    title = _("导出%(what)s", what=translate(account_list.TITLES[what]))

    def start(reason: str) -> Any:
        rows = accounts_read.count(db.session, actor, query)
        return export_form.in_background(lambda: account_list.start(what, args, reason, rows))

    def told() -> dict[str, Any]:
        return {
            "title": title,
            "count": f"{accounts_read.count(db.session, actor, query):,}",
            "count_label": _("用户数"),
            "warning": export_form.phones_warning(),
            "area": query.region.full_name if query.region else None,
            "filters": [],
            "back_url": back,
        }

    shell.crumb(title)
    return export_form.ask(view, _REASONS, start, told)


# ---- what the pages are made of ------------------------------------------------------------


def _role_tabs(roles: tuple[Role, ...], here: Role, url: str) -> list[dict[str, Any]]:
    return [
        {
            "label": account_forms.role_label(one),
            "url": f"{url}?role={account_forms.role_key(one)}",
            "active": one == here,
        }
        for one in roles
    ]


def _done(what: str, url: str) -> Any:
    flash(str(_SAID[what]), "success")
    return redirect(url)


def _refused(error: AnjuError, url: str) -> Any:
    flash(error.message, "danger")
    return redirect(url)


def _region(text: str) -> Region | None:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return None
    return db.session.get(Region, int(text))


def _chosen_region(actor: Actor, role: Role) -> tuple[Region | None, bool]:
    """The division of the form, and whether it can be no other than the manager's own."""
    if role[0] == actor.level:
        return db.session.get(Region, actor.region_id), True
    region = _region(request.form.get("region", "") or request.args.get("region", ""))
    if region is not None and not managing.may_create(actor, role, region):
        return None, False  # a foreign one's name is not shown
    return region, False


def _region_id(actor: Actor, role: Role) -> int | None:
    if role[0] == actor.level:
        return actor.region_id
    region = _region(request.form.get("region", ""))
    return region.id if region else None


def _suggestion(region: Region, role: Role) -> str:
    return account_names.suggest(db.session, [region], role[1]).get(region.id, "")


def _allowances(region: Region, role: Role) -> list[str]:
    return [
        _("%(what)s：已有 %(used)s 个，最多 %(most)s 个", what=a.what, used=a.used, most=a.most)
        for a in allowances.allowances(db.session, *role, region)
    ]
