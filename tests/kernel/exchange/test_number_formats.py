"""What a format makes of the number in a cell."""

from __future__ import annotations

import pytest

from app.kernel.exchange.workbooks.number_formats import moment, shown_by

NOON = 43465.5  # 31 December 2018


@pytest.mark.parametrize(
    "code",
    ["General", "0.00", "0.00E+00", "#,##0.00_);[Red]\\(#,##0.00\\)", "@", "# ?/?", '0"days"', "0%",
     "G/通用格式", "[Red]0;[Blue]-0", "\\y0", "0_d", '"￥"#,##0.00', "0"],
)  # fmt: skip
def test_formats_of_numbers_leave_them(code: str) -> None:
    assert shown_by(code, 164, since_1904=False) is None


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("yyyy/m/d", "2018-12-31"),
        ("yyyy-mm-dd;@", "2018-12-31"),
        ('[$-804]yyyy"年"m"月"', "2018-12-31"),
        ('m"月"', "2018-12-31"),
        ("mmm-yy", "2018-12-31"),
        ("[$-404]e/m/d", "2018-12-31"),
        ("aaaa", "2018-12-31"),
        ("yyyy-mm-dd h:mm", "2018-12-31 12:00:00"),
        ('yyyy"年"m"月"d"日" 上午/下午h"时"', "2018-12-31 12:00:00"),
        ("h:mm:ss", "12:00:00"),
        ("[h]:mm", "12:00:00"),
        ("00000000", "43465.5"),
    ],
)
def test_formats_of_days_tell_the_day(code: str, said: str) -> None:
    shown = shown_by(code, 164, since_1904=False)
    assert shown is not None
    assert shown(NOON) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(14, "2018-12-31"), (22, "2018-12-31 12:00:00"), (31, "2018-12-31"), (57, "2018-12-31"),
     (20, "12:00:00"), (32, "12:00:00")],
)  # fmt: skip
def test_formats_without_a_code_are_excels_own(number: int, said: str) -> None:
    shown = shown_by(None, number, since_1904=False)
    assert shown is not None
    assert shown(NOON) == said


def test_zeros_in_front_are_shown() -> None:
    shown = shown_by("000000", 164, since_1904=False)
    assert shown is not None
    said = {42.0: "000042", 1234567.0: "1234567", -1.0: "-1", 1.5: "1.5"}
    assert {value: shown(value) for value in said} == said


def test_days_at_the_edges() -> None:
    said = {1: "1900-01-01", 59: "1900-02-28", 61: "1900-03-01", 2_958_465: "9999-12-31"}
    assert {n: str(moment(n))[:10] for n in said} == said
    assert [moment(n) for n in (60, -1, 2_958_466, 1e300)] == [None] * 4
    assert moment(2_958_465.9999999) is None  # it would be the day after
    assert str(moment(42003, since_1904=True))[:10] == "2018-12-31"
