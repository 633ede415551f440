"""Empty workbooks say what goes where, and the import reads them."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import openpyxl

from app.kernel.exchange import templates
from app.kernel.exchange.columns import COLUMNS
from app.kernel.exchange.imports.heads import find_heads
from app.kernel.exchange.reader import read_book
from app.kernel.households.exchange.list import wanted
from app.kernel.kinds import CHILDREN, FILES
from app.modules.surveys.lookback.register import LOOKBACK


def made(write: Callable[[IO[bytes]], None]) -> Any:
    file = io.BytesIO()
    write(file)
    file.seek(0)
    return openpyxl.load_workbook(file)


def test_the_template_of_the_list_is_read_by_the_import(session: Any) -> None:
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        buffer = io.BytesIO()
        templates.write_household_list(buffer)
        buffer.seek(0)
        shutil.copyfileobj(buffer, file)
        file.flush()
        (head,) = find_heads(read_book(Path(file.name), "模板.xlsx"), wanted(None))
    assert head.columns == {column.name: n for n, column in enumerate(COLUMNS)}


def test_the_template_of_the_list_helps_to_fill_it_in(session: Any) -> None:
    sheet = made(templates.write_household_list)["农户名单"]
    notes = {cell.value: cell.comment.text for cell in sheet[1]}
    assert notes["身份证号"] == "18位，按文本填写。\n例如：610121198607050969"
    assert sheet["H2"].number_format == "@" or sheet.column_dimensions["H"].number_format == "@"
    sexes = [r for r in sheet.data_validations.dataValidation if str(r.sqref).startswith("I2")]
    assert [r.formula1 for r in sexes] == ['"男,女"']


def test_a_registers_template_follows_its_declaration(session: Any) -> None:
    book = made(lambda file: templates.write_register(file, LOOKBACK))
    sheet = book.worksheets[0]
    sections = {str(r): sheet[str(r).split(":")[0]].value for r in sheet.merged_cells.ranges}
    assert {"户主姓名", "身份证号", "房屋基本信息"} <= set(sections.values())
    leaves = [cell.value for cell in sheet[2]][2:]
    wanted = [f for f in LOOKBACK.fields.values() if f.kind not in (FILES, CHILDREN)]
    assert [str(leaf).split("（")[0] for leaf in leaves if leaf] == [
        f.label.split("（")[0] for f in wanted
    ]
    rules = {
        str(r.sqref).split(":")[0][:-1]: r.formula1 for r in sheet.data_validations.dataValidation
    }
    died = openpyxl.utils.get_column_letter(3 + [f.name for f in wanted].index("died"))
    assert rules[died] == '"是,否"'
    area = openpyxl.utils.get_column_letter(3 + [f.name for f in wanted].index("policies"))
    assert "可填多项" in sheet[f"{area}2"].comment.text
