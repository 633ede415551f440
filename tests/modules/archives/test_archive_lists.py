"""Old archives in and out by Excel: the official sheet of 41 columns; what of a row is mended, flagged, refused."""

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
from sqlalchemy import Engine, event, select, update

from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.core.clock import now, uuid7
from app.core.db import db
from app.core.files.storage import storage
from app.core.jobs import worker
from app.core.jobs.table import Job, JobContext, JobState
from app.core.transactions import transaction
from app.kernel.exchange import official, templates
from app.kernel.exchange.imports import record_import
from app.kernel.figures import counters
from app.kernel.kinds import MANY
from app.kernel.records import creations
from app.modules.archives.choices import PovertyKind
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from tests import builders
from tests.clicks import begin_export, begin_import
from tests.jobs import run
from tests.kernel.exchange import old_workbooks
from tests.modules import samples

PLACE = ("陕西省", "西安市", "蓝田县", "灞源镇", "秦谷村委会")
PLACES = (
    "省（自治区、直辖市）",
    "地区（市、州、盟）",
    "县（市、区、旗）",
    "乡（镇）",
    "村民委员会",
)


def row(serial: int = 1, place: tuple[str, ...] = PLACE, **cells: Any) -> dict[str, Any]:
    """A row of an old archive: head -> cell."""
    said = dict(zip(PLACES, place, strict=True)) | {
        "户主姓名": f"张{serial}", "身份证号": builders.id_number(serial), "列入计划的年度": 2012,
        "批准日期": "2012-03-01", "农户贫困类型": "低保户", "旧住房建造年代": "70年代",
    }  # fmt: skip
    return said | cells


def table(rows: list[dict[str, Any]]) -> list[list[Any]]:
    heads = list(dict.fromkeys(name for one in rows for name in one))
    return [heads, *([one.get(head) for head in heads] for one in rows)]


def book(*rows: dict[str, Any]) -> io.BytesIO:
    made = openpyxl.Workbook()
    for line in table(list(rows)):
        made.worksheets[0].append(line)
    return saved(made)


def saved(made: Any) -> io.BytesIO:
    file = io.BytesIO()
    made.save(file)
    file.seek(0)
    return file


@pytest.fixture
def manager(app: Flask, session: Any) -> Any:
    return builders.account(builders.COUNTY_MANAGER)


def begun(who: Any, file: io.BytesIO, name: str = "档案.xlsx", **chosen: bool) -> Job:
    db.session.rollback()
    with acting_as(builders.actor_of(who)):
        start = partial(record_import.start, ARCHIVE)
        return begin_import(start, file, name, **{"dry_run": False, "whole": False} | chosen)


def take(app: Flask, who: Any, file: io.BytesIO, name: str = "档案.xlsx") -> dict[str, Any]:
    """An import; with what it says of rows."""
    done = run(app, begun(who, file, name))
    result = dict(done.result or {}) | {"said": ""}
    if done.files_of("result"):
        with storage().open(done.files_of("result")[0]["key"]) as kept:
            sheet = openpyxl.load_workbook(io.BytesIO(kept.read())).worksheets[0]
        heads = [cell.value for cell in sheet[1]]
        at = heads.index("问题说明")
        result["said"] = "\n".join(str(line[at].value) for line in sheet.iter_rows(min_row=2))
    with unscoped("tests count") as session:
        assert counters.live_counts(session, ARCHIVE) == counters.kept_counts(session, ARCHIVE)
    return result


def outcomes(result: dict[str, Any]) -> dict[str, int]:
    named = ("created", "updated", "unchanged", "rejected")
    return {name: result[name] for name in named if result[name]}


def archives() -> list[Archive]:
    with unscoped("tests look") as session:
        return list(session.scalars(select(Archive).order_by(Archive.head_name, Archive.id)))


def level_of(one: Archive) -> Level:
    """How far down its place is known."""
    with unscoped("tests look") as session:
        return session.get_one(Region, one.region_id).level


def exported(app: Flask, who: Any) -> io.BytesIO:
    db.session.rollback()
    with acting_as(builders.actor_of(who)):
        job = begin_export(ARCHIVE, {}, "留存备查")
    (made,) = run(app, job).files_of("result")
    with storage().open(made["key"]) as stored:
        return io.BytesIO(stored.read())


# ---- the sheet -----------------------------------------------------------------------------------


def test_the_sheet_has_the_41_official_columns_in_seven_groups(app: Flask, manager: Any) -> None:
    file = io.BytesIO()
    with acting_as(builders.actor_of(manager)):
        templates.write_register(file, ARCHIVE)
    sheet = openpyxl.load_workbook(file).worksheets[0]
    heads = [cell.value for cell in sheet[2]]
    assert len(heads) == 41
    assert heads[:8] == [*PLACES, "村民小组", "是否边境一线", "户主姓名"]
    assert heads[-3:] == ["改造前照片", "改造中照片", "改造后照片"]
    groups = [cell.value for cell in sheet[1] if cell.value]
    assert groups == [
        "地址情况", "农户情况", "改造情况", "进度情况", "资金情况", "建筑节能示范", "照片情况"
    ]  # fmt: skip
    out = openpyxl.load_workbook(exported(app, manager)).worksheets[0]
    assert [cell.value for cell in out[3]] == heads, "what is exported has the same"


def said_of(name: str) -> list[Any]:
    """Every choice of a field, or some values that its kind holds."""
    made = ARCHIVE.fields[name]
    if made.source_list:
        codes = [made.code_of(code) for code in made.options()]
        return [tuple(codes), (codes[0],)] if made.kind is MANY else codes
    return {
        "yes_no": [True, False],
        "date": [dt.date(2012, 2, 29), dt.date(2011, 12, 31)],
        "money": [Decimal("0.00"), Decimal("12345.67")],
        "decimal": [Decimal("45.50"), Decimal("60.00")],
        "integer": [1, 9],
        "year": [2012],
        "phone": ["13909180001", "029-86964499"],
    }.get(made.kind.name, ["八组"])


def year_of(kind: PovertyKind) -> int:
    """A plan year in which the kind is offered."""
    offers = ARCHIVE.fields["poverty_kind"].offers
    first = {
        y: next(k for when, k in offers if when.test({"plan_year": y})) for y in (2012, 2018, 2022)
    }
    return next(year for year, kinds in first.items() if kind in kinds)


def test_a_round_trip_changes_nothing(app: Flask, manager: Any) -> None:
    columns = [one.made for one in official.columns(ARCHIVE) if one.made and one.made.stored]
    own = ("head_name", "head_id", "plan_year")
    asked = {made.name: said_of(made.name) for made in columns if made.name not in own}
    village = builders.seat(Level.VILLAGE).id
    with acting_as(builders.actor_of(manager)), transaction():
        for number in range(max(map(len, asked.values()))):
            values = {name: some[number % len(some)] for name, some in asked.items()}
            values |= {"head_name": f"王{number}", "plan_year": year_of(values["poverty_kind"])}
            values |= {"head_id": builders.id_number(100 + number), "demonstration": True}
            creations.new(ARCHIVE, uuid7(), village, values)
        for number, why in enumerate(("未办理", "证件遗失", "证件遗失")):
            nobody = {"no_number": True, "no_number_why": why, "no_phone": True}
            values = {"head_name": "李无号", "plan_year": 2012, "population": number + 1}
            creations.new(ARCHIVE, uuid7(), village, values | nobody | {"no_phone_why": "无"})
        values = {"head_name": "赵县", "head_id": builders.id_number(99), "plan_year": 2012}
        creations.new(ARCHIVE, uuid7(), builders.seat(Level.COUNTY).id, values)
    before = {one.id: one.version for one in archives()}
    file = exported(app, manager)
    text = [cell.value for line in openpyxl.load_workbook(file).worksheets[0] for cell in line]
    assert "无（未办理）" in text
    file.seek(0)
    result = take(app, manager, file)
    assert outcomes(result) == {"unchanged": len(before)}
    assert {one.id: one.version for one in archives()} == before
    assert result["file"]["ignored"] == []


# ---- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "level", "said"),
    [
        (PLACE, Level.VILLAGE, ""),
        ((*PLACE[:4], "秦谷村"), Level.VILLAGE, ""),
        (("", "", "", "灞源", "秦谷"), Level.VILLAGE, ""),
        ((*PLACE[:4], ""), Level.TOWN, "没有填写村"),
        ((*PLACE[:4], "没有村"), Level.TOWN, "没有“没有村”"),
        ((*PLACE[:3], "", ""), Level.COUNTY, "没有填写村"),
        ((*PLACE[:3], "没有镇", "秦谷村"), Level.COUNTY, "没有“没有镇”"),
        (("", "", "", "", ""), Level.COUNTY, "没有填写村"),
    ],
)
def test_a_row_without_a_village_goes_in_flagged(
    app: Flask, manager: Any, place: tuple[str, ...], level: Level, said: str
) -> None:
    result = take(app, manager, book(row(place=place)))
    assert outcomes(result) == {"created": 1}
    assert (
        ("请" in result["said"] and said in result["said"])
        if said
        else "保存到" not in result["said"]
    )
    [one] = archives()
    assert level_of(one) == level
    again = take(app, manager, book(row(place=PLACE)))
    assert outcomes(again) == {"unchanged": 1} if level == Level.VILLAGE else {"updated": 1}
    [one] = archives()
    assert level_of(one) == Level.VILLAGE, "a list that knows it puts it there"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({PLACES[2]: "没有县"}, "没有找到这个县"),
        ({PLACES[0]: "云南省", PLACES[1]: "昆明市", PLACES[2]: "寻甸县"}, "不在您的管辖范围内"),
        ({"批准日期": "2012-13-45"}, "请填写日期"),
        ({"总投资": "很多"}, "总投资"),
        ({"总投资": "123456789012"}, "总投资"),
        ({"民族": "火星族"}, "不在选项中"),
        ({"旧住房结构类型": "塑料"}, "不在选项中"),
        ({"列入计划的年度": "一二年"}, "列入计划的年度"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_reason(
    app: Flask, manager: Any, cells: dict[str, Any], said: str
) -> None:
    result = take(app, manager, book(row(1, **cells), row(2)))
    assert outcomes(result) == {"created": 1, "rejected": 1}
    assert said in result["said"]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("无", "导入的名单填写为“无”"),
        ("无（未办理）", "未办理"),
        ("无(未办理)", "未办理"),
        ("0" * 18, f"导入的名单填写为“{'0' * 18}”"),
        ("1" * 18, f"导入的名单填写为“{'1' * 18}”"),
        ("9" * 18, f"导入的名单填写为“{'9' * 18}”"),
    ],
)
def test_the_old_systems_special_numbers_mean_none_with_a_reason(
    app: Flask, manager: Any, cell: str, why: str
) -> None:
    take(app, manager, book(row(身份证号=cell, 农户联系电话=cell[:11])))
    [one] = archives()
    assert (one.head_id, one.no_number, one.no_number_why) == (None, True, why)
    assert (one.phone, one.no_phone) == (None, True)
    told = {code.split(".")[0] for code in one.broken}
    assert not told & {"head_id", "no_number_why", "phone", "no_phone_why"}
    again = take(app, manager, book(row(身份证号=cell, 农户联系电话=cell[:11])))
    assert outcomes(again) == {"unchanged": 1}
    number = builders.id_number(55)
    later = take(app, manager, book(row(身份证号=number, 农户联系电话="13909180001")))
    assert outcomes(later) == {"created": 1}, "a number is another key: nobody can tell"


def test_a_duplicate_is_refused_with_the_row_that_has_it(app: Flask, manager: Any) -> None:
    far = builders.account(builders.COUNTY_MANAGER, builders.seat(Level.COUNTY, "530129"))
    db.session.rollback()
    with acting_as(builders.actor_of(far)), transaction():
        values = {"head_name": "远", "head_id": builders.id_number(3), "plan_year": 2012}
        creations.new(ARCHIVE, uuid7(), builders.seat(Level.VILLAGE, "530129").id, values)
    take(app, manager, book(row(4)))
    rows = (row(1), row(1, 户主姓名="另一人"), row(2, 列入计划的年度=2013), row(3),
            row(4, 户主姓名="别人"))  # fmt: skip
    result = take(app, manager, book(*rows))
    assert outcomes(result) == {"created": 2, "rejected": 3}
    assert "与第2行的身份证号、列入计划的年度相同" in result["said"]
    assert "在其他地区已有一份" in result["said"]
    assert "张4" in result["said"]
    assert "远" not in result["said"]


def test_whoever_has_a_dossier_of_the_year_is_asked_for_once_a_chunk(
    app: Flask, manager: Any
) -> None:
    near = samples.dossier(head_id=builders.id_number(1), plan_year=2012)
    far = samples.dossier(
        builders.seat(Level.VILLAGE, "530129"), head_id=builders.id_number(2), plan_year=2012
    )
    samples.dossier(head_id=builders.id_number(3), plan_year=2013)
    names = near.head_name, far.head_name
    db.session.rollback()
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.extend([statement] if "FROM dossier" in statement else [])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        result = take(app, manager, book(*(row(n) for n in range(1, 41))))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert outcomes(result) == {"created": 38, "rejected": 2}
    assert result["said"].count("该户这一年度") == 2
    assert [name in result["said"] for name in names] == [True, False]
    assert len(asked) <= 3, "\n".join(asked)  # the chunk's, and of each of the two who has it


def test_what_cannot_be_true_goes_in_and_is_told(app: Flask, manager: Any) -> None:
    future = f"{now().year + 1}-01-01"
    result = take(app, manager, book(row(旧住房建筑面积="-5", 批准日期=future, 身份证号="610122X")))
    assert (outcomes(result), result["flagged"]) == ({"created": 1}, 1)
    [one] = archives()
    for code in ("old_area.low", "approved_on.late", "head_id.invalid"):
        assert code in one.broken
    for said in ("不能小于 0", "不能晚于今天", "身份证号："):
        assert said in result["said"]


def test_amounts_of_ten_thousand_are_taken_as_the_head_says(app: Flask, manager: Any) -> None:
    take(app, manager, book(row(**{"总投资（万元）": "3.55", "各级政府补助资金（元）": 20000})))
    [one] = archives()
    assert (one.invested, one.subsidy) == (Decimal("35500.00"), Decimal("20000.00"))


# ---- files ---------------------------------------------------------------------------------------


def test_old_workbooks_and_lists_of_gb18030(app: Flask, manager: Any, tmp_path: Any) -> None:
    lines = table([row(1)])
    records = b"".join(
        old_workbooks.cell(0x0204, y, x, 0, old_workbooks.text(str(said)))
        for y, line in enumerate(lines)
        for x, said in enumerate(line)
    )
    made = old_workbooks.write(tmp_path / "旧档案.xls", [("档案", records)])
    old = take(app, manager, io.BytesIO(made.read_bytes()), "旧档案.xls")
    assert outcomes(old) == {"created": 1}
    text = "\r\n".join(",".join(map(str, line)) for line in table([row(2, 户主姓名="王㐂")]))
    assert outcomes(take(app, manager, io.BytesIO(text.encode("gb18030")), "旧档案.csv")) == {
        "created": 1
    }
    assert [one.head_name for one in archives()] == ["张1", "王㐂"]


def test_two_heads_merged_cells_and_hidden_sheets(app: Flask, manager: Any) -> None:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    sheet.append(["2012年农村危房改造农户档案"])
    lines = table([row(1), row(2), row(3)])
    sheet.append(["地址情况", "", "", "", "", "农户情况"])
    for line in lines:
        sheet.append(line)
    sheet.merge_cells("A4:A6")
    sheet.merge_cells("E4:E6")
    hidden = made.create_sheet("备份")
    for line in table([row(9)]):
        hidden.append(line)
    hidden.sheet_state = "hidden"
    made.create_sheet("说明").append(["填表说明"])
    result = take(app, manager, saved(made))
    assert outcomes(result) == {"created": 3}
    told = result["file"]
    assert (told["hidden"], told["unread"]) == (["备份"], ["说明"])


@pytest.mark.parametrize(
    ("left_out", "said"),
    [("列入计划的年度", "列入计划的年度"), ("身份证号", "身份证号")],
)
def test_a_missing_column_is_named(app: Flask, manager: Any, left_out: str, said: str) -> None:
    rows = row(1)
    del rows[left_out]
    job = begun(manager, book(rows))
    worker.work(app, once=True)
    done = db.session.get_one(Job, job.id, populate_existing=True)
    assert done.state == JobState.FAILED
    assert f"缺“{said}”" in done.message
    db.session.commit()
    assert archives() == []


@pytest.mark.both_databases
def test_killed_half_way_it_goes_on_and_nothing_goes_in_twice(
    app: Flask, manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_import._Import, "rows_written_together", 2)
    rows = [row(n) for n in range(1, 6)]
    file = book(*rows, row(1, 户主姓名="重复"), row(7, 身份证号="无"), row(7, 身份证号="无"))
    job = begun(manager, file)
    key = job.id
    db.session.remove()
    db.engine.dispose()  # the child has connections of its own
    child = os.fork()
    if child == 0:  # a worker of its own, which dies after its first two rows
        db.engine.dispose(close=False)
        monkeypatch.setattr(JobContext, "progress", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        worker.work(app, once=True)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert len(archives()) == 2
    with unscoped("the heart stopped") as session:
        session.execute(update(Job).values(heartbeat=now() - dt.timedelta(minutes=5)))
        session.commit()
    job = db.session.get_one(Job, key)
    db.session.commit()
    done = run(app, job).result or {}
    assert outcomes(done) == {"created": 7, "rejected": 1}
    assert len(archives()) == 7
    with unscoped("tests count") as session:
        assert counters.live_counts(session, ARCHIVE) == counters.kept_counts(session, ARCHIVE)
