"""名单下发 and 导入导出记录, over HTTP: from the file to the households and the marked workbook."""

from __future__ import annotations

import io
import re
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select

from app.access.scope import unscoped
from app.core.db import db
from app.core.jobs import worker
from app.core.jobs.table import KINDS, Job, JobState
from app.kernel.households.exchange import importing as household_import
from app.kernel.rows.household import Household
from tests import builders
from tests.hands import Hands
from tests.kernel.exchange.lists import book, row

URL = "/exchange/import/household/"
AsAccount = Callable[..., Hands]


@pytest.fixture
def manager(as_account: AsAccount) -> Hands:
    return as_account(builders.COUNTY_MANAGER)


def send(hands: Hands, file: io.BytesIO, **fields: str) -> str:
    """Post the form; gives the address of the page that shows the job."""
    answer = hands.post(
        URL, {"file": (file, "名单.xlsx"), **fields}, content_type="multipart/form-data"
    )
    assert answer.status_code == 302, answer.text
    return answer.location


def work(app: Flask) -> None:
    with app.app_context():
        worker.work(app, once=True)


def households(app: Flask) -> int:
    with app.app_context(), unscoped("tests look") as session:
        return session.scalar(select(func.count()).select_from(Household)) or 0


def numbers(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", page))


def test_check_first_then_import(app: Flask, manager: Hands) -> None:
    rows = [row(1), row(2, phone=""), row(3, county="没有县")]
    place = send(manager, book(rows), mode="dry_run")
    waiting = manager.get(place).text
    assert "排队中" in waiting
    assert 'hx-get="/exchange/job/' in waiting
    work(app)
    page = manager.get(place).text
    assert numbers(page) == {
        "将新增": "2", "将更新": "0", "无变化": "0", "不能导入": "1", "自动整理": "0", "待核对": "1",
    }  # fmt: skip
    assert "没有找到“陕西省西安市没有县”" in page
    assert "导入这个文件（2 行）" in page
    assert households(app) == 0
    again = re.search(r'action="(/exchange/import/household/again/[^"]+)"', page)
    assert again
    answer = manager.post(again[1])
    work(app)
    done = manager.get(answer.location).text
    assert numbers(done)["新增"] == "2"
    assert "导入这个文件" not in done
    assert households(app) == 2
    part = manager.get("/exchange/job/" + answer.location.split("=")[1])
    assert part.status_code == 200
    assert "hx-get" not in part.text


def test_the_marked_workbook_is_downloaded_by_its_owner_only(
    app: Flask, manager: Hands, as_account: AsAccount
) -> None:
    send(manager, book([row(1, phone="")]), mode="import")
    work(app)
    page = manager.get("/exchange/jobs/").text
    assert "导入农户名单 名单.xlsx" in page
    (url,) = set(re.findall(r'href="(/exchange/jobs/[0-9a-f-]+/files/0)"', page))
    file = manager.get(url)
    sheet = openpyxl.load_workbook(io.BytesIO(file.data)).active
    assert sheet is not None
    assert sheet["K2"].comment is not None
    assert "attachment" in file.headers["Content-Disposition"]
    assert manager.get(url[:-1] + "7").status_code == 404
    other = as_account(builders.COUNTY_MANAGER)
    assert "导入农户名单" not in other.get("/exchange/jobs/").text
    job_id = url.split("/")[3]
    for foreign in (url, f"/exchange/job/{job_id}", f"{URL}?job={job_id}"):
        assert other.get(foreign).status_code == 404
    for foreign in (f"/exchange/jobs/{job_id}/cancel", f"{URL}again/{job_id}"):
        assert other.post(foreign).status_code == 404


def test_a_waiting_job_can_be_cancelled(app: Flask, manager: Hands) -> None:
    job_id = send(manager, book([row(1)]), mode="import").split("=")[1]
    assert "已取消" in manager.post(f"/exchange/jobs/{job_id}/cancel", follow_redirects=True).text
    work(app)
    assert households(app) == 0
    with app.app_context():
        assert db.session.get_one(Job, uuid.UUID(job_id)).state == JobState.CANCELLED
    text = manager.post(f"/exchange/jobs/{job_id}/cancel", follow_redirects=True).text
    assert "不能取消" in text


def test_a_job_of_a_module_that_is_left_out_waits_and_says_so(
    app: Flask, manager: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "该功能没有启用，启用后继续。"
    send(manager, book([row(1)]), mode="import")
    with monkeypatch.context() as without:
        without.delitem(KINDS, household_import.KIND)
        work(app)
        assert said in manager.get("/exchange/jobs/").text
    assert households(app) == 0
    work(app)
    assert households(app) == 1
    assert said not in manager.get("/exchange/jobs/").text


@pytest.mark.parametrize(("content", "words"), [(None, "请选择要导入的Excel文件"), (b"", "0字节")])
def test_nothing_chosen_is_told_beside_the_field(
    manager: Hands, content: bytes | None, words: str
) -> None:
    fields: dict[str, Any] = {"mode": "import", "whole": "yes"}
    if content is not None:  # made here: the client closes what it has sent
        fields["file"] = (io.BytesIO(content), "空.xlsx")
    answer = manager.post(URL, fields, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert re.search(r'name="whole"[^>]* checked', answer.text)


def test_a_page_says_by_what_rows_are_matched(manager: Hands) -> None:
    told = "按身份证号、列入计划的年度对应：已录入的修改"
    assert told in manager.get("/exchange/import/archive/").text
    assert "按身份证号对应：已录入的修改" in manager.get("/exchange/import/craftsman/").text


def test_a_list_without_rows_says_so(app: Flask, manager: Hands) -> None:
    shown = send(manager, book([]), mode="check")
    work(app)
    assert "表头下面没有数据" in manager.get(shown).text


def test_a_file_that_is_no_workbook_fails_with_its_reason(app: Flask, manager: Hands) -> None:
    place = send(manager, io.BytesIO(b"%PDF-1.4 nothing"), mode="import")
    work(app)
    assert "不是表格" in manager.get(place).text


def test_templates(manager: Hands, as_account: AsAccount) -> None:
    for url in (URL + "template", "/exchange/template/lookback"):
        answer = manager.get(url)
        assert openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets
    assert manager.get("/exchange/template/nothing").status_code == 404
    assert as_account(builders.VILLAGE_CLERK).get(URL + "template").status_code == 403


def jobs(app: Flask) -> int:
    with app.app_context(), unscoped("tests look") as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def test_a_file_that_is_sent_twice_is_taken_in_once(app: Flask, manager: Hands) -> None:
    key = uuid.uuid4().hex

    def kept() -> int:
        return sum(path.is_file() for path in Path(app.config["STORAGE_DIR"]).rglob("*"))

    sheet = book([row(1)]).getvalue()
    first = send(manager, io.BytesIO(sheet), mode="import", form_key=key)
    before = kept()
    assert send(manager, io.BytesIO(sheet), mode="import", form_key=key) == first
    other = {"file": (book([row(2)]), "名单.xlsx"), "mode": "import", "form_key": key}
    answer = manager.post(URL, other, content_type="multipart/form-data")
    assert answer.status_code == 409
    assert "已经提交过，之后又改动了" in answer.text
    assert (jobs(app), kept()) == (1, before)
    checked = send(manager, io.BytesIO(sheet), mode="check", form_key=uuid.uuid4().hex)
    work(app)
    again = f"{URL}again/{checked.partition('job=')[2]}"
    form = {"form_key": uuid.uuid4().hex}
    started = {manager.post(again, form).location for _time in range(2)}
    assert len(started) == 1
    assert started != {first, checked}
    assert jobs(app) == 3


def test_an_export_that_is_begun_twice_is_one(app: Flask, manager: Hands) -> None:
    for address in ("/exchange/export/lookback", "/accounts/export", "/audit/export"):
        before, form = jobs(app), {"reason": "工作联系", "form_key": uuid.uuid4().hex}
        for _time in range(2):
            assert manager.post(address, form).location == "/exchange/jobs"
        assert jobs(app) == before + 1


def test_who_may_not_import_sees_no_page(as_account: AsAccount) -> None:
    clerk = as_account(builders.TOWN_MANAGER)
    assert clerk.get(URL).status_code == 403
    assert clerk.post(URL, {"mode": "import"}).status_code == 403
    assert clerk.get("/exchange/jobs/").status_code == 200


def test_odd_addresses_are_answered(manager: Hands) -> None:
    assert manager.get(f"{URL}?job=nonsense").status_code == 404
    assert manager.get(f"{URL}?job={uuid.uuid4()}").status_code == 404
    for page in ("0", "-1", "x", "9" * 30, "٣"):
        assert manager.get("/exchange/jobs/", query_string={"page": page}).status_code == 400
    assert manager.get("/exchange/jobs/?page=3").status_code == 200
    assert manager.get("/exchange/jobs/progress").status_code == 200


def test_a_running_import_shows_how_far_it_is(app: Flask, manager: Hands) -> None:
    job_id = uuid.UUID(send(manager, book([row(1)]), mode="import").split("=")[1])
    with app.app_context():
        running = worker.claim(job_id)
        assert running is not None
        running.progress(1, 2, "导入：1 / 2 行")
        worker._write(running, running.report)
    page = manager.get("/exchange/jobs/").text
    assert "进行中" in page
    assert 'value="50"' in page
    assert "导入：1 / 2 行" in page
    with app.app_context():
        worker.run(app, running, threading.Event())
    assert "已完成" in manager.get("/exchange/jobs/").text
