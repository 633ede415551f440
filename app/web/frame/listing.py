"""A list as its page: what ``lists/list.html`` shows is one :class:`Listing`.

A page composes small objects. A :class:`Column` has its label and says what it shows of a thing, so the
heads and the cells of a table cannot get out of step; :class:`Filter` and :class:`Chip` are what can be
asked and what is asked; :class:`Paging` leads on. The address of the page holds all that is asked:
:func:`url_with` changes one part of it and keeps the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Self, TypeVar
from urllib.parse import urlencode

from flask import request
from werkzeug.datastructures import MultiDict

from app.access.divisions.regions import Region
from app.core.errors import BadInput
from app.core.i18n import _
from app.kernel.lists.ledger import SIZES

T = TypeVar("T")
#: What an address says of the place in a list.
CURSORS = ("after", "before", "page")


def url_with(
    args: MultiDict[str, str], drop: Sequence[str] = (), *, path: str | None = None, **changes: Any
) -> str:
    """The address of this page, or of ``path``, with ``args`` but ``drop``, and with ``changes``."""
    pairs = [(k, v) for k, v in args.items(multi=True) if v and k not in drop and k not in changes]
    pairs += [(k, str(v)) for k, v in changes.items() if v is not None]
    return (path or request.path) + (f"?{urlencode(pairs)}" if pairs else "")


def size_of(args: MultiDict[str, str], usual: int = SIZES[0]) -> int:
    """How many rows a page has.

    :raises BadInput: not one of SIZES.
    """
    text = args.get("size", str(usual))
    if text not in map(str, SIZES):
        raise BadInput(_("每页条数有误。"))
    return int(text)


def page_number(args: MultiDict[str, str]) -> int:
    """Which page of a list that is counted by pages is asked for.

    :raises BadInput: none that there could be.
    """
    text = args.get("page", "1")
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= 100_000):
        raise BadInput(_("页码有误。"))
    return int(text)


# ---- the table ------------------------------------------------------------------------------


@dataclass(slots=True)
class Cell:
    """What a row says in one column; ``kind`` only where it looks other than its column."""

    text: str | None
    kind: str = ""
    sub: str | None = None  # small, below it
    tone: str = "neutral"  # of a tag


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """``value`` gives what the column shows of a thing: its text, or a cell."""

    name: str  # under which a browser remembers whether it is shown
    label: str
    value: Callable[[T], Cell | str | None]
    kind: str = "text"  # text | number | id | date | region | tag
    off: bool = False  # hidden until it is chosen
    sort_url: str | None = None
    sorted: Literal["up", "down"] | None = None

    def cell(self, thing: T) -> Cell:
        said = self.value(thing)
        return said if isinstance(said, Cell) else Cell(said)


@dataclass(slots=True)
class Action:
    """A link, or with ``post`` the button of a form of its own; of a page, or of a row."""

    label: str
    url: str
    primary: bool = False
    icon: str = ""
    post: bool = False
    confirm: str = ""  # what is asked before
    danger: bool = False


@dataclass(slots=True)
class Row:
    """``url``: of its page, if it has one; ``cells``: one for each column; ``selectable``: may be ticked for
    what is done with many.
    """

    id: str
    url: str
    cells: Sequence[Cell]
    actions: Sequence[Action] = ()
    selectable: bool = False


def cells(columns: Iterable[Column[T]], thing: T) -> list[Cell]:
    """What a row says of the thing, column by column."""
    return [column.cell(thing) for column in columns]


# ---- what is asked --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Filter:
    """One input of the bar; see lists/_filters.html for the kinds."""

    name: str
    label: str
    kind: str = "text"
    value: str | int | Mapping[str, str | None] | None = None  # of a range: {from, to}
    text: str = ""  # a division's name
    options: Sequence[Option] = ()
    placeholder: str = ""
    advanced: bool = False  # behind 更多条件
    whole: bool = False  # a division anywhere, not only of the own area
    search_url: str = ""  # of a choice, where more than its options are found
    for_all: str = (
        ""  # what the address says for 全部, where saying nothing asks for something else
    )

    @classmethod
    def choice(
        cls, name: str, label: str, value: str | None, options: Mapping[str, str],
        *, advanced: bool = False,
    ) -> Self:  # fmt: skip
        """One of ``options``: code -> label."""
        made = [Option(code, text) for code, text in options.items()]
        return cls(name, label, "choice", value, options=made, advanced=advanced)

    @classmethod
    def region(cls, name: str, label: str, region: Region | None, *, whole: bool = False) -> Self:
        key, text = (region.id, region.full_name) if region else (None, "")
        return cls(name, label, "region", key, text=text, whole=whole)


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition that is asked for, and the address without it."""

    label: str
    remove_url: str


def chips(said: Iterable[tuple[str, str, str]], args: MultiDict[str, str]) -> list[Chip]:
    """``said``: (name in the address, label, what is asked for) of each condition."""
    return [
        Chip(
            _("%(label)s：%(value)s", label=label, value=value),
            url_with(args, drop=(name, *CURSORS)),
        )
        for name, label, value in said
    ]


# ---- paging ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Size:
    size: int
    url: str
    active: bool


@dataclass(frozen=True, slots=True)
class Paging:
    """The ways to the pages before and after, and to other sizes of a page."""

    prev_url: str | None
    next_url: str | None
    position_text: str = ""
    sizes: Sequence[Size] = ()

    @classmethod
    def by_cursor(
        cls, args: MultiDict[str, str], *, before: str | None, after: str | None, size: int,
        position_text: str,
    ) -> Self:  # fmt: skip
        """``before``, ``after``: the cursors of the neighbours."""
        return cls(
            url_with(args, drop=CURSORS, before=before) if before else None,
            url_with(args, drop=CURSORS, after=after) if after else None,
            position_text,
            [Size(s, url_with(args, drop=CURSORS, size=s), active=s == size) for s in SIZES],
        )

    @classmethod
    def by_number(
        cls, args: MultiDict[str, str], path: str, number: int, *, more: bool, position_text: str
    ) -> Self:
        """``number``: of this page of ``path``, from 1."""
        back, on = (url_with(args, drop=CURSORS, path=path, page=number + n) for n in (-1, 1))
        return cls(back if number > 1 else None, on if more else None, position_text)


def span(first: int, shown: int, count: object) -> dict[str, str]:
    """The numbers of 第 %(first)s–%(last)s …，共 %(count)s …; ``first`` is counted from 1."""
    return {"first": f"{first:,}", "last": f"{first + shown - 1:,}", "count": str(count)}


# ---- the page -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Empty:
    """What stands instead of rows, and what to do next."""

    title: str
    hint: str = ""
    actions: Sequence[Action] = ()


@dataclass(slots=True, kw_only=True)
class Listing:
    """The context of ``lists/list.html``."""

    name: str  # the key of the remembered columns
    title: str
    count_text: str = ""
    intro: str = ""
    notices: Sequence[Mapping[str, str]] = ()  # {tone, text}
    actions: Sequence[Action] = ()
    exports: Sequence[Action] = ()

    columns: Sequence[Column[Any]] = ()
    rows: Sequence[Row] = ()
    key: int = 0  # the column that names a row
    empty: Empty | None = None
    paging: Paging | None = None

    #: With ``filters_key``, under which their HTML is kept, a function that is only asked when it is not.
    filters: Sequence[Filter] | Callable[[], Sequence[Filter]] = ()
    filters_key: Any = None
    chips: Sequence[Chip] = ()
    keep: Sequence[tuple[str, str]] = ()  # what a filter that is set leaves as it is
    reset_url: str | None = None

    combined_url: str | None = None
    saved_url: str | None = None  # pages beside the list
    columns_url: str | None = None
    search: Action | None = None  # goes on in the background
    job: Mapping[str, Any] | None = (
        None  # a search in the background instead of rows (exchange/_job.html)
    )
    #: {action_url, actions [{name, label, primary, danger, confirm}]}: what is done with ticked rows;
    #: ``said``: the word of frame/words.py that counts them, where they are no households.
    bulk: Mapping[str, Any] | None = None
    token: str = ""  # of forms, where actions of rows post
    undo: Mapping[str, Any] | None = None  # {url, text, seconds}
