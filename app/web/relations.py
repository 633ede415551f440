"""Whom a household split off from, who split off from it, where it moved: panels of its page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import or_, select

from app.access.regions import Region
from app.actions import moves
from app.core.clock import local
from app.core.db import db
from app.core.i18n import _
from app.registry.households import Household
from app.registry.records import Standing
from app.registry.transfers import TransferState

#: The colour of a request's state.
TONES = {
    TransferState.WAITING: "warn",
    TransferState.MOVED: "good",
    TransferState.REFUSED: "bad",
    TransferState.WITHDRAWN: "neutral",
}


def panels(household: Household) -> list[dict[str, Any]]:
    """``{name, title, items [{label, text, url, tag}]}`` of what there is, within the own area."""
    found = [
        {"name": "family", "title": _("分户"), "items": list(_family(household))},
        {"name": "moves", "title": _("迁户"), "items": list(_moves(household))},
    ]
    return [panel for panel in found if panel["items"]]


def _family(household: Household) -> Iterator[dict[str, Any]]:
    related = [Household.parent_id == household.id]
    if household.parent_id is not None:
        related.append(Household.id == household.parent_id)
    for one in db.session.scalars(select(Household).where(or_(*related)).order_by(Household.id)):
        parent = one.id == household.parent_id
        pending = one.standing == Standing.PENDING and not parent
        yield {
            "label": _("主户") if parent else _("分出"),
            "text": one.head_name,
            "url": f"/household/{one.id}",
            "tag": {"text": _("主户待审核"), "tone": "warn"} if pending else None,
        }


def _moves(household: Household) -> Iterator[dict[str, Any]]:
    asked = moves.of_household(household.id)
    keys = {key for t in asked for key in (t.from_region_id, t.to_region_id)}
    query = select(Region.id, Region.full_name).where(Region.id.in_(keys))
    names: dict[int, str] = dict(db.session.execute(query).all()) if keys else {}
    for transfer in asked:
        old, new = names.get(transfer.from_region_id, ""), names.get(transfer.to_region_id, "")
        yield {
            "label": f"{local(transfer.asked_at):%Y-%m-%d}",
            "text": f"{old} → {new}",
            "url": f"/transfers/{transfer.id}",
            "tag": {"text": transfer.state.label, "tone": TONES[transfer.state]},
        }
