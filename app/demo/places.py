"""Where the demonstration happens: four counties of 陕西省, and how far each has come."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, Region, in_subtree
from app.kernel.declare.flow import State

PROVINCE = "61"


@dataclass(frozen=True)
class County:
    """A county, how many households each of its villages has on average, and the share of each
    state in percent. Without shares its list has not been issued yet.
    """

    code: str
    per_village: float = 0
    shares: dict[State, int] | None = None


def _shares(approved: int, submitted: int, returned: int, draft: int) -> dict[State, int]:
    missing = 100 - approved - submitted - returned - draft
    return {
        State.APPROVED: approved,
        State.SUBMITTED: submitted,
        State.RETURNED: returned,
        State.DRAFT: draft,
        State.MISSING: missing,
    }


#: 洛南县 is nearly done, 丹凤县 half way, 陇县 has just begun, 蓝田县 waits for its list.
COUNTIES = (
    County("611021", 40, _shares(68, 8, 3, 7)),
    County("611022", 40, _shares(46, 10, 4, 12)),
    County("610327", 40, _shares(22, 9, 4, 10)),
    County("610122"),
)

#: A division as rows of scoped tables carry it, with its name and its county's six digits.
Place = Row[tuple[int, str, int, int, int, str, str]]


def places_of(session: Session, county: Region) -> list[Place]:
    """The county, its towns and villages, in tree order."""
    columns = (
        Region.id, Region.path, Region.county_id, Region.province_id,
        Region.level, Region.name, Region.code,
    )  # fmt: skip
    query = select(*columns).where(in_subtree(Region.path, county.path), ~Region.structural)
    return list(session.execute(query.order_by(Region.path)))


def region(session: Session, code: str, level: Level) -> Region:
    """The division with this code; the tree must be loaded."""
    found = session.scalar(
        select(Region).where(Region.level == level, Region.code == code.ljust(12, "0"))
    )
    if found is None:
        raise LookupError(f"division {code} is not loaded: flask regions load")
    return found
