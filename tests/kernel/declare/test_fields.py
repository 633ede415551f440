"""A field's text in and out: every kind, good spellings and every bad one with its message."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.access.divisions.regions import Level, Region
from app.core.choices import Choices
from app.kernel.declare import fields as f
from app.kernel.declare.flow import State
from app.kernel.declare.rules import RuleSet
from tests.builders import COUNTY, region, seat


class Colour(Choices):
    RED = "red", "红"
    BLUE = "blue", "蓝"


WHOLE = "请填写整数，不要带单位。"
NUMBER = "请填写数字，不要带单位。"
HUGE = "数字过大，请核对。"
DATE = "请填写日期，例如 2024-09-07。"
YEAR = "年份应在 1900 至 2100 之间，请核对。"


KINDS: dict[str, Any] = {
    "text": f.text("名", 5),
    "lines": f.long_text("说明", 10),
    "integer": f.integer("层数"),
    "decimal": f.decimal("面积"),
    "money": f.money("金额"),
    "year": f.year("年份"),
    "date": f.date("日期"),
    "yes_no": f.yes_no("是否"),
    "choice": f.choice("颜色", Colour),
    "listed": f.listed("能源", "energy"),
    "many": f.many("颜色", Colour),
    "many_listed": f.many("能源", "energy"),
    "id_number": f.id_number("身份证号"),
    "phone": f.phone("电话"),
    "uscc": f.uscc("代码"),
    "children": f.children(
        "人员", f.row("name", f.text("姓名", 5)), f.row("way", f.choice("色", Colour))
    ),
}

GOOD = [
    ("text", " 张三　", "张三"),
    ("text", "张\n三", "张 三"),
    ("text", "a\x00b\ud800c", "abc"),
    ("text", "e\u0301", "é"),
    ("lines", "一\r\n二", "一\n二"),
    ("integer", "12", 12),
    ("integer", "１２", 12),
    ("integer", "-3", -3),
    ("integer", "007", 7),
    ("decimal", "120.5", Decimal("120.50")),
    ("decimal", "1,200", Decimal("1200.00")),
    ("decimal", "1.500", Decimal("1.50")),
    ("decimal", "9999999999.99", Decimal("9999999999.99")),
    ("money", "３５０００", Decimal("35000.00")),
    ("year", "2024", 2024),
    ("date", "2024-09-07", dt.date(2024, 9, 7)),
    ("date", "2024年9月7日", dt.date(2024, 9, 7)),
    ("date", "2024/9/7", dt.date(2024, 9, 7)),
    ("date", "２０２４.９.７", dt.date(2024, 9, 7)),
    ("date", "20240907", dt.date(2024, 9, 7)),
    ("yes_no", "yes", True),
    ("yes_no", "否", False),
    ("choice", "red", Colour.RED),
    ("choice", "蓝", Colour.BLUE),
    ("listed", "02", "02"),
    ("listed", "煤炭", "01"),
    ("many", ["red", "蓝", "", None], (Colour.RED, Colour.BLUE)),
    ("many", "red", (Colour.RED,)),
    ("many_listed", ["电", "99"], ("02", "99")),
    ("id_number", " 11010519491231002x ", "11010519491231002X"),
    ("phone", "+86 139-0918-0000", "13909180000"),
    ("uscc", "91350100m000100y43", "91350100M000100Y43"),
    ("children", [{"name": "王", "way": "红"}, {"name": ""}], [{"name": "王", "way": "red"}]),
]
EMPTY = [
    *[(kind, "", None) for kind in KINDS if kind not in ("many", "many_listed", "children")],
    *[(kind, None, None) for kind in KINDS if kind not in ("many", "many_listed", "children")],
    ("text", " 　\t", None),
    ("text", "\x00", None),
    ("id_number", "无", None),
    ("phone", "000000", None),
    ("many", [], ()),
    ("many", None, ()),
    ("children", None, []),
    ("children", [], []),
]
BAD = [
    ("text", "一二三四五六", "最多 5 个字，现有 6 个。"),
    ("lines", "一" * 11, "最多 10 个字，现有 11 个。"),
    ("id_number", "110105194912310021234", "最多 18 个字，现有 21 个。"),
    ("integer", "5人", WHOLE),
    ("integer", "1.5", WHOLE),
    ("integer", "1_000", WHOLE),
    ("integer", "٣", WHOLE),
    ("integer", "1e3", WHOLE),
    ("integer", "2000000001", HUGE),
    ("integer", "9" * 5000, HUGE),
    ("decimal", "一百", NUMBER),
    ("decimal", "120平方米", NUMBER),
    ("decimal", "NaN", NUMBER),
    ("decimal", "Infinity", NUMBER),
    ("decimal", "1e9", NUMBER),
    ("decimal", "1_0", NUMBER),
    ("decimal", "1.234", "最多保留两位小数。"),
    ("decimal", "10000000000", HUGE),
    ("money", "9" * 40, HUGE),
    ("year", "24", YEAR),
    ("year", "32768", YEAR),
    ("year", "今年", WHOLE),
    ("date", "2024-02-30", DATE),
    ("date", "昨天", DATE),
    ("date", "2024-09", DATE),
    ("date", "1899-12-31", YEAR),
    ("date", "2101-01-01", YEAR),
    ("yes_no", "maybe", "请选择“是”或“否”。"),
    ("choice", "绿", "“绿”不在选项中，请从列表中选择。"),
    ("choice", "x" * 99, f"“{'x' * 30}”不在选项中，请从列表中选择。"),
    ("listed", "77", "“77”不在选项中，请从列表中选择。"),
    ("many", ["red", "绿"], "“绿”不在选项中，请从列表中选择。"),
    ("children", "王", "内容格式不正确，请刷新页面后重新填写。"),
    ("children", ["王"], "内容格式不正确，请刷新页面后重新填写。"),
    ("children", [{"name": "一二三四五六"}], "最多 5 个字，现有 6 个。"),
]


@pytest.mark.parametrize(("kind", "raw", "value"), [*GOOD, *EMPTY])
def test_parse(kind: str, raw: Any, value: Any) -> None:
    parsed = KINDS[kind].parse(raw)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(("kind", "raw", "message"), BAD)
def test_parse_refuses(kind: str, raw: Any, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        KINDS[kind].parse(raw)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        *[(kind, None, "") for kind in KINDS],
        ("text", "张三", "张三"),
        ("integer", 0, "0"),
        ("decimal", Decimal("100.00"), "100"),
        ("decimal", Decimal("120.50"), "120.5"),
        ("money", Decimal("35000.00"), "35,000.00"),
        ("date", dt.date(2024, 9, 7), "2024-09-07"),
        ("yes_no", True, "是"),
        ("yes_no", False, "否"),
        ("choice", Colour.RED, "红"),
        ("listed", "02", "电"),
        ("listed", "77", "77"),
        ("many", ("red", "blue"), "红、蓝"),
        ("many_listed", ("01", "99"), "煤炭、其他"),
        ("children", [{"name": "王", "way": "red"}, {"name": "李"}], "王 红；李"),
    ],
)
def test_text_for_people(kind: str, value: Any, text: str) -> None:
    assert KINDS[kind].text(value) == text


def test_a_division_is_named_by_key_code_or_full_name(session: Any) -> None:
    made, village = f.region("迁户后的地区"), seat(Level.VILLAGE)
    for raw in (str(village.id), village.code, village.full_name, f" {village.full_name} "):
        assert made.parse(raw) == village.id
    assert made.text(village.id) == village.full_name
    assert (made.parse(""), made.text(None)) == (None, "")
    for raw, message in (
        ("没有的村", "没有“没有的村”"),
        ("999999999", "没有“999999999”"),
        ("9" * 30, "没有“9"),
        (region(COUNTY).full_name, "请选择到村级"),
        (str(seat(Level.TOWN).id), "请选择到村级"),
    ):
        with pytest.raises(ValueError, match=message):
            made.parse(raw)
    group = session.scalars(select(Region.id).where(Region.structural)).first()
    with pytest.raises(ValueError, match="没有"):
        made.parse(str(group))


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("id_number", "610122197001010015", "6101*****0015"),
        ("phone", "15712343338", "157****3338"),
        ("phone", None, ""),
        ("id_number", "123", "1*****"),
    ],
)
def test_mask(kind: str, value: Any, masked: str) -> None:
    assert KINDS[kind].mask(value) == masked
    assert KINDS[kind].masked


def problems(made: Any, value: Any) -> list[tuple[str, str]]:
    """(rule, message) of a record that consists of one field."""
    made.name = "it"
    found = RuleSet([made], {}).evaluate({"it": value}).problems
    return [(p.code.removeprefix("it."), p.message) for p in found]


DAY = dt.date(2024, 9, 7)


@pytest.mark.parametrize(
    ("made", "value", "expected"),
    [
        (f.text("名"), None, [("required", "请填写名。")]),
        (f.text("名", required=False), None, []),
        (f.yes_no("是否"), None, [("required", "请选择是否。")]),
        (f.many("颜色", Colour), (), [("required", "请选择颜色。")]),
        (f.photos("照片", 1, 3), [], [("required", "请上传照片。")]),
        (f.photos("照片", 1, 3), ["a"], []),
        (f.photos("照片", 2, 3), ["a"], [("low", "至少需要 2 个。")]),
        (f.photos("照片", 1, 3), [*"abcd"], [("high", "最多 3 个。")]),
        (f.photos("照片", 0, 3), [], []),
        (f.children("人", f.row("n", f.text("名")), low=1), [], [("required", "请填写人。")]),
        (f.children("人", f.row("n", f.text("名")), low=2), [{"n": "王"}],
         [("low", "至少需要 2 个。")]),
        (f.integer("层数", 1, 30), 0, [("low", "不能小于 1。")]),
        (f.integer("层数", 1, 30), 31, [("high", "不能大于 30。")]),
        (f.integer("层数", 1, 30), 30, []),
        (f.date("日", not_before=DAY), dt.date(2024, 9, 6), [("early", "不能早于 2024-09-07。")]),
        (f.date("日", not_after=DAY), dt.date(2024, 9, 8), [("late", "不能晚于 2024-09-07。")]),
        (f.date("日", not_after=f.Today()), dt.date(2100, 1, 1), [("late", "不能晚于今天。")]),
        (f.id_number("号"), "61012219700101001X",
         [("invalid", "身份证号第18位校验码不正确，应为 6，请核对。")]),
        (f.phone("电话"), "123", [("invalid", "电话号码不正确，请填写 11 位手机号，或区号-号码。")]),
        (f.uscc("代码"), "91350100M000100Y44",
         [("invalid", "统一社会信用代码不正确，请核对 18 位代码。")]),
    ],
)  # fmt: skip
def test_rules_that_helpers_make(made: Any, value: Any, expected: list[tuple[str, str]]) -> None:
    assert problems(made, value) == expected


def test_the_rows_of_children_are_checked_one_by_one() -> None:
    made = f.children("人", f.row("name", f.text("姓名")), f.row("tel", f.phone("电话")))
    made.name = "people"
    rows = [{"name": "王", "tel": "13909180000"}, {"name": None, "tel": "1"}]
    found = RuleSet([made], {}).evaluate({"people": rows}).errors
    assert {(p.field, p.code) for p in found} == {
        ("people-1-name", "people.name.required"),
        ("people-1-tel", "people.tel.invalid"),
    }


def test_a_variant_leaves_its_model_alone() -> None:
    first = f.text("名", 5)
    second = f.variant(first, required=False)
    second.checks.append(f.Check("never", second.given, "不能填写。"))
    assert first.required
    assert first.checks == []


def test_a_field_may_call_its_choices_otherwise_and_leave_some_out() -> None:
    made = f.choice(
        "监测状态",
        State,
        words={State.MISSING: "未监测"},
        leaves_out=(State.CHECKING, State.RECTIFY),
    )
    assert made.text(State.MISSING) == "未监测"
    assert made.text(State.APPROVED) == "审核通过"
    assert made.options()["missing"] == "未监测"
    assert "rectify" not in made.options(all_ever=True)
    assert made.codes == ["missing", "draft", "submitted", "approved", "returned"]
    assert made.parse("未监测") == State.MISSING
    assert made.parse("missing") == State.MISSING
    with pytest.raises(ValueError, match="退回整改"):
        made.parse("退回整改")
