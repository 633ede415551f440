"""What a ledger's export says, the import of households understands: nothing changes."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from flask import Flask

from app.access.scope import acting_as
from app.core.files.storage import storage
from app.kernel.declare.register import Register
from app.kernel.households.exchange import importing as household_import
from app.kernel.households.register import HOUSEHOLD
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.clicks import begin_export, begin_import
from tests.jobs import run
from tests.kernel.exchange.lists import book, row


@pytest.fixture
def manager(app: Flask, session: Any) -> Any:
    return builders.account(builders.COUNTY_MANAGER)


def take(app: Flask, manager: Any, file: io.BytesIO) -> dict[str, Any]:
    with acting_as(builders.actor_of(manager)):
        job = begin_import(household_import.start, file, "名单.xlsx", dry_run=False, whole=False)
    return run(app, job).result or {}


@pytest.mark.parametrize("register", [LOOKBACK, HOUSEHOLD], ids=lambda r: r.name)
def test_an_exported_ledger_imports_without_a_change(
    app: Flask, manager: Any, register: Register
) -> None:
    rows = [
        row(1), row(2, head_name="O'Neil 王"), row(3, head_name="买合木提·艾力"), row(4, village=""),
        row(5, id_number="610122197001010029"), row(6, town="", village=""),
        row(7, id_number="", phone=""),
    ]  # fmt: skip
    assert take(app, manager, book(rows))["created"] == len(rows)
    with acting_as(builders.actor_of(manager)):
        job = begin_export(register, {}, "留存备查", keys=True)
    (made,) = run(app, job).files_of("result")
    with storage().open(made["key"]) as stored:
        exported = io.BytesIO(stored.read())
    sheet = openpyxl.load_workbook(exported).worksheets[0]
    assert sheet.max_row == 2 + len(rows)
    heads = [cell.value for cell in sheet[2]]
    label = "身份证号" if register is LOOKBACK else "户主身份证号"
    numbers = {line[heads.index(label)].value for line in sheet.iter_rows(min_row=3)}
    assert builders.id_number(1) in numbers
    exported.seek(0)
    again = take(app, manager, exported)
    assert {n: again[n] for n in ("created", "updated", "unchanged", "rejected")} == {
        "created": 0, "updated": 0, "unchanged": 7, "rejected": 0,
    }  # fmt: skip
