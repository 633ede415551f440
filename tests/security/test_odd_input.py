"""Whatever is sent, the answer says so with a 4xx: never a 500, and the form opens afterwards."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.db import db
from app.core.jobs.table import Job
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.hands import Hands

NUL, HALF, DEEP = "张\x00三", "张\ud800三", "[" * 20_000
TEXTS = [NUL, "\u202e张", "9" * 5000, "-1", "NaN", "%\\", "𠮷" * 300]
SHAPES: list[Any] = [None, -1, 1.5, "text", [1, [2]], {}, {"a": {"b": []}}, True, float("nan"), 10**400]  # fmt: skip
TOKEN = "X-CSRFToken"


def draft_bodies() -> list[str]:
    names = list(LOOKBACK.fields)
    values = [*SHAPES, NUL, HALF, [HALF], [{"name": HALF}], [{"name": {"a": 1}}]]
    return [
        "", "{", DEEP, "\x00", '{"version":1,"version":NaN}',
        *(json.dumps(shape) for shape in SHAPES),
        *(json.dumps({"version": shape, "values": {}}) for shape in SHAPES),
        *(json.dumps({"version": 1, "values": shape}) for shape in SHAPES),
        *(json.dumps({"version": 1, "values": dict.fromkeys(names, value)}) for value in values),
    ]  # fmt: skip


def test_drafts_of_any_shape(survey: Lookback, clerk: Hands) -> None:
    url, headers, wrong = f"/lookback/{survey.id}", {TOKEN: clerk.token()}, []
    for body in draft_bodies():
        kept = clerk.client.post(
            f"{url}/draft", data=body, content_type="application/json", headers=headers
        )
        shown = clerk.get(f"{url}/edit").status_code if kept.status_code == 200 else 200
        if kept.status_code not in (200, 400) or shown != 200:
            wrong.append(f"{body[:90]} -> {kept.status_code}, the form then {shown}")
    assert wrong == []


def posts(survey: Lookback) -> list[str]:
    base = f"/lookback/{survey.id}"
    steps = ("edit", "draft", "discard", "clear", "decide", "undo", "step/submit", "assign")
    return [
        "/login/", "/account/", "/account/password", "/lookback/batch/approve",
        "/exchange/export/lookback", f"/household/{survey.household_id}/reveal",
        *(f"{base}/{step}" for step in steps), f"{base}/files/front_photos",
    ]  # fmt: skip


BODIES = [b"[1,2]", b'{"username": 5, "password": {}}', b"\xff\x00", DEEP.encode(), b"a=%00&%c0=1"]


@pytest.mark.parametrize("kind", ["application/json", 'multipart/form-data; boundary="', "\x00"])
def test_bodies_that_are_no_form(survey: Lookback, manager: Hands, kind: str) -> None:
    headers, wrong = {TOKEN: manager.token()}, []
    for url in posts(survey):
        for body in BODIES:
            got = manager.client.post(url, data=body, content_type=kind, headers=headers)
            if got.status_code >= 500:
                wrong.append(f"{url} {body[:30]!r} -> {got.status_code}")
    assert wrong == []


@pytest.mark.parametrize("text", TEXTS)
def test_fields_of_any_text(survey: Lookback, manager: Hands, text: str) -> None:
    base, short = f"/lookback/{survey.id}", quote(text[:50])
    rows = ("split_heads-0-name", "split_heads-999-name", "owners-0-sex")
    people = {"contact_name": text, "contact_phone": text, "name": text, "phone": text}
    other = ("opinion", "reason", "other_reason", "region", "id", "unit", "current_password",
             "new_password", "removed_files", "front_photos", "intent")  # fmt: skip
    some = people | dict.fromkeys(other, text)
    asks: list[tuple[str, dict[str, str]]] = [
        (
            f"{base}/edit",
            dict.fromkeys((*LOOKBACK.fields, *rows), text) | people | {"version": "1"},
        ),
        (f"{base}/edit", some | {"version": "1", "intent": "submit"}),
        (f"{base}/edit", some | {"version": text}),
        ("/account/", {"name": text[:40], "phone": "", "unit": text}),
    ]
    asks += [(url, some | {"version": "1", "action": "return"}) for url in posts(survey)]
    changed = (f"/lookback/batch/{short}", f"{base}/step/{short}", f"{base}/files/{short}",
               f"{base}/reveal?field={short}", f"{base}/clear?version={short}")  # fmt: skip
    asks += [(url, {"version": "1", "id": str(survey.id)}) for url in changed]
    wrong = [
        f"{url} -> {status}"
        for url, data in asks
        if (status := manager.post(url, data).status_code) >= 500
    ]
    assert wrong == []


@pytest.mark.parametrize("text", [*TEXTS, "x" * 100_000])
def test_signing_in_with_any_text(app: Flask, text: str) -> None:
    client = app.test_client()
    asked = client.get("/login/", headers={"Accept": "application/json"})
    for name, password in ((text, "x"), ("t1", text)):
        data = {"username": name, "password": password, "csrf_token": asked.json["csrf_token"]}
        assert client.post("/login/", data=data).status_code == 401


PAGES: dict[str, list[str]] = {
    "/lookback/query": ["region", "figure", "after", "before", "page", "size", "unplaced",
                        "head_name", "head_id", "state", "measure_year"],
    "/lookback/review": ["region", "list"],
    "/lookback/statistics/summary": ["region"],
    "/lookback/statistics/week/excel": ["region"],
    "/regions/search": ["q", "level", "until"],
    "/regions/children": ["id", "until"],
    "/search/": ["q"],
    "/login/": ["next"],
    "/exchange/export/lookback": ["region", "figure", "head_id", "grade", "storeys"],
    "/exchange/jobs/": ["page"],
    "/exchange/imports/": ["page"],
    "/exchange/import/household/": ["job"],
}  # fmt: skip
VALUES = [*(quote(text) for text in TEXTS), "%ff", "%ed%a0%80", "٣", "0", "99999999", "2147483648",
          f"1~{'0' * 32}~a", f"1~{'0' * 32}~%ed%a0%80", "a&region=b", ""]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_parameters_of_any_text(manager: Hands, survey: Lookback, page: str) -> None:
    wrong = [
        f"{name}={value[:40]} -> {status}"
        for name in PAGES[page]
        for value in VALUES
        if (status := manager.get(f"{page}?{name}={value}").status_code) >= 500
    ]
    assert wrong == []


def test_an_export_takes_only_the_filters_of_its_list(manager: Hands, survey: Lookback) -> None:
    url = "/exchange/export/lookback?head_id=" + "9" * 90
    for other in ("storeys=abc", "phone=139"):
        assert manager.get(f"{url}&{other}").status_code == 400
        assert manager.post(f"{url}&{other}", {"reason": "工作调度"}).status_code == 400
    assert manager.get(url).status_code == 200
    assert manager.post(url, {"reason": "工作调度"}).status_code == 302
    with manager.app.app_context():
        args = db.session.scalars(select(Job.args)).one()["args"]
    assert args == {"head_id": ["9" * 90]}


HEADERS = {
    "Referer": ["http://[", "http://localhost/\\evil.example", "x" * 4000],
    "Host": ["http://[", "x" * 300, "a b"],
    "Accept-Language": [";q=abc", "x" * 4000],
    "Accept": [";q=abc", "*/*;q=nan"],
    "If-None-Match": ['"', "W/"],
    "Cookie": ["anju=abc", 'theme="', "anju=.eJw."],
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_headers_of_any_text(manager: Hands, name: str) -> None:
    wrong = [
        f"{url}: {value[:30]} -> {status}"
        for value in HEADERS[name]
        for url in ("/logout/", "/", "/login/", "/lookback/query")
        if (status := manager.get(url, headers={name: value}).status_code) >= 500
    ]
    assert wrong == []


def test_much_too_much(survey: Lookback, manager: Hands) -> None:
    url = f"/lookback/{survey.id}/edit"
    one, many = {"surveyor": "x" * 10_000_000}, {f"f{n}": "1" for n in range(3000)}
    for data in (one, many):
        got = manager.post(url, data, content_type="multipart/form-data")
        assert got.status_code == 413
        assert "请缩小" in got.text
    assert manager.post(url, one).status_code == 413
