"""The ledger of C and D households over the surveys that the demonstration has approved."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import local, now
from app.demo import days
from app.kernel.rows.reading import values_of
from app.modules.unsafe_homes import backfill, projection
from app.modules.unsafe_homes.model import Risk
from app.modules.unsafe_homes.register import RISK


def fill(session: Session, deltas: days.Deltas) -> int:
    """Its rows, counted from the day on which their surveys were approved; gives how many."""
    made = follow(session)
    for row in session.scalars(select(Risk)):
        values: dict[str, Any] = values_of(row) | {"county_id": row.county_id, "path": row.path}
        days.count_in(deltas, RISK, values, local(row.decided_at or now()).date(), 1)
    return made


def follow(session: Session) -> int:
    """Make the rows what all that was put in says; gives how many were not."""
    return sum(projection.settle(session, ids) for ids in backfill.households(session))
