"""The division of a record that users make: chosen in its form, at a level that its register allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import object_session

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions.regions import Region, within
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.rows.file import Attachment
from app.kernel.rows.record import HistoryEntry

#: What forms call it.
FIELD = "region"


def problems(register: Register, actor: Actor, region_id: int | None) -> Iterator[Problem]:
    """What is wrong with the division that was chosen for a record of a register that ``creates``."""
    region = db.session.get(Region, region_id) if region_id is not None else None
    if register.creates is None:
        raise NotFound(_("没有这一操作。"))
    if region_id is None:
        yield Problem(FIELD, f"{FIELD}.required", _("请选择行政区划。"))
    elif region is None or region.structural or not within(region.path, actor.path):
        text = _("没有找到该行政区划，或它不在您的管辖范围内，请重新选择。")
        yield Problem(FIELD, f"{FIELD}.unknown", text)
    elif region.level < register.creates.level:
        text = _("请至少选择到%(level)s行政区划。", level=register.creates.level.label)
        yield Problem(FIELD, f"{FIELD}.high", text)
    elif not policy.may(Capability.ENTER, register.name, region, actor=actor):
        text = _("您的账号不能在这个地区录入，请重新选择。")
        yield Problem(FIELD, f"{FIELD}.foreign", text)


def settle(row: Any, region_id: int) -> list[str]:
    """Another division, for the record and what belongs to it; gives the names of both."""
    session = object_session(row) or db.session
    names = [r.full_name for i in (row.region_id, region_id) if (r := session.get(Region, i))]
    row.region_id = region_id
    for model in (Attachment, HistoryEntry):
        for owned in session.scalars(select(model).where(model.record_id == row.id)):
            owned.region_id = region_id
    return names
