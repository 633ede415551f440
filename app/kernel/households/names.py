"""Names of persons that were kept before all of them were written in one way are brought to it once, so
that they are found: by search, and by the next list.

Table by table, some rows at a time; killed, the job goes on behind the last ones, and what is done twice
changes nothing. Households come first: they carry their names to what repeats them.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.scope import joined
from app.core.jobs.table import JobContext, once_job
from app.core.transactions import transaction
from app.kernel.declare.field import Field
from app.kernel.declare.register import all_registers
from app.kernel.households import keys, lists
from app.kernel.kinds.values import to_json
from app.kernel.rows.household import Household
from app.kernel.rows.member import Member

_CHUNK = 1000
_WHY = "names of all divisions are written in one way"


@once_job("names.mend", title="统一已有姓名的写法")
def mend_all(job: JobContext) -> dict[str, Any]:
    """Every table with names, in order of its keys."""
    models = _models()
    tables = [model.__tablename__ for model in models]
    done = dict(job.checkpoint or {"table": tables[0], "after": "", "rows": 0})
    first = tables.index(done["table"])
    for number, model in enumerate(models[first:], first):
        if done["table"] != tables[number]:
            done |= {"table": tables[number], "after": ""}
        while (found := _look(model, done["after"])) is not None:
            last, odd = found
            with transaction(), joined(_WHY, writes=True) as session:
                done["rows"] += _mend(session, model, odd) if odd else 0
                done["after"] = last.hex
                job.save(dict(done))
            job.progress(number, len(tables))
    return {"rows": done["rows"]}


def _models() -> list[Any]:
    """What holds names of persons: records of registers, and members of households."""
    named = [model for model in (*_registers(), Member) if _names(model)]
    return sorted(named, key=lambda m: (m is not Household, m is not Member, m.__tablename__))


def _names(model: Any) -> Mapping[str, Field]:
    known: Mapping[str, Field] = model.__fields__
    return {n: made for n, made in known.items() if made.stored and made.kind.holds_names(made)}


def _look(model: Any, after: str) -> tuple[uuid.UUID, list[uuid.UUID]] | None:
    """The key of the last of some rows, and the keys of those whose names are written otherwise; None
    behind the last of all.
    """
    names = _names(model)
    query = select(model.id, *(getattr(model, name) for name in names))
    query = query.where(model.id > uuid.UUID(after)) if after else query
    with joined(_WHY) as session:
        rows = session.execute(query.order_by(model.id).limit(_CHUNK)).all()
    odd = [row[0] for row in rows if _changes(names, dict(zip(names, row[1:], strict=True)))]
    return (rows[-1][0], odd) if rows else None


def _changes(names: Mapping[str, Field], values: Mapping[str, Any]) -> dict[str, Any]:
    new = {name: made.kind.renewed(made, values[name]) for name, made in names.items()}
    return {name: value for name, value in new.items() if value != values[name]}


def _mend(session: Session, model: Any, ids: Sequence[uuid.UUID]) -> int:
    """Mend these rows and what repeats them; gives how many were still to be mended. The caller commits."""
    homes = {home.id: home for home in lists.locked(session, _homes(session, model, ids))}
    standing = keys.kept_of(session, ids) if model is Household else {}
    query = select(model).where(model.id.in_(ids)).order_by(model.id).with_for_update()
    changed = [row for row in session.scalars(query).all() if _rename(session, model, row, homes)]
    session.flush()
    if model in (Household, Member):
        for home in homes.values():
            lists.refresh(session, home)
    keys.renew(session, standing)
    return len(changed)


def _homes(session: Session, model: Any, ids: Sequence[uuid.UUID]) -> Collection[uuid.UUID]:
    if model is not Member:
        return ids if model is Household else ()
    return set(session.scalars(select(Member.household_id).where(Member.id.in_(ids))))


def _rename(session: Session, model: Any, row: Any, homes: Mapping[uuid.UUID, Household]) -> bool:
    """Write the names of a row in the one way, and note it; gives whether any was written otherwise."""
    names = _names(model)
    changes = _changes(names, {name: getattr(row, name) for name in names})
    said = {name: [to_json(getattr(row, name)), to_json(new)] for name, new in changes.items()}
    for name, value in changes.items():
        setattr(row, name, value)
    if changes:
        about = homes[row.household_id] if model is Member else row
        register = _registers().get(type(about))
        detail = {"same_writing": True, "changes": said}
        audit.record(session, Act.UPDATE, register=register, row=about, detail=detail)
    return bool(changes)


def _registers() -> dict[Any, str]:
    return {register.model: register.name for register in all_registers()}
