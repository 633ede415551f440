"""Heads, labels, charts and notes of a table, and its workbook."""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pytest

from app.access.divisions.regions import Level
from app.kernel.declare.checks.program import check
from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.figures import Figure
from app.kernel.declare.register import all_registers
from app.kernel.declare.tables import Column, Table, columns
from app.kernel.figures import statistics
from app.kernel.reports import charts, tables
from app.web.reports.tables import shown, workbook
from tests import builders as b
from tests.kernel.reports import country


@pytest.fixture
def arranged():
    return country.settle


ROOT = Path(__file__).parents[3]


def read(lookback, name, region):
    table = lookback.table(name)
    sheet = statistics.read(lookback, region, tables.table_figures(table))
    return table, sheet, tables.of_sheet(table, sheet)


def test_heads_are_merged_as_the_manual_has_them(settled, lookback):
    with b.acting(b.CITY):
        _table, _sheet, report = read(lookback, "summary", b.seat(Level.CITY))
    first, second = shown(report, "/x")["headers"]
    spans = [(head["text"], head["colspan"], head["rowspan"]) for head in first]
    assert spans == [
        ("序号", 1, 2), ("地区", 1, 2), ("脱贫户总数", 1, 2), ("其中：分户", 1, 2),
            ("档案审核通过", 1, 2),
        ("自有农村住房", 4, 1), ("其他安全住房", 1, 2), ("死亡销户", 1, 2),
    ]  # fmt: skip
    assert [head["text"] for head in second] == [
        "总数", "未发现安全隐患", "存在一定安全隐患", "存在严重安全隐患",
    ]  # fmt: skip


def test_the_workbook_shows_what_the_page_shows(settled, lookback):
    county = b.region(b.COUNTY, Level.COUNTY)
    with b.acting(b.COUNTY_READER):
        _table, sheet, report = read(lookback, "summary", county)
    page = shown(report, "/x")
    rows = list(openpyxl.load_workbook(workbook(report)).active.iter_rows(values_only=True))
    assert "综合统计" in rows[0][0]
    assert county.full_name in rows[0][0]
    assert rows[1][:5] == ("序号", "地区", "脱贫户总数", "其中：分户", "档案审核通过")
    assert rows[2][5:7] == ("总数", "未发现安全隐患")
    body = rows[3:]
    assert len(body) == len(page["rows"]) == len(sheet.lines)
    for number, (line, made) in enumerate(zip(body, page["rows"], strict=True), 1):
        assert line[0] == number
        assert line[1] == made["label"]
        assert [f"{n:,}" for n in line[2:]] == [cell["text"] for cell in made["cells"]]
    assert body[0][1] == "合计"
    assert body[-1][1] == "行政区划缺失"
    merged = {str(r) for r in openpyxl.load_workbook(workbook(report)).active.merged_cells.ranges}
    assert {"A1:K1", "F2:I2", "A2:A3"} <= merged


def test_a_name_like_a_formula_stays_text(settled, lookback):
    with b.acting(b.COUNTY_READER):
        _table, _sheet, report = read(lookback, "progress", b.region(b.COUNTY, Level.COUNTY))
    row = report.rows[1]
    risky = type(row)(row.kind, '=HYPERLINK("http://x")', row.region, row.cells)
    report = type(report)(**{**vars(report), "rows": (report.rows[0], risky)})
    cell = openpyxl.load_workbook(workbook(report)).active["B4"]
    assert (cell.value, cell.data_type) == ('=HYPERLINK("http://x")', "s")


def test_a_chart_has_a_bar_for_each_division(settled, lookback):
    with b.acting(b.CITY):
        table, sheet, _report = read(lookback, "progress", b.seat(Level.CITY))
    chart = charts.of_sheet(table, sheet)
    assert chart["kind"] == "stacked"
    assert chart["labels"] == [line.label for line in sheet.lines[1:]]
    assert [series["name"] for series in chart["series"]][:2] == ["审核通过", "待审核"]
    for series, name in zip(chart["series"], table.chart, strict=True):
        assert sum(series["values"]) == sheet.total.counts[name]
    assert f"审核通过{sheet.total.counts['approved']}户" in chart["text"]


def test_a_village_has_a_ring_and_nothing_has_no_chart(settled, lookback):
    with b.acting(b.COUNTY_READER):
        table, sheet, _report = read(lookback, "progress", b.seat(Level.VILLAGE))
        assert charts.of_sheet(table, sheet)["kind"] == "share"
        empty = b.below(b.region(b.COUNTY, Level.COUNTY), Level.TOWN, 5)
        table, sheet, _report = read(lookback, "progress", empty)
        assert charts.of_sheet(table, sheet) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"headline": "total nothing"}, "R032"),
        ({"tables": (Table("t", "表", columns("total"), progress=("approved", "none")),)}, "R032"),
        ({"tables": (Table("week", "表", (Column("total"),)),)}, "R034"),
        ({"figures": {"total": Figure("总数", ALWAYS, tone="pink")}}, "R033"),
    ],
)
def test_a_wrong_declaration_is_found(lookback, monkeypatch, change, code):
    for name, value in change.items():
        monkeypatch.setattr(lookback, name, value)
    assert code in {finding.id for finding in check(lookback)}


@pytest.mark.parametrize("register", all_registers(), ids=lambda register: register.name)
def test_no_two_series_of_a_chart_share_a_colour(register):
    """Of a table, of its days, and of the desk's."""
    charted = [table.chart for table in register.tables] + [tuple(register.headline.split())]
    for names in charted:
        found = charts.colours([register.figures[name].tone for name in names])
        assert len({*found}) == len(names), names
        assert {*found} <= {*range(charts.COLOURS)}


def test_a_tone_keeps_its_colour_and_the_palette_has_all():
    assert charts.colours(["good", "warn", "warn", "", "bad"]) == [2, 1, 5, 6, 3]
    assert charts.colours(["", *["neutral"] * 7]) == [5, 4, 6, 7, 0, 1, 2, 3]
    with pytest.raises(ValueError, match="9 series"):
        charts.colours([""] * 9)
    script = (ROOT / "app/web/static/lists/charts.js").read_text(encoding="utf-8")
    palettes = re.findall(r"const (?:LIGHT|DARK) = (\[.*?\]);", script)
    for palette in map(json.loads, palettes):
        assert len({*palette}) == charts.COLOURS
    assert len(palettes) == 2
