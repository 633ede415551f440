"""Groups of what a register may say: each stands in a declaration only where it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.access.actor import Actor, Capability
from app.access.divisions.regions import Level
from app.core.i18n import translate
from app.kernel.declare.expressions import ALWAYS, NEVER, Expr
from app.kernel.declare.flow import Flow
from app.kernel.declare.stages import Stage

#: The order of registers that say none: after all that do, by their names.
UNORDERED = 1000


@dataclass(frozen=True)
class Heading:
    """Where its menu stands, and what heads it."""

    order: int = UNORDERED  # those of one number by their names
    module: str = ""  # heads the entries of several registers; else the register's title does
    icon: str = "home-check"  # of the head


@dataclass(frozen=True)
class Form:
    """What form and page of a record do beside showing its sections."""

    save_needs: str = ""  # fields without which even saving is refused
    remember: str = ""  # fields whose last typed value the form offers again
    kept: str = ""  # fields of the kernel that the page shows among its facts
    warns: Callable[[Any], str] | None = None  # what page and form warn of, "" for nothing
    #: ``begins(session, row)``: what a record says before anybody has typed anything, at its opening
    #: and again when what was entered is deleted.
    begins: Callable[[Any, Any], Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Section:
    """A part of the form. ``shown`` holds for all its fields; ``all_no`` names the yes/no fields
    that the button 以上均为否 answers.
    """

    title: str  # its head
    names: str  # its fields, in the order of the form
    shown: Expr = ALWAYS
    all_no: str = ""
    intro: str = ""  # a sentence below the head
    stage: str = ""  # the name of the stage that it is submitted with
    fixed: bool = False  # to be read: the kernel puts in what it says, nobody types it

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields."""
        return tuple(self.names.split())


#: The field that says since when a record is hidden (``Lasting``).
HIDDEN = "hidden_on"


@dataclass(frozen=True)
class Menu:
    """A menu entry: a ledger view opened with these states, for those with the capability."""

    name: str  # in addresses
    title: str  # in the menu, and above the list
    capability: Capability  # who has the entry, in this register
    also: Capability | None = None  # what those who hold it may do from the same list
    states: tuple[str, ...] = ()  # preselected; empty: all
    rows: Expr | None = None  # the rows of its list, where they are not those that are listed
    action: str = ""  # word of the row action
    hint: str = ""  # what an empty page says
    only: str = ""  # field=code of the rows that it lists, whatever else is asked
    wide: Level | None = None  # reaches over the whole division of that level, masked, read only
    ledger: str = (
        ""  # the columns of its list, where it reaches over that, or lists what was deleted
    )
    page: str = ""  # the row's page that its action opens, whatever the state
    more: Mapping[str, str] = field(default_factory=dict)  # further pages of a row, and their words
    adds: str = ""  # the word of its button that leads to the register's page ``new``

    def enters(self, actor: Actor, register: str) -> bool:
        """Does the actor fill in forms from this list?"""
        enter = Capability.ENTER
        return enter in (self.capability, self.also) and actor.has(enter, register)

    @property
    def hidden(self) -> bool:
        """Does it list what was deleted, of a register that ``keeps`` it?"""
        return self.rows is not None and HIDDEN in self.rows.names()

    @property
    def fixed(self) -> tuple[str, str]:
        """``only`` as field and code; nobody filters by that field here."""
        name, _equals, code = self.only.partition("=")
        return name, code


@dataclass(frozen=True)
class Lists:
    """Columns and filters of the lists of a register; the division is always a filter."""

    ledger: str = ""  # the columns
    filters: str = ""  # the fields by which one searches
    indexed: str = ""  # filters that an index serves at any size
    by_figure: tuple[str, str] = ("", "")  # a filter that offers figures: its label, their names


@dataclass(frozen=True)
class Review:
    """Records are submitted and decided on. The model has what ``Submitted`` brings, alone or in ``Reviewed``."""

    flow: Flow  # states and steps
    stages: tuple[Stage, ...] = ()  # submitted and reviewed one after the other, each locked then
    #: ``hook(session, row)``: what an approval sets off.
    on_approval: tuple[Callable[[Any, Any], None], ...] = ()
    #: The label of a yes/no setting of counties, "" where all are reviewed: it is no at first
    #: (app.kernel.declare.flow).
    setting: str = ""
    builds: Expr = NEVER  # where that makes something: such an approval is not taken back


@dataclass(frozen=True)
class Sheet:
    """Its official list in Excel: the fields in their order under the titles of their sections. A row whose town
    or village nobody finds goes in without it, flagged.
    """

    places: tuple[str, str, str, str, str]  # the heads of the divisions, first in the first section
    leaves_out: str = ""  # fields that have no column


@dataclass(frozen=True)
class Creates:
    """Users add records, each in a division of this level or below it."""

    level: Level  # the highest division that a record may lie in
    owned: bool = False  # who entered a record changes it, nobody else (app.kernel.records.owners)
    sheet: Sheet | None = None  # what stands in an official list of it


@dataclass(frozen=True)
class Milestone:
    """A day of a record that stands on its household's page: ``field`` is a date, ``title`` what
    happened then, ``tells`` the fields that say more of it. With ``rows``, a field of rows, each of
    its rows has such a day.
    """

    field: str
    title: str
    tells: str = ""
    rows: str = ""


@dataclass(frozen=True)
class Membership:
    """What a row says of its household's standing on the list that the register follows: ``tells`` names
    the fields that say more, ``since`` and ``left`` the days.
    """

    tells: str = ""
    since: str = ""
    left: str = ""


@dataclass(frozen=True)
class Story:
    """What other pages than its own tell of a record: that of its household above all."""

    milestones: tuple[Milestone, ...] = ()  # days that the household's page tells
    summary: str = ""  # … and what it says of the house, of the record that counts
    membership: Membership | None = None  # … and of the list
    named_with: str = ""  # what pages of those whom its forms name show of it (Field.found_in)
    stands: str = ""  # the field that says how far a row is, to other registers' ledgers


@dataclass(frozen=True)
class Paper:
    """A form on paper on which a record is printed, A4: the division and the sections as boxes, in their order,
    choices with squares to tick, photos three across, who signs; with a code that leads back to the record.
    """

    name: str  # in addresses
    title: str  # above it
    rows: Expr = ALWAYS  # the records that have it
    several: bool = True  # lists print it of the ticked ones, or of all that they find
    blank: bool = False  # and without a record, to be filled in by hand
    number: str = ""  # what one calls the number by which it is filed; empty: it has none
    without: str = ""  # fields of the form that do not stand on it
    signed: tuple[str, ...] = ()  # who signs, stamps or dates it, at its end

    @property
    def label(self) -> str:
        """Its title in the user's language."""
        return translate(self.title)


class Asks(NamedTuple):
    """A yes/no field that asks for something, and the field that says what."""

    asked: str  # the yes/no field
    field: str  # what is said where it is yes


@dataclass(frozen=True)
class Frozen:
    """Rows that nobody changes, submits or decides on."""

    where: Expr  # the rows
    why: str  # what people are told then


@dataclass(frozen=True)
class Renewal:
    """An approved record is never changed: a new one follows it. The model is ``Renewed``."""

    word: str  # what one calls entering the new record, on its button too
    without: str = ""  # fields that it does not take over from the one before

    @property
    def label(self) -> str:
        """The word in the user's language."""
        return translate(self.word)


@dataclass(frozen=True)
class Derived:
    """Rows that follow from other registers' records: ``wrong`` tells in words which of all do not,
    ``mend`` makes them, some a transaction, and gives how many there were.
    """

    wrong: Callable[[Session], Iterator[str]]
    mend: Callable[[], int]
