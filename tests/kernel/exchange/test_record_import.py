"""Forms from Excel: the template filled in, an exported ledger corrected, every wrong cell said."""

from __future__ import annotations

import datetime as dt
import io
import os
import signal
import uuid
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import delete, select

from app.access.actor import Capability
from app.access.divisions.regions import Level
from app.access.grant import Grant
from app.access.scope import unscoped
from app.core.clock import now, today
from app.core.db import db
from app.core.files.storage import storage
from app.core.jobs.table import Job, JobContext, JobState
from app.core.jobs.worker import work
from app.kernel.declare.flow import State
from app.kernel.exchange.imports.record_import import KIND
from app.kernel.figures import counters
from app.kernel.rows.household import Household, SearchKey
from app.modules.homes.choices import Living
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.hands import Hands

URL = "/exchange/import/lookback/"


@pytest.fixture
def homes(app: Flask) -> list[tuple[str, str]]:
    """Names and ID numbers of four households of the county, nothing entered yet."""
    with app.app_context():
        made = [builders.household(name=f"户主{n}")[0] for n in range(4)]
        return [(h.head_name, str(h.head_id)) for h in made]


def filled(client: Any, rows: list[dict[str, Any]]) -> io.BytesIO:
    """The register's template, as the page gives it, with these rows: label -> text."""
    template = client.get("/exchange/template/lookback")
    book = openpyxl.load_workbook(io.BytesIO(template.data))
    sheet = book.worksheets[0]
    heads = [
        (sheet.cell(2, c).value or sheet.cell(1, c).value or "").split("（")[0]
        for c in range(1, sheet.max_column + 1)
    ]
    for number, row in enumerate(rows, 3):
        for label, value in row.items():
            sheet.cell(number, heads.index(label) + 1, value)
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    return out


def send(client: Any, file: io.BytesIO, **form: str) -> Any:
    data = {"file": (file, "回头看.xlsx"), "mode": "import"} | form
    return client.post(URL, data, content_type="multipart/form-data")


def last_job(app: Flask) -> Job:
    with app.app_context(), unscoped("the test reads jobs") as session:
        return session.scalars(select(Job).order_by(Job.created.desc())).first() or Job()


def imported(app: Flask, client: Any, file: io.BytesIO, **form: str) -> dict[str, Any]:
    """Import; the result with the messages of the marked workbook by ID number."""
    answer = send(client, file, **form)
    assert answer.status_code == 302, answer.text[:500]
    work(app, once=True)
    job = last_job(app)
    assert job.state == JobState.DONE, job.message
    result = dict(job.result or {})
    result["page"] = client.get(answer.location).text
    return result


def surveys(app: Flask) -> dict[str, Lookback]:
    with app.app_context(), unscoped("the test reads all rows") as session:
        assert counters.live_counts(session, LOOKBACK) == counters.kept_counts(session, LOOKBACK)
        return {row.head_name: row for row in session.scalars(select(Lookback))}


def marked(app: Flask) -> list[list[Any]]:
    job = last_job(app)
    key = next(f["key"] for f in job.files if f["role"] == "result")
    with app.app_context(), storage().open(key) as file:
        book = openpyxl.load_workbook(io.BytesIO(file.read()))
    return [[c.value for c in row] for row in book.worksheets[0].iter_rows()]


def row(home: tuple[str, str], **cells: Any) -> dict[str, Any]:
    return {"户主姓名": home[0], "身份证号": home[1]} | cells


OTHER = {
    "是否死亡销户": "否", "家庭户籍人数": "３人", "排查人": "王排查", "排查时间": "2024年9月7日",
    "户主是否变更": "否", "是否分户": "否", "是否迁户": "否", "现住房情况": "其他安全住房", "其他安全住房": "敬（养）老院",
}  # fmt: skip


def test_the_template_filled_in_is_saved_by_the_rules(
    app: Flask, as_account: Any, homes: list[tuple[str, str]]
) -> None:
    clerk = as_account(builders.COUNTY_MANAGER)
    cells = OTHER | {"家庭户籍人数": "3"}
    rows = [
        row(homes[0], **cells),
        row(homes[1], 是否死亡销户="是"),
        row(homes[2], 是否死亡销户="否"),
    ]
    result = imported(app, clerk, filled(clerk, rows))
    assert {k: result[k] for k in ("created", "rejected", "flagged")} == {
        "created": 3, "rejected": 0, "flagged": 1,
    }  # fmt: skip
    found = surveys(app)
    first = found[homes[0][0]]
    assert (first.state, first.population, first.living) == (State.DRAFT, 3, Living.OTHER)
    assert first.surveyed_on == dt.date(2024, 9, 7)
    assert found[homes[1][0]].died is True
    assert "上报前还缺" in result["page"]
    again = imported(app, clerk, filled(clerk, rows))
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"是否死亡销户": "也许"}, "请选择“是”或“否”。"),
        ({"是否死亡销户": ""}, "请选择是否死亡销户。"),
        ({"家庭户籍人数": "很多"}, "请填写整数，不要带单位。"),
        ({"现住房情况": "帐篷"}, "“帐篷”不在选项中，请从列表中选择。"),
        ({"排查时间": "2024-02-30"}, "请填写日期，例如 2024-09-07。"),
        ({"当前联系电话": "12345"}, "电话号码不正确，请填写 11 位手机号，或区号-号码。"),
        ({"身份证号": ""}, "身份证号为空，无法对应到农户。"),
        ({"身份证号": "610122199001010000"}, "名单中没有这个身份证号，或不在您的管辖范围内。"),
        ({"户主姓名": "别人"}, "姓名与名单不一致，名单上是“户主0”。"),
    ],
)
def test_a_wrong_cell_rejects_its_row_and_says_why(
    app: Flask, as_account: Any, homes: list[tuple[str, str]], cells: dict[str, str], message: str
) -> None:
    clerk = as_account(builders.COUNTY_MANAGER)
    good, wrong = (
        OTHER | {"家庭户籍人数": "3"},
        row(homes[0], **(OTHER | {"家庭户籍人数": "3"} | cells)),
    )
    result = imported(app, clerk, filled(clerk, [wrong, row(homes[1], **good)]))
    assert (result["created"], result["rejected"]) == (1, 1)
    assert message in result["page"]
    assert message in str(marked(app)[1][-1])
    assert surveys(app)[homes[0][0]].state == State.MISSING


OWN = OTHER | {"家庭户籍人数": "3", "现住房情况": "自有农村住房", "其他安全住房": ""}
#: As counties send them: 排查时间, 建筑面积, 建筑层数, and what they are.
AS_SENT = [
    (dt.datetime(2025, 6, 3), 85.49999999999999, "2", (dt.date(2025, 6, 3), "85.5", 2)),
    (dt.datetime(2025, 6, 3, 15, 30), 85.3, 2, (dt.date(2025, 6, 3), "85.3", 2)),
    (45811, "１２０", 2.0000000000000004, (dt.date(2025, 6, 3), "120", 2)),
    ("2025.6.3", "1,205.5", "１", (dt.date(2025, 6, 3), "1205.5", 1)),
    ("2025-06-03 00:00:00", 96.5, 3, (dt.date(2025, 6, 3), "96.5", 3)),
    ("20250603", 120, 1, (dt.date(2025, 6, 3), "120", 1)),
]


def test_a_whole_import_says_what_excel_shows(app: Flask, as_account: Any) -> None:
    with app.app_context():
        homes = [builders.household(name=f"古丽·买{n}")[0] for n in range(len(AS_SENT))]
        keys = [(h.head_name.replace("·", " • "), str(h.head_id)) for h in homes]
    rows = [
        row(key, **(OWN | {"排查时间": day, "建筑面积": area, "建筑层数": storeys}))
        for key, (day, area, storeys, _said) in zip(keys, AS_SENT, strict=True)
    ]
    clerk = as_account(builders.COUNTY_MANAGER)
    for mode, written in (("dry_run", False), ("import", True)):
        result = imported(app, clerk, filled(clerk, rows), mode=mode, whole="yes")
        assert (result["created"], result["rejected"]) == (len(AS_SENT), 0)
        found = [surveys(app)[f"古丽·买{n}"] for n in range(len(AS_SENT))]
        said = [(s.surveyed_on, s.floor_area, s.storeys) for s in found]
        expected = [(day, Decimal(area), n) for *_cells, (day, area, n) in AS_SENT]
        assert said == (expected if written else [(None, None, None)] * len(AS_SENT))


def test_what_a_form_does_not_ask_for_is_not_dropped_in_silence(
    app: Flask, as_account: Any, homes: list[tuple[str, str]]
) -> None:
    clerk = as_account(builders.COUNTY_MANAGER)
    cells = OTHER | {"家庭户籍人数": "3", "建筑面积": "120.5"}
    result = imported(app, clerk, filled(clerk, [row(homes[0], **cells)]))
    assert (result["created"], result["flagged"]) == (1, 1)
    text = "按这一行其他各项的内容，该项不用填写，没有导入，请核对。"
    assert f"建筑面积：{text}" in str(marked(app)[1][-1])
    assert surveys(app)[homes[0][0]].floor_area is None


def test_a_dry_run_and_a_whole_one_with_a_wrong_row_write_nothing(
    app: Flask, as_account: Any, homes: list[tuple[str, str]]
) -> None:
    clerk = as_account(builders.COUNTY_MANAGER)
    rows = [row(homes[0], 是否死亡销户="是"), row(homes[1], 是否死亡销户="也许")]
    dry = imported(app, clerk, filled(clerk, rows), mode="dry_run")
    assert (dry["created"], dry["rejected"]) == (1, 1)
    whole = imported(app, clerk, filled(clerk, rows), whole="yes")
    assert (whole["created"], whole["rejected"]) == (0, 1)
    assert {s.state for s in surveys(app).values()} == {State.MISSING}


def test_other_areas_and_decided_records_are_out_of_reach(
    app: Flask, as_account: Any, homes: list[tuple[str, str]]
) -> None:
    with app.app_context():
        far = builders.household(
            builders.below(builders.region("610124"), Level.VILLAGE), name="外县"
        )[0]
        done = builders.household(name="已审", state=State.APPROVED, died=True)[0]
    clerk = as_account(builders.COUNTY_MANAGER)
    rows = [row((h.head_name, str(h.head_id)), 是否死亡销户="否") for h in (far, done)]
    result = imported(app, clerk, filled(clerk, rows))
    assert result["rejected"] == 2
    assert "名单中没有这个身份证号" in result["page"]
    assert "该回头看档案现在是“审核通过”，不能修改。" in result["page"]
    assert surveys(app)["已审"].died is True


def test_an_exported_ledger_comes_back_unchanged(
    app: Flask, as_account: Any, homes: list[tuple[str, str]]
) -> None:
    clerk = as_account(builders.COUNTY_MANAGER)
    imported(
        app, clerk, filled(clerk, [row(home, **(OTHER | {"家庭户籍人数": "3"})) for home in homes])
    )
    before = {
        n: {f: getattr(s, f) for f in LOOKBACK.fields if LOOKBACK.fields[f].stored}
        for n, s in surveys(app).items()
    }
    assert clerk.post("/exchange/export/lookback", {"reason": "工作调度"}).status_code == 302
    work(app, once=True)
    job = last_job(app)
    with app.app_context():
        key = next(f["key"] for f in job.files if f["role"] == "result")
        with storage().open(key) as file:
            ledger = io.BytesIO(file.read())
    result = imported(app, clerk, ledger)
    assert (result["unchanged"], result["rejected"], result["updated"]) == (4, 0, 0)
    assert {n: {f: getattr(s, f) for f in before[n]} for n, s in surveys(app).items()} == before


@pytest.mark.both_databases
def test_an_import_killed_half_way_goes_on_and_does_nothing_twice(
    app: Flask, as_account: Any, homes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk = as_account(builders.COUNTY_MANAGER)
    monkeypatch.setattr("app.kernel.exchange.imports.record_import._Import.rows_a_commit", 2)
    assert (
        send(clerk, filled(clerk, [row(home, 是否死亡销户="是") for home in homes])).status_code
        == 302
    )
    child = os.fork()
    if child == 0:  # a worker of its own, which dies after its first two rows
        with app.app_context():
            db.engine.dispose(close=False)
        dying = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        monkeypatch.setattr(JobContext, "progress", dying)
        work(app, once=True)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert sorted(s.version for s in surveys(app).values()) == [1, 1, 2, 2]
    with app.app_context(), unscoped("the test lets the heartbeat grow old") as session:
        job = session.scalars(select(Job).where(Job.kind == KIND)).one()
        job.heartbeat = now() - dt.timedelta(minutes=5)
        session.commit()
    work(app, once=True)
    assert (last_job(app).result or {})["created"] == 4
    assert {(s.version, s.died) for s in surveys(app).values()} == {(2, True)}


def test_wrong_files_and_those_who_may_not_enter(
    app: Flask, as_account: Any, homes: list[tuple[str, str]]
) -> None:
    clerk = as_account(builders.COUNTY_MANAGER)
    answer = clerk.post(URL, {"mode": "import"})
    assert (answer.status_code, "请选择要导入的Excel文件。" in answer.text) == (422, True)
    answer = send(clerk, io.BytesIO(b""))
    assert (answer.status_code, "文件是空的" in answer.text) == (422, True)
    book = openpyxl.Workbook()
    book.active.append(["甲", "乙"])
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    assert send(clerk, file).status_code == 302
    work(app, once=True)
    assert last_job(app).state == JobState.FAILED
    assert "没有找到表头" in str(last_job(app).message)
    reader = as_account(builders.COUNTY_READER)
    assert reader.get(URL).status_code == 403
    assert clerk.get("/exchange/import/nothing/").status_code == 404


def exported(app: Flask, client: Any) -> Any:
    """The ledger as the page exports it, opened."""
    client.post("/exchange/export/lookback", {"reason": "工作调度", "keys": "on"})
    work(app, once=True)
    key = next(f["key"] for f in last_job(app).files if f["role"] == "result")
    with app.app_context(), storage().open(key) as file:
        return openpyxl.load_workbook(io.BytesIO(file.read()))


def numberless(app: Flask) -> uuid.UUID:
    """A household that was issued without an ID number."""
    with app.app_context():
        home, survey = builders.household(name="无号户")
        with unscoped("the test arranges") as session:
            known = session.get_one(Household, home.id)
            known.issued_id = known.head_id = None
            session.get_one(Lookback, survey.id).head_id = None
            session.execute(
                delete(SearchKey).where(
                    SearchKey.household_id == home.id, SearchKey.value != "无号户"
                )
            )
            session.commit()
        return home.id


def changed(book: Any, name: str, **cells: str) -> io.BytesIO:
    """The exported ledger with other cells in the row of this head."""
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[2]]
    for line in sheet.iter_rows(min_row=3):
        if line[heads.index("户主姓名")].value == name:
            for label, text in cells.items():
                line[heads.index(label)].value = text
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    return out


def test_a_household_without_a_number_comes_back_by_its_key(
    app: Flask, as_account: Any, homes: list[tuple[str, str]]
) -> None:
    key = numberless(app)
    clerk = as_account(builders.COUNTY_MANAGER)
    book = exported(app, clerk)
    heads = [cell.value for cell in book.worksheets[0][2]]
    assert heads[-1] == "农户编号"
    assert str(key) in {row[-1].value for row in book.worksheets[0].iter_rows(min_row=3)}
    result = imported(app, clerk, changed(book, "无号户", 是否死亡销户="是"))
    counts = {k: result[k] for k in ("created", "unchanged", "rejected")}
    assert counts == {"created": 1, "unchanged": len(homes), "rejected": 0}
    assert surveys(app)["无号户"].died is True


@pytest.mark.parametrize("which", ["another's", "nobody's", "nonsense", "of another county"])
def test_a_key_that_slipped_to_another_row_is_refused(
    app: Flask, as_account: Any, homes: list[tuple[str, str]], which: str
) -> None:
    numberless(app)
    with app.app_context():
        other = builders.household(name="别户")[0].id
        far = builders.household(
            builders.below(builders.region(builders.NEXT_COUNTY), Level.VILLAGE), name="无号户"
        )[0].id
    keys = {
        "another's": str(other), "nobody's": str(uuid.uuid4()), "nonsense": "12",
        "of another county": str(far),
    }  # fmt: skip
    clerk = as_account(builders.COUNTY_MANAGER)
    book = exported(app, clerk)
    wrong = changed(book, "无号户", 是否死亡销户="是", 农户编号=keys[which])
    result = imported(app, clerk, wrong)
    assert result["created"] == 0
    assert "农户编号与该户不符" in result["page"]
    assert surveys(app)["无号户"].died is None


def test_a_city_imports_only_for_the_counties_that_were_named(app: Flask, as_account: Any) -> None:
    with app.app_context():
        city = builders.account(builders.CITY)
        with unscoped("tests grant") as session:
            session.add(
                Grant(account_id=city.id, capability=Capability.ENTER, ends_on=today(),
                      region_id=builders.region(builders.COUNTY).id, reason="没有录入条件")
            )  # fmt: skip
            session.commit()
        other = builders.below(builders.region(builders.NEXT_COUNTY), Level.VILLAGE)
        made = [builders.household(name="可录")[0], builders.household(other, name="不可录")[0]]
        homes = [(h.head_name, str(h.head_id)) for h in made]
    worker = Hands(app, builders.sign_in(app, city))
    died = {"是否死亡销户": "是"}
    result = imported(app, worker, filled(worker, [row(home, **died) for home in homes]))
    assert (result["created"], result["rejected"]) == (1, 1)
    found = surveys(app)
    assert found["可录"].state == State.DRAFT
    assert found["不可录"].state == State.MISSING
