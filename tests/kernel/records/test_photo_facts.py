"""What a photo says of itself, and whether it fits its record."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from flask import Flask

from app.access.divisions import borders
from app.access.scope import unscoped
from app.kernel.households.story import Photo
from app.kernel.records.photo_facts import Facts, PhotoFacts
from app.kernel.rows.file import Attachment
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders

DAY = dt.date(2024, 9, 12)
MORNING = dt.datetime(2024, 9, 12, 9, 30)
LANTIAN = (34.16, 109.32)  # in the county of the tests' households
XIAN = (34.34, 108.94)


@pytest.fixture
def facts_of(app: Flask) -> Any:
    """The facts of a photo with such attributes in the form of a household of 蓝田县."""

    def facts(field: str = "front_photos", day: dt.date | None = DAY, **said: Any) -> Facts | None:
        with app.app_context():
            row = builders.household()[1]
            file = builders.attach(row, field)[0]
            for name, value in said.items():
                setattr(file, name, value)
            with unscoped("tests look") as session:
                read = PhotoFacts(session, row, {"surveyed_on": day})
                return read.of(LOOKBACK.fields[field], file)

    return facts


def at(place: tuple[float, float]) -> dict[str, float]:
    return {"latitude": place[0], "longitude": place[1]}


def test_a_photo_of_the_visit(facts_of: Any) -> None:
    said = facts_of(taken_at=MORNING, device="HUAWEI LYA-AL00", **at(LANTIAN))
    assert said.note == "拍摄于2024-09-12 09:30 · 蓝田县 · HUAWEI LYA-AL00"
    assert said.warnings == []


def test_a_photo_that_says_nothing(facts_of: Any) -> None:
    assert facts_of() == Facts("无拍摄时间 · 无定位")


def test_a_photo_of_another_day(facts_of: Any) -> None:
    said = facts_of(taken_at=MORNING - dt.timedelta(days=3))
    assert said.warnings == ["拍摄日期2024-09-09与排查时间2024-09-12不一致"]
    assert facts_of(taken_at=MORNING, day=None).warnings == []


def test_the_day_of_a_photo_that_says_none_is_the_local_day_on_which_it_was_added() -> None:
    evening = dt.datetime(2024, 9, 11, 17, tzinfo=dt.UTC)  # one o'clock at night in China
    file = Attachment(added_at=evening)
    assert Photo(file, LOOKBACK, LOOKBACK.fields["front_photos"]).on == DAY
    file.taken_at = MORNING - dt.timedelta(days=3)
    assert Photo(file, LOOKBACK, LOOKBACK.fields["front_photos"]).on == dt.date(2024, 9, 9)


def test_a_photo_of_another_county(facts_of: Any) -> None:
    (warning,) = facts_of(taken_at=MORNING, **at(XIAN)).warnings
    assert warning.startswith("拍摄地点在未央区，离该户所在县约")
    (warning,) = facts_of(**at((35.0, 139.0))).warnings
    assert "地图范围以外" in warning


def test_papers_have_no_day_and_place(facts_of: Any) -> None:
    assert facts_of("judged_paper", taken_at=MORNING) is None


def test_near_the_border_is_not_outside(app: Flask) -> None:
    with app.app_context():
        assert borders.km_outside("610122", *LANTIAN) == 0
        assert borders.km_outside("610122", *XIAN) > 10
        assert borders.km_outside("999999", *XIAN) is None
        border = borders.county_at(*LANTIAN)
        assert border is not None
        west, _south, _east, _north = border.box
        y = next(y for xs, ys in border.rings for x, y in zip(xs, ys, strict=True) if x == west)
        for step, outside in ((100, False), (400, True)):  # about 1 and 4 km to the west
            place = (y / borders.SCALE, (west - step) / borders.SCALE)
            assert not border.holds(west - step, y)
            assert bool(borders.km_outside("610122", *place)) is outside
