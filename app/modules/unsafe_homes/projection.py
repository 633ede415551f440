"""Keeps the ledger: told of every step of every survey, in its transaction.

A survey is a record of any register whose form has the parts Safety and Assurance. Of a household's
approved surveys, one for each list that it stands on, the newest counts: 一户一行. A row is made,
changed or dropped; the same function makes the rows of what was approved before there was a ledger
and proves those that are there.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, String, cast, func, literal, select, union_all
from sqlalchemy.orm import Session, object_session

from app.core.clock import local
from app.kernel import hooks
from app.kernel.declare.expressions import Expr
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.register import Register, all_registers
from app.kernel.households import lists as households
from app.kernel.rows.household import Household
from app.kernel.rows.reading import columns_of
from app.kernel.rows.record import Reviewed
from app.modules.homes.choices import Grade
from app.modules.homes.house import Assurance, Safety
from app.modules.unsafe_homes.model import Danger, Risk, ToldBy

#: What a row repeats of the survey.
_SAID = ("secured", "measure", "measure_year", "interim_measure", "surveyed_on")
#: The key of a household's row is always the same, so that links to it last.
_KEYS = uuid.UUID("5d0f6f6e-7f0c-4b4e-8d1e-3b6a0c2f9a41")

Values = dict[str, Any]


def surveys() -> tuple[Register, ...]:
    """The registers whose approved records say whether a house is safe."""
    parts = (Reviewed, Safety, Assurance)
    return tuple(
        r for r in all_registers() if r.sections and all(issubclass(r.model, p) for p in parts)
    )


def unsafe(register: Register) -> Expr:
    """The records of unsafe houses and of households without one: those that must say how safety is
    secured, but for houses of A and B that would not stand an earthquake.
    """
    grade = register.model.__fields__["grade"]
    return register.rules.shown["secured"] & ~grade.in_(Grade.A, Grade.B)


@dataclass(frozen=True)
class _Known:
    """A household's newest approved survey."""

    register: Register
    row: RowMapping

    @property
    def age(self) -> tuple[dt.date, dt.datetime]:
        decided = self.row["decided_at"]
        return self.row["surveyed_on"] or local(decided).date(), decided

    def says(self) -> Values | None:
        """What the ledger says by it; None: the household is not in danger."""
        row = self.row
        if not unsafe(self.register).test(dict(row)):
            return None
        grade = row["grade"]
        return {name: row[name] for name in _SAID} | {
            "grade": Danger(grade.value) if grade else Danger.NO_HOUSE,
            "told_by": ToldBy(self.register.follows) if self.register.follows else ToldBy.OTHER,
            "decided_at": row["decided_at"],
            "survey_of": self.register.name,
            "survey_id": row["id"],
        }


def expected(
    session: Session, ids: Collection[uuid.UUID], *, lock: bool = False
) -> dict[uuid.UUID, Values]:
    """What the rows of these households should say; those that should have none are left out.

    ``lock``: nobody else works on these households until the transaction ends.
    """
    query = select(Household).where(Household.id.in_(ids)).order_by(Household.id)
    found = households.locked(session, ids) if lock else session.scalars(query).all()
    newest: dict[uuid.UUID, _Known] = {}
    lists = {home.id: households.lists_of(home) for home in found}
    for known in _approved(session, lists):
        key, follows = known.row["household_id"], known.register.follows
        off = follows and follows not in lists[key]
        if not off and (key not in newest or newest[key].age < known.age):
            newest[key] = known
    rows = {}
    for home in found:
        if home.id in newest and (said := newest[home.id].says()):
            rows[home.id] = said | households.copies(home, Risk) | {"region_id": home.region_id}
    for values in rows.values():
        values |= {register.name: None for register in renovations()}
    for name, key, stands in _standing(session, rows, renovations()):
        rows[key][name] = stands
    return rows


def renovations() -> list[Register]:
    """The registers that say how far a household's renovation is: the ledger has their columns."""
    return [r for r in all_registers() if r.story.stands and r.name in Risk.__fields__]


def _standing(
    session: Session, ids: Collection[uuid.UUID], registers: Collection[Register]
) -> Iterator[tuple[str, uuid.UUID, Any]]:
    """How far the rows of these households are in these registers, the newest last: name of the
    register, household, where it stands. One statement.
    """
    if not (ids and registers):
        return
    found = []
    for register in registers:
        model = register.model
        listed = register.listed.sql(columns_of(model, register.name))
        stands = cast(getattr(model, register.story.stands), String).label("stands")
        name = literal(register.name).label("register")
        query = select(name, model.household_id, stands, model.id)
        found.append(query.where(model.household_id.in_(list(ids)), listed))
    for name, key, said, _id in session.execute(union_all(*found).order_by("id")):
        codes = Risk.__fields__[name].choices
        yield name, key, codes(said) if codes and said else None


def _approved(session: Session, ids: Collection[uuid.UUID]) -> Iterator[_Known]:
    """The approved surveys of these households; one statement."""
    asked = {register.name: register for register in surveys()}
    of_all = set().union(*(unsafe(register).names() for register in asked.values()))
    names = sorted({"id", "household_id", "grade", *_SAID} | of_all)
    found = []
    for register in asked.values():
        model = register.model
        decided = func.coalesce(model.decided_at, model.changed_at).label("decided_at")
        said = (getattr(model, name) for name in names)
        query = select(literal(register.name).label("register"), decided, *said)
        found.append(query.where(model.household_id.in_(ids), model.state == State.APPROVED))
    for row in session.execute(union_all(*found)).mappings():
        yield _Known(asked[row["register"]], row)


def follow(session: Session, ids: Collection[uuid.UUID]) -> int:
    """Make the rows of these households what they should be; gives how many were not. The caller
    commits.
    """
    wanted = expected(session, ids, lock=True)
    there = {r.household_id: r for r in session.scalars(_rows_of(ids))}
    wrong = 0
    for key in ids:
        row, values = there.get(key), wanted.get(key)
        if values is None:
            if row is not None:
                session.delete(row)
                wrong += 1
        elif row is None:
            session.add(Risk(id=uuid.uuid5(_KEYS, key.hex), household_id=key, **values))
            wrong += 1
        elif changes := _differences(row, values):
            for name in changes:
                setattr(row, name, values[name])
            wrong += 1
    return wrong


def wrong(session: Session, ids: Collection[uuid.UUID]) -> Iterator[str]:
    """The households whose rows are not what they should be, in words."""
    wanted = expected(session, ids)
    there = {r.household_id: r for r in session.scalars(_rows_of(ids))}
    for key in ids:
        row, values = there.get(key), wanted.get(key)
        if row is None or values is None:
            if row is not None or values is not None:
                yield f"household {key}: {'no row' if row is None else 'a row too many'}"
        elif changes := _differences(row, values):
            yield f"household {key}: {', '.join(changes)}"


def _rows_of(ids: Collection[uuid.UUID]) -> Any:
    return select(Risk).where(Risk.household_id.in_(ids))


def _differences(row: Risk, values: Values) -> list[str]:
    return [name for name, value in values.items() if getattr(row, name) != value]


# ---- listening -----------------------------------------------------------------------------------


def _session(row: Any) -> Session:
    session = object_session(row)
    if session is None:
        raise LookupError("a record without a session")
    return session


@hooks.stepped.listen(order=40)
def _stepped(register: Register, row: Any, step: Transition) -> None:
    if register not in surveys() or State.APPROVED not in (row.state, *step.sources):
        return
    session, condition = _session(row), unsafe(register)
    safe = not condition.test({name: getattr(row, name) for name in condition.names()})
    if row.state == State.APPROVED and safe and not _stands(session, row.household_id):
        return  # as most are: one statement
    follow(session, [row.household_id])


def _stands(session: Session, household: uuid.UUID) -> bool:
    """Is the household in the ledger? Nobody else works on it until the transaction ends."""
    households.locked(session, [household])
    return session.scalar(select(Risk.id).where(Risk.household_id == household)) is not None


@hooks.listed.listen()
def _listed(session: Session, household: Household) -> None:
    follow(session, [household.id])


@hooks.written.listen()
def _renovated(session: Session, rows: Sequence[Any]) -> None:
    """Applications and dossiers open, close and change by more ways than there are events: every row
    that is written counts. Rows repeat how far the renovations are; nothing else of them depends on
    that.
    """
    names = {register.model: register.name for register in renovations()}
    touched: dict[str, set[uuid.UUID]] = defaultdict(set)
    for row in rows:
        if name := names.get(type(row)):
            touched[name].add(row.household_id)
    if not touched:
        return
    query = _rows_of(set().union(*touched.values())).order_by(Risk.household_id)
    query = query.with_for_update().execution_options(populate_existing=True)
    known = {row.household_id: row for row in session.scalars(query)}
    registers = [r for r in renovations() if touched[r.name] & known.keys()]
    stands = dict.fromkeys((register.name, key) for register in registers for key in known)
    stands |= {(name, key): value for name, key, value in _standing(session, known, registers)}
    for (name, key), value in stands.items():
        setattr(known[key], name, value)
