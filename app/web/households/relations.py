"""Whom a household split off from, who split off from it, where it moved: panels of its page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from app.core.clock import local
from app.core.i18n import _
from app.kernel.households.story import Chronicle
from app.kernel.rows.household import Household
from app.kernel.rows.record import Standing
from app.kernel.rows.transfer import TransferState

#: The colour of a request's state.
TONES = {
    TransferState.WAITING: "warn",
    TransferState.MOVED: "good",
    TransferState.REFUSED: "bad",
    TransferState.WITHDRAWN: "neutral",
}


def panels(chronicle: Chronicle) -> list[dict[str, Any]]:
    """``{name, title, items [{label, text, url, tag}]}`` of what there is, within the own area."""
    found = [
        {
            "name": "family",
            "title": _("分户"),
            "items": list(_family(chronicle.household, chronicle.family)),
        },
        {"name": "moves", "title": _("迁户"), "items": list(_moves(chronicle))},
    ]
    return [panel for panel in found if panel["items"]]


def _family(household: Household, family: Iterable[Household]) -> Iterator[dict[str, Any]]:
    for one in family:
        parent = one.id == household.parent_id
        pending = one.standing == Standing.PENDING and not parent
        yield {
            "label": _("主户") if parent else _("分出"),
            "text": one.head_name,
            "url": f"/household/{one.id}",
            "tag": {"text": _("主户待审核"), "tone": "warn"} if pending else None,
        }


def _moves(chronicle: Chronicle) -> Iterator[dict[str, Any]]:
    names = {key: region.full_name for key, region in chronicle.regions.items()}
    for transfer in chronicle.transfers:
        old, new = names.get(transfer.from_region_id, ""), names.get(transfer.to_region_id, "")
        yield {
            "label": f"{local(transfer.asked_at):%Y-%m-%d}",
            "text": f"{old} → {new}",
            "url": f"/transfers/{transfer.id}",
            "tag": {"text": transfer.state.label, "tone": TONES[transfer.state]},
        }
