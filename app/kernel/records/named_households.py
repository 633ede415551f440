"""The listed household of a record that users make about one: found by the number that its form says, where
one of the own area has it as its head's, issued or corrected (``app.kernel.rows.record.NamesHousehold``).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Select, or_, select

from app.core.db import db
from app.kernel.rows.household import Household, SearchKey

#: Households of numbers that somebody has looked up together (:func:`looked_up`).
_known: ContextVar[Mapping[str, uuid.UUID | None] | None] = ContextVar("named", default=None)


def follow(row: Any) -> None:
    """Set whom the record is about; before it is flushed."""
    known = _known.get()
    if known is not None and row.head_id in known:
        row.household_id = known[row.head_id]
        return
    with db.session.no_autoflush:
        row.household_id = _with(row.head_id) if row.head_id else None


@contextmanager
def looked_up(numbers: Collection[str]) -> Iterator[None]:
    """Inside the households of these numbers are known; one statement."""
    theirs = _having(SearchKey.value).add_columns(SearchKey.value)
    rows = db.session.execute(theirs.where(SearchKey.value.in_(numbers))) if numbers else ()
    found: dict[str, uuid.UUID | None] = dict.fromkeys(numbers)
    for key, number in rows:
        found[number] = min(found[number] or key, key)
    token = _known.set(found)
    try:
        yield
    finally:
        _known.reset(token)


def listed(row: Any) -> Household | None:
    """The household that the record was found to be about, while it lies in the own area."""
    return db.session.get(Household, row.household_id) if row.household_id else None


def _with(number: str) -> uuid.UUID | None:
    query = _having(number).where(SearchKey.value == number)
    return db.session.scalar(query.order_by(Household.id).limit(1))


def _having(number: Any) -> Select[Any]:
    """Households whose head's number it is."""
    theirs = (Household.head_id, Household.issued_id, Household.corrected_id)
    query = select(Household.id).join(SearchKey, SearchKey.household_id == Household.id)
    return query.where(or_(*(column == number for column in theirs)))
