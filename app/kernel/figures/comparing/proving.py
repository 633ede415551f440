"""All of them: who says what, and every finding, from the rows themselves."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import and_, func, select, tuple_
from sqlalchemy.orm import Session

from app.access.divisions.regions import in_subtree
from app.access.scope import hold, joined
from app.core.jobs.table import JobContext, daily_job, job_kind
from app.core.transactions import transaction
from app.kernel.declare.field import Compared
from app.kernel.declare.quality import BROKEN
from app.kernel.declare.register import Register, all_registers, get_register
from app.kernel.figures import mending, shared_values
from app.kernel.figures.comparing import photos, saying
from app.kernel.figures.comparing.saying import Said
from app.kernel.figures.comparing.settling import KIND, WHY, Wanted, number_of, records_of, settle
from app.kernel.figures.shared_values import Value
from app.kernel.kinds.choice import holds
from app.kernel.rows.reading import columns_of

_CHUNK = 500


def recount(session: Session, register: Register, code: str) -> set[uuid.UUID]:
    """The records that break a rule, from the rows themselves; the session sees all areas."""
    rule = register.shared[code]
    if rule.kind == Compared.PHOTO:
        return {*_breaking(session, register, code, [*photos.shared(session, register, code)])}
    homes: dict[Value, set[str]] = defaultdict(set)
    says: dict[Value, list[uuid.UUID]] = defaultdict(list)
    for key, said in _alike(session, register, code):
        homes[said.value].add(said.home)
        says[said.value] += [key] if said.concerned else []
    least = saying.least_of(session, rule)
    return {key for value, own in homes.items() if len(own) >= least for key in says[value]}


def _alike(session: Session, register: Register, code: str) -> Iterator[tuple[uuid.UUID, Said]]:
    """The records that say what another one says, too."""
    model, rule = register.model, register.shared[code]
    columns = [getattr(model, name) for name in rule.fields.split()]
    listed = register.listed.sql(columns_of(model, register.name))
    often = select(*columns).where(listed, *(column.is_not(None) for column in columns))
    alike = often.group_by(*columns).having(func.count() > 1).subquery()
    same = and_(*(own == other for own, other in zip(columns, alike.c, strict=True)))
    names = saying.asked(register, rule)
    query = select(model.id, *(getattr(model, name) for name in names)).join(alike, same)
    for key, *values in session.execute(query):
        said = saying.read(register, code, dict(zip(names, values, strict=True)), key)
        if said is not None:
            yield key, said


def _breaking(
    session: Session, register: Register, code: str, keys: Sequence[uuid.UUID]
) -> Iterator[uuid.UUID]:
    """Those of these records that may break the rule."""
    model, names = register.model, saying.asked(register, register.shared[code])
    query = select(model.id, *(getattr(model, name) for name in names))
    for first in range(0, len(keys), _CHUNK):
        some = query.where(model.id.in_(keys[first : first + _CHUNK]))
        for key, *values in session.execute(some):
            if saying.may_break(register, code, dict(zip(names, values, strict=True))):
                yield key


def wrong_of(session: Session, register: Register) -> Wanted:
    """Findings that records should have and have not, or the other way round."""
    found: Wanted = {}
    for code in register.shared:
        right = recount(session, register, code)
        has = select(register.model.id).where(holds(getattr(register.model, BROKEN), code))
        kept = set(session.scalars(has))
        found |= {(register.name, code, key): key in right for key in right ^ kept}
    return found


def wrong(session: Session, register: Register) -> list[str]:
    """The same in words."""
    return [
        f"{name} {key}: {code} is {'missing' if right else 'kept'} and should not be"
        for (name, code, key), right in sorted(wrong_of(session, register).items())
    ]


def mend(register: Register) -> int:
    """Let every finding over other records be right; gives how many were not."""
    with transaction(), joined(WHY) as session:
        found = sorted(wrong_of(session, register).items())
    for first in range(0, len(found), _CHUNK):
        with transaction(), joined(WHY, writes=True) as session:
            settle(session, dict(found[first : first + _CHUNK]), waits=True)
    return len(found)


def everywhere(register: Register) -> int:
    """Who says what, and every finding, from the rows; gives how many findings were wrong."""
    with joined(WHY) as session:
        places = mending.counties(session)
        held = mending.held(session, register, places)
    for place in places:
        if place.path in held and register.shared:
            fill(register, place)
    return mend(register)


def fill(register: Register, place: Any) -> None:
    """Who says what in a county is known; what is known already stays so."""
    after = None
    while True:
        with transaction(), joined(WHY, writes=True) as session:
            hold(session, {(place.id, place.path)}, {place.id})
            after = _fill_some(session, register, place.path, after)
        if after is None:
            return


def _fill_some(
    session: Session, register: Register, path: str, after: tuple[str, uuid.UUID] | None
) -> tuple[str, uuid.UUID] | None:
    """The next records; gives after which one to go on, None at the end."""
    model = register.model
    rules = {c: r for c, r in register.shared.items() if r.kind != Compared.PHOTO}
    names = sorted({name for rule in rules.values() for name in saying.asked(register, rule)})
    query = select(model.path, model.id, *(getattr(model, name) for name in names))
    query = query.where(in_subtree(model.path, path))
    if after is not None:
        query = query.where(tuple_(model.path, model.id) > after)
    query = query.order_by(model.path, model.id).limit(_CHUNK).with_for_update(read=True)
    changes: dict[Value, dict[str, str | None]] = defaultdict(dict)
    lines = session.execute(query).all()
    for _path, key, *values in lines:
        for code in rules:
            said = saying.read(register, code, dict(zip(names, values, strict=True)), key)
            if said is not None:
                changes[said.value][key.hex] = said.home
    for value, owner, record in photos.said(session, register, [line[1] for line in lines]):
        changes[value][owner] = record
    shared_values.write(session, changes)
    return (lines[-1][0], lines[-1][1]) if len(lines) == _CHUNK else None


@job_kind(KIND, title="核对重复信息")
def compare(job: JobContext) -> dict[str, Any]:
    """The findings of all who say one of these values, some at a time."""
    register, code = get_register(job.args["register"]), job.args["code"]
    if register is None or code not in register.shared:
        return {"records": 0}
    rule, done = register.shared[code], 0
    for number, pair in enumerate(job.args["values"], 1):
        with joined(WHY) as session:
            owners = shared_values.owners_of(session, Value(*pair))
            right = number_of(rule, owners) >= saying.least_of(session, rule)
        theirs = sorted(records_of(rule, owners, {}))
        for first in range(0, len(theirs), _CHUNK):
            some = theirs[first : first + _CHUNK]
            with transaction(), joined(WHY, writes=True) as session:
                settle(session, {(register.name, code, key): right for key in some}, waits=True)
        done += len(theirs)
        job.progress(number, len(job.args["values"]))
    return {"records": done}


@daily_job("quality.compare_all", title="核对全部重复信息")
def compare_all(job: JobContext) -> dict[str, Any]:
    """All records of all registers whose rules look at others."""
    return {"changed": sum(mend(one) for one in all_registers() if one.shared)}
