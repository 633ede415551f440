"""Spellings of the real lists, and the messages that clerks read."""

from __future__ import annotations

import datetime as dt

import pytest

from app.kernel.kinds import formats

TODAY = dt.date(2026, 11, 22)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (" 田　翠素 ", "田翠素"),
        ("田  翠素", "田翠素"),
        ("O'Neil 王", "O'Neil 王"),
        ("O'Neil　 王", "O'Neil 王"),
        ("张三（户主）", "张三"),
        ("张三(户主本人)", "张三"),
        ("买合木提•艾力", "买合木提·艾力"),
        ("买合木提.艾力", "买合木提·艾力"),
        ("阿依古丽 · 买买提", "阿依古丽·买买提"),
        ("J. Smith", "J. Smith"),
        ("𠅤\u200b三", "𠅤三"),
        ("〇 一", "〇一"),
        ("张三（已故）", "张三(已故)"),
        ("阿不都‧热合曼", "阿不都·热合曼"),
        ("艾力 ．吾守尔", "艾力·吾守尔"),
        ("古丽・・买买提", "古丽·买买提"),
        ("马⽅", "马方"),
        ("⻢⻓⻰", "马长龙"),
        ("赵\ue863", "赵䶮"),
        ("王\ue816", "王\U00020087"),
        ("\u202b刘\u200b佩\u202c", "刘佩"),
        ("Ｌｉ　Ｍｉｎｇ", "Li Ming"),
        ("王𠮷", "王𠮷"),
        ("ئابدۇرەھىم", "ئابدۇرەھىم"),
    ],
)
def test_names_are_mended(typed: str, name: str) -> None:
    assert formats.mend_name(typed) == name
    assert formats.mend_name(name) == name


@pytest.mark.parametrize(
    ("typed", "start"),
    [
        ("古丽•", "古丽·"),
        ("古丽 . ", "古丽·"),
        ("⻢", "马"),
        ("张　", "张"),
        ("J.", "J."),
        ("", ""),
    ],
)
def test_the_beginning_of_a_name_is_mended_like_the_name(typed: str, start: str) -> None:
    assert formats.mend_name_start(typed) == start


@pytest.mark.parametrize(
    "name", ["王𠮷", "李䶮", "ئابدۇرەھىم", "བསྟན་འཛིན", "古丽·买买提", "O'Neil 王"]
)
def test_names_of_every_script_are_not_odd(name: str) -> None:
    assert formats.name_problem(name) is None


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2025-06-03 00:00:00", "2025-06-03"), ("2025-06-03T15:30", "2025-06-03"),
        ("45811", "2025-06-03"), ("45811.64583", "2025-06-03"), ("2025年6月3日", "2025年6月3日"),
        ("20250603", "20250603"), ("2025", "2025"),
    ],
)  # fmt: skip
def test_days_of_cells_lose_their_time(typed: str, day: str) -> None:
    assert formats.mend_day(typed) == day


@pytest.mark.parametrize(
    ("typed", "year"),
    [
        ("2018", 2018), ("２０１８年", 2018), ("2018年度", 2018), ("2018年底", 2018), ("2018年12月", 2018),
        ("2018.12", 2018), ("2018-12-31", 2018), ("2018-12-31 00:00:00", 2018), ("2018/1/2", 2018),
        ("2018年12月31日", 2018), ("20181231", 2018), ("201812", 2018), ("43465", 2018),
        ("18年", None), ("2018-2020", None), ("去年", None), ("2018.5.6.7", None),
    ],
)  # fmt: skip
def test_a_year_stands_in_what_names_one(typed: str, year: int | None) -> None:
    assert formats.mend_year(typed) == year


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("5", 5), ("5人", 5), ("５口人", 5), ("5.0", 5), ("五人", 5), ("十", 10), ("十二", 12),
        ("二十三人", 23), ("两口", 2), ("", None), ("五六", None), ("5.5", None), ("-1", None),
        ("人", None), ("1" * 30, None),
    ],
)  # fmt: skip
def test_counts_are_mended(typed: str, count: int | None) -> None:
    assert formats.mend_count(typed) == count


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("６１０１２１１９８６０７０５０９６９", "610121198607050969"),
        ("'61012219390907111x ", "61012219390907111X"),
        ("610121 19860705 0969", "610121198607050969"),
        ("61102119540509704Х", "61102119540509704X"),
        ("61102119660521716×", "61102119660521716X"),
        ("61102119880315738Ⅹ", "61102119880315738X"),
        ("61102119580125748ｘ", "61102119580125748X"),
        ("6110211958012574×8", "6110211958012574×8"),
        ("无", ""),
        ("0000000", ""),
        ("——", ""),
    ],
)
def test_id_numbers_are_mended(typed: str, number: str) -> None:
    assert formats.mend_id_number(typed) == number


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("+86 151-5225-1367", "15152251367"),
        ("１５１５２２５１３６７", "15152251367"),
        ("（029）86964499", "029-86964499"),
        ("029—86964499", "029-86964499"),
        ("00000000000", ""),
        ("无", ""),
    ],
)
def test_phones_are_mended(typed: str, phone: str) -> None:
    assert formats.mend_phone(typed) == phone


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        ("610121198607050969", None, ""),
        ("61012219390907111X", None, ""),
        (
            "61012219390907111x",
            "id.characters",
            "身份证号前17位应为数字，第18位应为数字或大写字母X，请核对。",
        ),
        ("610121198607050961", "id.check", "身份证号第18位校验码不正确，应为 9，请核对。"),
        (
            "610121198102319392",
            "id.birth_date",
            "身份证号中的出生日期1981-02-31不存在（第7至14位），请核对。",
        ),
        (
            "610121202612010017",
            "id.future",
            "身份证号中的出生日期2026-12-01晚于今天（第7至14位），请核对。",
        ),
        (
            "610121179901010017",
            "id.too_old",
            "身份证号中的出生日期1799-01-01过早（第7至14位），请核对。",
        ),
        ("610121860705096", "id.old", "这是15位的旧身份证号，请按现用身份证填写18位号码。"),
        (
            "61012219380127078241",
            "id.disability_card",
            "这是20位的残疾人证号，请改填18位身份证号（一般为其前18位 610122193801270782，请核对）。",
        ),
        (
            "610121198607050000",
            "id.rounded",
            "身份证号末尾是000，很可能是 Excel 把号码当作数字、丢失了最后几位；请对照身份证，按文本重新填写。",
        ),
        ("6101", "id.length", "身份证号应为18位，现为4位，请核对。"),
        ("", "id.missing", "身份证号为空，请补填18位身份证号。"),
        (
            "６１０１２１１９８６０７０５０９６９",
            "id.characters",
            "身份证号前17位应为数字，第18位应为数字或大写字母X，请核对。",
        ),
    ],
)
def test_id_numbers_are_checked(number: str, code: str | None, message: str) -> None:
    problem = formats.id_number_problem(number, TODAY)
    assert (problem.code if problem else None) == code
    assert (problem.message if problem else "") == message


def test_facts_inside_an_id_number() -> None:
    assert formats.birth_date("610121198607050969") == dt.date(1986, 7, 5)
    assert formats.birth_date("610121198102319392") is None
    assert formats.birth_date("无") is None
    assert formats.sex_of("610121198607050969") == "女"
    assert formats.sex_of("61012219390907111X") == "男"
    assert formats.sex_of("6101") is None


@pytest.mark.parametrize("phone", ["15152251367", "029-86964499", "02986964499", "0912-8696449-12"])
def test_good_phones(phone: str) -> None:
    assert formats.phone_problem(phone) is None


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("", "phone.missing"),
        ("00000000000", "phone.missing"),
        ("无", "phone.missing"),
        ("12152251367", "phone.format"),
        ("1515225136", "phone.format"),
        ("86964499", "phone.format"),
        ("15152251367/15152251368", "phone.format"),
        ("15152251367\n", "phone.format"),
    ],
)
def test_bad_phones(phone: str, code: str) -> None:
    problem = formats.phone_problem(phone)
    assert problem is not None
    assert problem.code == code
    assert problem.message


def test_credit_codes() -> None:
    assert formats.uscc_problem("91110000600037341L") is None
    rural = "N2610122MF0000001"
    rural += formats.uscc_check_character(rural)
    assert formats.uscc_problem(rural) is None
    for bad, code in (
        ("91110000600037341M", "uscc.check"),
        ("91110000600037341", "uscc.length"),
        ("91110000600037341I", "uscc.characters"),
    ):
        problem = formats.uscc_problem(bad)
        assert problem is not None
        assert problem.code == code
    assert (
        "应为 L" in (formats.uscc_problem("91110000600037341M") or formats.Problem("", "")).message
    )


def test_masks() -> None:
    assert formats.mask_id("610121198607052026") == "6101*****2026"
    assert formats.mask_id("123") == "1*****"
    assert formats.mask_phone("15712343338") == "157****3338"
    assert formats.mask_id(None) == formats.mask_phone("") == ""
    assert [formats.mask_name(n) for n in ("李雷", "欧阳小霞", "王")] == ["李*", "欧**霞", "王*"]


def test_names_with_odd_characters_are_named() -> None:
    assert formats.name_problem("O'Neil 王") is None
    assert formats.name_problem("阿依古丽·买买提") is None
    problem = formats.name_problem("张三1#")
    assert problem is not None
    assert problem.message == "姓名中有“1#”，请核对。"
    missing = formats.name_problem("")
    assert missing is not None
    assert missing.code == "name.missing"
