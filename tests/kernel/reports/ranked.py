"""Archives and quotas by which divisions are ranked."""

from __future__ import annotations

from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as
from app.core.clock import today
from app.core.db import read_only
from app.kernel.declare.register import get_register
from app.kernel.quotas import telling
from app.kernel.reports.why import Asked
from app.modules.archives.choices import ArchiveStage
from tests import builders as b
from tests import specimens
from tests.clicks import click

YEAR = today().year
ARCHIVE = get_register("archive")
assert ARCHIVE is not None


def archives(
    place: Region,
    count: int,
    stage: ArchiveStage = ArchiveStage.COMPLETED,
    broken: tuple[str, ...] = (),
) -> None:
    """Archives as counters and findings keep them."""
    assert ARCHIVE is not None
    severities = {ARCHIVE.rules.declared[code].severity.value for code in broken}
    village = b.below(place, Level.VILLAGE)
    for _n in range(count):
        with read_only(value=False):
            specimens.record(
                ARCHIVE, village, plan_year=YEAR, subsidy_kind="central", progress=stage,
                broken=tuple(broken), severities=tuple(sorted(severities)),
            )  # fmt: skip


def give(county: Region, numbers: dict[Region, int]) -> None:
    with acting_as(b.actor(b.COUNTY_MANAGER)):
        keys = {place.id: n for place, n in numbers.items()}
        click(telling.give, ARCHIVE, county, YEAR, "central", keys, {})


def asked(region: Region, of: str, *without: str) -> Asked:
    assert ARCHIVE is not None
    return Asked(ARCHIVE, region, of, YEAR, "central", frozenset(without))
