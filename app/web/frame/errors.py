"""Errors as pages, or as JSON for scripts; each with a number that support finds in the log."""

from __future__ import annotations

import logging
import secrets
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, flash, g, jsonify, redirect, render_template, request, url_for
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import BadHost, HTTPException

from app.access.audit import log as audit
from app.access.divisions.asked import MergedAway
from app.access.repeats import Repeated
from app.access.scope import current_actor
from app.core.db import set_read_only
from app.core.errors import AnjuError, Conflict
from app.core.files.storage import StorageFull, is_away, is_full
from app.core.i18n import _
from app.core.transactions import give_up
from app.web.frame import clicks, problems
from app.web.frame.requests import wants_json

log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Handlers of everything that is no :class:`AnjuError`."""
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def render(error: AnjuError) -> Any:
    """An error of the catalogue. Its page only reads, and holds no lock."""
    _let_go()
    try:
        clicks.require_first()
    except Repeated as repeated:
        return clicks.again(repeated)
    if isinstance(error, MergedAway) and (address := _followed(error)) is not None:
        flash(error.message, "info")
        return redirect(address)
    noted = error.details.get("noted", False)  # with more than the address, where it was raised
    if error.status in (403, 404) and current_actor() is not None and not noted:
        audit.note(audit.Act.REFUSED, detail={"url": request.path, "method": request.method})
    if problems.is_api():
        return problems.of(error)
    return _answer(error.status, error.code, error.message)


def _followed(error: MergedAway) -> str | None:
    """The address that was asked for, of the division that is there now; None where the address
    does not name it, or more than a page was asked for.
    """
    if request.method != "GET" or wants_json():
        return None
    was, now = str(error.was), str(error.now)
    path, args = dict(request.view_args or {}), request.args.copy()
    if str(path.get("region_id")) == was:
        path["region_id"] = error.now
    for name in ("region", "parent"):
        if args.get(name) == was:
            args[name] = now
    if path == request.view_args and args == request.args:
        return None
    address = url_for(str(request.endpoint), **path)
    return f"{address}?{urlencode(list(args.items(multi=True)))}" if args else address


def _csrf(_error: CSRFError) -> Any:
    if problems.is_api():
        text = _("用登录状态写入时须带请求头 X-CSRFToken；对接系统请用接口令牌。")
        return problems.answer(400, "csrf", text)
    if request.headers.get("HX-Request"):
        return Response(status=401)  # the page's script asks for the token of today's session
    return _answer(400, "csrf", _("页面已过期，请刷新后重试；填写的内容已自动保存为草稿。"))


def _stale(_error: StaleDataError) -> Any:
    """Two changed one row at once, and neither had locked it: the first one stands."""
    return render(Conflict(_("内容已被他人修改，请刷新后再操作。")))


def _http(error: HTTPException) -> Any:
    status = error.code or 500
    if status < 400 or isinstance(error, BadHost):  # without a host no page has addresses
        return error
    message = _messages().get(status, _("请求无法处理。"))
    if problems.is_api():
        allow = {name: value for name, value in error.get_headers() if name == "Allow"}
        return problems.answer(status, f"http_{status}", message, headers=allow)
    return _answer(status, f"http_{status}", message)


def _unexpected(error: Exception) -> Any:
    _let_go()
    number = secrets.token_hex(4)
    log.error("error %s at %s %s", number, request.method, request.path, exc_info=error)
    if is_full(error):
        message = _("服务器存储空间已满，内容没有保存。请联系管理员清理空间后重试。")
        return _answer(StorageFull.status, StorageFull.code, message, number)
    if is_away(error):
        message = _("系统暂时不能保存或读取内容，请稍后重试；页面上填写的内容请不要关闭。")
        return _answer(503, "away", message, number)
    if isinstance(error, OperationalError):
        return _answer(503, "busy", _("系统繁忙，内容没有保存，请稍后重试。"), number)
    return _answer(500, "internal", _("系统出现故障，请稍后重试。"), number)


def _let_go() -> None:
    """Give back what the request holds of the database, also one that does not answer any more."""
    set_read_only(True)
    give_up()


def _messages() -> dict[int, str]:
    return {
        400: _("请求的内容有误，请检查网址或填写的内容。"),
        401: _("请先登录。"),
        403: _("您的账号没有这项权限。"),
        404: _("没有找到该页面。它可能不存在，或不在您的管辖范围内。"),
        405: _("该页面不支持这种操作。"),
        413: _("上传的内容过大，请缩小后再上传。"),
        429: _("操作过于频繁，请稍后再试。"),
    }


def _answer(status: int, code: str, message: str, number: str | None = None) -> Any:
    if problems.is_api():
        return problems.answer(status, code, message, number=number)
    if wants_json():
        return jsonify(error=code, message=message, number=number), status
    if request.headers.get("HX-Request"):  # the page stays; its script says what went wrong
        return Response(message, status, mimetype="text/plain")
    page = {
        "status": status,
        "title": problems.titles().get(status, _("请求无法处理")),
        "message": message,
        "hint": None,
        "number": number,
    }
    broken = number is not None  # then the page asks the database for nothing: no menu, no names
    if broken:  # who it is may be what could not be read
        g.setdefault("_login_user", AnonymousUserMixin())
    me = current_actor() is not None
    page |= {"framed": me and not broken, "signed_in": me}
    return render_template(
        "frame/error.html", error=page, back_url="/", retry=status >= 500
    ), status
