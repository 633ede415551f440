"""How many households lie in divisions, for the pages that list divisions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, literal, select, union_all

from app.access.divisions.regions import Level, Region, in_subtree, subtree
from app.core.db import db
from app.kernel.declare.register import register_of
from app.kernel.figures import counters, statistics
from app.kernel.figures.state import is_complete
from app.kernel.rows.household import Household

_FIGURE = "total"


def of_children(region: Region, children: Sequence[Region]) -> dict[int, int]:
    """Key of a child of ``region`` -> how many; one statement."""
    register = register_of(Household)
    if register is None or not children:
        return {}
    sheet = statistics.read(register, region, (_FIGURE,), children)
    if not sheet.told(_FIGURE):
        return {}
    return {line.region.id: line.counts[_FIGURE] for line in sheet.divisions}


def of_each(found: Sequence[Region]) -> dict[int, int]:
    """The same for some thirty divisions from anywhere; one statement. Nothing of a division whose
    households are being counted.
    """
    register = register_of(Household)
    counted = register is not None and is_complete(register, _FIGURE)
    parts = []
    for region in found:
        if region.level <= Level.COUNTY and not counted:
            continue
        if register is not None and counted and region.level <= Level.TOWN:
            low, high = subtree(region.path)
            n = counters.total_between(register.name, _FIGURE, region.level, low, high)
            parts.append(select(literal(region.id).label("id"), n.label("n")))
        else:
            own = in_subtree(Household.path, region.path)
            parts.append(select(literal(region.id).label("id"), func.count().label("n")).where(own))
    if not parts:
        return {}
    return {key: int(n or 0) for key, n in db.session.execute(union_all(*parts))}
