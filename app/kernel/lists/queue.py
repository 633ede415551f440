"""The records of a list one after the other: what waits, in the order of the places.

A queue asks what a list asks (:class:`app.kernel.lists.ledger.Query`), for some states only. Each look
costs a few short index ranges, however much waits.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, literal, or_, select, tuple_
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
        self.whole = self.areas == (actor.path,)
        filled_in = capability == Capability.ENTER and register.moves is not None
        self.waits = register.moves.asked if filled_in and register.moves else None
        self.order = (self.model.path, self.model.id)

    def first(self) -> uuid.UUID | None:
        """The record that comes first."""
        return self._one(self._select(self.model.id))

    def beside(self, row: Any, *, back: bool = False) -> uuid.UUID | None:
        """The record after ``row`` (before it: ``back``); after the last one the first again."""
        key = (row.path, row.id)
        beside = tuple_(*self.order) < key if back else tuple_(*self.order) > key
        found = self._one(self._select(self.model.id).where(beside), back=back)
        if found is None and not back:
            found = self.first()
        return None if found == row.id else found

    def ahead(self, row: Any, limit: int) -> Sequence[Row[Any]]:
        """What waits from ``row`` on: id, head_name, submitted_at, submitted_by and its place."""
        place = select(Region.name).where(Region.id == self.model.region_id).correlate(self.model)
        model = self.model
        shown = (model.id, model.head_name, model.submitted_at, model.submitted_by)
        query = self._select(*shown, place.scalar_subquery().label("place"))
        on = query.where(tuple_(*self.order) >= (row.path, row.id))
        return self.session.execute(on.order_by(*self.order).limit(limit)).all()

    def left(self) -> Count:
        """How many wait: exact where a counter tells, else counted up to ``CAP``."""
        if self.whole and self.ledger.counter:
            return self.ledger.count()
        inner = self._select(literal(1)).limit(CAP + 1).subquery()
        n = self.session.scalar(select(func.count()).select_from(inner)) or 0
        return Count(min(n, CAP), exact=n <= CAP)

    def _one(self, query: Select[Any], *, back: bool = False) -> uuid.UUID | None:
        order = [c.desc() for c in self.order] if back else self.order
        return self.session.scalar(query.order_by(*order).limit(1))

    def _select(self, *what: Any) -> Select[Any]:
        query = select(*what).where(*self.ledger.conditions())
        if not self.whole:
            query = query.where(or_(*(in_subtree(self.model.path, area) for area in self.areas)))
        if self.waits is not None:  # nobody fills in what asks to move
            query = query.where(getattr(self.model, self.waits).is_not(True))
        if self.ledger.by_name and self.ledger.register.of_households:
            query = query.where(self._named(self.ledger.query.name))
        return query

    def _named(self, start: str) -> ColumnElement[bool]:
        called = select(SearchKey.household_id).where(*keyed(start))
        return self.model.household_id.in_(called)
