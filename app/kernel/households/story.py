"""All that is known of one household, over every register that the account may search: what its page
and its paper show. Nothing here knows a register by name; each says in its declaration what it has
to tell (``Register.story``), and the rest follows from records, their history and files.

Reading costs the same number of statements whatever there is: one for the records of all registers,
one for their histories, one for their files.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Region
from app.core.clock import day_begins, local
from app.core.i18n import _, translate
from app.core.lazy import lazy
from app.kernel import hooks
from app.kernel.declare.field import Field
from app.kernel.declare.groups import Membership
from app.kernel.declare.house_lists import HouseList, house_lists
from app.kernel.declare.register import Register, all_registers
from app.kernel.hooks import Step
from app.kernel.households import audit_words, moves
from app.kernel.households import lists as households
from app.kernel.kinds import formats
from app.kernel.kinds.values import is_missing
from app.kernel.records import history_words, renewals
from app.kernel.records.renewals import Held
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household
from app.kernel.rows.member import Member, members_of
from app.kernel.rows.reading import values_of
from app.kernel.rows.record import HistoryEntry
from app.kernel.rows.transfer import Transfer

#: What the log keeps of a household itself that belongs to its story; looks and exports do not.
_TOLD = (Act.CREATE, Act.UPDATE, Act.IMPORT)
#: What stands on top of a page and is not repeated of a record.
_REPEATED = ("head_name", "head_id", "phone", "state")
#: The household's own line in the choice of registers.
OWN = "household"


@dataclass(frozen=True)
class Event:
    """Something that happened. ``register`` is None for the household itself; ``day``: the hour is not
    known; ``record`` is the key of the record that it happened to; ``opinion`` is what a person said of
    it, ``note`` what the data say.
    """

    at: dt.datetime
    title: str
    register: Register | None = None
    record: Any = None
    tone: str = "neutral"
    who: str = ""
    phone: str = ""
    opinion: str = ""
    note: str = ""
    changes: Sequence[dict[str, str]] = ()
    day: bool = False


@dataclass(frozen=True)
class Story:
    """Events, newest first; are there older ones; the steps over several registers, if there are any."""

    events: Sequence[Event]
    more: bool
    line: Sequence[Step]


@dataclass(frozen=True)
class Photo:
    """A file of one of the records, with the field that asked for it."""

    file: Attachment
    register: Register
    made: Field

    @property
    def on(self) -> dt.date:
        """The day on which it was taken, else the one on which it was added, in China."""
        return (self.file.taken_at or local(self.file.added_at)).date()


@dataclass(frozen=True)
class Stand:
    """How it stands on a list, or stood: ``text`` says more, the days are known where the list's
    register keeps them.
    """

    title: str
    text: str
    since: dt.date | None = None
    left: dt.date | None = None


@dataclass(frozen=True)
class Kept:
    """What one register holds of the household: its records, the one that counts first."""

    register: Register
    rows: Sequence[Any]

    @property
    def latest(self) -> Any:
        return self.rows[0]

    @property
    def summary(self) -> str:
        """What lists show of it beside the household, masked."""
        return _tells(
            self.latest, [n for n in self.register.lists.ledger.split() if n not in _REPEATED]
        )


@dataclass
class Chronicle:
    """The household as the account may see it; ``family``: whom it split off from, and who from it."""

    session: Session
    household: Household
    actor: Actor
    family: Sequence[Household] = ()
    _found: list[tuple[Register, Any]] = field(init=False)

    def __post_init__(self) -> None:
        allowed = [
            r
            for r in all_registers()
            if policy.may(Capability.SEARCH, r.name, self.household, actor=self.actor)
        ]
        found = households.records_of(self.session, self.household, allowed)
        self._found = [(r, row) for r, row in found if not getattr(row, "blank", False)]

    # ---- who and where ---------------------------------------------------------------------

    @lazy
    def transfers(self) -> Sequence[Transfer]:
        """The moves that were asked for, newest first."""
        return moves.of_household(self.household.id)

    @lazy
    def regions(self) -> dict[int, Region]:
        """Where it lies, and the places that its moves name, by key; one statement."""
        keys = {self.household.region_id}
        for one in self.transfers:
            keys |= {one.from_region_id, one.to_region_id}
        found = self.session.scalars(select(Region).where(Region.id.in_(keys)))
        return {region.id: region for region in found}

    @property
    def region(self) -> Region | None:
        """Where it lies."""
        return self.regions.get(self.household.region_id)

    @property
    def place(self) -> str:
        """The full name of where it lies."""
        return self.region.full_name if self.region else ""

    # ---- records ---------------------------------------------------------------------------

    @lazy
    def kept(self) -> list[Kept]:
        """The registers that know the household, in the order of the menu."""
        rows: dict[str, list[Any]] = {}
        registers = {}
        for register, row in self._found:
            registers[register.name] = register
            rows.setdefault(register.name, []).append(row)
        return [Kept(r, sorted(rows[name], key=_counts)) for name, r in registers.items()]

    @lazy
    def lists(self) -> list[Stand]:
        """The lists on which it stands or stood."""
        found = []
        for one in house_lists():
            kept = next(
                (
                    k
                    for k in self.kept
                    if k.register.follows == one.name and k.register.story.membership
                ),
                None,
            )
            if kept and kept.register.story.membership:
                found.append(_stand(one, kept.register.story.membership, kept.latest))
            elif getattr(self.household, one.name):
                made = Household.__fields__["source"]
                text = made.text(self.household.source, self.household.said_at)
                found.append(Stand(translate(one.title), text if one.issued else ""))
        return found

    @lazy
    def members(self) -> list[Member]:
        """The people beside its head, for those who may see the list that knows them."""
        if not any(kept.register.story.membership for kept in self.kept):
            return []
        return members_of(self.session, self.household.id)

    @lazy
    def house(self) -> tuple[Register, Any] | None:
        """The record that tells of the house and its safety, if there is one."""
        return next(iter(hooks.house_record(self.household, self._found)), None)

    def house_facts(self) -> list[tuple[str, str]]:
        """Label and text of what that record says of house and safety."""
        if self.house is None:
            return []
        register, row = self.house
        shown = register.rules.visible(values_of(row))
        found = []
        for name in register.story.summary.split():
            made = register.fields.get(name)
            if made is None or name not in shown.shown or is_missing(shown.values.get(name)):
                continue
            unit = f" {translate(made.unit)}" if made.unit else ""
            found.append((translate(made.label), made.text(shown.values[name], row.said_at) + unit))
        return found

    def on_day(self, day: dt.date) -> list[tuple[Register, Held, str]]:
        """What was approved and in force at the end of a day, by register of surveys, in words; one
        statement.
        """
        surveys = [k for k in self.kept if k.register.flow and k.register.story.summary]
        rows = {row.id: row for kept in surveys for row in kept.rows}
        entries = self.session.scalars(renewals.until(rows, day)).all() if rows else []
        found = []
        for kept in surveys:
            own = {row.id: row for row in kept.rows}
            held = renewals.held_of(own, [e for e in entries if e.record_id in own])
            if held is not None:
                found.append((kept.register, held, _held(kept.register, held)))
        return found

    # ---- files -----------------------------------------------------------------------------

    def photos(self, most: int) -> tuple[list[Photo], bool]:
        """The last files of all records, newest first, at most so many; are there more?"""
        rows = {row.id: (register, row) for register, row in self._found}
        query = (
            select(Attachment)
            .where(Attachment.record_id.in_(rows))
            .order_by(Attachment.added_at.desc(), Attachment.position, Attachment.id)
            .limit(most + 1)
        )
        files = self.session.scalars(query).all() if rows else []
        known: dict[tuple[Any, str], bool] = {}
        found = []
        for file in files[:most]:
            register, row = rows[file.record_id]
            asks = row.id, file.field
            if asks not in known:
                known[asks] = file.field in register.fields and register.rules.shows(
                    file.field, values_of(row)
                )
            if known[asks]:
                found.append(Photo(file, register, register.fields[file.field]))
        return found, len(files) > most

    # ---- what happened ---------------------------------------------------------------------

    def story(self, only: str, most: int) -> Story:
        """The last ``most`` events of one register (``only``, :data:`OWN` for the household itself) or
        of all, and the steps that it goes through.
        """
        known = {row.id: register for register, row in self._found if only in ("", register.name)}
        lines = hooks.household_lines(self.session, self.household.id, self._found, None)
        of_lines = {key for line in lines for key in line.records}
        entries = self._entries(known, of_lines, most + 1)
        found = list(_steps(known, [e for e in entries if e.record_id in known][-most - 1 :]))
        for register, row in self._found:
            if row.id in known:
                found += _milestones(register, row)
        if only in ("", OWN):
            found += self._own(most + 1)
        found.sort(key=lambda event: (event.at, not event.day), reverse=True)
        told = {key: [e for e in entries if e.record_id == key] for key in of_lines}
        steps = [step for line in lines for step in line.steps(told)]
        return Story(found[:most], len(found) > most, steps)

    def _entries(
        self, known: Iterable[Any], line: Collection[Any], most: int
    ) -> Sequence[HistoryEntry]:
        """The last ``most`` steps of the ``known`` records, and all of those in ``line``, oldest first;
        one statement.
        """
        if not self._found:
            return []
        order = (HistoryEntry.at.desc(), HistoryEntry.id.desc())
        newest = select(HistoryEntry.id).where(HistoryEntry.record_id.in_(known))
        wanted = or_(
            HistoryEntry.id.in_(newest.order_by(*order).limit(most)),
            HistoryEntry.record_id.in_(line),
        )
        ours = HistoryEntry.record_id.in_([row.id for _register, row in self._found])
        query = select(HistoryEntry).where(ours, wanted).order_by(*order)
        return self.session.scalars(query).all()[::-1]

    def _own(self, most: int) -> Iterator[Event]:
        """How it came onto the list, what was changed of it, what authorities knew earlier."""
        home = self.household
        source = Household.__fields__["source"].text(home.source, home.said_at)
        yield Event(home.created_at, _("列入名单"), note=source, tone="info")
        query = select(AuditEntry).where(
            AuditEntry.record_id == home.id,
            AuditEntry.register == OWN,
            AuditEntry.act.in_(_TOLD),
        )
        for entry in self.session.scalars(query.order_by(AuditEntry.at.desc()).limit(most)):
            yield Event(
                entry.at,
                entry.act.label,
                who=entry.account_name or "",
                note=audit_words.full(entry),
            )
        for known in hooks.household_story(self.session, home, self.actor, most):
            yield Event(day_begins(known.on), known.register.label, note=known.note, day=True)


def _counts(row: Any) -> tuple[bool, int]:
    """Sorts the record that counts before those that it followed, these newest first."""
    return not getattr(row, "current", True), -row.id.int


def days(stand: Stand) -> list[str]:
    """Since when and until when, in words."""
    found = [_("%(day)s列入", day=stand.since)] if stand.since else []
    return [*found, _("%(day)s退出", day=stand.left)] if stand.left else found


def _stand(one: HouseList, told: Membership, row: Any) -> Stand:
    return Stand(
        translate(one.title),
        _tells(row, told.tells.split()),
        getattr(row, told.since) if told.since else None,
        getattr(row, told.left) if told.left else None,
    )


def _tells(row: Any, names: Sequence[str]) -> str:
    """What these fields of a row say, as lists show it."""
    values = {name: getattr(row, name) for name in names}
    return _said(type(row).__fields__, values, names, row.said_at)


def _said(
    known: Mapping[str, Field], values: Mapping[str, Any], names: Sequence[str], at: dt.datetime
) -> str:
    texts = []
    for name in names:
        if text := known[name].listed(values.get(name), at):
            unit = known[name].unit
            text = f"{text} {translate(unit)}" if unit else text
            if not known[name].kind.speaks:
                text = _("%(label)s：%(value)s", label=translate(known[name].label), value=text)
            texts.append(text)
    return _("，").join(texts)


def _steps(known: Mapping[Any, Register], entries: Iterable[HistoryEntry]) -> Iterator[Event]:
    before: dict[Any, HistoryEntry] = {}
    for entry in entries:
        register, changes = known[entry.record_id], []
        if entry.snapshot is not None:
            part = entry.record_id, entry.stage
            if was := before.get(part):
                changes = history_words.changes(register, was, entry, whole=False)
            before[part] = entry
        yield Event(
            entry.at,
            history_words.title(register, entry),
            register,
            entry.record_id,
            history_words.tone(entry),
            history_words.who(entry),
            formats.mask_phone(entry.phone or None),
            audit_words.masked(history_words.opinion(entry)),
            changes=changes,
        )


def _held(register: Register, held: Held) -> str:
    """What lists show of a record, as it was approved then."""
    names = [
        n for n in register.lists.ledger.split() if n not in _REPEATED and n in register.fields
    ]
    fields = [register.fields[n] for n in names if not register.fields[n].masked]
    texts = (made.said(held.said.get(made.name), held.approved_at) for made in fields)
    return _("，").join(text for text in texts if text)


def _milestones(register: Register, row: Any) -> Iterator[Event]:
    for one in register.story.milestones:
        known, tells = type(row).__fields__, one.tells.split()
        if one.rows:
            known, days = {f.name: f for f in known[one.rows].rows}, getattr(row, one.rows) or ()
        else:
            days = ({name: getattr(row, name) for name in (one.field, *tells)},)
        for values in days:
            if (day := values.get(one.field)) is not None:
                yield Event(
                    day_begins(day),
                    translate(one.title),
                    register,
                    row.id,
                    "info",
                    note=_said(known, values, tells, row.said_at),
                    day=True,
                )
