"""What a division's place among those beside it is made of: their counters and quotas, without any name.

Where the division above lies in the own area nobody needs this. Beside the own division stand others of which
an account sees nothing (spec 01, exception h): it is told how many there are and what each has done of what it was
given, in an order that says nothing of which is which. No row of theirs is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.access.divisions.regions import Level, Region, within
from app.access.scope import in_scope, joined
from app.core.errors import NotFound
from app.core.i18n import _
from app.kernel.declare.figures import dim_of
from app.kernel.declare.register import Register
from app.kernel.figures import statistics
from app.kernel.quotas import giving


@dataclass(frozen=True)
class Beside:
    """A division's own ``counts`` by figure and what it was ``given``; of each of the ``others`` that was given
    something how much, beside what it counts by figure.
    """

    counts: Mapping[str, int]
    given: int
    others: tuple[tuple[int, Mapping[str, int]], ...]


def read(
    register: Register,
    region: Region,
    above: Region,
    figures: tuple[str, ...],
    year: int | None,
    kind: str,
) -> Beside:
    """What stands beside a division of the own area, below the division ``above`` it. Two statements.

    :raises NotFound: the region lies outside the area, or is none that counters tell apart.
    """
    stands = len(region.path) == statistics.child_width(above) and within(region.path, above.path)
    if not (in_scope(region.path) and stands and above.level <= Level.COUNTY):
        raise NotFound(_("没有这项排名。"))
    counted = statistics.by_counters(register, above, figures, dim_of(year, kind))
    with joined("a place is one among all divisions that were given something") as everywhere:
        found = everywhere.execute(giving.by_place(register, above, year, kind))
        given = {path: int(n) for path, n in found}
    nothing = dict.fromkeys(figures, 0)
    others = [
        (n, counted.get(path, nothing)) for path, n in given.items() if n and path != region.path
    ]
    return Beside(
        counted.get(region.path, nothing),
        given.get(region.path, 0),
        tuple(sorted(others, key=lambda one: (one[0], tuple(one[1].values())))),
    )


__all__ = ["Beside", "read"]
