"""What the demonstration's divisions gave those below them to do, from the nation down to the towns."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.divisions.regions import Region, ancestor_paths
from app.kernel.figures.tally import town_of
from app.kernel.quotas.rows import Quota
from app.modules.archives.choices import SubsidyKind
from app.modules.archives.register import ARCHIVE

#: Where archives lie, or what was given lies: path, plan year, subsidy kind.
Given = tuple[str, int, SubsidyKind]


def give(
    session: Session, entered: Mapping[Given, int], at: dt.datetime, pick: random.Random
) -> int:
    """Mostly somewhat more than was ``entered``, sometimes less; gives how many numbers. The caller commits."""
    lines = list(_levels(entered, pick))
    places = {path for line in lines for path in line[:2]}
    found = session.execute(
        select(Region.path, Region.id, Region.county_id, Region.province_id).where(
            Region.path.in_(places), ~Region.structural
        )
    )
    known = {line.path: line for line in found}
    session.add_all(
        Quota(
            register=ARCHIVE.name, giver_id=known[giver].id, region_id=known[path].id, path=path,
            county_id=known[path].county_id, province_id=known[path].province_id, year=year,
            kind=kind, n=n, set_at=at,
        )
        for giver, path, year, kind, n in lines
    )  # fmt: skip
    return len(lines)


def _levels(
    entered: Mapping[Given, int], pick: random.Random
) -> Iterator[tuple[str, str, int, SubsidyKind, int]]:
    """Giver, receiver, year, kind, number: what a division gives away is what it was given."""
    below: Counter[Given] = Counter()
    for (path, year, kind), n in entered.items():
        more = pick.choice((-1, 0, 0, 1, 1, 2)) if n > 2 else pick.choice((0, 0, 1))
        below[town_of(path), year, kind] += n + more
    while below:
        above: Counter[Given] = Counter()
        for (path, year, kind), n in below.items():
            if givers := ancestor_paths(path):
                yield givers[-1], path, year, kind, n
                above[givers[-1], year, kind] += n
        below = above
