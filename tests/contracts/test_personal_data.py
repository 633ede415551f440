"""Whole values of masked fields leave the program only by an export or a look that are noted; on which
pages nobody sees them is asked with the routes (spec 01).
"""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.access import settings
from app.access.actor import Capability
from app.access.audit.log import Act, AuditEntry
from app.access.scope import unscoped
from app.access.settings import SettingValue
from app.core.jobs.table import Job
from tests.builders import COUNTY_MANAGER
from tests.contracts.conftest import World
from tests.contracts.place import masked
from tests.contracts.test_routes import each_register, shown


@pytest.mark.one_database(turn=0)
@each_register
def test_what_contracts_ask_about_fills_every_masked_field(world: World) -> None:
    """What one record can hold; a field that another answer excludes is not there to be seen."""
    held = {made.name for made, _value in masked(world.inside.record)}
    declared = {n for n, made in world.register.fields.items() if made.masked}
    hidden = {
        name for name in declared - held
        if name not in world.register.rules.evaluate(
            {n: getattr(world.inside.record, n, None) for n in world.register.fields}
        ).shown
    }  # fmt: skip
    assert declared <= held | hidden
    assert len(hidden) <= len(declared) / 3, hidden
    assert bool(world.inside.numbers) is bool(declared or world.inside.name)


@pytest.mark.usefixtures("no_csrf")
@pytest.mark.one_database(turn=0)
@each_register
def test_without_the_right_nothing_is_exported(world: World) -> None:
    name, wrong = world.register.name, []
    for who, client in world.clients.items():
        answer = client.post(f"/exchange/export/{name}", data={"reason": "工作调度"})
        if (answer.status_code == 302) is not world.actors[who].has(Capability.EXPORT, name):
            wrong.append(str(who))
    assert not wrong, "\n".join(wrong)
    with world.app.app_context(), unscoped("tests look") as session:
        allowed = {a.account_id for a in world.actors.values() if a.has(Capability.EXPORT, name)}
        jobs = session.scalars(select(Job).where(Job.kind == "ledger.export"))
        assert {job.account_id for job in jobs if job.args} == allowed  # the world's own have none
        noted = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.EXPORT)).all()
        assert {e.account_id for e in noted} == allowed
        assert all(
            (e.detail or {}).keys() == {"register", "filter", "rows", "reason"} for e in noted
        )


@pytest.mark.usefixtures("no_csrf")
def test_a_look_is_noted_and_there_are_not_too_many(world: World) -> None:
    reader = world.clients[COUNTY_MANAGER]
    url = f"/household/{world.inside.household_id}/reveal?field=phone"
    with world.app.app_context(), unscoped("tests set") as session:
        nation = next(a for a in world.actors.values() if a.path == "0.").region_id
        session.add(SettingValue(region_id=nation, name="personal.reveals", value=5))
        session.commit()
    assert reader.get(url).status_code == 405
    answers = [reader.post(url, headers={"HX-Request": "true"}) for _ in range(6)]
    assert [a.status_code for a in answers] == [200] * 5 + [429]
    assert "13909180009" in answers[0].text
    assert "操作过于频繁" in answers[5].text
    assert not shown(answers[5], world.inside)
    with world.app.app_context(), unscoped("tests look") as session:
        looks = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.REVEAL)).all()
        assert [e.detail for e in looks] == [{"field": "phone"}] * 5
    assert settings.get("personal.reveals").default == 60
