"""乡村建设工匠名录 through HTTP: added, read, changed by whoever entered it, once in the nation."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.account import Account
from app.access.accounts.notices import Notice
from app.access.actor import Duty, RegisterAccess
from app.access.audit.log import AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import now, today
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.rows.record import Draft
from app.modules.craftsmen import certificates, rules
from app.modules.craftsmen.model import Certificates, Craftsman
from app.modules.craftsmen.register import CRAFTSMAN
from app.modules.renovation.dossier.register import DOSSIER
from tests import builders, specimens
from tests.hands import Hands
from tests.web.register.forms import errors_of

AsAccount = Callable[..., Hands]
NUMBER = builders.id_number(801)


def answers(hands: Hands, **more: Any) -> dict[str, Any]:
    """What a clerk posts of a complete craftsman with one certificate and one training."""
    key = re.search(r'name="key" value="([^"]+)"', hands.get("/craftsman/new").text)
    assert key
    with hands.app.app_context():
        village = str(builders.seat(Level.VILLAGE).id)
    last = today().replace(year=today().year + 3, day=1)
    return {
        "key": key[1], "version": "0", "region": village,
        "name": "王建军", "id_number": NUMBER, "phone": "13909180000", "village_group": "一组",
        "lead": "yes", "qualified": "yes", "trades": ["01", "99"], "person_kinds": ["04"],
        "certificates-0-name": "砌筑工证", "certificates-0-issued_on": "2023-05-01",
        "certificates-0-expires_on": last.isoformat(),
        "trainings-0-start": "2022-12-27", "trainings-0-end": "2023-01-05",
        "trainings-0-theory": ["01", "02"], "trainings-0-certified": "yes",
        "works-0-start": "2023-05-29", "works-0-what": "农房建设，担任瓦工", "intent": "save",
    } | more  # fmt: skip


def stored() -> list[Craftsman]:
    with unscoped("tests look") as session:
        return list(session.scalars(select(Craftsman).order_by(Craftsman.created_at)))


@pytest.fixture
def clerk(as_account: AsAccount) -> Hands:
    return as_account(builders.TOWN_CLERK)


def test_added_once_read_by_the_area_changed_by_its_clerk(
    app: Flask, as_account: AsAccount, clerk: Hands
):
    form = answers(clerk)
    draft = {"version": 0, "values": {"name": "王建", "region": form["region"]}}
    kept = clerk.post_json(f"/craftsman/new/draft?key={form['key']}", draft)
    assert kept.status_code == 200
    again = clerk.get("/craftsman/new").text
    assert 'value="王建"' in again, "what was typed comes back"
    assert form["key"] in again, "under the key that the record will have"

    made = clerk.post("/craftsman/new", form)
    assert made.status_code == 302
    assert "现在可以上传照片和文件" in clerk.get(made.headers["Location"]).text
    assert clerk.post("/craftsman/new", form).status_code == 302, "the same form, sent twice"
    with app.app_context():
        [one] = stored()
        assert str(one.id) == form["key"]
        assert one.trades == ("01", "99")
        assert one.training_years == ("2022", "2023")
        assert one.trainings[0]["theory"] == ["01", "02"]
        assert (one.certified, one.certificates_hold) == (True, Certificates.VALID)
        with unscoped("tests look") as session:
            assert session.scalars(select(Draft)).all() == []
            live = counters.live_counts(session, CRAFTSMAN)
            assert live == counters.kept_counts(session, CRAFTSMAN)
            county = builders.seat(Level.COUNTY).id
            assert live["total@2022", county] == live["total@2023", county] == 1
            assert ("trade_02", county) not in live

    page = clerk.get(f"/craftsman/{one.id}").text
    assert NUMBER in page, "whole to whoever entered it"
    assert "建筑风貌、农房结构与安全" in page
    assert f"/craftsman/{one.id}/edit" in page

    manager = as_account(builders.COUNTY_MANAGER)
    page = manager.get(f"/craftsman/{one.id}").text
    assert NUMBER not in page, "masked to who only reads"
    assert f"/craftsman/{one.id}/edit" not in page
    listed = manager.get("/craftsman/manage").text
    assert "王建军" in listed
    assert "共 1 人" in listed
    refused = manager.post(f"/craftsman/{one.id}/edit", form | {"name": "李"})
    assert refused.status_code in (302, 403)
    assert manager.post(f"/craftsman/{one.id}/clear?version=1").status_code == 403
    with app.app_context():
        assert stored()[0].name == "王建军"
        with unscoped("tests close an account") as session:
            owner = session.scalars(select(Account).where(Account.uuid == one.entered_by)).one()
            owner.active = False
            session.commit()
    assert manager.get(f"/craftsman/{one.id}/edit").status_code == 200, "its manager takes over"
    assert NUMBER in manager.get(f"/craftsman/{one.id}").text


@pytest.mark.parametrize("lost", ["duty", "register", "locked"])
def test_who_may_enter_no_more_leaves_it_to_the_manager(
    app: Flask, as_account: AsAccount, lost: str
):
    collector = as_account(builders.COUNTY_COLLECTOR)
    assert collector.post("/craftsman/new", answers(collector)).status_code == 302
    manager = as_account(builders.COUNTY_MANAGER)
    with app.app_context():
        [one] = stored()
        assert manager.post(f"/craftsman/{one.id}/edit", {}).status_code == 403
        with unscoped("tests take a right away") as session:
            owner = session.scalars(select(Account).where(Account.uuid == one.entered_by)).one()
            if lost == "duty":
                owner.roles = [r for r in owner.roles if r.name != Duty.COLLECTOR.zh]
            elif lost == "register":
                owner.registers = {"craftsman": RegisterAccess.READ.value}
            else:
                owner.locked_at = now()
            session.commit()
    page = manager.get("/craftsman/manage").text
    assert f"/craftsman/{one.id}/edit" in page
    assert manager.get(f"/craftsman/{one.id}/edit").status_code == 200
    assert as_account(builders.TOWN_MANAGER).get(f"/craftsman/{one.id}/edit").status_code == 403

    assert manager.post(f"/craftsman/{one.id}/clear?version=1").status_code == 302
    with app.app_context():
        assert stored() == []
        with unscoped("tests look") as session:
            assert counters.kept_counts(session, CRAFTSMAN) == {}


def test_wrong_input_is_told_beside_its_field_and_kept(clerk: Hands, app: Flask):
    wrong = answers(clerk, region="", phone="12", lead="") | {
        "certificates-0-expires_on": "2020-01-01"
    }
    answer = clerk.post("/craftsman/new", wrong)
    assert answer.status_code == 422
    page = answer.text
    assert "请选择行政区划" in errors_of(page, "region")
    assert errors_of(page, "phone")
    assert "请选择是否带头工匠" in errors_of(page, "lead")
    assert 'value="王建军"' in page
    with app.app_context():
        far = builders.seat(Level.COUNTY, builders.FAR_COUNTY).id
        above = builders.seat(Level.PROVINCE).id
    outside = answers(clerk, region=str(far))
    assert "管辖范围" in errors_of(clerk.post("/craftsman/new", outside).text, "region")
    province = answers(clerk, region=str(above))
    assert errors_of(clerk.post("/craftsman/new", province).text, "region")
    early = answers(clerk) | {"certificates-0-expires_on": "2020-01-01"}
    assert "不能早于开始的日期 2023-05-01" in clerk.post("/craftsman/new", early).text
    with app.app_context():
        assert stored() == []


def test_an_id_number_stands_once_in_the_nation(as_account: AsAccount, clerk: Hands, app: Flask):
    made = clerk.post("/craftsman/new", answers(clerk, intent="next"))
    assert made.headers["Location"] == "/craftsman/new"
    page = clerk.get("/craftsman/new").text
    assert "已保存" in page
    assert "可以上传照片" not in page, "there is no record yet on this page"
    same = clerk.post("/craftsman/new", answers(clerk, name="王建国"))
    assert same.status_code == 422
    assert "王建军" in errors_of(same.text, "id_number")
    assert "申请转入" in same.text
    assert 'value="王建国"' in same.text, "nothing typed is lost"

    with app.app_context():
        far = builders.seat(Level.VILLAGE, builders.FAR_COUNTY)
        town = builders.seat(Level.TOWN, builders.FAR_COUNTY)
    other = as_account(builders.TOWN_CLERK, town)
    told = other.post("/craftsman/new", answers(other, region=str(far.id)))
    message = errors_of(told.text, "id_number")
    assert "陕西省西安市蓝田县" in message
    assert NUMBER not in message
    with app.app_context():
        assert len(stored()) == 1


def test_a_record_is_asked_for_and_given(as_account: AsAccount, clerk: Hands, app: Flask):
    clerk.post("/craftsman/new", answers(clerk))
    with app.app_context():
        [one] = stored()
        town = builders.seat(Level.TOWN, builders.FAR_COUNTY)
    other = as_account(builders.TOWN_CLERK, town)
    ask = f"/handovers/ask/craftsman/{one.id}"
    page = other.get(ask).text
    assert "王建军" in page
    assert NUMBER not in page
    empty = other.post(ask, {"contact_name": "", "opinion": ""})
    assert empty.status_code == 422
    assert "请填写理由" in empty.text
    said = {"contact_name": "李明", "contact_phone": "13909180000", "opinion": "现在我镇从业"}
    request = other.post(ask, said).location
    assert "等待对方答复" in other.get(request).text
    for again in (other.get(ask), other.post(ask, said)):
        assert again.status_code == 409, "it is asked for already: told before its form"
        assert "已有一个转入申请在等待答复" in again.text
    assert other.post(f"{request}/agree", said).status_code == 403, "who asks does not answer"
    assert as_account(builders.COUNTY_MANAGER).post(f"{request}/agree", said).status_code == 403
    assert other.get(f"/craftsman/{one.id}").status_code == 404

    waits = clerk.get(request)
    assert "同意转出" in waits.text
    assert clerk.post(f"{request}/refuse", said | {"opinion": ""}).status_code == 422
    assert clerk.post(f"{request}/agree", said | {"opinion": "同意"}).status_code == 302
    assert clerk.post(f"{request}/agree", said).status_code == 302, "the same click, told"
    assert clerk.get(f"/craftsman/{one.id}").status_code == 404
    page = other.get(f"/craftsman/{one.id}").text
    assert NUMBER in page
    assert "转出" in page
    with app.app_context(), unscoped("tests look") as session:
        kept = counters.kept_counts(session, CRAFTSMAN)
        assert kept == counters.live_counts(session, CRAFTSMAN)
        assert kept["total", town.county_id] == 1
        told = {(one.kind, one.region_id) for one in session.scalars(select(Notice))}
        keeper = builders.seat(Level.TOWN)
        asked = {("handover_asked", keeper.id), ("handover_asked", keeper.county_id)}
        assert told == asked | {("handover_given", one) for one in (town.id, town.county_id)}

    third = as_account(builders.TOWN_MANAGER)
    back = third.post(ask, said).location
    assert third.post(f"{back}/withdraw").status_code == 302
    again = third.post(ask, said).location
    assert other.post(f"{again}/refuse", said | {"opinion": "仍在本地"}).status_code == 302
    assert "仍在本地" in third.get(again).text


def test_the_whole_province_reads_the_masked_ledger(
    as_account: AsAccount, clerk: Hands, app: Flask
):
    clerk.post("/craftsman/new", answers(clerk))
    with app.app_context():
        [one] = stored()
        other_village = builders.seat(Level.VILLAGE, builders.NEXT_COUNTY)
        far_village = builders.seat(Level.VILLAGE, builders.FAR_COUNTY)
    reader = as_account(builders.VILLAGE_CLERK, other_village)
    page = reader.get("/craftsman/province").text
    assert "王建军" in page
    assert "蓝田县" in page
    assert NUMBER not in page
    assert "13909180000" not in page
    assert reader.get(f"/craftsman/{one.id}").status_code == 404, "only the masked page"
    record = reader.get(f"/craftsman/province/of/{one.id}").text
    assert "砌筑工证" in record
    assert NUMBER not in record
    assert "显示完整号码" not in record
    for found, asked in (
        (True, "training_years=2023"), (False, "training_years=2020"), (True, f"id_number={NUMBER}"),
        (True, "name=王建"), (False, "name=李"), (True, "certified=yes"), (False, "lead=no"),
    ):  # fmt: skip
        assert ("王建军" in reader.get(f"/craftsman/province?{asked}").text) is found, asked
    with app.app_context(), unscoped("tests look") as session:
        looks = session.scalars(select(AuditEntry).where(AuditEntry.register == "craftsman"))
        assert {"menu": "province", "filter": {"certified": ["yes"]}} in [e.detail for e in looks]

    elsewhere = as_account(builders.VILLAGE_CLERK, far_village)
    assert "王建军" not in elsewhere.get("/craftsman/province").text
    assert elsewhere.get(f"/craftsman/province/of/{one.id}").status_code == 404
    assert elsewhere.get(f"/craftsman/manage/of/{one.id}").status_code == 404


def test_what_a_craftsman_built_stands_on_the_page(clerk: Hands, app: Flask):
    clerk.post("/craftsman/new", answers(clerk))
    with app.app_context():
        village = builders.seat(Level.VILLAGE)
        [one] = stored()
        built = {"craftsman_id": NUMBER, "craftsman": "王建军", "accepted": True}
        specimens.record(DOSSIER, village, name="陈家屋", state=State.DRAFT, **built)
    page = clerk.get(f"/craftsman/{one.id}").text
    assert "陈家屋" in page
    assert "是否验收合格" in page


def test_certificates_run_out_by_themselves(clerk: Hands, app: Flask, monkeypatch: Any):
    clerk.post("/craftsman/new", answers(clerk))
    with app.app_context():
        [one] = stored()
        soon = one.certified_until - dt.timedelta(days=30)
        for day, state in ((soon, "expiring"), (soon + dt.timedelta(days=31), "expired")):
            for module in (certificates, rules):
                monkeypatch.setattr(module, "today", lambda day=day: day)
            assert certificates.check(None) == {"rows": 1}
            assert certificates.check(None) == {"rows": 0}
            [one] = stored()
            assert one.certificates_hold == state
            assert one.certified is (state == "expiring")
        with unscoped("tests look") as session:
            kinds = session.scalars(select(Notice.kind)).all()
            assert kinds == ["certificates", "certificates"]
            kept = counters.kept_counts(session, CRAFTSMAN)
            assert kept == counters.live_counts(session, CRAFTSMAN)
            assert kept["expired", one.county_id] == 1
