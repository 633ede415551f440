"""``flask accounts create``: the first account of an installation."""

import re

import pytest
from sqlalchemy import func, select
from werkzeug.security import check_password_hash

from app.access.account import Account
from app.access.actor import Capability
from app.access.audit.log import Act, AuditEntry
from app.access.policy import actor_of
from app.access.session import OpenSession
from app.core.db import db


def created(app, *arguments):
    return app.test_cli_runner().invoke(args=["accounts", "create", *arguments])


def test_the_first_manager_of_the_ministry(app):
    result = created(app, "ministry00")
    assert result.exit_code == 0, result.output
    login, password = result.output.split()
    assert login == "ministry00"
    with app.app_context():
        account = db.session.scalar(select(Account).where(Account.username == "ministry00"))
        assert account.must_change_password
        assert account.path == "0."
        assert actor_of(db.session, account).has(Capability.MANAGE_USERS)
    client = app.test_client()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login/").text)[1]
    form = {"csrf_token": token, "username": login, "password": password}
    assert client.post("/login/", data=form).status_code == 302
    assert client.get("/").location == "/account/password"


def test_an_account_of_a_county_with_a_duty(app):
    result = created(
        app, "61012201", "--level", "county", "--kind", "ordinary", "--region", "610122",
        "--duty", "reviewer",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    with app.app_context():
        account = db.session.scalar(select(Account).where(Account.username == "61012201"))
        assert actor_of(db.session, account).has(Capability.REVIEW, "lookback")
        assert not actor_of(db.session, account).has(Capability.ENTER, "lookback")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("经办人",), "none Chinese"),
        (("x", "--level", "county"), "no division 000000000000 at the level county"),
        (("x", "--level", "county", "--region", "6101229"), "no division"),
        (("x", "--level", "village", "--kind", "manager"), "no manager at the level village"),
    ],
)
def test_what_makes_no_sense_is_refused(app, arguments, message):
    result = created(app, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_a_second_manager_is_made_by_force_alone(app):
    assert created(app, "ministry00").exit_code == 0
    result = created(app, "ministry01")
    assert result.exit_code == 2
    assert "1 of 1" in result.output
    assert created(app, "ministry01", "--force").exit_code == 0
    with app.app_context():
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.act == Act.PERMISSION).order_by(AuditEntry.id)
        ).all()[-1]
        assert (entry.detail or {})["created"] == "ministry01"
        assert entry.detail["over_allowance"] is True


def test_a_forgotten_password_of_whom_nobody_stands_above(app):
    assert created(app, "ministry00").exit_code == 0
    with app.app_context():
        account = db.session.scalar(select(Account).where(Account.username == "ministry00"))
        account.must_change_password, before = False, account.password
        db.session.add(OpenSession(account_id=account.id))
        db.session.commit()
    arguments = ["accounts", "reset", "ministry00", "--reason", "忘记密码"]
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 0, result.output
    login, password = result.output.split()
    with app.app_context():
        account = db.session.scalar(select(Account).where(Account.username == login))
        assert account.must_change_password
        assert account.password != before
        assert check_password_hash(account.password, password)
        assert db.session.scalar(select(func.count()).select_from(OpenSession)) == 0
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == Act.PASSWORD)).one()
        assert entry.detail == {"account": login, "reset": True, "reason": "忘记密码"}


def test_a_password_of_nobody_and_without_a_reason(app):
    runner = app.test_cli_runner()
    result = runner.invoke(args=["accounts", "reset", "nobody", "--reason", "x"])
    assert result.exit_code == 2
    assert "there is no account nobody" in result.output
    assert runner.invoke(args=["accounts", "reset", "nobody"]).exit_code == 2


def test_a_name_is_given_once(app):
    assert created(app, "twice").exit_code == 0
    result = created(app, "twice")
    assert result.exit_code == 2
    assert "already" in result.output
