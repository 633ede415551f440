"""One register in the document of the API: its schemas and its addresses."""

from __future__ import annotations

from typing import Any

from app.core.i18n import _, step_word, translate
from app.kernel.declare.condition_words import describe
from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.field import Field
from app.kernel.declare.flow import Transition
from app.kernel.declare.register import Register
from app.kernel.declare.tables import TREND, WEEK
from app.kernel.lists.combined import WHERE, How
from app.kernel.lists.ledger import SIZES
from app.kernel.lists.query import PLACE_NAMES, decisions
from app.kernel.reports.trend import RANGES
from app.web.api import parts, shapes, values
from app.web.api.values import Schema
from app.web.frame import problems


def _name(register: Register) -> str:
    return register.model.__name__


def _facts(register: Register) -> dict[str, Schema]:
    kinds: dict[str, Schema] = {
        "id": parts.KEY,
        "household_id": parts.KEY,
        "version": parts.NUMBER,
        "predecessor_id": {"type": ["string", "null"], "format": "uuid"},
    }
    found = {name: kinds.get(name, parts.INSTANT) for name in shapes.facts(register.model)}
    found["region"] = parts.ref("Place")
    kept = shapes.kept_fields(register)
    return found | {name: values.schema(made, written=False) for name, made in kept.items()}


def schemas(register: Register) -> dict[str, Schema]:
    fields = shapes.form_fields(register)
    read = {name: values.schema(made, written=False) for name, made in fields.items()}
    name, facts = _name(register), _facts(register)
    listed = parts.object_of(facts | {"values": parts.object_of(read, *read)})
    whole: dict[str, Any] = facts | {
        "values": parts.ref(f"{name}Values"),
        "masked": {"type": "array", "items": parts.TEXT, "description": _("显示为掩码的项目")},
    }
    found = {f"{name}Values": parts.object_of(read), f"{name}Line": listed}
    if register.entered:
        whole |= {
            "may_edit": {"type": "boolean"},
            "steps": {"type": "array", "items": parts.TEXT, "description": _("现在可以做的操作")},
            "files": {"type": "array", "items": parts.ref("File")},
            "cleared": {
                "type": "array",
                "items": parts.TEXT,
                "description": _("写入后：写了但按规则不显示、因此清空的项目"),
            },
        }
        written = {n: _written(register, made) for n, made in fields.items()}
        found[f"{name}Change"] = parts.object_of(written, *written)
    return found | {name: parts.object_of(whole, "cleared")}


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
    for name in register.lists.filters.split():
        made = register.model.__fields__[name]
        found.append(
            parts.parameter(name, values.JSON[made.kind].filter(made), translate(made.label))
        )
    for name, (label, _level) in PLACE_NAMES.items():
        found.append(parts.parameter(name, parts.TEXT | {"maxLength": 30}, translate(label)))
    if register.figures:
        names = {"type": "string", "enum": list(register.figures)}
        texts = _("；").join(f"{n}: {f.text}" for n, f in register.figures.items())
        found.append(
            parts.parameter(
                "figure", names, " ".join((_("统计项，即统计表中一个数字背后的记录。"), texts))
            )
        )
    for name in decisions(register):
        text = _("只要这一天（含）以后审核的")
        found.append(parts.parameter(name, {"type": "string", "format": "date"}, text))
    text = _(
        "综合查询的一个条件，可以重复：项目:方式:值，如 area:in:60..80、way:any:repair,rebuild、"
        "completed_on:empty、region:within:编号；同组条件都要符合，写 or 开始另一组，符合任一组即可。方式有 %(ways)s。",
        ways=", ".join(How),
    )
    found.append(parts.parameter(WHERE, {"type": "array", "items": parts.TEXT}, text))
    text = _("1：只要在本地区、但没有确定下级地区的")
    found.append(parts.parameter("unplaced", {"type": "string", "enum": ["0", "1"]}, text))
    return found


def _paging(register: Register) -> list[Any]:
    fields = ", ".join(shapes.form_fields(register))
    text = " ".join((_("要返回的项目，用逗号分隔；不填是台账的各列。"), fields))
    return [
        parts.parameter("cursor", parts.TEXT, _("上一页的 next")),
        parts.parameter("fields", parts.TEXT, text),
    ]


def paths(register: Register) -> dict[str, Any]:
    name, tag, base = _name(register), register.name, f"{problems.PREFIX}/{register.name}"
    label = register.label
    key = parts.parameter("id", parts.KEY, where="path")
    page = {"count": parts.NUMBER, "count_exact": {"type": "boolean"}, "next": parts.NULLABLE}
    size = parts.parameter("size", {"type": "integer", "enum": list(SIZES)}, _("每页条数"))
    since = parts.parameter(
        "since", {"type": "string", "format": "date-time"},
        _("从这个时刻起；没有时区的按北京时间"), required=True,
    )  # fmt: skip
    limit = parts.parameter(
        "limit", {"type": "integer", "minimum": 1, "maximum": 500}, _("每页条数")
    )
    paths: dict[str, Any] = {
        base: {
            "get": parts.operation(
                f"{tag}.list", tag, _("%(what)s：查询", what=label),
                parts.list_of(parts.ref(f"{name}Line"), **page),
                parameters=[*parts.regions(), *_filters(register), size, *_paging(register)],
                description=_("按行政区划排序，号码显示为掩码；next 为空时没有下一页。"),
            )
        },
        f"{base}/changes": {
            "get": parts.operation(
                f"{tag}.changes", tag, _("%(what)s：某时刻以来的变化", what=label),
                parts.list_of(_changed(register), next=parts.NULLABLE, until=parts.INSTANT),
                parameters=[since, *parts.regions(), limit, *_paging(register)],
                description=_("先用 next 取完各页，下次从 until 开始；最近几秒的变化下次才给出。")
                + (_("已删除的只有 id、version、changed_at 和 deleted。") if register.keeps else ""),
            )
        },
        f"{base}/{{id}}": {
            "get": parts.operation(
                f"{tag}.read", tag, _("%(what)s：读取一份", what=label), parts.ref(name),
                parameters=[key],
                description=_("完整号码只给可以录入或审核该记录的账号，每次查看记入审计日志。"),
            )
        },
        f"{base}/{{id}}/reveal": {
            "post": parts.operation(
                f"{tag}.reveal", tag, _("%(what)s：查看一个完整号码", what=label),
                parts.object_of({"field": parts.TEXT, "value": {}}), parameters=[key],
                body=parts.object_of({"field": {"type": "string", "enum": _masked(register)}}),
                errors=parts.WRITE_ERRORS, description=_("每次记入审计日志，每小时有次数限制。"),
            )
        },
    }  # fmt: skip
    if register.entered:
        paths = _merged(paths, _entry_paths(register, key))
    if register.tables:
        tables = [t.name for t in register.tables]
        tables += [WEEK, TREND] if register.progress_table else []
        paths[f"{base}/statistics/{{table}}"] = {
            "get": parts.operation(
                f"{tag}.statistics", tag, _("%(what)s：统计表", what=label), parts.ref("Report"),
                parameters=[
                    parts.parameter("table", {"type": "string", "enum": tables}, where="path"), *parts.regions(),
                    parts.parameter("days", {"type": "integer", "enum": list(RANGES)}, _("趋势的天数")),
                    parts.parameter("sort", {"type": "string"}, _("按第几列排序，负数为从大到小")),
                    *_years(register),
                ],
            )
        }  # fmt: skip
    return paths


def _changed(register: Register) -> Schema:
    """A line of what changed: of what was deleted and is kept only that it was."""
    line = parts.ref(f"{_name(register)}Line")
    if not register.keeps:
        return line
    gone = {
        "id": parts.KEY,
        "version": parts.NUMBER,
        "changed_at": parts.INSTANT,
        "deleted": {"const": True},
    }
    return {"oneOf": [line, parts.object_of(gone, *gone)]}


def _years(register: Register) -> list[dict[str, Any]]:
    """The year of which a table tells, where figures are counted by year."""
    if register.years is None:
        return []
    offered = {"type": "integer", "enum": list(register.years.offered())}
    found = [parts.parameter("year", offered, _("年度，不写为全部年度"))]
    if register.kinds:
        codes = {"type": "string", "enum": list(register.kinds)}
        found.append(parts.parameter("kind", codes, _("该年度的分类，不写为全部")))
    return found


def _masked(register: Register) -> list[str]:
    fields = register.model.__fields__.items()
    return [n for n, made in fields if made.stored and values.masks(made)]


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return one | {path: one.get(path, {}) | methods for path, methods in other.items()}


_Paths = dict[str, dict[str, Any]]


def _entry_paths(register: Register, key: dict[str, Any]) -> _Paths:
    """What is written, and what is read of it beside."""
    one = f"{problems.PREFIX}/{register.name}/{{id}}"
    found = _merged(_editing(register, one, key), _looks(register, one, key))
    if register.file_fields:
        found = _merged(found, _files(register, one, key))
    if register.creates is not None:
        found = _merged(found, _creation(register, one, key))
    elif register.follows:
        found = _merged(found, _first_entry(register))
    if register.renewal:
        found = _merged(found, _renewal(register, one, key))
    if register.keeps:
        found = _merged(found, _restoration(register, one, key))
    for step in register.flow.transitions if register.flow else ():
        found[f"{one}/steps/{step.name}"] = {"post": _step(register, step, key, _VERSION)}
    return found


_VERSION = parts.NUMBER | {"minimum": 0, "maximum": 999_999_999}


def _sent(register: Register) -> Schema:
    """The values of a form, as they are written."""
    return parts.ref(f"{_name(register)}Change")


def _editing(register: Register, one: str, key: dict[str, Any]) -> _Paths:
    tag, label, record = register.name, register.label, parts.ref(_name(register))
    return {
        one: {
            "patch": parts.operation(
                f"{tag}.change", tag, _("%(what)s：修改", what=label), record,
                parameters=[key, *parts.versioned()],
                body=parts.object_of({"version": _VERSION, "values": _sent(register)}, "version", "values"),
                errors=parts.WRITE_ERRORS,
                description=_("只改写出的项目，其余不变；因规则不再显示的项目会清空。未录入的由此变为已录入。"),
            ),
            "delete": parts.operation(
                f"{tag}.clear", tag, _("%(what)s：删除填写的内容", what=label), record,
                parameters=[key, *parts.versioned()], errors=parts.WRITE_ERRORS,
                description=_("状态回到未录入，办理记录保留。"),
            ),
        }
    }  # fmt: skip


def _looks(register: Register, one: str, key: dict[str, Any]) -> _Paths:
    """Its history, and what is wrong with it before it is submitted."""
    tag, label = register.name, register.label
    report = {"type": "array", "items": parts.ref("Problem")}
    return {
        f"{one}/history": {
            "get": parts.operation(
                f"{tag}.history", tag, _("%(what)s：办理记录", what=label), parts.list_of(parts.ref("Step")),
                parameters=[key],
            )
        },
        f"{one}/check": {
            "get": parts.operation(
                f"{tag}.check", tag, _("%(what)s：上报前检查", what=label),
                parts.object_of({"complete": {"type": "boolean"}, "problems": report, "warnings": report}),
                parameters=[key],
            )
        },
    }  # fmt: skip


def _files(register: Register, one: str, key: dict[str, Any]) -> _Paths:
    tag, label = register.name, register.label
    field = {"type": "string", "enum": list(register.file_fields)}
    return {
        f"{one}/files": {
            "get": parts.operation(
                f"{tag}.files", tag, _("%(what)s：附件", what=label), parts.list_of(parts.ref("File")),
                parameters=[key], description=_("文件内容在各自的 url，用同样的令牌读取。"),
            )
        },
        f"{one}/files/{{field}}": {
            "post": parts.operation(
                f"{tag}.upload", tag, _("%(what)s：上传附件", what=label), parts.ref("File"),
                parameters=[key, parts.parameter("field", field, where="path"), *parts.once()],
                body=parts.object_of({"file": {"type": "string", "format": "binary"}}),
                media="multipart/form-data", status=201, errors=parts.WRITE_ERRORS,
            )
        },
        f"{one}/files/{{file_id}}": {
            "delete": parts.operation(
                f"{tag}.remove", tag, _("%(what)s：移除附件", what=label), parts.ref(_name(register)),
                parameters=[key, parts.parameter("file_id", parts.KEY, where="path")],
                errors=parts.WRITE_ERRORS,
            )
        },
    }  # fmt: skip


def _creation(register: Register, one: str, key: dict[str, Any]) -> _Paths:
    """Where users make the records; what they delete is gone then, or is kept."""
    tag, label = register.name, register.label
    body = {"region": parts.NUMBER, "region_code": parts.TEXT}
    if register.key:
        says = _("已有%(parts)s相同的记录时修改它（200），而不是拒绝", parts=register.key_label)
        body["upsert"] = {"type": "boolean", "description": says}
    return {
        f"{problems.PREFIX}/{register.name}": {
            "post": parts.operation(
                f"{tag}.create", tag, _("%(what)s：新增", what=label), parts.ref(_name(register)),
                parameters=parts.once(),
                body=parts.object_of(body | {"values": _sent(register)}, "values"),
                status=201, errors=parts.WRITE_ERRORS,
                description=_("行政区划用 region（编号）或 region_code（代码）写明。"),
            )
        },
        one: {
            "delete": parts.operation(
                f"{tag}.clear", tag, _("%(what)s：删除", what=label), None,
                parameters=[key, *parts.versioned()], status=204, errors=parts.WRITE_ERRORS,
                body=_with_reason() if register.keeps else None,
                description=_("须写明原因；永久保存，县级管理用户可以恢复。") if register.keeps else "",
            )
        },
    }  # fmt: skip


def _with_reason() -> Schema:
    """The body of what says why."""
    return parts.object_of(
        {"version": _VERSION, "reason": parts.TEXT | {"maxLength": 1000}}, "reason"
    )


def _restoration(register: Register, one: str, key: dict[str, Any]) -> _Paths:
    """What was deleted and is kept comes back."""
    return {
        f"{one}/restore": {
            "post": parts.operation(
                f"{register.name}.restore", register.name, _("%(what)s：恢复已删除的", what=register.label),
                parts.ref(_name(register)),
                parameters=[key, *parts.versioned()], body=_with_reason(), errors=parts.WRITE_ERRORS,
                description=_("须写明原因；只有县级管理用户可以恢复。"),
            )
        }
    }  # fmt: skip


def _first_entry(register: Register) -> _Paths:
    """Of a household that its list has got."""
    body = parts.object_of({"household_id": parts.KEY, "values": _sent(register)}, "values")
    return {
        f"{problems.PREFIX}/{register.name}": {
            "post": parts.operation(
                f"{register.name}.create", register.name, _("%(what)s：录入", what=register.label),
                parts.ref(_name(register)),
                parameters=parts.once(), body=body, status=201, errors=parts.WRITE_ERRORS,
                description=_("为名单上还没有录入的农户录入；已录入的请用修改。"),
            )
        }
    }  # fmt: skip


def _renewal(register: Register, one: str, key: dict[str, Any]) -> _Paths:
    text = _("%(what)s：在已审核通过的记录之后新增一份", what=register.label)
    return {
        f"{one}/renew": {
            "post": parts.operation(
                f"{register.name}.renew", register.name, text, parts.ref(_name(register)),
                parameters=[key, *parts.once()], body=parts.object_of({}), status=201,
                errors=parts.WRITE_ERRORS,
                description=_("原记录留作历史；新的一份带出原记录的内容，用修改（PATCH）填写，保存后生效。"),
            )
        }
    }  # fmt: skip


def _step(register: Register, step: Transition, key: Any, version: Schema) -> dict[str, Any]:
    person = parts.object_of(
        {"name": parts.TEXT | {"maxLength": 64}, "phone": parts.TEXT | {"maxLength": 32}},
        "name",
        "phone",
    )
    reasons = {"type": "string", "enum": list(step.reasons)} if step.reasons else parts.TEXT
    said = {
        "version": version,
        "contact": person | {"description": _("办理人；不填是上次的办理人")},
        "opinion": parts.TEXT | {"maxLength": 1000},
        "reasons": {"type": "array", "items": reasons},
    }
    states = _("、").join(register.state_text(state) for state in step.sources)
    notes = [
        _(
            "仅限状态为%(states)s的记录，之后为%(target)s。",
            states=states,
            target=register.state_text(step.target),
        )
    ]
    if step.complete:
        notes.append(_("内容须完整。"))
    if step.opinion:
        notes.append(_("须写 opinion，或选 reasons。"))
    if step.by_submitter:
        notes.append(_("只有上报的账号可以做。"))
    if step.not_by_submitter:
        notes.append(_("上报的账号自己不能做，除非参数允许自审。"))
    return parts.operation(
        f"{register.name}.{step.name}", register.name,
        _("%(what)s：%(step)s", what=register.label, step=step_word(step.label)),
        parts.ref(_name(register)), parameters=[key, *parts.versioned(), *parts.once()],
        body=parts.object_of(said, *said), errors=parts.WRITE_ERRORS, description=" ".join(notes),
    )  # fmt: skip
