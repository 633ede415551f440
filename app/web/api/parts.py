"""What the document of the API is made of: schemas, answers, parameters that all registers share."""

from __future__ import annotations

from typing import Any

from app.access.divisions.regions import Level
from app.core.i18n import _
from app.kernel.declare.quality import Severity
from app.kernel.figures.statistics import LineKind
from app.web.api.values import Schema
from app.web.frame import problems

KEY: Schema = {"type": "string", "format": "uuid"}
INSTANT: Schema = {"type": ["string", "null"], "format": "date-time"}
TEXT: Schema = {"type": "string"}
NULLABLE: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "integer"}


def object_of(properties: dict[str, Any], *optional: str, **more: Any) -> Schema:
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    } | more


def list_of(item: Schema, **more: Any) -> Schema:
    return object_of({"items": {"type": "array", "items": item}, **more})


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def common_schemas() -> dict[str, Schema]:
    levels = {"type": "string", "enum": [level.name.lower() for level in Level]}
    place = {"id": NUMBER, "code": TEXT, "full_name": TEXT, "level": levels}
    problem = object_of(
        {
            "field": TEXT,
            "id": TEXT,
            "message": TEXT,
            "pointer": TEXT,
            "severity": {"type": "string", "enum": [severity.value for severity in Severity]},
            "source": TEXT,
            "remedy": TEXT,
        },
        "source",
        "remedy",
        description=_(
            "id 是规则的固定编号，message 与页面上的提示相同，pointer 指向请求内容中的位置；"
            "severity 为严重程度，source 为依据，remedy 为改正办法。"
        ),
    )
    return {
        "Division": object_of(place | {"name": TEXT}),
        "Place": object_of(place),
        "Problem": problem,
        "Error": {
            "type": "object",
            "description": _("RFC 9457 错误说明"),
            "properties": {
                "type": TEXT,
                "title": TEXT,
                "status": NUMBER,
                "detail": TEXT,
                "code": TEXT,
                "parameter": TEXT,
                "number": TEXT | {"description": _("请把这个编号告诉技术支持。")},
                "current": {"type": "object"},
                "problems": {"type": "array", "items": ref("Problem")},
            },
            "required": ["type", "title", "status", "detail", "code"],
        },
        "File": object_of(
            {
                "id": KEY, "field": TEXT, "name": TEXT, "media_type": TEXT, "size": NUMBER,
                "sha256": TEXT, "added_at": INSTANT, "url": TEXT,
                "taken_at": NULLABLE | {"description": _("相机的时间，没有时区")},
                "latitude": {"type": ["number", "null"]}, "longitude": {"type": ["number", "null"]},
            }
        ),
        "Step": object_of(
            {
                "at": INSTANT, "step": TEXT, "label": TEXT,
                "stage": NULLABLE | {"description": _("所属阶段的代码；不分阶段的为空")}, "from": TEXT, "to": TEXT,
                "account": TEXT, "person": TEXT, "phone": NULLABLE, "opinion": TEXT,
                "reasons": {"type": "array", "items": TEXT},
                "changes": {
                    "type": "array",
                    "items": object_of(dict.fromkeys(("name", "label", "before", "after"), TEXT)),
                },
            }
        ),
        "Report": object_of(
            {
                "title": TEXT,
                "region": ref("Place"),
                "year": {"type": ["integer", "null"]},
                "at": INSTANT,
                "columns": {
                    "type": "array",
                    "items": object_of({"heads": {"type": "array", "items": TEXT}, "figure": NULLABLE}),
                },
                "rows": {
                    "type": "array",
                    "items": object_of(
                        {
                            "kind": {"type": "string", "enum": [k.value for k in LineKind]},
                            "label": TEXT,
                            "region": ref("Place"),
                            "cells": {"type": "array", "items": {"type": ["integer", "string"]}},
                        }
                    ),
                },
                "notes": {"type": "array", "items": TEXT},
            }
        ),
    }  # fmt: skip


def responses() -> dict[str, Any]:
    content = {problems.MEDIA_TYPE: {"schema": ref("Error")}}
    texts = {
        400: _("网址参数或 JSON 有误"),
        401: _("没有登录，或令牌无效"),
        403: _("没有这项权限"),
        404: _("不存在，或不在管辖范围内"),
        409: _("已被他人修改，或状态不允许；current 是现在的内容"),
        413: _("内容过大"),
        415: _("内容不是 JSON"),
        422: _("内容不合规则；problems 逐项说明"),
        428: _("没有说明版本"),
        429: _("请求过于频繁；Retry-After 秒后再试"),
        503: _("系统繁忙，请稍后再试"),
    }
    return {str(n): {"description": text, "content": content} for n, text in texts.items()}


READ_ERRORS = (400, 401, 403, 404, 429, 503)
WRITE_ERRORS = (*READ_ERRORS, 409, 413, 415, 422, 428)


def operation(
    name: str, tag: str, summary: str, answer: Schema | None, *, errors: tuple[int, ...] = READ_ERRORS,
    parameters: list[Any] | None = None, body: Schema | None = None, status: int = 200,
    description: str = "", media: str = "application/json",
) -> dict[str, Any]:  # fmt: skip
    ok: dict[str, Any] = {"description": summary}
    if answer is not None:
        ok["content"] = {"application/json": {"schema": answer}}
    found: dict[str, Any] = {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "parameters": [*(parameters or []), LANG],
        "responses": {str(status): ok}
        | {str(n): {"$ref": f"#/components/responses/{n}"} for n in errors},
    }
    if description:
        found["description"] = description
    if body is not None:
        found["requestBody"] = {"required": True, "content": {media: {"schema": body}}}
    return found


def parameter(
    name: str, schema: Schema, description: str = "", *, where: str = "query", required: bool = False,
) -> dict[str, Any]:  # fmt: skip
    found: dict[str, Any] = {"name": name, "in": where, "schema": schema}
    if required or where == "path":
        found["required"] = True
    return found | ({"description": description} if description else {})


LANG = parameter("lang", {"type": "string", "enum": ["zh", "en"]})


def regions() -> list[Any]:
    return [
        parameter("region", {"type": "integer", "minimum": 1, "maximum": 999_999_999},
                   _("行政区划的 id；不填是调用者的全部范围")),
        parameter("region_code", {"type": "string", "pattern": "^[0-9]{2,12}$"},
                   _("或行政区划代码，两者不能同时使用")),
    ]  # fmt: skip


def versioned() -> list[Any]:
    text = _('读取时的版本，如 "3"；也可写在内容的 version 里')
    return [
        parameter(
            "If-Match", {"type": "string", "pattern": '^"?[0-9]{1,9}"?$'}, text, where="header"
        )
    ]


def once() -> list[Any]:
    text = _("同一编号的请求只执行一次，24 小时内重发得到同样的结果")
    key = {"type": "string", "pattern": "^[!-~]{1,64}$"}
    return [parameter("Idempotency-Key", key, text, where="header")]
