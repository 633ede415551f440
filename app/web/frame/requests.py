"""What happens around every request: who acts, how long a session lives, headers, statements."""

from __future__ import annotations

import time
import uuid
from typing import Any

from flask import (
    Flask,
    Request,
    Response,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    request,
    session,
    url_for,
)
from flask_compress import Compress
from flask_login import current_user, logout_user
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from app.access import policy
from app.access import session as sessions
from app.access.scope import set_actor
from app.access.session import SEEN_EVERY, OpenSession
from app.core.clock import now
from app.core.db import db, set_read_only
from app.core.errors import BadInput, Forbidden
from app.core.i18n import _
from app.core.transactions import transaction
from app.kernel import hooks
from app.kernel.declare import choice_lists
from app.web.frame import addresses, callers, problems

#: Endpoints that need no sign-in. The contract tests walk all others.
PUBLIC = frozenset(
    {
        "static",
        "appbuilder.static",
        "health",
        "AuthDBView.login",
        "AuthDBView.logout",
        "CaptchaView.image",
        "LanguageView.choose",
        "LocaleView.index",
        "OfflineView.page",
        "OfflineView.worker",
    }
)
#: What an account that must change its password may still open.
_WITH_FIRST_PASSWORD = frozenset({"AccountView.password", *PUBLIC})
#: Requests that a page makes by itself: they do not keep a session alive.
_QUIET_SUFFIXES = (".draft", ".progress", ".alive")
_REFRESH_SECONDS = 30
#: Where the browser's session names its row in the table of open sessions.
SESSION_KEY = "session"
#: The account that a page was made for; its scripts say it with every request.
_PAGE_OF = "X-Account"

csrf = CSRFProtect()


class BoundedRequest(Request):
    """Only a form with files may be large; werkzeug limits the text of no other body."""

    @property
    def max_content_length(self) -> int | None:
        if self._max_content_length is not None:
            return self._max_content_length
        if self.mimetype == "multipart/form-data":
            return int(current_app.config["MAX_CONTENT_LENGTH"])
        return int(current_app.config["MAX_FORM_MEMORY_SIZE"])

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self._max_content_length = value


_POLICY = {
    "default-src": "'self'",
    "img-src": ["'self'", "data:", "blob:"],
    "script-src": "'self'",
    "style-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def protect(app: Flask) -> None:
    """Security headers, CSRF, compression."""
    production = app.config["PRODUCTION"]
    app.after_request(_allow_more)  # before the headers are: what comes later runs earlier
    Talisman(
        app,
        force_https=production,
        session_cookie_secure=production,
        strict_transport_security=production,
        content_security_policy=_POLICY,
        content_security_policy_nonce_in=["script-src"],
        frame_options="DENY",
        referrer_policy="same-origin",
    )
    csrf.init_app(app)
    Compress(app)


def _allow_more(response: Response) -> Response:
    allowed = response.headers.get("Content-Security-Policy")
    if allowed:
        for directive, source in hooks.content_policy():
            allowed = allowed.replace(f"{directive} 'self'", f"{directive} 'self' {source}", 1)
        response.headers["Content-Security-Policy"] = allowed
    return response


def install(app: Flask) -> None:
    """Hooks of every request; FAB has put ``g.user`` by then."""
    app.before_request_funcs.setdefault(None, []).insert(0, _begin_reading)  # before any statement
    app.before_request(_begin)
    app.before_request(addresses.require_readable)
    app.before_request(addresses.require_known)
    app.after_request(_headers)
    app.teardown_request(_end)


def _begin_reading() -> None:
    """Whoever asks, and for what: account, session and rights are read without a lock."""
    set_read_only(True)


def _begin() -> Any:
    set_actor(None)
    choice_lists.expect(None)
    if b"%00" in request.query_string:  # PostgreSQL knows no such text
        raise BadInput(_("网址中有不能识别的字符。"))
    if request.endpoint in PUBLIC:
        return None
    if callers.by_token():
        callers.enter()
        return None
    if request.endpoint is None and not current_user.is_authenticated:
        return None  # there is no such page; who is signed in is told so within the frame
    if not current_user.is_authenticated:
        return _ask_to_sign_in()
    if _idle_too_long():
        logout_user()
        session.pop("seen", None)
        return _ask_to_sign_in()
    account = current_user._get_current_object()
    if request.headers.get(_PAGE_OF, account.username) != account.username:
        return _ask_to_sign_in()  # what was typed as one account is not sent as another
    if not _quiet():
        _note_seen()
    set_actor(policy.actor_of(db.session, account))
    if account.must_change_password and request.endpoint not in _WITH_FIRST_PASSWORD:
        if wants_json():  # a page from before the reset: a script would take a redirect for success
            text = _("密码已被重置，请在新窗口中修改密码，再回到这里继续，填写的内容都还在。")
            raise Forbidden(text, noted=True)
        return redirect(url_for("AccountView.password"))
    if problems.is_api() and current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()  # FAB exempts every API, for those who bring a token and no cookie
    return None


def session_key() -> uuid.UUID | None:
    """The row of the table of open sessions that this browser's session names."""
    try:
        return uuid.UUID(hex=str(session.get(SESSION_KEY, "")))
    except ValueError:
        return None


def _note_seen() -> None:
    """Once in some minutes, so that the list of sessions tells which of them are used."""
    opened: OpenSession = current_user.opened
    if now() - opened.seen > SEEN_EVERY:
        try:
            with transaction():
                sessions.see(opened.id)
        except OperationalError:  # a busy database: no page fails for that
            return


def _idle_too_long() -> bool:
    moment, seen = time.time(), session.get("seen", 0.0)
    if seen and moment - seen > current_app.config["SESSION_IDLE_MINUTES"] * 60:
        return True
    if not _quiet() and moment - seen > _REFRESH_SECONDS:
        session["seen"] = moment  # rarely, or every answer would carry a cookie
    return False


def _quiet() -> bool:
    return (request.endpoint or "").endswith(_QUIET_SUFFIXES)


def wants_json() -> bool:
    """Did a script ask, which wants a status and a message rather than a page?"""
    return (
        problems.is_api()
        or request.is_json
        or request.headers.get("X-Requested-With") == "fetch"
        or request.accept_mimetypes.best == "application/json"
    )


def _ask_to_sign_in() -> Any:
    if problems.is_api():
        return problems.answer(401, "signed_out", _("请先登录，或使用接口令牌。"))
    if wants_json():
        return jsonify(error="signed_out", message=_("登录已失效，请重新登录。")), 401
    if request.headers.get("HX-Request"):
        return Response(status=401)  # the page's script opens the sign-in layer
    if request.method != "GET":
        flash(_("登录已失效，请重新登录后再操作。"), "warning")
        return redirect(url_for("AuthDBView.login"))
    return redirect(url_for("AuthDBView.login", next=request.full_path.rstrip("?")))


def _headers(response: Response) -> Response:
    if request.endpoint not in ("static", "appbuilder.static"):
        response.headers.setdefault("Cache-Control", "no-store")
    if current_app.config["BENCH"]:
        response.headers["X-Anju-Statements"] = str(g.get("statements", 0))
    return response


def _end(_error: BaseException | None) -> None:
    set_actor(None)
    set_read_only(False)


@event.listens_for(Engine, "before_cursor_execute")
def _count(*_args: Any) -> None:
    if g:
        g.statements = g.get("statements", 0) + 1
