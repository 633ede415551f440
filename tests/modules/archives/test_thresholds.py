"""What rules ask of settings and places: set for an area, the archives there are judged again, and until then
their figures are being counted.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from flask import Flask

from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.errors import Forbidden
from app.core.transactions import transaction
from app.kernel.figures import counters, rejudging, thresholds
from app.kernel.figures import state as figures
from app.kernel.settings import changing
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from tests import builders as b
from tests.hands import Hands
from tests.jobs import run_waiting
from tests.modules.archives.test_archives import FAR
from tests.modules.archives.test_over_others import made

LATE = {"approved_on": dt.date(2016, 1, 1)}


@pytest.fixture
def manager(session: Any) -> Any:
    return b.account(b.COUNTY_MANAGER)


def put(role: str, name: str, level: Level, value: str) -> None:
    db.session.rollback()
    with acting_as(b.actor(role)), transaction():
        changing.change(changing.held(name, b.seat(level)), value, "")
    db.session.rollback()


def broken(key: uuid.UUID) -> set[str]:
    with unscoped("tests look") as session:
        return set(session.get_one(Archive, key).broken or ())


def told() -> frozenset[str]:
    """The figures that are being counted."""
    found = figures.incomplete(ARCHIVE)
    db.session.rollback()
    return found


def judged(app: Flask) -> None:
    run_waiting(app, thresholds.KIND)


def test_another_tolerance_judges_the_archives_of_the_area_again(app: Flask, manager: Any) -> None:
    row = made(manager, **LATE)
    there = b.account(b.COUNTY_MANAGER, b.seat(Level.COUNTY, FAR))
    far = made(there, b.seat(Level.VILLAGE, FAR), **LATE, head_id=b.id_number(5))
    assert "approved_on.other_year" in broken(row)
    assert told() == frozenset()
    put(b.PROVINCE, "archive.tolerance", Level.PROVINCE, "1")
    assert {"error", "approved_on-other_year"} <= told(), "being counted"
    assert "recorded" not in told()
    judged(app)
    assert "approved_on.other_year" not in broken(row)
    assert "approved_on.other_year" in broken(far), "another province"
    assert told() == frozenset()
    with unscoped("what is kept equals what a recount gives") as session:
        assert rejudging.wrong(session, ARCHIVE) == []
        assert counters.live_counts(session, ARCHIVE) == counters.kept_counts(session, ARCHIVE)
    assert "approved_on.other_year" not in broken(made(manager, **LATE, head_id=b.id_number(6)))


def test_from_how_many_on_a_phone_is_questionable_the_ministry_says(
    app: Flask, manager: Any
) -> None:
    rows = [made(manager, phone="13909180000", head_id=b.id_number(n)) for n in (1, 2)]
    put(b.MINISTRY, "archive.phones", Level.NATION, "2")
    judged(app)
    assert all("phone.shared" in broken(row) for row in rows)


def test_the_ministry_says_which_county_lies_at_the_border(app: Flask, manager: Any) -> None:
    row = made(manager, border=True)
    assert "border.elsewhere" in broken(row)
    with pytest.raises(Forbidden):
        put(b.COUNTY_MANAGER, "archive.border", Level.COUNTY, "yes")
    put(b.MINISTRY, "archive.border", Level.COUNTY, "yes")
    judged(app)
    assert "border.elsewhere" not in broken(row)
    other = made(manager, head_id=b.id_number(7))
    assert "border.required" in broken(other)
    hands = Hands(app, b.sign_in(app, b.COUNTY_MANAGER))
    assert '"@archive.border": "yes"' in hands.get(f"/archive/{other}/edit").text
    assert '"@archive.border": "yes"' in hands.get("/archive/new").text
