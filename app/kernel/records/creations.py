"""Records that users make, in registers that declare ``creates``: one form is one record."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.access import policy
from app.access.accounts import unusual
from app.access.actor import Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Region
from app.access.scope import is_hidden, showing_hidden
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.i18n import _
from app.kernel import hooks
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Evaluation, Problem
from app.kernel.records import owners, places
from app.kernel.records import save as records
from app.kernel.settings import standing_rules
from app.kernel.settings.standing_rules import Mended


def create(
    register: Register,
    key: uuid.UUID,
    region_id: int | None,
    values: Mapping[str, Any],
    parse_problems: list[Problem] | None = None,
) -> Any:
    """A new record under ``key``, which its form was opened with: sent twice, it is one record.

    :raises Invalid: with every problem; nothing is written. :raises Conflict: it was deleted meanwhile.
    """
    with showing_hidden():
        there = db.session.get(register.model, key)
    if there is not None and is_hidden(there):
        raise Conflict(_("该%(what)s已被删除，请重新新增。", what=register.word))
    if there is not None:
        return there
    row = new(register, key, region_id, values, parse_problems)
    records.forget_draft(policy.require(Capability.ENTER, register.name), key)
    return row


def new(
    register: Register,
    key: uuid.UUID,
    region_id: int | None,
    values: Mapping[str, Any],
    parse_problems: list[Problem] | None = None,
) -> Any:
    """:func:`create` under a key that nobody else has: nobody typed a draft for it."""
    actor = policy.require(Capability.ENTER, register.name)
    row = blank(register, key)
    wrong = [*(parse_problems or []), *places.problems(register, actor, region_id)]
    add(register, [fill(register, row, region_id, values, wrong)])
    return row


@dataclass(frozen=True)
class Filled:
    """A new row with what its values are changed from, and what standing rules mended of them."""

    row: Any
    changes: dict[str, list[Any]]
    mended: Sequence[Mended]


def fill(
    register: Register,
    row: Any,
    region_id: int | None,
    values: Mapping[str, Any],
    wrong: Sequence[Problem] = (),
    result: Evaluation | None = None,
) -> Filled:
    """Put values into a new row, which :func:`add` writes; ``result`` is what the rules say of them, where
    that is known.

    :raises Invalid: with every problem, those that were found before among them.
    """
    actor = policy.require(Capability.ENTER, register.name)
    values, mended = standing_rules.mended(register, values, _path(region_id), {})
    if result is None or mended:
        result = records.evaluate(register, row, values, ())
    blocking = [*wrong, *records.blocking_problems(register, row, result)]
    if blocking:
        raise Invalid(_("有 %(n)s 处需要修改，修改后再保存。", n=len(blocking)), blocking)
    unusual.count(unusual.What.ADDITIONS)
    row.region_id = region_id
    changes = records.assign(row, records.stored_values(register, result))
    records.follow(register, row, result)
    if register.flow is not None:
        row.state = State.DRAFT
    if register.owned:
        owners.own(row, actor)
    return Filled(row, changes, mended)


def add(register: Register, filled: Sequence[Filled]) -> None:
    """Write new rows that were filled, together."""
    actor = policy.require(Capability.ENTER, register.name)
    db.session.add_all([one.row for one in filled])
    db.session.flush()
    for one in filled:
        records.note_mended(register, one.row, actor, one.mended)
        detail = {"changes": one.changes, **standing_rules.raw(one.mended)}
        audit.record(db.session, Act.CREATE, register=register.name, row=one.row, detail=detail)
    for one in filled:
        hooks.saved(register, one.row, one.changes)


def _path(region_id: int | None) -> str:
    """Where the record will lie; the division was looked at, and is known."""
    region = db.session.get(Region, region_id) if region_id is not None else None
    return region.path if region is not None else ""


def blank(register: Register, key: uuid.UUID) -> Any:
    """A record that is not written yet, as its form begins with it."""
    return register.model(id=key)
