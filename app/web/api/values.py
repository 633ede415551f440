"""Values of fields as JSON: how each kind is described, shown and read.

Types are told exactly: a number is no text, ``yes`` is no truth. What a text then means, and what is
wrong with it, the field itself says as for every form.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from app.core.choices import Choices
from app.core.i18n import _, translate
from app.kernel.declare.field import Field
from app.kernel.declare.rules import Problem
from app.kernel.kinds import (
    CHILDREN,
    CHOICE,
    DATE,
    DECIMAL,
    FILES,
    INTEGER,
    MANY,
    MONEY,
    REGION,
    YEAR,
    YES_NO,
)
from app.kernel.kinds.values import is_missing

Schema = dict[str, Any]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_AMOUNT = r"^-?[0-9]{1,10}(\.[0-9]{1,2})?$"
_NUMBERS = {INTEGER: (None, None), YEAR: (1900, 2100)}
_MOST_KEY = 999_999_999
_CODE = "[0-9]{12}"


# ---- as they are shown ---------------------------------------------------------------------


def shown(made: Field, value: Any, *, whole: bool) -> Any:
    """The value as JSON; masked fields in full only if ``whole``. Missing ones are null, of several
    an empty list.
    """
    if made.kind == CHILDREN:
        return [
            {f.name: shown(f, row.get(f.name), whole=whole) for f in made.rows}
            for row in value or ()
        ]
    if made.kind == MANY:
        return [str(code) for code in value or ()]
    if is_missing(value):
        return None
    if made.masked and not whole:
        return made.mask(value)
    if isinstance(value, Choices):
        return str(value.value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, dt.date) else value


def masks(made: Field) -> bool:
    """Does the field, or one of its rows', hide its value from those who only look?"""
    return made.masked or any(f.masked for f in made.rows)


# ---- as they are described -----------------------------------------------------------------


def schema(made: Field, *, written: bool) -> Schema:
    """JSON Schema of a field's value; ``written``: as a client sends it, else as it is shown."""
    if made.kind == CHILDREN:
        rows = {f.name: schema(f, written=written) for f in made.rows}
        row: Schema = {"type": "object", "properties": rows, "additionalProperties": False}
        if not written:
            row["required"] = list(rows)
        found: Schema = {"type": _or_null("array", written=written), "items": row}
        if written and made.high is not None:
            found["maxItems"] = made.high
    elif made.kind == MANY:
        codes = {"type": "string", "enum": made.codes}
        found = {"type": _or_null("array", written=written), "items": codes}
    else:
        found = _scalar(made, written=written)
    return found | _words(made)


def _or_null(kind: str, *, written: bool) -> Any:
    return [kind, "null"] if written else kind


def _scalar(made: Field, *, written: bool) -> Schema:
    if made.kind == YES_NO:
        return {"type": ["boolean", "null"]}
    if made.kind == CHOICE:
        return {"type": ["string", "null"], "enum": [*made.codes, None]}
    if made.kind == REGION:
        if not written:
            return {"type": ["integer", "null"]}
        key = {"type": ["integer", "null"], "minimum": 1, "maximum": _MOST_KEY}
        return {"anyOf": [key, {"type": "string", "pattern": f"^{_CODE}$"}]}
    if made.kind in _NUMBERS:
        low, high = _NUMBERS[made.kind]
        low, high = (
            (low if made.low is None else made.low),
            (high if made.high is None else made.high),
        )
        bounds = {"minimum": low, "maximum": high} if written else {}
        return {"type": ["integer", "null"]} | {n: v for n, v in bounds.items() if v is not None}
    if made.kind in (DECIMAL, MONEY):
        return {"type": ["string", "null"], "pattern": _AMOUNT, "examples": ["120.50"]}
    if made.kind == DATE:
        return {"type": ["string", "null"], "format": "date"}
    found: Schema = {"type": ["string", "null"]}
    return found | ({"maxLength": made.length} if written else {})


def _words(made: Field) -> Schema:
    """Label, unit, help and the texts of its choices, in the user's language."""
    found: Schema = {"title": translate(made.label)}
    notes = [_("单位：%(unit)s", unit=translate(made.unit))] if made.unit else []
    notes += [translate(made.help)] if made.help else []
    notes += [_("行政区划的 id 或 12 位代码")] if made.kind == REGION else []
    if made.masked:
        notes.append(_("号码只对录入、审核该记录的账号完整显示，其余显示为掩码。"))
    if notes:
        found["description"] = sentences(notes)
    if made.source_list:
        found["x-choices"] = made.options(all_ever=True)
    return found


def sentences(parts: Iterable[str]) -> str:
    """Notes one after the other, each with its full stop."""
    ended = [part if part.endswith(("。", ".")) else part + _("。") for part in parts]
    return " ".join(part.strip() for part in ended)


# ---- as they are read ----------------------------------------------------------------------


def read(
    fields: Mapping[str, Field], said: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """The values that could be read, by field, and what is wrong with all others."""
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, raw in said.items():
        made = fields.get(name)
        if made is None:
            problems.append(Problem(name[:80], "unknown", _("没有这个项目，请核对名称。")))
        elif made.kind == FILES:
            text = _("文件请用上传接口添加，不写在这里。")
            problems.append(Problem(name, f"{name}.files", text))
        elif made.kind == CHILDREN:
            found[name] = _read_rows(made, raw, problems)
        else:
            before = len(problems)
            value = _read(made, raw, name, name, problems)
            if len(problems) == before:
                found[name] = value
    return found, problems


def _read_rows(made: Field, raw: Any, problems: list[Problem]) -> list[dict[str, Any]]:
    if raw is None:
        return []
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        problems.append(_wrong_type(made, made.name, made.name))
        return []
    known = {f.name: f for f in made.rows}
    rows = []
    for number, said in enumerate(raw[: (made.high or 0) + 1]):  # one too many is told by the rules
        row: dict[str, Any] = dict.fromkeys(known)
        for name, value in said.items():
            where = f"{made.name}-{number}-{name[:80]}"
            if name not in known:
                problems.append(Problem(where, "unknown", _("没有这个项目，请核对名称。")))
                continue
            parsed = _read(known[name], value, where, f"{made.name}.{name}", problems)
            row[name] = parsed.value if isinstance(parsed, Choices) else parsed
        rows.append(row)
    return rows


def _read(made: Field, raw: Any, where: str, code: str, problems: list[Problem]) -> Any:
    if raw is None:
        return made.parse(None)
    if not _of_kind(made, raw):
        problems.append(_wrong_type(made, where, code))
        return None
    try:
        return made.parse(_as_text(made, raw))
    except ValueError as error:
        problems.append(Problem(where, f"{code}.kind", str(error)))
        return None


def _of_kind(made: Field, raw: Any) -> bool:
    if made.kind == YES_NO:
        return isinstance(raw, bool)
    if made.kind == MANY:
        return isinstance(raw, list) and all(isinstance(code, str) for code in raw)
    if made.kind == REGION and isinstance(raw, str):
        return re.fullmatch(_CODE, raw) is not None
    if made.kind in _NUMBERS or made.kind == REGION:
        return isinstance(raw, int | float) and not isinstance(raw, bool) and raw == raw // 1
    if made.kind in (DECIMAL, MONEY):
        return isinstance(raw, str) and re.fullmatch(_AMOUNT, raw) is not None
    if made.kind == DATE:
        return isinstance(raw, str) and _DAY.fullmatch(raw) is not None
    return isinstance(raw, str)


def _as_text(made: Field, raw: Any) -> Any:
    if made.kind == YES_NO:
        return "yes" if raw else "no"
    if made.source_list:  # codes only: what a form's reader takes for one is ours to know
        known = made.codes
        wrong = [c for c in (raw if isinstance(raw, list) else [raw]) if c not in known]
        if wrong:
            raise ValueError(_("“%(text)s”不在选项中，请从列表中选择。", text=str(wrong[0])[:30]))
        return raw
    if made.kind in _NUMBERS or (made.kind == REGION and not isinstance(raw, str)):
        return str(int(raw))
    if len(raw) > made.length and made.kind not in (DECIMAL, MONEY, DATE):
        text = _("最多 %(n)s 个字，现有 %(m)s 个。", n=made.length, m=len(raw))
        raise ValueError(text)
    return raw


def _wrong_type(made: Field, where: str, code: str) -> Problem:
    """The message names the JSON type that is wanted."""
    wanted = {
        YES_NO: _("应为 true 或 false。"),
        MANY: _("应为选项代码的数组。"),
        INTEGER: _("应为整数，不加引号。"),
        YEAR: _("应为整数，不加引号。"),
        REGION: _("应为行政区划的 id，或加引号的 12 位代码。"),
        DECIMAL: _('应为加引号的数字，例如 "120.50"。'),
        MONEY: _('应为加引号的数字，例如 "120.50"。'),
        DATE: _('应为日期，例如 "2024-09-07"。'),
        CHILDREN: _("应为对象的数组。"),
    }
    return Problem(where, f"{code}.type", wanted.get(made.kind) or _("应为文字。"))
