"""The OpenAPI 3.1 document of the API, made from the declarations.

It is made once for each language and day, and anew when lists of choices changed.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask_babel import get_locale

from app.access.regions import Level
from app.actions.tokens import offered
from app.core.clock import today
from app.core.i18n import _, step_word, translate
from app.registry import lists
from app.registry.condition_words import describe
from app.registry.expressions import ALWAYS
from app.registry.field import CHOICE, FILES, MANY, YES_NO, Field
from app.registry.flow import State, Transition
from app.registry.ledger import PLACE_NAMES, SIZES
from app.registry.register import TREND, WEEK, Register
from app.reports.statistics import LineKind
from app.reports.trend import RANGES
from app.web.api import problems, shapes, values
from app.web.api.values import Schema

_KEPT = 8
_documents: dict[Any, tuple[str, str]] = {}

_KEY: Schema = {"type": "string", "format": "uuid"}
_INSTANT: Schema = {"type": ["string", "null"], "format": "date-time"}
_TEXT: Schema = {"type": "string"}
_NULLABLE: Schema = {"type": ["string", "null"]}
_NUMBER: Schema = {"type": "integer"}


def document() -> tuple[str, str]:
    """The document in the user's language as JSON, and its ETag."""
    key = str(get_locale()), lists.version(), today()
    if key not in _documents:
        while len(_documents) >= _KEPT:
            _documents.pop(next(iter(_documents)), None)
        text = json.dumps(made(), ensure_ascii=False, separators=(",", ":"))
        _documents[key] = text, hashlib.sha256(text.encode()).hexdigest()[:24]
    return _documents[key]


def made() -> dict[str, Any]:
    """The document in the user's language."""
    paths: dict[str, Any] = {}
    schemas = _common_schemas()
    for register in offered():
        schemas |= _schemas(register)
        paths |= _paths(register)
    paths |= _common_paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": _("安居数据接口"),
            "version": "1",
            "description": _(
                "供其他系统按账号或接口令牌的权限读取和填报农户与各模块的档案。"
                "范围、规则、掩码和审计与页面完全相同。"
            ),
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": [], "csrf": []}],
        "tags": [{"name": r.name, "description": r.label} for r in offered()]
        + [
            {"name": "household-records", "description": _("农户的各模块档案")},
            {"name": "divisions", "description": _("行政区划")},
            {"name": "choices", "description": _("选项表")},
            {"name": "system", "description": _("接口")},
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": _responses(),
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


# ---- parts that all registers share ------------------------------------------------------------


def _object(properties: dict[str, Any], *optional: str, **more: Any) -> Schema:
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    } | more


def _list_of(item: Schema, **more: Any) -> Schema:
    return _object({"items": {"type": "array", "items": item}, **more})


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _common_schemas() -> dict[str, Schema]:
    levels = {"type": "string", "enum": [level.name.lower() for level in Level]}
    place = {"id": _NUMBER, "code": _TEXT, "full_name": _TEXT, "level": levels}
    problem = _object(
        {"field": _TEXT, "id": _TEXT, "message": _TEXT, "pointer": _TEXT},
        description=_(
            "id 是规则的固定编号，message 与页面上的提示相同，pointer 指向请求内容中的位置。"
        ),
    )
    return {
        "Division": _object(place | {"name": _TEXT}),
        "Place": _object(place),
        "Problem": problem,
        "Error": {
            "type": "object",
            "description": _("RFC 9457 错误说明"),
            "properties": {
                "type": _TEXT,
                "title": _TEXT,
                "status": _NUMBER,
                "detail": _TEXT,
                "code": _TEXT,
                "parameter": _TEXT,
                "number": _TEXT | {"description": _("请把这个编号告诉技术支持。")},
                "current": {"type": "object"},
                "problems": {"type": "array", "items": _ref("Problem")},
            },
            "required": ["type", "title", "status", "detail", "code"],
        },
        "File": _object(
            {
                "id": _KEY, "field": _TEXT, "name": _TEXT, "media_type": _TEXT, "size": _NUMBER,
                "sha256": _TEXT, "added_at": _INSTANT, "url": _TEXT,
                "taken_at": _NULLABLE | {"description": _("相机的时间，没有时区")},
                "latitude": {"type": ["number", "null"]}, "longitude": {"type": ["number", "null"]},
            }
        ),
        "Step": _object(
            {
                "at": _INSTANT, "step": _TEXT, "label": _TEXT, "from": _TEXT, "to": _TEXT,
                "account": _TEXT, "person": _TEXT, "phone": _NULLABLE, "opinion": _TEXT,
                "reasons": {"type": "array", "items": _TEXT},
                "changes": {
                    "type": "array",
                    "items": _object(dict.fromkeys(("name", "label", "before", "after"), _TEXT)),
                },
            }
        ),
        "Report": _object(
            {
                "title": _TEXT,
                "region": _ref("Place"),
                "at": _INSTANT,
                "columns": {
                    "type": "array",
                    "items": _object({"heads": {"type": "array", "items": _TEXT}, "figure": _NULLABLE}),
                },
                "rows": {
                    "type": "array",
                    "items": _object(
                        {
                            "kind": {"type": "string", "enum": [k.value for k in LineKind]},
                            "label": _TEXT,
                            "region": _ref("Place"),
                            "cells": {"type": "array", "items": {"type": ["integer", "string"]}},
                        }
                    ),
                },
                "notes": {"type": "array", "items": _TEXT},
            }
        ),
    }  # fmt: skip


def _responses() -> dict[str, Any]:
    content = {problems.MEDIA_TYPE: {"schema": _ref("Error")}}
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


_READ_ERRORS = (400, 401, 403, 404, 429, 503)
_WRITE_ERRORS = (*_READ_ERRORS, 409, 413, 415, 422, 428)


def _operation(
    name: str, tag: str, summary: str, answer: Schema, *, errors: tuple[int, ...] = _READ_ERRORS,
    parameters: list[Any] | None = None, body: Schema | None = None, status: int = 200,
    description: str = "", media: str = "application/json",
) -> dict[str, Any]:  # fmt: skip
    ok: dict[str, Any] = {
        "description": summary,
        "content": {"application/json": {"schema": answer}},
    }
    found: dict[str, Any] = {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "parameters": [*(parameters or []), _LANG],
        "responses": {str(status): ok}
        | {str(n): {"$ref": f"#/components/responses/{n}"} for n in errors},
    }
    if description:
        found["description"] = description
    if body is not None:
        found["requestBody"] = {"required": True, "content": {media: {"schema": body}}}
    return found


def _parameter(
    name: str, schema: Schema, description: str = "", *, where: str = "query", required: bool = False,
) -> dict[str, Any]:  # fmt: skip
    found: dict[str, Any] = {"name": name, "in": where, "schema": schema}
    if required or where == "path":
        found["required"] = True
    return found | ({"description": description} if description else {})


_LANG = _parameter("lang", {"type": "string", "enum": ["zh", "en"]})


def _regions() -> list[Any]:
    return [
        _parameter("region", {"type": "integer", "minimum": 1, "maximum": 999_999_999},
                   _("行政区划的 id；不填是调用者的全部范围")),
        _parameter("region_code", {"type": "string", "pattern": "^[0-9]{2,12}$"},
                   _("或行政区划代码，两者不能同时使用")),
    ]  # fmt: skip


def _versioned() -> list[Any]:
    text = _('读取时的版本，如 "3"；也可写在内容的 version 里')
    return [
        _parameter(
            "If-Match", {"type": "string", "pattern": '^"?[0-9]{1,9}"?$'}, text, where="header"
        )
    ]


def _once() -> list[Any]:
    text = _("同一编号的请求只执行一次，24 小时内重发得到同样的结果")
    key = {"type": "string", "pattern": "^[!-~]{1,64}$"}
    return [_parameter("Idempotency-Key", key, text, where="header")]


# ---- one register ------------------------------------------------------------------------------


def _name(register: Register) -> str:
    return register.model.__name__


def _facts(register: Register) -> dict[str, Schema]:
    kinds: dict[str, Schema] = {"id": _KEY, "household_id": _KEY, "version": _NUMBER}
    found = {name: kinds.get(name, _INSTANT) for name in shapes.facts(register.model)}
    found["region"] = _ref("Place")
    kept = shapes.kept_fields(register)
    return found | {name: values.schema(made, written=False) for name, made in kept.items()}


def _schemas(register: Register) -> dict[str, Schema]:
    fields = shapes.form_fields(register)
    read = {name: values.schema(made, written=False) for name, made in fields.items()}
    name, facts = _name(register), _facts(register)
    listed = _object(facts | {"values": _object(read, *read)})
    whole: dict[str, Any] = facts | {
        "values": _ref(f"{name}Values"),
        "masked": {"type": "array", "items": _TEXT, "description": _("显示为掩码的项目")},
    }
    found = {f"{name}Values": _object(read), f"{name}Line": listed}
    if register.flow is not None:
        whole |= {
            "may_edit": {"type": "boolean"},
            "steps": {"type": "array", "items": _TEXT, "description": _("现在可以做的操作")},
            "files": {"type": "array", "items": _ref("File")},
            "cleared": {
                "type": "array",
                "items": _TEXT,
                "description": _("写入后：写了但按规则不显示、因此清空的项目"),
            },
        }
        written = {n: _written(register, made) for n, made in fields.items()}
        found[f"{name}Change"] = _object(written, *written)
    return found | {name: _object(whole, "cleared")}


def _written(register: Register, made: Field) -> Schema:
    """A field as it is sent, with the rule when it is there and when it must be given."""
    schema = values.schema(made, written=True)
    shown = register.rules.shown[made.name]
    notes = [schema["description"]] if "description" in schema else []
    if shown is not ALWAYS:
        schema["x-shown"] = shown.js()
        text = describe(shown, register.model.__fields__)
        notes.append(_("仅当%(what)s时填写，否则清空。", what=text))
    if made.required:
        schema["x-required"] = True
        notes.append(_("上报前必填。"))
    checks = [translate(check.message) for check in made.checks]
    if notes or checks:
        schema["description"] = values.sentences([*notes, *checks])
    return schema


def _filters(register: Register) -> list[Any]:
    found = []
    for name in register.filters.split():
        made = register.model.__fields__[name]
        found.append(_parameter(name, _filter(made), translate(made.label)))
    for name, (label, _level) in PLACE_NAMES.items():
        found.append(_parameter(name, _TEXT | {"maxLength": 30}, translate(label)))
    if register.figures:
        names = {"type": "string", "enum": list(register.figures)}
        texts = _("；").join(f"{n}: {translate(f.label)}" for n, f in register.figures.items())
        found.append(
            _parameter(
                "figure", names, " ".join((_("统计项，即统计表中一个数字背后的档案。"), texts))
            )
        )
    text = _("1：只要在本地区、但没有确定下级地区的")
    found.append(_parameter("unplaced", {"type": "string", "enum": ["0", "1"]}, text))
    return found


def _filter(made: Field) -> Schema:
    if made.kind == YES_NO:
        return {"type": "string", "enum": ["yes", "no"]}
    if made.kind in (CHOICE, MANY) and made.source_list:
        codes = {"type": "string", "enum": list(lists.known(made.source_list))}
        return {"type": "array", "items": codes}
    return _TEXT | {"maxLength": 64}


def _paging(register: Register) -> list[Any]:
    fields = ", ".join(shapes.form_fields(register))
    text = " ".join((_("要返回的项目，用逗号分隔；不填是台账的各列。"), fields))
    return [_parameter("cursor", _TEXT, _("上一页的 next")), _parameter("fields", _TEXT, text)]


def _paths(register: Register) -> dict[str, Any]:
    name, tag, base = _name(register), register.name, f"{problems.PREFIX}/{register.name}"
    label = register.label
    key = _parameter("id", _KEY, where="path")
    page = {"count": _NUMBER, "count_exact": {"type": "boolean"}, "next": _NULLABLE}
    size = _parameter("size", {"type": "integer", "enum": list(SIZES)}, _("每页条数"))
    since = _parameter(
        "since", {"type": "string", "format": "date-time"},
        _("从这个时刻起；没有时区的按北京时间"), required=True,
    )  # fmt: skip
    limit = _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 500}, _("每页条数"))
    paths: dict[str, Any] = {
        base: {
            "get": _operation(
                f"{tag}.list", tag, _("%(what)s：查询", what=label),
                _list_of(_ref(f"{name}Line"), **page),
                parameters=[*_regions(), *_filters(register), size, *_paging(register)],
                description=_("按行政区划排序，号码显示为掩码；next 为空时没有下一页。"),
            )
        },
        f"{base}/changes": {
            "get": _operation(
                f"{tag}.changes", tag, _("%(what)s：某时刻以来的变化", what=label),
                _list_of(_ref(f"{name}Line"), next=_NULLABLE, until=_INSTANT),
                parameters=[since, *_regions(), limit, *_paging(register)],
                description=_("先用 next 取完各页，下次从 until 开始；最近几秒的变化下次才给出。"),
            )
        },
        f"{base}/{{id}}": {
            "get": _operation(
                f"{tag}.read", tag, _("%(what)s：读取一份", what=label), _ref(name),
                parameters=[key],
                description=_("完整号码只给可以录入或审核该档案的账号，每次查看记入审计日志。"),
            )
        },
        f"{base}/{{id}}/reveal": {
            "post": _operation(
                f"{tag}.reveal", tag, _("%(what)s：查看一个完整号码", what=label),
                _object({"field": _TEXT, "value": {}}), parameters=[key],
                body=_object({"field": {"type": "string", "enum": _masked(register)}}),
                errors=_WRITE_ERRORS, description=_("每次记入审计日志，每小时有次数限制。"),
            )
        },
    }  # fmt: skip
    if register.flow is not None:
        paths = _merged(paths, _flow_paths(register, key))
    if register.tables:
        tables = [t.name for t in register.tables]
        tables += [WEEK, TREND] if register.progress_table else []
        paths[f"{base}/statistics/{{table}}"] = {
            "get": _operation(
                f"{tag}.statistics", tag, _("%(what)s：统计表", what=label), _ref("Report"),
                parameters=[
                    _parameter("table", {"type": "string", "enum": tables}, where="path"), *_regions(),
                    _parameter("days", {"type": "integer", "enum": list(RANGES)}, _("趋势的天数")),
                ],
            )
        }  # fmt: skip
    return paths


def _masked(register: Register) -> list[str]:
    fields = register.model.__fields__.items()
    return [n for n, made in fields if made.stored and values.masks(made)]


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return one | {path: one.get(path, {}) | methods for path, methods in other.items()}


def _flow_paths(register: Register, key: dict[str, Any]) -> dict[str, Any]:
    name, tag, base = _name(register), register.name, f"{problems.PREFIX}/{register.name}"
    one, label = f"{base}/{{id}}", register.label
    change, record = _ref(f"{name}Change"), _ref(name)
    version = _NUMBER | {"minimum": 0, "maximum": 999_999_999}
    files = [n for n, made in register.fields.items() if made.kind == FILES]
    file_key = _parameter("file_id", _KEY, where="path")
    report = {"type": "array", "items": _ref("Problem")}
    found: dict[str, Any] = {
        one: {
            "patch": _operation(
                f"{tag}.change", tag, _("%(what)s：修改", what=label), record,
                parameters=[key, *_versioned()],
                body=_object({"version": version, "values": change}, "version", "values"),
                errors=_WRITE_ERRORS,
                description=_("只改写出的项目，其余不变；因规则不再显示的项目会清空。未录入的档案由此变为已录入。"),
            ),
            "delete": _operation(
                f"{tag}.clear", tag, _("%(what)s：删除填写的内容", what=label), record,
                parameters=[key, *_versioned()], errors=_WRITE_ERRORS,
                description=_("状态回到未录入，办理记录保留。"),
            ),
        },
        f"{one}/history": {
            "get": _operation(
                f"{tag}.history", tag, _("%(what)s：办理记录", what=label), _list_of(_ref("Step")),
                parameters=[key],
            )
        },
        f"{one}/check": {
            "get": _operation(
                f"{tag}.check", tag, _("%(what)s：上报前检查", what=label),
                _object({"complete": {"type": "boolean"}, "problems": report, "warnings": report}),
                parameters=[key],
            )
        },
        f"{one}/files": {
            "get": _operation(
                f"{tag}.files", tag, _("%(what)s：附件", what=label), _list_of(_ref("File")),
                parameters=[key], description=_("文件内容在各自的 url，用同样的令牌读取。"),
            )
        },
        f"{one}/files/{{field}}": {
            "post": _operation(
                f"{tag}.upload", tag, _("%(what)s：上传附件", what=label), _ref("File"),
                parameters=[
                    key, _parameter("field", {"type": "string", "enum": files}, where="path"), *_once(),
                ],
                body=_object({"file": {"type": "string", "format": "binary"}}),
                media="multipart/form-data", status=201, errors=_WRITE_ERRORS,
            )
        },
        f"{one}/files/{{file_id}}": {
            "delete": _operation(
                f"{tag}.remove", tag, _("%(what)s：移除附件", what=label), record,
                parameters=[key, file_key], errors=_WRITE_ERRORS,
            )
        },
    }  # fmt: skip
    if register.follows_list:
        body = _object({"household_id": _KEY, "values": change}, "values")
        found[base] = {
            "post": _operation(
                f"{tag}.create", tag, _("%(what)s：录入", what=label), record,
                parameters=_once(), body=body, status=201, errors=_WRITE_ERRORS,
                description=_("为名单上还没有录入的农户录入；已录入的请用修改。"),
            )
        }  # fmt: skip
    for step in register.flow.transitions if register.flow else ():
        found[f"{one}/steps/{step.name}"] = {"post": _step(register, step, key, version)}
    return found


def _step(register: Register, step: Transition, key: Any, version: Schema) -> dict[str, Any]:
    person = _object(
        {"name": _TEXT | {"maxLength": 64}, "phone": _TEXT | {"maxLength": 32}}, "name", "phone"
    )
    reasons = {"type": "string", "enum": list(step.reasons)} if step.reasons else _TEXT
    said = {
        "version": version,
        "contact": person | {"description": _("办理人；不填是上次的办理人")},
        "opinion": _TEXT | {"maxLength": 1000},
        "reasons": {"type": "array", "items": reasons},
    }
    states = _("、").join(state.label for state in step.sources)
    notes = [
        _("仅限状态为%(states)s的档案，之后为%(target)s。", states=states, target=step.target.label)
    ]
    if step.complete:
        notes.append(_("内容须完整。"))
    if step.opinion:
        notes.append(_("须写 opinion，或选 reasons。"))
    if step.by_submitter:
        notes.append(_("只有上报的账号可以做。"))
    if step.not_by_submitter:
        notes.append(_("上报的账号自己不能做，除非参数允许自审。"))
    return _operation(
        f"{register.name}.{step.name}", register.name,
        _("%(what)s：%(step)s", what=register.label, step=step_word(step.label)),
        _ref(_name(register)), parameters=[key, *_versioned(), *_once()],
        body=_object(said, *said), errors=_WRITE_ERRORS, description=" ".join(notes),
    )  # fmt: skip


# ---- beside the registers -----------------------------------------------------------------------


def _common_paths() -> dict[str, Any]:
    base = problems.PREFIX
    division = _parameter(
        "id", {"type": "integer", "minimum": 1, "maximum": 999_999_999}, where="path"
    )
    levels = {"type": "string", "enum": [level.name.lower() for level in Level]}
    state = {"type": "string", "enum": [s.value for s in State]}
    capability = _object({"capability": _TEXT, "register": _TEXT})
    record = {"register": _TEXT, "id": _KEY, "state": state, "version": _NUMBER, "url": _TEXT}
    one_list = {
        "name": _TEXT, "title": _TEXT, "fixed": {"type": "boolean"},
        "fields": {"type": "array", "items": _TEXT},
    }  # fmt: skip
    day: Schema = {"type": ["string", "null"], "format": "date"}
    choice = {
        "code": _TEXT, "text": _TEXT, "offered": {"type": "boolean"}, "valid_from": day,
        "valid_to": day, "former_texts": {"type": "array", "items": _TEXT},
    }  # fmt: skip
    me = {
        "account": _TEXT, "name": _TEXT, "token": _NULLABLE, "region": _ref("Division"),
        "capabilities": {"type": "array", "items": capability},
    }  # fmt: skip
    name = _parameter("name", _TEXT | {"pattern": "^[A-Za-z_]{1,40}$"}, where="path")
    household = _parameter("id", _KEY, where="path")
    code = _parameter("code", {"type": "string", "pattern": "^[0-9]{2,12}$"}, _("行政区划代码"))
    query = _parameter("q", _TEXT | {"maxLength": 60}, _("名称、代码或拼音首字母"))
    return {
        f"{base}/household/{{id}}/records": {
            "get": _operation(
                "household.records", "household-records", _("农户的各模块档案"),
                _list_of(_object(record)), parameters=[household],
            )
        },
        f"{base}/divisions": {
            "get": _operation(
                "divisions.search", "divisions", _("查找行政区划"), _list_of(_ref("Division")),
                parameters=[query, code, _parameter("level", levels)],
            )
        },
        f"{base}/divisions/{{id}}": {
            "get": _operation(
                "divisions.read", "divisions", _("一个行政区划"), _ref("Division"), parameters=[division],
            )
        },
        f"{base}/divisions/{{id}}/children": {
            "get": _operation(
                "divisions.children", "divisions", _("直接下级"), _list_of(_ref("Division")),
                parameters=[division],
            )
        },
        f"{base}/choices": {
            "get": _operation("choices.list", "choices", _("全部选项表"), _list_of(_object(one_list)))
        },
        f"{base}/choices/{{name}}": {
            "get": _operation(
                "choices.read", "choices", _("一个选项表"), _list_of(_object(choice)), parameters=[name],
            )
        },
        f"{base}/me": {"get": _operation("me", "system", _("调用者和它的权限"), _object(me))},
        f"{base}/openapi.json": {
            "get": _operation("document", "system", _("本接口的 OpenAPI 文档"), {"type": "object"})
        },
    }  # fmt: skip
