"""Choosing a parcel, 补录图斑 and 删除图斑 through HTTP (spec 02)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.actor import Capability
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.access.settings import SettingValue
from app.kernel.declare.flow import State
from app.kernel.rows.record import HistoryEntry
from app.modules.homes.choices import ParcelState
from app.modules.house_map.parcels import table as stock
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    MINISTRY,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    attach,
    below,
    complete,
    full_house,
    household,
    own_house,
    region,
    seat,
    sign_in,
    texts,
)
from tests.hands import Hands
from tests.modules.samples import PARCEL_AT, parcel

pytestmark = pytest.mark.one_database

Stored = Callable[[Any], Lookback]
BOX = f"{PARCEL_AT[0] - 0.01},{PARCEL_AT[1] - 0.01},{PARCEL_AT[0] + 0.01},{PARCEL_AT[1] + 0.01}"


@pytest.fixture
def clerk(app: Flask) -> Hands:
    return Hands(app, sign_in(app, VILLAGE_CLERK))


@pytest.fixture
def survey(app: Flask) -> Lookback:
    """A complete survey whose parcel was not found."""
    with app.app_context():
        _home, made = household(name="张三丰")
        complete(made, own_house())
        attach(made, "judged_paper", "front_photos")
    return made


def approve(app: Flask, survey: Lookback, **columns: Any) -> None:
    with app.app_context(), unscoped("tests arrange") as session:
        row = session.get_one(Lookback, survey.id)
        row.state = State.APPROVED
        for name, value in columns.items():
            setattr(row, name, value)
        session.commit()


# ---- the map --------------------------------------------------------------------------------------


def test_the_map_shows_what_lies_in_its_box_nearest_first(
    app: Flask, clerk: Hands, survey: Lookback
) -> None:
    with app.app_context():
        parcel(number="P-far", at=(300, 0))
        parcel(number="P-near", at=(5, 5), storeys=2, structure="01")
        parcel(number="P-out", at=(9000, 0))
        parcel(below(region(NEXT_COUNTY), Level.VILLAGE), "P-foreign")
    found = clerk.get(f"/lookback/{survey.id}/parcels?box={BOX}").json
    assert [p["number"] for p in found["parcels"]] == ["P-near", "P-far"]
    assert not found["more"]
    near = found["parcels"][0]
    assert [(f["name"], f["value"]) for f in near["facts"]] == [
        ("storeys", "2"),
        ("structure", "01"),
    ]
    assert len(near["outline"][0][0]) == 5


def test_it_opens_at_the_village_with_the_countys_border(
    app: Flask, clerk: Hands, survey: Lookback
) -> None:
    with app.app_context():
        parcel(at=(100, 50))
        village = seat(Level.VILLAGE).name
    found = clerk.get(f"/lookback/{survey.id}/parcels").json
    west, south, east, north = found["box"]
    assert PARCEL_AT[0] < west < east < PARCEL_AT[0] + 0.01
    assert PARCEL_AT[1] < south < north < PARCEL_AT[1] + 0.01
    assert found["place"] == village
    assert len(found["border"][0][0]) > 20


def test_too_large_a_box_and_too_many_parcels_ask_to_zoom_in(
    app: Flask, clerk: Hands, survey: Lookback, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        for n in range(4):
            parcel(at=(n * 20, 0))
    wide = clerk.get(f"/lookback/{survey.id}/parcels?box=105,30,112,37").json
    assert (wide["more"], wide["parcels"]) == (True, [])
    monkeypatch.setattr(stock, "MOST_SHOWN", 3)
    many = clerk.get(f"/lookback/{survey.id}/parcels?box={BOX}").json
    assert (many["more"], many["parcels"]) == (True, [])


@pytest.mark.parametrize("box", ["", "1,2,3", "a,b,c,d", "nan,1,2,3", "9,9,1,1", "0,0,999,1"])
def test_a_box_that_is_none_is_refused(clerk: Hands, survey: Lookback, box: str) -> None:
    assert clerk.get(f"/lookback/{survey.id}/parcels?box={box}").status_code == 400


def test_by_the_beginning_of_a_number(app: Flask, clerk: Hands, survey: Lookback) -> None:
    with app.app_context():
        for number in ("6101%1", "61012", "62"):
            parcel(number=number)
    found = clerk.get(f"/lookback/{survey.id}/parcels?q=６101%25").json
    assert [p["number"] for p in found["parcels"]] == ["6101%1"]
    assert clerk.get(f"/lookback/{survey.id}/parcels?q= ").json["parcels"] == []


def test_a_taken_parcel_says_by_whom_masked(app: Flask, clerk: Hands, survey: Lookback) -> None:
    with app.app_context():
        parcel(number="P1")
        for name in ("李小龙", "王五"):
            _home, other = household(name=name)
            complete(
                other, own_house() | {"parcel_state": ParcelState.CHOSEN, "parcel_number": "P1"}
            )
    (found,) = clerk.get(f"/lookback/{survey.id}/parcels?box={BOX}").json["parcels"]
    assert found["users"] == ["李*龙（已录入）", "王*（已录入）"]


def test_outside_the_area_and_without_the_right(app: Flask, survey: Lookback) -> None:
    with app.app_context():
        next_county = region(NEXT_COUNTY)
    other = Hands(app, sign_in(app, COUNTY_MANAGER, next_county))
    reader = Hands(app, sign_in(app, COUNTY_READER))
    for path in ("parcels", "parcel"):
        assert other.get(f"/lookback/{survey.id}/{path}").status_code == 404
        assert reader.get(f"/lookback/{survey.id}/{path}").status_code == 403
    assert other.post(f"/lookback/{survey.id}/parcel/drop?version=1").status_code == 404
    assert reader.post(f"/lookback/{survey.id}/parcel", {"number": "P1"}).status_code == 403


# ---- in the form ------------------------------------------------------------------------------------


def test_a_number_that_is_no_parcels_is_refused_beside_its_field(
    app: Flask, clerk: Hands, survey: Lookback, stored: Stored
) -> None:
    form = texts(own_house() | {"parcel_state": ParcelState.CHOSEN, "parcel_number": "P9"})
    url = f"/lookback/{survey.id}/edit"
    saved = clerk.post(url, form | {"version": stored(survey.id).version})
    assert saved.status_code == 302, "no parcels here: the number comes from paper"
    with app.app_context():
        parcel(number="P1")
    again = clerk.post(url, form | {"version": stored(survey.id).version, "parcel_number": "P8"})
    assert again.status_code == 422
    assert "没有编号为“P8”的图斑" in again.text
    right = clerk.post(url, form | {"version": stored(survey.id).version, "parcel_number": "P1"})
    assert right.status_code == 302
    assert stored(survey.id).parcel_number == "P1"


def test_the_form_has_a_map_only_where_there_are_parcels(
    app: Flask, clerk: Hands, survey: Lookback
) -> None:
    assert "parcel-dialog" not in clerk.get(f"/lookback/{survey.id}/edit").text
    with app.app_context():
        parcel()
    page = clerk.get(f"/lookback/{survey.id}/edit")
    assert f'data-url="/lookback/{survey.id}/parcels"' in page.text
    assert "img-src 'self' data: blob:;" in page.headers["Content-Security-Policy"]


def test_tiles_come_from_exactly_the_host_that_is_set(
    app: Flask, clerk: Hands, survey: Lookback
) -> None:
    address = "https://tiles.example.gov.cn/a/{z}/{x}/{y}.png"
    with app.app_context(), unscoped("tests arrange") as session:
        parcel()
        nation = seat(Level.NATION)
        session.add(SettingValue(region_id=nation.id, name="map.tiles", value=address))
        session.commit()
    page = clerk.get(f"/lookback/{survey.id}/edit")
    assert f'data-tiles="{address}"' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "img-src 'self' https://tiles.example.gov.cn data: blob:;" in policy
    assert "tiles.example" not in clerk.get("/help/").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "address",
    ["http://a.cn/{z}/{x}/{y}", "https://{z}.cn/{x}/{y}", "https://a.cn/{z}/{x}", "https:///{x}{y}{z}",
     "https://a.cn/{z}/{x}/{y} 'unsafe-inline'", "https://a.cn;x/{z}/{x}/{y}", "javascript:{x}{y}{z}"],
)  # fmt: skip
def test_other_addresses_of_tiles_are_refused(app: Flask, address: str) -> None:
    ministry = Hands(app, sign_in(app, MINISTRY))
    with app.app_context():
        nation = seat(Level.NATION).id
    url = f"/settings/map.tiles?region={nation}"
    assert ministry.post(url, {"value": address, "seen": ""}).status_code == 422


def test_two_surveys_of_one_parcel_say_so_on_record_and_review(
    app: Flask, survey: Lookback
) -> None:
    shared = {"parcel_state": ParcelState.CHOSEN, "parcel_number": "P1"}
    with app.app_context():
        _home, other = household(name="李小龙")
        complete(other, own_house() | shared)
    approve(app, survey, **shared)
    manager = Hands(app, sign_in(app, COUNTY_MANAGER))
    assert "图斑P1还被李*龙（已录入）选用" in manager.get(f"/lookback/{survey.id}").text
    approve(app, survey, state=State.SUBMITTED)
    assert "图斑P1还被李*龙（已录入）选用" in manager.get(f"/lookback/{survey.id}/review").text


# ---- 补录图斑, 删除图斑 -----------------------------------------------------------------------------


def test_late_entry_needs_no_new_review(
    app: Flask, clerk: Hands, survey: Lookback, stored: Stored
) -> None:
    with app.app_context():
        parcel(number="P1", storeys=5)
        _home, other = household(name="没有房的")
        complete(other, full_house())
    approve(app, survey)
    listed = clerk.get("/lookback/parcels").text
    assert 'name="parcel_state"' not in listed  # it is always the same here
    assert 'name="grade"' in listed
    assert "张三丰" in listed
    assert "没有房的" not in listed
    assert f"/lookback/{survey.id}/parcel" in listed
    page = clerk.get(f"/lookback/{survey.id}/parcel")
    assert page.status_code == 200
    before = stored(survey.id)
    data = {"number": "P1", "version": before.version}
    assert clerk.post(f"/lookback/{survey.id}/parcel", data).status_code == 302
    after = stored(survey.id)
    assert (after.parcel_state, after.parcel_number) == (ParcelState.CHOSEN, "P1")
    assert after.state == State.APPROVED
    assert after.storeys == before.storeys
    clerk.get("/help/")  # takes the message away
    assert "张三丰" not in clerk.get("/lookback/parcels").text
    assert clerk.post(f"/lookback/{survey.id}/parcel", data).status_code == 302  # sent twice
    with app.app_context(), unscoped("tests look") as session:
        query = select(HistoryEntry).where(HistoryEntry.record_id == survey.id)
        (step,) = session.scalars(query)
        assert (step.label, step.source, step.target) == (
            "补录图斑",
            State.APPROVED,
            State.APPROVED,
        )
        logged = session.scalars(select(AuditEntry).where(AuditEntry.record_id == survey.id)).all()
        changes = next(e.detail["changes"] for e in logged if e.act == Act.UPDATE)
        assert changes == {
            "parcel_state": ["not_found", "chosen"], "parcel_number": [None, "P1"]
        }  # fmt: skip


@pytest.mark.parametrize(("number", "said"), [("", "请先选择图斑"), ("P7", "没有编号为“P7”的图斑")])
def test_late_entry_refuses_what_is_no_parcel(
    app: Flask, clerk: Hands, survey: Lookback, stored: Stored, number: str, said: str
) -> None:
    with app.app_context():
        parcel()
    data = {"number": number, "version": stored(survey.id).version}
    answer = clerk.post(f"/lookback/{survey.id}/parcel", data)
    assert answer.status_code == 422
    assert said in answer.text
    assert stored(survey.id).parcel_state == ParcelState.NOT_FOUND


def test_late_entry_of_a_survey_that_was_changed_meanwhile(
    app: Flask, clerk: Hands, survey: Lookback, stored: Stored
) -> None:
    with app.app_context():
        parcel(number="P1")
    data = {"number": "P1", "version": stored(survey.id).version - 1}
    answer = clerk.post(f"/lookback/{survey.id}/parcel", data, follow_redirects=True)
    assert "已被他人修改" in answer.text
    assert stored(survey.id).parcel_number is None


def test_a_wrong_parcel_is_cleared_and_what_was_typed_stays(
    app: Flask, clerk: Hands, survey: Lookback, stored: Stored
) -> None:
    approve(app, survey, parcel_state=ParcelState.CHOSEN, parcel_number="P1")
    page = clerk.get(f"/lookback/{survey.id}")
    assert "删除图斑" in page.text
    before = stored(survey.id)
    url = f"/lookback/{survey.id}/parcel/drop?version={before.version}"
    assert clerk.post(url).status_code == 302
    after = stored(survey.id)
    assert (after.parcel_state, after.parcel_number) == (ParcelState.NOT_FOUND, None)
    assert (after.state, after.storeys) == (State.APPROVED, before.storeys)
    assert "张三丰" in clerk.get("/lookback/parcels").text
    again = clerk.post(url, follow_redirects=True)
    assert "没有选择图斑" in again.text


def test_only_those_who_enter_see_the_list_and_the_button(app: Flask, survey: Lookback) -> None:
    reader = Hands(app, sign_in(app, COUNTY_READER))
    approve(app, survey, parcel_state=ParcelState.CHOSEN, parcel_number="P1")
    assert reader.get("/lookback/parcels").status_code == 403
    assert "删除图斑" not in reader.get(f"/lookback/{survey.id}").text
    menu = next(m for m in LOOKBACK.menus if m.name == "parcels")
    assert menu.capability == Capability.ENTER
    assert COUNTY
