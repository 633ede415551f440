"""Columns that divide figures: exact ranks, dashes, sums in the total; rows in the order of a column."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import openpyxl
import pytest

from app.access.divisions.regions import Level
from app.core.errors import BadInput
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.tables import HIGHEST, LOWEST, Column, Rate, Table
from app.kernel.figures import statistics
from app.kernel.figures.statistics import Line, LineKind, Sheet
from app.kernel.reports import by_rule, order, tables, trend
from app.kernel.reports.shares import ranked, share
from app.kernel.reports.tables import Cell, Report
from app.web.reports.tables import shown, workbook
from tests import builders as b
from tests.kernel.reports import country

TABLE = Table(
    "ranking",
    "进度排名",
    (
        Column("total"),
        Rate("完成率", "approved", "total", HIGHEST),
        Column(head="未录入", columns=(Column("missing"), Rate("率", "missing", "total", LOWEST))),
        Rate("每户", "household.total", "total"),
    ),
    progress=("approved", "total"),
)


@pytest.fixture
def arranged() -> Any:
    return country.settle


def of_counts(sheet: Sheet, *counts: tuple[int, int, int]) -> Report:
    """The table as these divisions would have it: approved, missing and total of each."""
    children = sheet.divisions[: len(counts)]
    made = [
        replace(line, counts={"approved": a, "missing": m, "total": t})
        for line, (a, m, t) in zip(children, counts, strict=True)
    ]
    whole = {name: sum(one.counts[name] for one in made) for name in made[0].counts}
    total = Line(LineKind.TOTAL, sheet.region, whole)
    plain = replace(TABLE, columns=TABLE.columns[:3])
    return tables.of_sheet(plain, replace(sheet, lines=(total, *made)))


@pytest.fixture
def sheet(settled: Any, lookback: Register) -> Sheet:
    with b.acting(b.MINISTRY):
        return statistics.read(lookback, b.seat(Level.NATION), tables.table_figures(TABLE))


def texts(report: Report, column: int) -> list[str]:
    return [row.cells[column].text for row in report.rows]


def test_ranks_are_by_the_exact_fraction_and_shared(sheet: Sheet) -> None:
    """Two rates that round alike are two places; equal ones of other numbers share one."""
    report = of_counts(
        sheet, (99999, 0, 100000), (1, 5, 3), (2, 0, 6), (0, 0, 0), (9, 9, 3), (99998, 1, 100000)
    )
    assert report.heads == (
        ("脱贫户总数",), ("完成率",), ("排名",), ("未录入", "未录入"), ("未录入", "率"), ("未录入", "排名"),
    )  # fmt: skip
    assert texts(report, 1)[1:] == ["99.99%", "33.33%", "33.33%", "—", "300.00%", "99.99%"]
    assert texts(report, 2) == ["—", "2", "4", "4", "—", "1", "3"]
    assert texts(report, 4)[1:] == ["0.00%", "166.67%", "0.00%", "—", "300.00%", "0.01%"]
    assert texts(report, 5) == ["—", "1", "4", "1", "—", "5", "3"]
    assert report.rows[0].cells[1].exact == Fraction(200009, 200012)


def test_the_total_and_another_register(sheet: Sheet) -> None:
    """The total divides sums; a household has one survey here."""
    with b.acting(b.MINISTRY):
        report = tables.of_sheet(TABLE, sheet)
    whole = sheet.total.counts
    assert report.rows[0].cells[1].exact == Fraction(whole["approved"], whole["total"])
    assert texts(report, 6)[0] == "100.00%"
    assert report.rows[0].cells[2].text == "—"


def test_figures_that_are_being_counted_have_no_rate_and_no_rank(sheet: Sheet) -> None:
    counting = replace(sheet, counting=frozenset({"approved"}))
    with b.acting(b.MINISTRY):
        report = tables.of_sheet(TABLE, counting)
    assert {*texts(report, 1)} == {"统计中"}
    assert {*texts(report, 2)} == {"—"}
    assert texts(report, 4)[0].endswith("%")


@pytest.mark.parametrize(
    ("done", "whole", "places", "text"),
    [
        (9726, 10000, 2, "97.26%"), (1, 3, 2, "33.33%"), (2, 3, 2, "66.67%"), (0, 7, 2, "0.00%"),
        (1, 100_000_000, 2, "0.01%"), (99_999_999, 100_000_000, 2, "99.99%"), (7, 7, 2, "100.00%"),
        (15, 7, 2, "214.29%"), (1, 0, 2, "—"), (0, 0, 1, "—"), (999_999, 1_000_000, 1, "99.9%"),
    ],
)  # fmt: skip
def test_a_share_in_words(done: int, whole: int, places: int, text: str) -> None:
    assert share(done, whole, places) == text


def test_the_first_is_the_highest_or_the_lowest() -> None:
    pairs = {1: (1, 2), 2: (2, 4), 3: (3, 4), 4: (5, 0)}
    assert ranked(pairs) == {1: 2, 2: 2, 3: 1}
    assert ranked(pairs, lowest=True) == {1: 1, 2: 1, 3: 3}


# ---- order ---------------------------------------------------------------------------------------


def sorted_by(report: Report, text: str) -> Report:
    return order.put_in(report, order.asked_for(text, report))


def test_rows_in_the_order_of_a_column(sheet: Sheet) -> None:
    """The total stays on top; a dash is last either way; what is equal stays as it was."""
    report = of_counts(sheet, (1, 0, 3), (0, 0, 0), (9999, 0, 10000), (5, 2, 15), (100, 0, 100))
    names = [row.label for row in report.rows]
    up, down = sorted_by(report, "2"), sorted_by(report, "-2")
    assert [row.label for row in up.rows] == [names[n] for n in (0, 1, 4, 3, 5, 2)]
    assert [row.label for row in down.rows] == [names[n] for n in (0, 5, 3, 1, 4, 2)]
    assert texts(sorted_by(report, "3"), 2) == ["—", "1", "2", "3", "3", "—"]
    assert sorted_by(report, "") is report


@pytest.mark.parametrize(
    "text", ["0", "7", "-0", "x", "1.0", " 1", "+1", "１", "-", "--1", "9" * 30]
)
def test_a_column_that_is_none_is_refused(sheet: Sheet, text: str) -> None:
    with pytest.raises(BadInput):
        order.asked_for(text, of_counts(sheet, (1, 0, 3)))


def test_a_click_turns_round_and_ranks_begin_with_the_first(sheet: Sheet) -> None:
    report = of_counts(sheet, (1, 0, 3))
    asked = [order.next_of(n, None, report).text for n in range(6)]
    assert asked == ["-1", "-2", "3", "-4", "-5", "6"]
    now = order.asked_for("-2", report)
    assert order.next_of(1, now, report).text == "2"
    assert order.next_of(0, now, report).text == "-1"


def test_the_line_of_no_division_stays_last(settled: Any, lookback: Register) -> None:
    county = b.region(b.COUNTY, Level.COUNTY)
    with b.acting(b.COUNTY_MANAGER):
        read = statistics.read(lookback, county, tables.table_figures(TABLE))
        report = tables.of_sheet(TABLE, read)
    assert report.rows[-1].kind == LineKind.UNPLACED
    assert report.rows[-1].cells[2].text == "—"
    for text in ("1", "-1", "2", "-3"):
        made = sorted_by(report, text)
        assert (made.rows[0], made.rows[-1]) == (report.rows[0], report.rows[-1])
        assert sorted(row.label for row in made.rows) == sorted(row.label for row in report.rows)


def test_rules_are_put_in_order_too(settled: Any) -> None:
    """By how many records break them, or by a column of words."""
    archive = get_register("archive")
    assert archive is not None
    with b.acting(b.MINISTRY):
        report = by_rule.report(archive, b.seat(Level.NATION))
    numbers = range(len(report.rows))
    told = [
        replace(row, cells=(row.cells[0], replace(row.cells[1], value=n * 7 % 5), *row.cells[2:]))
        for n, row in zip(numbers, report.rows, strict=True)
    ]
    down = sorted_by(replace(report, rows=tuple(told)), "-2")
    found = [row.cells[1].value for row in down.rows]
    assert found == sorted(found, reverse=True)
    assert {*found} == {0, 1, 2, 3, 4}
    words = texts(sorted_by(report, "1"), 0)
    assert words == sorted(words)


# ---- where it is shown ----------------------------------------------------------------------------


def test_the_workbook_has_rates_as_numbers(sheet: Sheet) -> None:
    report = of_counts(sheet, (1, 0, 3), (0, 0, 0))
    lines = openpyxl.load_workbook(workbook(report)).active
    found = [[cell.value for cell in line] for line in lines.iter_rows(min_row=4)]
    assert [line[2:6] for line in found] == [
        [3, 0.3333, "—", 0],
        [3, 0.3333, 1, 0],
        [0, "—", "—", 0],
    ]
    assert lines["D4"].number_format == "0.00%"
    assert [cell["text"] for cell in shown(report, "/x")["rows"][1]["cells"]][:3] == [
        "3",
        "33.33%",
        "1",
    ]


def test_a_number_of_a_register_without_a_list_leads_nowhere(sheet: Sheet) -> None:
    """The list is that of the register which counts, whatever the table's own has."""
    parcel, household = get_register("parcel"), get_register("household")
    assert parcel is not None
    assert household is not None
    assert not parcel.menus
    report = of_counts(sheet, (1, 0, 3))

    def url(register: Register, of: str) -> str | None:
        cells = (Cell(3, figure="total", of=of),)
        rows = (replace(report.rows[0], cells=cells),)
        found = shown(replace(report, register=register, rows=rows), "/x")["rows"]
        link: str | None = found[0]["cells"][0]["url"]
        return link

    assert url(household, "parcel") is None
    assert url(parcel, "") is None
    assert url(parcel, "household") == f"/household/list?figure=total&region={sheet.region.id}"


def test_days_show_figures_alone(settled: Any, lookback: Register) -> None:
    with b.acting(b.MINISTRY):
        report, _line = trend.report(lookback, TABLE, b.seat(Level.NATION), 14)
    assert report.heads == (("脱贫户总数",), ("未录入", "未录入"), ("当日新增审核通过",))
    assert len(report.rows[0].cells) == 3
