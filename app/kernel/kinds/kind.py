"""What a kind of field is: its column, how its text is read and shown, what masks it, what a form asks
with, what SQL makes of it.

A kind has no state: there is one of each, a field names it (``made.kind``), and what it answers depends
on the field that it is handed. What belongs to a layer above (a cell of a workbook, JSON of the API)
stands there in one table, :class:`PerKind`, which finds by the classes of kinds what one is most like.
"""

from __future__ import annotations

import datetime as dt
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

from sqlalchemy import ColumnElement, ForeignKey, and_, true
from sqlalchemy.types import TypeEngine

from app.access.divisions.regions import Level
from app.core.choices import Choices
from app.core.i18n import mark
from app.core.types import NfcText, nfc
from app.kernel.kinds import formats

T = TypeVar("T")
#: Characters that nobody sees; PostgreSQL refuses NUL, UTF-8 half surrogates.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Described(Protocol):
    """What a kind asks of a field."""

    @property
    def kind(self) -> Kind: ...
    @property
    def name(self) -> str: ...
    @property
    def length(self) -> int: ...
    @property
    def level(self) -> Level: ...
    @property
    def rows(self) -> Sequence[Described]: ...
    @property
    def choices(self) -> type[Choices] | None: ...
    @property
    def source_list(self) -> str | type[Choices] | None: ...

    def parse(self, raw: Any) -> Any: ...
    def text(self, value: Any, at: dt.datetime | None = None) -> str: ...
    def listed(self, value: Any, at: dt.datetime | None = None) -> str: ...

    def code_of(self, text: str) -> Any:
        """The choice that a code or a text means.

        :raises ValueError: with a message for the user where it means none.
        """

    def label_of(self, code: Any, at: dt.datetime | None) -> str:
        """What a choice is called, or was at an instant."""


@dataclass(frozen=True, slots=True)
class Widget:
    """What a form asks with: a macro of ``register/_fields.html``, and what that is told."""

    macro: str = "line"  # its name
    scripts: str = ""  # the kind that scripts take it for, where they do not know its own name
    type: str = "text"  # of the input
    mode: str = ""  # which keys a phone shows (inputmode)
    numeric: bool = False  # stands to the right
    unit: str = ""  # Chinese, where the field names none
    length: int = 0  # characters, where the field says nothing
    words: bool = True  # which a browser may check for spelling
    wide: bool = False  # takes the width of the form
    grouped: bool = False  # several inputs under one label


class Kind(ABC):
    """What most kinds have in common; the others say what is different."""

    __slots__ = ()

    name: ClassVar[str]  # on pages, in scripts, in the API's documents
    asks: ClassVar[str] = mark("请填写%(label)s。")  # said where it is missing
    widget: ClassVar[Widget] = Widget()  # what a form asks with
    cell: ClassVar[str] = "text"  # how a list sets it: text or date
    wide: ClassVar[bool] = False  # takes the width of a record's page
    stored: ClassVar[bool] = True  # has a column of its own
    counted: ClassVar[bool] = False  # rows or files: comparisons mean how many there are
    several: ClassVar[bool] = False  # its value is a tuple of codes
    picked: ClassVar[bool] = False  # one of a few answers, which tell nobody's household
    names_person: ClassVar[bool] = False  # its value names one person of the nation
    speaks: ClassVar[bool] = True  # its text says something without the label
    compares_as_number: ClassVar[bool] = False  # by scripts, which have the text of an input
    compares_as_text: ClassVar[bool] = True  # as browsers have what stands in no form
    in_rows: ClassVar[bool] = True  # may stand in rows of children
    json_text: ClassVar[bool] = False  # JSON has no such value: it keeps its text
    added_in: ClassVar[int] = 0  # how many parts of one figures add up; 0: it cannot be added up

    @property
    def known_as(self) -> str:
        """The kind that scripts take it for."""
        return self.widget.scripts or self.name

    # ---- column, SQL ------------------------------------------------------------------------
    @abstractmethod
    def column_type(self, made: Described) -> TypeEngine[Any]:
        """The type of its column; ``NullType`` where it has none."""

    def foreign_key(self) -> ForeignKey | None:
        """What its column points at."""
        return None

    def given(self, made: Described, column: Any) -> ColumnElement[bool]:
        """SQL: is anything said?"""
        if isinstance(self.column_type(made), NfcText):
            return and_(column.is_not(None), column != "")
        found: ColumnElement[bool] = column.is_not(None)
        return found

    def compared(self, column: Any) -> Any:
        """SQL: what comparisons mean: how many there are of what is counted, else the value."""
        return column

    def among(self, column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
        """SQL: is it one of these; of several codes, any of these?"""
        found: ColumnElement[bool] = column.in_(values)
        return found

    def valid_sql(self, column: Any) -> ColumnElement[bool]:
        """SQL for :meth:`valid`; never NULL."""
        return true()

    # ---- text in, text out ------------------------------------------------------------------
    @abstractmethod
    def parse(self, made: Described, raw: Any) -> Any:
        """The value of what a form or a file says; None when empty.

        :raises ValueError: with a message for the user when it is no such value.
        """

    def text(self, made: Described, value: Any, at: dt.datetime | None) -> str:
        """A value that is not missing as people read it; choices as they were called ``at`` an
        instant.
        """
        return str(value)

    def listed(self, made: Described, value: Any, at: dt.datetime | None) -> str:
        """The same as lists show it to everybody: parts that are masked stay so."""
        return self.text(made, value, at)

    def said(self, made: Described, typed: Any, at: dt.datetime | None) -> str:
        """What a draft, a snapshot or the audit log keeps, as people read it; what means nothing (any
        more) stands as it was typed.
        """
        try:
            return made.text(made.parse(typed), at)
        except ValueError:
            return self.as_typed(typed)

    def beginning(self, typed: str) -> str:
        """What is typed to look for values that begin so, as these are kept."""
        return formats.mend_text(typed)

    def as_typed(self, typed: Any) -> str:
        """A value that means nothing (any more), as it was typed."""
        return str(typed)

    def holds_names(self, made: Described) -> bool:
        """Do its values hold names of persons?"""
        return False

    def renewed(self, made: Described, value: Any) -> Any:
        """A value that was kept some time ago, as it would be kept if it were said today."""
        return value

    def mask(self, value: str) -> str:
        """A value as everybody may see it, where the field is masked."""
        return formats.mask_phone(value)

    def from_json(self, kept: Any) -> Any:
        """The value of what JSON keeps of it."""
        return kept

    # ---- what rules ask ----------------------------------------------------------------------
    def valid(self, text: str) -> bool:
        """Has it the form that its kind demands?"""
        return True

    def choices_in(self, made: Described, value: Any) -> Iterator[tuple[Described, str]]:
        """The codes that a value holds, each with its field; those of children too."""
        return iter(())

    # ---- forms -------------------------------------------------------------------------------
    def input_length(self, made: Described) -> int:
        """How many characters its input takes: blanks and marks that are mended, too."""
        return made.length + 6


class OneText(Kind):
    """Kinds whose value is said by one text."""

    __slots__ = ()

    def parse(self, made: Described, raw: Any) -> Any:
        text = nfc(_CONTROLS.sub("", str(raw))) if raw is not None else ""
        return self.read(made, text) if text else None

    @abstractmethod
    def read(self, made: Described, text: str) -> Any:
        """The value of a text that is not empty; see :meth:`Kind.parse`."""


class PerKind(dict[Kind, T]):
    """What a layer says of every kind: of those named, and of the kinds that derive from them; ``usual``
    of all others. A dict that learns each kind when it is first asked for.
    """

    def __init__(self, usual: T, named: Mapping[type[Kind], T]) -> None:
        super().__init__()
        self._usual, self._named = usual, dict(named)

    def __missing__(self, kind: Kind) -> T:
        named = (self._named[c] for c in type(kind).__mro__ if c in self._named)
        found = self[kind] = next(named, self._usual)
        return found
