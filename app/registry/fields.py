"""Fields: each is named once, on its model, with label, choices, rule, mask, help and source.

A field is made by a helper (``yes_no``, ``choice``, ``date`` …) in the body of a class that
derives from :class:`Declared`; there it becomes a mapped column. Elsewhere it gives conditions
(``living.is_(Living.OWN)``) for other fields' rules.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import JSON, Boolean, Date, Integer, Numeric, SmallInteger
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeEngine

from app.core.choices import Choices
from app.core.clock import today
from app.core.i18n import translate
from app.core.types import CodeSetType, CodeType, NfcText, nfc
from app.registry import formats, lists
from app.registry.expressions import (
    ALWAYS,
    Compare,
    Const,
    Count,
    Expr,
    Given,
    Has,
    In,
    Plus,
    Ref,
    Today,
    Valid,
    Year,
    is_missing,
    term,
)


class FieldKind(str):
    """Name of a kind of field; the form, the import and the export know how each looks."""

    __slots__ = ()


TEXT, TEXTAREA, INTEGER, DECIMAL, MONEY, DATE, YEAR = (
    FieldKind(k) for k in ("text", "textarea", "integer", "decimal", "money", "date", "year")
)
YES_NO, CHOICE, MANY = (FieldKind(k) for k in ("yes_no", "choice", "many"))
ID_NUMBER, PHONE, USCC = (FieldKind(k) for k in ("id_number", "phone", "uscc"))
CHILDREN, FILES = (FieldKind(k) for k in ("children", "files"))

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
    list_name: str | None = None  # a list of the ministry's, see app.registry.lists
    length: int = 100
    low: Any = None
    high: Any = None
    unit: str = ""
    help: str = ""
    source: str = ""
    masked: bool = False
    system: bool = False  # kept by the kernel, in no form
    default: Any = None  # makes the column NOT NULL
    accept: str = ""  # files: "photo" or "paper"
    rows: tuple[Field, ...] = ()  # children: their fields
    checks: list[Check] = field(default_factory=list)
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

    def column(self) -> Any:
        return mapped_column(
            self.sql_type(),
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
            YEAR: SmallInteger(),
            DECIMAL: Numeric(12, 2),
            MONEY: Numeric(14, 2),
            DATE: Date(),
            YES_NO: Boolean(),
            MANY: CodeSetType(),
            CHILDREN: JSON(none_as_null=True),
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
        if self.source_list and (code := lists.code_of(self.source_list, text)) is not None:
            return self.choices(code) if self.choices else code
        raise ValueError(translate("“%(text)s”不在选项中，请从列表中选择。", text=text[:30]))

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
        return lists.label(self.source_list, str(code), at) if self.source_list else str(code)

    @property
    def source_list(self) -> lists.Source | None:
        """Where its choices come from: a code enum, or the name of a list."""
        return self.choices or self.list_name

    def options(self, keep: Iterable[str] = (), *, all_ever: bool = False) -> dict[str, str]:
        """Code -> text of what may be chosen today, in the user's language; beside it the codes to
        ``keep``, which a record holds, or all that ever were.
        """
        if self.source_list is None:
            return {}
        return lists.options(self.source_list, keep, all_ever=all_ever)

    def mask(self, value: Any) -> str:
        """The value as lists show it to everybody."""
        if not value:
            return ""
        return (
            formats.mask_id(str(value))
            if self.kind == ID_NUMBER
            else formats.mask_phone(str(value))
        )


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


# ---- helpers: the words in which registers are declared ------------------------------------


def _field(kind: FieldKind, label: str, *, checks: Any = (), **options: Any) -> Any:
    low, high = options.get("low"), options.get("high")
    before, after = options.pop("not_before", None), options.pop("not_after", None)
    made = Field(kind, label, checks=list(checks), **options)
    if kind in (CHILDREN, FILES):
        made.checks += _number_checks(made)
    else:
        if low is not None:
            made.checks.append(Check("low", made.compare("lt", low), f"不能小于 {low}。"))
        if high is not None:
            made.checks.append(Check("high", made.compare("gt", high), f"不能大于 {high}。"))
    if before is not None:
        made.checks.append(Check("early", made.compare("lt", before), _order_text("早于", before)))
    if after is not None:
        made.checks.append(Check("late", made.compare("gt", after), _order_text("晚于", after)))
    return made


def _number_checks(made: Field) -> list[Check]:
    """How many children or files; none at all is the matter of ``required`` alone."""
    checks = []
    if made.low and made.low > 1:
        wrong = made.given & made.compare("lt", made.low)
        checks.append(Check("low", wrong, f"至少需要 {made.low} 个。"))
    if made.high is not None:
        checks.append(Check("high", made.compare("gt", made.high), f"最多 {made.high} 个。"))
    return checks


def _order_text(word: str, limit: Any) -> str:
    if isinstance(limit, Field):
        return f"不能{word}{limit.label}。"
    return f"不能{word}今天。" if isinstance(limit, Today) else f"不能{word} {limit}。"


def text(label: str, length: int = 100, **options: Any) -> Any:
    """A line of text, NFC, at most ``length`` characters."""
    return _field(TEXT, label, length=length, **options)


def long_text(label: str, length: int = 1000, **options: Any) -> Any:
    """Several lines of text."""
    return _field(TEXTAREA, label, length=length, **options)


def integer(label: str, low: int = 0, high: int | None = None, **options: Any) -> Any:
    """A whole number from ``low`` to ``high``."""
    return _field(INTEGER, label, low=low, high=high, **options)


def decimal(label: str, low: Any = 0, high: Any = None, **options: Any) -> Any:
    """A Decimal with two places."""
    return _field(DECIMAL, label, low=low, high=high, **options)


def money(label: str, **options: Any) -> Any:
    """An amount in 元, Decimal with two places, not negative."""
    return _field(MONEY, label, low=0, unit="元", **options)


def date(label: str, **options: Any) -> Any:
    """A day. ``not_before``/``not_after``: a day, a field, or ``Today()``."""
    return _field(DATE, label, **options)


def year(label: str, **options: Any) -> Any:
    """A calendar year."""
    return _field(YEAR, label, **options)


def yes_no(label: str, **options: Any) -> Any:
    """是 / 否, unanswered until one is chosen."""
    return _field(YES_NO, label, **options)


def choice(label: str, choices: type[Choices], **options: Any) -> Any:
    """One of a code enum, which rules and figures may name."""
    return _field(CHOICE, label, choices=choices, **options)


def listed(label: str, list_name: str, **options: Any) -> Any:
    """One of a list of the ministry's."""
    return _field(CHOICE, label, list_name=list_name, **options)


def many(label: str, choices: type[Choices] | str, **options: Any) -> Any:
    """Several of a code enum or of a list of the ministry's."""
    key = "list_name" if isinstance(choices, str) else "choices"
    return _field(MANY, label, **{key: choices}, **options)


def id_number(label: str, **options: Any) -> Any:
    """A resident identity number (GB 11643), masked in lists."""
    return _identity(ID_NUMBER, label, 18, "身份证号不正确，请核对。", _explain_id, **options)


def phone(label: str, **options: Any) -> Any:
    """A mobile or fixed-line number, masked in lists."""
    return _identity(
        PHONE, label, 32, "电话号码不正确，请填写 11 位手机号，或区号-号码。", **options
    )


def uscc(label: str, **options: Any) -> Any:
    """A unified social credit code (GB 32100)."""
    return _identity(USCC, label, 18, "统一社会信用代码不正确，请核对 18 位代码。", **options)


def _identity(
    kind: FieldKind, label: str, length: int, message: str, explain: Any = None, **options: Any
) -> Any:
    options.setdefault("masked", kind != USCC)
    made = _field(kind, label, length=length, **options)
    made.checks.append(Check("invalid", made.given & ~made.valid, message, explain=explain))
    return made


def _explain_id(value: str) -> str:
    problem = formats.id_number_problem(value, today())
    return str(problem.message) if problem else ""


def children(label: str, *rows: Field, low: int = 0, high: int = 20, **options: Any) -> Any:
    """Repeatable rows of ``rows``, kept with the record."""
    return _field(CHILDREN, label, rows=rows, low=low, high=high, **options)


def row(name: str, made: Field) -> Field:
    """A field of a child row; its name is said here because it stands in no class."""
    made.name = name
    return made


def photos(label: str, low: int = 1, high: int = 3, **options: Any) -> Any:
    """Photos, ``low`` to ``high`` of them; rows of ``attachment`` owned by the record."""
    return _files("photo", label, low, high, **options)


def papers(label: str, low: int = 1, high: int = 5, **options: Any) -> Any:
    """PDF papers or photos of papers."""
    return _files("paper", label, low, high, **options)


def _files(accept: str, label: str, low: int, high: int, **options: Any) -> Any:
    options.setdefault("required", low > 0)
    return _field(FILES, label, accept=accept, low=low, high=high, **options)


def system(made: Field, default: Any = None) -> Any:
    """Mark a field as kept by the kernel: in lists and figures, in no form."""
    made.system = True
    made.required = False
    made.default = default
    return made


def variant(made: Any, **changes: Any) -> Any:
    """A field like another one, with some options changed (for a mixin's field in one register)."""
    return replace(made, **{"checks": list(made.checks)} | changes)


class Declared:
    """Base of models whose columns are declared as fields; mixins may declare fields too."""

    __fields__: ClassVar[dict[str, Field]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        found: dict[str, Field] = {}
        for base in reversed(cls.__mro__):
            found.update(vars(base).get("__fields__", {}))
            found.update({n: v for n, v in vars(base).items() if isinstance(v, Field)})
        cls.__fields__ = found
        if "__tablename__" in vars(cls):
            for name, made in found.items():
                if made.stored:
                    setattr(cls, name, made.column())
        super().__init_subclass__(**kwargs)


__all__ = [
    "Check",
    "Const",
    "Declared",
    "Field",
    "Plus",
    "Today",
    "children",
    "choice",
    "date",
    "decimal",
    "id_number",
    "integer",
    "listed",
    "long_text",
    "many",
    "money",
    "papers",
    "phone",
    "photos",
    "row",
    "system",
    "text",
    "uscc",
    "variant",
    "year",
    "yes_no",
]
