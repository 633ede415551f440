"""The reviewer's queue: what waits, in the order of the places, with its neighbours.

Each look costs a few short index ranges, however much waits.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask import session
from sqlalchemy import Row, Select, func, literal, select, tuple_

from app.access.actor import Actor, Capability
from app.access.regions import Level, Region, subtree
from app.actions import records
from app.core.clock import local, now
from app.core.db import db
from app.core.i18n import _, translate
from app.registry.counters import total
from app.registry.flow import State
from app.registry.ledger import CAP
from app.registry.register import Register

UNDO_SECONDS = 10
_AROUND = 12


def first(register: Register, actor: Actor, region: Region | None) -> uuid.UUID | None:
    """The record that opens when the queue is opened."""
    query = _waiting(register, actor, region, register.model.id)
    return db.session.scalar(query.order_by(*_order(register)).limit(1))


def neighbour(
    register: Register, row: Any, actor: Actor, region: Region | None, *, back: bool = False
) -> uuid.UUID | None:
    """The waiting record after ``row`` (before it: ``back``); at the end the first one again."""
    order, key = _order(register), (row.path, row.id)
    beside = tuple_(*order) < key if back else tuple_(*order) > key
    query = _waiting(register, actor, region, register.model.id).where(beside)
    found = db.session.scalar(
        query.order_by(*([c.desc() for c in order] if back else order)).limit(1)
    )
    if found is None and not back:
        found = first(register, actor, region)
    return None if found == row.id else found


def context(register: Register, row: Any, actor: Actor, region: Region | None) -> dict[str, Any]:
    """The context of ``anju/review.html`` but for the record itself."""
    step = register.flow.get("return") if register.flow else None
    tail = f"?region={region.id}" if region else ""
    queue = _queue(register, row, actor, region)
    before = neighbour(register, row, actor, region, back=True)
    after = queue[1].id if len(queue) > 1 else neighbour(register, row, actor, region)
    menu = next((m for m in register.menus if m.capability == Capability.REVIEW), None)
    return {
        "title": translate(menu.title) if menu else _("审核"),
        "left": _left(register, actor, region),
        "queue": [_line(register, one, row, tail) for one in queue],
        "list_url": f"/{register.name}/{menu.name}?list=1" if menu else None,
        "action_url": f"/{register.name}/{row.id}/decide{tail}",
        "reasons": _reasons(step.reasons if step else ()),
        "prev_url": f"/{register.name}/{before}/review{tail}" if before else None,
        "next_url": f"/{register.name}/{after}/review{tail}" if after else None,
        "undo": undo(register),
        "blocked": _blocked(row, actor),
    }


def _order(register: Register) -> tuple[Any, Any]:
    return register.model.path, register.model.id


def _waiting(register: Register, actor: Actor, region: Region | None, *what: Any) -> Select[Any]:
    low, high = subtree(region.path if region else actor.path)
    model = register.model
    return select(*what).where(model.state == State.SUBMITTED, model.path >= low, model.path < high)


def _left(register: Register, actor: Actor, region: Region | None) -> str:
    level = region.level if region else actor.level
    if level <= Level.COUNTY and "submitted" in register.figures:
        path = region.path if region else actor.path
        return f"{total(db.session, register, 'submitted', path):,}"
    inner = _waiting(register, actor, region, literal(1)).limit(CAP + 1).subquery()
    n = db.session.scalar(select(func.count()).select_from(inner)) or 0
    return f"{n:,}" if n <= CAP else f"{CAP:,}+"


def _queue(register: Register, row: Any, actor: Actor, region: Region | None) -> Sequence[Row[Any]]:
    """What waits from ``row`` on, each with the name of its division."""
    model, order = register.model, _order(register)
    place = select(Region.name).where(Region.id == model.region_id).correlate(model)
    columns = (model.id, model.head_name, model.submitted_at)
    query = _waiting(register, actor, region, *columns, place.scalar_subquery().label("place"))
    ahead = query.where(tuple_(*order) >= (row.path, row.id)).order_by(*order).limit(_AROUND)
    return db.session.execute(ahead).all()


def _line(register: Register, one: Row[Any], row: Any, tail: str) -> dict[str, Any]:
    since = f"{local(one.submitted_at):%m-%d %H:%M}" if one.submitted_at else ""
    return {
        "url": f"/{register.name}/{one.id}/review{tail}",
        "title": one.head_name,
        "sub": " · ".join(part for part in (one.place, since) if part),
        "active": one.id == row.id,
    }


def _reasons(declared: tuple[str, ...]) -> list[str]:
    """The declared reasons, those that this reviewer ticks most first."""
    ticked: dict[str, int] = session.get("reasons", {})
    return [translate(r) for r in sorted(declared, key=lambda r: -ticked.get(r, 0))]


def remember_reasons(reasons: tuple[str, ...]) -> None:
    """Count what was ticked, for the order of the next page."""
    ticked: dict[str, int] = session.get("reasons", {})
    session["reasons"] = ticked | {r: ticked.get(r, 0) + 1 for r in reasons}


def undo(register: Register) -> dict[str, Any] | None:
    """The last decision of this session, while it can be taken back."""
    decided = session.get("decided")
    if not decided or decided.get("register") != register.name:
        return None
    left = int(UNDO_SECONDS - (now().timestamp() - decided["at"]))
    row = db.session.get(register.model, uuid.UUID(decided["id"])) if left > 0 else None
    if row is None or row.state != decided.get("state"):
        session.pop("decided", None)
        return None
    text = _("%(name)s：%(state)s。", name=row.head_name, state=row.state.label)
    return {"url": f"/{register.name}/{row.id}/undo", "text": text, "seconds": left}


def _blocked(row: Any, actor: Actor) -> str | None:
    if row.submitted_by == actor.account_id and not records.self_review():
        return _("这份档案是本账号上报的，请由其他审核人员审核。")
    return None
