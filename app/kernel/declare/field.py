"""What a field is: its label, rules and choices, how its values are read, shown and compared.

Fields are made by the helpers of :mod:`app.kernel.declare.fields`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Boolean, Date, ForeignKey, Integer, Numeric, SmallInteger
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.access.divisions import match as region_match
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.core.choices import Choices
from app.core.clock import today
from app.core.i18n import translate
from app.core.types import CodeSetType, CodeType, NfcText, nfc
from app.kernel.declare import choice_lists
from app.kernel.declare.expressions import (
    ALWAYS,
    Compare,
    Count,
    Expr,
    Given,
    Has,
    In,
    Ref,
    Valid,
    Year,
    term,
)
from app.kernel.declare.formulas import Formula
from app.kernel.kinds import formats
from app.kernel.kinds.values import is_missing


class FieldKind(str):
    """Name of a kind of field; the form, the import and the export know how each looks."""

    __slots__ = ()


TEXT, TEXTAREA, INTEGER, DECIMAL, MONEY, DATE, YEAR = (
    FieldKind(k) for k in ("text", "textarea", "integer", "decimal", "money", "date", "year")
)
YES_NO, CHOICE, MANY = (FieldKind(k) for k in ("yes_no", "choice", "many"))
ID_NUMBER, PHONE, USCC, ACCOUNT = (FieldKind(k) for k in ("id_number", "phone", "uscc", "account"))
CHILDREN, FILES = (FieldKind(k) for k in ("children", "files"))
REGION = FieldKind("region")

_SEVERITIES = {"error", "warning"}
#: Characters that nobody sees; PostgreSQL refuses NUL, UTF-8 half surrogates.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_COMPACT_DATE = re.compile("[0-9]{8}")
_WHOLE = re.compile("-?[0-9]+")
_DECIMAL = re.compile("-?[0-9]+(\\.[0-9]*)?")

_MENDS: dict[str, Callable[[str], str]] = {
    ID_NUMBER: formats.mend_id_number,
    PHONE: formats.mend_phone,
    USCC: formats.mend_uscc,
    ACCOUNT: formats.mend_account,
}


@dataclass(frozen=True)
class Check:
    """A rule on a field: it is broken where ``wrong`` holds. ``severity`` warning never blocks.

    ``explain`` may give a message for the very value, better than the general one.
    """

    code: str
    wrong: Expr
    message: str
    severity: str = "error"
    explain: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        if self.severity not in _SEVERITIES:
            raise ValueError(f"{self.code}: unknown severity {self.severity}")

    def say(self, value: Any) -> str:
        """The message in the user's language."""
        return self.explain(str(value)) if self.explain else translate(self.message)


@dataclass(eq=False)
class Field:
    """One field of a register. ``name`` is known once its class exists."""

    kind: FieldKind
    label: str
    shown: Expr = ALWAYS
    required: bool = True
    choices: type[Choices] | None = None
    list_name: str | None = None  # a list of the ministry's, see app.kernel.declare.choice_lists
    leaves_out: tuple[str, ...] = ()  # codes of its list that are no choice here
    words: Mapping[str, str] = dataclass_field(default_factory=dict)  # code -> its text here
    length: int = 100
    low: Any = None
    high: Any = None
    unit: str = ""
    help: str = ""
    source: str = ""
    masked: bool = False
    system: bool = False  # kept by the kernel, in no form
    default: Any = None  # makes the column NOT NULL
    computed: Formula | Expr | None = None  # worked out from other fields, never typed
    chooser: str = ""  # what its values may be chosen from on a map: "parcel"
    found_in: str = ""  # register.field in which its number must be found
    accept: str = ""  # files: "photo" or "paper"
    taken_on: str = ""  # photos: the field that says on which day they should have been taken
    level: Level = Level.VILLAGE  # region: the level of division that is chosen
    rows: tuple[Field, ...] = ()  # children: their fields
    since: int = 0  # many: calendar years from this one on, instead of a list
    checks: list[Check] = dataclass_field(default_factory=list)
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    # ---- conditions -------------------------------------------------------------------
    @property
    def ref(self) -> Ref:
        return Ref(self)

    def is_(self, value: Any) -> Expr:
        return In(self.ref, (value,))

    def in_(self, *values: Any) -> Expr:
        return In(self.ref, tuple(self._member(v) for v in values))

    def has(self, code: Any) -> Expr:
        return Has(self.ref, code)

    @property
    def yes(self) -> Expr:
        return In(self.ref, (True,))

    @property
    def no(self) -> Expr:
        return In(self.ref, (False,))

    @property
    def given(self) -> Expr:
        return Given(self.ref)

    @property
    def valid(self) -> Expr:
        return Valid(self.kind, self.ref)

    @property
    def year(self) -> Year:
        return Year(self.ref)

    @property
    def count(self) -> Count:
        return Count(self)

    @property
    def operand(self) -> Ref:
        """What a comparison means by this field: its value, of children and files their number."""
        return self.count if self.kind in (FILES, CHILDREN) else self.ref

    def compare(self, op: str, other: Any) -> Expr:
        """``op`` is one of eq lt le gt ge; false when either side is missing."""
        return Compare(op, self.operand, term(other))

    def _member(self, value: Any) -> Any:
        return self.choices(value) if self.choices else value

    # ---- column -----------------------------------------------------------------------
    @property
    def stored(self) -> bool:
        """Has a column of its own (files have rows in ``attachment``)."""
        return self.kind != FILES

    @property
    def typed(self) -> bool:
        """Is it given by whoever fills in the form? Files are sent by themselves."""
        return self.kind != FILES and self.computed is None

    def compute(self, values: Mapping[str, Any]) -> Any:
        """What a computed field says of these values."""
        made = self.computed
        return made.test(values) if isinstance(made, Expr) else made and made.python(values)

    def column(self) -> Any:
        return mapped_column(
            self.sql_type(),
            *([ForeignKey(Region.id)] if self.kind == REGION else []),
            nullable=self.default is None,
            default=self.default,
            active_history=True,  # counters subtract what was, also where it was not loaded
            info={"field": self},
        )

    def sql_type(self) -> TypeEngine[Any]:
        if self.kind == CHOICE:
            return CodeType(self.choices) if self.choices else NfcText(32)
        simple: dict[str, TypeEngine[Any]] = {
            INTEGER: Integer(),
            REGION: Integer(),
            YEAR: SmallInteger(),
            DECIMAL: Numeric(12, 2),
            MONEY: Numeric(14, 2),
            DATE: Date(),
            YES_NO: Boolean(),
            MANY: CodeSetType(),
            CHILDREN: RowsType.of(self.rows),
        }
        return simple.get(self.kind) or NfcText(self.length)

    # ---- text in, text out --------------------------------------------------------------
    def parse(self, raw: Any) -> Any:
        """The value of a form's or file's text; None when empty.

        :raises ValueError: with a message for the user when the text is no such value.
        """
        if self.kind == CHILDREN:
            return self._parse_rows(raw)
        if self.kind == MANY:
            items = raw if isinstance(raw, list | tuple) else [raw]
            return tuple(self._option(str(i)) for i in items if str(i or "").strip())
        text = nfc(_CONTROLS.sub("", str(raw))) if raw is not None else ""
        if not text:
            return None
        if self.kind in (CHOICE, YES_NO):
            return self._option(text)
        if self.kind in (INTEGER, YEAR):
            return self._whole(text)
        if self.kind in (DECIMAL, MONEY):
            return self._decimal(text)
        if self.kind == DATE:
            return _date(text)
        if self.kind == REGION:
            return self._place(text)
        if self.kind in _MENDS:
            text = _MENDS[self.kind](text)
        elif self.kind == TEXT:
            text = formats.mend_text(text)
        if len(text) > self.length:
            raise ValueError(
                translate("最多 %(n)s 个字，现有 %(m)s 个。", n=self.length, m=len(text))
            )
        return text or None

    def _option(self, text: str) -> Any:
        if self.kind == YES_NO:
            if text in ("yes", "是", translate("是")):
                return True
            if text in ("no", "否", translate("否")):
                return False
            raise ValueError(translate("请选择“是”或“否”。"))
        if self.since and text in self.codes:
            return text
        own = (code for code, word in self.words.items() if text in (word, translate(word)))
        code = next(own, None)
        if code is None and self.source_list:
            code = choice_lists.code_of(self.source_list, text)
        if code is not None and code not in self.leaves_out:
            return self.choices(code) if self.choices else code
        raise ValueError(translate("“%(text)s”不在选项中，请从列表中选择。", text=text[:30]))

    def _place(self, text: str) -> int:
        """The key of the division that a form's key, a code or a full name means."""
        found = region_match.meant(formats.half_width(text), self.level)
        if found is None:
            raise ValueError(
                translate(
                    "没有“%(text)s”这个行政区划，请从列表中选择，或填写全称。", text=text[:60]
                )
            )
        if found.level != self.level:
            raise ValueError(
                translate(
                    "“%(name)s”不是%(level)s行政区划，请选择到%(level)s。",
                    name=found.full_name,
                    level=self.level.label,
                )
            )
        return found.id

    def _whole(self, text: str) -> int:
        plain = formats.half_width(text)
        if not _WHOLE.fullmatch(plain):
            raise ValueError(translate("请填写整数，不要带单位。"))
        if len(plain) > 10 or abs(int(plain)) > 2_000_000_000:
            raise ValueError(translate("数字过大，请核对。"))
        if self.kind == YEAR and not 1900 <= int(plain) <= 2100:
            raise ValueError(translate("年份应在 1900 至 2100 之间，请核对。"))
        return int(plain)

    def _decimal(self, text: str) -> Decimal:
        plain = formats.half_width(text).replace(",", "")
        if not _DECIMAL.fullmatch(plain):
            raise ValueError(translate("请填写数字，不要带单位。"))
        whole, _, places = plain.partition(".")
        if len(whole.lstrip("-").lstrip("0")) > 10:
            raise ValueError(translate("数字过大，请核对。"))
        if len(places.rstrip("0")) > 2:
            raise ValueError(translate("最多保留两位小数。"))
        return Decimal(plain).quantize(Decimal("0.01"))

    def _parse_rows(self, raw: Any) -> list[dict[str, Any]]:
        if not isinstance(raw or [], list | tuple) or not all(
            isinstance(i, dict) for i in raw or ()
        ):
            raise ValueError(translate("内容格式不正确，请刷新页面后重新填写。"))
        rows = []
        for item in raw or []:
            row = {f.name: f.parse(item.get(f.name)) for f in self.rows}
            if not all(is_missing(v) for v in row.values()):
                rows.append({k: v.value if isinstance(v, Choices) else v for k, v in row.items()})
        return rows

    def text(self, value: Any, at: dt.datetime | None = None) -> str:
        """The value as people read it: in tables, Excel, diffs. Missing is empty text.

        ``at`` is when it was said: choices show the text that they had then.
        """
        if is_missing(value):
            return ""
        if self.kind == YES_NO:
            return translate("是") if value else translate("否")
        if self.kind == REGION:
            found = regions.get(value)
            return found.full_name if found else ""
        if self.kind == MANY:
            return translate("、").join(self._label(v, at) for v in value)
        if self.kind == CHOICE:
            return self._label(value, at)
        if self.kind == CHILDREN:
            return translate("；").join(
                " ".join(f.text(row.get(f.name), at) for f in self.rows if row.get(f.name))
                for row in value
            )
        if self.kind in (DECIMAL, MONEY):
            return f"{value:,.2f}" if self.kind == MONEY else f"{value.normalize():f}"
        if isinstance(value, dt.date):
            return value.isoformat()
        return str(value)

    def _label(self, code: Any, at: dt.datetime | None) -> str:
        if (word := self.words.get(str(code))) is not None:
            return translate(word)
        return (
            choice_lists.label(self.source_list, str(code), at) if self.source_list else str(code)
        )

    @property
    def codes(self) -> list[str]:
        """Every code that it may hold or ever held, in order."""
        if self.since:
            return [str(year) for year in range(today().year + 1, self.since - 1, -1)]
        known = choice_lists.known(self.source_list) if self.source_list else {}
        return [code for code in known if code not in self.leaves_out]

    @property
    def source_list(self) -> choice_lists.Source | None:
        """Where its choices come from: a code enum, or the name of a list."""
        return self.choices or self.list_name

    def options(self, keep: Iterable[str] = (), *, all_ever: bool = False) -> dict[str, str]:
        """Code -> text of what may be chosen today, in the user's language; beside it the codes to
        ``keep``, which a record holds, or all that ever were.
        """
        if self.source_list is None:
            return {code: code for code in self.codes}
        found = choice_lists.options(self.source_list, keep, all_ever=all_ever)
        return {
            code: translate(self.words[code]) if code in self.words else text
            for code, text in found.items()
            if code not in self.leaves_out
        }

    def mask(self, value: Any) -> str:
        """The value as lists show it to everybody."""
        if not value:
            return ""
        return (
            formats.mask_id(str(value))
            if self.kind == ID_NUMBER
            else formats.mask_phone(str(value))
        )


class RowsType(TypeDecorator[Any]):
    """Rows of children as JSON, which knows neither days nor amounts: these are kept as their text
    and read as what they are.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, days: tuple[str, ...], amounts: tuple[str, ...]) -> None:
        super().__init__(none_as_null=True)
        self.days, self.amounts = days, amounts

    @classmethod
    def of(cls, rows: Iterable[Field]) -> RowsType:
        """The type of rows with these fields."""
        kinds = {made.name: made.kind for made in rows}
        return cls(
            tuple(name for name, kind in kinds.items() if kind == DATE),
            tuple(name for name, kind in kinds.items() if kind in (DECIMAL, MONEY)),
        )

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if not value or not (self.days or self.amounts):
            return value
        return [{n: self._text(v) for n, v in row.items()} for row in value]

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        if not value or not (self.days or self.amounts):
            return value
        return [{n: self._said(n, v) for n, v in row.items()} for row in value]

    @staticmethod
    def _text(value: Any) -> Any:
        if isinstance(value, dt.date):
            return value.isoformat()
        return str(value) if isinstance(value, Decimal) else value

    def _said(self, name: str, value: Any) -> Any:
        if value is not None and name in self.days:
            return dt.date.fromisoformat(value)
        return Decimal(value) if value is not None and name in self.amounts else value


def _date(text: str) -> dt.date:
    cleaned = formats.half_width(text)
    if _COMPACT_DATE.fullmatch(cleaned):
        cleaned = f"{cleaned[:4]}-{cleaned[4:6]}-{cleaned[6:]}"
    for mark in "年月./":
        cleaned = cleaned.replace(mark, "-")
    try:
        year, month, day = (int(part) for part in cleaned.replace("日", "").split("-"))
        value = dt.date(year, month, day)
    except ValueError:
        raise ValueError(translate("请填写日期，例如 2024-09-07。")) from None
    if not 1900 <= value.year <= 2100:
        raise ValueError(translate("年份应在 1900 至 2100 之间，请核对。"))
    return value
