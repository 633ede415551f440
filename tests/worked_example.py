"""What the survey of CONTRIBUTING.md can do, tried over HTTP in a process and a database of its own.

Run by tests/test_worked_example.py in a copy of the program that declares the survey, and nothing else.
"""

from __future__ import annotations

import html
import io
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import openpyxl
from flask import Flask
from PIL import Image
from sqlalchemy import select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.jobs.worker import work
from app.deploy import deploy
from app.kernel.declare.register import Register, all_registers, get_register
from app.kernel.figures import state as figures
from tests import builders
from tests.databases import DIVISIONS
from tests.hands import Hands
from tests.kernel.exchange.lists import book, row
from tests.running.applications import make_app

CONTACT = {"contact_name": "王办", "contact_phone": "13909180000"}
#: Heads of households that were on the list before the survey was declared.
BEFORE = ("赵早", "孙先")
#: A household with a well, answers beside it that the rules want; one with a tap.
WELL = {
    "supply": "well", "depth": "35", "users": "4", "tested": "yes", "tested_on": "2024-05-06",
    "lab": "县疾控中心", "surveyor": "王调查",
}  # fmt: skip
TAP = {"supply": "tap", "fee": "180.50", "users": "3", "tested": "no", "surveyor": "王调查"}
NONE = {"supply": "none", "users": 2, "tested": False, "surveyor": "王调查"}


class Survey:
    """The register in its application, with who works there."""

    def __init__(self, app: Flask, register: Register) -> None:
        self.app, self.register = app, register
        with app.app_context():
            county = builders.region(builders.COUNTY, Level.COUNTY)
            village = builders.below(county, Level.VILLAGE, 0)
            self.places = [builders.below(county, Level.TOWN), village]
            next_county = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
        self.manager = self._hands(builders.COUNTY_MANAGER)
        self.reviewer = self._hands(builders.COUNTY_REVIEWER)
        self.collector = self._hands(builders.COUNTY_COLLECTOR)
        self.neighbour = self._hands(builders.COUNTY_MANAGER, next_county)
        self.rows: dict[str, uuid.UUID] = {}

    def _hands(self, who: builders.Who, place: Any = None) -> Hands:
        return Hands(self.app, builders.sign_in(self.app, who, place))

    @property
    def base(self) -> str:
        return f"/{self.register.name}"

    def url(self, name: str, tail: str = "") -> str:
        """The page of the record of the household with that head."""
        return f"{self.base}/{self.rows[name]}{tail}"

    def stored(self, name: str) -> Any:
        with self.app.app_context(), unscoped("the example is looked at") as session:
            return session.get_one(self.register.model, self.rows[name])

    def job(self, answer: Any) -> None:
        """Do what was queued."""
        assert answer.status_code == 302, answer.text[-2000:]
        work(self.app, once=True)

    def begins(self) -> None:
        """Households that were on the list before get their rows by a job; until then no figure is told."""
        ministry = self._hands(builders.MINISTRY, None)
        table = f"{self.base}/statistics/supply"
        assert "统计中" in ministry.get(table).text
        work(self.app, once=True)
        with self.app.app_context():
            figures.forget()
        assert "统计中" not in ministry.get(table).text
        page = self.neighbour.get(f"{self.base}/query").text
        assert all(name in page for name in BEFORE)
        assert "未录入" in page
        proved = self.app.test_cli_runner().invoke(args=["stats", "verify", "--json"])
        assert json.loads(proved.output)["drift"] == 0

    # ---- what it can do, in the order of a year ---------------------------------------------
    def lists(self) -> None:
        """Who is issued stands in the survey's list, 未录入; nobody else's county sees it."""
        people = [row(n, head_name=name) for n, name in enumerate(("张井", "李水", "王泉"), 1)]
        sent = {"file": (book(people), "名单.xlsx"), "mode": "import"}
        self.job(
            self.manager.post(
                "/exchange/import/household/", sent, content_type="multipart/form-data"
            )
        )
        page = self.collector.get(f"{self.base}/entry").text
        assert all(name in page for name in ("张井", "李水", "王泉"))
        assert "农村供水调查" in page
        assert "供水方式" in page
        assert "张井" not in self.neighbour.get(f"{self.base}/query").text
        assert "张井" in self.collector.get(f"{self.base}/entry?head_name=张&state=missing").text
        with self.app.app_context(), unscoped("the example is looked at") as session:
            found = session.scalars(select(self.register.model))
            self.rows = {one.head_name: one.id for one in found}

    def form(self) -> None:
        """Rules live in the page, at saving and at submitting: a bad case of each, and a good one."""
        url, hands = self.url("张井", "/edit"), self.collector
        page = hands.get(url).text
        assert re.search(r'id="field-depth"[^>]* hidden', page)
        said = re.search(r'id="form-rules">(.*?)</script>', page, re.DOTALL)
        assert said
        rules = json.loads(html.unescape(said[1]))
        assert rules["fields"]["depth"]["shown"] == ["is", "supply", "well"]
        wrong = WELL | CONTACT | {"version": "1", "depth": "999"}
        answer = hands.post(url, wrong)
        assert answer.status_code == 422
        assert "不能大于 300。" in answer.text
        assert 'value="999"' in answer.text, "what was typed is kept"
        hidden = WELL | CONTACT | {"version": "1", "fee": "12"}
        assert hands.post(url, hidden).status_code == 302
        row_now = self.stored("张井")
        assert (row_now.state.value, row_now.depth, row_now.fee) == ("draft", 35, None)
        submit = hands.post(
            self.url("张井", "/step/submit"), CONTACT | {"version": row_now.version}
        )
        assert submit.status_code == 422
        assert "请上传水源照片。" in submit.text
        assert hands.upload(self.url("张井", "/files/photos"), picture()).status_code == 200
        self.submit("张井")

    def submit(self, name: str) -> None:
        version = self.stored(name).version
        answer = self.collector.post(self.url(name, "/step/submit"), CONTACT | {"version": version})
        assert answer.status_code == 302, answer.text[-3000:]
        assert self.stored(name).state.value == "submitted"

    def excel(self) -> None:
        """The template has its columns; a bad row is told, a good one saved; the ledger comes out."""
        template = self.collector.get(f"/exchange/template{self.base}")
        sheet_book = openpyxl.load_workbook(io.BytesIO(template.data))
        sheet = sheet_book.worksheets[0]
        heads = [sheet.cell(2, c).value or sheet.cell(1, c).value for c in range(1, 12)]
        assert heads == [
            "户主姓名", "身份证号", "供水方式", "井深（米）", "每年水费（元）", "用水人数（人）",
            "水质是否检测", "检测时间", "检测机构", "调查人", "联系电话",
        ]  # fmt: skip
        good = [
            "李水",
            builders.id_number(2),
            "自来水",
            None,
            "180.50",
            3,
            "否",
            None,
            None,
            "王调查",
        ]
        bad = ["王泉", builders.id_number(3), "水井", 999, None, 3, "否", None, None, "王调查"]
        for number, cells in enumerate((good, bad), 3):
            for column, cell in enumerate(cells, 1):
                sheet.cell(number, column, cell)
        file = io.BytesIO()
        sheet_book.save(file)
        file.seek(0)
        sent = {"file": (file, "供水.xlsx"), "mode": "import"}
        url = f"/exchange/import{self.base}/"
        answer = self.collector.post(url, sent, content_type="multipart/form-data")
        self.job(answer)
        page = self.collector.get(answer.location).text
        numbers = dict(re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", page))
        assert (numbers["新增"], numbers["不能导入"]) == ("1", "1")
        assert "不能大于 300。" in page
        assert self.stored("李水").fee == 180.50
        assert self.stored("王泉").state.value == "missing"
        assert self.collector.post(f"/exchange/export{self.base}").status_code == 403
        self.job(self.manager.post(f"/exchange/export{self.base}", {"reason": "工作调度"}))
        jobs = self.manager.get("/exchange/jobs/").text
        link = re.findall(r'href="(/exchange/jobs/[0-9a-f-]+/files/0)"', jobs)[0]
        sheet = openpyxl.load_workbook(io.BytesIO(self.manager.get(link).data)).worksheets[0]
        _title, *lines = sheet.iter_rows(values_only=True)
        assert len(lines) == 4
        depth, supply = lines[0].index("井深"), lines[0].index("供水方式")
        assert {(line[supply], line[depth]) for line in lines[1:]} == {
            ("水井", 35), ("自来水", None), (None, None),
        }  # fmt: skip

    def api(self) -> None:
        """Another system enters a household, wrongly and rightly, and reads the others."""
        with self.app.app_context():
            owner = builders.account(builders.COUNTY_COLLECTOR)
            _token, secret = builders.api_token(owner, **{self.register.name: "enter"})
            household = str(self.stored("王泉").household_id)
        client, headers = self.app.test_client(), {"Authorization": f"Bearer {secret}"}
        url = f"/api/v1{self.base}"
        body = {"household_id": household, "values": NONE | {"users": 99}}
        wrong = client.post(url, json=body, headers=headers)
        assert (wrong.status_code, wrong.mimetype) == (422, "application/problem+json")
        assert [p["pointer"] for p in wrong.get_json()["problems"]] == ["/values/users"]
        body["values"] = NONE
        assert client.post(url, json=body, headers=headers).status_code == 201
        listed = client.get(f"{url}?state=draft&fields=supply,users", headers=headers).get_json()
        assert {one["values"]["supply"] for one in listed["items"]} == {"tap", "none"}
        changed = client.get(f"{url}/changes?since=2020-01-01", headers=headers).get_json()
        assert changed["next"] is None, "what is younger than ten seconds waits"
        document = client.get("/api/v1/openapi.json", headers=headers).get_json()
        assert url.removeprefix("/api/v1") in {p.removeprefix("/api/v1") for p in document["paths"]}

    def review(self) -> None:
        """One is approved, one returned with a reason and corrected; who submitted decides nothing."""
        assert self.collector.get(f"{self.base}/review").status_code == 403
        first = self.reviewer.get(f"{self.base}/review")
        assert first.location == self.url("张井", "/review")
        assert "县疾控中心" in self.reviewer.get(first.location).text
        assert self.decide("张井", "approve") == "approved"
        upload = self.url("李水", "/files/photos")
        assert self.collector.upload(upload, picture()).status_code == 200
        self.submit("李水")
        bare = self.reviewer.post(self.url("李水", "/decide"), self._decision("李水", "return"))
        assert bare.status_code == 422
        assert self.decide("李水", "return", reason="信息有误") == "returned"
        form = TAP | CONTACT | {"version": self.stored("李水").version, "users": "5"}
        assert self.collector.post(self.url("李水", "/edit"), form).status_code == 302
        self.submit("李水")
        assert self.decide("李水", "approve") == "approved"
        page = self.manager.get(self.url("李水")).text
        assert all(word in page for word in ("上报", "退回补正", "信息有误", "审核通过"))

    def _decision(self, name: str, action: str, **more: str) -> dict[str, Any]:
        return CONTACT | {"action": action, "version": self.stored(name).version} | more

    def decide(self, name: str, action: str, **more: str) -> str:
        form = self._decision(name, action, **more)
        answer = self.reviewer.post(self.url(name, "/decide"), form)
        assert answer.status_code == 302, answer.text[-3000:]
        return str(self.stored(name).state.value)

    def permissions(self) -> None:
        """Outside the area there is nothing; without the right it is refused."""
        for tail in ("", "/edit", "/review"):
            assert self.neighbour.get(self.url("张井", tail)).status_code == 404
        assert self.neighbour.post(self.url("张井", "/clear?version=1")).status_code == 404
        assert self.collector.post(self.url("张井", "/decide"), {}).status_code == 403
        form = WELL | CONTACT | {"version": self.stored("张井").version}
        assert self.collector.post(self.url("张井", "/edit"), form).status_code in {302, 409}
        assert self.stored("张井").state.value == "approved", "an approved record is read only"
        assert self.reviewer.get(self.url("王泉", "/edit")).status_code == 403

    def statistics(self) -> None:
        """The figures, the households behind a number, the same as Excel, the identities."""
        page = self.manager.get(f"{self.base}/statistics/supply").text
        assert "供水统计" in page
        links = re.findall(rf'href="({self.base}/query\?figure=tap[^"]*)"', page)
        rows = self.manager.get(html.unescape(links[0])).text
        assert "李水" in rows
        assert "张井" not in rows
        assert "共 1 户" in rows
        progress = self.manager.get(f"{self.base}/statistics/progress/excel")
        sheet = openpyxl.load_workbook(io.BytesIO(progress.data)).worksheets[0]
        lines = list(sheet.iter_rows(values_only=True))
        total = next(line for line in lines if line[1] and "合计" in str(line[1]))
        assert total[2:] == (3, 0, 1, 0, 2, 0)
        proved = self.app.test_cli_runner().invoke(args=["stats", "verify", "--json"])
        assert (
            json.loads(proved.output)["drift"]
            == json.loads(proved.output)["identities_broken"]
            == 0
        )

    def audit(self) -> None:
        """Every act stands in the log: who entered, what changed, who decided, who took it out."""
        page = self.manager.get(f"/audit/of{self.url('李水')}").text
        for word in ("新增", "修改", "退回补正", "用水人数"):
            assert word in page, word
        exports = self.manager.get("/audit/?act=export").text
        assert "工作调度" in exports


def picture() -> bytes:
    made = io.BytesIO()
    Image.effect_noise((400, 300), 60).convert("RGB").save(made, "JPEG")
    return made.getvalue()


def settle(app: Flask) -> None:
    """Households of the neighbouring county, before there is such a survey."""
    with app.app_context():
        village = builders.below(builders.region(builders.NEXT_COUNTY, Level.COUNTY), Level.VILLAGE)
        for number, name in enumerate(BEFORE, 901):
            builders.household(village, name=name, number=builders.id_number(number))


def main() -> None:
    import os
    import sys
    from pathlib import Path

    app = make_app(os.environ["DATABASE_URL"], Path(os.environ["STORAGE_DIR"]))
    if "settle" in sys.argv:
        settle(app)
        return
    deploy(app, only_divisions=DIVISIONS)
    known = {"household", "lookback", "parcel", "prior_fact"}
    register = get_register("water")
    assert register is not None, [r.name for r in all_registers() if r.name not in known]
    survey = Survey(app, register)
    steps: list[Callable[[], None]] = [
        survey.begins, survey.lists, survey.form, survey.excel, survey.api, survey.review, survey.permissions,
        survey.statistics, survey.audit,
    ]  # fmt: skip
    for step in steps:
        step()


if __name__ == "__main__":
    main()
