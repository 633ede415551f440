"""Settings: the nearest division above that set one gives its value, else the default."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, g

from app.access import settings
from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.access.settings import DATE, NUMBER, Setting, SettingValue
from app.core.db import db
from tests.builders import COUNTY, above, declared_here, region

AREAS = Setting("sample.areas", "示例", NUMBER, 10, lowest=1, highest=99, area=Level.COUNTY)
UNTIL = Setting("sample.until", "示例期限", DATE, None, area=Level.COUNTY)


@pytest.fixture(autouse=True, scope="module")
def _samples() -> Iterator[None]:
    with declared_here(AREAS, UNTIL):
        yield


def put(place: Region, name: str, value: Any) -> None:
    db.session.rollback()  # on SQLite it holds the write lock
    with unscoped("tests set what managers set") as session:
        session.merge(SettingValue(region_id=place.id, name=name, value=value))
        session.commit()


def test_the_nearest_division_decides(session: Any) -> None:
    county = region(COUNTY)
    province, nation = above(county, Level.PROVINCE), above(county, Level.NATION)
    assert settings.value("sample.areas", county.path) == 10
    put(nation, "sample.areas", 9)
    assert settings.value("sample.areas", county.path) == 9
    put(province, "sample.areas", 8)
    assert settings.value("sample.areas", county.path) == 8
    put(county, "sample.areas", 7)
    assert settings.value("sample.areas", county.path) == 7
    assert settings.value("sample.areas", province.path) == 8
    assert settings.value("sample.areas") == 9
    assert settings.values_below("sample.areas", province.path) == {
        province.path: 8,
        county.path: 7,
    }


def test_a_date_is_a_date(session: Any) -> None:
    assert settings.value("sample.until") is None
    put(above(region(COUNTY), Level.NATION), "sample.until", "2025-06-30")
    assert settings.value("sample.until", region(COUNTY).path) == dt.date(2025, 6, 30)


def test_one_statement_a_request(app: Flask) -> None:
    with app.app_context():
        county = region(COUNTY)
        put(county, "sample.areas", 7)
        province = above(county, Level.PROVINCE)
    with app.test_request_context():
        settings.value("sample.until", county.path)
        asked = g.statements
        assert settings.value("sample.areas", county.path) == 7
        assert settings.value("sample.areas", province.path) == settings.value("sample.areas") == 10
        assert g.statements == asked <= 2  # SQLite says BEGIN


def test_names_are_declared_once(session: Any) -> None:
    assert settings.declare(AREAS) is AREAS
    with pytest.raises(ValueError, match="twice"):
        settings.declare(Setting("sample.areas", "另一个", NUMBER, 1))
    with pytest.raises(TypeError):
        settings.declare(Setting("sample.odd", "错", NUMBER, "1"))
    with pytest.raises(KeyError):
        settings.value("sample.nobody")
