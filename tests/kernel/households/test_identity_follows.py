"""What an approval makes of the household follows the survey's truth at the next approval."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import Actor
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.kernel.figures import counters
from app.kernel.records import save as records
from app.kernel.records import steps
from app.kernel.rows.household import Finding, Household, SearchKey
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    CITY,
    CONTACT,
    COUNTY_REVIEWER,
    FILES_OWN,
    VILLAGE_CLERK,
    actor,
    attach,
    household,
    id_number,
    own_house,
)
from tests.clicks import click

WRONG = "610122197001010020"  # its last character should be another
NEW_HEAD = {
    "head_changed": True,
    "new_head_name": "王新",
    "new_head_id": id_number(801),
    "new_head_phone": "13909180001",
    "new_head_relation": "02",
}


class Survey:
    """The survey of one household, approved and sent back as often as a test wants."""

    def __init__(self, **issued: Any) -> None:
        home, row = household(name="王一", **issued)
        self.home_id, self.key = home.id, row.id
        self.clerk, self.reviewer = actor(VILLAGE_CLERK), actor(COUNTY_REVIEWER)
        self.city = actor(CITY)
        attach(row, *FILES_OWN)

    def says(self, **answers: Any) -> None:
        """The clerk enters it, the county approves."""
        with unscoped("tests look") as session:
            row = session.get_one(LOOKBACK.model, self.key)
            approved, version = row.state == "approved", row.version
        if approved:
            self._step(self.city, "send_back", opinion="抽查不符")
            version += 1
        form = own_house() | {"corrected_id": None, "phone": "13800000009", **answers}
        self._do(self.clerk, records.save, LOOKBACK, self.key, form, version)
        self._step(self.clerk, "submit")
        self._step(self.reviewer, "approve")

    def _step(self, who: Actor, name: str, **said: Any) -> None:
        self._do(who, steps.transition, LOOKBACK, self.key, name, None, CONTACT, **said)

    @staticmethod
    def _do(who: Actor, action: Any, *args: Any, **options: Any) -> None:
        with acting_as(who):
            click(action, *args, **options)
            db.session.remove()

    @property
    def home(self) -> Household:
        with unscoped("tests look") as session:
            return session.get_one(Household, self.home_id)

    def found_by(self) -> set[str]:
        with unscoped("tests look") as session:
            keys = select(SearchKey.value).where(SearchKey.household_id == self.home_id)
            return set(session.scalars(keys))

    def listed(self) -> tuple[str, str | None, str | None]:
        with unscoped("tests look") as session:
            row = session.get_one(LOOKBACK.model, self.key)
            return row.head_name, row.head_id, row.former_head


def own_number(key: uuid.UUID) -> str:
    with unscoped("tests look") as session:
        return session.get_one(Household, key).issued_id or ""


@pytest.fixture
def survey(session: Any) -> Survey:
    return Survey()


def test_a_change_of_head_that_was_none_is_undone(survey: Survey) -> None:
    issued = own_number(survey.home_id)
    survey.says(**NEW_HEAD)
    assert survey.listed() == ("王新", id_number(801), "王一")
    assert survey.home.phone == "13909180001"
    survey.says()
    assert survey.listed() == ("王一", issued, None)
    home = survey.home
    assert (home.head_name, home.head_id, home.phone) == ("王一", issued, "13800000009")
    assert survey.found_by() == {"王一", issued}


def test_another_head_replaces_the_first(survey: Survey) -> None:
    survey.says(**NEW_HEAD)
    survey.says(**NEW_HEAD | {"new_head_name": "王再", "new_head_id": id_number(802)})
    assert survey.listed() == ("王再", id_number(802), "王一")
    assert "王新" not in survey.found_by()
    survey.says()
    assert survey.listed()[0] == "王一"


def test_a_head_whom_another_register_named_stays(survey: Survey) -> None:
    survey.says(**NEW_HEAD)
    with unscoped("tests arrange") as session:
        home = session.get_one(Household, survey.home_id)
        home.head_name, home.head_id = "王三", id_number(803)
        session.commit()
    survey.says()
    assert survey.home.head_name == "王三"


def test_a_correction_that_was_none_is_undone(session: Any) -> None:
    survey = Survey(number=WRONG)
    survey.says(corrected_id=id_number(804))
    home = survey.home
    assert (home.corrected_id, home.head_id) == (id_number(804), id_number(804))
    assert not home.findings
    survey.says()
    home = survey.home
    assert (home.corrected_id, home.head_id) == (None, WRONG)
    assert tuple(home.findings or ()) == (Finding.ID_WRONG,)
    assert survey.found_by() == {"王一", WRONG}
    with unscoped("tests look") as everything:
        register = LOOKBACK
        assert counters.live_counts(everything, register) == counters.kept_counts(
            everything, register
        )


def test_a_correction_from_elsewhere_stays(session: Any) -> None:
    survey = Survey(number=WRONG)
    survey.says()
    with unscoped("tests arrange") as everything:
        home = everything.get_one(Household, survey.home_id)
        home.corrected_id = home.head_id = id_number(805)
        everything.commit()
    survey.says()
    assert survey.home.corrected_id == id_number(805)
