"""Signing in: captcha, lock-outs that hold over workers, one's own sessions."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.access import limits
from app.access import session as sessions
from app.access.account import Account
from app.access.accounts import passwords
from app.access.accounts import sign_in as signin
from app.access.audit.log import Act, AuditEntry
from app.access.limits import LimitCount
from app.access.scope import unscoped
from app.access.session import OpenSession
from app.admin.accounts.pages import captcha
from app.admin.accounts.pages.devices import device_of
from app.core.clock import now
from app.core.db import db
from app.core.jobs.table import enqueue_daily
from app.core.jobs.worker import work
from tests.builders import COUNTY_MANAGER, PASSWORD, account, sign_in
from tests.hands import Hands
from tests.running.applications import dispose, make_app

JSON = {"Accept": "application/json"}


@pytest.fixture
def owner(app: Flask) -> Account:
    with app.app_context():
        return account(COUNTY_MANAGER)


def try_to_enter(
    app: Flask, login: str, password: str = PASSWORD, address: str = "10.0.0.1", **more: str
) -> Any:
    client = app.test_client()
    came = {"REMOTE_ADDR": address}
    asked = client.get("/login/", headers=JSON, environ_base=came).json
    data = {"username": login, "password": password, "csrf_token": asked["csrf_token"]} | more
    answer = client.post("/login/", data=data, headers=JSON, environ_base=came)
    answer.client = client
    return answer


def acts(app: Flask, account_id: uuid.UUID | None) -> list[Act]:
    with app.app_context(), unscoped("tests read the log") as session:
        query = select(AuditEntry.act).where(AuditEntry.account_id == account_id)
        return list(session.scalars(query.order_by(AuditEntry.at, AuditEntry.id)))


def later(app: Flask, minutes: int) -> None:
    """Let every limit be so much older."""
    with app.app_context():
        db.session.execute(update(LimitCount).values(since=now() - dt.timedelta(minutes=minutes)))
        db.session.commit()


# ---- captcha ---------------------------------------------------------------------------------


@pytest.fixture
def pictured(app: Flask) -> Iterator[Flask]:
    """The program with captchas."""
    app.config["CAPTCHA_ENABLED"] = True
    yield app
    app.config["CAPTCHA_ENABLED"] = False


def token_of(client: FlaskClient) -> str:
    return client.get("/login/", headers=JSON).json["captcha"]["token"]


def answer_to(app: Flask, token: str) -> str:
    with app.app_context():
        return captcha.answer(token)


def test_the_right_answer_enters_in_any_writing(pictured: Flask, owner: Account) -> None:
    client = pictured.test_client()
    page = client.get("/login/")
    assert 'name="captcha_token"' in page.text
    token = token_of(client)
    picture = client.get(f"/captcha/{token}.png")
    assert (picture.status_code, picture.mimetype) == (200, "image/png")
    assert picture.data == client.get(f"/captcha/{token}.png").data, "no second look"
    typed = answer_to(pictured, token).lower()
    wide = "".join(chr(ord(c) + 0xFEE0) for c in typed)
    entered = try_to_enter(pictured, owner.username, captcha_token=token, captcha=f" {wide} ")
    assert entered.status_code == 200


def test_a_wrong_answer_enters_nobody_and_counts_no_failure(
    pictured: Flask, owner: Account
) -> None:
    for _nth in range(8):
        token = token_of(pictured.test_client())
        refused = try_to_enter(pictured, owner.username, captcha_token=token, captcha="00")
        assert (refused.status_code, refused.json["error"]) == (
            401,
            "验证码不正确，请按新的图片输入。",
        )
        assert refused.json["captcha"]["token"] != token
    again = try_to_enter(
        pictured, owner.username, captcha_token=token, captcha=answer_to(pictured, token)
    )
    assert again.json["error"] == "验证码只能用一次，请按新的图片输入。", "a wrong try uses it up"
    assert acts(pictured, owner.uuid) == []


def test_a_captcha_is_used_once_by_all_workers(
    pictured: Flask, owner: Account, tmp_path: Any
) -> None:
    other = make_app(pictured.config["SQLALCHEMY_DATABASE_URI"], tmp_path, CAPTCHA_ENABLED=True)
    token = token_of(pictured.test_client())
    given = {"captcha_token": token, "captcha": answer_to(other, token)}
    assert try_to_enter(other, owner.username, **given).status_code == 200
    refused = try_to_enter(pictured, owner.username, **given)
    assert refused.json["error"] == "验证码只能用一次，请按新的图片输入。"
    dispose(other)


def test_an_old_or_forged_captcha(
    pictured: Flask, owner: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_of(pictured.test_client())
    typed = answer_to(pictured, token)
    forged = f"{'0' * 24}.{token.partition('.')[2]}"
    for bad in (forged, "", "x", "é" * 400):
        refused = try_to_enter(pictured, owner.username, captcha_token=bad, captcha=typed)
        assert refused.json["error"] == "请按图片输入验证码。", bad
    monkeypatch.setattr(captcha, "_SECONDS", -1)
    refused = try_to_enter(pictured, owner.username, captcha_token=token, captcha=typed)
    assert refused.json["error"] == "验证码已过期，请按新的图片输入。"
    assert pictured.test_client().get(f"/captcha/{token}.png").status_code == 404
    assert pictured.test_client().get("/captcha/x.png").status_code == 404


# ---- lock-outs -------------------------------------------------------------------------------


def test_an_account_is_locked_over_two_workers_and_opens_again(
    app: Flask, owner: Account, tmp_path: Any
) -> None:
    other = make_app(app.config["SQLALCHEMY_DATABASE_URI"], tmp_path)
    told = [
        try_to_enter(program, owner.username, "falsch1").json["error"]
        for program in (app, other, app, other)
    ]
    assert told[0] == told[1] == "账号或密码不正确，请核对后重新输入。"
    assert "再错2次将锁定15分钟" in told[2]
    assert "再错1次" in told[3]
    fifth = try_to_enter(app, owner.username, "falsch1", address="10.9.9.9")
    assert fifth.status_code == 429
    for program in (app, other):
        right = try_to_enter(program, owner.username, address="10.8.8.8")
        assert right.status_code == 429, "the right password does not help while it is locked"
        assert "请15分钟后再试" in right.json["error"]
    assert acts(app, owner.uuid) == [*[Act.LOGIN_FAILED] * 5, Act.LOCKED_OUT]
    later(app, 14)
    assert "请1分钟后再试" in try_to_enter(other, owner.username).json["error"]
    later(app, 15)
    assert try_to_enter(other, owner.username).status_code == 200
    dispose(other)


def test_an_account_that_does_not_exist_is_answered_alike(app: Flask, owner: Account) -> None:
    there, nowhere = (
        [
            (answer.status_code, answer.json["error"])
            for _nth in range(7)
            for answer in [try_to_enter(app, login, "falsch1", address=address)]
        ]
        for login, address in ((owner.username, "10.1.0.1"), ("nobody", "10.1.0.2"))
    )
    assert there == nowhere


def test_signing_in_forgets_the_failures(app: Flask, owner: Account) -> None:
    for _nth in range(3):
        for _time in range(4):
            assert try_to_enter(app, owner.username, "falsch1").status_code == 401
        assert try_to_enter(app, owner.username).status_code == 200


def test_an_address_is_locked(app: Flask, owner: Account) -> None:
    with app.app_context():
        many = signin.FAILURES_ADDRESS.default
    for number in range(many):
        login = f"guess{number}"
        assert try_to_enter(app, login, "falsch1", address="2001:db8::1").status_code == 401
    neighbour = try_to_enter(app, owner.username, address="2001:db8::ffff")
    assert neighbour.status_code == 429, "one connection has a whole /64"
    assert try_to_enter(app, owner.username, address="2001:db8:1::1").status_code == 200
    with app.app_context(), unscoped("tests read the log") as session:
        query = select(AuditEntry.detail).where(AuditEntry.act == Act.LOCKED_OUT)
        assert session.scalars(query).all() == [{"failures": many}]


@pytest.mark.parametrize(
    ("address", "key"),
    [("10.0.0.1", "10.0.0.1"), ("2001:db8::1", "2001:db8::/64"), ("", ""), ("x" * 99, "x" * 64)],
)
def test_whose_an_address_is(address: str, key: str) -> None:
    assert signin.network(address) == key


def test_many_tries_at_once_are_not_more_than_one_after_the_other(
    app: Flask, owner: Account
) -> None:
    def guess(_nth: int) -> int:
        return try_to_enter(app, owner.username, "falsch1").status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(guess, range(12)))
    assert statuses.count(401) == 4, statuses
    assert acts(app, owner.uuid).count(Act.LOGIN_FAILED) == 5


def test_limits_forget_what_is_long_over(app: Flask) -> None:
    limit = limits.Limit("test", "a", 2, dt.timedelta(minutes=1))
    with app.app_context():
        assert [limits.take(limit) for _nth in range(4)] == [1, 2, None, None]
        assert limits.wait(limit) is not None
        with pytest.raises(limits.TooMany):
            limits.require(limit)
        limits.take(limits.Limit("test", "b", 2, dt.timedelta(minutes=1)))
        db.session.commit()
    later(app, 2)
    with app.app_context():
        assert limits.wait(limit) is None
        assert limits.take(limit) == 1
        db.session.commit()
    later(app, 60 * 25)
    with app.app_context():
        enqueue_daily()
        work(app, once=True)
        assert db.session.scalars(select(LimitCount)).all() == []


def test_nothing_typed_is_said_where_it_belongs(app: Flask, owner: Account) -> None:
    client = app.test_client()
    token = client.get("/login/", headers=JSON).json["csrf_token"]
    page = client.post("/login/", data={"csrf_token": token, "username": owner.username})
    assert page.status_code == 401
    assert "请填写密码。" in page.text
    assert f'value="{owner.username}"' in page.text, "what was typed stays"
    assert acts(app, owner.uuid) == []


# ---- sessions --------------------------------------------------------------------------------


def test_signing_out_ends_the_session_everywhere(app: Flask, owner: Account) -> None:
    client = try_to_enter(app, owner.username).client
    with client.session_transaction() as session:
        kept = dict(session)
    asked = client.get("/logout/")
    assert asked.status_code == 200
    assert client.get("/").status_code == 200, "looking at the address changes nothing"
    assert Hands(app, client).post("/logout/").status_code == 302
    thief = app.test_client()
    with thief.session_transaction() as session:
        session.update(kept)
    assert thief.get("/", headers=JSON).status_code == 401, "a copied cookie is worth nothing"
    assert acts(app, owner.uuid) == [Act.LOGIN, Act.LOGOUT]


def test_one_ends_ones_other_sessions(app: Flask, owner: Account) -> None:
    phone = {"User-Agent": "Mozilla/5.0 (Linux; Android 13) MicroMessenger/8.0"}
    here = Hands(app, try_to_enter(app, owner.username).client)
    others = [try_to_enter(app, owner.username, address=f"10.7.0.{n}").client for n in (1, 2, 3)]
    token = app.test_client().get("/login/", headers=JSON).json["csrf_token"]
    assert token
    page = here.get("/account/", headers=phone).text
    assert page.count("登录于") == 4
    assert "10.7.0.2" in page
    assert "本机" in page
    with app.app_context():
        rows = sessions.of(owner.id, dt.timedelta(hours=1))
        second = next(row for row in rows if row.address == "10.7.0.2")
    assert here.post("/account/sessions/end", {"session": second.id.hex}).status_code == 302
    states = [client.get("/", headers=JSON).status_code for client in others]
    assert states == [200, 401, 200]
    assert here.post("/account/sessions/end").status_code == 302
    assert [client.get("/", headers=JSON).status_code for client in others] == [401] * 3
    assert here.get("/").status_code == 200
    assert acts(app, owner.uuid)[-2:] == [Act.SESSION, Act.SESSION]


def test_nobody_ends_anothers_session(app: Flask, owner: Account) -> None:
    with app.app_context():
        stranger = account(COUNTY_MANAGER)
    mine, theirs = (Hands(app, sign_in(app, one)) for one in (owner, stranger))
    with app.app_context():
        (key,) = db.session.scalars(
            select(OpenSession.id).where(OpenSession.account_id == stranger.id)
        )
    for wanted in (key.hex, "x", uuid.uuid4().hex):
        assert mine.post("/account/sessions/end", {"session": wanted}).status_code == 302
    assert theirs.get("/", headers=JSON).status_code == 200
    with mine.client.session_transaction() as session:
        session["session"] = key.hex  # another's row opens nothing for this account
    assert mine.get("/", headers=JSON).status_code == 401


def test_last_seen_is_written_once_in_some_minutes(app: Flask, owner: Account) -> None:
    client = sign_in(app, owner)
    with app.app_context():
        long_ago = now() - dt.timedelta(minutes=30)
        db.session.execute(update(OpenSession).values(seen=long_ago))
        db.session.commit()
    assert client.get("/account/alive").status_code == 200
    with app.app_context():
        assert db.session.scalars(select(OpenSession.seen)).one() == long_ago, "nobody clicked"
    assert client.get("/help/").status_code == 200
    with app.app_context():
        seen = db.session.scalars(select(OpenSession.seen)).one()
        assert now() - seen < dt.timedelta(minutes=1)
        db.session.execute(update(OpenSession).values(seen=now() - dt.timedelta(days=2)))
        db.session.commit()
        assert sessions.of(owner.id, dt.timedelta(hours=1)) == []
        sessions.begin(owner.id, "", "")
        db.session.commit()
        assert len(db.session.scalars(select(OpenSession)).all()) == 1, "the old one is gone"


def test_a_page_of_one_account_sends_nothing_as_another(app: Flask, owner: Account) -> None:
    hands = Hands(app, sign_in(app, owner))
    with app.app_context():
        stranger = account(COUNTY_MANAGER).username
    for login, status in ((owner.username, 200), (stranger, 401)):
        asked = hands.get("/account/alive", headers=JSON | {"X-Account": login})
        assert asked.status_code == status


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/120.0 Safari/537.36 Edg/120.0", "Edge · Windows"),
        ("Mozilla/5.0 (Linux; Android 13) Chrome/120 MicroMessenger/8.0", "微信 · Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1", "Safari · iPhone"),
        ("curl/8.0", ""),
    ],
)  # fmt: skip
def test_what_a_device_is_called(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


# ---- passwords -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("Anju2026", True), ("a1b2c3d", False), ("abcdefgh", False), ("12345678", False),
        ("安居安居安居安居", False), ("x610122x1", False), ("X610122X1", False),
        ("a1" * 64, True), ("a1" * 65, False),
    ],
)  # fmt: skip
def test_what_a_password_must_be(app: Flask, password: str, good: bool) -> None:
    with app.test_request_context():
        assert (passwords.problem(password, "x610122") is None) is good


def test_who_found_an_open_session_guesses_no_longer(app: Flask, owner: Account) -> None:
    hands = Hands(app, sign_in(app, owner))
    form = {"new_password": "Xinmima2026", "new_password_again": "Xinmima2026"}
    pages = [
        hands.post("/account/password", form | {"current_password": "falsch1"}).text
        for _nth in range(5)
    ]
    assert all("现在的密码不正确" in page for page in pages)
    right = hands.post("/account/password", form | {"current_password": PASSWORD})
    assert right.status_code == 422
    assert "请15分钟后再试" in right.text
    assert acts(app, owner.uuid)[-1] == Act.LOCKED_OUT
    later(app, 15)
    assert hands.post("/account/password", form | {"current_password": PASSWORD}).status_code == 302


def test_a_script_of_a_page_from_before_the_reset_is_told(app: Flask, owner: Account) -> None:
    """A redirect would look like success to it, and what was typed would be lost."""
    client = sign_in(app, owner)
    with app.app_context():
        db.session.execute(update(Account).values(must_change_password=True))
        db.session.commit()
    for headers, status in ((JSON, 403), ({}, 302)):
        assert client.get("/account/alive", headers=headers).status_code == status
    assert "修改密码" in client.get("/account/alive", headers=JSON).json["message"]
