"""The ledger of C and D households over the surveys that the demonstration has approved."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import local, now
from app.demo.days import Days
from app.kernel.rows.reading import values_of
from app.modules.unsafe_homes import backfill, projection
from app.modules.unsafe_homes.model import Risk
from app.modules.unsafe_homes.register import RISK


def fill(session: Session, counted: Days) -> int:
    """Its rows, counted from the day on which their surveys were approved; gives how many."""
    made = follow(session)
    for row in session.scalars(select(Risk)):
        values: dict[str, Any] = values_of(row)
        values |= {"id": row.id, "county_id": row.county_id, "path": row.path}
        counted.count_in(RISK, values, local(row.decided_at or now()).date())
    return made


def follow(session: Session) -> int:
    """Make the rows what all that was put in says; gives how many were not."""
    return sum(projection.settle(session, ids) for ids in backfill.households(session))
