"""以往信息 from Excel: what goes in, what is refused, twice the same."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.files.storage import storage
from app.core.jobs.table import Job, JobState
from app.core.jobs.worker import work
from app.kernel.exchange.imports.pipeline import OUTCOMES
from app.modules.homes.choices import Grade
from app.modules.house_map.earlier.facts import PriorFact
from tests.builders import (
    COUNTY_MANAGER,
    COUNTY_READER,
    NEXT_COUNTY,
    PROVINCE,
    Who,
    below,
    household,
    id_number,
    region,
    seat,
    sign_in,
)
from tests.hands import Hands
from tests.modules.samples import parcel, prior_fact

#: Rows of a file and what is said of them.
pytestmark = pytest.mark.one_database

URL = "/exchange/import/prior/"
Row = dict[str, Any]


class Desk(Hands):
    """Somebody who imports."""

    def workbook(self, *rows: Row) -> io.BytesIO:
        """The template, as the page gives it, with these rows."""
        book = openpyxl.load_workbook(io.BytesIO(self.get(f"{URL}template").data))
        sheet = book.worksheets[0]
        heads = [str(cell.value).split("（")[0] for cell in sheet[1]]
        for number, row in enumerate(rows, 2):
            for label, value in row.items():
                sheet.cell(number, heads.index(label) + 1, value)
        out = io.BytesIO()
        book.save(out)
        out.seek(0)
        return out

    def result(self, *rows: Row, mode: str = "import") -> tuple[dict[str, int], dict[int, str]]:
        """The counts, and what the marked workbook says by row."""
        data = {"file": (self.workbook(*rows), "以往.xlsx"), "mode": mode}
        sent = self.post(URL, data, content_type="multipart/form-data")
        assert sent.status_code == 302
        work(self.app, once=True)
        with self.app.app_context(), unscoped("the test reads jobs") as session:
            job = session.scalars(select(Job).order_by(Job.created.desc())).first()
        assert job is not None
        assert job.state == JobState.DONE, job.message
        said = {}
        for made in job.files_of("result"):
            with self.app.app_context(), storage().open(made["key"]) as file:
                sheet = openpyxl.load_workbook(io.BytesIO(file.read())).worksheets[0]
            said = dict(
                enumerate(
                    (str(line[-1]) for line in sheet.iter_rows(min_row=2, values_only=True)), 1
                )
            )
        return {n: v for n, v in (job.result or {}).items() if v and n in OUTCOMES}, said


def desk(app: Flask, who: Who = COUNTY_MANAGER) -> Desk:
    return Desk(app, sign_in(app, who))


def stored(app: Flask) -> list[PriorFact]:
    with app.app_context(), unscoped("tests look") as session:
        return list(session.scalars(select(PriorFact).order_by(PriorFact.found_on)))


def appraisal(number: str, **cells: Any) -> Row:
    return {"来源": "鉴定评估", "日期": "2022-05-03", "身份证号": number, "鉴定或评估情况": "鉴定",
            "鉴定或评估结果": "C级", "鉴定或评估单位": "某单位"} | cells  # fmt: skip


def test_a_list_goes_in_once_where_its_households_are(app: Flask) -> None:
    number = id_number()
    with app.app_context():
        household(number=number)
        parcel(number="P1")
        village = seat(Level.VILLAGE).path
    rows = (
        appraisal(number, 建筑面积="120.5", 结构类型="砖石结构"),
        {"来源": "自然灾害风险普查", "日期": "2020年6月1日", "图斑编号": "P1", "建筑层数": 2},
    )
    mine = desk(app, PROVINCE)
    assert mine.result(*rows, mode="dry_run")[0]["created"] == 2
    assert stored(app) == []
    counts, said = mine.result(*rows)
    assert (counts["created"], said) == (2, {})
    census, judged = stored(app)
    assert (judged.grade, judged.structure, str(judged.floor_area)) == (Grade.C, "01", "120.50")
    assert (census.found_on, census.storeys) == (dt.date(2020, 6, 1), 2)
    assert judged.path == census.path == village
    assert mine.result(*rows)[0]["unchanged"] == 2
    counts, _said = mine.result(appraisal(number, 鉴定或评估结果="D级"))
    assert counts["updated"] == 1
    assert stored(app)[1].grade == Grade.D


def test_a_formula_where_nothing_is_required_is_left_out_and_flagged(app: Flask) -> None:
    number = id_number()
    with app.app_context():
        household(number=number)
    counts, said = desk(app).result(appraisal(number, 建筑层数="=1+1"))
    assert counts == {"created": 1, "flagged": 1}
    assert "公式" in said[1]
    assert stored(app)[0].storeys is None


def test_each_wrong_row_says_why(app: Flask) -> None:
    number = id_number()
    with app.app_context():
        household(number=number)
        foreign = id_number()
        prior_fact(below(region(NEXT_COUNTY), Level.VILLAGE), id_number=foreign)
    bad = [
        (appraisal(number, 来源="听说"), "不在选项中"),
        (appraisal(number, 来源=""), "请选择来源"),
        (appraisal(number, 日期="去年"), "请填写日期"),
        (appraisal(number, 日期="2099-01-01"), "不能晚于今天"),
        (appraisal("610122197001010011"), "校验码"),
        (appraisal(""), "至少填一项"),
        ({"来源": "鉴定评估", "日期": "2022-05-03", "身份证号": number}, "没有任何结论"),
        (appraisal(number, 日期="=TODAY()"), "公式"),
        (appraisal(number, 建筑层数="99"), "不能大于 30"),
        (appraisal(foreign), "其他地区"),
    ]
    counts, said = desk(app).result(*(row for row, _text in bad))
    assert counts == {"rejected": len(bad)}
    for place, (_row, text) in enumerate(bad, 1):
        assert text in said[place], (place, said[place])
    assert len(stored(app)) == 1


@pytest.mark.parametrize(("who", "outcome"), [(COUNTY_MANAGER, "created"), (PROVINCE, "rejected")])
def test_somebody_who_is_on_no_list(app: Flask, who: Who, outcome: str) -> None:
    counts, said = desk(app, who).result(appraisal(id_number()))
    assert counts[outcome] == 1
    assert "名单和图斑中都没有这个号码" in said[1]


def test_who_may_not(app: Flask) -> None:
    reader = desk(app, COUNTY_READER)
    assert reader.get(URL).status_code == 403
    assert reader.get(f"{URL}template").status_code == 403
