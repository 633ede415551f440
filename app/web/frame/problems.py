"""Errors of the API: RFC 9457 problem details, with the messages that the pages show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response, request

from app.core.errors import AnjuError
from app.core.i18n import _
from app.core.types import storable
from app.kernel.declare.rules import Problem

PREFIX = "/api/v1"
SCHEME = "bearer "
MEDIA_TYPE = "application/problem+json"
_CHILD = re.compile(r"(\w+?)-(\d{1,3})-(\w+)")
#: Fields of a step's form, which the API has elsewhere than in ``values``.
_ELSEWHERE = {
    "contact_name": "/contact/name",
    "contact_phone": "/contact/phone",
    "opinion": "/opinion",
}
#: What of an error's details a client may read.
_TOLD = ("current", "parameter")


class NoVersion(AnjuError):
    """A change that does not say which version it changes."""

    status, code = 428, "version_required"


class NotJson(AnjuError):
    """A body that is no JSON."""

    status, code = 415, "not_json"


def is_api() -> bool:
    """Is this request of another system, or of a script that uses the API?"""
    return request.path.startswith("/api/") or brings_token()


def brings_token() -> bool:
    """Is a token shown? A proxy in front may ask for names and passwords in the same header."""
    return request.headers.get("Authorization", "")[: len(SCHEME)].lower() == SCHEME


def titles() -> dict[int, str]:
    """What an error is called, by its status."""
    return {
        400: _("请求有误"),
        401: _("没有登录"),
        403: _("没有权限"),
        404: _("没有找到"),
        405: _("不支持的操作"),
        409: _("内容已被修改"),
        413: _("内容过大"),
        415: _("内容格式不支持"),
        422: _("内容有误"),
        428: _("缺少版本号"),
        429: _("操作过于频繁"),
        500: _("系统故障"),
        503: _("系统繁忙"),
        507: _("存储空间已满"),
    }


def of(error: AnjuError) -> Response:
    """An error of the catalogue."""
    more = {name: error.details[name] for name in _TOLD if name in error.details}
    if problems := error.details.get("problems"):
        more["problems"] = described(problems)
    headers = {}
    if (seconds := error.details.get("retry_after")) is not None:
        headers["Retry-After"] = str(int(seconds))
    return answer(error.status, error.code, error.message, headers=headers, **more)


def described(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """Each as ``field`` (as forms name it), ``id`` of the rule, ``message``, where it is in the body, how
    grave it is, and, where that is said, which norm asks for it and how it is mended.
    """
    return [
        {
            "field": p.field,
            "id": p.code,
            "message": p.message,
            "pointer": pointer(p.field),
            "severity": p.severity.value,
        }
        | ({"source": p.source} if p.source else {})
        | ({"remedy": p.remedy} if p.remedy else {})
        for p in problems
    ]


def pointer(field: str) -> str:
    """JSON Pointer of a form's field: ``owners-0-name`` -> ``/values/owners/0/name``."""
    if field in _ELSEWHERE:
        return _ELSEWHERE[field]
    if child := _CHILD.fullmatch(field):
        return f"/values/{child[1]}/{child[2]}/{child[3]}"
    return f"/values/{field}" if not field.startswith("/") else field


def answer(
    status: int,
    code: str,
    message: str,
    *,
    number: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """The response; ``number`` is under which support finds it in the log."""
    body: dict[str, Any] = {
        "type": f"/help/api#{code}",
        "title": titles().get(status, _("请求无法处理")),
        "status": status,
        "detail": message,
        "code": code,
        **more,
    }
    if number:
        body["number"] = number
    text = storable(json.dumps(body, ensure_ascii=False))
    response = Response(text, status, mimetype=MEDIA_TYPE)
    response.headers.update(headers or {})
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="anju"'
    return response
