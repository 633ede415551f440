"""The six steps of a renovation (2024 manual 填报说明; spec 04): survey, application and dossier, each
entered and then reviewed, with their days and people.

The parts are declared: registers of surveys, the one that opens from them, and what continues that one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, String, cast, literal, null, select, union_all
from sqlalchemy.orm import Session

from app.access.actor import Capability
from app.core.clock import local
from app.core.i18n import _, mark, translate
from app.core.types import UuidType
from app.kernel import hooks
from app.kernel.declare.flow import EDITABLE, State
from app.kernel.declare.register import Register, get_register
from app.kernel.hooks import Step
from app.kernel.records import continuing
from app.kernel.rows.record import HistoryEntry
from app.modules.renovation import following
from app.modules.renovation.fields import Applied, Basis
from app.modules.surveys.last import surveys

_SURVEY = mark("住房安全信息录入"), mark("住房安全信息审核")


def concerns(register: Register) -> bool:
    """Do this register's records belong to such a line?"""
    start = following.register()
    if start is None:
        return False
    ours = register in surveys() or issubclass(register.model, Applied)
    return ours or register.continues == start.name


@dataclass(frozen=True)
class Place:
    """A record of the line: where it stands, and the record that it comes from."""

    register: str
    id: uuid.UUID
    state: str
    source: uuid.UUID | None
    closed: bool
    stage: str | None


#: A register of the line, its record if there is one, what entering and reviewing are called.
Part = tuple[Register, Any, tuple[str, str]]


@dataclass(frozen=True)
class Line:
    """What the line of a household is made of."""

    parts: Sequence[Part]

    @property
    def records(self) -> list[uuid.UUID]:
        return [row.id for _register, row, _titles in self.parts if row is not None]

    def steps(self, told: Mapping[uuid.UUID, Sequence[HistoryEntry]]) -> Iterator[Step]:
        return steps(self.parts, told)


@hooks.household_lines.listen()
def line(
    session: Session,
    household_id: uuid.UUID,
    records: Sequence[tuple[Register, Any]] | None,
    at: tuple[Register, uuid.UUID] | None,
) -> Iterator[Line]:
    """The line of the household's newest application, or of the one to which the record ``at``
    belongs; one statement without records at hand.
    """
    start = following.register()
    if start is None or (at is not None and not concerns(at[0])):
        return
    if records is None:
        places: Sequence[Any] = _rows(
            session, household_id, start, continuing.continuation_of(start)
        )
    else:
        places = [_place(r, row, start) for r, row in records if concerns(r)]
    if found := parts(places, at[1] if at else None):
        yield Line(found)


def _place(register: Register, row: Any, start: Register | None) -> Place:
    first = register is start
    source = row.survey_id if first else getattr(row, "source_id", None)
    stage = getattr(row, "stage", None)
    closed = first and row.basis == Basis.CLOSED
    return Place(register.name, row.id, row.state, source, closed, stage)


def parts(rows: Sequence[Any], key: uuid.UUID | None = None) -> list[Part]:
    """What the line is made of; empty without an application."""
    start = following.register()
    if start is None:
        return []
    after = continuing.continuation_of(start)
    by_key = {row.id: row for row in rows}
    application = _application(rows, by_key.get(key) if key else None, start)
    if application is None:
        return []
    survey = by_key.get(application.source)
    dossier = next(
        (r for r in rows if after and r.register == after.name and r.source == application.id), None
    )
    found: list[Part] = [
        (surveys()[0], survey, _SURVEY), (start, application, _titles(start))
    ]  # fmt: skip
    if after is not None:
        found.append((after, dossier, _titles(after)))
    return found


def _rows(
    session: Session, household_id: uuid.UUID, start: Register, after: Register | None
) -> Sequence[Row[Any]]:
    """Every record of the line about the household: register, id, state, source, whether closed."""
    found = []
    for register in (*surveys(), start, *([after] if after else [])):
        model = register.model
        source: Any = cast(null(), UuidType)
        if register is start:
            source = model.survey_id
        elif register is after:
            source = model.source_id
        closed = (model.basis == Basis.CLOSED) if register is start else literal(False)
        stage = model.stage if register.stages else cast(null(), String)
        found.append(
            select(
                literal(register.name).label("register"), model.id.label("id"),
                cast(model.state, String).label("state"), source.label("source"),
                closed.label("closed"), cast(stage, String).label("stage"),
            ).where(model.household_id == household_id)
        )  # fmt: skip
    return session.execute(union_all(*found)).all()


def _application(rows: Sequence[Any], row: Any, start: Register) -> Any:
    applications = sorted((r for r in rows if r.register == start.name), key=lambda r: r.id)
    if row is not None and row.register == start.name:
        return row
    if row is not None and row.source is not None:  # a dossier
        return next((r for r in applications if r.id == row.source), None)
    if row is not None:  # a survey
        own = [r for r in applications if r.source == row.id]
        applications = own or applications
    return next((r for r in reversed(applications) if not r.closed), None)


def _titles(register: Register) -> tuple[str, str]:
    """What its menu calls entering and reviewing."""
    titles = {menu.capability: menu.title for menu in reversed(register.menus)}
    return titles[Capability.ENTER], titles[Capability.REVIEW]


def steps(
    found: Iterable[Part], told: Mapping[uuid.UUID, Sequence[HistoryEntry]]
) -> Iterator[Step]:
    """The steps, with ``told``, the history of the records of the line, each oldest first."""
    reached = True
    for register, row, (entered, reviewed) in found:
        if row is None:
            yield Step(translate(entered), "", "now" if reached else "todo")
            yield Step(translate(reviewed), "", "todo")
            reached = False
            continue
        known = get_register(row.register) or register
        state = State(row.state)
        last = known.stages[-1].name if known.stages else None
        open_stage = state == State.APPROVED and last is not None and row.stage != last
        first = "todo" if not reached else "now"
        if state in EDITABLE or open_stage:
            stage = next((s.label for s in known.stages if s.name == row.stage), "")
            yield Step(translate(entered), stage or known.state_text(state), first)
            yield Step(translate(reviewed), "", "todo")
            reached = False
            continue
        yield Step(translate(entered), _who(told[row.id], submission=True), "done")
        if state == State.APPROVED:
            yield Step(translate(reviewed), _who(told[row.id], submission=False), "done")
        else:
            yield Step(translate(reviewed), known.state_text(state), first)
            reached = False


def _who(entries: Sequence[HistoryEntry], *, submission: bool) -> str:
    """2024-10-08 王某, of the last submission or approval."""
    wanted = (
        e for e in reversed(entries)
        if (e.snapshot is not None if submission else e.target == State.APPROVED)
    )  # fmt: skip
    found = next(wanted, None)
    if found is None:
        return ""
    day = f"{local(found.at):%Y-%m-%d}"
    return _("%(day)s %(who)s", day=day, who=found.person or found.account_name)
