"""The list of low-income households from civil affairs: onto the list, nothing twice (spec 03, 08)."""

from __future__ import annotations

import json
from typing import Any

import openpyxl
from flask import Flask
from sqlalchemy import select

from app.access.scope import unscoped
from app.core.files.storage import FolderStorage, storage
from app.kernel.exchange.imports.heads import find_heads
from app.kernel.exchange.reader import read_book
from app.kernel.figures import counters
from app.kernel.households.exchange.list import wanted
from app.kernel.rows.household import Household
from app.kernel.rows.member import PersonNumber
from app.modules.homes.choices import Origin
from app.modules.low_income import imports as object_import
from app.modules.low_income.fields import Upkeep
from app.modules.low_income.model import LowIncome
from app.modules.low_income.register import LOW_INCOME
from tests.builders import COUNTY_MANAGER, TOWN_MANAGER, account, household, id_number

HEAD = "省,市,县,乡镇,村,户主姓名,身份证号,性别,联系电话,农户类型,对象来源,住房情况"
PLACE = "陕西省,西安市,蓝田县"


def import_list(app: Flask, tmp_path: Any, login: str, *rows: str) -> dict[str, Any]:
    file = tmp_path / "list.csv"
    file.write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    args = ["exchange", "import", "low_income", str(file), "--as", login, "--json"]
    args += ["--workbook", str(tmp_path / "marked.xlsx")]
    made = app.test_cli_runner().invoke(args=args)
    assert made.exit_code == 0, made.output
    return dict(json.loads(made.output))


def test_a_list_puts_households_onto_the_list_and_a_second_time_nothing_twice(
    app: Flask, session: Any, tmp_path: Any
) -> None:
    known, _survey = household(name="王五")
    login = account(COUNTY_MANAGER).username
    new, lost = id_number(), id_number()
    rows = (
        f"{PLACE},,,张三,{new},男,13909180001,农村低保户、易返贫致贫户,,住房安全",
        f"{PLACE},没有镇,没有村,李四,{lost},,,低保户吗,住建新下发,",
        f"{PLACE},,,王五,{known.head_id},,,农村低保边缘家庭,,",
    )
    counts = import_list(app, tmp_path, login, *rows)
    assert (counts["created"], counts["updated"], counts["rejected"]) == (2, 1, 0)
    again = import_list(app, tmp_path, login, *rows)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3)
    with unscoped("tests look") as look:
        found = {one.head_name: one for one in look.scalars(select(LowIncome))}
        assert found["张三"].groups == ("allowance", "relapse")
        assert found["张三"].condition == "safe"
        assert (found["张三"].origin, found["李四"].origin) == (Origin.CIVIL, Origin.ISSUED)
        assert found["李四"].unplaced
        assert all(one.low_income and one.upkeep == Upkeep.PENDING for one in found.values())
        assert found["王五"].household_id == known.id
        assert look.get_one(Household, known.id).poverty_exit
        assert set(look.scalars(select(PersonNumber.number))) == {new, lost, known.head_id}
        kept = counters.kept_counts(look, LOW_INCOME)
        assert kept == counters.live_counts(look, LOW_INCOME)


def test_groups_reach_the_six_as_people_write_them(app: Flask, session: Any, tmp_path: Any) -> None:
    written = {
        "张一": ("低保户(A类)", ("allowance",)),
        "张二": ("五保户", ("destitute",)),
        "张三": ("特困人员", ("destitute",)),
        "张四": ("农村低保户 边缘易致贫户", ("allowance", "relapse")),
        "张五": ("突发严重困难户+低保", ("stricken", "allowance")),
        "张六": ("低保、村里说的困难户", ("allowance",)),
    }
    login = account(COUNTY_MANAGER).username
    rows = [
        f"{PLACE},,,{name},{id_number()},男,13909180001,{said}"
        for name, (said, _g) in written.items()
    ]
    counts = import_list(app, tmp_path, login, *rows)
    assert (counts["created"], counts["rejected"]) == (6, 0)
    with unscoped("tests look") as look:
        found = {one.head_name: one.groups for one in look.scalars(select(LowIncome))}
    assert found == {name: groups for name, (_said, groups) in written.items()}
    sheet = openpyxl.load_workbook(tmp_path / "marked.xlsx").worksheets[0]
    told = {row[5]: str(row[-2]) for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert "“村里说的困难户”不在选项中" in told["张六"]
    assert "不在选项中" not in "".join(text for name, text in told.items() if name != "张六")


def test_the_template_has_the_columns_that_the_import_reads(app: Flask, tmp_path: Any) -> None:
    file = tmp_path / "template.xlsx"
    with app.app_context(), file.open("wb") as made:
        object_import.write_template(made)
    (head,) = find_heads(read_book(file, file.name), wanted(None))
    assert {"groups", "origin", "housing", "condition", "head_name"} <= head.columns.keys()


def test_of_an_import_that_is_refused_no_file_stays(
    app: Flask, session: Any, tmp_path: Any
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(HEAD, encoding="utf-8")
    login = account(TOWN_MANAGER).username
    args = ["exchange", "import", "low_income", str(file), "--as", login]
    made = app.test_cli_runner().invoke(args=args)
    assert made.exit_code == 1
    assert "没有“名单下发”的权限" in made.output
    folder = storage()
    assert isinstance(folder, FolderStorage)
    assert [path for path in folder.root.rglob("*") if path.is_file()] == []
