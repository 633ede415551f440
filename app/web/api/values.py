"""Values of fields as JSON: how each kind is described, shown and read, in one table (``JSON``).

Types are told exactly: a number is no text, ``yes`` is no truth. What a text then means, and what is
wrong with it, the field itself says as for every form.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from app.core.choices import Choices
from app.core.i18n import _, mark, translate
from app.kernel.declare.field import Field
from app.kernel.declare.rules import Problem
from app.kernel.kinds.children import Rows
from app.kernel.kinds.choice import OneOf, SomeOf, YesNo
from app.kernel.kinds.date import Day
from app.kernel.kinds.kind import PerKind
from app.kernel.kinds.number import Amount, Whole, Year
from app.kernel.kinds.photo import Files
from app.kernel.kinds.region import Division
from app.kernel.kinds.values import is_missing

Schema = dict[str, Any]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_AMOUNT = r"^-?[0-9]{1,10}(\.[0-9]{1,2})?$"
_MOST_KEY = 999_999_999
_CODE = "[0-9]{12}"


class Json:
    """A text; the others say what is different."""

    wanted: ClassVar[str] = mark("应为文字。")  # said where the type is another
    note: ClassVar[str] = ""  # stands in the description of the field

    def schema(self, made: Field, *, written: bool) -> Schema:
        """JSON Schema of a value; ``written``: as a client sends it, else as it is shown."""
        found: Schema = {"type": ["string", "null"]}
        return found | ({"maxLength": made.length} if written else {})

    def described(self, made: Field, *, written: bool) -> Schema:
        """The same with label, unit, help and the texts of its choices, in the user's language."""
        found: Schema = {"title": translate(made.label)}
        notes = [_("单位：%(unit)s", unit=translate(made.unit))] if made.unit else []
        notes += [translate(made.help)] if made.help else []
        notes += [translate(self.note)] if self.note else []
        if made.masked:
            notes.append(_("号码只对录入、审核该记录的账号完整显示，其余显示为掩码。"))
        if notes:
            found["description"] = sentences(notes)
        if made.source_list:
            found["x-choices"] = made.options(all_ever=True)
        return self.schema(made, written=written) | found

    def filter(self, made: Field) -> Schema:
        """JSON Schema of what the filter of a list takes."""
        return {"type": "string", "maxLength": 64}

    def shown(self, made: Field, value: Any, *, whole: bool) -> Any:
        """The value as JSON, null where it is missing; a masked one in full only if ``whole``."""
        if is_missing(value):
            return None
        if made.masked and not whole:
            return made.mask(value)
        if isinstance(value, Choices):
            return str(value.value)
        if isinstance(value, Decimal):
            return f"{value:f}"
        return value.isoformat() if isinstance(value, dt.date) else value

    def fits(self, raw: Any) -> bool:
        """Is it of the type that is wanted?"""
        return isinstance(raw, str)

    def text(self, made: Field, raw: Any) -> Any:
        """What the field's own reader is given.

        :raises ValueError: with a message, where that would take more than the document promises.
        """
        if len(raw) > made.length:
            text = _("最多 %(n)s 个字，现有 %(m)s 个。", n=made.length, m=len(raw))
            raise ValueError(text)
        return raw

    def read(self, made: Field, raw: Any, where: str, code: str, problems: list[Problem]) -> Any:
        """The value of what a client sent; what is wrong with it is added to the ``problems``."""
        if raw is None:
            return made.parse(None)
        if not self.fits(raw):
            problems.append(self.wrong_type(where, code))
            return None
        try:
            return made.parse(self.text(made, raw))
        except ValueError as error:
            problems.append(Problem(where, f"{code}.kind", str(error)))
            return None

    def wrong_type(self, where: str, code: str) -> Problem:
        """The message names the JSON type that is wanted."""
        return Problem(where, f"{code}.type", translate(self.wanted))


class _YesNo(Json):
    wanted = mark("应为 true 或 false。")

    def schema(self, made: Field, *, written: bool) -> Schema:
        return {"type": ["boolean", "null"]}

    def filter(self, made: Field) -> Schema:
        return {"type": "string", "enum": ["yes", "no"]}

    def fits(self, raw: Any) -> bool:
        return isinstance(raw, bool)

    def text(self, made: Field, raw: Any) -> str:
        return "yes" if raw else "no"


class _OneOf(Json):
    def schema(self, made: Field, *, written: bool) -> Schema:
        return {"type": ["string", "null"], "enum": [*made.codes, None]}

    def filter(self, made: Field) -> Schema:
        return {"type": "array", "items": {"type": "string", "enum": made.codes}}

    def text(self, made: Field, raw: Any) -> Any:
        return _codes_only(made, raw, [raw])


class _SomeOf(Json):
    wanted = mark("应为选项代码的数组。")

    def schema(self, made: Field, *, written: bool) -> Schema:
        codes = {"type": "string", "enum": made.codes}
        return {"type": _or_null("array", written=written), "items": codes}

    def filter(self, made: Field) -> Schema:
        return {"type": "array", "items": {"type": "string", "enum": made.codes}}

    def shown(self, made: Field, value: Any, *, whole: bool) -> list[str]:
        return [str(code) for code in value or ()]

    def fits(self, raw: Any) -> bool:
        return isinstance(raw, list) and all(isinstance(code, str) for code in raw)

    def text(self, made: Field, raw: Any) -> Any:
        return _codes_only(made, raw, raw) if made.source_list else super().text(made, raw)


class _Whole(Json):
    wanted = mark("应为整数，不加引号。")

    def __init__(self, least: int | None = None, most: int | None = None) -> None:
        self.least, self.most = least, most

    def schema(self, made: Field, *, written: bool) -> Schema:
        found: Schema = {"type": ["integer", "null"]}
        if not written:
            return found
        bounds = {
            "minimum": self.least if made.low is None else made.low,
            "maximum": self.most if made.high is None else made.high,
        }
        return found | {name: bound for name, bound in bounds.items() if bound is not None}

    def fits(self, raw: Any) -> bool:
        return isinstance(raw, int | float) and not isinstance(raw, bool) and raw == raw // 1

    def text(self, made: Field, raw: Any) -> str:
        return str(int(raw))


class _Amount(Json):
    wanted = mark('应为加引号的数字，例如 "120.50"。')

    def schema(self, made: Field, *, written: bool) -> Schema:
        return {"type": ["string", "null"], "pattern": _AMOUNT, "examples": ["120.50"]}

    def fits(self, raw: Any) -> bool:
        return isinstance(raw, str) and re.fullmatch(_AMOUNT, raw) is not None

    def text(self, made: Field, raw: Any) -> Any:
        return raw


class _Day(Json):
    wanted = mark('应为日期，例如 "2024-09-07"。')

    def schema(self, made: Field, *, written: bool) -> Schema:
        return {"type": ["string", "null"], "format": "date"}

    def fits(self, raw: Any) -> bool:
        return isinstance(raw, str) and _DAY.fullmatch(raw) is not None

    def text(self, made: Field, raw: Any) -> Any:
        return raw


class _Division(_Whole):
    wanted = mark("应为行政区划的 id，或加引号的 12 位代码。")
    note = mark("行政区划的 id 或 12 位代码")

    def schema(self, made: Field, *, written: bool) -> Schema:
        if not written:
            return {"type": ["integer", "null"]}
        key = {"type": ["integer", "null"], "minimum": 1, "maximum": _MOST_KEY}
        return {"anyOf": [key, {"type": "string", "pattern": f"^{_CODE}$"}]}

    def fits(self, raw: Any) -> bool:
        if isinstance(raw, str):
            return re.fullmatch(_CODE, raw) is not None
        return super().fits(raw)

    def text(self, made: Field, raw: Any) -> str:
        return raw if isinstance(raw, str) else super().text(made, raw)


class _Rows(Json):
    wanted = mark("应为对象的数组。")

    def schema(self, made: Field, *, written: bool) -> Schema:
        rows = {f.name: schema(f, written=written) for f in made.rows}
        row: Schema = {"type": "object", "properties": rows, "additionalProperties": False}
        if not written:
            row["required"] = list(rows)
        found: Schema = {"type": _or_null("array", written=written), "items": row}
        if written and made.high is not None:
            found["maxItems"] = made.high
        return found

    def shown(self, made: Field, value: Any, *, whole: bool) -> list[Schema]:
        return [
            {f.name: shown(f, row.get(f.name), whole=whole) for f in made.rows}
            for row in value or ()
        ]

    def read(
        self, made: Field, raw: Any, where: str, code: str, problems: list[Problem]
    ) -> list[dict[str, Any]]:
        if raw is None:
            return []
        if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
            problems.append(self.wrong_type(where, code))
            return []
        most = (made.high or 0) + 1  # one too many is told by the rules
        return [_read_row(made, number, said, problems) for number, said in enumerate(raw[:most])]


class _Files(Json):
    def read(self, made: Field, raw: Any, where: str, code: str, problems: list[Problem]) -> None:
        text = _("文件请用上传接口添加，不写在这里。")
        problems.append(Problem(where, f"{code}.files", text))


#: What JSON each kind is; a kind that is not named is what it derives from, or a text.
JSON: PerKind[Json] = PerKind(
    Json(),
    {
        YesNo: _YesNo(),
        OneOf: _OneOf(),
        SomeOf: _SomeOf(),
        Whole: _Whole(),
        Year: _Whole(Year.least, Year.most),
        Amount: _Amount(),
        Day: _Day(),
        Division: _Division(),
        Rows: _Rows(),
        Files: _Files(),
    },
)


def shown(made: Field, value: Any, *, whole: bool) -> Any:
    """The value as JSON; masked fields in full only if ``whole``. Missing ones are null, of several
    an empty list.
    """
    return JSON[made.kind].shown(made, value, whole=whole)


def masks(made: Field) -> bool:
    """Does the field, or one of its rows', hide its value from those who only look?"""
    return made.masked or any(f.masked for f in made.rows)


def schema(made: Field, *, written: bool) -> Schema:
    """JSON Schema of a field's value; ``written``: as a client sends it, else as it is shown."""
    return JSON[made.kind].described(made, written=written)


def sentences(parts: Iterable[str]) -> str:
    """Notes one after the other, each with its full stop."""
    ended = [part if part.endswith(("。", ".")) else part + _("。") for part in parts]
    return " ".join(part.strip() for part in ended)


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
            continue
        before = len(problems)
        value = JSON[made.kind].read(made, raw, name, name, problems)
        if made.rows or len(problems) == before:  # rows stand, without the part that is wrong
            found[name] = value
    return found, problems


def _read_row(
    made: Field, number: int, said: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Any]:
    known = {f.name: f for f in made.rows}
    row: dict[str, Any] = dict.fromkeys(known)
    for name, value in said.items():
        where = f"{made.name}-{number}-{name[:80]}"
        if name not in known:
            problems.append(Problem(where, "unknown", _("没有这个项目，请核对名称。")))
            continue
        reader = JSON[known[name].kind]
        parsed = reader.read(known[name], value, where, f"{made.name}.{name}", problems)
        row[name] = parsed.value if isinstance(parsed, Choices) else parsed
    return row


def _codes_only(made: Field, raw: Any, codes: list[str]) -> Any:
    """What a form's reader takes for a code is ours to know; a client sends codes.

    :raises ValueError: one of the ``codes`` is none.
    """
    known = made.codes
    if wrong := [code for code in codes if code not in known]:
        raise ValueError(_("“%(text)s”不在选项中，请从列表中选择。", text=wrong[0][:30]))
    return raw


def _or_null(kind: str, *, written: bool) -> Any:
    return [kind, "null"] if written else kind
