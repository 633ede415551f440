"""The form of a register: what it shows, keeps, refuses."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.rows.record import Draft
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.hands import Hands
from tests.web.register.forms import errors_of, posted

AsAccount = Callable[..., Hands]
Stored = Callable[[uuid.UUID], Lookback]


def test_the_form_shows_household_sections_and_rules(clerk: Hands, survey: Lookback):
    page = clerk.get(f"/lookback/{survey.id}/edit").text
    assert "张建国" in page
    assert survey.head_id in page  # who may enter sees the whole number
    for title in ("户籍变化情况", "房屋安全情况", "保障信息"):
        assert title in page
    assert '"is", "living", "own"' in html.unescape(
        page
    ) or '["is","living","own"]' in page.replace(" ", "")
    assert re.search(r'id="field-floor_area"[^>]* hidden', page)  # nothing is answered yet
    assert 'value="yes" data-input checked' not in page


@pytest.mark.parametrize("who", [builders.COUNTY_READER, builders.MINISTRY, builders.CITY], ids=str)
def test_who_may_not_enter_gets_no_form(as_account: AsAccount, survey: Lookback, who: builders.Who):
    assert as_account(who).get(f"/lookback/{survey.id}/edit").status_code == 403


def test_a_foreign_or_unknown_record_does_not_exist(
    app: Flask, as_account: AsAccount, survey: Lookback
):
    with app.app_context():
        county = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    neighbour = as_account(builders.COUNTY_MANAGER, county)
    for key in (survey.id, uuid.uuid4()):
        for tail in ("", "/edit", "/review"):
            answer = neighbour.get(f"/lookback/{key}{tail}")
            assert answer.status_code == 404
            assert "张建国" not in answer.text
    assert neighbour.post(f"/lookback/{survey.id}/edit", posted(builders.died())).status_code == 404
    assert (
        neighbour.post_json(
            f"/lookback/{survey.id}/draft", {"version": 1, "values": {}}
        ).status_code
        == 404
    )
    assert neighbour.post(f"/lookback/{survey.id}/clear?version=1").status_code == 404


def test_saving_keeps_the_values_and_says_so(clerk: Hands, survey: Lookback, stored: Stored):
    answer = clerk.post(f"/lookback/{survey.id}/edit", posted(builders.full_house()))
    assert answer.status_code == 302
    row = stored(survey.id)
    assert row.state == State.DRAFT
    expected = builders.full_house()
    assert {
        n: getattr(row, n) for n in expected if n not in ("owners", "occupants", "split_heads")
    } == {n: v for n, v in expected.items() if n not in ("owners", "occupants", "split_heads")}
    assert row.owners[0]["name"] == "王甲"
    assert row.split_heads[0]["id_number"] == expected["split_heads"][0]["id_number"]
    page = clerk.get(f"/lookback/{survey.id}/edit").text
    assert "回头看档案已保存" in page
    assert 'value="王甲"' in page


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("floor_area", "很大", "请填写数字"),
        ("floor_area", "99999", "不能大于"),
        ("storeys", "2.5", "请填写整数"),
        ("phone", "123", "电话号码不正确"),
        ("surveyed_on", "昨天", "请填写日期"),
        ("surveyed_on", "2999-01-01", "年份应在"),
        ("grade", "E", "不在选项中"),
        ("died", "maybe", "请选择"),
        ("policies", "nonsense", "不在选项中"),
        ("judged_on", "2019-05-01", "不能早于"),
        ("judged_by_code", "91350100M000100Y44", "统一社会信用代码不正确"),
        ("address", "长" * 201, "最多 200 个字"),
    ],
)
def test_a_wrong_value_has_its_message_and_stays_typed(
    clerk: Hands, survey: Lookback, stored: Stored, field: str, typed: str, message: str
):
    form = posted(builders.full_house(), **{field: typed})
    answer = clerk.post(f"/lookback/{survey.id}/edit", form)
    assert answer.status_code == 422
    assert message in errors_of(answer.text, field)
    assert f'href="#field-{field}"' in answer.text
    if field not in ("grade", "died", "policies"):
        assert html.escape(typed) in answer.text
    assert 'value="蓝关街道办事处"' in answer.text  # what else was typed is still there
    assert stored(survey.id).state == State.MISSING


def test_a_wrong_row_of_children_has_its_message_in_its_row(clerk: Hands, survey: Lookback):
    form = posted(builders.own_house()) | {
        "owners-0-name": "王甲", "owners-1-name": "王乙", "owners-1-id_number": "61012219700101",
    }  # fmt: skip
    answer = clerk.post(f"/lookback/{survey.id}/edit", form)
    assert answer.status_code == 422
    assert "产权人信息第2行 身份证号" in answer.text
    assert errors_of(answer.text, "owners-1-id_number")
    assert 'value="王乙"' in answer.text


def test_html_that_was_typed_stays_text(clerk: Hands, survey: Lookback):
    evil = '"><script>alert(1)</script>'
    form = posted(builders.own_house(), address=evil, storeys="x")
    answer = clerk.post(f"/lookback/{survey.id}/edit", form)
    assert evil not in answer.text
    assert html.escape(evil).replace("&#x27;", "'") in answer.text.replace("&#34;", "&quot;")


@pytest.mark.parametrize("version", ["", "x", "-1", "1" * 30])
def test_a_bad_version_is_a_message_not_a_crash(clerk: Hands, survey: Lookback, version: str):
    answer = clerk.post(f"/lookback/{survey.id}/edit", posted(builders.died(), version=version))
    assert answer.status_code == 400
    assert "页面已过期" in answer.text


def test_without_token_nothing_is_saved(clerk: Hands, survey: Lookback, stored: Stored):
    answer = clerk.client.post(f"/lookback/{survey.id}/edit", data=posted(builders.died()))
    assert answer.status_code == 400
    assert stored(survey.id).state == State.MISSING


def test_the_same_form_sent_twice_makes_one_change(
    app: Flask, clerk: Hands, survey: Lookback, stored: Stored
):
    for _ in range(2):
        assert clerk.post(f"/lookback/{survey.id}/edit", posted(builders.died())).status_code == 302
    assert stored(survey.id).version == 2
    with app.app_context(), unscoped("tests count entries") as session:
        made = select(func.count()).select_from(AuditEntry).where(
            AuditEntry.record_id == survey.id, AuditEntry.act == Act.CREATE
        )  # fmt: skip
        assert session.scalar(made) == 1


def test_two_people_on_one_record_see_what_differs(
    as_account: AsAccount, clerk: Hands, survey: Lookback, stored: Stored
):
    colleague = as_account(builders.COUNTY_MANAGER)
    colleague.post(f"/lookback/{survey.id}/edit", posted(builders.own_house(), storeys="3"))
    answer = clerk.post(f"/lookback/{survey.id}/edit", posted(builders.own_house(), storeys="1"))
    assert answer.status_code == 409
    row = re.search(r'<tr data-conflict="storeys">.*?</tr>', answer.text, re.DOTALL)
    assert row
    assert "建筑层数" in row[0]
    assert len(re.findall(r"data-conflict=", answer.text)) == 1  # only what differs
    assert stored(survey.id).storeys == 3
    again = posted(builders.own_house(), storeys="1", version="2")
    assert clerk.post(f"/lookback/{survey.id}/edit", again).status_code == 302
    assert stored(survey.id).storeys == 1


def test_a_conflict_asks_only_of_what_one_touched_and_takes_the_rest_as_saved(
    as_account: AsAccount, clerk: Hands, survey: Lookback, stored: Stored
):
    other = as_account(builders.TOWN_MANAGER)
    theirs = {"died": "no", "village_group": "一组", "address": "新街 1 号"}
    form = {"version": "1", "contact_name": "王镇管"}
    other.post(f"/lookback/{survey.id}/edit", form | theirs)
    mine = {"died": "no", "village_group": "二组", "surveyor": "李明"}
    answer = clerk.post(
        f"/lookback/{survey.id}/edit",
        {"version": "1", "contact_name": "李明", "touched": "village_group surveyor nonsense"}
        | mine,
    )
    assert answer.status_code == 409
    asked = set(re.findall(r'data-conflict="(\w+)"', answer.text))
    assert asked == {"village_group", "surveyor"}
    with other.app.app_context(), unscoped("tests look") as session:
        name = session.scalars(
            select(AuditEntry.account_name).where(AuditEntry.act == Act.CREATE)
        ).first()
    assert f"{name} 在 " in answer.text  # who it was
    assert stored(survey.id).village_group == "一组"


def test_the_next_household_of_the_list_opens_after_saving(app: Flask, clerk: Hands):
    with app.app_context():
        rows = [builders.household(name=f"户{n}")[1] for n in range(3)]
        with unscoped("one is done") as session:
            session.get_one(Lookback, rows[1].id).state = State.SUBMITTED
            session.commit()
    clerk.get("/lookback/entry?state=missing")
    form = {"version": "1", "died": "yes", "contact_name": "李明", "intent": "next"}
    answer = clerk.post(f"/lookback/{rows[0].id}/edit", form)
    assert answer.location == f"/lookback/{rows[2].id}/edit"
    last = clerk.post(f"/lookback/{rows[2].id}/edit", form)
    assert last.location == f"/lookback/{rows[2].id}/edit"
    assert "列表中没有下一户要填的了" in clerk.get(last.location).text
    sent = form | {"intent": "submit", "version": "2"}
    clerk.get("/lookback/entry")
    done = clerk.post(f"/lookback/{rows[2].id}/edit", sent, follow_redirects=True)
    assert f'href="/lookback/{rows[0].id}/edit">填下一户</a>' in done.text


def test_submitting_an_incomplete_form_saves_it_and_says_what_is_missing(
    clerk: Hands, survey: Lookback, stored: Stored
):
    answer = clerk.post(
        f"/lookback/{survey.id}/edit", posted(builders.own_house(), intent="submit")
    )
    assert answer.status_code == 422
    assert "已保存，但还不能上报" in answer.text
    assert "请上传房屋正立面全景照片" in errors_of(answer.text, "front_photos")
    assert stored(survey.id).state == State.DRAFT


def test_submitting_needs_a_person(clerk: Hands, survey: Lookback, stored: Stored):
    answer = clerk.post(
        f"/lookback/{survey.id}/edit", posted(builders.died(), intent="submit", contact_name="")
    )
    assert answer.status_code == 422
    assert "请填写办理人姓名" in errors_of(answer.text, "contact_name")
    assert stored(survey.id).state == State.DRAFT


def test_a_complete_form_is_submitted_and_then_read_only(
    clerk: Hands, survey: Lookback, stored: Stored
):
    answer = clerk.post(f"/lookback/{survey.id}/edit", posted(builders.died(), intent="submit"))
    assert answer.status_code == 302
    assert stored(survey.id).state == State.SUBMITTED
    assert clerk.get(f"/lookback/{survey.id}/edit").status_code == 302
    late = clerk.post(f"/lookback/{survey.id}/edit", posted(builders.died(), version="3"))
    assert late.status_code == 302
    assert stored(survey.id).state == State.SUBMITTED


def test_what_is_remembered_is_offered_on_the_next_form(app: Flask, clerk: Hands, survey: Lookback):
    clerk.post(f"/lookback/{survey.id}/edit", posted(builders.own_house()))
    with app.app_context():
        other = builders.household()[1]
    page = clerk.get(f"/lookback/{other.id}/edit").text
    assert 'value="王排查"' in page
    assert f'value="{builders.SURVEYED}"' in page
    assert "按上次填写带出，请核对" in page
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalar(select(func.count()).select_from(Draft)) == 0


# ---- village ------------------------------------------------------------------------------


def test_a_household_without_village_gets_one_inside_the_form(
    app: Flask, as_account: AsAccount, stored: Stored
):
    with app.app_context():
        county = builders.region(builders.COUNTY, Level.COUNTY)
        village = builders.below(county, Level.VILLAGE)
        foreign = builders.below(builders.region(builders.NEXT_COUNTY, Level.COUNTY), Level.VILLAGE)
        row = builders.household(county)[1]
    manager = as_account(builders.COUNTY_MANAGER)
    assert "指定所在行政村" in manager.get(f"/lookback/{row.id}/edit").text
    for wrong in ("", "x", str(county.id), str(foreign.id)):
        manager.post(f"/lookback/{row.id}/assign", {"region": wrong})
        assert stored(row.id).region_id == county.id
    manager.post(f"/lookback/{row.id}/assign", {"region": str(village.id)})
    assert stored(row.id).path == village.path
    assert "指定所在行政村" not in manager.get(f"/lookback/{row.id}/edit").text


# ---- the corrected number -------------------------------------------------------------------


def test_a_corrected_number_stands_beside_the_issued_one_once_approved(
    app: Flask, as_account: AsAccount, clerk: Hands, stored: Stored
):
    with app.app_context():
        home, row = builders.household(name="张建国")
    right = builders.id_number(501)
    form = posted(builders.other_home(), intent="submit", corrected_id=right)
    assert clerk.post(f"/lookback/{row.id}/edit", form).status_code == 302
    decided = {"action": "approve", "version": stored(row.id).version, "contact_name": "王审核"}
    as_account(builders.COUNTY_REVIEWER).post(f"/lookback/{row.id}/decide", decided)
    with app.app_context(), unscoped("tests look at rows") as session:
        kept = session.get_one(type(home), home.id)
        assert (kept.issued_id, kept.corrected_id, kept.head_id) == (home.issued_id, right, right)
    for number in (home.issued_id, right):  # search finds both
        assert clerk.get(f"/search/?q={number}").location == f"/household/{home.id}"
    assert stored(row.id).head_id == right
    spaced = f"{right[:6]} {right[6:14]} {right[14:]}"
    assert "共 1 户" in clerk.get(f"/lookback/entry?head_id={spaced}").text


def test_a_number_that_is_another_households_is_refused_beside_the_field(
    app: Flask, clerk: Hands, survey: Lookback, stored: Stored
):
    with app.app_context():
        near = builders.household(name="李近邻")[0]
        county = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
        far = builders.household(builders.below(county, Level.VILLAGE), name="赵远方")[0]
    for other, told in ((near, "李近邻"), (far, "周至县，户主赵远方")):
        form = posted(builders.other_home(), corrected_id=other.issued_id)
        answer = clerk.post(f"/lookback/{survey.id}/edit", form)
        assert answer.status_code == 422
        assert told in errors_of(answer.text, "corrected_id")
        assert f'value="{other.issued_id}"' in answer.text
        assert str(other.id) not in answer.text
    assert stored(survey.id).state == State.MISSING
