"""及时率: an archive is entered soon after its approval, its completion told soon; imported ones are left out."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from app.access.divisions.regions import Level
from app.access.scope import acting_as
from app.access.settings import SettingValue
from app.core.clock import today, uuid7
from app.core.db import db
from app.core.transactions import transaction
from app.kernel.records import creations
from app.kernel.records import save as records
from app.kernel.reports import tables, week
from app.modules.archives.choices import SubsidyKind
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from tests import builders as b

NOW = today()


def ago(days: int) -> dt.date:
    return NOW - dt.timedelta(days=days)


def made(actor: Any, serial: int, **said: Any) -> Archive:
    values = {
        "head_name": "张建国", "head_id": b.id_number(serial), "plan_year": NOW.year,
        "subsidy_kind": SubsidyKind.CENTRAL,
    } | said  # fmt: skip
    with acting_as(actor), transaction():
        row: Archive = creations.new(ARCHIVE, uuid7(), b.seat(Level.VILLAGE).id, values)
    return row


@pytest.fixture
def manager(session: Any) -> Any:
    return b.actor(b.COUNTY_MANAGER)


@pytest.mark.parametrize(
    ("said", "timely"),
    [
        ({"approved_on": ago(15)}, True),
        ({"approved_on": ago(16)}, False),
        ({"approved_on": ago(15), "started_on": ago(9), "completed_on": ago(3)}, True),
        ({"approved_on": ago(200), "completed_on": ago(3)}, False),
        ({"approved_on": ago(2), "completed_on": ago(16)}, False),
        ({}, None),
    ],
)
def test_within_fifteen_days(manager: Any, said: dict[str, Any], timely: bool | None) -> None:
    assert made(manager, 901, **said).timely is timely


def test_what_was_imported_is_left_out(manager: Any) -> None:
    """Nobody knows when it was entered; nor does it count when a clerk completes it later."""
    row = made(replace(manager, in_job=True), 901, approved_on=ago(3))
    assert (row.entered_on, row.timely) == (None, None)
    with acting_as(manager), transaction():
        row = records.save(ARCHIVE, row.id, {"completed_on": ago(1)}, row.version)
    assert (row.completion_told_on, row.timely) == (NOW, None)


def test_completion_is_told_once(manager: Any) -> None:
    """A day of completion that is corrected later was told when it was told; one taken back was not."""
    row = made(manager, 901, approved_on=ago(15))
    said: tuple[tuple[dt.date | None, bool, dt.date | None], ...] = (
        (ago(15), True, NOW), (ago(16), False, NOW), (None, True, None),
    )  # fmt: skip
    for day, timely, told in said:
        with acting_as(manager), transaction():
            row = records.save(ARCHIVE, row.id, {"completed_on": day}, row.version)
        assert (row.timely, row.completion_told_on) == (timely, told)


def test_the_days_are_settings(manager: Any) -> None:
    nation = b.seat(Level.NATION)
    for name, value in (("archive.entered_within", 3), ("archive.completed_within", 2)):
        db.session.add(SettingValue(region_id=nation.id, name=name, value=value))
    db.session.commit()
    assert made(manager, 901, approved_on=ago(3)).timely is True
    assert made(manager, 902, approved_on=ago(4)).timely is False
    assert made(manager, 903, approved_on=ago(3), completed_on=ago(3)).timely is False


def test_a_week_counts_what_was_told_in_it(manager: Any) -> None:
    """Nobody decides on archives; what was told to be completed within seven days is new, imported or not."""
    made(manager, 901, approved_on=ago(30), completed_on=ago(20))
    made(replace(manager, in_job=True), 902, approved_on=ago(30), completed_on=ago(2))
    old = made(manager, 903, approved_on=ago(30), completed_on=ago(20))
    with acting_as(manager), transaction():
        db.session.get_one(Archive, old.id).completion_told_on = ago(7)
    table = ARCHIVE.progress_table
    assert table is not None
    with acting_as(manager):
        report = week.report(ARCHIVE, table, b.region(b.COUNTY), NOW.year, "central")
    assert [cell.text for cell in report.rows[0].cells][:4] == ["3", "3", "100.0%", "2"]
    assert report.rows[0].cells[3].figure == "", "no list shows what was told since a day"


def test_a_ranking_ends_with_it(manager: Any) -> None:
    """Of those that it can be asked of: two of three, the imported one is neither."""
    made(manager, 901, approved_on=ago(1))
    made(manager, 902, approved_on=ago(2))
    made(manager, 903, approved_on=ago(40))
    made(replace(manager, in_job=True), 904, approved_on=ago(40))
    table = ARCHIVE.table("ranking")
    assert table is not None
    county = b.region(b.COUNTY)
    with acting_as(manager):
        report = tables.report(ARCHIVE, table, county, NOW.year, "central")
    assert report.heads[-1] == ("及时率",)
    assert [cell.text for cell in report.rows[0].cells][1] == "4"
    assert report.rows[0].cells[-1].text == "66.67%"
