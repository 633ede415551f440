"""A division above tells one below it what keeps back its place."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.access.accounts.notices import Notice, NoticeKind
from app.access.actor import Actor
from app.access.audit.log import Act, AuditEntry
from app.access.divisions import regions
from app.access.divisions.regions import Region
from app.access.scope import acting_as, unscoped
from app.core.errors import Invalid, NotFound
from app.kernel.households import audit_words
from app.kernel.reports import urging
from app.kernel.reports.why import Trial
from tests import builders as b
from tests.clicks import click
from tests.kernel.reports.ranked import YEAR, archives, asked, give

pytestmark = pytest.mark.usefixtures("reading")

MINE = b.COUNTY_MANAGER


@pytest.fixture
def town(county: Region) -> Region:
    """With three archives that lack something, and four that nobody has entered."""
    with acting_as(b.actor(MINE)):
        places = list(regions.children(county))[:2]
    give(county, dict.fromkeys(places, 10))
    archives(places[0], 3, broken=("phone.required",))
    archives(places[0], 3)
    archives(places[1], 9)
    return places[0]


def households(trial: Trial) -> str:
    return "/archive/query?figure=" + ",".join(one.code for one in trial.causes)


def urge(
    region: Region, actor: Actor, *without: str, of: str = "incomplete", said: str = ""
) -> None:
    with acting_as(actor):
        click(urging.urge, asked(region, of, *without), said, households, actor)


def test_the_division_is_told(town: Region) -> None:
    """Once, with the causes that were ticked, where their households are, and what somebody adds."""
    manager = b.actor(MINE)
    urge(town, manager, "phone.required", said="  请在  月底前补齐 ")
    with unscoped("tests look at everything") as session:
        notice = session.scalars(select(Notice).where(Notice.kind == NoticeKind.URGED)).one()
        assert (notice.region_id, notice.url) == (town.id, "/archive/query?figure=phone.required")
        assert notice.values["message"] == "请在 月底前补齐"
        assert notice.values["place"] == "2"
        assert notice.text.startswith(
            "陕西省西安市蓝田县提醒：农村危房改造农户档案不完整率第2名，请补齐"
        )
        assert "3户" in notice.text
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.NOTICE)).one()
        assert (entry.path, entry.detail["year"], entry.detail["of_kind"]) == (
            town.path, YEAR, "central",
        )  # fmt: skip
        told = audit_words.full(entry)
    assert "请在 月底前补齐" in told
    assert "不完整率" in told


def test_steps_are_told_too(town: Region) -> None:
    urge(town, b.actor(MINE), "unentered", of="recorded")
    with unscoped("tests look at everything") as session:
        notice = session.scalars(select(Notice).where(Notice.kind == NoticeKind.URGED)).one()
        assert notice.values["what"] == [["还没有录入", 4]]


@pytest.mark.parametrize(
    ("without", "said", "fields"),
    [
        ((), "", ["without"]),
        (("nothing.like-that",), "", ["without"]),
        (("phone.required",), "字" * (urging.LONGEST + 1), ["message"]),
        ((), "字" * (urging.LONGEST + 1), ["without", "message"]),
    ],
)
def test_what_is_refused(
    town: Region, without: tuple[str, ...], said: str, fields: list[str]
) -> None:
    with pytest.raises(Invalid) as told:
        urge(town, b.actor(MINE), *without, said=said)
    assert [one.field for one in told.value.problems] == fields
    with unscoped("tests look at everything") as session:
        assert session.scalars(select(Notice.id).where(Notice.kind == NoticeKind.URGED)).all() == []


def test_a_message_may_be_as_long_as_is_said(town: Region) -> None:
    urge(town, b.actor(MINE), "phone.required", said="字" * urging.LONGEST)


def test_only_a_division_below_by_who_gives_out_work(county: Region, town: Region) -> None:
    """Nobody tells the own division, and nobody without the right."""
    own = b.actor(MINE)
    for region, who in ((county, own), (town, b.actor(b.TOWN_MANAGER, town)), (town, b.actor(b.COUNTY_REVIEWER))):  # fmt: skip
        assert not urging.may_urge(asked(region, "incomplete").register, region, who)
        with pytest.raises(NotFound):
            urge(region, who, "phone.required")
    assert urging.may_urge(asked(town, "incomplete").register, town, b.actor(b.CITY))
