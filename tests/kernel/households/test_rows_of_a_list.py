"""What becomes of each row of a list of households: spec 08's table line by line."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select

from app.access.divisions.match import Finder
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.core.db import read_only
from app.kernel.declare.flow import State
from app.kernel.exchange.cells import Computed
from app.kernel.exchange.columns import COLUMNS
from app.kernel.figures import counters
from app.kernel.households.exchange.list import Checker
from app.kernel.rows.household import Finding, SearchKey, Sex
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.kernel.exchange.lists import book, row
from tests.kernel.households.importing import Desk, households, notes

#: Rows of a file and what is said of them.
pytestmark = pytest.mark.one_database


def test_a_faultless_row_becomes_a_household_with_its_survey(desk: Desk) -> None:
    assert desk.counts([row()]) == {"created": 1}
    (home,) = households()
    assert (home.issued_name, home.head_name, home.issued_id) == (
        "王一",
        "王一",
        builders.id_number(1),
    )
    assert (home.sex, home.population, home.exit_year) == (Sex.FEMALE, 5, 2019)
    assert (home.ethnicity, home.phone, home.village_group) == ("01", "13909180001", "八组")
    assert not home.findings
    with unscoped("tests look at everything") as session:
        village = session.get(Region, home.region_id)
        assert village is not None
        assert (village.level, village.name) == (Level.VILLAGE, "秦谷村委会")
        assert (home.path, home.county_id) == (village.path, village.county_id)
        (survey,) = session.scalars(select(LOOKBACK.model))
        assert (survey.household_id, survey.state) == (home.id, State.MISSING)
        assert (survey.head_name, survey.head_id, survey.path) == (
            "王一",
            home.issued_id,
            home.path,
        )
        keys = set(session.scalars(select(SearchKey.value)))
        assert keys == {"王一", home.issued_id}
        assert counters.live_counts(session, LOOKBACK) == counters.kept_counts(session, LOOKBACK)
        assert counters.total(session, LOOKBACK, "total", desk.account.path) == 1


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"head_name": " 田　翠素 "}, "issued_name", "田翠素"),
        ({"head_name": "张三（户主）"}, "issued_name", "张三"),
        ({"head_name": "买合木提•艾力"}, "issued_name", "买合木提·艾力"),
        ({"id_number": "６１０１２２１９７００１０１００２４"}, "issued_id", "610122197001010024"),
        ({"id_number": "61012219700101018x"}, "issued_id", "61012219700101018X"),
        ({"phone": "１３９ 0918-0001"}, "phone", "13909180001"),
        ({"population": "5人"}, "population", 5),
        ({"exit_year": "2019年"}, "exit_year", 2019),
        ({"exit_year": "2019-12-31"}, "exit_year", 2019),
        ({"head_name": "赵\ue863"}, "issued_name", "赵䶮"),
        ({"ethnicity": "汉"}, "ethnicity", "01"),
        ({"village_group": " 八组 "}, "village_group", "八组"),
    ],
)
def test_spellings_are_mended(desk: Desk, changes: dict[str, str], column: str, value: Any) -> None:
    assert desk.counts([row(**changes)]) == {"created": 1, "mended": 1}
    assert getattr(households()[0], column) == value


@pytest.mark.parametrize("village", ["秦谷村", "秦谷", "秦谷 村委会", "秦谷村民委员会"])
def test_a_village_may_be_written_differently(desk: Desk, village: str) -> None:
    assert desk.counts([row(village=village)]) == {"created": 1, "mended": 1}
    with unscoped("tests look at everything") as session:
        assert session.get_one(Region, households()[0].region_id).name == "秦谷村委会"


@pytest.mark.parametrize(
    ("changes", "level", "written", "words"),
    [
        ({"village": "幸福新村"}, Level.TOWN, "灞源镇 幸福新村", "没有唯一对应“幸福新村”的村"),
        ({"village": ""}, Level.TOWN, "灞源镇", "村为空"),
        ({"town": ""}, Level.COUNTY, "秦谷村委会", "乡镇为空"),
        ({"town": "没有镇"}, Level.COUNTY, "没有镇 秦谷村委会", "没有“没有镇”"),
    ],
)
def test_without_a_village_it_goes_in_flagged(
    desk: Desk, changes: dict[str, str], level: Level, written: str, words: str
) -> None:
    result, job = desk.take(book([row(**changes)]))
    assert (result["created"], result["flagged"]) == (1, 1)
    (home,) = households()
    assert tuple(home.findings) == (Finding.NO_VILLAGE.value,)
    assert home.place_written == written
    assert words in notes(job)[0]
    with unscoped("tests look at everything") as session:
        assert session.get_one(Region, home.region_id).level == level


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"id_number": ""}, Finding.ID_MISSING),
        ({"id_number": "无"}, Finding.ID_MISSING),
        ({"id_number": "610122197001010029"}, Finding.ID_WRONG),
        ({"id_number": "610121198102319392"}, Finding.ID_WRONG),
        ({"id_number": "61012219380127078241"}, Finding.ID_WRONG),
        ({"sex": "男"}, Finding.SEX_MISMATCH),
        ({"phone": ""}, Finding.PHONE_MISSING),
        ({"phone": "00000000000"}, Finding.PHONE_MISSING),
        ({"phone": "12345"}, Finding.PHONE_ODD),
    ],
)
def test_doubtful_rows_go_in_flagged(desk: Desk, changes: dict[str, str], finding: Finding) -> None:
    assert desk.counts([row(**changes)]) == {"created": 1, "flagged": 1}
    (home,) = households()
    assert tuple(home.findings) == (finding.value,)
    if number := changes.get("id_number", "").strip("无"):
        assert home.issued_id == number


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"head_name": "  "}, "姓名为空"),
        ({"head_name": "=SUM(A1:A2)"}, "公式不能导入"),
        ({"id_number": "6.10122E+17"}, "Excel 已丢失末尾几位"),
        ({"county": ""}, "县级行政区划为空"),
        ({"county": "没有县"}, "没有找到"),
        ({"county": "周至县", "town": "", "village": ""}, "不在您的管辖范围内"),
        ({"id_number": "1" * 40}, "过长"),
        ({"head_name": "王" * 70}, "姓名"),
    ],
)
def test_rows_that_cannot_go_in_say_why(desk: Desk, changes: dict[str, str], words: str) -> None:
    result, job = desk.take(book([row(1), row(2, **changes)]))
    assert (result["created"], result["rejected"]) == (1, 1)
    assert words in "".join(notes(job))
    assert len(households()) == 1


def test_one_number_under_two_names_is_rejected_both_times(desk: Desk) -> None:
    number = builders.id_number(1)
    rows = [row(1), row(2, id_number=number), row(3)]
    result, job = desk.take(book(rows))
    assert (result["created"], result["rejected"]) == (1, 2)
    assert "与第3行（王二）" in notes(job)[0]
    assert "与第2行（王一）" in notes(job)[-1]


def test_one_row_twice_is_one_household(desk: Desk) -> None:
    rows = [row(1), row(1), row(2, id_number=""), row(2, id_number="")]
    for options in ({"dry_run": True}, {}):
        counts = desk.counts(rows, **options)
        assert counts == {"created": 2, "unchanged": 2, "flagged": 2}
    assert len(households()) == 2


def test_a_person_listed_elsewhere_is_rejected_without_telling_where(desk: Desk) -> None:
    there = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    builders.household(there, name="赵高", number=builders.id_number(1))
    result, job = desk.take(book([row(1)]))
    assert result["rejected"] == 1
    assert notes(job) == ["id_number: 该身份证号已在其他地区的名单中。"]


def test_a_number_listed_here_under_another_name_names_the_household(desk: Desk) -> None:
    builders.household(name="赵高", number=builders.id_number(1))
    result, job = desk.take(book([row(1)]))
    assert result["rejected"] == 1
    assert "户主赵高" in notes(job)[0]


def test_a_formula_where_nothing_is_required_goes_in_as_shown_and_is_flagged(desk: Desk) -> None:

    def cells(**changes: str) -> dict[str, str]:
        found = row(1, **changes)
        texts = (cell if isinstance(cell, str) else str(cell) for cell in found)
        return dict(zip((column.name for column in COLUMNS), texts, strict=True))

    with acting_as(desk.actor), read_only():
        checker = Checker(None, Finder(), dt.date(2026, 11, 22))
        sex = Computed('=IF(MOD(MID(H2,17,1),2),"男","女")', "女")
        line = checker.check(2, cells(sex=sex))
        assert (line.outcome, line.values["sex"]) == ("created", Sex.FEMALE)
        assert line.notes == [("sex", "单元格是公式，已按 Excel 显示的“女”导入，请核对。")]
        line = checker.check(3, cells(sex=Computed("=A1")))
        assert (line.outcome, line.values["sex"]) == ("created", None)
        (note,) = line.notes
        assert note == ("sex", "单元格是公式，文件中没有它的结果，未导入；请改为填写数值或文字。")
        line = checker.check(4, cells(head_name=Computed("=A1", "王一")))
        assert line.notes == [("head_name", "公式不能导入，请改为填写数值或文字。")]
        assert line.rejected
