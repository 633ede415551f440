"""A cell is the number of rows behind it, in every division, at every level, for every figure."""

from __future__ import annotations

import pytest

from app.access.divisions import regions
from app.access.divisions.regions import Level
from app.access.scope import acting_as
from app.core.errors import BadInput, NotFound
from app.kernel.figures import statistics
from app.kernel.figures.statistics import LineKind
from app.kernel.reports import tables
from app.web.reports.tables import shown
from tests import builders as b
from tests.kernel.reports import country


@pytest.fixture
def arranged():
    return country.settle


def walk(register, region, figures):
    """Every sheet from ``region`` downwards through the lines that count something."""
    sheet = statistics.read(register, region, figures)
    yield sheet
    for line in sheet.divisions:
        if any(line.counts.values()):
            yield from walk(register, line.region, figures)


def alone(line):
    return line.kind == LineKind.UNPLACED


def test_every_cell_counts_what_lies_there(settled, lookback):
    truth, sheets = country.Truth(lookback), 0
    with b.acting(b.MINISTRY):
        nation = b.seat(Level.NATION)
        for sheet in walk(lookback, nation, lookback.figures):
            sheets += 1
            for line in sheet.lines:
                for name, n in line.counts.items():
                    rows = truth.rows(name, line.region.path, alone=alone(line))
                    assert n == len(rows), (sheet.region, line.label, name)
    assert sheets > 30  # nation, provinces, cities, counties, towns, villages


def test_the_total_is_the_sum_of_the_rows(settled, lookback):
    with b.acting(b.MINISTRY):
        for sheet in walk(lookback, b.seat(Level.NATION), lookback.figures):
            if sheet.total.kind == LineKind.OWN:
                assert len(sheet.lines) == 1
                continue
            for name, n in sheet.total.counts.items():
                assert n == sum(line.counts[name] for line in sheet.lines[1:]), sheet.region


def test_identities_hold_in_every_line(settled, lookback):
    assert lookback.identities
    with b.acting(b.MINISTRY):
        for sheet in walk(lookback, b.seat(Level.NATION), lookback.figures):
            for line in sheet.lines:
                for identity in lookback.identities:
                    parts = sum(line.counts[part] for part in identity.parts)
                    assert line.counts[identity.total] == parts, (line.label, identity.text)


def test_counties_under_a_province_stand_among_its_cities(settled, lookback):
    county = b.region(b.PROVINCE_COUNTY, Level.COUNTY)
    with b.acting(b.MINISTRY):
        sheet = statistics.read(lookback, b.above(county, Level.PROVINCE), ["total"])
    named = {line.region.id: line for line in sheet.divisions}
    assert named[county.id].counts["total"] > 0
    assert not any(line.region.structural for line in sheet.divisions)


def test_the_corps_stands_beside_the_provinces(settled, lookback):
    with b.acting(b.MINISTRY):
        sheet = statistics.read(lookback, b.seat(Level.NATION), ["total"])
    corps = {line.label: line for line in sheet.divisions}["新疆生产建设兵团"]
    assert corps.region.level == Level.PROVINCE
    assert corps.counts["total"] > 0


def test_districts_of_a_municipality_stand_directly_under_it(settled, lookback):
    district = b.region("110101", Level.COUNTY)
    with b.acting(b.MINISTRY):
        sheet = statistics.read(lookback, b.above(district, Level.PROVINCE), ["total"])
    assert district.id in {line.region.id for line in sheet.divisions}


def test_what_lies_in_no_child_has_a_row_of_its_own(settled, lookback):
    county = b.region(b.COUNTY, Level.COUNTY)
    town = b.below(county, Level.TOWN)
    with b.acting(b.COUNTY_MANAGER):
        for region in (county, town):
            sheet = statistics.read(lookback, region, ["total"])
            assert sheet.lines[-1].label == "行政区划缺失"
            assert sheet.lines[-1].counts["total"] > 0
        other = statistics.read(lookback, b.below(county, Level.TOWN, 3), ["total"])
        assert {line.kind for line in other.divisions} == {LineKind.DIVISION}


def test_a_village_shows_only_its_own_row(settled, lookback):
    village = b.seat(Level.VILLAGE)
    with b.acting(b.VILLAGE_CLERK):
        sheet = statistics.read(lookback, village, ["total"])
        report = tables.of_sheet(lookback.tables[0], statistics.read(
            lookback, village, lookback.figures))  # fmt: skip
    assert [line.label for line in sheet.lines] == [village.name]
    assert shown(report, "/x")["rows"][0]["url"] is None


@pytest.mark.parametrize("level", list(Level))
def test_statements_do_not_grow_with_divisions(settled, lookback, statements, level):
    with b.acting(b.MINISTRY):
        region = b.seat(level)
        with statements() as seen:
            statistics.read(lookback, region, lookback.figures)
    assert len(seen) == 2, seen


@pytest.mark.parametrize("arranged", [None])
def test_an_empty_country_counts_nothing(session, lookback):
    with b.acting(b.MINISTRY):
        sheet = statistics.read(lookback, b.seat(Level.NATION), lookback.figures)
    assert set(sheet.total.counts.values()) == {0}
    assert len(sheet.lines) > 3


def test_reading_fails_closed(settled, lookback):
    foreign = b.region(b.NEXT_COUNTY, Level.COUNTY)
    with pytest.raises(NotFound):
        statistics.read(lookback, foreign, ["total"])  # nobody acts
    with b.acting(b.COUNTY_MANAGER), pytest.raises(NotFound):
        statistics.read(lookback, foreign, ["total"])
    with b.acting(b.CITY):
        assert statistics.read(lookback, foreign, ["total"]).total.counts["total"] > 0


@pytest.mark.parametrize("text", ["x", "1.5", "-1", "1 ", "１", "9" * 30, "1;--", "0x1"])
def test_a_region_that_is_no_number_is_refused(session, text):
    with pytest.raises(BadInput):
        statistics.region_asked_for(b.actor(b.MINISTRY), text)


def test_the_region_asked_for_lies_in_the_area(settled):
    actor = b.actor(b.COUNTY_MANAGER)
    with acting_as(actor):
        assert statistics.region_asked_for(actor, None).id == actor.region_id
        assert statistics.region_asked_for(actor, "").id == actor.region_id
        village = b.seat(Level.VILLAGE)
        assert statistics.region_asked_for(actor, str(village.id)).id == village.id
        for foreign in (b.seat(Level.CITY), b.region(b.NEXT_COUNTY, Level.COUNTY)):
            with pytest.raises(NotFound):
                statistics.region_asked_for(actor, str(foreign.id))
        with pytest.raises(NotFound):
            statistics.region_asked_for(actor, "999999999")


def test_a_pseudo_division_has_no_table(session):
    district = b.region("110101", Level.COUNTY)
    actor = b.actor(b.MINISTRY)
    parent = regions.get(district.parent_id)
    assert parent.structural
    with acting_as(actor), pytest.raises(NotFound):
        statistics.region_asked_for(actor, str(parent.id))
