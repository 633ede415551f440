"""Households without a valid ID number are matched by where they live, among other things (spec 08).

That key names county and town by their paths, and the head: it is made anew where one of them changes
without the household, so that the next list still finds it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import aliased

from app.access.divisions.regions import Level, Region, in_subtree
from app.kernel.rows.household import Household, match_key

_WITHOUT_NUMBER = "np:"
_CHUNK = 500


def kept(session: Any, paths: Iterable[str]) -> dict[uuid.UUID, str]:
    """Keys of the households below ``paths`` that stand on a place, before these move."""
    found: dict[uuid.UUID, str] = {}
    for path in paths:
        found |= {
            key: text
            for key, text, made in _made(session, in_subtree(Household.path, path))
            if text == made
        }
    return found


def kept_of(session: Any, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The same of some households, before their names are written otherwise."""
    made = _made(session, Household.id.in_(list(ids)))
    return {key: text for key, text, now in made if text == now}


def renew(session: Any, keys: dict[uuid.UUID, str]) -> int:
    """Make them anew of what their households say now; one that is another's stays as it was."""
    renewed = 0
    every = list(keys)
    for first in range(0, len(every), _CHUNK):
        part = every[first : first + _CHUNK]
        new = {k: made for k, text, made in _made(session, Household.id.in_(part)) if made != text}
        taken = set(
            session.connection().scalars(
                select(Household.match_key).where(Household.match_key.in_(new.values()))
            )
        )
        table: Any = Household.__table__
        for household_id, key in new.items():
            if key in taken:
                continue
            taken.add(key)
            statement = update(table).where(table.c.id == household_id)
            session.connection().execute(
                statement.values(match_key=key, changed_at=table.c.changed_at)
            )
            renewed += 1
    return renewed


def _made(session: Any, which: Any) -> Iterable[tuple[uuid.UUID, str, str]]:
    """Household, the key that it has, the key that its place and values make now."""
    parent, county = aliased(Region), aliased(Region)
    query = (
        select(
            Household.id, Household.match_key, Household.issued_name, Household.village_group,
            Household.phone, Region.level, Region.path, parent.path, county.path,
        )
        .join(Region, Region.id == Household.region_id)
        .join(parent, parent.id == Region.parent_id)
        .join(county, county.id == Household.county_id)
        .where(which, Household.match_key.startswith(_WITHOUT_NUMBER), Region.level > Level.COUNTY)
    )  # fmt: skip
    for key, text, name, group, phone, level, path, above, of_county in session.execute(query):
        town = path if level == Level.TOWN else above
        yield key, text, match_key(None, of_county, town, group, name, phone)
