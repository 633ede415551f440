"""What the kernel tells its modules and asks of them, so that neither knows the other.

Each hook is a function whose signature is what listeners get and whose docstring says what they are told
and may do (:mod:`app.kernel.hook`). A module listens where it lies::

    @hooks.stepped.listen(of="craftsman")
    def certify(register: Register, row: Any, step: Transition) -> None: ...

A hook that only modules above another one listen to is declared by that one, beside what it tells
of. ``flask hooks`` prints who listens to what.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from app.core.i18n import mark
from app.kernel.hook import asks, tells

if TYPE_CHECKING:
    from flask_appbuilder import AppBuilder, BaseView
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.access.actor import Actor
    from app.access.divisions.regions import Region
    from app.access.settings import Setting
    from app.core.choices import Choices
    from app.core.jobs.table import Job
    from app.kernel.declare.choice_lists import Source
    from app.kernel.declare.flow import Transition
    from app.kernel.declare.register import Register
    from app.kernel.declare.rules import Problem
    from app.kernel.rows.household import Household
    from app.kernel.rows.member import Member
    from app.kernel.rows.record import HistoryEntry
    from app.kernel.rows.transfer import Transfer


# ---- a record is saved and decided on ------------------------------------------------------------


@asks
def record_checks(register: Register, row: Any, values: Mapping[str, Any], /) -> Iterable[Problem]:
    """What is wrong with these values of the row, beside what the register declares; asked wherever
    those checks are: of forms, of imports, of interfaces.
    """
    return ()


@asks
def checked_together(
    register: Register, rows: Sequence[Mapping[str, Any]], /
) -> Iterable[AbstractContextManager[None]]:
    """Rows of these values are about to be checked one after the other, inside what is answered: what
    :func:`record_checks` asks the database of each may be asked of all before.
    """
    return ()


@tells
def saved(register: Register, row: Any, changes: Mapping[str, Any], /) -> None:
    """The row was saved by a click; ``changes`` holds field -> [old, new] as text. May refuse."""


@tells
def clearing(register: Register, row: Any, /) -> None:
    """What was entered is about to be deleted. May refuse."""


@tells
def stepping(register: Register, row: Any, step: Transition, /) -> None:
    """A step is about to be done. May refuse."""


@tells
def stepped(register: Register, row: Any, step: Transition, /) -> None:
    """A step is done: the row has its new state, nothing is committed."""


@asks
def step_words() -> Iterable[str]:
    """What histories call steps that stand in no flow, in Chinese: the catalogue of texts asks."""
    return ()


@tells
def written(registers: tuple[Register, ...], session: Session, rows: Sequence[Any], /) -> None:
    """These rows of registers were written, by whatever way, and are committed now: new ones, changed
    and deleted, of all these registers. Told once a transaction, before the counters; what a listener writes is counted, and
    told to nobody.
    """


@tells
def setting_changed(setting: Setting, region: Region, /) -> None:
    """A division set a setting, or gave it back to what holds above; nothing is committed."""


# ---- what was known before ----------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """What was known of a field before: ``value`` as forms hold it, ``text`` as people read it."""

    value: Any
    text: str
    source: str
    on: dt.date | None = None


@dataclass(frozen=True)
class Earlier:
    """What a page tells of the time before a record: ``notices`` are tone and text, ``facts`` by the
    field beside which they are offered, the latest first.
    """

    notices: Sequence[tuple[str, str]]
    facts: Mapping[str, Sequence[Fact]]


@asks
def earlier_facts(register: Register, row: Any, before: Any, /) -> Iterable[Earlier]:
    """What was known before the record was entered, for its form and its pages; ``before`` is the
    record whose facts the form takes over where this one says nothing yet.
    """
    return ()


@asks
def renewed_facts(register: Register, row: Any, before: Any, /) -> Iterable[tuple[str, Any, str]]:
    """What became otherwise since the record ``before`` said it: field, value (None: nobody knows it
    now) and where that comes from, in words. The new record ``row`` takes over that instead; of a
    field the first answer counts.
    """
    return ()


@asks
def earlier_days(number: str, kind: Choices, /) -> Iterable[Select[tuple[dt.date]]]:
    """On which days an authority found something of this kind about the person with the ID number:
    queries, which whoever asks makes part of its own.
    """
    return ()


# ---- a household and its lists -------------------------------------------------------------------


class Leaving(Enum):
    """What a household is about to leave."""

    LIST = "list"  # the list it stands on: nobody surveys or helps it any more
    PLACE = "place"  # its village, with all that is about it


@tells
def listed(session: Session, household: Household, /) -> None:
    """A household that was known joined a list or left one."""


@asks
def list_copies(
    model: type, household: Household, shown: Member | None, /
) -> Iterable[tuple[str, Any]]:
    """What rows of the model repeat of the household's lists beside what the household itself says:
    name of the field and value. ``shown`` is the member whom the list shows in place of its head.
    """
    return ()


@asks
def list_facts(
    session: Session, homes: Collection[Household], /
) -> Iterable[tuple[uuid.UUID, Mapping[str, Any]]]:
    """What lists say of households beyond what these say themselves: by the household's key, fields
    and values. One statement a listener.
    """
    return ()


@asks
def house_facts(
    household_ids: Collection[uuid.UUID], /
) -> Iterable[Select[tuple[uuid.UUID, dt.date]]]:
    """Since when houses of these households are safe by what was done to them, whatever surveys of an
    earlier day say: queries of household and day, which whoever asks makes part of its own. Who
    answers tells the surveys (``surveys.last.follow``) when its answer becomes another one.
    """
    return ()


@asks
def rebuilt(household: Any, /) -> Iterable[Select[tuple[dt.date]]]:
    """From which days on another house stands where the household's old one did: queries of days, of the
    ``household`` with that key, or, where it is a column, of that one's.
    """
    return ()


@tells
def carried(session: Session, household: Household, /) -> None:
    """A name, a number or a place of the household was carried to all its records: what else lies
    where it lies follows now.
    """


@asks
def why_stay(session: Session, household: Household, leaving: Leaving, /) -> Iterable[str]:
    """Why the household cannot leave its list or its place now, as messages to the user; the session
    may see more than the actor's area.
    """
    return ()


@tells
def arriving(session: Session, transfer: Transfer, region: Region, actor: Actor, /) -> None:
    """A request of the receiving side is granted: who made it makes the move. The session sees both
    places.
    """


# ---- files in ------------------------------------------------------------------------------------


@asks
def why_keep(session: Session, row: Any, known: Mapping[uuid.UUID, int], /) -> Iterable[str]:
    """Why a row that an import made cannot go when that is taken back, as messages. ``known`` are the
    rows that the import wrote of what goes with it, by their keys, with their versions after it.
    """
    return ()


@tells
def unmade(session: Session, row: Any, /) -> None:
    """A row that an import made is about to go: what hangs on it goes. May refuse."""


@tells
def restored(session: Session, row: Any, before: Mapping[str, Any], /) -> None:
    """A row has the values again that it had before an import: ``before`` are those that changed. May
    refuse.
    """


@dataclass(frozen=True)
class Import:
    """A list that can be imported, beside the forms of the registers."""

    kind: str  #: of its job
    start: Callable[..., Job]  #: takes (file, dry_run=, whole=) and queues the job
    label_of: Callable[[str], str]  #: what people call a column that notes name
    page: str  #: the address that shows what became of one, without a slash at the end; {register}: that of its job
    named: str = mark("户主")  #: the head of the column that tells rows of its notes apart
    command: str = ""  #: its name on the command line, if it has one
    what: str = ""  #: what that command imports, in English
    menu: str = ""  #: its entry in the menu, if it has one
    register: str = ""  #: the register whose lists lead there, by a button …
    button: str = ""  #: … of this word
    kept: str = ""  #: why it cannot be taken back, if it cannot


@asks
def imports() -> Iterable[Import]:
    """Which lists can be imported, and where and how: the command line, the pages of jobs and those
    of imports ask.
    """
    return ()


@dataclass(frozen=True)
class ListColumn:
    """A column of a list of households. ``aliases`` are heads without brackets and blanks."""

    name: str
    label: str
    aliases: tuple[str, ...]
    width: int = 12
    example: str = ""
    required: bool = False
    note: str = ""
    options: Source | None = None  #: what its cells choose from


@asks
def list_import_columns() -> Iterable[ListColumn]:
    """Which columns a list of households may have beside the household's own."""
    return ()


@asks
def list_row(register: Register, said: Mapping[str, Any], /) -> Iterable[tuple[str, Any]]:
    """What the row says, as field and value, that a household gets in the register when it is
    imported onto a list; ``said`` is what its line says.
    """
    return ()


@tells
def list_rejoined(register: Register, row: Any, said: Mapping[str, Any], /) -> None:
    """A known household was imported onto the list that the register follows: ``row`` is its row
    there, new or of an earlier time; ``said`` is what the line says.
    """


# ---- the page of a household ---------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """``state`` is done, now or todo; ``text`` the day and the person, or what it waits for."""

    label: str
    text: str
    state: str


class Line(Protocol):
    """Steps that a household goes through over the records of several registers."""

    @property
    def records(self) -> Collection[uuid.UUID]:
        """The records whose history tells them."""

    def steps(self, told: Mapping[uuid.UUID, Sequence[HistoryEntry]], /) -> Iterable[Step]:
        """The steps, with the whole history of each of those records, the oldest entry first."""


@asks
def household_lines(
    session: Session,
    household_id: uuid.UUID,
    records: Sequence[tuple[Register, Any]] | None,
    at: tuple[Register, uuid.UUID] | None,
    /,
) -> Iterable[Line]:
    """The lines of a household; ``records`` are all that the account may see of it, where they are
    at hand already; ``at`` is the one whose page asks, where it is one's.
    """
    return ()


@asks
def house_record(
    household: Household, records: Sequence[tuple[Register, Any]], /
) -> Iterable[tuple[Register, Any]]:
    """Which of these records, all that the account may see of the household, tells of its house: what
    ``summary`` of its register names stands on the household's page and paper. The first answer counts.
    """
    return ()


@dataclass(frozen=True)
class Known:
    """Something that is known of a household on a day, and the register that says so."""

    register: Register
    on: dt.date
    note: str


@asks
def household_story(
    session: Session, household: Household, actor: Actor, most: int, /
) -> Iterable[Known]:
    """What else belongs to the story of a household: what the actor may see of it, at most so many
    a listener, the latest first.
    """
    return ()


# ---- pages ---------------------------------------------------------------------------------------


@asks
def views() -> Iterable[type[BaseView]]:
    """The pages of its own that a module has, beside those of its registers: views of FAB."""
    return ()


@tells
def appbuilder(builder: AppBuilder, /) -> None:
    """The pages are made: a module adds views that FAB generates, with their places in the menu
    (``add_view``, ``add_link``), and APIs (``add_api``).
    """


@dataclass(frozen=True)
class Pages:
    """Pages that a register has besides: ``part`` is a class with their methods, ``routes`` names
    those that have addresses, ``without`` those of every register that this one then lacks.
    """

    part: type
    routes: frozenset[str]
    without: frozenset[str] = frozenset()


@asks
def register_pages(register: Register, /) -> Iterable[Pages]:
    """Which pages the register has besides; asked once, when its view is made."""
    return ()


@dataclass(frozen=True)
class Beside:
    """What a record's page has besides: ``notices`` are tone and text, ``actions`` as its template
    reads them, ``shown`` goes into the template's context.
    """

    notices: Sequence[tuple[str, str]] = ()
    actions: Sequence[dict[str, Any]] = ()
    shown: Mapping[str, Any] = field(default_factory=dict)


@asks
def record_parts(register: Register, row: Any, actor: Actor, /) -> Iterable[Beside]:
    """What the record's page has besides; its review shows the notices."""
    return ()


@dataclass(frozen=True)
class Panel:
    """A part of a page with a template of its own, which reads ``panel``."""

    template: str
    panel: Mapping[str, Any]


@asks
def form_panels(register: Register, row: Any, /) -> Iterable[Panel]:
    """What stands below the record's form."""
    return ()


@asks
def content_policy() -> Iterable[tuple[str, str]]:
    """What the page that is answered may load besides: a directive of its content security policy
    that allows ``'self'``, and one more source. Asked for every answer.
    """
    return ()
