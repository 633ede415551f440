"""What is done to the parcel of a survey's house outside its form: 补录图斑 and 删除图斑.

Source: 2024 manual §1.2.1, 补录图斑: 此功能不影响档案录入和审核. Neither changes the state, asks for a review
or touches what was typed about the house.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Region
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.i18n import _
from app.kernel import hooks
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.records import history
from app.kernel.records import save as records
from app.modules.homes.choices import ParcelState
from app.modules.homes.house import House
from app.modules.house_map.parcels import table as parcels

#: What the history calls them.
LATE, DROP = "补录图斑", "删除图斑"


@hooks.step_words.listen()
def step_words() -> tuple[str, ...]:
    """Both stand in histories."""
    return LATE, DROP


def may_add(register: Register, row: Any, actor: Actor) -> bool:
    """Is this a survey whose parcel was not found, that the account may see to?"""
    return row.parcel_state == ParcelState.NOT_FOUND and _may(register, row, actor)


def may_drop(register: Register, row: Any, actor: Actor) -> bool:
    """Is this a survey with a parcel that the account may clear?"""
    return row.parcel_state == ParcelState.CHOSEN and _may(register, row, actor)


def _may(register: Register, row: Any, actor: Actor) -> bool:
    return policy.may(Capability.ENTER, register.name, row, actor=actor)


def add(register: Register, record_id: uuid.UUID, number: str, version: int) -> Any:
    """补录图斑: set the parcel that was not found when the form was filled in.

    :raises BadInput: no such parcel in the area. :raises Conflict: the survey has one, or was changed.
    """
    row = records.get(register, record_id, lock=True)
    actor = policy.require(Capability.ENTER, register.name, row)
    if not number:
        raise BadInput(_("请先选择图斑。"))
    if row.parcel_state == ParcelState.CHOSEN and row.parcel_number == number:
        return row  # the same click, sent twice
    if row.parcel_state != ParcelState.NOT_FOUND:
        raise Conflict(_("该户不在补录图斑之列，请刷新后再看。"), row=row)
    records.require_version(register, row, version)
    if parcels.get(db.session, number) is None:
        raise BadInput(unknown(number))
    return _change(register, row, actor, LATE, ParcelState.CHOSEN, number)


def drop(register: Register, record_id: uuid.UUID, version: int) -> Any:
    """删除图斑: clear a wrong parcel; the survey is listed under 补录图斑.

    :raises Conflict: the survey has no parcel, or was changed meanwhile.
    """
    row = records.get(register, record_id, lock=True)
    actor = policy.require(Capability.ENTER, register.name, row)
    if row.parcel_state != ParcelState.CHOSEN:
        raise Conflict(_("该户没有选择图斑，没有可删除的。"), row=row)
    records.require_version(register, row, version)
    return _change(register, row, actor, DROP, ParcelState.NOT_FOUND, None)


def _change(
    register: Register, row: Any, actor: Actor, label: str, state: ParcelState, number: str | None
) -> Any:
    before = row.parcel_number
    changes = {
        "parcel_state": [row.parcel_state.value, state.value],
        "parcel_number": [before, number],
    }
    row.parcel_state, row.parcel_number, row.changed_at = state, number, now()
    step = "late_parcel" if number else "drop_parcel"
    said = _("图斑%(number)s", number=number or before)
    history.note(register, row, actor, step, label, opinion=said)
    audit.record(
        db.session, Act.UPDATE, register=register.name, row=row,
        detail={"changes": changes, "step": step},
    )  # fmt: skip
    return row


def unknown(number: str) -> str:
    """Why a typed number is refused."""
    return _(
        "没有编号为“%(number)s”的图斑，请在地图上选择；找不到时选“未发现图斑”。", number=number[:40]
    )


@hooks.record_checks.listen(of=House, order=5)
def number_is_known(_register: Register, row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Where the census is connected, a number is one of its own; elsewhere it comes from paper."""
    number = values.get("parcel_number")
    if not number or number == row.parcel_number or parcels.get(db.session, number) is not None:
        return
    if stocked(row):
        yield Problem("parcel_number", "parcel_number.unknown", unknown(number))


def stocked(row: Any) -> bool:
    """Does the record's county have parcels to choose from, in the account's area?"""
    county = db.session.get(Region, row.county_id)
    return county is not None and parcels.any_below(db.session, county.path)
