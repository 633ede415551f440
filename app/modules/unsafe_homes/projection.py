"""Keeps the ledger: told of the survey of a household that counts, in the transaction that made it so.

One household, one row (一户一行), which is made, changed or dropped; the same function makes the rows of
what was approved before there was a ledger and proves those that are there.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import String, cast, literal, select, union_all
from sqlalchemy.orm import Session

from app.core.i18n import mark
from app.kernel import hooks
from app.kernel.declare.expressions import Expr
from app.kernel.declare.register import Register, all_registers
from app.kernel.hook import Having
from app.kernel.households import lists as households
from app.kernel.records import copies
from app.kernel.rows.household import Household
from app.kernel.rows.reading import columns_of
from app.modules.homes.choices import Grade
from app.modules.surveys.last import Cause, Last, approved_at, last_surveys, surveyed
from app.modules.unsafe_homes.model import Danger, Risk, ToldBy

#: What a row repeats of the survey.
_SAID = ("secured", "measure", "measure_year", "interim_measure", "surveyed_on")
#: The key of a household's row is always the same, so that links to it last.
_KEYS = uuid.UUID("5d0f6f6e-7f0c-4b4e-8d1e-3b6a0c2f9a41")

Values = dict[str, Any]
#: What a change of it is called.
LEDGER = mark("C、D级农户台账")


def unsafe(register: Register) -> Expr:
    """The records of unsafe houses and of households without one: those that must say how safety is
    secured, but for houses of A and B that would not stand an earthquake.
    """
    grade = register.model.__fields__["grade"]
    return register.rules.shown["secured"] & ~grade.in_(Grade.A, Grade.B)


def _says(last: Last) -> Values | None:
    """What the ledger says by the survey that counts; None: the household is not in danger."""
    survey = last.survey
    if not unsafe(last.register).holds_of(survey):
        return None
    grade, follows = survey.grade, last.register.follows
    return {name: getattr(survey, name) for name in _SAID} | {
        "secured": True if last.safe_from else survey.secured,
        "grade": Danger(grade.value) if grade else Danger.NO_HOUSE,
        "told_by": ToldBy(follows) if follows else ToldBy.OTHER,
        "decided_at": approved_at(survey),
        "survey_of": last.register.name,
        "survey_id": survey.id,
    }


def expected(
    session: Session, homes: Collection[Household], lasts: Mapping[uuid.UUID, Last]
) -> dict[uuid.UUID, Values]:
    """What the rows of these households should say; those that should have none are left out."""
    rows = {}
    for home in homes:
        if home.id in lasts and (said := _says(lasts[home.id])):
            rows[home.id] = said | copies.of(home, Risk) | {"region_id": home.region_id}
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


def settle(session: Session, ids: Collection[uuid.UUID]) -> int:
    """Make the rows of these households what they should be; gives how many were not. The caller
    commits.
    """
    homes = households.locked(session, ids)
    return _settle(session, ids, expected(session, homes, last_surveys(session, homes)))


def _settle(
    session: Session, ids: Collection[uuid.UUID], wanted: Mapping[uuid.UUID, Values]
) -> int:
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
    homes = session.scalars(select(Household).where(Household.id.in_(ids))).all()
    wanted = expected(session, homes, last_surveys(session, homes))
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


@surveyed.listen(order=15)
def follow(
    session: Session, homes: Sequence[Household], lasts: Mapping[uuid.UUID, Last], _cause: Cause
) -> list[str]:
    """A row comes, goes and changes with the survey that counts."""
    ids = [home.id for home in homes]
    return [LEDGER] * _settle(session, ids, expected(session, homes, lasts))


@hooks.written.listen(of=Having("story.stands"))
def _renovated(_registers: tuple[Register, ...], session: Session, rows: Sequence[Any]) -> None:
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
