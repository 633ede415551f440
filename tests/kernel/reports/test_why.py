"""Why a division has its place: the step or rule that costs most, and the place without it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import event

from app.access.actor import Actor
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as
from app.core.db import db
from app.core.errors import NotFound
from app.kernel.beyond import own_place
from app.kernel.reports import by_rule, standing, why
from app.kernel.reports.why import Why
from app.modules.archives.choices import ArchiveStage
from tests import builders as b
from tests.kernel.reports.ranked import ARCHIVE, YEAR, archives, asked, give

pytestmark = pytest.mark.usefixtures("reading")

DONE, STARTED, APPROVED = ArchiveStage.COMPLETED, ArchiveStage.STARTED, ArchiveStage.APPROVED


def told(region: Region, of: str, actor: Actor | None = None, *without: str) -> Why:
    with acting_as(actor or b.actor(b.COUNTY_MANAGER)):
        return why.read(asked(region, of, *without))


@pytest.fixture
def places(county: Region) -> list[Region]:
    with acting_as(b.actor(b.COUNTY_MANAGER)):
        return list(regions.children(county))[:4]


def test_the_rule_that_costs_most(county: Region, places: list[Region]) -> None:
    """A record that breaks two rules of a severity stays counted when one of them is mended."""
    own, first, second, third = places
    give(county, dict.fromkeys(places, 10))
    archives(first, 1, broken=("income.required",))
    archives(second, 3, broken=("income.required",))
    archives(third, 6, broken=("income.required",))
    archives(own, 3, broken=("phone.required",))
    archives(own, 1, broken=("income.required",))
    archives(own, 1, broken=("phone.required", "income.required", "area.large"))
    found = told(own, "incomplete")
    assert (found.chosen.done, found.chosen.whole, found.chosen.place) == (5, 10, 3)
    assert found.chosen.among == 4
    assert [(c.code, c.n, c.only, c.done, c.place) for c in found.causes] == [
        ("phone.required", 4, 3, 2, 2), ("income.required", 2, 1, 4, 3),
    ]  # fmt: skip
    assert found.causes[0].figure == f"phone-required@{YEAR}/central"
    assert found.several
    assert [(one.place, one.households) for one in found.better] == [(2, 2), (1, 4)]
    assert [(one.region.id, one.place) for one in found.siblings] == [
        (first.id, 1), (second.id, 2), (own.id, 3), (third.id, 4),
    ]  # fmt: skip
    standings = {one.rate.of: one.place for one in found.standings}
    assert standings["questionable"] == 4
    assert standings.keys() == {
        "recorded", "begun", "completed", "incomplete", "error", "questionable",
    }  # fmt: skip


def test_a_large_division_is_told_by_counters(
    county: Region, places: list[Region], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are not read: what breaks one rule alone is asked of a smaller one."""
    own, first = places[:2]
    give(county, {own: 10, first: 10})
    archives(own, 2, broken=("phone.required", "income.required"))
    archives(own, 1, broken=("phone.required",))
    archives(own, 1)
    assert not told(own, "incomplete").large
    monkeypatch.setattr(why, "SMALL_AREA", 3)
    monkeypatch.setattr(why, "_broken", None)
    found = told(own, "incomplete")
    assert (found.large, found.chosen.done, found.chosen.place) == (True, 3, 2)
    assert [(c.code, c.n, c.only, c.place) for c in found.causes] == [
        ("phone.required", 3, None, None), ("income.required", 2, None, None),
    ]  # fmt: skip
    assert found.causes[0].figure == f"phone-required@{YEAR}/central"
    assert not told(own, "completed").large


def test_each_rule_has_a_rate_and_a_place(county: Region, places: list[Region]) -> None:
    """Of what the division above gave; of the own division of what that gave on, without a place."""
    own, first, second, free = places
    give(county, {own: 10, first: 10, second: 20})
    archives(own, 3, broken=("phone.required", "income.required"))
    archives(first, 1, broken=("phone.required",))
    archives(second, 2, broken=("phone.required",))
    archives(free, 1, broken=("phone.required",))
    assert ARCHIVE is not None

    def line(region: Region, code: str) -> list[str]:
        with acting_as(b.actor(b.COUNTY_MANAGER)):
            report = by_rule.report(ARCHIVE, region, YEAR, "central")
        label = ARCHIVE.rules.declared[code].label
        assert report.region.id == region.id
        return [cell.text for row in report.rows if row.label == label for cell in row.cells[1:4]]

    assert line(own, "phone.required") == ["3", "30.00%", "3"]
    assert line(first, "phone.required") == ["1", "10.00%", "1"]
    assert line(second, "phone.required") == ["2", "10.00%", "1"]
    assert line(second, "income.required") == ["0", "0.00%", "1"]
    assert line(free, "phone.required") == ["1", "—", "—"]
    assert line(county, "phone.required") == ["7", "17.50%", "—"]


def test_the_step_that_costs_most(county: Region, places: list[Region]) -> None:
    """What waits in a step before, and what nobody has entered."""
    own, first, second, _other = places
    give(county, {own: 10, first: 10, second: 20})
    archives(first, 7)
    archives(second, 10)
    archives(own, 2)
    archives(own, 1, STARTED)
    archives(own, 4, APPROVED)
    found = told(own, "completed")
    assert (found.chosen.place, found.chosen.among) == (3, 3), "who was given nothing has no place"
    assert [(c.figure.partition("@")[0], c.n, c.done, c.place) for c in found.causes] == [
        ("approved", 4, 6, 2), ("", 3, 5, 2), ("started", 1, 3, 3),
    ]  # fmt: skip
    assert [(one.place, one.households) for one in found.better] == [(2, 3), (1, 5)]
    recorded = told(own, "recorded")
    assert [(c.figure, c.n, c.done) for c in recorded.causes] == [("", 3, 10)]


def test_without_a_quota_there_is_no_place(county: Region, places: list[Region]) -> None:
    own, first = places[:2]
    give(county, {first: 10})
    archives(own, 1)
    found = told(own, "recorded")
    assert (found.chosen.place, found.causes, found.better) == (None, (), ())


def test_the_own_division_has_a_place_among_nameless_ones(
    county: Region, places: list[Region]
) -> None:
    """Counted by counters and quotas alone: no name, and nothing that says which of them is which."""
    own, *others = places
    give(county, dict.fromkeys(places, 10))
    archives(own, 3)
    archives(own, 1, STARTED)
    for place, done in zip(others, (5, 8, 1), strict=True):
        archives(place, done)
    manager = b.actor(b.TOWN_MANAGER, own)
    found = told(own, "completed", manager)
    chosen = found.chosen
    assert (chosen.done, chosen.whole, chosen.place, chosen.among) == (3, 10, 3, 4)
    assert (chosen.best, chosen.middle) == (Fraction(8, 10), Fraction(4, 10))
    assert [(c.figure.partition("@")[0], c.n, c.place) for c in found.causes] == [
        ("", 6, 1), ("started", 1, 3),
    ]  # fmt: skip
    assert [(one.place, one.households) for one in found.better] == [(2, 2), (1, 5)]
    assert found.siblings == ()
    with acting_as(manager):
        field = standing.read(ARCHIVE, own, [chosen.rate], (), YEAR, "central")
        assert {line.region.id for line in field.sheet.lines} == {own.id}
        assert [key for key in field.pairs["completed"] if key > 0] == [own.id]
        assert field.named == {}
    above = told(own, "completed")
    assert (above.chosen, above.better) == (chosen, found.better)
    assert len(above.siblings) == 4


def test_few_others_hide_nobody(county: Region, places: list[Region]) -> None:
    own, first, second = places[:3]
    give(county, {own: 10, first: 10, second: 10})
    archives(first, 5)
    found = told(own, "completed", b.actor(b.TOWN_MANAGER, own)).chosen
    assert (found.place, found.among, found.best, found.middle) == (2, 3, None, None)


def test_rules_of_the_own_division(county: Region, places: list[Region]) -> None:
    """Its own records are read, of the others counters alone."""
    own, first = places[:2]
    give(county, {own: 10, first: 10})
    archives(own, 2, broken=("phone.required",))
    archives(first, 1, broken=("phone.required",))
    found = told(own, "incomplete", b.actor(b.TOWN_MANAGER, own))
    assert (found.chosen.place, found.chosen.among) == (2, 2)
    assert [(c.code, c.n, c.place) for c in found.causes] == [("phone.required", 2, 1)]


def test_no_place_is_told_while_it_is_counted(
    county: Region, places: list[Region], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, first = places[:2]
    give(county, {own: 10, first: 10})
    archives(own, 2)
    monkeypatch.setattr(standing, "incomplete", lambda _register: frozenset({"completed"}))
    found = told(own, "completed", b.actor(b.TOWN_MANAGER, own))
    assert (found.chosen.told, found.chosen.place, found.causes, found.better) == (
        False, None, (), (),
    )  # fmt: skip
    assert found.standings[0].told


def test_what_is_not_told(county: Region, places: list[Region]) -> None:
    """Of a rate that nothing is known of, of another area, of the nation and of villages."""
    own, other = places[:2]
    for of in ("accepted", "poorest"):
        with pytest.raises(NotFound):
            told(own, of)
    clerk = b.actor(b.TOWN_MANAGER, own)
    village = b.below(own, Level.VILLAGE)
    nation = b.seat(Level.NATION)
    for region, who in (
        (other, clerk),
        (county, clerk),
        (village, clerk),
        (nation, b.actor(b.MINISTRY)),
    ):
        with pytest.raises(NotFound):
            told(region, "recorded", who)


def test_nobody_reads_beside_another_division(county: Region, places: list[Region]) -> None:
    """Of a division outside the area, or below one that is not right above it, nothing is read."""
    own, other = places[:2]
    city = b.seat(Level.CITY)
    for region, above in ((other, county), (own, city), (county, county)):
        with acting_as(b.actor(b.TOWN_MANAGER, own)), pytest.raises(NotFound):
            own_place.read(ARCHIVE, region, above, ("completed",), YEAR, "central")


def test_as_many_statements_whatever_there_is(county: Region, places: list[Region]) -> None:
    own, first = places[:2]
    give(county, {own: 10, first: 10})
    archives(own, 1, broken=("income.required",))

    def statements() -> int:
        seen: list[str] = []

        def count(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        with acting_as(actor):
            told(own, "incomplete", actor)
            db.session.rollback()
            event.listen(db.engine, "before_cursor_execute", count)
            try:
                told(own, "incomplete", actor)
            finally:
                event.remove(db.engine, "before_cursor_execute", count)
        return len([one for one in seen if one.startswith(("SELECT", "WITH"))])

    actor = b.actor(b.COUNTY_MANAGER)
    few = statements()
    archives(own, 2, broken=("phone.required", "income.required"))
    archives(first, 2, STARTED)
    assert statements() == few == 6
    actor = b.actor(b.TOWN_MANAGER, own)
    assert statements() == 5


def test_what_would_be_without_several(county: Region, places: list[Region]) -> None:
    """Who stands under two rules is freed by both alone; what costs nothing is passed over."""
    own, first, second = places[:3]
    give(county, {own: 10, first: 10, second: 10})
    archives(first, 1, broken=("income.required",))
    archives(second, 4, broken=("income.required",))
    archives(own, 2, broken=("phone.required",))
    archives(own, 3, broken=("phone.required", "income.required"))
    none = told(own, "incomplete", None, "area.large", "nothing")
    assert (none.chosen.place, none.trial) == (3, None)
    one = told(own, "incomplete", None, "phone.required").trial
    assert one is not None
    assert (one.n, one.done, one.place) == (2, 3, 2)
    both = told(own, "incomplete", None, "phone.required", "income.required", "nothing").trial
    assert both is not None
    assert [cause.code for cause in both.causes] == ["phone.required", "income.required"]
    assert (both.n, both.done, both.place) == (5, 0, 1)
    manager = b.actor(b.TOWN_MANAGER, own)
    assert told(own, "incomplete", manager, "phone.required", "income.required").trial == both


def test_what_would_be_without_steps(county: Region, places: list[Region]) -> None:
    own, first = places[:2]
    give(county, {own: 10, first: 10, places[2]: 0})
    archives(first, 7)
    archives(own, 2)
    archives(own, 3, APPROVED)
    trial = told(own, "completed", None, "approved", "unentered").trial
    assert trial is not None
    assert (trial.n, trial.done, trial.place) == (8, 10, 1)
    assert told(places[2], "completed", None, "unentered").trial is None
