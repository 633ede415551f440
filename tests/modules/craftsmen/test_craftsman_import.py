"""Craftsmen from Excel: made where their columns say, found again by their numbers, told row by row."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from app.access.scope import acting_as, unscoped
from app.core.files.storage import storage
from app.kernel.exchange import templates
from app.kernel.exchange.imports import record_import
from app.modules.craftsmen.model import Craftsman
from app.modules.craftsmen.register import CRAFTSMAN
from tests import builders
from tests.clicks import begin_export, begin_import
from tests.kernel.exchange.test_round_trip import run

HEADS = (
    "省 市 县 乡镇 村 姓名 身份证号 联系电话 是否带头工匠 是否获得职业资格认定或其他职业认定 工种"
)


def book(*rows: tuple[Any, ...]) -> io.BytesIO:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    sheet.append(HEADS.split())
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    made.save(file)
    file.seek(0)
    return file


@pytest.fixture
def manager(app: Flask, session: Any) -> Any:
    return builders.account(builders.COUNTY_MANAGER)


def take(app: Flask, manager: Any, file: io.BytesIO) -> dict[str, Any]:
    with acting_as(builders.actor_of(manager)):
        start = partial(record_import.start, CRAFTSMAN)
        job = begin_import(start, file, "工匠.xlsx", dry_run=False, whole=False)
    return run(app, job).result or {}


def test_rows_make_craftsmen_and_find_them_again(app: Flask, manager: Any) -> None:
    one, two, three = (builders.id_number(n) for n in (811, 812, 813))
    place = ("陕西省", "西安市", "蓝田县")
    far = ("云南省", "昆明市", "寻甸回族自治县", "", "")
    file = book(
        (*place, "", "", "王建军", one, "13909180001", "是", "否", "瓦工、木工"),
        ("", "", "", "", "", "李强", two, "13909180002", "否", "否", ""),
        (*place, "没有镇", "", "赵六", three, "13909180003", "否", "否", ""),
        (*far, "赵六", three, "13909180003", "否", "否", ""),
        (*place, "", "", "别人", one, "13909180001", "是", "否", ""),
        (*place, "", "", "钱七", "610122197001011111", "13909180001", "是", "否", ""),
        (*place, "", "", "孙八", "", "13909180001", "是", "否", ""),
    )
    done = take(app, manager, file)
    assert (done["created"], done["rejected"]) == (2, 5)
    with unscoped("tests look") as session:
        rows = session.scalars(select(Craftsman).order_by(Craftsman.phone)).all()
        assert [(r.name, r.entered_by) for r in rows] == [
            ("王建军", manager.uuid), ("李强", manager.uuid)
        ]  # fmt: skip
        assert rows[0].trades == ("01", "03")

    with acting_as(builders.actor_of(manager)):
        job = begin_export(CRAFTSMAN, {}, "留存备查")
    (made,) = run(app, job).files_of("result")
    with storage().open(made["key"]) as stored:
        exported = io.BytesIO(stored.read())
    assert one in str([[c.value for c in line] for line in openpyxl.load_workbook(exported).active])
    exported.seek(0)
    again = take(app, manager, exported)
    assert {n: again[n] for n in ("created", "updated", "unchanged", "rejected")} == {
        "created": 0, "updated": 0, "unchanged": 2, "rejected": 0,
    }  # fmt: skip

    with acting_as(builders.actor_of(manager)):
        job = begin_export(CRAFTSMAN, {"menu": ["province"]}, "留存备查")
    (made,) = run(app, job).files_of("result")
    with storage().open(made["key"]) as stored:
        text = str([[c.value for c in line] for line in openpyxl.load_workbook(stored).active])
    assert "王建军" in text
    assert one not in text, "the province's ledger stays masked in a file too"


def test_the_template_has_the_heads_that_the_import_reads(app: Flask, manager: Any) -> None:
    file = io.BytesIO()
    templates.write_register(file, CRAFTSMAN)
    sheet = openpyxl.load_workbook(file).worksheets[0]
    heads = {str(cell.value).strip() for line in sheet.iter_rows(max_row=2) for cell in line}
    assert {"县", "姓名", "身份证号", "是否带头工匠"} <= heads
