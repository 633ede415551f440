"""The same picture twice: what is told to who uploads it (spec 01, exception f)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import today, uuid7
from app.core.db import db, read_only
from app.kernel.beyond.same_photos import Same, same_photo
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.model import Monitoring
from app.modules.surveys.monitoring.register import MONITORING
from tests import builders
from tests.builders import FAR_COUNTY, VILLAGE_CLERK

pytestmark = pytest.mark.one_database
FRONT = "front_photos"  # builders.attach gives all files one sum


@pytest.fixture
def survey(app: Flask) -> Iterator[Lookback]:
    """What a clerk of the village fills in, who may search registers of her village."""
    with app.app_context(), acting_as(builders.actor(VILLAGE_CLERK)):
        yield builders.household(name="赵玉兰")[1]


def told(survey: Lookback, **columns: Any) -> Same | None:
    """What is said of a photo that comes into the survey."""
    new = builders.attach(survey, FRONT)[0]
    for name, value in columns.items():
        setattr(new, name, value)
    with read_only():
        said = same_photo(LOOKBACK, db.session.get(Lookback, survey.id), new)
        db.session.rollback()
    return said


def test_a_new_picture_and_one_of_the_same_field(survey: Lookback) -> None:
    assert told(survey) is None
    assert told(survey) is None  # the first may be about to be taken off
    assert told(survey, sha256="1" * 64) is None


def test_another_field_of_the_record(survey: Lookback) -> None:
    (there,) = builders.attach(survey, "risky_photos")
    label = LOOKBACK.fields["risky_photos"].label
    assert told(survey) == Same(f"与本记录“{label}”中的照片相同，请核实。", f"/files/{there.id}")


def test_another_household_of_the_own_area_comes_first(survey: Lookback) -> None:
    builders.attach(survey, "risky_photos")
    other = builders.household(name="钱小花")[1]
    builders.attach(other, FRONT)
    said = told(survey)
    assert said is not None
    assert (
        said.text
        == f"与钱小花的{LOOKBACK.title}“{LOOKBACK.fields[FRONT].label}”中的照片相同，请核实。"
    )
    assert said.url == f"/lookback/{other.id}"


def test_another_register_of_the_same_household(survey: Lookback) -> None:
    said = {
        name: getattr(survey, name)
        for name in ("household_id", "region_id", "head_name", "head_id")
    }
    watched = Monitoring(id=uuid7(), **said)
    with unscoped("tests make records") as session:
        session.add(watched)
        session.commit()
    builders.attach(watched, FRONT, register="monitoring")
    title, label = MONITORING.title, MONITORING.fields[FRONT].label
    assert told(survey) == Same(
        f"与本户的{title}“{label}”中的照片相同，请核实。", f"/monitoring/{watched.id}"
    )


def test_a_register_that_one_may_not_search_is_not_named(survey: Lookback) -> None:
    builders.attach(builders.household(name="钱小花")[1], FRONT, register="craftsman")
    assert told(survey) == Same("同一张照片已在本辖区另一条记录中使用，请核实。")


def test_of_another_area_nothing_is_told_but_that_it_stands_there(survey: Lookback) -> None:
    place = builders.below(builders.region(FAR_COUNTY), Level.VILLAGE)
    builders.attach(builders.household(place, name="远方的人")[1], FRONT)
    assert told(survey) == Same("同一张照片已在其他地区使用，请核实。")


@pytest.mark.parametrize("far", [False, True])
def test_what_was_deleted_stands_nowhere(survey: Lookback, far: bool) -> None:
    place = builders.below(builders.region(FAR_COUNTY), Level.VILLAGE) if far else None
    (there,) = builders.attach(builders.household(place, name="钱小花")[1], FRONT)
    with unscoped("tests delete a record that is kept") as session:
        session.merge(there).hidden_on = today()
        session.commit()
    assert told(survey) is None


def test_papers_are_not_compared(survey: Lookback) -> None:
    """The same report belongs to many households."""
    builders.attach(survey, "risky_photos")
    assert told(survey, mime="application/pdf") is None
