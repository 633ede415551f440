"""One account for each town or village of a county, with a paper of first passwords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.security import check_password_hash

from app.access import policy
from app.access.account import Account
from app.access.actor import Kind
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level, Region, in_subtree
from app.access.scope import acting_as, unscoped
from app.access.settings import SettingValue
from app.admin.accounts import bulk as account_bulk
from app.admin.accounts import bulk_job as job_of
from app.core.db import db
from app.core.errors import Forbidden
from app.core.files.storage import storage
from app.core.jobs.table import Job, JobState
from app.core.jobs.worker import work
from app.kernel.exchange import printing
from tests.admin.accounts.test_accounts import fill
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    account,
    actor,
    actor_of,
    below,
    region,
)
from tests.clicks import click
from tests.hands import Hands

AsAccount = Callable[..., Hands]
VILLAGES = (Level.VILLAGE, Kind.CLERK)
TOWNS = (Level.TOWN, Kind.MANAGER)


@pytest.fixture(autouse=True)
def few_villages(app: Flask) -> None:
    """A county of two towns with three villages each, so that a test hashes few passwords."""
    with app.app_context(), unscoped("tests thin a county out") as session:
        county = region(COUNTY)
        kept = [below(county, Level.TOWN, nth) for nth in (0, 1)]
        villages = [
            v.id for town in kept for v in (below(town, Level.VILLAGE, n) for n in range(3))
        ]
        ids = {county.id, *(town.id for town in kept), *villages}
        inside = in_subtree(Region.path, county.path)
        for level in (Level.VILLAGE, Level.TOWN):
            gone = select(Region).where(inside, Region.level == level, Region.id.not_in(ids))
            for place in session.scalars(gone):
                session.delete(place)
            session.flush()
        session.commit()


def made(app: Flask) -> tuple[Job, list[Account]]:
    with app.app_context(), unscoped("tests look") as session:
        job = session.scalars(select(Job).where(Job.kind == job_of.KIND)).one()
        new = Account.username.like("6101%"), Account.must_change_password
        return job, list(session.scalars(select(Account).where(*new).order_by(Account.path)))


def test_every_village_gets_one(
    app: Flask, as_account: AsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers: list[dict[str, Any]] = []
    set_paper = printing.pdf
    monkeypatch.setattr(
        printing, "pdf", lambda name, data: papers.append(data) or set_paper(name, data)
    )
    with app.app_context():
        account(VILLAGE_CLERK)  # this village has one
        account(VILLAGE_CLERK, below(region(COUNTY), Level.VILLAGE, 1), active=False)
    hands = as_account(COUNTY_MANAGER)
    page = hands.get("/accounts/bulk/").text
    assert "将创建 5 个，已有 1 个地区有这种用户" in page
    assert hands.post("/accounts/bulk/", {"role": "village-clerk"}).status_code == 302
    work(app, once=True)
    job, new = made(app)
    assert (job.state, job.result) == (JobState.DONE, {"created": 5}), job.message
    assert [one.username[-2:] for one in new] == ["01"] * 5
    slips = {slip["login"]: slip["password"] for slip in papers[-1]["accounts"]}
    for one in new:
        assert check_password_hash(one.password, slips[one.username])
        with app.app_context():
            assert actor_of(one).has(policy.Capability.ENTER, "lookback")
    (file,) = job.files
    with app.app_context():
        pdf = storage().open(file["key"]).read()
        entries = db.session.scalars(select(AuditEntry).where(AuditEntry.act == Act.CREATE)).all()
    assert pdf.startswith(b"%PDF")
    assert len([e for e in entries if e.register == "account"]) == 5
    assert not any(
        password in str(entry.detail) for entry in entries for password in slips.values()
    )
    assert hands.get(f"/exchange/jobs/{job.id}/files/0").status_code == 200
    assert as_account(COUNTY_MANAGER).get(f"/exchange/jobs/{job.id}/files/0").status_code == 404
    again = hands.post("/accounts/bulk/", {"role": "village-clerk"})
    assert again.status_code == 422
    assert "不需要再创建" in again.text


def test_town_managers_must_fit_into_the_countys_allowance(
    app: Flask, as_account: AsAccount
) -> None:
    with app.app_context():
        fill(region(COUNTY), COUNTY_READER, 97)
    hands = as_account(COUNTY_MANAGER)
    assert "不够再加 2 个" in hands.get("/accounts/bulk/").text
    assert hands.post("/accounts/bulk/", {"role": "town-manager"}).status_code == 422


@pytest.mark.parametrize("role", ["county-manager", "", "town-x"])
def test_roles_that_are_not_made_in_bulk(as_account: AsAccount, role: str) -> None:
    assert as_account(COUNTY_MANAGER).post("/accounts/bulk/", {"role": role}).status_code == 422
    assert as_account(CITY).post("/accounts/bulk/", {"role": role}).status_code == 403


def test_who_may_not(session: Any) -> None:
    for who in (CITY, COUNTY_READER, TOWN_MANAGER):
        with acting_as(actor(who)), pytest.raises(Forbidden):
            account_bulk.plan(session, VILLAGES)
        session.rollback()


def test_a_plan_that_was_overtaken_is_made_anew(app: Flask) -> None:
    with app.app_context():
        manager = actor(COUNTY_MANAGER)
        with acting_as(manager):
            planned = account_bulk.plan(db.session, TOWNS)
            db.session.rollback()
            account(TOWN_MANAGER, planned.regions[0])
            ready = [
                account_bulk.Made(r, planned.names[r.id], "secret", "hash") for r in planned.regions
            ]
            assert not account_bulk.create_all(db.session, planned, ready)
            db.session.rollback()
        assert db.session.scalar(select(func.count()).where(Account.username.like("6101%"))) == 0


def test_a_run_that_was_killed_leaves_no_account_without_its_paper(app: Flask) -> None:
    """Killed after the paper was kept, before the accounts: the next run makes both anew."""
    with app.app_context():
        manager = account(COUNTY_MANAGER)
        with acting_as(actor_of(manager)):
            job = click(job_of.start, TOWNS)

    def killed(*_args: Any) -> bool:
        raise SystemExit

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(account_bulk, "create_all", killed)
        with pytest.raises(SystemExit):
            work(app, once=True)
    with app.app_context(), unscoped("tests wait") as session:
        row = session.get_one(Job, job.id)
        assert len(row.files) == 1
        first = row.files[0]["key"]
        row.state, row.heartbeat = JobState.QUEUED, None
        session.commit()
    work(app, once=True)
    job, new = made(app)
    assert (job.state, len(new)) == (JobState.DONE, 2), job.message
    assert len(job.files) == 1
    assert job.files[0]["key"] != first


def test_what_somebody_typed_is_never_markup() -> None:
    data = {
        "title": '#panic("x")', "place": "*", "made_at": "$", "notes": ["#let x = 1", "\\"],
        "labels": {"region": "a", "name": "b", "login": "c", "password": "d"},
        "accounts": [{"region": "_", "name": '#read("/etc/passwd")', "login": "<x>", "password": "@y"}],
    }  # fmt: skip
    assert printing.pdf(job_of.PAPER, data).startswith(b"%PDF")


def test_none_are_made_where_the_ministry_wants_none(app: Flask, as_account: AsAccount) -> None:
    with app.app_context(), unscoped("tests set") as session:
        nation = session.scalars(select(Region.id).where(Region.level == Level.NATION)).one()
        session.add(SettingValue(region_id=nation, name="users.village_clerks", value=0))
        session.commit()
    hands = as_account(COUNTY_MANAGER)
    assert "村级不设信息采集员" in hands.get("/accounts/bulk/").text
    page = hands.post("/accounts/bulk/", {"role": "village-clerk"})
    assert page.status_code == 422
    assert "村级不设信息采集员" in page.text
