"""The division picker over HTTP: only the account's area, clear answers to wrong questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from app.access.account import Account
from app.access.actor import Kind
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region
from app.access.policy import role_name
from app.core.db import db
from tests import builders

ASKED_BY_SCRIPT = {"X-Requested-With": "fetch"}

Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(app: Flask) -> Callable[[str, Level], Ask]:
    """``ask("610122", Level.COUNTY)`` signs an ordinary account of that division in."""

    def sign_in(code: str, level: Level) -> Ask:
        with app.app_context():
            region = regions.by_code(code, level)
            assert region is not None
            kind = Kind.CLERK if level >= Level.TOWN else Kind.ORDINARY
            account = Account(
                username=f"picker{code}", first_name="测试", last_name="", email=f"{code}@test",
                active=True, password="", level=level, kind=kind, region_id=region.id,
                path=region.path, must_change_password=False,
                roles=[db.session.scalars(role(level, kind)).one()],
            )  # fmt: skip
            db.session.add(account)
            db.session.commit()
        client = builders.sign_in(app, account)
        return lambda url, **args: client.get(
            f"/regions/{url}", query_string=args, headers=ASKED_BY_SCRIPT
        )

    return sign_in


def role(level: Level, kind: Kind) -> Any:
    from flask_appbuilder.security.sqla.models import Role

    return select(Role).where(Role.name == role_name(level, kind))


def key(app: Flask, code: str, level: Level | None = None) -> int:
    with app.app_context():
        region = regions.by_code(code, level)
        assert region is not None
        return region.id


def names(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.get_json()
    return [item["full_name"] for item in answer.get_json()["items"]]


@pytest.mark.both_databases
def test_nobody_in_particular_gets_no_division(app: Flask, client: FlaskClient) -> None:
    for url in ("search?q=蓝田", "children", f"children?id={key(app, '610122')}"):
        answer = client.get(f"/regions/{url}", headers=ASKED_BY_SCRIPT)
        assert answer.status_code == 401
        assert "items" not in answer.get_json()


def test_search_is_limited_to_the_own_area(app: Flask, ask: Any) -> None:
    nation, county = ask("0", Level.NATION), ask("610122", Level.COUNTY)
    assert names(nation("search", q="周至")) == ["陕西省西安市周至县"]
    assert names(county("search", q="周至")) == []
    assert names(county("search", q="610124")) == []
    assert names(county("search", q="蓝田")) == ["陕西省西安市蓝田县"]
    assert names(county("search", q="秦谷")) == ["陕西省西安市蓝田县灞源镇秦谷村委会"]
    assert names(ask("610124", Level.COUNTY)("search", q="秦谷")) == []


def test_an_item_carries_what_a_picker_shows(app: Flask, ask: Any) -> None:
    (item,) = ask("6101", Level.CITY)("search", q="ltx").get_json()["items"]
    assert item == {
        "id": key(app, "610122"),
        "code": "610122000000",
        "name": "蓝田县",
        "full_name": "陕西省西安市蓝田县",
        "level": "county",
        "level_label": "县级",
        "has_children": True,
        "former": "",
        "far": False,
    }


def test_the_own_area_comes_first_and_what_is_far_is_told(ask: Any) -> None:
    county, nation = ask("610122", Level.COUNTY), ask("0", Level.NATION)
    found = county("search", q="双龙", whole="1").get_json()["items"]
    assert found[0]["full_name"].startswith("陕西省西安市蓝田县")
    far = [one["far"] for one in found]
    assert far == sorted(far), "other provinces follow"
    assert [one["full_name"][:3] != "陕西省" for one in found] == far
    assert (far[0], far[-1]) == (False, True), "and are not taken blindly"
    assert {one["far"] for one in county("search", q="双龙").get_json()["items"]} == {False}
    several = nation("search", q="双龙").get_json()["items"]
    assert {one["far"] for one in several} == {True}
    (named,) = [
        o for o in nation("search", q="蓝田县").get_json()["items"] if o["name"] == "蓝田县"
    ]
    assert named["far"] is False


def test_levels_limit_what_is_offered(ask: Any) -> None:
    county = ask("610122", Level.COUNTY)
    assert {i["level"] for i in county("search", q="三").get_json()["items"]} == {"town", "village"}
    only = county("search", q="三", level="village").get_json()["items"]
    assert {i["level"] for i in only} == {"village"}
    until = county("search", q="三", until="town").get_json()["items"]
    assert {(i["level"], i["has_children"]) for i in until} == {("town", False)}
    assert names(county("search", q="三", level="village", until="town")) == []


def test_down_the_levels_and_back(app: Flask, ask: Any) -> None:
    nation = ask("0", Level.NATION)
    answer = nation("children")
    assert "新疆生产建设兵团" in names(answer)
    assert answer.get_json()["trail"] == [{"id": key(app, "0"), "name": "全国"}]
    beijing = nation("children", id=key(app, "11"))
    assert names(beijing) == ["北京市东城区"]  # 市辖区 is not shown
    towns = nation("children", id=key(app, "610122"))
    assert len(names(towns)) == 19
    assert [step["name"] for step in towns.get_json()["trail"]] == [
        "全国", "陕西省", "西安市", "蓝田县",
    ]  # fmt: skip


def test_the_trail_begins_with_the_own_division(app: Flask, ask: Any) -> None:
    county = ask("610122", Level.COUNTY)
    town = county("children", id=key(app, "610122102")).get_json()
    assert [step["name"] for step in town["trail"]] == ["蓝田县", "华胥镇"]
    assert {item["level"] for item in town["items"]} == {"village"}


def test_an_account_without_divisions_below_is_offered_its_own(ask: Any) -> None:
    village = ask("610122001001", Level.VILLAGE)
    assert len(names(village("children"))) == 1
    assert names(ask("610122", Level.COUNTY)("children", until="county")) == ["陕西省西安市蓝田县"]


def test_foreign_and_unknown_divisions_answer_alike(app: Flask, ask: Any) -> None:
    county = ask("610122", Level.COUNTY)
    with app.app_context():
        structural = db.session.scalars(select(Region.id).where(Region.structural)).first()
    foreign = [key(app, "610124"), key(app, "6101"), key(app, "0"), structural, 0, 999_999_999]
    answers = [county("children", id=one) for one in foreign]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.get_json()["message"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("url", "args"),
    [
        ("children", {"id": "x"}),
        ("children", {"id": "-1"}),
        ("children", {"id": "1.0"}),
        ("children", {"id": "９"}),
        ("children", {"id": "9" * 30}),
        ("children", {"until": "hamlet"}),
        ("search", {"q": "蓝田", "level": "99"}),
        ("search", {"q": "蓝田", "until": "<b>"}),
        ("search", {"q": "蓝" * 61}),
        ("search", {"q": "a\x00b"}),
    ],
)
def test_wrong_parameters_are_told(ask: Any, url: str, args: dict[str, str]) -> None:
    answer = ask("610122", Level.COUNTY)(url, **args)
    assert answer.status_code == 400
    assert answer.get_json()["message"].endswith("。")


@pytest.mark.parametrize("query", ["", "  ", "%", "_", "'", "\\"])
def test_odd_queries_find_nothing(ask: Any, query: str) -> None:
    assert names(ask("0", Level.NATION)("search", q=query)) == []


def test_an_answer_takes_at_most_three_statements_of_its_own(app: Flask, ask: Any) -> None:
    county = ask("610122", Level.COUNTY)
    for url, args in [
        ("search", {"q": "秦"}),
        ("children", {}),
        ("children", {"id": key(app, "610122102")}),
    ]:
        with app.app_context():
            engine = db.engine
        seen: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_r: Any, into: list[str] = seen) -> None:
            if "FROM region" in statement:
                into.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        assert county(url, **args).status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        assert 1 <= len(seen) <= 3


def test_divisions_chosen_lately_by_todays_names(app: Flask, ask: Any) -> None:
    """Those outside the area, gone or never there are passed over; a browser only keeps keys."""
    here, far = key(app, "610122"), key(app, "530129")
    answer = ask("6101", Level.CITY)("children", recent=f"{far},x,{here},999999999,,-1")
    assert answer.status_code == 200
    assert [(one["id"], one["full_name"]) for one in answer.get_json()["recent"]] == [
        (here, "陕西省西安市蓝田县")
    ]
