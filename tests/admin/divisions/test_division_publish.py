"""立即生效: after any sequence of changes the tree, every row in it and every count agree."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, select
from sqlalchemy.orm import Session

from app.access.accounts import notices
from app.access.audit.log import Act, AuditEntry
from app.access.divisions import regions
from app.access.divisions.former import ChangeKind, RegionChange, RegionHistory, audit_key
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.admin.divisions import moves as region_moves
from app.admin.divisions import publish as division_publish
from app.admin.divisions import staging
from app.core.db import db
from app.core.errors import AnjuError, Conflict, Invalid, NotFound, TryAgain
from app.core.types import PathType
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.rows.household import Household, match_key
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    MINISTRY,
    NEXT_COUNTY,
    PROVINCE,
    TOWN_CLERK,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    account,
    actor,
    attach,
    below,
    household,
    region,
)
from tests.clicks import click
from tests.tree import broken, unfollowed


def publish(area: Region) -> dict[str, int]:
    made = click(division_publish.publish, area.id)
    return made


def look(model: Any, key: Any) -> Any:
    with unscoped("tests look") as session:
        return session.get(model, key)


def consistent() -> None:
    with unscoped("tests look") as session:
        assert broken(session) == []


def settle(county: str = COUNTY, towns: int = 3) -> None:
    """Households in every state, with files and accounts, in villages of some towns."""
    place = region(county, Level.COUNTY)
    states = list(State)
    for n in range(towns):
        town = below(place, Level.TOWN, n)
        account(TOWN_CLERK, town)
        for m in range(2):
            village = below(town, Level.VILLAGE, m)
            account(VILLAGE_CLERK, village)
            for k in range(3):
                _, survey = household(village, state=states[(n + m + k) % len(states)])
                if k == 0:
                    attach(survey, "front_photos")
        household(town)
    household(place)


@pytest.mark.usefixtures("session")
def test_rename_is_seen_everywhere() -> None:
    settle()
    city, county = region("6101", Level.CITY), region(COUNTY, Level.COUNTY)
    village = below(county, Level.VILLAGE)
    with acting_as(actor(PROVINCE)):
        change = click(staging.stage_change, county.id, {"name": "蓝玉县"}, 0)
        assert change is not None
        assert change.path == city.path
        assert look(Region, county.id).name == "蓝田县", "nothing is valid before it is published"
        assert publish(city) == {"change": 1}
    assert look(Region, county.id).full_name == "陕西省西安市蓝玉县"
    assert look(Region, village.id).full_name == village.full_name.replace("蓝田县", "蓝玉县")
    assert look(Region, county.id).initials == "lyx"
    with unscoped("tests look") as session:
        was = session.scalars(select(RegionHistory)).one()
        assert (was.name, was.code, was.into_id) == ("蓝田县", county.code, county.id)
        assert was.changes == {"name": ["蓝田县", "蓝玉县"]}
        entry = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.record_id == audit_key(county.id))
            .order_by(AuditEntry.id)
        ).all()[-1]
        assert (entry.act, entry.path) == (Act.UPDATE, county.path)
        assert entry.detail["changes"] == {"name": ["蓝田县", "蓝玉县"]}
    consistent()


@pytest.mark.usefixtures("session")
def test_a_town_goes_to_another_county() -> None:
    settle()
    settle(NEXT_COUNTY, 1)
    with unscoped("tests arrange") as everything:
        counters.snapshot(everything, dt.date(2026, 1, 1))
        everything.commit()
    old, new = region(COUNTY, Level.COUNTY), region(NEXT_COUNTY, Level.COUNTY)
    town = below(old, Level.TOWN, 1)
    clerk = account(TOWN_CLERK, town)
    with acting_as(actor(CITY)):
        change = click(staging.stage_move, town.id, new.id, 0)
        assert change is not None
        publish(region("6101", Level.CITY))
    moved = look(Region, town.id)
    assert moved.path.startswith(new.path)
    assert (moved.county_id, moved.full_name) == (new.id, f"{new.full_name}{town.name}")
    assert look(type(clerk), clerk.id).path == moved.path
    consistent()
    with acting_as(actor(COUNTY_MANAGER, new)):
        homes = db.session.scalars(select(Household).where(Household.path.startswith(moved.path)))
        assert len(homes.all()) == 7
        db.session.rollback()
    with unscoped("tests look") as everything:
        was = everything.scalars(select(RegionHistory)).one()
        assert (was.full_name, was.parent_id) == (town.full_name, old.id)


@pytest.mark.usefixtures("session")
def test_a_county_goes_to_another_province() -> None:
    settle()
    with unscoped("tests arrange") as everything:
        counters.snapshot(everything, dt.date(2026, 1, 1))
        everything.commit()
    county, far = region(COUNTY, Level.COUNTY), region("5301", Level.CITY)
    with acting_as(actor(MINISTRY)):
        click(staging.stage_move, county.id, far.id, 0)
        assert publish(regions_nation()) == {"change": 1}
    moved = look(Region, county.id)
    assert moved.province_id == far.province_id
    assert moved.full_name == f"{far.full_name}蓝田县"
    consistent()


def regions_nation() -> Region:
    return region("0", Level.NATION)


@pytest.mark.usefixtures("session")
def test_towns_merge_with_all_that_lies_in_them() -> None:
    settle()
    county = region(COUNTY, Level.COUNTY)
    one, other = below(county, Level.TOWN, 0), below(county, Level.TOWN, 2)
    clerk = account(TOWN_CLERK, one)
    home, _ = household(one)
    village = below(one, Level.VILLAGE)
    with acting_as(actor(COUNTY_MANAGER)):
        click(staging.stage_merge, one.id, other.id, 0)
        assert publish(county) == {"merge": 1}
    assert look(Region, one.id) is None
    assert look(Region, village.id).parent_id == other.id
    assert look(Household, home.id).path == other.path
    assert (look(type(clerk), clerk.id).region_id, look(type(clerk), clerk.id).path) == (
        other.id, other.path,
    )  # fmt: skip
    consistent()
    with unscoped("tests look") as everything:
        was = everything.scalars(
            select(RegionHistory).where(RegionHistory.kind == ChangeKind.MERGE)
        ).one()
        assert (was.code, was.name, was.into_id) == (one.code, one.name, other.id)


@pytest.mark.usefixtures("session")
def test_two_managers_of_merged_towns_are_told() -> None:
    county = region(COUNTY, Level.COUNTY)
    one, other = below(county, Level.TOWN, 0), below(county, Level.TOWN, 1)
    account(TOWN_MANAGER, one)
    account(TOWN_MANAGER, other)
    with acting_as(actor(COUNTY_MANAGER)) as manager:
        click(staging.stage_merge, one.id, other.id, 0)
        publish(county)
        (told,) = notices.unseen(db.session, manager)
        assert "合并后有2个管理用户，最多1个" in told.text
        assert told.url == f"/accounts/?region={other.id}&kind=manager"


@pytest.mark.usefixtures("session")
def test_villages_merge_across_counties() -> None:
    settle()
    settle(NEXT_COUNTY, 1)
    with unscoped("tests arrange") as everything:
        counters.snapshot(everything, dt.date(2026, 1, 1))
        everything.commit()
    one = below(region(COUNTY, Level.COUNTY), Level.VILLAGE)
    other = below(region(NEXT_COUNTY, Level.COUNTY), Level.VILLAGE)
    with acting_as(actor(CITY)):
        click(staging.stage_merge, one.id, other.id, 0)
        publish(region("6101", Level.CITY))
    assert look(Region, one.id) is None
    consistent()


@pytest.mark.usefixtures("session")
def test_new_divisions_below_new_ones() -> None:
    county = region(COUNTY, Level.COUNTY)
    with acting_as(actor(COUNTY_MANAGER)):
        town = click(staging.stage_add, county.id, {"name": "新安镇", "code": "610122901000"})
        village = click(
            staging.stage_add,
            town.region_id,
            {"name": "永宁村", "code": "610122901001", "sort": "7"},
        )
        town_id, village_id = town.region_id, village.region_id
        assert publish(county) == {"add": 2}
    made = look(Region, village_id)
    assert made.full_name == "陕西省西安市蓝田县新安镇永宁村"
    assert (made.level, made.sort, made.initials) == (Level.VILLAGE, 7, "ync")
    assert made.path.startswith(look(Region, town_id).path)
    consistent()


@pytest.mark.usefixtures("session")
def test_labels_are_never_given_again() -> None:
    county = region(COUNTY, Level.COUNTY)
    values = {"name": "新安镇", "code": "610122901000"}
    with acting_as(actor(COUNTY_MANAGER)):
        first = click(staging.stage_add, county.id, values).region_id
        publish(county)
        path = look(Region, first).path
        click(staging.stage_delete, first, 0)
        publish(county)
        second = click(staging.stage_add, county.id, values).region_id
        publish(county)
    assert look(Region, first) is None
    assert second > first
    assert look(Region, second).path > path


@pytest.mark.usefixtures("session")
def test_codes_are_swapped() -> None:
    county = region(COUNTY, Level.COUNTY)
    one, other = below(county, Level.TOWN, 0), below(county, Level.TOWN, 1)
    with acting_as(actor(COUNTY_MANAGER)):
        spare = click(staging.stage_change, one.id, {"code": "610122950000"}, 0)
        assert spare is not None
        click(staging.stage_change, other.id, {"code": one.code}, 0)
        click(staging.stage_change, one.id, {"code": other.code}, 1)
        publish(county)
    assert look(Region, one.id).code == other.code
    assert look(Region, other.id).code == one.code


@pytest.mark.usefixtures("session")
def test_nothing_goes_while_something_lies_in_it() -> None:
    county = region(COUNTY, Level.COUNTY)
    full, empty = below(county, Level.VILLAGE, 0), below(county, Level.VILLAGE, 1)
    household(full)
    account(VILLAGE_CLERK, full)
    with acting_as(actor(COUNTY_MANAGER)):
        with pytest.raises(Invalid) as told:
            click(staging.stage_delete, full.id, 0)
        for part in (full.name, "农户 1", "回头看档案 1", "账号 1"):
            assert part in told.value.message
        click(staging.stage_delete, empty.id, 0)
        household(empty)  # somebody enters one before it is published
        with pytest.raises(Conflict) as late:
            publish(county)
        assert late.value.details["obstacles"][0].region_id == empty.id
        assert look(Region, empty.id) is not None
        assert look(RegionChange, empty.id) is not None, "it is still pending"
    consistent()


@pytest.mark.usefixtures("session")
def test_a_town_goes_with_its_empty_villages() -> None:
    county = region(COUNTY, Level.COUNTY)
    town = below(county, Level.TOWN)
    village = below(town, Level.VILLAGE)
    with acting_as(actor(COUNTY_MANAGER)):
        click(staging.stage_delete, town.id, 0)
        publish(county)
    assert look(Region, town.id) is None
    assert look(Region, village.id) is None
    with unscoped("tests look") as everything:
        codes = set(everything.scalars(select(RegionHistory.code)))
        assert {town.code, village.code} <= codes
    consistent()


@pytest.mark.usefixtures("session")
def test_the_nation_publishes_no_towns_of_counties() -> None:
    county = region(COUNTY, Level.COUNTY)
    village = below(county, Level.VILLAGE)
    with acting_as(actor(COUNTY_MANAGER)):
        click(staging.stage_change, village.id, {"name": "永宁村"}, 0)
    with acting_as(actor(MINISTRY)):
        assert publish(regions_nation()) == {}
        assert publish(county) == {"change": 1}


@pytest.mark.usefixtures("session")
def test_a_county_publishes_only_its_own() -> None:
    village = below(region(NEXT_COUNTY, Level.COUNTY), Level.VILLAGE)
    with acting_as(actor(COUNTY_MANAGER, region(NEXT_COUNTY, Level.COUNTY))):
        click(staging.stage_change, village.id, {"name": "永宁村"}, 0)
    with acting_as(actor(COUNTY_MANAGER)):
        assert publish(region(COUNTY, Level.COUNTY)) == {}
        with pytest.raises(NotFound):
            click(division_publish.publish, region(NEXT_COUNTY, Level.COUNTY).id)
        with pytest.raises(NotFound):
            click(division_publish.publish, region("6101", Level.CITY).id)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.usefixtures("session")
def test_any_sequence_of_changes(seed: int) -> None:
    """Random changes, published now and then: everything agrees after each publication."""
    chance = random.Random(seed)
    settle()
    settle(NEXT_COUNTY, 2)
    with unscoped("tests arrange") as everything:
        counters.snapshot(everything, dt.date(2026, 1, 1))
        everything.commit()
    city = region("6101", Level.CITY)
    with acting_as(actor(MINISTRY)):
        published = 0
        for _round in range(4):
            for _step in range(8):
                try:
                    _any_change(chance, city)
                except AnjuError:
                    db.session.rollback()
            counties = (region(COUNTY, Level.COUNTY), region(NEXT_COUNTY, Level.COUNTY))
            for area in (region("61", Level.PROVINCE), city, *counties):
                try:
                    published += sum(publish(area).values())
                except Conflict:  # e.g. a delete beside a move into it
                    db.session.rollback()
                    for change in db.session.scalars(select(RegionChange)).all():
                        db.session.delete(change)
                    db.session.commit()
            consistent()
        assert published > 8


def _any_change(chance: random.Random, city: Region) -> None:
    with unscoped("tests choose") as session:
        province = ".".join(city.path.split(".")[:2]) + "."
        inside = regions.in_subtree(Region.path, province)
        nodes = session.scalars(select(Region).where(inside, ~Region.structural)).all()
    towns = [n for n in nodes if n.level == Level.TOWN]
    villages = [n for n in nodes if n.level == Level.VILLAGE]
    counties = [n for n in nodes if n.level == Level.COUNTY]
    node = chance.choice(towns if chance.random() < 0.5 else villages)
    pending = db.session.get(RegionChange, node.id)
    version = pending.version if pending else 0
    number = chance.randrange(10**6)
    what = chance.choice(["rename", "move", "merge", "add", "county", "delete", "city"])
    if what == "rename":
        click(staging.stage_change, node.id, {"name": f"甲{number}{node.name[-1]}"}, version)
    elif what == "move":
        parents = counties if node.level == Level.TOWN else towns
        click(staging.stage_move, node.id, chance.choice(parents).id, version, force=True)
    elif what == "merge":
        others = towns if node.level == Level.TOWN else villages
        click(staging.stage_merge, node.id, chance.choice(others).id, version)
    elif what == "add":
        parent = chance.choice(towns)
        code = f"{parent.code[:6]}{number:06}"
        click(staging.stage_add, parent.id, {"name": f"乙{number}村", "code": code})
    elif what == "county":
        one = chance.choice(counties)
        pending = db.session.get(RegionChange, one.id)
        goal = chance.choice([city.id, city.parent_id])
        click(staging.stage_move, one.id, goal, pending.version if pending else 0)
    elif what == "city":
        pending = db.session.get(RegionChange, city.id)
        version = pending.version if pending else 0
        click(staging.stage_change, city.id, {"name": f"丙{number}市"}, version)
    else:
        click(staging.stage_delete, node.id, version)


@pytest.mark.usefixtures("session")
def test_the_next_list_still_finds_households_without_a_number() -> None:
    """They are matched by their place, among other things: that key follows the place."""
    county, far = region(COUNTY, Level.COUNTY), region(NEXT_COUNTY, Level.COUNTY)
    town = below(county, Level.TOWN)
    home, _ = household(below(town, Level.VILLAGE), name="王无号")
    with unscoped("tests arrange") as session:
        old = match_key(None, county.path, town.path, None, "王无号", None)
        session.get_one(Household, home.id).match_key = old
        session.commit()
    with acting_as(actor(CITY)):
        click(staging.stage_move, town.id, far.id, 0)
        publish(region("6101", Level.CITY))
    moved = look(Region, town.id)
    new = match_key(None, far.path, moved.path, None, "王无号", None)
    assert look(Household, home.id).match_key == new != old


# ---- no table is forgotten -------------------------------------------------------------------


def test_every_column_that_looks_like_a_place_is_followed(app: Any) -> None:
    with app.app_context():
        # Counters are kept by county and above, which do not merge; staged changes and history know
        # what their own keys mean.
        assert unfollowed(db.engine) == [
            "counter_day.region_id",
            "region_change.region_id",
            "region_history.region_id",
            "sum_day.region_id",
        ]


def test_every_table_says_what_a_merge_makes_of_it() -> None:
    assert [r for placed in region_moves.placed_tables() if (r := region_moves.check(placed))] == []


def test_a_table_that_is_forgotten_is_found() -> None:
    """Tables that come later are followed; those that could not be are refused."""
    metadata = MetaData()
    Table("region", metadata, Column("id", Integer, primary_key=True))
    later = Table(
        "later", metadata,
        Column("id", Integer, primary_key=True),
        Column("where_it_lies", PathType()),
        Column("in_region", ForeignKey("region.id")),
    )  # fmt: skip
    quota = Table(
        "quota", metadata,
        Column("region_id", ForeignKey("region.id"), primary_key=True),
        Column("year", Integer, primary_key=True),
    )  # fmt: skip
    odd = Table(
        "odd", metadata,
        Column("id", Integer, primary_key=True),
        Column("region_id", ForeignKey("region.id")),
        Column("county_id", Integer),
    )  # fmt: skip
    found = {p.table.name: p for p in region_moves.find_placed([later, quota, odd])}
    assert [c.name for c in found["later"].paths] == ["where_it_lies"]
    assert [c.name for c in found["later"].regions] == ["in_region"]
    assert region_moves.check(found["later"]) is None
    assert "merge" in (region_moves.check(found["quota"]) or "")
    assert "path" in (region_moves.check(found["odd"]) or "")


@pytest.mark.usefixtures("session")
def test_settings_go_with_their_division_and_no_further() -> None:
    from app.access.settings import SettingValue

    county = region(COUNTY, Level.COUNTY)
    one, other = below(county, Level.TOWN, 0), below(county, Level.TOWN, 1)
    with unscoped("tests arrange") as everything:
        everything.add(SettingValue(region_id=one.id, name="users.village_clerks", value=2))
        everything.commit()
    with acting_as(actor(COUNTY_MANAGER)):
        click(staging.stage_merge, one.id, other.id, 0)
        publish(county)
    with unscoped("tests look") as everything:
        assert everything.scalars(select(SettingValue)).all() == []


@pytest.mark.usefixtures("session")
def test_a_savers_old_place_is_refused() -> None:
    """Rows read before a merge are not written after it as if nothing had happened."""
    county = region(COUNTY, Level.COUNTY)
    one, other = below(county, Level.VILLAGE, 0), below(county, Level.VILLAGE, 1)
    home, _ = household(one)
    clerk = actor(VILLAGE_CLERK, one)
    with acting_as(clerk), Session(db.engine, expire_on_commit=False) as saver:
        seen = saver.get_one(Household, home.id)
        saver.commit()
        with acting_as(actor(COUNTY_MANAGER)):
            click(staging.stage_merge, one.id, other.id, 0)
            publish(county)
        seen.phone = "13909180000"
        with pytest.raises(TryAgain) as told:
            saver.commit()
        assert "行政区划刚刚调整" in told.value.message
    assert look(Household, home.id).region_id == other.id
    consistent()
