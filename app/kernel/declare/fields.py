"""Fields: each is named once, on its model, with label, choices, rule, mask, help and source.

A field is made by a helper (``yes_no``, ``choice``, ``date`` …) in the body of a class that
derives from :class:`Declared`; there it becomes a mapped column. Elsewhere it gives conditions
(``living.is_(Living.OWN)``) for other fields' rules.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, TypedDict, Unpack

from app.access.divisions.regions import Level
from app.core.choices import Choices
from app.kernel.declare.expressions import ALWAYS, NEVER, Expr
from app.kernel.declare.field import Check, Field, Named
from app.kernel.declare.formulas import Days, Formula, Total
from app.kernel.declare.quality import Severity
from app.kernel.declare.terms import Const, Plus, Today
from app.kernel.kinds.children import CHILDREN
from app.kernel.kinds.choice import CHOICE, CODES, MANY, YES_NO
from app.kernel.kinds.date import DATE
from app.kernel.kinds.identity import ACCOUNT, ID_NUMBER, PHONE, USCC, Identity
from app.kernel.kinds.number import DECIMAL, INTEGER, MONEY, YEAR
from app.kernel.kinds.person import PERSON
from app.kernel.kinds.photo import FILES
from app.kernel.kinds.region import REGION
from app.kernel.kinds.text import TEXT, TEXTAREA

#: The rule that a choice is not offered as the record stands: nobody chooses it, who has it keeps it.
UNOFFERED = "unoffered"
#: A day that another one is compared with.
Limit = dt.date | Field | Today | None


class Options(TypedDict, total=False):
    """What any field may say beside its label."""

    shown: Expr  # where it is there at all
    belongs: Expr  # where in the country it is asked: what stands elsewhere is kept, shown and told
    required: bool  # wherever it is shown; true unless it says otherwise
    help: str  # a sentence below the input
    source: str  # where its value comes from, if nobody types it
    masked: bool  # lists hide a part of it
    checks: list[Check]  # rules beside those that its other options make
    severities: Mapping[str, Severity]  # of those, by their codes: {"late": Severity.QUESTIONABLE}


class TextOptions(Options, total=False):
    """What a text or a number of a person may say besides."""

    found_in: str  # register.field in which its number must be found
    none: (
        Any  # the yes/no field that says there is none: imports read 无 and made-up numbers as that
    )
    why: Any  # the text that says why there is none: in a list it stands in brackets, 无（未办理）


class YearOptions(Options, total=False):
    """What a year may say besides."""

    near: Any  # a field of a day: its year and the next are offered to choose from
    called: tuple[tuple[Expr, str], ...]  # other labels in the form, each with when it holds


class NumberOptions(Options, total=False):
    """What a number may say besides."""

    unit: str  # stands behind the number


class ChoiceOptions(Options, total=False):
    """What a choice may say besides."""

    leaves_out: tuple[str, ...]  # codes of its list that are no choice here
    words: Mapping[str, str]  # code -> its text here
    also: Mapping[str, str]  # how people write a choice -> its code
    offers: tuple[
        tuple[Expr, tuple[Any, ...]], ...
    ]  # the first condition that holds limits the choices
    chooser: str  # what it may be chosen from on a map: "parcel"


class PhotoOptions(Options, total=False):
    """What photos may say besides."""

    taken_on: str  # the field that says on which day they should have been taken


def _checked(
    made: Field, before: Limit = None, after: Limit = None, beside: tuple[Check, ...] = ()
) -> Any:
    """The field with the rules that its limits make, and those ``beside`` that its kind does."""
    found = _number_checks(made) if made.kind.counted else _limit_checks(made)
    found += _misplaced_checks(made)
    if before is not None:
        found.append(Check("early", made.compare("lt", before), _order_text("早于", before)))
    if after is not None:
        found.append(Check("late", made.compare("gt", after), _order_text("晚于", after)))
    other = made.severities
    found = [replace(one, severity=other.get(one.code, one.severity)) for one in (*found, *beside)]
    made.checks = [*made.checks, *found]
    return made


def _limit_checks(made: Field) -> list[Check]:
    """The smallest and the largest value."""
    checks = []
    if made.low is not None:
        checks.append(Check("low", made.compare("lt", made.low), f"不能小于 {made.low}。"))
    if made.high is not None:
        checks.append(Check("high", made.compare("gt", made.high), f"不能大于 {made.high}。"))
    return checks


def _number_checks(made: Field) -> list[Check]:
    """How many children or files; none at all is the matter of ``required`` alone."""
    checks = []
    if made.low and made.low > 1:
        wrong = made.given & made.compare("lt", made.low)
        checks.append(Check("low", wrong, f"至少需要 {made.low} 个。"))
    if made.high is not None:
        checks.append(Check("high", made.compare("gt", made.high), f"最多 {made.high} 个。"))
    return checks


def _misplaced_checks(made: Field) -> list[Check]:
    """What stands where it is not asked, and a choice that is not offered there."""
    checks, doubtful = [], Severity.QUESTIONABLE
    if made.belongs is not ALWAYS:
        wrong = made.given & ~made.belongs
        checks.append(Check("elsewhere", wrong, "本地区不需要填写这一项。", doubtful))
    if made.offers:
        wrong, before = NEVER, ALWAYS
        for when, codes in made.offers:
            wrong |= before & when & made.given & ~made.in_(*codes)
            before &= ~when
        checks.append(Check(UNOFFERED, wrong, "这一选项不适用，请重新选择。", doubtful))
    return checks


def _order_text(word: str, limit: Limit) -> str:
    if isinstance(limit, Field):
        return f"不能{word}{limit.label}。"
    return f"不能{word}今天。" if isinstance(limit, Today) else f"不能{word} {limit}。"


def text(label: str, length: int = 100, **options: Unpack[TextOptions]) -> Any:
    """A line of text, NFC, at most ``length`` characters."""
    return _checked(Field(TEXT, label, length=length, **options))


def person(label: str, length: int = 64, **options: Unpack[TextOptions]) -> Any:
    """The name of a person."""
    return _checked(Field(PERSON, label, length=length, **options))


def long_text(label: str, length: int = 1000, **options: Unpack[TextOptions]) -> Any:
    """Several lines of text."""
    return _checked(Field(TEXTAREA, label, length=length, **options))


def integer(
    label: str, low: int | None = 0, high: int | None = None, **options: Unpack[NumberOptions]
) -> Any:
    """A whole number from ``low`` to ``high``."""
    return _checked(Field(INTEGER, label, low=low, high=high, **options))


def decimal(label: str, low: Any = 0, high: Any = None, **options: Unpack[NumberOptions]) -> Any:
    """A Decimal with two places."""
    return _checked(Field(DECIMAL, label, low=low, high=high, **options))


def money(label: str, **options: Unpack[Options]) -> Any:
    """An amount in 元, Decimal with two places, not negative."""
    return _checked(Field(MONEY, label, low=0, unit="元", **options))


def date(
    label: str, *, not_before: Limit = None, not_after: Limit = None, **options: Unpack[Options]
) -> Any:
    """A day. ``not_before``/``not_after``: a day, a field, or ``Today()``."""
    return _checked(Field(DATE, label, **options), not_before, not_after)


def year(
    label: str, low: int | None = None, high: int | None = None, **options: Unpack[YearOptions]
) -> Any:
    """A calendar year from ``low`` to ``high``."""
    return _checked(Field(YEAR, label, low=low, high=high, **options))


def yes_no(label: str, **options: Unpack[Options]) -> Any:
    """是 / 否, unanswered until one is chosen."""
    return _checked(Field(YES_NO, label, **options))


def choice(label: str, choices: type[Choices], **options: Unpack[ChoiceOptions]) -> Any:
    """One of a code enum, which rules and figures may name."""
    return _checked(Field(CHOICE, label, choices=choices, **options))


def listed(label: str, list_name: str, **options: Unpack[ChoiceOptions]) -> Any:
    """One of a list of the ministry's."""
    return _checked(Field(CHOICE, label, list_name=list_name, **options))


def many(label: str, choices: type[Choices] | str, **options: Unpack[ChoiceOptions]) -> Any:
    """Several of a code enum or of a list of the ministry's."""
    if isinstance(choices, str):
        return _checked(Field(MANY, label, list_name=choices, **options))
    return _checked(Field(MANY, label, choices=choices, **options))


def codes(label: str, named: Callable[[], Mapping[str, Named]], **options: Unpack[Options]) -> Any:
    """Several of what the program itself names: ``named`` gives each code what has its text."""
    return _checked(Field(CODES, label, named=named, **options))


def years(label: str, since: int, **options: Unpack[Options]) -> Any:
    """Several calendar years from ``since`` on."""
    return _checked(Field(MANY, label, since=since, **options))


def region(label: str, level: Level = Level.VILLAGE, **options: Unpack[Options]) -> Any:
    """A division of ``level``, anywhere in the nation: its key. Divisions that merge are followed."""
    return _checked(Field(REGION, label, level=level, **options))


def id_number(label: str, **options: Unpack[TextOptions]) -> Any:
    """A resident identity number (GB 11643), masked in lists."""
    return _identity(ID_NUMBER, label, **options)


def phone(label: str, **options: Unpack[TextOptions]) -> Any:
    """A mobile or fixed-line number, masked in lists."""
    return _identity(PHONE, label, **options)


def uscc(label: str, **options: Unpack[TextOptions]) -> Any:
    """A unified social credit code (GB 32100)."""
    return _identity(USCC, label, **options)


def account(label: str, **options: Unpack[TextOptions]) -> Any:
    """The number of a bank account, masked in lists."""
    return _identity(ACCOUNT, label, **options)


def _identity(kind: Identity, label: str, **options: Unpack[TextOptions]) -> Any:
    options.setdefault("masked", kind.masked)
    made = Field(kind, label, length=kind.longest, **options)
    invalid = Check("invalid", made.given & ~made.valid, kind.wrong, explain=kind.explain)
    return _checked(made, beside=(invalid,))


def children(
    label: str, *rows: Field, low: int = 0, high: int = 20, **options: Unpack[Options]
) -> Any:
    """Repeatable rows of ``rows``, kept with the record."""
    return _checked(Field(CHILDREN, label, rows=rows, low=low, high=high, **options))


def row(name: str, made: Field) -> Field:
    """A field of a child row; its name is said here because it stands in no class."""
    made.name = name
    return made


def photos(label: str, low: int = 1, high: int = 3, **options: Unpack[PhotoOptions]) -> Any:
    """Photos, ``low`` to ``high`` of them; rows of ``attachment`` owned by the record. ``taken_on``
    names the date that their own should be.
    """
    return _files("photo", label, low, high, **options)


def papers(label: str, low: int = 1, high: int = 5, **options: Unpack[Options]) -> Any:
    """PDF papers or photos of papers."""
    return _files("paper", label, low, high, **options)


def _files(accept: str, label: str, low: int, high: int, **options: Unpack[PhotoOptions]) -> Any:
    options.setdefault("required", low > 0)
    return _checked(Field(FILES, label, accept=accept, low=low, high=high, **options))


def computed(made: Field, formula: Formula | Expr) -> Any:
    """A field that is worked out from others: kept at each save, read-only in the form."""
    made.computed = formula
    made.required = False
    return made


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
    "Days",
    "Declared",
    "Field",
    "Plus",
    "Severity",
    "Today",
    "Total",
    "account",
    "children",
    "choice",
    "codes",
    "computed",
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
    "region",
    "row",
    "system",
    "text",
    "uscc",
    "variant",
    "year",
    "years",
    "yes_no",
]
