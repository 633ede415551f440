"""我的账号: own details, password, open sessions."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from flask import current_app, flash, jsonify, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_login import current_user, login_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from app.access import session as sessions
from app.access.account import Account
from app.access.accounts import passwords, tokens
from app.access.accounts import sign_in as signin
from app.access.actor import SYSTEM, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level, Region
from app.access.scope import current_actor
from app.admin.accounts import changing as accounts
from app.admin.accounts.exporting import department_of
from app.admin.accounts.pages import forms as account_forms
from app.admin.accounts.pages import tokens as token_views
from app.admin.accounts.pages.devices import shown
from app.core.clock import to_minute
from app.core.db import db
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.transactions import transaction
from app.web.frame import shell


class AccountView(BaseView):
    """我的账号: own details and password."""

    route_base = "/account"
    default_view = "own"

    @expose("/", methods=["GET", "POST"])
    def own(self) -> Any:
        account: Account = current_user._get_current_object()
        db.session.refresh(account)  # whole: what every page reads of it is less
        typed = accounts.details_of(account)
        errors: dict[str, list[str]] = {}
        if request.method == "POST":
            typed = account_forms.details(request.form, Level(account.level), account.kind)
            try:
                with transaction():
                    accounts.change_own(account, typed)
            except Invalid as error:
                errors = {p.field: [p.message] for p in error.problems}
            else:
                flash(_("个人信息已保存。"), "success")
                return redirect(url_for("AccountView.own"))
        shell.crumb(_("我的账号"))
        return self.render_template(
            "accounts/account.html",
            account={
                "name": typed.name,
                "phone": typed.phone,
                "entry_person": typed.entry_person,
                "review_person": typed.review_person,
                "facts": _facts(account),
            },
            errors=errors,
            action_url=url_for("AccountView.own"),
            password_url=url_for("AccountView.password"),
            logins=_logins(account),
            sessions=_sessions(account),
            tokens=_tokens(account),
            end_url=url_for("AccountView.end"),
        ), 422 if errors else 200

    @expose("/sessions/end", methods=["POST"])
    def end(self) -> Any:
        """End one session of one's own (``session`` is its key), or with none all others."""
        account: Account = current_user
        here: uuid.UUID = account.opened.id
        wanted = request.form.get("session", "")
        only = _key(wanted)
        if wanted and only in (None, here):
            flash(_("该登录已经结束。"), "info")
            return redirect(url_for("AccountView.own"))
        with transaction():
            ended = sessions.end(account.id, only=only, but=here)
            if ended:
                audit.record(db.session, Act.SESSION, detail={"ended": ended})
        flash(_("已退出其他%(n)s处登录。", n=ended) if ended else _("没有其他登录。"), "success")
        return redirect(url_for("AccountView.own"))

    @expose("/alive")
    def alive(self) -> Any:
        """For a page that is about to send a form: is its account still signed in? (401 if not)"""
        return jsonify(csrf_token=generate_csrf())

    @expose("/password", methods=["GET", "POST"])
    def password(self) -> Any:
        account: Account = current_user
        forced, errors = account.must_change_password, {}
        if request.method == "POST":
            errors = _password_problems(account)
            if not errors:
                method = current_app.config.get("FAB_PASSWORD_HASH_METHOD", "scrypt")
                secret = generate_password_hash(request.form["new_password"], method=method)
                with transaction():
                    account.password = secret
                    account.must_change_password = False
                    audit.record(db.session, Act.PASSWORD, detail={"account": account.username})
                    sessions.end(account.id, but=account.opened.id)
                login_user(account._get_current_object())  # this session goes with the new one
                flash(_("密码已修改，下次请用新密码登录。"), "success")
                return redirect("/")
        return self.render_template(
            "accounts/password.html",
            forced=forced,
            login=account.username,
            action_url=url_for("AccountView.password"),
            cancel_url=url_for("AccountView.own"),
            errors=errors,
        ), 422 if errors else 200


def _password_problems(account: Account) -> dict[str, list[str]]:
    current, new = request.form.get("current_password", ""), request.form.get("new_password", "")
    errors = {}
    if wrong := signin.confirm(account, current, request.remote_addr or ""):
        errors["current_password"] = [wrong]
    if problem := passwords.problem(new, account.username):
        errors["new_password"] = [problem]
    elif new == current:
        errors["new_password"] = [_("新密码不能与现在的密码相同。")]
    if request.form.get("new_password_again", "") != new:
        errors["new_password_again"] = [_("两次输入的新密码不一致。")]
    return errors


def _facts(account: Account) -> list[dict[str, str]]:
    actor = current_actor()
    region = db.session.get(Region, account.region_id)
    held = [c.label for c in Capability if actor and any(actor.has(c, s) for s in _subjects())]
    return [
        {"label": _("账号"), "text": account.username},
        {"label": _("所属地区"), "text": region.full_name if region else ""},
        {"label": _("级别"), "text": Level(account.level).label},
        {"label": _("类型"), "text": account.kind.label},
        {"label": _("所属部门"), "text": department_of(account)},
        {"label": _("权限"), "text": _("、").join(held)},
    ]


def _subjects() -> tuple[str, ...]:
    from app.kernel.declare.register import all_registers

    return (SYSTEM, *(r.name for r in all_registers()))


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(hex=text)
    except ValueError:
        return None


def _sessions(account: Account) -> list[dict[str, Any]]:
    idle = dt.timedelta(minutes=current_app.config["SESSION_IDLE_MINUTES"])
    return [
        {
            "key": one.id.hex,
            "device": shown(one.device) or _("未知设备"),
            "address": one.address,
            "since": to_minute(one.since),
            "seen": to_minute(one.seen),
            "here": one.id == account.opened.id,
        }
        for one in sessions.of(account.id, idle)
    ]


def _tokens(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "text": _("%(registers)s；有效至 %(day)s", registers=token_views.registers_text(one),
                      day=one.expires_on.isoformat()),
            "used": token_views.used(one),
            "state": token_views.state(one),
            "revoke": token_views.revoke_action(one),
        }
        for one in tokens.of(account.id)
    ]  # fmt: skip


def _logins(account: Account) -> list[dict[str, str]]:
    query = (
        select(AuditEntry.at, AuditEntry.address, AuditEntry.act)
        .where(
            AuditEntry.account_id == account.uuid,
            AuditEntry.act.in_([Act.LOGIN, Act.LOGIN_FAILED, Act.LOCKED_OUT]),
        )
        .order_by(AuditEntry.at.desc())
        .limit(8)
    )
    return [
        {
            "time": to_minute(at),
            "address": address or "",
            "outcome": act.label,
            "tone": "good" if act == Act.LOGIN else "bad",
        }
        for at, address, act in db.session.execute(query)
    ]
