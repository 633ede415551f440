"""The OpenAPI 3.1 document of the API, made from the declarations.

It is made once for each language and day, and anew when lists of choices changed.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask_babel import get_locale

from app.access.divisions.regions import Level
from app.core.clock import today
from app.core.i18n import _
from app.kernel.declare import choice_lists
from app.kernel.declare.flow import State
from app.kernel.declare.offered import offered
from app.web.api import parts, register_document
from app.web.api.values import Schema
from app.web.frame import problems

_KEPT = 8
_documents: dict[Any, tuple[str, str]] = {}


def document() -> tuple[str, str]:
    """The document in the user's language as JSON, and its ETag."""
    key = str(get_locale()), choice_lists.version(), today()
    if key not in _documents:
        while len(_documents) >= _KEPT:
            _documents.pop(next(iter(_documents)), None)
        text = json.dumps(made(), ensure_ascii=False, separators=(",", ":"))
        _documents[key] = text, hashlib.sha256(text.encode()).hexdigest()[:24]
    return _documents[key]


def made() -> dict[str, Any]:
    """The document in the user's language."""
    paths: dict[str, Any] = {}
    schemas = parts.common_schemas()
    for register in offered():
        schemas |= register_document.schemas(register)
        paths |= register_document.paths(register)
    paths |= _common_paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": _("安居数据接口"),
            "version": "1",
            "description": _(
                "供其他系统按账号或接口令牌的权限读取和填报农户与各模块的记录。"
                "范围、规则、掩码和审计与页面完全相同。"
            ),
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": [], "csrf": []}],
        "tags": [{"name": r.name, "description": r.label} for r in offered()]
        + [
            {"name": "household-records", "description": _("农户的各模块记录")},
            {"name": "divisions", "description": _("行政区划")},
            {"name": "choices", "description": _("选项表")},
            {"name": "system", "description": _("接口")},
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": parts.responses(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": _("接口令牌，只放在请求头里，不写入网址。"),
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "anju"},
                "csrf": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRFToken",
                    "description": _("用登录状态写入时必需。"),
                },
            },
        },
    }


def _common_paths() -> dict[str, Any]:
    base = problems.PREFIX
    division = parts.parameter(
        "id", {"type": "integer", "minimum": 1, "maximum": 999_999_999}, where="path"
    )
    levels = {"type": "string", "enum": [level.name.lower() for level in Level]}
    state = {"type": "string", "enum": [s.value for s in State]}
    capability = parts.object_of({"capability": parts.TEXT, "register": parts.TEXT})
    record = {
        "register": parts.TEXT,
        "id": parts.KEY,
        "state": state,
        "version": parts.NUMBER,
        "url": parts.TEXT,
    }
    one_list = {
        "name": parts.TEXT, "title": parts.TEXT, "fixed": {"type": "boolean"},
        "fields": {"type": "array", "items": parts.TEXT},
    }  # fmt: skip
    day: Schema = {"type": ["string", "null"], "format": "date"}
    choice = {
        "code": parts.TEXT, "text": parts.TEXT, "offered": {"type": "boolean"}, "valid_from": day,
        "valid_to": day, "former_texts": {"type": "array", "items": parts.TEXT},
    }  # fmt: skip
    me = {
        "account": parts.TEXT, "name": parts.TEXT, "token": parts.NULLABLE, "region": parts.ref("Division"),
        "capabilities": {"type": "array", "items": capability},
    }  # fmt: skip
    name = parts.parameter("name", parts.TEXT | {"pattern": "^[A-Za-z_]{1,40}$"}, where="path")
    household = parts.parameter("id", parts.KEY, where="path")
    code = parts.parameter(
        "code", {"type": "string", "pattern": "^[0-9]{2,12}$"}, _("行政区划代码")
    )
    query = parts.parameter("q", parts.TEXT | {"maxLength": 60}, _("名称、代码或拼音首字母"))
    return {
        f"{base}/household/{{id}}/records": {
            "get": parts.operation(
                "household.records", "household-records", _("农户的各模块记录"),
                parts.list_of(parts.object_of(record)), parameters=[household],
            )
        },
        f"{base}/divisions": {
            "get": parts.operation(
                "divisions.search", "divisions", _("查找行政区划"), parts.list_of(parts.ref("Division")),
                parameters=[query, code, parts.parameter("level", levels)],
            )
        },
        f"{base}/divisions/{{id}}": {
            "get": parts.operation(
                "divisions.read", "divisions", _("一个行政区划"), parts.ref("Division"), parameters=[division],
            )
        },
        f"{base}/divisions/{{id}}/children": {
            "get": parts.operation(
                "divisions.children", "divisions", _("直接下级"), parts.list_of(parts.ref("Division")),
                parameters=[division],
            )
        },
        f"{base}/choices": {
            "get": parts.operation("choices.list", "choices", _("全部选项表"), parts.list_of(parts.object_of(one_list)))
        },
        f"{base}/choices/{{name}}": {
            "get": parts.operation(
                "choices.read", "choices", _("一个选项表"), parts.list_of(parts.object_of(choice)), parameters=[name],
            )
        },
        f"{base}/me": {"get": parts.operation("me", "system", _("调用者和它的权限"), parts.object_of(me))},
        f"{base}/openapi.json": {
            "get": parts.operation("document", "system", _("本接口的 OpenAPI 文档"), {"type": "object"})
        },
    }  # fmt: skip
