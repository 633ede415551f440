"""Some households of the demonstration ask to move: asked and answered by its own accounts, as users
would do it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from app.access import policy
from app.access.account import Account
from app.access.actor import Actor, Capability, Kind
from app.access.divisions.regions import Level, Region, in_subtree
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.transactions import transaction
from app.demo.places import COUNTIES, County, region
from app.kernel.declare.flow import State
from app.kernel.households import moves
from app.kernel.records import save as records
from app.kernel.records.history import Contact
from app.kernel.rows.transfer import Transfer
from app.modules.surveys.lookback.register import LOOKBACK

_WHY = "该户2022年已在我县购房，但户籍尚未迁入，请先办理户籍迁移。"


def play(counties: Sequence[County] = COUNTIES) -> int:
    """Requests within a county and between two, in every state; gives how many. Commits."""
    issued = [county for county in counties if county.shares is not None]
    with unscoped("demonstration data are put in for all divisions at once") as session:
        places = [_County(session, county.code) for county in issued[:2]]
    one, other = places[0], places[-1]
    plans: list[tuple[_County, int, list[tuple[_County, Callable[..., Any], str]]]] = [
        (one, one.villages[-1], []),
        (other, one.villages[0], [(one, moves.refuse, _WHY)]),
    ]
    if other is not one:
        plans += [
            (one, other.villages[0], [(other, moves.agree, "房屋和户籍均已核实，同意迁入。")]),
            (other, one.villages[-2], []),
            (one, other.villages[-1], [(one, moves.agree, ""), (other, moves.agree, "")]),
        ]
    for place, village, answers in plans:
        transfer = place.ask(village)
        for answering, answer, opinion in answers:
            answering.answer(answer, transfer, opinion)
    return len(plans)


class _County:
    """A county: who enters and decides there, what is only begun there, its villages."""

    def __init__(self, session: Any, code: str) -> None:
        place = region(session, code, Level.COUNTY)
        own = select(Account).where(Account.demo, Account.region_id == place.id)
        actors = [policy.actor_of(session, account) for account in session.scalars(own)]
        self.manager = next(a for a in actors if a.kind == Kind.MANAGER)
        self.collector = next(
            a for a in actors if a.kind != Kind.MANAGER and a.has(Capability.ENTER, LOOKBACK.name)
        )
        inside = select(Region.id).where(
            in_subtree(Region.path, place.path), Region.level == Level.VILLAGE
        )
        self.villages = list(session.scalars(inside.order_by(Region.path)))
        model = LOOKBACK.model
        begun = select(model.id).where(
            model.county_id == place.id, model.state == State.DRAFT, model.moved.is_not(True)
        )
        self.begun = list(session.scalars(begun.order_by(model.path, model.id).limit(20)))

    def ask(self, village: int) -> uuid.UUID:
        """The next household that is begun asks to move there."""
        key = self.begun.pop(0)
        form = {"died": False, "head_changed": False, "split": False, "split_heads": None}
        with acting_as(self.collector):
            with transaction():
                row = records.get(LOOKBACK, key)
                told = form | {"moved": True, "new_place": village}
                records.save(LOOKBACK, key, told, row.version)
            asked = moves.waiting_of(row.household_id)
            db.session.remove()
        if asked is None:
            raise LookupError("no request was made")
        return asked.id

    def answer(self, answer: Callable[..., Transfer], transfer: uuid.UUID, opinion: str) -> None:
        """The county's manager decides."""
        with acting_as(self.manager):
            with transaction():
                answer(transfer, _contact(self.manager), opinion)
            db.session.remove()


def _contact(actor: Actor) -> Contact:
    return Contact(actor.contact_name or actor.name, actor.contact_phone)
