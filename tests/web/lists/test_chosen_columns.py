"""The columns that an account chose for a list."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask

from app.access.account import Account
from app.kernel.lists import chosen_columns
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.web.lists.listed import QUERY, AsAccount, heads, households, kept, step

#: Filters, order and paging are SQL.
pytestmark = pytest.mark.both_databases


def test_an_account_chooses_its_columns_and_their_order(app: Flask, as_account: AsAccount):
    row = households(app, "甲户", living="own", corrected_id=builders.id_number())[0]
    builders_files = ("front_photos", "front_photos")
    with app.app_context():
        builders.attach(row, *builders_files)
    reader, other = as_account(builders.COUNTY_READER), as_account(builders.COUNTY_READER)
    default = heads(reader.get(QUERY).text)
    assert default[:3] == ["户主姓名", "身份证号", "行政区划"]
    chosen = ["state", "living", "corrected_id", "front_photos", "region"]
    answer = reader.post(f"{QUERY}/columns?state=missing", {"column": chosen})
    assert answer.location == f"{QUERY}?state=missing"
    page = reader.get(QUERY).text
    assert 'value="submitted"' in page
    assert 'value="checking"' not in page, "no town checks a survey: no record is in that state"
    assert heads(page) == [
        "户主姓名", "填报状态", "现住房情况", "更正身份证号", "房屋正立面全景照片", "行政区划",
    ]  # fmt: skip
    assert row.corrected_id not in page
    assert f"{row.corrected_id[:4]}*****{row.corrected_id[-4:]}" in page
    assert "2个文件" in page
    assert heads(other.get(QUERY).text) == default
    assert heads(as_account(builders.TOWN_CLERK).get("/lookback/entry").text) == default
    reader.post(f"{QUERY}/columns", {"action": "default"})
    assert heads(reader.get(QUERY).text) == default


def test_rows_of_a_field_stay_masked_in_a_list(app: Flask, as_account: AsAccount):
    number = builders.id_number()
    heirs = [{"name": "分户甲", "id_number": number, "phone": "13909180000"}]
    households(app, "甲户", split=True, split_heads=heirs)
    reader = as_account(builders.COUNTY_READER)
    reader.post(f"{QUERY}/columns", {"column": ["split_heads"]})
    page = reader.get(QUERY).text
    assert "分户甲" in page
    assert number not in page
    assert "13909180000" not in page


@pytest.mark.parametrize(
    ("columns", "message"),
    [([], "请至少再选一列"), (["nothing"], "已不存在"), (None, "最多显示 20 列")],
)  # fmt: skip
def test_columns_that_cannot_be_shown(
    as_account: AsAccount, columns: list[str] | None, message: str
):
    columns = list(LOOKBACK.fields)[:21] if columns is None else columns
    answer = as_account(builders.COUNTY_READER).post(f"{QUERY}/columns", {"column": columns})
    assert answer.status_code == 422
    assert message in answer.text


def test_a_chosen_field_that_is_gone_is_left_out():
    menu = next(m for m in LOOKBACK.menus if m.name == "query")
    chooser = Account(list_columns={"lookback/query": ["gone", "state", "head_name"]})
    assert chosen_columns.kept(chooser, LOOKBACK, menu) == ("head_name", "state")


def test_the_list_of_households_has_its_own(app: Flask, as_account: AsAccount):
    households(app, "甲户", "乙户")
    reader = as_account(builders.COUNTY_READER)
    listed = reader.get("/household/list").text
    for what in ("columns", "filters"):
        assert f'"/household/list/{what}"' in listed
        assert reader.get(f"/household/list/{what}").status_code == 200
    reader.post("/household/list/columns", {"column": ["exit_year"]})
    assert heads(reader.get("/household/list").text) == ["户主姓名", "脱贫年份"]
    reader.post("/household/list/filters?exit_year=2019", {"name": "2019年"})
    assert [row.register for row in kept(app)] == ["household"]
    page = reader.get(html.unescape(re.search(r'href="([^"]+)" class="row-link"', listed)[1])).text
    assert "第 1 / 2 户" in page
    assert "第 2 / 2 户" in step(reader, page, "next").text
