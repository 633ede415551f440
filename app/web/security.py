"""Signing in, one's own account. FAB keeps users and roles; these pages and rules are ours."""

from __future__ import annotations

import re
from typing import Any

from flask import current_app, flash, g, jsonify, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.views import AuthDBView
from flask_login import current_user, login_user, logout_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload
from werkzeug.security import check_password_hash, generate_password_hash

from app.access import audit, policy
from app.access.accounts import Account
from app.access.actor import SYSTEM, Capability
from app.access.audit import Act, AuditEntry
from app.access.policy import level_name
from app.access.regions import Level, Region
from app.access.scope import current_actor
from app.core.clock import local, now
from app.core.db import db, set_read_only
from app.core.i18n import _
from app.core.types import nfc
from app.web.requests import wants_json

PASSWORD_LENGTH = 8
UNIT_LENGTH = 32
_MOST_DIGITS = 9
#: A page of ours: what begins with two slashes (or backslashes, to a browser) is another site's.
_OWN_PAGE = re.compile(r"/(?![/\\])[^\\\x00-\x1f\x7f]*")
_LETTER, _DIGIT = re.compile("[A-Za-z]"), re.compile("[0-9]")


def password_problem(password: str, login: str) -> str | None:
    """What is wrong with a new password (spec 01): at least 8 characters, letters and digits."""
    if (
        len(password) < PASSWORD_LENGTH
        or not _LETTER.search(password)
        or not _DIGIT.search(password)
    ):
        return _("密码至少8位，须同时有字母和数字。")
    if login and login in password:
        return _("密码不能包含账号。")
    return None


class SignInView(AuthDBView):
    """Login and logout under FAB's names."""

    class_permission_name = "SignIn"

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        script = wants_json()  # the sign-in layer over a half-filled form
        if current_user.is_authenticated and not script:
            return redirect(_where_to())
        form = self._form()
        if request.method == "POST" and form.validate():
            account = self._verified(nfc(form.username.data), form.password.data)
            if account is not None:
                entered = self._enter(account)
                g.pop("csrf_token", None)  # it went with the session from before the login
                return jsonify(csrf_token=generate_csrf()) if script else entered
            form.password.errors = [_("账号或密码不正确，请核对后重新输入。")]
        status = 401 if request.method == "POST" else 200
        if script:
            wrong = " ".join(str(e) for errors in form.errors.values() for e in errors)
            return jsonify(csrf_token=generate_csrf(), error=wrong or None), status
        return self.render_template(
            "appbuilder/general/security/login_db.html", form=form, captcha=None, notice=None
        ), status

    @expose("/logout/")
    def logout(self) -> Any:
        if current_user.is_authenticated:
            _note(Act.LOGOUT, current_user)
        logout_user()
        session.clear()
        return redirect(url_for("AuthDBView.login"))

    @staticmethod
    def _form() -> Any:
        from flask_appbuilder.security.forms import LoginForm_db

        return LoginForm_db(request.form)  # never a JSON body, whose values may be anything

    @staticmethod
    def _verified(login: str, password: str) -> Account | None:
        """The account, if active and the password is its; the same time is taken if there is none."""
        account = db.session.scalar(select(Account).where(Account.username == login))
        fake = current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]
        right = check_password_hash((account and account.password) or fake, password)
        if account is None or not right or not _may_enter(account):
            _note(Act.LOGIN_FAILED, account, login=login[:64])
            return None
        return account

    @staticmethod
    def _enter(account: Account) -> Any:
        account.last_login = now().replace(tzinfo=None)
        account.login_count = (account.login_count or 0) + 1
        db.session.commit()
        locale = session.get("locale")
        session.clear()  # a session id from before the login is worth nothing after it
        if locale:
            session["locale"] = locale
        login_user(account)
        session.permanent = True
        _note(Act.LOGIN, account)
        return redirect(_where_to())


def _where_to() -> str:
    """The page that asked to sign in, if it is one of ours, else the desk."""
    wanted = request.args.get("next", "")
    return wanted if _OWN_PAGE.fullmatch(wanted) else "/"


def _may_enter(account: Account) -> bool:
    """Is the account open? Demonstration accounts do not exist in production."""
    return account.is_active and not (account.demo and current_app.config["PRODUCTION"])


def _note(act: Act, account: Account | None, **detail: Any) -> None:
    entry = AuditEntry(
        act=act,
        account_id=account.uuid if account else None,
        account_name=f"{account.username} {account.first_name}" if account else None,
        path=account.path if account else None,
        address=request.remote_addr,
        detail=detail or None,
    )
    db.session.rollback()  # on SQLite a transaction that began as a reader cannot write safely
    set_read_only(False)
    db.session.add(entry)
    db.session.commit()


class AccountView(BaseView):
    """我的账号: own details and password."""

    route_base = "/account"
    default_view = "own"

    @expose("/", methods=["GET", "POST"])
    def own(self) -> Any:
        account: Account = current_user
        typed = {
            "name": account.first_name,
            "phone": account.phone or "",
            "unit": account.department or "",
        }
        errors: dict[str, list[str]] = {}
        if request.method == "POST":
            typed = {name: nfc(request.form.get(name, "")) for name in typed}
            errors = _own_problems(**typed)
            if not errors:
                account.first_name = typed["name"]
                account.phone, account.department = typed["phone"] or None, typed["unit"] or None
                audit.record(db.session, Act.UPDATE, row=None, detail={"account": account.username})
                db.session.commit()
                flash(_("个人信息已保存。"), "success")
                return redirect(url_for("AccountView.own"))
        return self.render_template(
            "anju/account.html",
            account=typed | {"facts": _facts(account)},
            errors=errors,
            action_url=url_for("AccountView.own"),
            password_url=url_for("AccountView.password"),
            logins=_logins(account),
        ), 422 if errors else 200

    @expose("/password", methods=["GET", "POST"])
    def password(self) -> Any:
        account: Account = current_user
        forced, errors = account.must_change_password, {}
        if request.method == "POST":
            errors = _password_problems(account)
            if not errors:
                method = current_app.config.get("FAB_PASSWORD_HASH_METHOD", "scrypt")
                account.password = generate_password_hash(
                    request.form["new_password"], method=method
                )
                account.must_change_password = False
                audit.record(db.session, Act.PASSWORD, detail={"account": account.username})
                db.session.commit()
                login_user(account._get_current_object())  # every other session ends
                flash(_("密码已修改，下次请用新密码登录。"), "success")
                return redirect("/")
        return self.render_template(
            "anju/password.html",
            forced=forced,
            login=account.username,
            action_url=url_for("AccountView.password"),
            cancel_url=url_for("AccountView.own"),
            errors=errors,
        ), 422 if errors else 200


def _own_problems(name: str, phone: str, unit: str) -> dict[str, list[str]]:
    from app.registry import formats

    errors = {}
    if not name or len(name) > 50:
        errors["name"] = [_("请填写姓名或单位名称，最多50个字。")]
    if phone and not formats.phone_valid(phone):
        errors["phone"] = [_("电话号码不正确，请填写 11 位手机号，或区号-号码。")]
    if len(unit) > UNIT_LENGTH:
        errors["unit"] = [_("最多 %(n)s 个字，现有 %(m)s 个。", n=UNIT_LENGTH, m=len(unit))]
    return errors


def _password_problems(account: Account) -> dict[str, list[str]]:
    current, new = request.form.get("current_password", ""), request.form.get("new_password", "")
    errors = {}
    if not check_password_hash(account.password or "", current):
        errors["current_password"] = [_("现在的密码不正确。")]
    if problem := password_problem(new, account.username):
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
        {"label": _("级别"), "text": _(level_name(Level(account.level)))},
        {"label": _("类型"), "text": account.kind.label},
        {"label": _("权限"), "text": _("、").join(held)},
    ]


def _subjects() -> tuple[str, ...]:
    from app.registry.register import all_registers

    return (SYSTEM, *(r.name for r in all_registers()))


def _logins(account: Account) -> list[dict[str, str]]:
    query = (
        select(AuditEntry.at, AuditEntry.address, AuditEntry.act)
        .where(
            AuditEntry.account_id == account.uuid, AuditEntry.act.in_([Act.LOGIN, Act.LOGIN_FAILED])
        )
        .order_by(AuditEntry.at.desc())
        .limit(8)
    )
    return [
        {
            "time": f"{local(at):%Y-%m-%d %H:%M}",
            "address": address or "",
            "outcome": act.label,
            "tone": "good" if act == Act.LOGIN else "bad",
        }
        for at, address, act in db.session.execute(query)
    ]


#: The account of a session with its division and rights. Made once: building it costs as much as
#: asking, and every request asks.
_SIGNED_IN = (
    select(Account, policy.rights_of(Account.id))
    .options(joinedload(Account.region))
    .where(Account.id == bindparam("id"))
)


class AccountSecurityManager(SecurityManager):
    """FAB's manager with our accounts; of its own pages only the sign-in is registered here."""

    user_model = Account

    def load_user(self, pk: str) -> Account | None:
        """The signed-in account with its division and its rights, in one statement; None once it is
        closed or has another password than when the session began.
        """
        key = pk.partition("-")[0]
        if not key.isdigit() or len(key) > _MOST_DIGITS:
            return None
        found = db.session.execute(_SIGNED_IN, {"id": int(key)}).first()
        if found is None or not _may_enter(found[0]) or found[0].get_id() != pk:
            return None
        account: Account = found[0]
        account.rights = found[1]
        return account

    def register_views(self) -> None:
        self.auth_view = SignInView()
        self.auth_view.endpoint = None
        self.appbuilder.add_view_no_menu(self.auth_view, "AuthDBView")
        self.appbuilder.add_view_no_menu(AccountView())
