"""Names that were kept before they were written in one way are found as all others."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import func, select

from app.access.audit.log import AuditEntry
from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.core.clock import uuid7
from app.core.db import db
from app.core.jobs.table import enqueue
from app.core.transactions import transaction
from app.kernel.households import audit_words
from app.kernel.rows.household import Household, SearchKey, match_key
from app.kernel.rows.member import Member
from app.modules.surveys.lookback.model import Lookback
from tests import builders as b
from tests import jobs
from tests.kernel.exchange.lists import row
from tests.kernel.households.importing import Desk

OLD, NEW = "古丽 • 买买提", "古丽·买买提"


def mend(app: Flask) -> int:
    with transaction():
        job = enqueue("names.mend", {}, owner=None)
    return (jobs.run(app, job).result or {})["rows"]


def entries() -> int:
    return db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_old_names_are_brought_to_the_one_form_and_found(app: Flask, session: Any) -> None:
    home, survey = b.household(name=OLD)
    other, _row = b.household(name="王五")
    with unscoped("as from before") as everything:
        everything.add(
            Member(id=uuid7(), household_id=other.id, region_id=other.region_id, name="⻢六")
        )
        everything.get_one(Lookback, survey.id).owners = [{"name": "马\ue863", "id_number": None}]
        everything.commit()
    before = entries()

    assert mend(app) == 3
    with unscoped("tests look") as everything:
        mended = everything.get_one(Household, home.id)
        assert (mended.head_name, mended.issued_name) == (NEW, NEW)
        of_it = select(SearchKey.value).where(SearchKey.household_id == home.id)
        assert set(everything.scalars(of_it)) == {NEW, home.issued_id}
        copy = everything.get_one(Lookback, survey.id)
        assert (copy.head_name, copy.owners) == (NEW, [{"name": "马䶮", "id_number": None}])
        assert everything.scalars(select(Member.name)).all() == ["马六"]
        told = everything.scalars(select(AuditEntry).where(AuditEntry.record_id == home.id)).one()
        assert told.detail == {
            "same_writing": True,
            "changes": {"issued_name": [OLD, NEW], "head_name": [OLD, NEW]},
        }
        assert audit_words.full(told).endswith("统一姓名写法：是")
    assert entries() == before + 3

    assert mend(app) == 0
    assert entries() == before + 3


def test_a_list_finds_a_household_without_a_number_again(app: Flask, desk: Desk) -> None:
    person = row(1, head_name="古丽·买买提", id_number="")
    assert desk.counts([person])["created"] == 1
    with unscoped("as from before") as everything:
        home = everything.scalars(select(Household)).one()
        town = b.above(everything.get_one(Region, home.region_id), Level.TOWN)
        county = b.above(town, Level.COUNTY)
        home.issued_name = home.head_name = OLD
        home.match_key = match_key(
            None, county.path, town.path, home.village_group, OLD, home.phone
        )
        everything.commit()
        key = home.match_key
    assert mend(app) == 1
    with unscoped("tests look") as everything:
        assert everything.scalars(select(Household.match_key)).one() != key
    assert desk.counts([person]).get("created") is None
