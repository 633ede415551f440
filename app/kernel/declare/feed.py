"""What changed since an instant, for systems that keep a copy (spec 08 "Exchange").

Key paged in the order of change, one range of an index for the nation, a province or a county; the
feeds of a city's counties are merged. So a page costs the same however much there is.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Index, and_, select, true, tuple_, union_all
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, Region, in_subtree
from app.access.scope import showing_hidden
from app.core.clock import now
from app.core.errors import BadInput
from app.core.i18n import _

#: Whoever writes has committed so long after the instant that the row bears; what is younger waits.
SETTLED = dt.timedelta(seconds=10)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_CURSOR = re.compile(r"(\d{1,16})~([0-9a-f]{32})")


def indexes(table: str) -> tuple[Index, ...]:
    """The indexes that the feed of a table reads; they stand in ``__table_args__``."""
    return (
        Index(f"ix_{table}_changed", "changed_at", "id"),
        Index(f"ix_{table}_changed_county", "county_id", "changed_at", "id"),
        Index(f"ix_{table}_changed_province", "province_id", "changed_at", "id"),
    )


@dataclass(frozen=True)
class Changes:
    """Keys of rows in the order of change. ``cursor`` leads on, None at the end; then ``until`` is
    what to ask from the next time.
    """

    ids: Sequence[uuid.UUID]
    cursor: str | None
    until: dt.datetime


def since(
    session: Session,
    model: Any,
    region: Region,
    start: dt.datetime,
    limit: int,
    cursor: str | None = None,
) -> Changes:
    """The first ``limit`` rows of ``region`` that were changed at ``start`` or later.

    :raises BadInput: an unreadable cursor.
    """
    until = now() - SETTLED
    order = (model.changed_at, model.id)
    low = model.changed_at >= start
    if cursor is not None:
        low = tuple_(*order) > _read_cursor(cursor)
    parts = [
        select(model.id, model.changed_at)
        .where(place, low, model.changed_at < until)
        .order_by(*order)
        .limit(limit + 1)
        for place in _places(session, model, region)
    ]
    rows: Sequence[Any] = []
    with showing_hidden():  # that a record was deleted is a change of it
        if len(parts) == 1:
            rows = session.execute(parts[0]).all()
        elif parts:
            found = union_all(*(select(part.subquery()) for part in parts)).subquery()
            query = select(found).order_by(found.c.changed_at, found.c.id).limit(limit + 1)
            rows = session.execute(query).all()
    more, rows = len(rows) > limit, rows[:limit]
    return Changes(
        ids=[row.id for row in rows],
        cursor=_write_cursor(rows[-1].changed_at, rows[-1].id) if more else None,
        until=max(until, start),
    )


def _places(session: Session, model: Any, region: Region) -> list[Any]:
    """The conditions whose rows together are those of ``region``, an index range each."""
    if region.level > Level.COUNTY:
        return [in_subtree(model.path, region.path)]
    if region.level == Level.COUNTY:
        return [model.county_id == region.id]
    if region.level == Level.PROVINCE:
        return [model.province_id == region.id]
    if region.level == Level.NATION:
        return [true()]
    below = and_(
        in_subtree(Region.path, region.path), Region.level == Level.COUNTY, ~Region.structural
    )
    keys = session.scalars(select(Region.id).where(below).order_by(Region.path))
    return [model.county_id == key for key in keys]


def _read_cursor(text: str) -> tuple[dt.datetime, uuid.UUID]:
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise BadInput(_("翻页参数有误，请从列表重新进入。"))
    return _EPOCH + dt.timedelta(microseconds=int(match[1])), uuid.UUID(match[2])


def _write_cursor(changed_at: dt.datetime, key: uuid.UUID) -> str:
    return f"{(changed_at - _EPOCH) // dt.timedelta(microseconds=1)}~{key.hex}"
