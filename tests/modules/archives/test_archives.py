"""农户档案: one household of one plan year, by whichever way it comes; whom it is about; how far it is."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from functools import partial
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.access.settings import SettingValue
from app.core.clock import uuid7
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.transactions import transaction
from app.kernel.declare.flow import State
from app.kernel.declare.register import rule
from app.kernel.exchange.imports import record_import
from app.kernel.figures import counters
from app.kernel.households import lists as households
from app.kernel.records import creations, steps
from app.kernel.records import save as records
from app.kernel.rows.reading import values_of
from app.modules.archives.choices import (
    ArchiveStage,
    OldDecade,
    PovertyKind,
    RenovationReason,
    SubsidyKind,
)
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from tests import builders
from tests.clicks import begin_import
from tests.hands import Hands
from tests.kernel.exchange.test_round_trip import run
from tests.modules import samples

FAR = "530129"
NUMBER = builders.id_number(901)


def values(**more: Any) -> dict[str, Any]:
    """What is said when a renovation is approved."""
    return {
        "head_name": "张建国", "head_id": NUMBER, "plan_year": 2015,
        "approved_on": dt.date(2015, 4, 1), "old_decade": OldDecade.SEVENTIES,
        "old_area": Decimal("45.50"), "reason": RenovationReason.D,
        "poverty_kind": PovertyKind.ALLOWANCE,
    } | more  # fmt: skip


def made(who: Any, place: Any = None, **more: Any) -> Archive:
    """An archive that this account enters."""
    db.session.rollback()  # what was looked at before
    place = place or builders.seat(Level.VILLAGE)
    with acting_as(builders.actor_of(who)), transaction():
        row: Archive = creations.new(ARCHIVE, uuid7(), place.id, values(**more))
    return row


@pytest.fixture
def manager(session: Any) -> Any:
    return builders.account(builders.COUNTY_MANAGER)


def told(who: Any, **more: Any) -> Any:
    """Why another archive is refused."""
    with pytest.raises(Invalid) as refused:
        made(who, **more)
    [problem] = refused.value.problems
    return problem


def test_there_is_one_of_a_number_and_a_year(manager: Any) -> None:
    first = made(manager)
    assert first.unique_key == f"{NUMBER}|2015"
    problem = told(manager, head_name="张三")
    assert (problem.field, problem.code) == ("head_id", "head_id.there")
    assert "张建国" in problem.message
    assert problem.url == f"/archive/{first.id}"
    assert made(manager, plan_year=2016).id != first.id, "another year is another archive"
    nobody = {"head_id": None, "no_number": True, "no_number_why": "未办理"}
    one, other = made(manager, **nobody), made(manager, **nobody)
    assert (one.unique_key, other.unique_key) == (None, None), "who has no number is not the same"

    later = made(manager, plan_year=2017)
    key, version = later.id, later.version
    db.session.rollback()
    with acting_as(builders.actor_of(manager)), transaction(), pytest.raises(Invalid):
        records.save(ARCHIVE, key, values(), version)


def test_of_one_elsewhere_the_county_alone_is_told(manager: Any) -> None:
    far = builders.account(builders.COUNTY_MANAGER, builders.seat(Level.COUNTY, FAR))
    made(far, builders.seat(Level.VILLAGE, FAR))
    problem = told(manager, head_name="李四")
    assert "寻甸" in problem.message
    assert "张建国" not in problem.message
    assert problem.url == ""


def test_who_has_a_dossier_of_the_year_gets_no_archive(manager: Any) -> None:
    there = samples.dossier(head_id=NUMBER, plan_year=2015)
    problem = told(manager)
    assert (problem.field, problem.code) == ("head_id", "head_id.dossier")
    assert problem.url == f"/dossier/{there.id}"
    assert there.head_name in problem.message
    assert made(manager, plan_year=2016).id, "the dossier says nothing of another year"
    far = samples.dossier(
        builders.seat(Level.VILLAGE, FAR), head_id=builders.id_number(902), plan_year=2015
    )
    elsewhere = told(manager, head_id=far.head_id)
    assert (elsewhere.code, elsewhere.url) == ("head_id.dossier", "")
    assert "寻甸" in elsewhere.message
    assert far.head_name not in elsewhere.message


def test_the_form_puts_the_sum_in_and_nothing_else_does(manager: Any) -> None:
    """What is typed there wins: tests/web/register/rules.test.mjs."""
    said = [["field", n] for n in ("subsidy", "xinjiang_aid", "loan", "own_funds")]
    assert ARCHIVE.rules.js()["fields"]["invested"]["suggests"] == ["total", *said]
    row = made(manager, subsidy=Decimal(20_000), own_funds=Decimal(30_000))
    assert row.invested is None


def test_the_household_is_found_by_the_number_and_changes_nothing_of_the_archive(
    manager: Any,
) -> None:
    home = builders.home(builders.seat(Level.VILLAGE), name="张建国")
    number = home.head_id
    assert made(manager).household_id is None
    row = made(manager, head_id=number, plan_year=2016)
    later = made(manager, head_id=number, plan_year=2019)
    assert row.household_id == later.household_id == home.id, "one household has several"
    with unscoped("tests change the list") as session:
        home = session.merge(home)
        home.head_name = "张小国"
        households.refresh(session, home)
        session.commit()
        kept = session.get_one(Archive, row.id)
        assert (kept.head_name, kept.version) == ("张建国", 1)
        households.remove(session, home)
        session.commit()
        assert session.get_one(Archive, row.id, populate_existing=True).household_id is None


def test_the_stage_follows_from_the_dates(manager: Any) -> None:
    row = made(manager)
    assert row.progress == ArchiveStage.APPROVED
    stages = (
        ({"started_on": dt.date(2015, 5, 1)}, ArchiveStage.STARTED),
        ({"completed_on": dt.date(2015, 9, 1)}, ArchiveStage.COMPLETED),
        ({"completed_on": None}, ArchiveStage.STARTED),
        ({"started_on": None}, ArchiveStage.APPROVED),
    )
    for said, stage in stages:
        with acting_as(builders.actor_of(manager)), transaction():
            row = records.save(ARCHIVE, row.id, said, row.version)
        assert row.progress == stage


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        ({}, "grade_d allowance small"),
        ({"old_area": Decimal("60.00")}, "grade_d allowance middle"),
        ({"old_area": Decimal("80.00")}, "grade_d allowance large"),
        ({"old_area": Decimal("79.99")}, "grade_d allowance middle"),
        ({"old_area": None}, "grade_d allowance no_old_area"),
        ({"old_decade": OldDecade.HOUSELESS}, "houseless allowance small"),
        ({"poverty_kind": PovertyKind.DESTITUTE}, "grade_d five_guarantees small"),
        ({"poverty_kind": PovertyKind.DISABLED}, "grade_d other_poor small"),
        ({"poverty_kind": None, "reason": None}, "no_reason no_poverty_kind small"),
    ],
)
def test_the_analysis_counts_each_once(said: dict[str, Any], figures: str) -> None:
    asked = ARCHIVE.rules.visible(values(**said)).values
    analysis = next(table for table in ARCHIVE.tables if table.name == "analysis")
    names = {n for identity in analysis.identities for n in identity.parts}
    assert {n for n in names if ARCHIVE.figures[n].where.test(asked)} == set(figures.split())


def test_a_poor_family_of_disabled_is_one_by_its_kind(manager: Any) -> None:
    row = made(manager, plan_year=2018, poverty_kind=PovertyKind.DISABLED)
    assert row.disabled_poor is True
    assert "disabled_poor.required" not in row.broken, "what follows is not missing"
    assert "disabled_poor.required" in made(manager, plan_year=2019).broken


def test_counters_and_rows_say_the_same(manager: Any) -> None:
    made(manager, subsidy_kind=SubsidyKind.CENTRAL, subsidy=Decimal("20000.50"))
    made(manager, plan_year=2016, started_on=dt.date(2015, 5, 1), completed_on=dt.date(2015, 9, 1))
    with unscoped("tests count") as session:
        live = counters.live_counts(session, ARCHIVE)
        assert live == counters.kept_counts(session, ARCHIVE)
        county = builders.seat(Level.COUNTY).id
        assert (live["recorded", county], live["completed@2016", county]) == (2, 1)
        assert live["recorded@2015/central", county] == 1
        assert live["subsidy@2015/central", county] == 2_000_050, "in hundredths of a yuan"


def stepped(who: Any, key: Any, name: str, **said: Any) -> Any:
    db.session.rollback()
    with acting_as(builders.actor_of(who)), transaction():
        return steps.transition(ARCHIVE, key, name, None, builders.CONTACT, **said).state


def saved(who: Any, key: Any, **said: Any) -> Any:
    db.session.rollback()
    with acting_as(builders.actor_of(who)), transaction():
        row = records.get(ARCHIVE, key)
        return records.save(ARCHIVE, key, said, row.version).state


def reviewed(county: str, wanted: bool, level: Level = Level.COUNTY) -> None:
    with unscoped("tests set") as session:
        key = builders.seat(level, county).id
        session.merge(SettingValue(region_id=key, name="archive.review", value=wanted))
        session.commit()


def test_without_a_review_what_is_saved_counts_and_may_be_sent_back(manager: Any) -> None:
    key = made(manager).id
    city = builders.account(builders.CITY)
    with pytest.raises(Conflict, match="不需要审核"):
        stepped(manager, key, "submit")
    assert saved(manager, key, population=3) == State.DRAFT
    assert stepped(city, key, "rectify", opinion="请核对面积") == State.RECTIFY
    assert saved(manager, key, population=4) == State.DRAFT, "the next save clears it"


def test_a_county_may_want_a_review(manager: Any) -> None:
    key = made(manager).id
    reviewed(builders.COUNTY, wanted=True)
    city = builders.account(builders.CITY)
    assert saved(manager, key, started_on=dt.date(2014, 1, 1)) == State.DRAFT, "errors are saved"
    with pytest.raises(Invalid) as refused:
        stepped(manager, key, "submit")
    assert [p.field for p in refused.value.problems] == ["started_on"], "… and not submitted"
    assert saved(manager, key, started_on=None) == State.DRAFT, "gaps are submitted"
    with pytest.raises(Conflict, match="需要审核"):
        stepped(city, key, "rectify", opinion="请核对")
    assert stepped(manager, key, "submit") == State.SUBMITTED
    with pytest.raises(Conflict):
        saved(manager, key, population=5)
    reviewer = builders.account(builders.COUNTY_REVIEWER)
    assert stepped(reviewer, key, "approve") == State.APPROVED
    assert stepped(city, key, "send_back", opinion="请核对") == State.RECTIFY
    reviewed(builders.COUNTY, wanted=False)
    assert saved(manager, key, population=5) == State.DRAFT, "what a review left is changed freely"


HEADS = "省 市 县 乡镇 村 户主姓名 身份证号 列入计划的年度 农户贫困类型 旧住房建造年代 批准日期 总投资 竣工日期"
PLACE = ("陕西省", "西安市", "蓝田县", "", "")


def book(*rows: tuple[Any, ...], heads: str = HEADS) -> io.BytesIO:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].append(heads.split())
    for row in rows:
        workbook.worksheets[0].append(row)
    file = io.BytesIO()
    workbook.save(file)
    file.seek(0)
    return file


def take(app: Flask, who: Any, file: io.BytesIO) -> dict[str, Any]:
    with acting_as(builders.actor_of(who)):
        start = partial(record_import.start, ARCHIVE)
        job = begin_import(start, file, "档案.xlsx", dry_run=False, whole=False)
    return run(app, job).result or {}


def test_rows_are_matched_by_number_and_year_not_by_the_number_alone(
    app: Flask, manager: Any
) -> None:
    other = builders.id_number(902)
    rest = ("低保户", "无房户", "2019-03-01", "50000", "2019-12-01")
    file = book(
        (*PLACE, "张建国", NUMBER, "2019", *rest),
        (*PLACE, "张建国", NUMBER, "2020", "低保户", "无房户", "2020-03-01", "", ""),
        (*PLACE, "张建国", NUMBER, "2019", *rest),
        (*PLACE, "李四", other, "2019", *rest),
    )
    done = take(app, manager, file)
    assert (done["created"], done["rejected"]) == (3, 1), "the same person and year twice"
    again = take(app, manager, book((*PLACE, "张建国", NUMBER, "2020", *rest)))
    assert (again["created"], again["updated"]) == (0, 1)
    with unscoped("tests look") as session:
        query = select(Archive).where(Archive.head_id == NUMBER).order_by(Archive.plan_year)
        rows = session.scalars(query).all()
    assert [(r.plan_year, r.approved_on.year, r.invested) for r in rows if r.approved_on] == [
        (2019, 2019, Decimal("50000.00")), (2020, 2019, Decimal("50000.00"))
    ]  # fmt: skip
    assert rule(Archive).reason.shown.test({"old_decade": rows[0].old_decade}) is False


@pytest.mark.parametrize("said", ["无", "000000000000000000", "111111111111111111", "9" * 18])
def test_made_up_numbers_of_old_archives_mean_that_there_is_none(
    app: Flask, manager: Any, said: str
) -> None:
    row = (*PLACE, "张建国", said, "2012", "低保户", "无房户", "2012-03-01", "", "")
    assert take(app, manager, book(row))["created"] == 1
    with unscoped("tests look") as session:
        one = session.scalars(select(Archive)).one()
    assert (one.head_id, one.no_number) == (None, True)
    assert one.no_number_why == f"导入的名单填写为“{said}”"
    codes = {p.code for p in ARCHIVE.rules.evaluate(values_of(one)).missing}
    assert not codes & {"head_id.required", "no_number_why.required"}
    one.no_number_why = None
    codes = {p.code for p in ARCHIVE.rules.evaluate(values_of(one)).missing}
    assert "no_number_why.required" in codes, "none needs a reason"


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({}, {"face_shown"}),
        ({"old_decade": OldDecade.HOUSELESS, "old_area": None}, set()),
        (
            {"completed_on": dt.date(2015, 9, 1)},
            {"started_on", "accepted", "invested", "loan", "own_funds", "face_shown"},
        ),
        ({"loan": Decimal(0)}, {"face_shown"}),
    ],
)
def test_what_is_missing_follows_from_the_stage(said: dict[str, Any], missing: set[str]) -> None:
    empty = dict.fromkeys(ARCHIVE.fields) | {n: [] for n in ARCHIVE.file_fields}
    result = ARCHIVE.rules.evaluate(empty | values(**said))
    assert {
        p.field for p in result.problems if p.code.endswith((".missing", ".skipped"))
    } == missing
    assert result.values["loan"] == said.get("loan"), "what is given early stays"


def test_the_interface_makes_or_changes_the_archive_of_a_key(app: Flask, manager: Any) -> None:
    _token, secret = builders.api_token(manager, archive="enter")
    place = builders.seat(Level.VILLAGE).id
    db.session.rollback()

    def post(**body: Any) -> Any:
        said = {"head_name": "张建国", "head_id": NUMBER, "plan_year": 2015} | body.pop(
            "values", {}
        )
        return app.test_client().post(
            "/api/v1/archive", json={"region": place, "values": said} | body,
            headers={"Authorization": f"Bearer {secret}"},
        )  # fmt: skip

    first = post(upsert=True)
    assert first.status_code == 201
    again = post(values={"population": 4}, upsert=True)
    assert (again.status_code, again.json["id"]) == (200, first.json["id"])
    assert again.json["values"]["population"] == 4
    refused = post(values={"population": 5})
    assert refused.status_code == 422
    assert "head_id.there" in refused.text
    assert post(upsert="yes").status_code == 422


# ---- where a county wants a review --------------------------------------------------------------


def test_the_review_is_in_the_menu_where_somebody_wants_one(app: Flask) -> None:
    """Off at first: no menu, no door of what waits to be submitted, no word of it in the help. Once a record
    waits, or the county (or the province, for all) wants it, all are there.
    """
    review, helps = 'href="/archive/review"', "打开“农户档案审核”"
    with app.app_context():
        manager = builders.account(builders.COUNTY_MANAGER)
        row = made(manager)
    hands = Hands(app, builders.sign_in(app, manager))
    page = hands.get("/").text
    assert review not in page
    assert "已录入，待上报" not in page
    assert helps not in hands.get("/help/").text
    for level, wanted in ((Level.PROVINCE, True), (Level.COUNTY, False)):
        with app.app_context():
            reviewed(builders.COUNTY, wanted, level)
        page = hands.get("/").text
        assert (review in page) is wanted
        assert ("已录入，待上报" in page) is wanted
    with app.app_context(), unscoped("tests submit") as session:
        session.get_one(Archive, row.id).state = State.SUBMITTED
        session.commit()
    page = hands.get("/help/").text
    assert (review in page, helps in page) == (True, True)
