"""A list as a county sends it: a sheet a village, merged places, rows that a filter hides."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
from flask import Flask
from sqlalchemy import select

from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.jobs.table import Job
from app.kernel.households.exchange import importing as household_import
from app.kernel.rows.household import Household
from app.web.exchange.jobs import job_details
from tests import builders
from tests.clicks import begin_import
from tests.jobs import run
from tests.kernel.exchange.lists import HEADS, PLACE, row


def as_sent() -> io.BytesIO:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.title = "秦谷村"
    first.append(["灞源镇名单"])
    first.append(HEADS)
    for serial in (1, 2, 3):
        first.append(row(serial))
    first.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(HEADS))
    for column in range(1, len(PLACE) + 1):
        first.merge_cells(start_row=3, start_column=column, end_row=5, end_column=column)
    first.row_dimensions[4].hidden = True
    first.column_dimensions["L"].hidden = True
    first["C1048576"] = " "
    second = book.create_sheet("又一村")
    second.append([*HEADS, "备注"])
    second.append(row(4, population=3.0000000000000004))
    book.create_sheet("说明").append(["请按模板填写"])
    hidden = book.create_sheet("去年")
    hidden.append(HEADS)
    hidden.append(row(5))
    hidden.sheet_state = "hidden"
    made = io.BytesIO()
    book.save(made)
    made.seek(0)
    return made


def take(app: Flask, account: Any, *, dry_run: bool) -> Job:
    with acting_as(builders.actor_of(account)):
        job = begin_import(
            household_import.start, as_sent(), "名单.xlsx", dry_run=dry_run, whole=False
        )
    return run(app, job)


def test_it_goes_in_as_excel_shows_it_and_what_does_not_is_told(app: Flask, session: Any) -> None:
    manager = builders.account(builders.COUNTY_MANAGER)
    checked = take(app, manager, dry_run=True)
    with acting_as(builders.actor_of(manager)):
        assert job_details(checked)["told"] == [
            "已读取工作表：秦谷村、又一村。",
            "没有读取工作表：说明（没有找到表头）。",
            "没有读取隐藏的工作表：去年。",
            "在 Excel 中隐藏的行（被筛选或手动隐藏）也已读取：第秦谷村!4行。",
            "在 Excel 中隐藏的列也已读取：家庭户籍人口。",
            "没有读取的列：备注。",
            "没有读取离名单很远、只有空格的单元格：C1048576。",
        ]
    db.session.rollback()
    result = take(app, manager, dry_run=False).result or {}
    assert (result["created"], result["rejected"], result["flagged"]) == (4, 0, 0)
    with unscoped("the test looks at everything") as everywhere:
        homes = everywhere.scalars(select(Household).order_by(Household.issued_name)).all()
    assert [(home.issued_name, home.population) for home in homes] == [
        ("王一", 5), ("王三", 5), ("王二", 5), ("王四", 3),
    ]  # fmt: skip
    assert len({home.region_id for home in homes}) == 1
