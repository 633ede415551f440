"""Records through the API: the same rules, versions and steps as the pages; every wrong input told."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.modules.homes.choices import Grade
from app.modules.surveys.lookback.model import Lookback
from tests.api.conftest import Caller
from tests.builders import (
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    COUNTY_REVIEWER,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    below,
    complete,
    household,
    own_house,
    refusals,
    region,
)

System = Callable[..., Caller]


def arrange(app: Flask, place: Any = None, **columns: Any) -> Lookback:
    with app.app_context():
        return household(place, **columns)[1]


def stored(app: Flask, survey: Lookback) -> Lookback:
    with app.app_context(), unscoped("tests look") as session:
        return session.get_one(Lookback, survey.id)


def problems(response: Any) -> dict[str, str]:
    assert response.mimetype == "application/problem+json"
    return {p["pointer"]: p["id"] for p in response.json["problems"]}


def test_entered_changed_submitted_returned(app: Flask, system: System) -> None:
    """A survey's life through the API, by those who may do each step."""
    survey = arrange(app)
    clerk, county = system(VILLAGE_CLERK), system(COUNTY_REVIEWER)
    body = {"household_id": str(survey.household_id), "values": {"died": True}}
    made = clerk.post("/lookback", body, headers={"Idempotency-Key": "one"})
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/api/v1/lookback/{survey.id}"
    again = clerk.post("/lookback", body, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    other = clerk.post("/lookback", body | {"values": {}}, headers={"Idempotency-Key": "one"})
    assert other.status_code == 400
    assert clerk.post("/lookback", body).status_code == 409

    url, version = f"/lookback/{survey.id}", made.json["version"]
    changed = clerk.patch(
        url, {"values": {"surveyor": "张三"}}, headers={"If-Match": f'"{version}"'}
    )
    assert changed.status_code == 200, changed.text
    assert changed.json["values"]["died"] is True
    assert changed.json["values"]["surveyor"] is None, "hidden where somebody died"
    assert changed.json["cleared"] == ["surveyor"]
    step = {"version": changed.json["version"], "contact": {"name": "李四", "phone": "13800138000"}}
    sent = clerk.post(f"{url}/steps/submit", step)
    assert (sent.status_code, sent.json["state"]) == (200, "submitted"), sent.text
    assert sent.json["steps"] == ["withdraw"]
    assert not sent.json["may_edit"]

    bare = county.post(f"{url}/steps/return", {"version": sent.json["version"]})
    assert (bare.status_code, problems(bare)) == (422, {"/opinion": "opinion.required"})
    said = {"version": sent.json["version"], "opinion": "请核对", "reasons": ["信息有误"]}
    back = county.post(f"{url}/steps/return", said)
    assert (back.status_code, back.json["state"]) == (200, "returned")
    history = county.get(f"{url}/history").json["items"]
    assert [(h["step"], h["to"]) for h in history] == [
        ("submit", "submitted"),
        ("return", "returned"),
    ]
    assert history[1]["reasons"] == ["信息有误"]
    assert history[0]["person"] == "李四"
    with app.app_context(), unscoped("tests look") as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.record_id == survey.id)).all()
    assert all(e.detail["token"] == "民政数据交换" for e in entries)
    assert {e.act for e in entries} >= {Act.CREATE, Act.UPDATE, Act.TRANSITION}


def test_an_older_version_conflicts_and_says_what_differs(app: Flask, system: System) -> None:
    survey = arrange(app, state=State.DRAFT, died=False, population=4)
    clerk = system(VILLAGE_CLERK)
    url = f"/lookback/{survey.id}"
    first = clerk.patch(url, {"version": 1, "values": {"population": 5}})
    assert first.status_code == 200, first.text
    late = clerk.patch(url, {"version": 1, "values": {"population": 6, "died": False}})
    assert (late.status_code, late.json["code"]) == (409, "conflict")
    current = late.json["current"]
    assert current["version"] == first.json["version"]
    assert [(c["field"], c["yours"], c["current"]) for c in current["changed"]] == [
        ("population", 6, 5)
    ]
    assert clerk.patch(url, {"values": {"population": 6}}).status_code == 428
    both = clerk.patch(url, {"version": 1, "values": {}}, headers={"If-Match": '"2"'})
    assert both.status_code == 400
    assert stored(app, survey).population == 5


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"population": "5"}, {"/values/population": "population.type"}),
        ({"population": True}, {"/values/population": "population.type"}),
        ({"population": 500}, {"/values/population": "population.high"}),
        ({"died": "yes"}, {"/values/died": "died.type"}),
        ({"surveyed_on": "2024-13-45"}, {"/values/surveyed_on": "surveyed_on.kind"}),
        ({"surveyed_on": "7.9.2024"}, {"/values/surveyed_on": "surveyed_on.type"}),
        ({"living": "castle"}, {"/values/living": "living.kind"}),
        ({"living": "自有农村住房"}, {"/values/living": "living.kind"}),
        ({"policies": "renovation"}, {"/values/policies": "policies.type"}),
        ({"floor_area": 120.5}, {"/values/floor_area": "floor_area.type"}),
        ({"phone": "12"}, {"/values/phone": "phone.invalid"}),
        ({"nonsense": 1}, {"/values/nonsense": "unknown"}),
        ({"state": "approved"}, {"/values/state": "unknown"}),
        ({"head_name": "别人"}, {"/values/head_name": "unknown"}),
        ({"front_photos": []}, {"/values/front_photos": "front_photos.files"}),
        ({"surveyor": "甲" * 65}, {"/values/surveyor": "surveyor.kind"}),
    ],
    ids=str,
)
def test_wrong_values(app: Flask, system: System, values: dict[str, Any], wrong: Any) -> None:
    with app.app_context():
        survey = household()[1]
        complete(survey, own_house(Grade.A))
    before = stored(app, survey)
    answer = system(VILLAGE_CLERK).patch(
        f"/lookback/{survey.id}", {"version": before.version, "values": values}
    )
    assert (answer.status_code, problems(answer)) == (422, wrong), answer.text
    assert answer.json["problems"][0]["message"]
    assert stored(app, survey).version == before.version


def test_rows_of_children_are_told_by_their_place(app: Flask, system: System) -> None:
    survey = arrange(app, state=State.DRAFT, died=False)
    rows = [{"name": "甲", "id_number": None, "sex": "none", "age": 3}]
    answer = system(VILLAGE_CLERK).patch(
        f"/lookback/{survey.id}", {"version": 1, "values": {"living": "own", "owners": rows}}
    )
    assert answer.status_code == 422
    assert {"/values/owners/0/sex", "/values/owners/0/age"} <= problems(answer).keys()


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b"[1]", "content_type": "application/json"}, 400),
        ({"data": b'{"version": NaN}', "content_type": "application/json"}, 400),
        ({"data": b"\xff\xfe", "content_type": "application/json"}, 400),
        ({"data": b"[" * 100_000, "content_type": "application/json"}, 400),
        ({"data": {"version": "1"}}, 415),
        ({"json": {"version": 1, "more": 1}}, 422),
        ({"json": {"version": 1, "values": []}}, 422),
        ({"json": {"version": "1", "values": {}}}, 400),
        ({"data": b'"' + b"x" * 3_000_000 + b'"', "content_type": "application/json"}, 413),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_bodies(app: Flask, system: System, options: Any, status: int) -> None:
    survey = arrange(app, state=State.DRAFT)
    answer = system(VILLAGE_CLERK).ask("PATCH", f"/lookback/{survey.id}", **options)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_foreign_rows_do_not_exist_and_are_noted(app: Flask, system: System) -> None:
    with app.app_context():
        foreign = below(region(NEXT_COUNTY), Level.VILLAGE)
    survey = arrange(app, foreign, name="邻县的人")
    caller = system(COUNTY_MANAGER)
    answers = [
        caller.get(f"/lookback/{survey.id}"),
        caller.patch(f"/lookback/{survey.id}", {"version": 1, "values": {}}),
        caller.post(f"/lookback/{survey.id}/steps/submit", {"version": 1}),
        caller.post("/lookback", {"household_id": str(survey.household_id)}),
        caller.get(f"/lookback?region={foreign.id}"),
        caller.get(f"/lookback?region_code={foreign.code}"),
        caller.get(f"/divisions/{foreign.id}"),
    ]
    assert [a.status_code for a in answers] == [404] * len(answers)
    assert not any("邻县" in a.text for a in answers)
    with app.app_context(), unscoped("tests look") as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.REFUSED)).all()
    with app.app_context():
        assert refusals() == len(answers)
    assert all(e.detail["token"] == "民政数据交换" for e in noted)


def test_lists_are_masked_paged_and_filtered(app: Flask, system: System) -> None:
    with app.app_context():
        town = below(region(COUNTY), Level.TOWN)
        for n in range(23):
            village = below(town, Level.VILLAGE, n % 3)
            household(village, name=f"户{n:02}", state=State.DRAFT, phone="13909180000", grade="A")
    caller = system(COUNTY_MANAGER)
    seen, cursor = [], ""
    while cursor is not None:
        page = caller.get(f"/lookback?size=20{f'&cursor={cursor}' if cursor else ''}").json
        seen += page["items"]
        cursor = page["next"]
    assert (len(seen), len({one["id"] for one in seen})) == (23, 23)
    assert {one["values"]["phone"] for one in seen} == {"139****0000"}
    assert all("*" in one["head_id"] for one in seen)
    few = caller.get("/lookback?head_name=户0&fields=grade,phone").json
    assert few["count"] == 10
    assert few["items"][0]["values"] == {"grade": "A", "phone": "139****0000"}
    assert caller.get("/lookback?figure=draft").json["count"] == 23
    wrong = ("size=7", "cursor=x", "fields=state", "fields=front_photos", "grade=E", "state=x",
             "figure=x", "page=2", "token=abc", "lang=fr", "region=1&region_code=61")  # fmt: skip
    for query in wrong:
        answer = caller.get(f"/lookback?{query}")
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json"), query


def test_what_changed_since(app: Flask, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    from app.kernel.declare import feed

    monkeypatch.setattr(feed, "SETTLED", dt.timedelta(seconds=-1))
    surveys = [arrange(app, name=f"户{n}") for n in range(5)]
    for who in (VILLAGE_CLERK, COUNTY_MANAGER):
        caller = system(who)
        url = "/lookback/changes?since=2026-01-01&limit=2"
        first = caller.get(url).json
        second = caller.get(f"{url}&cursor={first['next']}").json
        third = caller.get(f"{url}&cursor={second['next']}").json
        ids = [one["id"] for page in (first, second, third) for one in page["items"]]
        assert ids == [str(s.id) for s in surveys]
        assert third["next"] is None
    changed = caller.patch(f"/lookback/{surveys[1].id}", {"version": 1, "values": {"died": True}})
    since = changed.json["changed_at"].replace("+", "%2B")
    items = caller.get(f"/lookback/changes?since={since}").json["items"]
    assert [one["id"] for one in items] == [str(surveys[1].id)]
    for query in ("", "?since=soon", "?since=0001-01-01", "?since=2026-01-01&limit=5000",
                  "?since=2026-01-01&cursor=1"):  # fmt: skip
        assert caller.get(f"/lookback/changes{query}").status_code == 400, query


def test_numbers_are_whole_for_those_who_work_on_the_record(app: Flask, system: System) -> None:
    survey = arrange(app, state=State.DRAFT, phone="13909180000")
    url = f"/lookback/{survey.id}"
    with system(VILLAGE_CLERK).get(url) as answer:  # the look is written when it is closed
        whole = answer.json
    masked = system(COUNTY_READER).get(url).json
    assert (whole["values"]["phone"], whole["masked"]) == ("13909180000", [])
    assert (masked["values"]["phone"], masked["head_id"]) == ("139****0000", whole["head_id"][:4] + "*****" + whole["head_id"][-4:])  # fmt: skip
    assert "phone" in masked["masked"]
    reader = system(COUNTY_READER)
    assert reader.post(f"{url}/reveal", {"field": "phone"}).json["value"] == "13909180000"
    assert reader.post(f"{url}/reveal", {"field": "grade"}).status_code == 404
    with app.app_context(), unscoped("tests look") as session:
        acts = [e.act for e in session.scalars(select(AuditEntry)) if e.record_id == survey.id]
    assert sorted(acts) == [Act.REVEAL, Act.VIEW]


def test_files(app: Flask, system: System) -> None:
    survey = arrange(app, state=State.DRAFT, died=False)
    clerk, url = system(VILLAGE_CLERK), f"/lookback/{survey.id}"
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(picture, "JPEG")

    def send(content: bytes, field: str = "front_photos") -> Any:
        data = {"file": (io.BytesIO(content), "房屋.jpg")}
        headers = {"Idempotency-Key": f"photo-{len(content)}"}
        return clerk.ask("POST", f"{url}/files/{field}", data=data, headers=headers)

    made = send(picture.getvalue())
    assert made.status_code == 201, made.text
    listed = clerk.get(f"{url}/files").json["items"]
    assert [(f["id"], f["field"]) for f in listed] == [(made.json["id"], "front_photos")]
    read = clerk.get(made.json["url"])
    assert (read.status_code, read.mimetype) == (200, "image/jpeg")
    assert send(b"no picture").status_code == 400
    assert send(picture.getvalue() + b"x", "nothing").status_code == 404
    assert system(COUNTY_READER).ask("DELETE", f"{url}/files/{made.json['id']}").status_code == 403
    assert clerk.ask("DELETE", f"{url}/files/{made.json['id']}").json["files"] == []


def test_who_may_not_is_told_so(app: Flask, system: System) -> None:
    survey = arrange(app, state=State.DRAFT)
    reader = system(COUNTY_READER)
    answer = reader.patch(f"/lookback/{survey.id}", {"version": 1, "values": {}})
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    clerk = system(VILLAGE_CLERK)
    for step, status in (("approve", 403), ("nothing", 404), ("withdraw", 409)):
        given = {"version": 1}
        assert clerk.post(f"/lookback/{survey.id}/steps/{step}", given).status_code == status, step
    wrong = clerk.ask("PUT", f"/lookback/{survey.id}")
    assert wrong.status_code == 405
    assert "PATCH" in wrong.headers["Allow"]
    assert clerk.get("/nothing").status_code == 404


def test_messages_come_in_the_language_that_is_asked_for(app: Flask, system: System) -> None:
    survey = arrange(app, state=State.DRAFT)
    caller = system(VILLAGE_CLERK)

    def message(path: str = "", **headers: str) -> str:
        body = {"version": 1, "values": {"died": "yes"}}
        answer = caller.patch(f"/lookback/{survey.id}{path}", body, headers=headers)
        assert "Set-Cookie" not in answer.headers
        return str(answer.json["problems"][0]["message"])

    assert message() == "应为 true 或 false。"
    assert message(**{"Accept-Language": "en-GB,en;q=0.9"}) == "Must be true or false."
    assert message(**{"Accept-Language": "zh-CN,zh;q=0.9"}) == "应为 true 或 false。"
    assert caller.get("/nothing?lang=en").json["title"] == "Not found"


def test_a_browser_changes_with_its_csrf_token(app: Flask, as_account: Callable[..., Any]) -> None:
    survey = arrange(app, state=State.DRAFT)
    hands = as_account(VILLAGE_CLERK)
    url, body = f"/api/v1/lookback/{survey.id}", {"version": 1, "values": {"died": True}}
    refused = hands.client.patch(url, json=body)
    assert (refused.status_code, refused.json["code"]) == (400, "csrf")
    sent = hands.client.patch(url, json=body, headers={"X-CSRFToken": hands.token()})
    assert (sent.status_code, sent.json["values"]["died"]) == (200, True)
    out = app.test_client().get(url)
    assert (out.status_code, out.json["code"]) == (401, "signed_out")
    assert out.headers["WWW-Authenticate"].startswith("Bearer")
