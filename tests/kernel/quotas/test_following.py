"""Quotas of divisions that a publication merges, moves, renames or splits: nothing is lost, nothing twice, and
the preview says what will be added up.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import select

from app.access.divisions.former import RegionChange
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.admin.divisions import publish, staging
from app.admin.divisions.pages import lists
from app.admin.divisions.publication import NotPublishable
from app.core.clock import today
from app.core.db import db
from app.kernel.declare.register import get_register
from app.kernel.quotas import telling
from app.kernel.quotas.rows import Quota
from tests import builders as b
from tests.clicks import click

pytestmark = pytest.mark.usefixtures("session")
YEAR = today().year
ARCHIVE = get_register("archive")


def give(who: b.Who, place: Region, numbers: Mapping[Region, int], kind: str = "central") -> None:
    keys = {one.id: n for one, n in numbers.items()}
    with acting_as(b.actor(who, place)):
        click(telling.give, ARCHIVE, place, YEAR, kind, keys, {})


def standing() -> set[tuple[str, str, str, int]]:
    """Giver, receiver, kind and number of each row; the place of each is its receiver's."""
    with unscoped("tests look") as session:
        found = set()
        for row in session.scalars(select(Quota)):
            giver = session.get_one(Region, row.giver_id)
            own = session.get_one(Region, row.region_id)
            assert (row.path, row.county_id, row.province_id) == (
                own.path, own.county_id, own.province_id,
            )  # fmt: skip
            found.add((giver.name, own.name, row.kind, row.n))
    return found


def preview(area: Region) -> str:
    """What the page of pending changes says that they concern."""
    made = lists.pending(area, 1, [])
    at = next(n for n, column in enumerate(made.columns) if column.name == "affects")
    return "".join(f"{row.cells[at].text} {row.cells[at].sub or ''}" for row in made.rows)


def test_of_towns_that_merge_they_are_added_up() -> None:
    county = b.region(b.COUNTY)
    one, other = b.below(county, Level.TOWN, 0), b.below(county, Level.TOWN, 1)
    give(b.COUNTY_MANAGER, county, {one: 10, other: 5})
    give(b.COUNTY_MANAGER, county, {one: 3}, "county")
    with acting_as(b.actor(b.COUNTY_MANAGER)):
        click(staging.stage_merge, one.id, other.id, 0)
        said = preview(county)
        assert f"{YEAR}年中央补助5＋10＝15" in said
        assert f"{YEAR}年县级及以下补助3" in said
        click(publish.publish, county.id)
    assert standing() == {
        (county.name, other.name, "central", 15), (county.name, other.name, "county", 3),
    }  # fmt: skip


def test_of_towns_of_two_counties_the_one_that_stays_gives() -> None:
    county, far = b.region(b.COUNTY), b.region(b.NEXT_COUNTY)
    one, other = b.below(county, Level.TOWN), b.below(far, Level.TOWN)
    give(b.COUNTY_MANAGER, county, {one: 10})
    give(b.COUNTY_MANAGER, far, {other: 5})
    with acting_as(b.actor(b.CITY)):
        click(staging.stage_merge, one.id, other.id, 0)
        click(publish.publish, b.region("6101", Level.CITY).id)
    assert standing() == {(far.name, other.name, "central", 15)}


def test_a_division_that_moves_takes_its_own_along() -> None:
    """Under another county that one gave them, under another city all of the county's stay as they are."""
    county, far = b.region(b.COUNTY), b.region(b.NEXT_COUNTY)
    city, goal = b.region("6101", Level.CITY), b.region("5301", Level.CITY)
    town, stays = b.below(county, Level.TOWN, 1), b.below(county, Level.TOWN, 2)
    give(b.COUNTY_MANAGER, county, {town: 10, stays: 4})
    give(b.CITY, city, {county: 20})
    with acting_as(b.actor(b.CITY)):
        click(staging.stage_move, town.id, far.id, 0)
        assert f"任务量：{YEAR}年中央补助10" in preview(city)
        click(publish.publish, city.id)
    with acting_as(b.actor(b.MINISTRY)):
        click(staging.stage_move, county.id, goal.id, 0)
        click(publish.publish, b.seat(Level.NATION).id)
    assert standing() == {
        (far.name, town.name, "central", 10), (county.name, stays.name, "central", 4),
        (goal.name, county.name, "central", 20),
    }  # fmt: skip


def test_a_new_name_and_a_part_that_leaves_change_nothing() -> None:
    """A town that is split keeps what it was given; the new one has nothing until it is given something."""
    county = b.region(b.COUNTY)
    town = b.below(county, Level.TOWN)
    village = b.below(town, Level.VILLAGE)
    give(b.COUNTY_MANAGER, county, {town: 10})
    with acting_as(b.actor(b.COUNTY_MANAGER)):
        click(staging.stage_change, town.id, {"name": "新名镇"}, 0)
        new = click(
            staging.stage_add, county.id, {"name": "分立镇", "code": "610122901000"}
        ).region_id
        click(publish.publish, county.id)
        click(staging.stage_move, village.id, new, 0)
        click(publish.publish, county.id)
    assert standing() == {(county.name, "新名镇", "central", 10)}


def test_none_is_deleted_with_its_division() -> None:
    """It stands against that, by name, and all is as it was."""
    county = b.region(b.COUNTY)
    with acting_as(b.actor(b.COUNTY_MANAGER)):
        new = click(
            staging.stage_add, county.id, {"name": "空镇", "code": "610122901000"}
        ).region_id
        click(publish.publish, county.id)
        click(staging.stage_delete, new, 0)
    with unscoped("tests look") as session:
        town = session.get_one(Region, new)
    give(b.COUNTY_MANAGER, county, {town: 10})
    with acting_as(b.actor(b.COUNTY_MANAGER)), pytest.raises(NotPublishable) as refused:
        click(publish.publish, county.id)
    assert "任务量 1" in refused.value.message
    db.session.rollback()
    assert standing() == {(county.name, "空镇", "central", 10)}
    with unscoped("tests look") as session:
        assert session.get(RegionChange, new) is not None
