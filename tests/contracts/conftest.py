"""A world with a household just inside and one just outside everybody's area, and who asks there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access import audit
from app.access.actor import Actor
from app.access.audit import Act
from app.access.notices import Notice, NoticeKind
from app.access.regions import Level, Region
from app.access.scope import unscoped
from app.core.jobs import Job
from app.parts.choices import Grade
from app.registers.lookback.model import Lookback
from app.registry.attachments import Attachment
from app.registry.transfers import Transfer, TransferState
from tests.builders import (
    COUNTY,
    EVERYBODY,
    FAR_COUNTY,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    Who,
    account,
    actor_of,
    api_token,
    attach,
    below,
    complete,
    household,
    own_house,
    region,
    seat,
    sign_in,
)


@dataclass
class Place:
    """One household with a survey and a file; ``secrets`` must not be seen from outside."""

    survey: Lookback
    file: Attachment
    region: Region
    job: uuid.UUID = field(default_factory=uuid.uuid4)  # somebody else's, wherever the place is
    entry: uuid.UUID = field(default_factory=uuid.uuid4)  # of the audit log, about the survey
    account: uuid.UUID = field(default_factory=uuid.uuid4)  # a clerk's who cannot be deleted
    notice: uuid.UUID = field(default_factory=uuid.uuid4)  # told to the county's manager
    token: uuid.UUID = field(default_factory=uuid.uuid4)  # of the clerk's account
    transfer: uuid.UUID = field(default_factory=uuid.uuid4)  # a request to move that was taken back

    @property
    def secrets(self) -> tuple[str, ...]:
        return self.survey.head_name, self.survey.head_id or "", str(self.file.key)


@dataclass
class World:
    """``inside`` lies in everybody's area; ``outside`` as near to it as can be, by level."""

    app: Flask
    inside: Place
    outside: dict[Level, Place]
    clients: dict[Who, FlaskClient] = field(default_factory=dict)
    actors: dict[Who, Actor] = field(default_factory=dict)


def settle(place: Region, name: str) -> Place:
    _, survey = household(place, name=name)
    complete(survey, own_house(Grade.A))
    with unscoped("tests arrange") as session:
        job = Job(kind="ledger.export", subject=name, account_id=uuid.uuid4(), path=place.path)
        entry = audit.record(
            session, Act.UPDATE, register="lookback", row=survey,
            detail={"changes": {"head_id": [survey.head_id, None], "surveyor": [name, None]}},
        )  # fmt: skip
        notice = Notice(region_id=place.county_id, kind=NoticeKind.OFFICERS, values={})
        transfer = Transfer(
            register="lookback", record_id=survey.id, household_id=survey.household_id,
            from_region_id=place.id, from_path=place.path, to_region_id=place.id,
            to_path=place.path, asked_by=uuid.uuid4(), state=TransferState.WITHDRAWN,
        )  # fmt: skip
        session.add_all([job, notice, transfer])
        session.commit()
    clerk = account(VILLAGE_CLERK, place, first_name=f"{name}账号", demo=True)
    file = attach(survey, "front_photos")[0]
    token, _secret = api_token(clerk)
    return Place(
        survey, file, place, job.id, entry.id, clerk.uuid, notice.id, token.id, transfer.id
    )  # fmt: skip


@pytest.fixture
def world(app: Flask) -> World:
    with app.app_context():
        village, town = seat(Level.VILLAGE), seat(Level.TOWN)
        outside = {
            Level.VILLAGE: settle(below(town, Level.VILLAGE, 1), "邻村的人"),
            Level.TOWN: settle(
                below(below(region(COUNTY), Level.TOWN, 1), Level.VILLAGE), "邻镇的人"
            ),
            Level.COUNTY: settle(below(region(NEXT_COUNTY), Level.VILLAGE), "邻县的人"),
            Level.CITY: settle(below(region(FAR_COUNTY), Level.VILLAGE), "远县的人"),
        }
        outside[Level.PROVINCE] = outside[Level.CITY]
        made = World(app, settle(village, "本村的人"), outside)
        accounts = {who: account(who) for who in EVERYBODY}
        made.actors = {who: actor_of(one) for who, one in accounts.items()}
    made.clients = {who: sign_in(app, one) for who, one in accounts.items()}
    return made


@pytest.fixture
def no_csrf(app: Flask) -> Iterator[None]:
    """POST without a token, where the token is not what is tested."""
    app.config["WTF_CSRF_ENABLED"] = False
    yield
    app.config["WTF_CSRF_ENABLED"] = True


@pytest.fixture
def counted(app: Flask) -> Iterator[None]:
    """Answers carry the number of their SQL statements."""
    app.config["BENCH"] = True
    yield
    app.config["BENCH"] = False


def statements(response: Any) -> int:
    return int(response.headers["X-Anju-Statements"])
