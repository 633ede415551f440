"""Moves and splits through HTTP: from the form to the consent of both counties."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.modules.surveys.lookback.model import Lookback
from tests.builders import (
    COUNTY,
    COUNTY_MANAGER,
    FAR_COUNTY,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    below,
    household,
    id_number,
    other_home,
    region,
    sign_in,
    texts,
)
from tests.hands import Hands

pytestmark = pytest.mark.one_database

_TRANSFER = re.compile(r"/transfers/([0-9a-f-]{36})")


@pytest.fixture
def as_(app: Flask) -> Callable[..., Hands]:
    """Hands of a new account, in its seat or another division."""

    def signed_in(who: Any, code: str | None = None) -> Hands:
        with app.app_context():
            place = region(code) if code else None
        return Hands(app, sign_in(app, who, place))

    return signed_in


def form(version: int = 1, **answers: Any) -> dict[str, Any]:
    said = {k: v for k, v in texts(other_home() | answers).items() if v is not None}
    heads = said.pop("split_heads", [])
    rows = {f"split_heads-{n}-{k}": v for n, row in enumerate(heads) for k, v in row.items() if v}
    return said | rows | {"version": str(version), "intent": "save"}


@pytest.fixture
def asked(app: Flask, as_: Callable[..., Hands]) -> tuple[str, Any, int]:
    """A clerk asked for a move to the next county: the request's key, the survey, the new village."""
    with app.app_context():
        _home, survey = household(name="王一", number=id_number(1, born="19610305"))
        village = below(region(NEXT_COUNTY), Level.VILLAGE)
    clerk = as_(VILLAGE_CLERK)
    edit = f"/lookback/{survey.id}/edit"
    saved = clerk.post(edit, form(moved=True, new_place=village.id), follow_redirects=True)
    assert "王一的迁户申请已提交，等待审批。" in saved.text
    assert clerk.get(edit).status_code == 302  # it waits
    found = _TRANSFER.search(saved.text)
    assert found
    return found[1], survey, village.id


def look(app: Flask, survey: Any) -> Lookback:
    with app.app_context(), unscoped("tests look") as session:
        return session.get_one(Lookback, survey.id)


def other_village(app: Flask, region_id: int) -> int:
    """Another village of the same town."""
    with app.app_context(), unscoped("tests look") as session:
        town = session.get_one(Region, region_id).parent_id
        here = select(Region.id).where(Region.parent_id == town, Region.id != region_id)
        return session.scalars(here.limit(1)).one()


def test_both_counties_consent(
    app: Flask, as_: Callable[..., Hands], asked: tuple[str, Any, int]
) -> None:
    key, survey, village = asked
    old, new = as_(COUNTY_MANAGER), as_(COUNTY_MANAGER, NEXT_COUNTY)
    clerk = as_(VILLAGE_CLERK)
    listed = clerk.get("/lookback/entry?state=draft").text
    assert f"/lookback/{survey.id}?" in listed
    assert f"/lookback/{survey.id}/edit" not in listed, "nobody fills in what asks to move"
    for manager in (old, new):
        assert "迁户申请，待审批" in manager.get("/").text
        assert key in manager.get("/transfers/?show=mine").text
    assert key in new.get(f"/transfers/?show=in&region={village}").text
    assert key in old.get(f"/transfers/?region={survey.region_id}").text
    assert key not in old.get(f"/transfers/?region={other_village(app, survey.region_id)}").text
    assert old.get(f"/transfers/?region={village}").status_code == 404  # not the account's
    page = new.get(f"/transfers/{key}").text
    assert "6101*****" in page
    assert survey.head_id not in page
    assert f"/household/{survey.household_id}" not in page
    assert new.get(f"/household/{survey.household_id}").status_code == 404
    assert new.get(f"/lookback/{survey.id}").status_code == 404
    agreed = new.post(f"/transfers/{key}/agree", {"contact_name": "李审"}, follow_redirects=True)
    assert "还需要另一方同意" in agreed.text
    assert look(app, survey).county_id != new_county(app)
    done = old.post(f"/transfers/{key}/agree", {"contact_name": "赵审"}, follow_redirects=True)
    assert "该户已迁入" in done.text
    row = look(app, survey)
    assert (row.region_id, row.state) == (village, State.MISSING)
    assert old.get(f"/lookback/{survey.id}").status_code == 404
    assert "已迁入" in old.get("/transfers/?show=done").text
    assert 'href="/notices/"' in clerk.get("/").text
    assert "王一户已从" in clerk.get("/notices/").text
    home = new.get(f"/household/{survey.household_id}").text
    assert f"/transfers/{key}" in home
    again = new.post(f"/transfers/{key}/agree", {"contact_name": "李审"}, follow_redirects=True)
    assert "已办结" in again.text


def new_county(app: Flask) -> int:
    with app.app_context():
        return region(NEXT_COUNTY).id


def test_a_refusal_is_read_by_the_clerk(
    app: Flask, as_: Callable[..., Hands], asked: tuple[str, Any, int]
) -> None:
    key, survey, _village = asked
    new = as_(COUNTY_MANAGER, NEXT_COUNTY)
    empty = new.post(f"/transfers/{key}/refuse", {"contact_name": "", "contact_phone": "1"})
    assert empty.status_code == 422
    for message in ("请填写不同意的理由", "请填写办理人姓名", "电话号码不正确"):
        assert message in empty.text
    new.post(f"/transfers/{key}/refuse", {"opinion": "户籍不在我县", "contact_name": "李审"})
    clerk = as_(VILLAGE_CLERK)
    page = clerk.get(f"/lookback/{survey.id}/edit").text
    assert "迁户未同意" in page
    assert "户籍不在我县" in page
    assert look(app, survey).state == State.RETURNED


def test_a_request_is_taken_back(
    app: Flask, as_: Callable[..., Hands], asked: tuple[str, Any, int]
) -> None:
    key, survey, _village = asked
    clerk = as_(VILLAGE_CLERK)
    back = clerk.post(f"/transfers/{key}/withdraw", follow_redirects=True)
    assert "迁户申请已撤回" in back.text
    assert clerk.get(f"/lookback/{survey.id}/edit").status_code == 200
    assert as_(COUNTY_MANAGER, NEXT_COUNTY).get(f"/transfers/{key}").status_code == 404


def test_others_know_nothing_of_it(as_: Callable[..., Hands], asked: tuple[str, Any, int]) -> None:
    far = as_(COUNTY_MANAGER, FAR_COUNTY)
    assert far.get(f"/transfers/{asked[0]}").status_code == 404
    assert far.post(f"/transfers/{asked[0]}/agree").status_code == 404
    assert asked[0] not in far.get("/transfers/").text
    assert far.get(f"/transfers/?after={asked[0]}").status_code == 400
    assert far.get("/transfers/?show=nothing").status_code == 400


def test_a_wrong_division_stands_beside_its_field(app: Flask, as_: Callable[..., Hands]) -> None:
    with app.app_context():
        _home, survey = household()
        county = region(COUNTY)
    clerk = as_(VILLAGE_CLERK)
    for place, message in (
        (county.id, "请选择到村级"),
        ("没有的村", "没有“没有的村”"),
        ("", "请选择迁户后的地区"),
    ):
        answer = clerk.post(f"/lookback/{survey.id}/edit", form(moved=True) | {"new_place": place})
        assert answer.status_code == 422
        assert message in answer.text
        assert 'id="f-new_place-errors"' in answer.text


def test_a_split_household_is_surveyed_on_its_own(app: Flask, as_: Callable[..., Hands]) -> None:
    with app.app_context():
        _home, survey = household(name="王一")
        household(below(region(NEXT_COUNTY), Level.VILLAGE), name="外县人", number=id_number(31))
    clerk, edit = as_(VILLAGE_CLERK), f"/lookback/{survey.id}/edit"
    head = {"name": "王小", "id_number": id_number(31), "phone": None}
    taken = clerk.post(edit, form(split=True, split_heads=[head]))
    assert taken.status_code == 422
    assert "该身份证号已在名单中" in taken.text
    head["id_number"] = id_number(32)
    clerk.post(edit, form(split=True, split_heads=[head]))
    listed = clerk.get("/lookback/splits").text
    assert "王小" in listed
    assert "王一" not in listed.split("<tbody>")[1]
    assert "王小" not in clerk.get("/lookback/entry").text
    own = re.search(r"/lookback/([0-9a-f-]{36})/edit", listed)
    assert own
    page = clerk.get(own[0]).text
    assert "主户" in page
    assert f"/household/{survey.household_id}" in page
    assert "主户待审核" in clerk.get(f"/household/{survey.household_id}").text


def test_the_picker_offers_the_whole_nation_where_a_field_asks_for_it(
    as_: Callable[..., Hands],
) -> None:
    clerk = as_(VILLAGE_CLERK)
    name = "寻甸"
    assert clerk.get(f"/regions/search?q={name}").json["items"] == []
    found = clerk.get(f"/regions/search?q={name}&whole=1").json["items"]
    assert any("寻甸" in one["full_name"] for one in found)
    start = clerk.get("/regions/children?whole=1").json
    assert start["trail"][-1]["name"] == "蓝田县"
    assert {one["level"] for one in start["items"]} == {"town"}
