"""What may be staged: each rule once kept and once broken (spec 01 §Divisions)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.access.audit.log import AuditEntry
from app.access.divisions import regions
from app.access.divisions.former import RegionChange
from app.access.divisions.match import Finder
from app.access.divisions.names import alike
from app.access.divisions.regions import Level, Region
from app.access.divisions.search import search
from app.access.scope import acting_as, unscoped
from app.admin.divisions import publish as division_publish
from app.admin.divisions import reading as divisions
from app.admin.divisions import staging
from app.admin.divisions.publication import NotPublishable
from app.core.db import db
from app.core.errors import BadInput, Conflict, Forbidden, Invalid, NotFound
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    MINISTRY,
    NEXT_COUNTY,
    PROVINCE,
    TOWN_MANAGER,
    acting,
    actor,
    below,
    household,
    region,
)
from tests.clicks import click

pytestmark = pytest.mark.usefixtures("session")


def county() -> Region:
    return region(COUNTY, Level.COUNTY)


def pending(region_id: int) -> RegionChange | None:
    with unscoped("tests look") as session:
        return session.get(RegionChange, region_id)


def codes(error: Any) -> set[str]:
    return {problem.code for problem in error.value.problems}


NEW = {"name": "新安镇", "code": "610122901"}


def test_an_add_is_only_pending() -> None:
    with acting(COUNTY_MANAGER) as manager:
        change = click(staging.stage_add, county().id, NEW | {"code": "６１０１２２９０１０００"})
        assert (change.code, change.national_code, change.level) == (
            "610122901000", "610122901000", Level.TOWN,
        )  # fmt: skip
        assert change.path == manager.path
        assert regions.by_code("610122901000") is None
        db.session.rollback()
    with unscoped("tests look") as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()[-1]
        assert (entry.detail or {})["staged"] == "add"
        assert entry.account_id == manager.account_id


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "镇" * 61}, "name"),
        ({"name": "<b>"}, "name"),
        ({"name": "123"}, "name"),
        ({"code": ""}, "code"),
        ({"code": "61012290100"}, "code"),
        ({"code": "61012290100x"}, "code"),
        ({"national_code": "1"}, "national_code"),
        ({"sort": "-1"}, "sort"),
        ({"sort": "1.5"}, "sort"),
        ({"sort": "1000000"}, "sort"),
        ({"department": "部" * 41}, "department"),
    ],
)
def test_wrong_values_are_refused_beside_the_field(values: dict[str, str], field: str) -> None:
    with acting(COUNTY_MANAGER), pytest.raises(Invalid) as told:
        click(staging.stage_add, county().id, NEW | values)
    assert [problem.field for problem in told.value.problems] == [field]


def test_a_code_is_one_divisions_of_a_level() -> None:
    town = below(county(), Level.TOWN)
    with acting(COUNTY_MANAGER):
        with pytest.raises(Invalid) as told:
            click(staging.stage_add, county().id, NEW | {"code": town.code})
        assert codes(told) == {"region.code_taken"}
        click(staging.stage_add, county().id, NEW)
        with pytest.raises(Invalid) as told:
            click(staging.stage_add, county().id, NEW | {"name": "永宁镇"})
        assert codes(told) == {"region.code_taken"}
        other = below(county(), Level.TOWN, 1)
        click(staging.stage_change, town.id, {"code": "610122950000"}, 0)
        # free once both are published
        click(staging.stage_change, other.id, {"code": town.code}, 0)


def test_a_similar_name_is_forced_one_level_up() -> None:
    town = below(county(), Level.TOWN)
    like = {"name": town.name.removesuffix("街道") + "镇", "code": "610122901"}
    with acting(COUNTY_MANAGER):
        for force in (False, True):
            with pytest.raises(Invalid) as told:
                click(staging.stage_add, county().id, like, force=force)
            assert codes(told) == {"region.similar"}
            assert town.name in told.value.problems[0].message
            db.session.rollback()
    with acting(CITY):
        with pytest.raises(Invalid):
            click(staging.stage_add, county().id, like)
        assert click(staging.stage_add, county().id, like, force=True).forced


def test_names_are_compared_with_those_to_come() -> None:
    with acting(COUNTY_MANAGER):
        click(staging.stage_add, county().id, NEW)
        with pytest.raises(Invalid):
            click(staging.stage_add, county().id, {"name": "新安乡", "code": "610122902"})
        town = below(county(), Level.TOWN)
        click(staging.stage_change, town.id, {"name": "永宁街道"}, 0)
        click(staging.stage_add, county().id, {"name": town.name, "code": "610122903"})


@pytest.mark.parametrize(
    ("one", "other", "level", "same"),
    [
        ("城关镇", "城关街道", Level.TOWN, True),
        ("秦谷村", "秦谷村民委员会", Level.VILLAGE, True),
        ("向阳社区", "向阳居委会", Level.VILLAGE, True),
        ("马家砭沟村", "马家贬沟村", Level.VILLAGE, True),
        ("马家砭沟村", "马家砭村", Level.VILLAGE, True),
        ("姜村村", "姜村村委会", Level.VILLAGE, True),
        ("姜村村", "姜村村民委员会", Level.VILLAGE, True),
        ("姜村", "姜村社区居委会", Level.VILLAGE, True),
        ("姜村", "张村村委会", Level.VILLAGE, False),
        ("前马家沟村", "后马家沟村", Level.VILLAGE, False),
        ("第一生活村", "第二生活村", Level.VILLAGE, False),
        ("东寨村", "西寨村", Level.VILLAGE, False),
        ("甸沙乡", "金所乡", Level.TOWN, False),
    ],
)
def test_alike(one: str, other: str, level: Level, same: bool) -> None:
    assert alike(one, other, level) is alike(other, one, level) is same


def test_a_division_never_comes_under_itself() -> None:
    city = region("6101", Level.CITY)
    town = below(county(), Level.TOWN)
    with acting_as(actor(CITY, city)):
        with pytest.raises(Invalid) as told:
            click(staging.stage_move, county().id, county().id, 0)
        assert codes(told) == {"region.cycle"}
        with pytest.raises(Invalid) as told:
            click(staging.stage_move, county().id, town.id, 0)
        assert codes(told) == {"region.cycle"}
        with pytest.raises(Invalid) as told:
            click(staging.stage_move, town.id, city.id, 0)
        assert codes(told) == {"region.level"}


def test_pending_moves_make_no_circle_either() -> None:
    """Levels are strict, so that two pending moves cannot put each under the other."""
    one, other = below(county(), Level.TOWN, 0), below(county(), Level.TOWN, 1)
    with acting(COUNTY_MANAGER):
        for a, b in ((one, other), (other, one)):
            with pytest.raises(Invalid):
                click(staging.stage_move, a.id, b.id, 0)


def test_only_inside_ones_own_area() -> None:
    far = region(NEXT_COUNTY, Level.COUNTY)
    village, town = below(county(), Level.VILLAGE), below(far, Level.TOWN)
    with acting(COUNTY_MANAGER):
        for wrong in (
            lambda: click(staging.stage_add, far.id, NEW),
            lambda: click(staging.stage_change, town.id, {"name": "永宁镇"}, 0),
            lambda: click(staging.stage_move, village.id, town.id, 0),
            lambda: click(staging.stage_merge, village.id, below(far, Level.VILLAGE).id, 0),
            lambda: click(staging.stage_delete, town.id, 0),
            lambda: click(staging.cancel, town.id),
            lambda: click(staging.stage_change, county().id, {"name": "蓝玉县"}, 0),  # the city's
            lambda: click(staging.stage_add, 999_999_999, NEW),
            lambda: click(staging.stage_add, region("6101", Level.CITY).id, NEW),
        ):
            with pytest.raises(NotFound):
                wrong()
            db.session.rollback()


@pytest.mark.parametrize("who", [COUNTY_READER, TOWN_MANAGER])
def test_managers_only(who: Any) -> None:
    with acting(who), pytest.raises(Forbidden):
        click(staging.stage_add, county().id, NEW)


def test_pseudo_divisions_do_not_exist() -> None:
    with unscoped("tests look") as session:
        group = session.scalars(select(Region).where(Region.structural)).first()
    assert group is not None
    with acting_as(actor(MINISTRY)), pytest.raises(NotFound):
        click(staging.stage_change, group.id, {"name": "甲市"}, 0)


def test_somebody_else_staged_meanwhile() -> None:
    town = below(county(), Level.TOWN)
    with acting(COUNTY_MANAGER):
        click(staging.stage_change, town.id, {"name": "永宁街道"}, 0)
        with pytest.raises(Conflict):
            click(staging.stage_change, town.id, {"name": "永兴街道"}, 0)
        click(staging.stage_change, town.id, {"name": "永兴街道"}, 1)
    change = pending(town.id)
    assert change is not None
    assert (change.name, change.version) == ("永兴街道", 2)


def test_what_a_page_read_before_does_not_decide() -> None:
    town = below(county(), Level.TOWN)
    with acting(COUNTY_MANAGER):
        click(staging.stage_change, town.id, {"name": "永宁街道"}, 0)
        node = divisions.maintained(town.id)
        db.session.commit()  # what was read stays
        with unscoped("another stages") as session:
            session.get_one(RegionChange, town.id).version = 2
            session.commit()
        with pytest.raises(Conflict):
            click(staging.stage_change, town.id, {"name": "永兴街道"}, node.version)
    change = pending(town.id)
    assert change is not None
    assert change.name == "永宁街道"


def test_back_to_what_it_was_is_no_change() -> None:
    town = below(county(), Level.TOWN)
    with acting(COUNTY_MANAGER):
        click(staging.stage_change, town.id, {"name": "永宁街道"}, 0)
        assert click(staging.stage_change, town.id, {"name": town.name}, 1) is None
    assert pending(town.id) is None


def test_what_builds_on_a_pending_division_goes_first() -> None:
    with acting(COUNTY_MANAGER):
        town = click(staging.stage_add, county().id, NEW).region_id
        village = click(
            staging.stage_add, town, {"name": "永宁村", "code": "610122901001"}
        ).region_id
        with pytest.raises(Conflict):
            click(staging.cancel, town)
        click(staging.cancel, village)
        click(staging.cancel, town)
        with pytest.raises(NotFound):
            click(staging.cancel, town)


def test_all_can_be_taken_back() -> None:
    with acting(COUNTY_MANAGER):
        click(staging.stage_add, county().id, NEW)
        click(staging.stage_change, below(county(), Level.TOWN).id, {"name": "永宁街道"}, 0)
        assert click(staging.cancel_all, county().id) == 2
        assert divisions.pending_count(county().path) == 0


def test_merges_that_do_not_fit() -> None:
    one, other = below(county(), Level.VILLAGE, 0), below(county(), Level.VILLAGE, 1)
    town = below(county(), Level.TOWN)
    with acting(COUNTY_MANAGER):
        for target in (one.id, town.id):
            with pytest.raises(Invalid):
                click(staging.stage_merge, one.id, target, 0)
        click(staging.stage_merge, one.id, other.id, 0)
        with pytest.raises(Invalid):  # it is another's goal
            click(staging.stage_merge, other.id, below(county(), Level.VILLAGE, 2).id, 0)
        with pytest.raises(Conflict):  # it is about to end
            click(staging.stage_change, one.id, {"name": "永宁村"}, 1)
        with pytest.raises(Invalid):
            click(staging.stage_delete, other.id, 0)
        db.session.rollback()
    with acting(CITY), pytest.raises(BadInput):
        click(staging.stage_merge, county().id, region(NEXT_COUNTY, Level.COUNTY).id, 0)


@pytest.fixture
def twins() -> tuple[Region, Region, int, str]:
    """Two towns, the key of a village of the first that the second has as well, and its name."""
    one, other = below(county(), Level.TOWN, 0), below(county(), Level.TOWN, 1)
    twin = below(other, Level.VILLAGE)
    with acting(COUNTY_MANAGER):
        added = click(staging.stage_add, one.id, {"name": twin.name, "code": f"{one.code[:9]}901"})
        key, name = added.region_id, twin.name
        click(division_publish.publish, county().id)
    return one, other, key, name


def test_towns_with_a_village_of_one_name_merge_under_a_new_one(
    twins: tuple[Region, Region, int, str],
) -> None:
    one, other, key, name = twins
    field = staging.name_field(key)
    with acting(COUNTY_MANAGER):
        for given, fields in (({}, [field]), ({key: name}, [field]), ({key: "<"}, [field])):
            with pytest.raises(Invalid) as told:
                click(staging.stage_merge, one.id, other.id, 0, given)
            assert name in told.value.message
            assert [p.field for p in told.value.problems] == ["into_id", *fields]
        db.session.rollback()
        assert pending(key) is None
        click(staging.stage_merge, one.id, other.id, 0, {key: "永宁村"})
        db.session.rollback()
        renamed = pending(key)
        assert renamed is not None
        assert renamed.name == "永宁村"
        click(division_publish.publish, county().id)
    with unscoped("tests look") as session:
        village = session.get_one(Region, key)
        assert (village.name, village.parent_id) == ("永宁村", other.id)
        assert village.full_name == f"{other.full_name}永宁村"


def test_a_new_name_that_is_taken_back_stops_the_merge(
    twins: tuple[Region, Region, int, str],
) -> None:
    one, other, key, name = twins
    with acting(COUNTY_MANAGER):
        click(staging.stage_merge, one.id, other.id, 0, {key: "永宁村"})
        click(staging.cancel, key)
        with pytest.raises(NotPublishable) as told:
            click(division_publish.publish, county().id)
        assert name in told.value.message


def test_taking_all_back_takes_what_would_be_published() -> None:
    """Towns and villages are published by their county or city, and taken back there."""
    with acting(COUNTY_MANAGER):
        town = click(staging.stage_add, county().id, NEW).region_id
    with acting(CITY):
        click(staging.stage_change, county().id, {"name": "蓝玉县"}, 0)
    with acting(PROVINCE) as actor_:
        assert click(staging.cancel_all, actor_.region_id) == 1
    assert pending(town) is not None
    assert pending(county().id) is None


def test_a_delete_waits_for_what_is_pending_below() -> None:
    town = below(county(), Level.TOWN)
    village = below(town, Level.VILLAGE)
    with acting(COUNTY_MANAGER):
        click(staging.stage_change, village.id, {"name": "永宁村"}, 0)
        with pytest.raises(Invalid):
            click(staging.stage_delete, town.id, 0)
        click(staging.cancel, village.id)
        click(staging.stage_move, village.id, below(county(), Level.TOWN, 1).id, 0)  # it leaves
        click(staging.stage_delete, town.id, 0)
        click(division_publish.publish, county().id)
    with unscoped("tests look") as session:
        assert session.get(Region, town.id) is None
        assert session.get(Region, village.id) is not None


def test_old_names_and_codes_are_found() -> None:
    one, other = below(county(), Level.TOWN, 0), below(county(), Level.TOWN, 1)
    village = below(one, Level.VILLAGE)
    household(village)
    with acting(COUNTY_MANAGER):
        click(staging.stage_merge, one.id, other.id, 0)
        click(staging.stage_change, village.id, {"name": "永宁村", "code": "610122950950"}, 0)
        click(division_publish.publish, county().id)
        found = search(one.name, county().path)
        assert [(e.id, e.former) for e in found] == [(other.id, one.name)]
        assert [e.id for e in search(village.code, county().path)] == [village.id]
        by_code = regions.by_code(one.code)
        assert by_code is not None
        assert by_code.id == other.id
        finder = Finder()
        town = finder.town(county(), one.name)
        assert town is not None
        assert (town.place.id, town.exact) == (other.id, False)
        match = finder.village(town.place, "永宁村")
        assert match is not None
        assert match.place.id == village.id
        place = finder.village(one, village.name)  # as an old list has it
        assert place is not None
        assert place.place.name == "永宁村"
        db.session.rollback()
