"""What is so of a record though nothing of it says so (:class:`app.kernel.declare.expressions.Fact`): what
settings say where it lies, in which province that is, which findings over other records are kept with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flask import current_app, has_request_context
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import settings
from app.access.divisions.regions import NATION_PATH, Level, Region
from app.access.scope import current_actor
from app.core.db import db, history_of
from app.core.kept import Kept
from app.kernel.declare.expressions import FACT, KEPT
from app.kernel.declare.quality import BROKEN
from app.kernel.kinds.values import to_json

_WITHIN = "within:"
_KEY = "province_codes"
_CODE_DIGITS = 2
#: Labels of a path down to the county at the lowest: below it nobody sets anything.
_COUNTY_LABELS = 4
#: Facts of a place, for a transaction of a job; a request keeps what it read of settings.
_known: Kept[dict[str, dict[str, Any]]] = Kept(dict)


def of(
    facts: Iterable[str], row: Any, said: Mapping[str, Any], compared: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """The facts of these names, of the row, which says or is about to say what is ``said``. ``compared`` gives by
    the code of a rule over other records the fields that it compares: where these become others, nobody knows yet.
    """
    names = set(facts)
    kept = {name for name in names if name.startswith(KEPT)}
    codes = set(getattr(row, BROKEN, None) or ())
    found: dict[str, Any] = {}
    for name in kept:
        code = name.removeprefix(KEPT)
        own = ((said.get(one), getattr(row, one)) for one in compared.get(code, ()))
        found[name] = code in codes and all(to_json(new) == to_json(old) for new, old in own)
    of_place = names - kept
    return found | (at(of_place, place_of(row)) if of_place else {})


def place_of(row: Any) -> str:
    """Where the row lies or is about to; one that lies nowhere yet: where its author enters it."""
    moves = row.path is None or history_of(row, "region_id").deleted
    if row.region_id is not None and moves:
        region = db.session.get(Region, row.region_id)
        return region.path if region else NATION_PATH
    if row.path is not None:
        return str(row.path)
    actor = current_actor()
    return actor.path if actor else NATION_PATH


def at(facts: Collection[str], path: str, session: Session | None = None) -> dict[str, Any]:
    """What settings and provinces say at a place, by the names of facts. One statement at most a request, or of a
    job a county and transaction.
    """
    reading = session or db.session()
    if has_request_context():
        return _read(facts, path, reading)
    place = ".".join(path.rstrip(".").split(".")[:_COUNTY_LABELS]) + "."
    known = _known.of(reading).setdefault(place, {})
    if missing := set(facts) - known.keys():
        known |= _read(missing, place, reading)
    return {name: known[name] for name in facts}


def _read(facts: Iterable[str], path: str, session: Session) -> dict[str, Any]:
    provinces = [name for name in facts if name.startswith(FACT + _WITHIN)]
    said = [name.removeprefix(FACT) for name in facts if name not in provinces]
    found = {FACT + name: value for name, value in settings.values(said, path, session).items()}
    if provinces:
        code = _province(path, session)
        found |= {name: name == f"{FACT}{_WITHIN}{code}" for name in provinces}
    return found


def _province(path: str, session: Session) -> str:
    """The code of two digits of the province in which a place lies; "" above them. A process asks once."""
    labels = path.rstrip(".").split(".")
    if len(labels) < Level.CITY:
        return ""
    province = ".".join(labels[: Level.CITY]) + "."
    known: dict[str, str] = current_app.extensions.setdefault(_KEY, {})
    if province not in known:
        every = select(Region.path, Region.code).where(Region.level == Level.PROVINCE)
        known |= {path: code[:_CODE_DIGITS] for path, code in session.execute(every)}
    return known.get(province, "")
