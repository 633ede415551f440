"""Corrections that hold for later records: where, for whom, from when to when, told in the history."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import Capability
from app.access.audit.log import AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import uuid7
from app.core.db import db
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.transactions import transaction
from app.kernel.records import creations, history
from app.kernel.records import save as records
from app.kernel.rows.correction import StandingRule
from app.kernel.settings import standing_rules
from app.modules.archives.choices import ArchiveWay
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from tests import builders
from tests.access.test_grants import give


@pytest.fixture
def manager(session: Any) -> Any:
    return builders.account(builders.COUNTY_MANAGER)


def made(who: Any, n: int, place: Any = None, **said: Any) -> Archive:
    values = {"head_name": "甲", "head_id": builders.id_number(n), "plan_year": 2012} | said
    place = place or builders.seat(Level.VILLAGE)
    db.session.rollback()
    with acting_as(builders.actor_of(who)), transaction():
        row: Archive = creations.new(ARCHIVE, uuid7(), place.id, values)
    return row


def kept(who: Any, *pairs: tuple[Any, Any], name: str = "village_group") -> None:
    db.session.rollback()
    with acting_as(builders.actor_of(who)) as actor, transaction():
        assert standing_rules.make(ARCHIVE, name, pairs, "并组", actor) == len(pairs)


def saved(who: Any, key: uuid.UUID, **values: Any) -> Archive:
    db.session.rollback()
    with acting_as(builders.actor_of(who)), transaction():
        row: Archive = records.save(ARCHIVE, key, values, records.get(ARCHIVE, key).version)
    return row


def told(who: Any, row: Archive) -> list[str | None]:
    db.session.rollback()
    with acting_as(builders.actor_of(who)):
        said = [e.opinion for e in history.of(row) if e.step == standing_rules.STEP]
    db.session.rollback()  # on SQLite one session writes at a time
    return said


def test_what_is_saved_later_becomes_the_new_value(manager: Any) -> None:
    before = made(manager, 1, village_group="一组")
    kept(manager, ("一组", "第一村民小组"))
    later = made(manager, 2, village_group="一组")
    key = later.id
    assert later.village_group == "第一村民小组"
    assert told(manager, later) == ["村民小组：原填“一组”，改为“第一村民小组”"]
    with unscoped("tests look") as session:
        entry = session.scalar(select(AuditEntry).where(AuditEntry.record_id == key))
        assert entry.detail["raw"] == {"village_group": "一组"}
    # what a record says already is nobody's new value
    assert saved(manager, before.id, population=3).village_group == "一组"
    assert saved(manager, before.id, village_group="二组").village_group == "二组"
    assert saved(manager, before.id, village_group="一组").village_group == "第一村民小组"
    assert saved(manager, before.id, village_group="一组").village_group == "第一村民小组"
    assert len(told(manager, before)) == 1  # the same form, sent twice


def test_the_nearest_rule_holds_in_its_area_alone(manager: Any) -> None:
    town = builders.account(builders.TOWN_MANAGER)
    kept(manager, ("repair", "rebuild"), name="way")
    kept(town, ("repair", "exchange"), name="way")
    county = builders.region(builders.COUNTY, Level.COUNTY)
    assert made(manager, 1, way=ArchiveWay.REPAIR).way == "exchange"
    elsewhere = builders.below(builders.below(county, Level.TOWN, 1), Level.VILLAGE)
    assert made(manager, 2, elsewhere, way=ArchiveWay.REPAIR).way == "rebuild"
    next_door = builders.account(
        builders.COUNTY_MANAGER, builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    )
    place = builders.seat(Level.VILLAGE, builders.NEXT_COUNTY)
    assert made(next_door, 3, place, way=ArchiveWay.REPAIR).way == "repair"


def test_it_is_listed_where_it_holds(manager: Any) -> None:
    town = builders.account(builders.TOWN_MANAGER)
    next_door = builders.account(
        builders.COUNTY_MANAGER, builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    )
    kept(manager, ("一组", "第一村民小组"))
    kept(town, ("二组", "第二村民小组"))
    seen = []
    for who in (manager, town, next_door):
        db.session.rollback()  # on SQLite one session writes at a time
        with acting_as(builders.actor_of(who)):
            seen.append([rule.old for rule in db.session.scalars(standing_rules.listed(ARCHIVE))])
    assert seen == [["二组", "一组"], ["二组", "一组"], []]


def test_it_is_switched_off_by_its_managers(manager: Any) -> None:
    kept(manager, ("一组", "第一村民小组"))
    town = builders.account(builders.TOWN_MANAGER)
    with acting_as(builders.actor_of(town)):
        [rule] = db.session.scalars(standing_rules.listed(ARCHIVE))  # it holds there too
        with pytest.raises(Forbidden), transaction():
            standing_rules.switch_off(ARCHIVE, rule.id)
        with pytest.raises(NotFound), transaction():
            standing_rules.switch_off(ARCHIVE, uuid7())
    with acting_as(builders.actor_of(manager)):
        with transaction():
            standing_rules.switch_off(ARCHIVE, rule.id)
        with pytest.raises(Conflict, match="已经停用"), transaction():
            standing_rules.switch_off(ARCHIVE, rule.id)
        [rule] = db.session.scalars(standing_rules.listed(ARCHIVE))
    assert rule.off_by.startswith(manager.username)
    assert made(manager, 1, village_group="一组").village_group == "一组"


def test_another_new_value_replaces_it(manager: Any) -> None:
    kept(manager, ("一组", "甲组"))
    kept(manager, ("一组", "乙组"))
    assert made(manager, 1, village_group="一组").village_group == "乙组"
    with unscoped("tests look") as session:
        off = list(session.scalars(select(StandingRule).order_by(StandingRule.made_at)))
    assert [rule.off_at is None for rule in off] == [False, True]


def test_only_managers_keep_rules(session: Any) -> None:
    clerk = builders.account(builders.TOWN_CLERK)
    db.session.rollback()
    with acting_as(builders.actor_of(clerk)) as actor, pytest.raises(Forbidden), transaction():
        standing_rules.make(ARCHIVE, "way", [("repair", "rebuild")], "并组", actor)


def test_who_enters_in_parts_of_the_area_keeps_none_for_all_of_it(manager: Any) -> None:
    """A city to which a county is granted: it switches off what holds there, and nothing beside it."""
    city = builders.account(builders.CITY)
    give(city, Capability.ENTER, builders.region(builders.COUNTY), register=ARCHIVE.name)
    place = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    for who in (manager, builders.account(builders.COUNTY_MANAGER, place)):
        kept(who, ("一组", "第一村民小组"))
    db.session.rollback()
    with acting_as(builders.actor_of(city)) as actor:
        with pytest.raises(Forbidden, match="整个辖区"), transaction():
            standing_rules.make(ARCHIVE, "village_group", [("二组", "甲组")], "并组", actor)
        may = {
            rule.path: standing_rules.may_switch_off(rule, actor)
            for rule in db.session.scalars(standing_rules.listed(ARCHIVE))
        }
    assert may == {builders.region(builders.COUNTY).path: True, place.path: False}


def test_a_save_asks_the_database_for_rules_once(manager: Any) -> None:
    """A process reads them anew only when they change."""
    made(manager, 1)
    known = standing_rules._kept[ARCHIVE.name]
    made(manager, 2)
    assert standing_rules._kept[ARCHIVE.name] is known
    kept(manager, ("一组", "第一村民小组"))
    made(manager, 3)
    assert standing_rules._kept[ARCHIVE.name] is not known
