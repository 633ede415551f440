"""The listed household of a record that users make about one: found by the number that its form says, where
one of the own area has it as its head's, issued or corrected (``app.kernel.rows.record.NamesHousehold``).
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import or_, select

from app.core.db import db
from app.kernel.rows.household import Household, SearchKey


def follow(row: Any) -> None:
    """Set whom the record is about; before it is flushed."""
    with db.session.no_autoflush:
        row.household_id = _with(row.head_id) if row.head_id else None


def listed(row: Any) -> Household | None:
    """The household that the record was found to be about, while it lies in the own area."""
    return db.session.get(Household, row.household_id) if row.household_id else None


def _with(number: str) -> uuid.UUID | None:
    theirs = (Household.head_id, Household.issued_id, Household.corrected_id)
    query = (
        select(Household.id)
        .join(SearchKey, SearchKey.household_id == Household.id)
        .where(SearchKey.value == number, or_(*(column == number for column in theirs)))
    )
    return db.session.scalar(query.order_by(Household.id).limit(1))
