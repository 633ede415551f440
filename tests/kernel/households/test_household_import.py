"""The import of a list of households: spec 08's table line by line, twice, corrected, killed."""

from __future__ import annotations

import datetime as dt
import io
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import Connection, Table, func, select, update
from sqlalchemy.exc import IntegrityError

from app.access.account import Account
from app.access.actor import Actor
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.match import Finder
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.core.clock import now
from app.core.db import db, read_only
from app.core.errors import Forbidden
from app.core.files.storage import storage
from app.core.jobs import worker
from app.core.jobs.table import Job, JobState
from app.kernel.declare import choice_lists
from app.kernel.declare.flow import State
from app.kernel.exchange.cells import Computed
from app.kernel.exchange.columns import COLUMNS
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports.heads import row_text
from app.kernel.exchange.imports.notes import ImportNote
from app.kernel.exchange.imports.pipeline import OUTCOMES
from app.kernel.exchange.writer import Book, Column
from app.kernel.figures import counters
from app.kernel.households.exchange import importing as household_import
from app.kernel.households.exchange import write
from app.kernel.households.exchange.list import Checker
from app.kernel.rows.household import Finding, Household, SearchKey, Sex
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.clicks import begin_import
from tests.kernel.exchange.lists import HEADS, Row, book, row
from tests.running import programs
from tools.programs import flask

#: Rows of a file and what is said of them; what a kill leaves is asked of both.
pytestmark = pytest.mark.one_database


class Desk:
    """A county manager who imports lists."""

    def __init__(self, app: Flask, account: Account) -> None:
        self.app, self.account = app, account

    @property
    def actor(self) -> Actor:
        return builders.actor_of(self.account)

    def send(self, file: io.BytesIO, *, dry_run: bool = False, whole: bool = False) -> Job:
        with acting_as(self.actor):
            return begin_import(
                household_import.start, file, "名单.xlsx", dry_run=dry_run, whole=whole
            )

    def take(self, file: io.BytesIO, **options: bool) -> tuple[dict[str, Any], Job]:
        sent = self.send(file, **options)
        claimed = worker.claim(sent.id)
        assert claimed is not None
        worker.run(self.app, claimed, threading.Event())
        job = db.session.get(Job, sent.id, populate_existing=True)
        assert job is not None
        db.session.commit()
        return job.result or {}, job

    def counts(self, rows: list[Row], **options: bool) -> dict[str, int]:
        result, _ = self.take(book(rows), **options)
        return {name: result[name] for name in OUTCOMES if result[name]}


@pytest.fixture
def desk(app: Flask, session: Any) -> Desk:
    return Desk(app, builders.account(builders.COUNTY_MANAGER))


def households() -> list[Household]:
    with unscoped("tests look at everything") as session:
        return list(session.scalars(select(Household).order_by(Household.issued_name)))


def notes(job: Job) -> list[str]:
    found = [
        f"{column}: {message}" for n in import_notes.notes_of(job.id) for column, message in n.notes
    ]
    db.session.rollback()
    return found


def test_a_faultless_row_becomes_a_household_with_its_survey(desk: Desk) -> None:
    assert desk.counts([row()]) == {"created": 1}
    (home,) = households()
    assert (home.issued_name, home.head_name, home.issued_id) == (
        "王一",
        "王一",
        builders.id_number(1),
    )
    assert (home.sex, home.population, home.exit_year) == (Sex.FEMALE, 5, 2019)
    assert (home.ethnicity, home.phone, home.village_group) == ("01", "13909180001", "八组")
    assert not home.findings
    with unscoped("tests look at everything") as session:
        village = session.get(Region, home.region_id)
        assert village is not None
        assert (village.level, village.name) == (Level.VILLAGE, "秦谷村委会")
        assert (home.path, home.county_id) == (village.path, village.county_id)
        (survey,) = session.scalars(select(LOOKBACK.model))
        assert (survey.household_id, survey.state) == (home.id, State.MISSING)
        assert (survey.head_name, survey.head_id, survey.path) == (
            "王一",
            home.issued_id,
            home.path,
        )
        keys = set(session.scalars(select(SearchKey.value)))
        assert keys == {"王一", home.issued_id}
        assert counters.live_counts(session, LOOKBACK) == counters.kept_counts(session, LOOKBACK)
        assert counters.total(session, LOOKBACK, "total", desk.account.path) == 1


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"head_name": " 田　翠素 "}, "issued_name", "田翠素"),
        ({"head_name": "张三（户主）"}, "issued_name", "张三"),
        ({"head_name": "买合木提•艾力"}, "issued_name", "买合木提·艾力"),
        ({"id_number": "６１０１２２１９７００１０１００２４"}, "issued_id", "610122197001010024"),
        ({"id_number": "61012219700101018x"}, "issued_id", "61012219700101018X"),
        ({"phone": "１３９ 0918-0001"}, "phone", "13909180001"),
        ({"population": "5人"}, "population", 5),
        ({"exit_year": "2019年"}, "exit_year", 2019),
        ({"exit_year": "2019-12-31"}, "exit_year", 2019),
        ({"head_name": "赵\ue863"}, "issued_name", "赵䶮"),
        ({"ethnicity": "汉"}, "ethnicity", "01"),
        ({"village_group": " 八组 "}, "village_group", "八组"),
    ],
)
def test_spellings_are_mended(desk: Desk, changes: dict[str, str], column: str, value: Any) -> None:
    assert desk.counts([row(**changes)]) == {"created": 1, "mended": 1}
    assert getattr(households()[0], column) == value


@pytest.mark.parametrize("village", ["秦谷村", "秦谷", "秦谷 村委会", "秦谷村民委员会"])
def test_a_village_may_be_written_differently(desk: Desk, village: str) -> None:
    assert desk.counts([row(village=village)]) == {"created": 1, "mended": 1}
    with unscoped("tests look at everything") as session:
        assert session.get_one(Region, households()[0].region_id).name == "秦谷村委会"


@pytest.mark.parametrize(
    ("changes", "level", "written", "words"),
    [
        ({"village": "幸福新村"}, Level.TOWN, "灞源镇 幸福新村", "没有唯一对应“幸福新村”的村"),
        ({"village": ""}, Level.TOWN, "灞源镇", "村为空"),
        ({"town": ""}, Level.COUNTY, "秦谷村委会", "乡镇为空"),
        ({"town": "没有镇"}, Level.COUNTY, "没有镇 秦谷村委会", "没有“没有镇”"),
    ],
)
def test_without_a_village_it_goes_in_flagged(
    desk: Desk, changes: dict[str, str], level: Level, written: str, words: str
) -> None:
    result, job = desk.take(book([row(**changes)]))
    assert (result["created"], result["flagged"]) == (1, 1)
    (home,) = households()
    assert tuple(home.findings) == (Finding.NO_VILLAGE.value,)
    assert home.place_written == written
    assert words in notes(job)[0]
    with unscoped("tests look at everything") as session:
        assert session.get_one(Region, home.region_id).level == level


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"id_number": ""}, Finding.ID_MISSING),
        ({"id_number": "无"}, Finding.ID_MISSING),
        ({"id_number": "610122197001010029"}, Finding.ID_WRONG),
        ({"id_number": "610121198102319392"}, Finding.ID_WRONG),
        ({"id_number": "61012219380127078241"}, Finding.ID_WRONG),
        ({"sex": "男"}, Finding.SEX_MISMATCH),
        ({"phone": ""}, Finding.PHONE_MISSING),
        ({"phone": "00000000000"}, Finding.PHONE_MISSING),
        ({"phone": "12345"}, Finding.PHONE_ODD),
    ],
)
def test_doubtful_rows_go_in_flagged(desk: Desk, changes: dict[str, str], finding: Finding) -> None:
    assert desk.counts([row(**changes)]) == {"created": 1, "flagged": 1}
    (home,) = households()
    assert tuple(home.findings) == (finding.value,)
    if number := changes.get("id_number", "").strip("无"):
        assert home.issued_id == number


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"head_name": "  "}, "姓名为空"),
        ({"head_name": "=SUM(A1:A2)"}, "公式不能导入"),
        ({"id_number": "6.10122E+17"}, "Excel 已丢失末尾几位"),
        ({"county": ""}, "县级行政区划为空"),
        ({"county": "没有县"}, "没有找到"),
        ({"county": "周至县", "town": "", "village": ""}, "不在您的管辖范围内"),
        ({"id_number": "1" * 40}, "过长"),
        ({"head_name": "王" * 70}, "姓名"),
    ],
)
def test_rows_that_cannot_go_in_say_why(desk: Desk, changes: dict[str, str], words: str) -> None:
    result, job = desk.take(book([row(1), row(2, **changes)]))
    assert (result["created"], result["rejected"]) == (1, 1)
    assert words in "".join(notes(job))
    assert len(households()) == 1


def test_one_number_under_two_names_is_rejected_both_times(desk: Desk) -> None:
    number = builders.id_number(1)
    rows = [row(1), row(2, id_number=number), row(3)]
    result, job = desk.take(book(rows))
    assert (result["created"], result["rejected"]) == (1, 2)
    assert "与第3行（王二）" in notes(job)[0]
    assert "与第2行（王一）" in notes(job)[-1]


def test_one_row_twice_is_one_household(desk: Desk) -> None:
    rows = [row(1), row(1), row(2, id_number=""), row(2, id_number="")]
    for options in ({"dry_run": True}, {}):
        counts = desk.counts(rows, **options)
        assert counts == {"created": 2, "unchanged": 2, "flagged": 2}
    assert len(households()) == 2


def test_a_person_listed_elsewhere_is_rejected_without_telling_where(desk: Desk) -> None:
    there = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    builders.household(there, name="赵高", number=builders.id_number(1))
    result, job = desk.take(book([row(1)]))
    assert result["rejected"] == 1
    assert notes(job) == ["id_number: 该身份证号已在其他地区的名单中。"]


def test_a_number_listed_here_under_another_name_names_the_household(desk: Desk) -> None:
    builders.household(name="赵高", number=builders.id_number(1))
    result, job = desk.take(book([row(1)]))
    assert result["rejected"] == 1
    assert "户主赵高" in notes(job)[0]


@pytest.mark.both_databases
def test_the_same_file_twice_makes_nothing_twice(desk: Desk) -> None:
    rows = [
        row(1), row(2, id_number="", phone="无"), row(3, town="", village=""),
        row(4, id_number="610122197001010029"), row(5, head_name="张三（户主）"),
    ]  # fmt: skip
    assert desk.counts(rows) == {"created": 5, "mended": 1, "flagged": 3}
    assert desk.counts(rows) == {"unchanged": 5, "mended": 1, "flagged": 3}
    assert len(households()) == 5


def test_a_later_list_updates_and_says_so_in_the_audit_log(desk: Desk) -> None:
    desk.counts([row(1), row(2)])
    assert desk.counts([row(1, phone="13700000000", population="6"), row(2)]) == {
        "updated": 1, "unchanged": 1,
    }  # fmt: skip
    first = households()[0]
    assert (first.phone, first.population) == ("13700000000", 6)
    with unscoped("tests look at everything") as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.UPDATE)).one()
        assert entry.detail["changes"]["phone"] == ["13909180001", "13700000000"]
        imports = list(session.scalars(select(AuditEntry).where(AuditEntry.act == Act.IMPORT)))
        assert [e.detail["created"] for e in imports] == [2, 0]
        assert imports[0].account_id == desk.account.uuid


def marked(job: Job) -> Any:
    (file,) = job.files_of("result")
    with storage().open(file["key"]) as stored:
        return openpyxl.load_workbook(io.BytesIO(stored.read()))


def test_the_marked_workbook_can_be_corrected_and_imported_again(desk: Desk) -> None:
    rows = [
        row(1), row(2, id_number="", phone="无"), row(3, town="", village=""),
        row(4, id_number="610122197001010029"), row(5, head_name="=A1"), row(6, phone="123"),
    ]  # fmt: skip
    result, job = desk.take(book(rows))
    assert (result["created"], result["rejected"], result["flagged"]) == (5, 1, 4)
    workbook = marked(job)
    sheet = workbook.active
    heads = [cell.value for cell in sheet[1]]
    assert heads == [*HEADS, "原行号", "处理结果", "问题说明", "农户编号"]
    commented = {
        (cell.row, heads[cell.column - 1]): cell.comment.text
        for line in sheet.iter_rows(min_row=2)
        for cell in line
        if cell.comment
    }
    assert {(n, head) for n, head in commented} == {
        (2, "身份证号"), (2, "联系电话"), (3, "乡（镇）"), (4, "身份证号"), (5, "户主姓名"),
        (6, "联系电话"),
    }  # fmt: skip
    assert [line[13].value for line in sheet.iter_rows(min_row=2)] == ["3", "4", "5", "6", "7"]

    def fix(line: int, head: str, value: str) -> None:
        sheet.cell(line, heads.index(head) + 1).value = value

    fix(2, "身份证号", builders.id_number(2))
    fix(2, "联系电话", "13909189999")  # together they would change every key but the number
    fix(3, "乡（镇）", "灞源镇")
    fix(3, "村", "秦谷村")
    fix(4, "身份证号", builders.id_number(4))
    fix(5, "户主姓名", "王五")
    fix(6, "联系电话", "13909180006")
    corrected = io.BytesIO()
    workbook.save(corrected)
    corrected.seek(0)
    again, last = desk.take(corrected)
    assert {n: again[n] for n in OUTCOMES} == {
        "created": 1, "updated": 4, "unchanged": 0, "rejected": 0, "mended": 1, "flagged": 0,
    }, notes(last)  # fmt: skip
    assert again["workbook"] is None
    homes = {home.issued_name: home for home in households()}
    assert len(homes) == 6
    assert not any(home.findings for home in homes.values())
    second = homes["王二"]
    assert (second.issued_id, second.corrected_id, second.head_id) == (
        None, builders.id_number(2), builders.id_number(2),
    )  # fmt: skip
    assert homes["王四"].issued_id == "610122197001010029"
    assert homes["王三"].path.count(".") == homes["王一"].path.count(".")
    with unscoped("tests look at everything") as session:
        survey = session.scalars(
            select(LOOKBACK.model).where(LOOKBACK.model.household_id == second.id)
        ).one()
        assert survey.head_id == builders.id_number(2)
        assert counters.live_counts(session, LOOKBACK) == counters.kept_counts(session, LOOKBACK)
    corrected.seek(0)
    assert desk.take(corrected)[0]["unchanged"] == 5
    # and the first list, still wrong, finds the households that were put right
    assert desk.counts(rows) == {"unchanged": 5, "rejected": 1, "flagged": 4}


def test_a_slipped_household_key_is_refused(desk: Desk) -> None:
    _, job = desk.take(book([row(1, phone=""), row(2, phone="")]))
    workbook = marked(job)
    sheet = workbook.active
    sheet["Q2"].value, sheet["Q3"].value = sheet["Q3"].value, sheet["Q2"].value
    slipped = io.BytesIO()
    workbook.save(slipped)
    slipped.seek(0)
    result, job = desk.take(slipped)
    assert result["rejected"] == 2
    assert sum("农户编号与该户不符" in note for note in notes(job)) == 2


def test_a_household_stays_in_its_village(desk: Desk) -> None:
    desk.counts([row(1)])
    before = households()[0].path
    result, job = desk.take(book([row(1, village="磨岔村委会")]))
    assert (result["unchanged"], result["flagged"]) == (1, 1)
    assert "迁户" in notes(job)[0]
    assert households()[0].path == before


def test_a_dry_run_writes_nothing_and_tells_the_same(desk: Desk) -> None:
    rows = [row(1), row(2, phone=""), row(3, county="没有县"), row(4, head_name=" 王 四 ")]
    planned = desk.counts(rows, dry_run=True)
    assert households() == []
    with unscoped("tests look at everything") as session:
        assert session.scalar(select(func.count()).select_from(SearchKey)) == 0
        assert counters.kept_counts(session, LOOKBACK) == {}
    assert desk.counts(rows) == planned == {"created": 3, "rejected": 1, "mended": 1, "flagged": 1}


@pytest.mark.both_databases
def test_all_or_nothing(desk: Desk) -> None:
    rows = [row(1), row(2, county="没有县")]
    assert desk.counts(rows, whole=True) == {"rejected": 1}
    assert households() == []
    assert desk.counts([row(1), row(2, phone="")], whole=True) == {"created": 2, "flagged": 1}
    assert len(households()) == 2


@pytest.mark.parametrize(
    ("heads", "words"),
    [
        (["甲", "乙"], "没有找到表头"),
        (["县", "身份证号", "乡镇"], "只认出“县”、“身份证号”、“乡镇”，还缺“户主姓名”"),
        (
            ["所属组", "户主姓名", "身份证号码"],
            "只认出“户主姓名”、“身份证号码”，还缺“乡（镇）”、“村”",
        ),
        ([*HEADS, "身份证号"], "“身份证号”列出现了2次"),
        (["户主", "姓名", *HEADS[:6]], "“户主”、“姓名”都是“户主姓名”列"),
    ],
)
def test_a_file_without_the_right_head_is_refused(desk: Desk, heads: list[str], words: str) -> None:
    result, job = desk.take(book([row(1)], heads))
    assert (result, job.state) == ({}, JobState.FAILED)
    assert words in job.message


def test_heads_may_be_written_otherwise_and_a_title_stand_above(desk: Desk) -> None:
    made = io.BytesIO()
    heads = ["姓名*", "身份证号码", "区县", "乡镇", "行政村", "备注"]
    line = ["王一", builders.id_number(1), "蓝田县", "灞源镇", "秦谷村委会", "=1+1"]
    with Book(made) as writer:
        writer.table("名单", [Column((head,)) for head in heads], [line], title="蓝田县名单")
    made.seek(0)
    result, _ = desk.take(made)
    assert (result["created"], result["flagged"]) == (1, 1)  # the phone is missing


def test_a_chunk_that_meets_another_import_is_decided_anew_and_counted_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_rows, met = write.insert_rows, []

    def meet(connection: Connection, table: Table, rows: list[Any]) -> None:
        if not met:
            met.append(table.name)
            raise IntegrityError("INSERT", {}, Exception("somebody was there first"))
        insert_rows(connection, table, rows)

    monkeypatch.setattr(write, "insert_rows", meet)
    assert desk.counts([row(1), row(2)]) == {"created": 2}
    assert met == ["household"]
    with unscoped("tests look at everything") as session:
        assert counters.live_counts(session, LOOKBACK) == counters.kept_counts(session, LOOKBACK)
        assert counters.total(session, LOOKBACK, "total", desk.account.path) == 2


def test_only_who_may_import_imports(desk: Desk) -> None:
    with builders.acting(builders.TOWN_MANAGER), pytest.raises(Forbidden):
        begin_import(household_import.start, book([row(1)]), "名单.xlsx", dry_run=True, whole=False)
    job = desk.send(book([row(1)]))
    db.session.execute(update(Account).where(Account.id == desk.account.id).values(active=False))
    db.session.commit()
    claimed = worker.claim(job.id)
    assert claimed is not None
    worker.run(desk.app, claimed, threading.Event())
    refused = db.session.get(Job, job.id, populate_existing=True)
    assert refused is not None
    assert refused.state == JobState.FAILED
    db.session.commit()
    assert households() == []


def test_notes_go_with_the_job(desk: Desk) -> None:
    _, job = desk.take(book([row(1, phone="")]))
    db.session.execute(update(Job).values(expires=now() - dt.timedelta(1)))
    db.session.commit()
    assert worker.keep_house() == 1
    assert db.session.scalar(select(func.count()).select_from(ImportNote)) == 0
    with pytest.raises(Exception, match="不存在或已过期"):
        storage().open(job.files_of("result")[0]["key"])


@pytest.mark.both_databases
def test_statements_do_not_grow_with_rows(desk: Desk, count_statements: Callable[..., int]) -> None:
    few = count_statements(lambda: desk.counts([row(n) for n in range(1, 5)]))
    many = count_statements(lambda: desk.counts([row(n) for n in range(10, 500)]))
    assert many <= few


@pytest.fixture
def count_statements(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], Any]], int]:
    from sqlalchemy import event

    # A job asks for the lists of choices anew every so many seconds: here once in each count.
    monkeypatch.setattr(choice_lists, "_KEEP_SECONDS", math.inf)

    def count(act: Callable[[], Any]) -> int:
        choice_lists.forget()
        seen, here = [], threading.get_ident()

        def note(*args: Any) -> None:
            if threading.get_ident() == here:  # heartbeats come from another, by the clock
                seen.append(args[2])

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            act()
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    return count


@pytest.mark.both_databases
def test_an_import_survives_kill_9(desk: Desk, app: Flask, tmp_path: Path) -> None:
    rows = [row(n) for n in range(1, 6001)]
    job_id = desk.send(book(rows)).id
    url = app.config["SQLALCHEMY_DATABASE_URI"].replace("postgresql+psycopg", "postgresql")
    environment = os.environ | {
        "DATABASE_URL": url, "STORAGE_DIR": app.config["STORAGE_DIR"], "SECRET_KEY": "only for tests",
        "FLASK_APP": "app:create_app",
    }  # fmt: skip
    command = ("jobs", "work", "--once")

    def written() -> int:
        with unscoped("tests look at everything") as session:
            return session.scalar(select(func.count()).select_from(Household)) or 0

    first = programs.start(flask, environment, tmp_path / "log", *command)
    end = time.monotonic() + 60
    while not written():
        assert time.monotonic() < end
        assert first.exitcode is None
        time.sleep(0.02)
    first.kill()
    first.join()
    left = written()
    assert 0 < left < 6000
    assert left % 1000 == 0
    old = now() - dt.timedelta(minutes=1)
    db.session.execute(update(Job).where(Job.id == job_id).values(heartbeat=old))
    db.session.commit()
    assert programs.run(environment, *command).returncode == 0
    job = db.session.get(Job, job_id, populate_existing=True)
    assert job is not None
    db.session.commit()
    assert (job.state, job.attempt) == (JobState.DONE, 2)
    assert {n: job.result[n] for n in OUTCOMES} == {
        "created": 6000, "updated": 0, "unchanged": 0, "rejected": 0, "mended": 0, "flagged": 0,
    }  # fmt: skip
    assert written() == 6000
    with unscoped("tests look at everything") as session:
        assert session.scalar(select(func.count(func.distinct(Household.issued_id)))) == 6000
        assert session.scalar(select(func.count()).select_from(LOOKBACK.model)) == 6000
        assert counters.live_counts(session, LOOKBACK) == counters.kept_counts(session, LOOKBACK)


def test_every_sheet_with_a_head_is_read_and_what_is_not_is_named(desk: Desk) -> None:
    made = io.BytesIO()
    with Book(made) as writer:
        writer.table("西街", [Column((head,)) for head in HEADS], [row(1)])
        writer.table("说明", [Column(("填表说明",))], [["请按模板填写"]])
        heads = [*reversed(HEADS), "备注"]
        writer.table("东街", [Column((head,)) for head in heads], [
            [*reversed(row(2)), ""], [*reversed(row(3, county="无此县")), "看"],
        ])  # fmt: skip
    made.seek(0)
    result, job = desk.take(made)
    assert {n: result[n] for n in OUTCOMES if result[n]} == {"created": 2, "rejected": 1}
    assert result["file"] == {
        "sheets": ["西街", "东街"], "unread": ["说明"], "hidden": [], "ignored": ["备注"], "hidden_rows": [],
        "left_out": [],
    }  # fmt: skip
    assert [home.issued_name for home in households()] == ["王一", "王二"]
    (note,) = list(import_notes.notes_of(job.id))
    assert row_text(note.row, result["file"]["sheets"]) == "东街!3"
    (file,) = job.files_of("result")
    with storage().open(file["key"]) as stored:
        marked = openpyxl.load_workbook(io.BytesIO(stored.read()))
    assert marked.sheetnames == ["东街"]
    told = dict(zip(*marked["东街"].iter_rows(values_only=True), strict=True))
    assert (told["户主姓名"], told["备注"], told["原行号"], told["处理结果"]) == (
        "王三", "看", "3", "未导入",
    )  # fmt: skip
    assert (
        told["问题说明"] == "县（市、区、旗）：没有找到“陕西省西安市无此县”，请核对省、市、县名称。"
    )


def test_a_list_without_the_county_lies_in_that_of_the_account(desk: Desk) -> None:
    heads = ["序号", "乡镇", "村", "组", "姓名", "身份证号", "电话"]
    one = ["1", *row(1)[3:8], row(1)[10]]
    result, _job = desk.take(book([one], heads))
    assert (result["created"], result["flagged"]) == (1, 0)
    (home,) = households()
    with unscoped("tests look at everything") as session:
        assert session.get_one(Region, home.region_id).full_name.endswith("蓝田县灞源镇秦谷村委会")


def test_a_list_without_towns_finds_the_only_village_of_that_name(desk: Desk) -> None:
    heads = ["序号", "村", "组", "姓名", "身份证号", "家庭人口", "电话"]
    rows = [
        ["1", "秦谷村", "八组", "王一", builders.id_number(1), "5", "13909180001"],
        ["2", "没有村", "八组", "王二", builders.id_number(2), "5", "13909180002"],
    ]
    result, job = desk.take(book(rows, heads))
    assert {n: result[n] for n in OUTCOMES if result[n]} == {
        "created": 2, "mended": 1, "flagged": 1,
    }  # fmt: skip
    one, two = households()
    with unscoped("tests look at everything") as session:
        assert session.get_one(Region, one.region_id).full_name.endswith("灞源镇秦谷村委会")
        assert session.get_one(Region, two.region_id).level == Level.COUNTY
    assert notes(job) == [
        "village: 蓝田县没有唯一对应“没有村”的村，已列入行政区划缺失，请核对村名，或补充乡镇列。"
    ]
    assert desk.counts([row(1)]) == {"updated": 1}  # the same household where the town is named


def test_a_formula_where_nothing_is_required_goes_in_as_shown_and_is_flagged(desk: Desk) -> None:

    def cells(**changes: str) -> dict[str, str]:
        found = row(1, **changes)
        texts = (cell if isinstance(cell, str) else str(cell) for cell in found)
        return dict(zip((column.name for column in COLUMNS), texts, strict=True))

    with acting_as(desk.actor), read_only():
        checker = Checker(None, Finder(), dt.date(2026, 11, 22))
        sex = Computed('=IF(MOD(MID(H2,17,1),2),"男","女")', "女")
        line = checker.check(2, cells(sex=sex))
        assert (line.outcome, line.values["sex"]) == ("created", Sex.FEMALE)
        assert line.notes == [("sex", "单元格是公式，已按 Excel 显示的“女”导入，请核对。")]
        line = checker.check(3, cells(sex=Computed("=A1")))
        assert (line.outcome, line.values["sex"]) == ("created", None)
        (note,) = line.notes
        assert note == ("sex", "单元格是公式，文件中没有它的结果，未导入；请改为填写数值或文字。")
        line = checker.check(4, cells(head_name=Computed("=A1", "王一")))
        assert line.notes == [("head_name", "公式不能导入，请改为填写数值或文字。")]
        assert line.rejected
