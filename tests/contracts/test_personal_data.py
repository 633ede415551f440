"""No whole number of a masked field on any page for those without the right to it (spec 01).

The fields come from the declarations: a register that declares another masked field is tested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from app.access import audit, settings
from app.access.actor import Capability
from app.access.audit import Act, AuditEntry
from app.access.scope import unscoped
from app.access.settings import SettingValue
from app.core.jobs import Job
from app.registers.lookback.model import Lookback
from app.registers.lookback.register import LOOKBACK
from app.registry.expressions import to_json
from app.registry.fields import Field
from app.registry.flow import State
from app.registry.households import Household
from app.web.requests import PUBLIC
from tests.builders import COUNTY_MANAGER, attach, full_house, id_number
from tests.contracts.conftest import World
from tests.contracts.routes import calls

#: Where those who enter or review see a record whole.
_WHOLE = {"LookbackView.show", "LookbackView.edit", "LookbackView.review", "LookbackView.decide"}
_WHOLE |= {"LookbackApi.record", "LookbackApi.history"}
_CLICKS = {"LookbackView.reveal", "HouseholdView.reveal"}  # each is noted and counted


def masked(row: Any) -> Iterator[tuple[Field, Any]]:
    """The masked fields of a row that hold something, those of its children too."""
    for name, made in type(row).__fields__.items():
        value = getattr(row, name, None) if made.stored else None
        if made.masked and value:
            yield made, value
        for child in value or () if made.rows else ():
            yield from ((f, child[f.name]) for f in made.rows if f.masked and child.get(f.name))


@pytest.fixture
def numbers(world: World) -> set[str]:
    """Every whole number of the household inside: in all its masked fields, in the audit log."""
    with world.app.app_context(), unscoped("tests arrange") as session:
        survey = session.get_one(Lookback, world.inside.survey.id)
        home = session.get_one(Household, survey.household_id)
        for name, value in full_house().items():
            setattr(survey, name, value)
        home.phone, home.corrected_id = "13909180009", id_number(8)
        survey.state = State.SUBMITTED
        found = {str(value) for row in (survey, home) for _made, value in masked(row)}
        changes = {
            m.name: [None, to_json(v)] for m, v in masked(survey) if m.name in LOOKBACK.fields
        }
        changes |= {n: [to_json(getattr(survey, n)), None] for n in ("owners", "split_heads")}
        entry = audit.record(session, Act.UPDATE, register="lookback", row=survey,
                             detail={"changes": changes, "opinion": f"核对{survey.head_id}"})  # fmt: skip
        session.commit()
        world.inside.entry = entry.id
    with world.app.app_context():
        attach(world.inside.survey, "judged_paper")
    fields = {m.name for row in (survey, home) for m, _ in masked(row)}
    declared = {
        n for model in (Lookback, Household) for n, m in model.__fields__.items() if m.masked
    }
    assert declared <= fields, "the household of the test fills every masked field"
    return found


def shown(body: str, numbers: set[str]) -> set[str]:
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", body)
    return {number for number in numbers if number in text}


@pytest.mark.usefixtures("no_csrf")
def test_whole_numbers_show_only_where_one_works_on_them(world: World, numbers: set[str]) -> None:
    wrong = []
    for who, client in world.clients.items():
        actor = world.actors[who]
        works = any(actor.has(c, "lookback") for c in (Capability.ENTER, Capability.REVIEW))
        for endpoint, url in pages(world):
            if works and endpoint in _WHOLE:
                continue
            answer = client.get(url)
            texts = answer.mimetype.startswith(("text/", "application/json"))
            if texts and (found := shown(answer.text, numbers)):
                wrong.append(f"{who}: {url} shows {sorted(found)}")
    assert wrong == []


def pages(world: World) -> Iterator[tuple[str, str]]:
    """Every address that is read, and searches that find the household."""
    for call in calls(world.app, world.inside, PUBLIC):
        if call.method == "GET" and call.endpoint not in _CLICKS:
            yield call.endpoint, call.path
    home = world.inside.survey.household_id
    for url in ("/search/?q=本村", "/lookback/query?head_name=本村", "/lookback/query?figure=total",
                f"/audit/of/household/{home}", "/audit/?act=update"):  # fmt: skip
        yield "", url


@pytest.mark.usefixtures("no_csrf")
def test_without_the_right_nothing_is_exported(world: World, numbers: set[str]) -> None:
    wrong = []
    for who, client in world.clients.items():
        answer = client.post("/exchange/export/lookback", data={"reason": "工作调度"})
        if (answer.status_code == 302) is not world.actors[who].has(Capability.EXPORT, "lookback"):
            wrong.append(str(who))
    assert wrong == []
    with world.app.app_context(), unscoped("tests look") as session:
        allowed = {
            a.account_id for a in world.actors.values() if a.has(Capability.EXPORT, "lookback")
        }
        jobs = session.scalars(select(Job).where(Job.kind == "ledger.export"))
        assert {job.account_id for job in jobs if job.args} == allowed  # the world's own have none
        noted = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.EXPORT)).all()
        assert {e.account_id for e in noted} == allowed
        assert all(
            (e.detail or {}).keys() == {"register", "filter", "rows", "reason"} for e in noted
        )


@pytest.mark.usefixtures("no_csrf")
def test_a_look_is_noted_and_there_are_not_too_many(world: World, numbers: set[str]) -> None:
    reader = world.clients[COUNTY_MANAGER]
    url = f"/household/{world.inside.survey.household_id}/reveal?field=phone"
    with world.app.app_context(), unscoped("tests set") as session:
        nation = next(a for a in world.actors.values() if a.path == "0.").region_id
        session.add(SettingValue(region_id=nation, name="personal.reveals", value=5))
        session.commit()
    assert reader.get(url).status_code == 405
    answers = [reader.post(url, headers={"HX-Request": "true"}) for _ in range(6)]
    assert [a.status_code for a in answers] == [200] * 5 + [429]
    assert "13909180009" in answers[0].text
    assert "操作过于频繁" in answers[5].text
    assert not shown(answers[5].text, numbers)
    with world.app.app_context(), unscoped("tests look") as session:
        looks = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.REVEAL)).all()
        assert [e.detail for e in looks] == [{"field": "phone"}] * 5
    assert settings.get("personal.reveals").default == 60


def test_who_saw_the_whole_record_is_noted_once_a_day(world: World, numbers: set[str]) -> None:
    """By its page, its form and its review; not by those who saw masked numbers."""
    survey = world.inside.survey
    for who, client in world.clients.items():
        for page in ("", "/review", "/edit", ""):
            with client.get(f"/lookback/{survey.id}{page}") as answer:  # written when it is closed
                assert answer.status_code in {200, 302, 403}, (str(who), page)
    works = {
        a.account_id for a in world.actors.values()
        if a.has(Capability.ENTER, "lookback") or a.has(Capability.REVIEW, "lookback")
    }  # fmt: skip
    with world.app.app_context(), unscoped("tests look") as session:
        query = select(AuditEntry).where(AuditEntry.act == Act.VIEW)
        seen = list(session.scalars(query))
        assert sorted(e.account_id.hex for e in seen if e.account_id) == sorted(
            w.hex for w in works
        )
        assert {(e.record_id, e.path, e.register) for e in seen} == {
            (survey.id, survey.path, "lookback")
        }
