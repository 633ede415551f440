"""What divisions give those below them: who sets it, what is refused, and what tables divide by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from app.access.accounts.notices import Notice
from app.access.audit.log import Act, AuditEntry
from app.access.divisions import regions
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.admin.divisions import holdings, moves
from app.core.clock import today
from app.core.db import db, read_only
from app.core.errors import Forbidden, Invalid, NotFound, OutsideScope
from app.core.transactions import transaction
from app.kernel.declare.register import get_register
from app.kernel.households import audit_words
from app.kernel.quotas import giving, telling
from app.kernel.quotas.giving import Meanwhile
from app.kernel.quotas.rows import Quota
from app.kernel.reports import order, tables
from app.modules.archives.choices import ArchiveStage
from tests import builders as b
from tests import specimens

pytestmark = pytest.mark.usefixtures("reading")

ARCHIVE = get_register("archive")
assert ARCHIVE is not None
YEAR = today().year


def give(
    place: Any, numbers: Mapping[int, int | None], seen: Mapping[int, int | None] | None = None,
    *, year: int = YEAR, kind: str = "central",
) -> int:  # fmt: skip
    assert ARCHIVE is not None
    with transaction():
        return telling.give(ARCHIVE, place, year, kind, numbers, seen or {})


@pytest.fixture
def city(session: Any) -> Any:
    return b.seat(Level.CITY)


@pytest.fixture
def counties(session: Any, city: Any) -> list[Any]:
    with b.acting(b.CITY):
        return list(regions.children(city))


def test_a_division_gives_those_below_it(city: Any, counties: list[Any]) -> None:
    one, other = counties[0].id, counties[1].id
    with b.acting(b.CITY):
        assert give(city, {one: 100, other: 0}) == 2
        assert give(city, {one: 100, other: 7}, {one: 100, other: 0}) == 1
        assert give(city, {one: 5}, kind="county") == 1
        assert giving.given(ARCHIVE, city, YEAR, "central") == {one: 100, other: 7}
        assert giving.given(ARCHIVE, city, YEAR) == {one: 105, other: 7}
        assert giving.given(ARCHIVE, city, None) == {one: 105, other: 7}
        assert giving.given(ARCHIVE, city, YEAR - 1) == {}
        assert give(city, {other: None}, {other: 7}) == 1
        assert giving.given(ARCHIVE, city, YEAR, "central") == {one: 100}
        settings = select(AuditEntry).where(AuditEntry.act == Act.SETTING)
        entries = {tuple(e.detail["changes"]["quota"]): e for e in db.session.scalars(settings)}
        assert entries.keys() == {(None, 100), (None, 0), (0, 7), (None, 5), (7, None)}
        assert audit_words.full(entries[0, 7]) == f"任务量：0 → 7；年度：{YEAR}；分类：中央补助"
    with b.acting(b.COUNTY_MANAGER):
        own = regions.get(b.actor(b.COUNTY_MANAGER).region_id)
        assert giving.received(ARCHIVE, own, YEAR, "central") in {100, None}


def test_above_the_county_and_below_it(session: Any) -> None:
    for who, level in (
        (b.MINISTRY, Level.NATION),
        (b.PROVINCE, Level.PROVINCE),
        (b.COUNTY_MANAGER, Level.COUNTY),
    ):
        place = b.seat(level)
        with b.acting(who):
            child = regions.children(place)[0]
            assert give(place, {child.id: 12}) == 1
            assert giving.received(ARCHIVE, child, YEAR, "central") == 12


@pytest.mark.parametrize("n", [-1, giving.MOST + 1])
def test_a_number_that_is_none_is_refused(city: Any, counties: list[Any], n: int) -> None:
    with b.acting(b.CITY):
        with pytest.raises(Invalid) as refused:
            give(city, {counties[0].id: 3, counties[1].id: n})
        assert [p.field for p in refused.value.problems] == [str(counties[1].id)]
        db.session.rollback()
        assert giving.given(ARCHIVE, city, None) == {}


@pytest.mark.parametrize(
    ("year", "kind"), [(1999, "central"), (YEAR + 2, "central"), (YEAR, ""), (YEAR, "x")]
)
def test_of_a_year_and_kind_that_are_counted(
    city: Any, counties: list[Any], year: int, kind: str
) -> None:
    with b.acting(b.CITY), pytest.raises(Invalid):
        give(city, {counties[0].id: 3}, year=year, kind=kind)


def test_who_gives_nothing(city: Any, counties: list[Any]) -> None:
    """Not for another division, not to one that is no child, not without the right, not from a town."""
    key = counties[0].id
    for who in (b.PROVINCE, b.COUNTY_MANAGER, b.COUNTY_READER, b.TOWN_MANAGER):
        with b.acting(who), pytest.raises(Forbidden):
            give(city, {key: 1})
    foreign = b.below(b.region(b.FAR_COUNTY), Level.TOWN)
    with b.acting(b.CITY), pytest.raises(NotFound):
        give(city, {foreign.id: 1})
    with b.acting(b.COUNTY_MANAGER), pytest.raises(NotFound):
        giving.given(ARCHIVE, city, YEAR)
    with pytest.raises(NotFound):
        giving.given(ARCHIVE, city, YEAR)  # nobody acts


def test_two_who_set_it_at_once(city: Any, counties: list[Any]) -> None:
    key = counties[0].id
    with b.acting(b.CITY):
        give(city, {key: 10})
        with pytest.raises(Meanwhile) as told:
            give(city, {key: 11})  # the page had shown nothing yet
        assert told.value.details["now"] == {key: 10}
        db.session.rollback()
        assert giving.given(ARCHIVE, city, YEAR) == {key: 10}


def test_divisions_that_merge_have_both_quotas(city: Any) -> None:
    """They stand against deleting a division; added up after a merge, made one when set again."""
    one, other = b.region(b.COUNTY), b.region(b.NEXT_COUNTY)
    with b.acting(b.CITY):
        give(city, {one.id: 10, other.id: 5})
        assert holdings.below(other.path) == {"任务量": 1}
        db.session.rollback()
    with read_only(value=False), unscoped("tests merge divisions") as session:
        moves.hand_over(session.connection(), other, one)
        session.commit()
    with b.acting(b.CITY):
        db.session.expire_all()
        assert giving.given(ARCHIVE, city, YEAR) == {one.id: 15}
        assert give(city, {one.id: 14}, {one.id: 15}) == 1
        assert [(q.region_id, q.path, q.n) for q in db.session.scalars(select(Quota))] == [
            (one.id, one.path, 14)
        ]


def test_each_hears_of_its_own_number(city: Any, counties: list[Any]) -> None:
    one, other = counties[0], counties[1]
    with b.acting(b.CITY):
        give(city, {one.id: 1200, other.id: 0})
        told = {n.region_id: n for n in db.session.scalars(select(Notice))}
    assert told.keys() == {one.id, other.id}
    assert told[one.id].text == f"{city.full_name}下达{YEAR}年中央补助任务量：1,200"
    assert told[one.id].url == (
        f"/archive/statistics/ranking?region={one.id}&year={YEAR}&kind=central"
    )


def test_a_plan_tells_what_was_given_on(city: Any) -> None:
    """The own number beside the sum of those below, and what each of these gave on."""
    county = b.region(b.COUNTY)
    province = b.seat(Level.PROVINCE)
    with b.acting(b.COUNTY_MANAGER):
        towns = list(regions.children(county))
        give(county, {towns[0].id: 30, towns[1].id: 90})
    with b.acting(b.CITY):
        give(city, {county.id: 100})
        give(city, {county.id: 4}, kind="county")
    with b.acting(b.PROVINCE):
        give(province, {city.id: 105})
    with b.acting(b.CITY):
        plan = giving.plan(ARCHIVE, city, YEAR, "central")
        assert (plan.own.n, plan.own.passed, plan.own.left) == (105, 100, 5)
        lines = {line.region.id: line for line in plan.below}
        assert (lines[county.id].n, lines[county.id].passed, lines[county.id].left) == (
            100,
            120,
            -20,
        )
        other = lines[b.region(b.NEXT_COUNTY).id]
        assert (other.n, other.passed, other.left) == (None, None, None)
    with b.acting(b.COUNTY_MANAGER):
        plan = giving.plan(ARCHIVE, county, YEAR, "central")
        assert (plan.own.n, plan.own.passed) == (100, 120)
        assert [line.n for line in plan.below[:3]] == [30, 90, None]


# ---- the guard ---------------------------------------------------------------------------------


def test_who_sees_which_quotas(city: Any, counties: list[Any]) -> None:
    """The own one that was given from above, and all below; nobody's beside or above, and none without an
    account. Above the county a row has no county, and the nation's no province.
    """
    nation, province = b.seat(Level.NATION), b.seat(Level.PROVINCE)
    own, other = b.region(b.COUNTY), b.region(b.NEXT_COUNTY)
    with b.acting(b.MINISTRY):
        give(nation, {province.id: 1000})
    with b.acting(b.PROVINCE):
        give(province, {city.id: 500})
    with b.acting(b.CITY):
        give(city, {own.id: 40, other.id: 50})
    with b.acting(b.COUNTY_MANAGER):
        town = regions.children(own)[0]
        give(own, {town.id: 7})

    def seen(who: Any) -> set[int]:
        with b.acting(who):
            return set(db.session.scalars(select(Quota.n)))

    assert seen(b.MINISTRY) == {1000, 500, 40, 50, 7}
    assert seen(b.PROVINCE) == {1000, 500, 40, 50, 7}
    assert seen(b.CITY) == {500, 40, 50, 7}
    assert seen(b.COUNTY_MANAGER) == seen(b.COUNTY_READER) == {40, 7}
    assert seen(b.TOWN_MANAGER) == {7}
    assert set(db.session.scalars(select(Quota.n))) == set(), "nobody acts"
    with unscoped("tests look") as session:
        places = {q.n: (q.county_id, q.province_id) for q in session.scalars(select(Quota))}
    assert places == {
        1000: (None, province.id), 500: (None, province.id), 40: (own.id, province.id),
        50: (other.id, province.id), 7: (own.id, province.id),
    }  # fmt: skip


def test_a_row_that_lies_elsewhere_is_not_written(city: Any) -> None:
    """Whoever writes past the rules: the guard refuses what lies beside and above the own area."""
    far, province = b.region(b.FAR_COUNTY), b.seat(Level.PROVINCE)
    for place in (far, province):
        with b.acting(b.CITY), pytest.raises(OutsideScope), transaction():
            db.session.add(
                Quota(
                    register="archive", giver_id=city.id, region_id=place.id, year=YEAR,
                    kind="central", n=1,
                )
            )  # fmt: skip


# ---- what tables divide by ---------------------------------------------------------------------


def archives(place: Any, count: int, stage: ArchiveStage, kind: str = "central") -> None:
    assert ARCHIVE is not None
    for _n in range(count):
        with read_only(value=False):
            specimens.record(ARCHIVE, place, plan_year=YEAR, subsidy_kind=kind, progress=stage)


def test_a_ranking_divides_by_what_was_given(city: Any, counties: list[Any]) -> None:
    one, other = b.region(b.COUNTY), b.region(b.NEXT_COUNTY)
    village, second = b.below(one, Level.VILLAGE), b.below(other, Level.VILLAGE)
    archives(village, 3, ArchiveStage.COMPLETED)
    archives(village, 1, ArchiveStage.APPROVED)
    archives(second, 1, ArchiveStage.STARTED)
    archives(second, 2, ArchiveStage.STARTED, "county")
    assert ARCHIVE is not None
    table = ARCHIVE.table("ranking")
    assert table is not None
    with b.acting(b.CITY):
        give(city, {one.id: 3, other.id: 4})
        report = tables.report(ARCHIVE, table, city, YEAR, "central")
        report = order.put_in(report, order.asked_for("4", report))
        found = {row.label: [cell.text for cell in row.cells] for row in report.rows}
        without = tables.report(ARCHIVE, table, city, YEAR, "county")
        of_county = tables.report(ARCHIVE, table, one, YEAR, "central")
    assert report.heads == tuple(
        (text,) for text in (
            "任务量", "录入户数", "完成率", "排名", "已开工", "开工率", "排名",
            "已竣工", "竣工率", "排名", "已验收", "及时率",
        )
    )  # fmt: skip
    assert found["合计"] == [
        "7",
        "5",
        "71.43%",
        "—",
        "4",
        "57.14%",
        "—",
        "3",
        "42.86%",
        "—",
        "0",
        "—",
    ]
    assert found[one.name][:7] == ["3", "4", "133.33%", "1", "3", "100.00%", "1"]
    assert found[other.name][:7] == ["4", "1", "25.00%", "2", "1", "25.00%", "2"]
    none = {row.label: [cell.text for cell in row.cells][:7] for row in without.rows}
    assert none["合计"] == none[other.name] == ["—", "2", "—", "—", "2", "—", "—"]
    assert [row.label for row in report.rows][:3] == ["合计", one.name, other.name]
    assert of_county.rows[0].cells[0].text == "—", "the county has given nothing to its towns"
