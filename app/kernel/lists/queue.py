"""The records of a list one after the other: what waits, in the order of the places.

A queue asks what a list asks (:class:`app.kernel.lists.ledger.Query`), for some states only. Each look
costs a short range of the index of states, one a state, however much waits and whatever lies before it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Row,
    Subquery,
    any_,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from app.access.actor import Actor, Capability
from app.access.divisions.regions import Region, in_subtree
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.lists.asked import keyed
from app.kernel.lists.ledger import CAP, Count, Ledger
from app.kernel.lists.query import Query
from app.kernel.rows.household import SearchKey


class Queue:
    """What of a list an actor may do ``capability`` with, in one of ``states``."""

    def __init__(
        self,
        session: Session,
        register: Register,
        actor: Actor,
        capability: Capability,
        states: tuple[State, ...],
        query: Query | None = None,
    ) -> None:
        """:raises TooWide: a filter without an index over too large an area."""
        self.session, self.model = session, register.model
        self.areas = actor.areas(capability, register.name)
        asked = replace(query or Query(), states=states if register.flow else ())
        self.ledger = Ledger(register, asked, session, actor)
        self.ledger.require_narrow()
        self.beside_state = Ledger(register, replace(asked, states=()), session, actor)
        self.whole = self.areas == (actor.path,)
        filled_in = capability == Capability.ENTER and register.moves is not None
        self.waits = register.moves.asked if filled_in and register.moves else None
        self.order = (self.model.path, self.model.id)

    def first(self) -> uuid.UUID | None:
        """The record that comes first."""
        return self._one()

    def beside(self, row: Any, *, back: bool = False) -> uuid.UUID | None:
        """The record after ``row`` (before it: ``back``); after the last one the first again."""
        key = (row.path, row.id)
        beside = tuple_(*self.order) < key if back else tuple_(*self.order) > key
        found = self._one(beside, back=back)
        if found is None and not back:
            found = self.first()
        return None if found == row.id else found

    def ahead(self, row: Any, limit: int) -> Sequence[Row[Any]]:
        """What waits from ``row`` on: id, head_name, submitted_at, submitted_by and its place."""
        model = self.model
        shown = (model.head_name, model.submitted_at, model.submitted_by, model.region_id)
        on = tuple_(*self.order) >= (row.path, row.id)
        found = self._waiting(limit, on, shown=shown).c
        place = select(Region.name).where(Region.id == found.region_id).scalar_subquery()
        query = select(
            found.id, found.head_name, found.submitted_at, found.submitted_by, place.label("place")
        )
        rows = self.session.execute(query.order_by(found.path, found.id).limit(limit)).all()
        return cast("Sequence[Row[Any]]", rows)

    def left(self) -> Count:
        """How many wait: exact where a counter tells, else counted up to ``CAP``."""
        if self.whole and self.ledger.counter:
            return self.ledger.count()
        some = select(literal(1)).select_from(self._waiting(CAP + 1)).limit(CAP + 1).subquery()
        n = self.session.scalar(select(func.count()).select_from(some)) or 0
        return Count(min(n, CAP), exact=n <= CAP)

    def _one(self, *which: ColumnElement[bool], back: bool = False) -> uuid.UUID | None:
        found = self._waiting(1, *which, back=back).c
        order = _turned([found.path, found.id], back)
        return self.session.scalar(select(found.id).order_by(*order).limit(1))

    def _waiting(
        self,
        limit: int,
        *which: ColumnElement[bool],
        back: bool = False,
        shown: Sequence[Any] = (),
    ) -> Subquery:
        """The first ``limit`` of each state: their places, keys and what is ``shown`` of them."""
        query = select(self.model.path, self.model.id, *shown)
        query = query.where(*self._conditions(), *which).limit(limit)
        parts = [
            query.where(self._is(state)).order_by(*_turned([self.model.state, *self.order], back))
            for state in self.ledger.query.states
        ] or [query.order_by(*_turned(self.order, back))]
        return union_all(*(select(part.subquery()) for part in parts)).subquery()

    def _is(self, state: State) -> ColumnElement[bool]:
        """The record is in this state. PostgreSQL takes an order by a column that is equal to something for
        one by the others, for which the index of places does, too, and finds both equally good where it
        thinks that few lie there. Of one of several values it takes the index of states.
        """
        if self.session.get_bind().dialect.name != "postgresql":
            return cast("ColumnElement[bool]", self.model.state == state)
        among = array([literal(state, self.model.state.type)])
        return cast("ColumnElement[bool]", self.model.state == any_(among))

    def _conditions(self) -> list[ColumnElement[bool]]:
        """What is asked besides the states."""
        found = self.beside_state.conditions()
        if not self.whole:
            found.append(or_(*(in_subtree(self.model.path, area) for area in self.areas)))
        if self.waits is not None:  # nobody fills in what asks to move
            found.append(getattr(self.model, self.waits).is_not(True))
        if self.ledger.by_name and self.ledger.register.of_households:
            found.append(self._named(self.ledger.query.name))
        return found

    def _named(self, start: str) -> ColumnElement[bool]:
        called = select(SearchKey.household_id).where(*keyed(start))
        return self.model.household_id.in_(called)


def _turned(order: Sequence[Any], back: bool) -> list[Any]:
    return [c.desc() for c in order] if back else list(order)
