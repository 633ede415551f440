"""Signing in and out: the page, and the same for the layer over a half-filled form."""

from __future__ import annotations

import re
from typing import Any

from flask import g, jsonify, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.views import AuthDBView
from flask_login import current_user, login_user, logout_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import func, update

from app.access import session as sessions
from app.access.account import Account
from app.access.accounts import sign_in as signin
from app.access.accounts.sign_in import SignInRefused
from app.access.audit.log import Act
from app.admin.accounts.pages import captcha
from app.admin.accounts.pages.devices import device_of
from app.core.clock import now
from app.core.db import db
from app.core.i18n import _
from app.core.transactions import transaction
from app.core.types import nfc
from app.web.frame.addresses import takes
from app.web.frame.requests import SESSION_KEY, session_key, wants_json

#: A page of ours: what begins with two slashes (or backslashes, to a browser) is another site's.
_OWN_PAGE = re.compile(r"/(?![/\\])[^\\\x00-\x1f\x7f]*")


class SignInView(AuthDBView):
    """Login and logout under FAB's names.

    To a script the page is data: GET gives ``{csrf_token, account, captcha}``, POST the same with
    ``error`` (401, 429) or, once signed in, ``{csrf_token}``.
    """

    class_permission_name = "SignIn"

    @expose("/login/", methods=["GET", "POST"])
    @takes("next")
    def login(self) -> Any:
        script = wants_json()
        if current_user.is_authenticated and not script:
            return redirect(_where_to())
        login = nfc(request.form.get("username", ""))
        errors: dict[str, str] = {}
        status = 200
        if request.method == "POST":
            account, errors, status = _try(login)
            if account is not None:
                enter(account)
                g.pop("csrf_token", None)  # it went with the session from before the login
                return jsonify(csrf_token=generate_csrf()) if script else redirect(_where_to())
        picture = captcha.issue()
        if script:
            here = current_user.username if current_user.is_authenticated else None
            body = {"csrf_token": generate_csrf(), "account": here, "captcha": picture}
            return jsonify(body | {"error": " ".join(errors.values()) or None}), status
        return self.render_template(
            "appbuilder/general/security/login_db.html",
            login=login, errors=errors, captcha=picture, again_url=request.full_path.rstrip("?"),
        ), status  # fmt: skip

    @expose("/logout/", methods=["GET", "POST"])
    def logout(self) -> Any:
        """POST signs out; GET, an old link, only asks."""
        if not current_user.is_authenticated:
            return redirect(url_for("AuthDBView.login"))
        if request.method == "GET":
            return self.render_template(
                "accounts/logout.html", action_url=url_for("AuthDBView.logout")
            )
        account, key = current_user._get_current_object(), session_key()
        with transaction():
            sessions.end(account.id, only=key)
            signin.note(Act.LOGOUT, account, request.remote_addr or "")
        logout_user()
        _new_session()
        return redirect(url_for("AuthDBView.login"))


def _try(login: str) -> tuple[Account | None, dict[str, str], int]:
    """Who signs in; or what is wrong, by field, and the status that says so."""
    given = request.form  # never a JSON body, whose values may be anything
    password = given.get("password", "")
    missing = {} if login else {"username": _("请填写账号。")}
    if not password:
        missing["password"] = _("请填写密码。")
    if missing:
        return None, missing, 401
    if wrong := captcha.problem(given.get("captcha_token", ""), given.get("captcha", "")):
        return None, {"captcha": wrong}, 401
    try:
        return signin.verify(login, password, request.remote_addr or ""), {}, 200
    except SignInRefused as refused:
        return None, {"password": refused.message}, refused.status


def enter(account: Account) -> None:
    """Begin a session in this browser; the one that it had before, whoever's, ends."""
    address, count = request.remote_addr or "", func.coalesce(Account.login_count, 0) + 1
    entered = update(Account).where(Account.id == account.id)
    with transaction():
        db.session.execute(entered.values(last_login=now().replace(tzinfo=None), login_count=count))
        if key := session_key():
            sessions.drop(key)
        opened = sessions.begin(account.id, address, device_of(request.user_agent.string))
        signin.note(Act.LOGIN, account, address)
    _new_session()  # a session from before the login is worth nothing after it
    session[SESSION_KEY] = opened.id.hex
    session.permanent = True
    account.opened = opened
    login_user(account)


def _new_session() -> None:
    """Forget everything of this browser's session but its language."""
    locale = session.get("locale")
    session.clear()
    if locale:
        session["locale"] = locale


def _where_to() -> str:
    """The page that asked to sign in, if it is one of ours, else the desk."""
    wanted = request.args.get("next", "")
    return wanted if _OWN_PAGE.fullmatch(wanted) else "/"
