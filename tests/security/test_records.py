"""What a form may not set, and what texts of users are on a page: text."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import now
from app.kernel.declare.flow import State
from app.modules.surveys.lookback.model import Lookback
from tests.builders import (
    COUNTY_MANAGER,
    FILES_OWN,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    below,
    complete,
    died,
    household,
    own_house,
    region,
    sign_in,
)
from tests.hands import Hands

LIVE = "<img src=x onerror=alert(1)>'\"</script>"
DEAD = "&lt;img src=x onerror"


def stored(app: Flask, survey: Lookback) -> Lookback:
    with app.app_context(), unscoped("tests look") as session:
        return session.get_one(Lookback, survey.id)


def test_a_form_sets_its_fields_and_nothing_else(
    app: Flask, clerk: Hands, survey: Lookback
) -> None:
    with app.app_context():
        far = below(region(NEXT_COUNTY), Level.VILLAGE)
    columns = {c.name: "1" for c in Lookback.__table__.columns}
    hostile = columns | {
        "version": str(survey.version), "state": "approved", "head_name": "换人", "head_id": "1",
        "former_head": "换人", "region_id": str(far.id), "path": far.path, "id": str(survey.household_id),
        "household_id": str(survey.id), "submitted_by": str(survey.id), "decided_at": "2020-01-01",
        "county_id": "1", "province_id": "1", "created_at": "2020-01-01", "intent": "save",
    }  # fmt: skip
    declared = {n for n, f in Lookback.__fields__.items() if not f.system}
    form = {k: v for k, v in hostile.items() if k not in declared} | {"died": "yes"}
    before = stored(app, survey)
    assert clerk.post(f"/lookback/{survey.id}/edit", form).status_code == 302
    after = stored(app, survey)
    assert after.died is True
    assert (after.state, after.version) == (State.DRAFT, before.version + 1)
    for name in ("id", "head_name", "head_id", "former_head", "region_id", "path", "household_id",
                 "county_id", "province_id", "created_at", "submitted_by", "decided_at"):  # fmt: skip
        assert getattr(after, name) == getattr(before, name), name
    assert now() - after.changed_at < timedelta(minutes=1)


def test_an_account_page_sets_name_phone_and_unit_only(app: Flask) -> None:
    hands = Hands(app, sign_in(app, VILLAGE_CLERK))
    form = {"name": "新名", "phone": "", "level": "0", "kind": "manager", "region_id": "1", "path": "0.",
            "active": "1", "roles": "1", "username": "root", "password": "x"}  # fmt: skip
    assert hands.post("/account/", form).status_code == 302
    page = hands.get("/account/").text
    assert "新名" in page
    assert "村级" in page
    assert "root" not in page


def test_texts_of_users_are_never_live(app: Flask) -> None:
    with app.app_context():
        row = household(name=LIVE[:60])[1]
        texts = {
            "surveyor": LIVE,
            "address": LIVE,
            "owners": [{"name": LIVE}],
            "village_group": LIVE[:40],
        }
        complete(row, own_house() | texts, FILES_OWN)
    manager = Hands(app, sign_in(app, COUNTY_MANAGER))
    manager.post("/account/", {"name": LIVE[:50], "phone": "", "unit": LIVE[:30]})
    draft = {"version": row.version, "values": {"surveyor": LIVE, "address": LIVE, "owners": [{"name": LIVE}]}}  # fmt: skip
    pages = [
        f"/lookback/{row.id}", f"/lookback/{row.id}/edit", "/lookback/entry", "/lookback/query", "/",
        f"/household/{row.household_id}", f"/search/?q={LIVE[:4]}", f"/lookback/query?head_name={LIVE}",
        f"/lookback/query?figure={LIVE}", f"/regions/search?level={LIVE}", "/account/",
        f"/exchange/export/lookback?head_name={LIVE}", "/lookback/statistics/summary", f"/{LIVE}",
    ]  # fmt: skip
    shown = {url: manager.get(url) for url in pages}
    assert manager.post_json(f"/lookback/{row.id}/draft", draft).status_code == 200
    shown["draft"] = manager.get(f"/lookback/{row.id}/edit")
    with app.app_context(), unscoped("tests arrange") as session:
        session.get_one(Lookback, row.id).state = State.SUBMITTED
        session.commit()
    shown["review"] = manager.get(f"/lookback/{row.id}/review")
    back = {"version": str(row.version + 1), "action": "return", "opinion": LIVE, "contact_name": LIVE[:60]}  # fmt: skip
    manager.post(f"/lookback/{row.id}/decide", back)
    shown["returned"] = manager.get(f"/lookback/{row.id}")
    live = [
        u for u, page in shown.items() if b"<img src=x" in page.data and "html" in page.mimetype
    ]
    assert live == []
    assert DEAD in shown[f"/lookback/{row.id}"].text
    assert DEAD in shown["review"].text
    assert DEAD in shown["returned"].text
    assert all(page.headers["X-Content-Type-Options"] == "nosniff" for page in shown.values())


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [(sqlite3.SQLITE_BUSY, 503, "系统繁忙"), (sqlite3.SQLITE_FULL, 507, "存储空间已满")],
)
def test_a_database_that_cannot_says_so(
    clerk: Hands,
    survey: Lookback,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    status: int,
    words: str,
) -> None:
    cause = sqlite3.OperationalError("it cannot")
    cause.sqlite_errorcode = code

    def refuse(*_args: Any, **_named: Any) -> None:
        raise OperationalError("UPDATE", {}, cause) from cause

    monkeypatch.setattr("app.kernel.records.save.save", refuse)
    form = {"version": "1", "died": "yes"}
    answer = clerk.post(f"/lookback/{survey.id}/edit", form)
    assert answer.status_code == status
    assert words in answer.text
    assert clerk.get(f"/lookback/{survey.id}/edit").status_code == 200


def test_the_page_that_says_so_asks_the_database_for_nothing(
    clerk: Hands, survey: Lookback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without menu and names it can be made while nothing answers."""
    broken = False

    def refuse(*_args: Any) -> None:
        if broken:
            raise OperationalError("SELECT", {}, sqlite3.OperationalError("it cannot"))

    monkeypatch.setattr("app.web.frame.errors.log.error", lambda *_args, **_named: None)
    event.listen(Engine, "before_cursor_execute", refuse)
    try:
        assert clerk.get(f"/lookback/{survey.id}").status_code == 200
        broken = True
        pages = [clerk.get(f"/lookback/{survey.id}"), clerk.post(f"/lookback/{survey.id}/edit")]
    finally:
        event.remove(Engine, "before_cursor_execute", refuse)
    for page in pages:
        assert page.status_code == 503
        assert "系统繁忙" in page.text
        assert "错误编号" in page.text
        assert 'class="sidebar' not in page.text


def test_a_form_of_the_state_before_goes_nowhere(app: Flask, clerk: Hands) -> None:
    """Submitted and approved meanwhile: neither a save, a draft, a file nor a delete gets in."""
    with app.app_context():
        row = household()[1]
        complete(row, died())
        with unscoped("tests arrange") as session:
            session.get_one(Lookback, row.id).state = State.APPROVED
            session.commit()
    url, before = f"/lookback/{row.id}", stored(app, row)
    answers = [
        clerk.post(f"{url}/edit", {"version": str(before.version), "died": "no"}),
        clerk.post_json(f"{url}/draft", {"version": before.version, "values": {"died": "no"}}),
        clerk.post(f"{url}/clear?version={before.version}"),
        clerk.upload(f"{url}/files/front_photos", b"\xff\xd8\xff"),
        clerk.post(f"{url}/step/submit", {"version": str(before.version)}),
    ]
    assert [a.status_code for a in answers] == [302, 409, 409, 409, 302]
    after = stored(app, row)
    assert (after.died, after.state, after.version) == (True, State.APPROVED, before.version)
