"""An import taken back: what it made goes, what it changed is as before, what somebody changed since stays."""

from __future__ import annotations

import datetime as dt
import io
import os
import signal
from decimal import Decimal
from functools import partial
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.access.accounts.notices import Notice, NoticeKind
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import acting_as, showing_hidden, unscoped
from app.core.clock import now, uuid7
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound
from app.core.files.storage import storage
from app.core.jobs import worker
from app.core.jobs.table import Job, JobContext
from app.core.transactions import transaction
from app.kernel.declare.flow import State
from app.kernel.declare.register import all_registers
from app.kernel.exchange.imports import record_import
from app.kernel.exchange.taking_back import images, units
from app.kernel.exchange.taking_back import job as taking_back
from app.kernel.exchange.taking_back.images import ImportImage, ImportRun
from app.kernel.figures import counters
from app.kernel.households import lists
from app.kernel.households.exchange import importing as household_import
from app.kernel.records import hiding
from app.kernel.records import save as records
from app.kernel.rows.household import Household, SearchKey
from app.kernel.rows.record import Draft
from app.modules.archives.choices import ArchiveStage
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from app.modules.craftsmen.model import Craftsman
from app.modules.craftsmen.register import CRAFTSMAN
from app.modules.homes.choices import PriorKind
from app.modules.house_map.earlier import imports as prior_import
from app.modules.house_map.earlier.facts import PriorFact
from app.modules.low_income import imports as low_income_import
from app.modules.low_income.model import LowIncome
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.clicks import begin_import, click
from tests.jobs import run
from tests.kernel.exchange.lists import book, row

Account = Any


@pytest.fixture
def manager(app: Flask, session: Any) -> Account:
    return builders.account(builders.COUNTY_MANAGER)


def take(app: Flask, who: Account, start: Any, file: io.BytesIO) -> Job:
    """An import that this account made."""
    db.session.rollback()
    with acting_as(builders.actor_of(who)):
        job = begin_import(start, file, "名单.xlsx", dry_run=False, whole=False)
    return run(app, job)


def back(app: Flask, who: Account, imported: Job, *, dry_run: bool = False) -> dict[str, Any]:
    """The import taken back by this account, or looked at; the result with the reasons told."""
    db.session.rollback()
    with acting_as(builders.actor_of(who)):
        job = click(taking_back.start, imported.id, dry_run=dry_run, reason="导错了年度")
    done = run(app, job)
    assert_counted()
    return dict(done.result or {}) | {"told": told(done)}


def told(job: Job) -> list[str]:
    """Why rows stay, as the file that is kept says."""
    keys = [file["key"] for file in job.files_of("result")]
    if not keys:
        return []
    with storage().open(keys[0]) as file:
        sheet = openpyxl.load_workbook(io.BytesIO(file.read())).worksheets[0]
    return [str(line[-1].value) for line in sheet.iter_rows(min_row=2)]


def assert_counted() -> None:
    """Counters say what the rows say, of every register."""
    with unscoped("tests count") as session:
        for register in all_registers():
            live = counters.live_counts(session, register)
            assert live == counters.kept_counts(session, register), register.name


def counts(result: dict[str, Any]) -> dict[str, int]:
    return {name: result[name] for name in taking_back.OUTCOMES if result[name]}


def there(model: Any) -> int:
    with unscoped("tests look") as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def homes() -> dict[str, Household]:
    with unscoped("tests look") as session:
        return {home.issued_name: home for home in session.scalars(select(Household))}


household = household_import.start


@pytest.mark.both_databases
def test_what_a_list_made_goes_and_what_it_changed_is_as_before(
    app: Flask, manager: Account
) -> None:
    take(app, manager, household, book([row(1, phone="13909180001"), row(2, village="")]))
    before = {n: {f: getattr(h, f) for f in h.__fields__} for n, h in homes().items()}
    keys = there(SearchKey)
    second = [row(1, phone="13909189999"), row(2, population="3"), row(3), row(4)]
    imported = take(app, manager, household, book(second))
    assert {n: (imported.result or {})[n] for n in ("created", "updated")} == {
        "created": 2, "updated": 2
    }  # fmt: skip
    looked = back(app, manager, imported, dry_run=True)
    assert counts(looked) == {"gone": 2, "restored": 2}
    assert there(Household) == 4, "a look writes nothing"
    assert counts(back(app, manager, imported)) == {"gone": 2, "restored": 2}
    after = {n: {f: getattr(h, f) for f in h.__fields__} for n, h in homes().items()}
    assert after == before
    assert (there(SearchKey), there(Lookback)) == (keys, 2)
    with unscoped("tests look") as session:
        acts = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.TAKE_BACK)).all()
        assert [(a.detail or {})["reason"] for a in acts] == ["导错了年度"]
        deleted = select(AuditEntry).where(AuditEntry.act == Act.DELETE)
        assert {(a.detail or {})["taken_back"] for a in session.scalars(deleted)} == {
            str(imported.id)
        }
    assert there(ImportImage) == 2 * 2, "the images of the first list alone are left"
    with acting_as(builders.actor_of(manager)), pytest.raises(Conflict, match="都已撤回"):
        click(taking_back.start, imported.id, dry_run=False, reason="再来")


def test_what_somebody_changed_since_stays_and_is_told(app: Flask, manager: Account) -> None:
    imported = take(app, manager, household, book([row(n) for n in range(1, 6)]))
    with acting_as(builders.actor_of(manager)):
        surveys = db.session.scalars(select(Lookback).order_by(Lookback.head_name)).all()
        by_name = {one.head_name: one for one in surveys}
        first = by_name["王一"]
        with transaction():
            records.save(LOOKBACK, first.id, {"died": True}, first.version)
        with transaction():
            home = db.session.get_one(Household, by_name["王二"].household_id)
            home.phone = "13909187777"
        with transaction():
            db.session.add(
                Draft(account_id=uuid7(), record_id=by_name["王三"].id, register="lookback",
                      base_version=1, values={})
            )  # fmt: skip
        with transaction():
            builders.attach(by_name["王四"], "front_photos")
    result = back(app, manager, imported)
    assert counts(result) == {"gone": 1, "stays": 4}
    assert homes().keys() == {"王一", "王二", "王三", "王四"}
    reasons = "\n".join(result["told"])
    for said in ("导入后已被修改", "有人正在填写", "导入后上传了照片或材料"):
        assert said in reasons
    again = back(app, manager, imported)
    assert counts(again) == {"stays": 4}, "what stays may be tried again"


def test_what_left_the_area_stays(app: Flask, manager: Account) -> None:
    imported = take(app, manager, household, book([row(1), row(2)]))
    far = builders.below(builders.region("610124"), Level.VILLAGE)
    with unscoped("a move of divisions") as session:
        home = session.scalars(select(Household).where(Household.issued_name == "王一")).one()
        for model in (Household, Lookback, SearchKey):
            mine = model.id if model is Household else model.household_id
            for one in session.scalars(select(model).where(mine == home.id)):
                one.region_id = far.id
        session.commit()
    result = back(app, manager, imported)
    assert counts(result) == {"gone": 1, "stays": 1}
    assert result["told"] == ["已不在您的管辖范围内。"]


@pytest.mark.both_databases
def test_killed_half_way_it_goes_on_and_does_nothing_twice(
    app: Flask, manager: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = take(app, manager, household, book([row(n) for n in range(1, 7)]))
    monkeypatch.setattr(taking_back, "_UNITS_A_COMMIT", 2)
    with acting_as(builders.actor_of(manager)):
        job = click(taking_back.start, imported.id, dry_run=False, reason="导错")
        with pytest.raises(Conflict, match="正在撤回"):
            click(taking_back.start, imported.id, dry_run=False, reason="导错")
    key = job.id
    db.session.remove()
    db.engine.dispose()  # the child has connections of its own
    child = os.fork()
    if child == 0:  # a worker of its own, which dies after its first transaction
        db.engine.dispose(close=False)
        monkeypatch.setattr(JobContext, "progress", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        worker.work(app, once=True)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert there(Household) == 4
    with unscoped("the heart stopped") as session:
        session.execute(update(Job).values(heartbeat=now() - dt.timedelta(minutes=5)))
        session.commit()
    job = db.session.get_one(Job, key)
    db.session.commit()
    done = run(app, job)
    assert counts(done.result or {}) == {"gone": 6}
    assert (there(Household), there(SearchKey), there(ImportImage)) == (0, 0, 0)
    with unscoped("tests look") as session:
        found = session.scalars(select(ImportRun)).one()
        assert (found.gone, found.remaining) == (6, 0)
    assert_counted()


def test_who_may_import_there_may_take_back(app: Flask, manager: Account) -> None:
    imported = take(app, manager, household, book([row(1), row(2)]))
    far = builders.account(builders.COUNTY_MANAGER, builders.seat(Level.COUNTY, "530129"))
    reader = builders.account(builders.COUNTY_READER)
    for who in (far, reader):
        with acting_as(builders.actor_of(who)), pytest.raises(NotFound):
            click(taking_back.start, imported.id, dry_run=True, reason="")
    with acting_as(builders.actor_of(manager)), pytest.raises(BadInput, match="撤回原因"):
        click(taking_back.start, imported.id, dry_run=False, reason=" ")
    city = builders.account(builders.CITY)
    assert counts(back(app, city, imported)) == {"gone": 2}
    with unscoped("tests look") as session:
        notice = session.scalars(select(Notice).where(Notice.kind == NoticeKind.TAKEN_BACK)).one()
        assert notice.region_id == manager.region_id
        assert "导错了年度" in notice.text


def test_after_30_days_it_says_why_not_and_what_was_before_is_gone(
    app: Flask, manager: Account
) -> None:
    imported = take(app, manager, household, book([row(1)]))
    with unscoped("the days go by") as session:
        session.execute(update(ImportRun).values(expires=now() - dt.timedelta(days=1)))
        session.commit()
    with acting_as(builders.actor_of(manager)), pytest.raises(Conflict, match="30 天"):
        click(taking_back.start, imported.id, dry_run=True, reason="")
    with transaction():
        job = Job(id=uuid7(), kind="imports.images", args={}, files=[])
        db.session.add(job)
    assert run(app, job).result == {"imports": 1}
    assert (there(ImportImage), there(Household)) == (0, 1)


def survey_book(*rows: dict[str, Any]) -> io.BytesIO:
    heads = list(dict.fromkeys(name for one in rows for name in one))
    made = openpyxl.Workbook()
    made.worksheets[0].append(heads)
    for one in rows:
        made.worksheets[0].append([one.get(head) for head in heads])
    file = io.BytesIO()
    made.save(file)
    file.seek(0)
    return file


def test_forms_of_a_register_are_as_before(app: Flask, manager: Account) -> None:
    take(app, manager, household, book([row(1), row(2)]))
    start = partial(record_import.start, LOOKBACK)
    rows = [
        {"户主姓名": f"王{'一二'[n]}", "身份证号": builders.id_number(n + 1), "是否死亡销户": "是"}
        for n in range(2)
    ]
    imported = take(app, manager, start, survey_book(*rows))
    assert (imported.result or {})["created"] == 2
    assert counts(back(app, manager, imported)) == {"restored": 2}
    with unscoped("tests look") as session:
        for one in session.scalars(select(Lookback)):
            assert (one.died, one.state) == (None, State.MISSING)
    imported = take(app, manager, start, survey_book(*rows))
    assert (imported.result or {})["created"] == 2, "it can be imported again"


def test_records_that_users_make_go_as_if_deleted(app: Flask, manager: Account) -> None:
    start = partial(record_import.start, CRAFTSMAN)
    place = {"省": "陕西省", "市": "西安市", "县": "蓝田县"}
    known = place | {
        "是否带头工匠": "是",
        "是否获得职业资格认定或其他职业认定": "否",
        "工种": "瓦工",
    }
    one = known | {"姓名": "王建军", "身份证号": builders.id_number(811), "联系电话": "13909180001"}
    other = known | {"姓名": "李强", "身份证号": builders.id_number(812), "联系电话": "13909180002"}
    take(app, manager, start, survey_book(one))
    imported = take(app, manager, start, survey_book(one | {"联系电话": "13909180009"}, other))
    assert {n: (imported.result or {})[n] for n in ("created", "updated")} == {
        "created": 1, "updated": 1
    }  # fmt: skip
    assert counts(back(app, manager, imported)) == {"gone": 1, "restored": 1}
    with unscoped("tests look") as session:
        [left] = session.scalars(select(Craftsman)).all()
        assert (left.name, left.phone) == ("王建军", "13909180001")
        deleted = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.DELETE)).one()
        assert deleted.register == "craftsman"


def test_archives_are_hidden_and_what_was_changed_is_as_before(
    app: Flask, manager: Account
) -> None:
    start = partial(record_import.start, ARCHIVE)
    place = {"省": "陕西省", "市": "西安市", "县": "蓝田县", "列入计划的年度": "2012"}
    rows = [
        place | {"户主姓名": f"张{n}", "身份证号": builders.id_number(n), "总投资": "1000.50"}
        for n in range(3)
    ]
    take(app, manager, start, survey_book(rows[0]))
    changed = rows[0] | {"总投资": "2000", "竣工日期": "2012-09-01"}
    imported = take(app, manager, start, survey_book(changed, *rows[1:]))
    with acting_as(builders.actor_of(manager)):
        third = db.session.scalars(select(Archive).where(Archive.head_name == "张2")).one()
        key, version = third.id, third.version
        db.session.rollback()
        click(hiding.hide, ARCHIVE, key, version, "重复录入")
    assert counts(back(app, manager, imported)) == {"gone": 1, "restored": 1, "absent": 1}
    with unscoped("tests look") as session, showing_hidden():
        known = {one.head_name: one for one in session.scalars(select(Archive))}
    first = known["张0"]
    assert (first.invested, first.completed_on, first.progress) == (
        Decimal("1000.50"), None, ArchiveStage.APPROVED
    )  # fmt: skip
    assert (known["张1"].hidden_why, known["张1"].unique_key) == ("导错了年度", None)
    assert known["张2"].hidden_why == "重复录入"


def test_what_came_onto_a_second_list_leaves_it(app: Flask, manager: Account) -> None:
    take(app, manager, household, book([row(1)]))
    imported = take(app, manager, low_income_import.start, book([row(1), row(2)]))
    assert there(LowIncome) == 2
    assert counts(back(app, manager, imported)) == {"gone": 1, "restored": 1}
    assert there(LowIncome) == 0
    [home] = homes().values()
    assert (home.poverty_exit, home.low_income) == (True, False)


def test_earlier_results_and_those_that_were_there(app: Flask, manager: Account) -> None:
    number = builders.id_number(1)
    known = {"来源": next(iter(PriorKind)).zh, "日期": "2020-05-01", "身份证号": number}
    take(app, manager, prior_import.start, survey_book(known | {"建筑层数": "1"}))
    rows = survey_book(known | {"建筑层数": "2"}, known | {"日期": "2021-05-01", "建筑层数": "3"})
    imported = take(app, manager, prior_import.start, rows)
    assert counts(back(app, manager, imported)) == {"gone": 1, "restored": 1}
    with unscoped("tests look") as session:
        assert session.scalars(select(PriorFact.storeys)).all() == [1]


def test_what_a_rule_refuses_stays_whole(
    app: Flask, manager: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = take(app, manager, household, book([row(1), row(2)]))
    remove = units.Units._remove

    def refuse(self: units.Units, one: Any) -> None:
        remove(self, one)
        db.session.flush()
        if getattr(one, "issued_name", "") == "王一":
            raise Conflict("另有规定。")

    monkeypatch.setattr(units.Units, "_remove", refuse)
    result = back(app, manager, imported)
    assert (counts(result), result["told"]) == ({"gone": 1, "stays": 1}, ["另有规定。"])
    assert (homes().keys(), there(Lookback)) == ({"王一"}, 1)


def test_a_row_deleted_since_is_no_trouble(app: Flask, manager: Account) -> None:
    imported = take(app, manager, household, book([row(1), row(2)]))
    with unscoped("somebody deletes") as session:
        lists.remove(session, session.merge(homes()["王一"]))
        session.commit()
    assert counts(back(app, manager, imported)) == {"gone": 1, "absent": 1}


SAMPLES: dict[str, Any] = {
    "Date": dt.date(2020, 2, 29),
    "UtcDateTime": dt.datetime(2026, 1, 2, 3, 4, 5, 678901, dt.UTC),
    "Numeric": Decimal("1234567890.12"),
    "CodeSetType": ("a", "b"),
    "UuidType": uuid7(),
    "Boolean": False,
    "Integer": 0,
    "Float": 109.123456,
    "NfcText": "王",
}


def test_values_come_back_exactly(app: Flask, manager: Account) -> None:
    """Whatever a column holds: JSON keeps it and gives it back."""
    for model in images._models().values():
        for name, column in db.inspect(model).columns.items():
            sample = SAMPLES.get(type(column.type).__name__)
            if sample is not None:
                assert images._meant(column.type, images._told(sample)) == sample, (model, name)
