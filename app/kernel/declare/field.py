"""What a field is: its label, rules and choices, how its values are read, shown and compared.

How they are read and shown its kind says (:mod:`app.kernel.kinds`); fields are made by the helpers of :mod:`app.kernel.declare.fields`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import IntEnum
from typing import Any, Protocol

from sqlalchemy.orm import mapped_column

from app.access.divisions.regions import Level
from app.core.choices import Choices
from app.core.clock import today
from app.core.i18n import translate
from app.kernel.declare import choice_lists
from app.kernel.declare.expressions import (
    ALWAYS,
    FACT,
    KEPT,
    Compare,
    Expr,
    Fact,
    Given,
    Has,
    In,
    Valid,
)
from app.kernel.declare.formulas import Formula
from app.kernel.declare.quality import Severity
from app.kernel.declare.terms import Count, Ref, Year, term
from app.kernel.kinds.kind import Described, Kind
from app.kernel.kinds.values import is_missing


class Compared(IntEnum):
    """What records say the same of; numbers that the database keeps, never used again for anything else."""

    NUMBER = 1  # an ID number
    PHONE = 2
    PHOTO = 3  # the bytes of a photo
    NAME = 4  # a person's name at a place and in a year


@dataclass(frozen=True)
class Shared:
    """A rule over other records of the register: it is broken where so many households say the same
    (:mod:`app.kernel.figures.comparing`).
    """

    kind: Compared  # what is the same
    fields: str  # which say it: all of them, the same; of photos each for itself
    home: str = ""  # records that say the same there are one household; "": each record is one
    least: int | Fact = 2  # so many households; of a setting what the ministry says
    where: Expr = ALWAYS  # whose finding it is: others only make it one
    valid: bool = False  # only what is a valid number is compared


@dataclass(frozen=True)
class Check:
    """A rule on a field: it is broken where ``wrong`` holds. What its ``severity`` forbids the register
    says (:class:`app.kernel.declare.quality.Quality`).

    ``explain`` may give a message for the very value, better than the general one, or nothing.
    """

    code: str  # its name: no two of a field have the same
    wrong: Expr
    message: str  # what people are told
    severity: Severity = Severity.ERROR
    explain: Callable[[str], str] | None = None
    source: str = ""  # which norm asks for it
    remedy: str = ""  # how it is mended
    shared: Shared | None = None  # a rule over other records: ``wrong`` reads what is kept of it

    def say(self, value: Any) -> str:
        """The message in the user's language."""
        said = self.explain(str(value)) if self.explain else ""
        return said or translate(self.message)


def shared_check(
    field: str,
    code: str,
    shared: Shared,
    message: str,
    severity: Severity,
    source: str,
    remedy: str,
) -> Check:
    """A rule over other records, beside the field of that name."""
    wrong = Fact(f"{KEPT.removeprefix(FACT)}{field}.{code}", otherwise=False).yes
    return Check(code, wrong, message, severity, None, source, remedy, shared)


class Named(Protocol):
    """What has a text in the user's language, as choices have."""

    @property
    def label(self) -> str: ...


@dataclass(eq=False)
class Field:
    """One field of a register. ``name`` is known once its class exists."""

    kind: Kind  # see app.kernel.kinds
    label: str  # the official one
    shown: Expr = ALWAYS  # where it is there at all
    #: Where in the country it is asked, by facts alone: what stands elsewhere is kept, shown and told.
    belongs: Expr = ALWAYS
    #: Of a choice: the first condition that holds limits what may be chosen to its codes; what a record holds stays.
    offers: tuple[tuple[Expr, tuple[Any, ...]], ...] = ()
    required: bool = True  # wherever it is shown
    choices: type[Choices] | None = None  # a code enum, which rules may name
    list_name: str | None = None  # a list of the ministry's, see app.kernel.declare.choice_lists
    named: Callable[[], Mapping[str, Named]] | None = None  # … or what the program names
    leaves_out: tuple[str, ...] = ()  # codes of its list that are no choice here
    words: Mapping[str, str] = dataclass_field(default_factory=dict)  # code -> its text here
    also: Mapping[str, str] = dataclass_field(default_factory=dict)  # how people write it -> code
    length: int = 100  # text: the most characters
    low: Any = None  # the smallest number, the fewest files or rows
    high: Any = None  # the largest, the most
    unit: str = ""  # stands behind the number
    help: str = ""  # a sentence below the input
    source: str = ""  # where its value comes from, if nobody types it
    masked: bool = False  # lists hide a part of it
    system: bool = False  # kept by the kernel, in no form
    default: Any = None  # makes the column NOT NULL
    computed: Formula | Expr | None = None  # worked out from other fields, never typed
    suggests: Formula | None = None  # what its form puts in until somebody types something else
    chooser: str = ""  # what its values may be chosen from on a map: "parcel"
    found_in: str = ""  # register.field in which its number must be found
    none: Field | None = None  # the yes/no field that says there is none, and not a made-up number
    why: Field | None = None  # the text that says why there is none
    accept: str = ""  # files: "photo" or "paper"
    taken_on: str = ""  # photos: the field that says on which day they should have been taken
    level: Level = Level.VILLAGE  # region: the level of division that is chosen
    rows: tuple[Field, ...] = ()  # children: their fields
    since: int = 0  # many: calendar years from this one on, instead of a list
    near: Field | None = None  # year: the day whose year and the next are offered
    called: tuple[tuple[Expr, str], ...] = ()  # in the form: other labels, the first that holds
    checks: list[Check] = dataclass_field(
        default_factory=list
    )  # rules beside those that its options make
    severities: Mapping[str, Severity] = dataclass_field(
        default_factory=dict
    )  # of rules that its options make, by their codes, where they are no errors
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    # ---- conditions -------------------------------------------------------------------
    @property
    def ref(self) -> Ref:
        """Its value, in conditions."""
        return Ref(self)

    def is_(self, value: Any) -> Expr:
        """It is this choice."""
        return In(self.ref, (value,))

    def in_(self, *values: Any) -> Expr:
        """It is one of these choices."""
        return In(self.ref, tuple(self._member(v) for v in values))

    def has(self, code: Any) -> Expr:
        """It says this code among others (of several choices)."""
        return Has(self.ref, code)

    @property
    def yes(self) -> Expr:
        """It is answered 是."""
        return In(self.ref, (True,))

    @property
    def no(self) -> Expr:
        """It is answered 否; unanswered is neither."""
        return In(self.ref, (False,))

    @property
    def given(self) -> Expr:
        """It says anything."""
        return Given(self.ref)

    @property
    def valid(self) -> Expr:
        """It has the form that its kind demands."""
        return Valid(self.kind, self.ref)

    @property
    def year(self) -> Year:
        """The year of its day."""
        return Year(self.ref)

    @property
    def count(self) -> Count:
        """How many rows or files it has."""
        return Count(self)

    @property
    def operand(self) -> Ref:
        """What a comparison means by this field: its value, of children and files their number."""
        return self.count if self.kind.counted else self.ref

    def compare(self, op: str, other: Any) -> Expr:
        """``op`` is one of eq lt le gt ge; false when either side is missing."""
        return Compare(op, self.operand, term(other))

    def _member(self, value: Any) -> Any:
        return self.choices(value) if self.choices else value

    # ---- column -----------------------------------------------------------------------
    @property
    def stored(self) -> bool:
        """Has a column of its own (files have rows in ``attachment``)."""
        return self.kind.stored

    @property
    def typed(self) -> bool:
        """Is it given by whoever fills in the form? Files are sent by themselves."""
        return self.stored and self.computed is None

    def compute(self, values: Mapping[str, Any]) -> Any:
        """What a computed field says of these values."""
        made = self.computed
        return made.test(values) if isinstance(made, Expr) else made and made.python(values)

    def column(self) -> Any:
        """Its mapped column."""
        key = self.kind.foreign_key()
        return mapped_column(
            self.kind.column_type(self),
            *([key] if key is not None else []),
            nullable=self.default is None,
            default=self.default,
            active_history=True,  # counters subtract what was, also where it was not loaded
            info={"field": self},
        )

    # ---- text in, text out --------------------------------------------------------------
    def parse(self, raw: Any) -> Any:
        """The value of a form's or file's text; None when empty.

        :raises ValueError: with a message for the user when the text is no such value.
        """
        return self.kind.parse(self, raw)

    def text(self, value: Any, at: dt.datetime | None = None) -> str:
        """The value as people read it: in tables, Excel, diffs. Missing is empty text.

        ``at`` is when it was said: choices show the text that they had then.
        """
        return "" if is_missing(value) else self.kind.text(self, value, at)

    def listed(self, value: Any, at: dt.datetime | None = None) -> str:
        """The value as lists show it to everybody: masked; of files, which are given as their number,
        how many.
        """
        if is_missing(value):
            return ""
        return self.mask(value) if self.masked else self.kind.listed(self, value, at)

    def said(self, typed: Any, at: dt.datetime | None = None) -> str:
        """What a snapshot, a draft or the audit log says, as people read it; ``at`` is when it was
        said.
        """
        return "" if is_missing(typed) else self.kind.said(self, typed, at)

    def mask(self, value: Any) -> str:
        """The value as lists show it to everybody."""
        return self.kind.mask(str(value)) if value else ""

    def choices_in(self, value: Any) -> Iterator[tuple[Described, str]]:
        """The codes that a value holds, each with its field; those of children too."""
        return self.kind.choices_in(self, value)

    # ---- choices --------------------------------------------------------------------------
    def code_of(self, text: str) -> Any:
        """The choice that a code or a text means, in any language, old ones too.

        :raises ValueError: with a message for the user where it means none.
        """
        if (self.since or self.named) and text in self.codes:
            return text
        own = (code for code, word in self.words.items() if text in (word, translate(word)))
        code = next(own, None) or self.also.get(text)
        if code is None and self.source_list:
            code = choice_lists.code_of(self.source_list, text)
        if code is not None and code not in self.leaves_out:
            return self.choices(code) if self.choices else code
        raise ValueError(translate("“%(text)s”不在选项中，请从列表中选择。", text=text[:30]))

    def label_of(self, code: Any, at: dt.datetime | None) -> str:
        """What a choice is called, or was at an instant."""
        if (word := self.words.get(str(code))) is not None:
            return translate(word)
        if self.named:
            known = self.named().get(str(code))
            return known.label if known else str(code)
        return (
            choice_lists.label(self.source_list, str(code), at) if self.source_list else str(code)
        )

    @property
    def codes(self) -> list[str]:
        """Every code that it may hold or ever held, in order."""
        if self.since:
            return [str(year) for year in range(today().year + 1, self.since - 1, -1)]
        if self.named:
            return list(self.named())
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
            return {code: self.label_of(code, None) for code in self.codes}
        found = choice_lists.options(self.source_list, keep, all_ever=all_ever)
        return {
            code: translate(self.words[code]) if code in self.words else text
            for code, text in found.items()
            if code not in self.leaves_out
        }
