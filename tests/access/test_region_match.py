"""What a list means by a division, written as people write it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.access.divisions import regions
from app.access.divisions.match import Finder, Place, Siblings
from app.access.divisions.regions import Level
from app.core.db import db
from tests.access.test_regions import Recorded


@pytest.fixture
def finder(whole_tree: Flask) -> Iterator[Finder]:
    with whole_tree.app_context():
        yield Finder()
        db.session.rollback()


def siblings(*names: str, level: Level = Level.VILLAGE) -> Siblings:
    return Siblings(
        Place(number, level, str(number), name, name, f"0.{number}.", None, None)
        for number, name in enumerate(names)
    )


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("秦谷村委会", "秦谷村委会"),
        ("秦谷村", "秦谷村委会"),
        ("秦谷", "秦谷村委会"),
        ("秦谷村民委员会", "秦谷村委会"),
        ("秦谷村村民委员会", "秦谷村委会"),
        (" 秦 谷　村 ", "秦谷村委会"),
        ("秦谷社区", "秦谷村委会"),
        ("向阳路社区居委会", "向阳路社区"),
        ("向阳路社区居民委员会", "向阳路社区"),
        ("向阳路居委会", "向阳路社区"),
        ("向阳路", "向阳路社区"),
        ("新村", "新村村委会"),
        ("新村村", "新村村委会"),
        ("巴音嘎查", "巴音嘎查村民委员会"),
        ("（第７）居委会", "第7居委会"),
        ("秦", None),
        ("谷村", None),
        ("村委会", None),
        ("村", None),
        ("", None),
        ("秦谷村委会一组", None),
    ],
)
def test_villages_written_differently(written: str, means: str | None) -> None:
    match = siblings(
        "秦谷村委会", "向阳路社区", "新村村委会", "巴音嘎查村民委员会", "第7居委会"
    ).find(written)
    assert (match and match.place.name) == means
    if match is not None:
        assert match.exact == (written == means)


def test_of_two_alike_the_nearer_is_meant_and_of_two_equally_near_none() -> None:
    two = siblings("幸福村委会", "幸福社区居委会")
    assert two.find("幸福村").place.name == "幸福村委会"
    assert two.find("幸福村民委员会").place.name == "幸福村委会"
    assert two.find("幸福社区").place.name == "幸福社区居委会"
    assert two.find("幸福") is None
    assert siblings("东村委会", "东村村委会").find("东村") is None
    assert siblings().find("幸福村") is None


@pytest.mark.parametrize(
    ("province", "city", "county", "code", "exact"),
    [
        ("陕西省", "西安市", "蓝田县", "610122", True),
        ("陕西", "西安", "蓝田", "610122", False),
        ("", "", "蓝田县", "610122", True),
        ("云南省", "昆明市", "寻甸县", "530129", False),  # so the 2024 manual writes it
        ("云南省", "昆明市", "寻甸回族彝族自治县", "530129", True),
        ("北京市", "北京市", "东城区", "110101", True),
        ("北京市", "市辖区", "东城区", "110101", True),
        ("重庆市", "县", "城口县", "500229", True),
        ("湖北省", "省直辖县级行政区划", "仙桃市", "429004", True),
        ("湖北省", "省直辖", "仙桃市", "429004", True),
        ("湖北省", "仙桃市", "仙桃市", "429004", True),
        ("海南省", "儋州市", "儋州市", "460400", True),
        ("广东省", "东莞市", "东莞市", "441900", True),
        ("新疆生产建设兵团", "", "石河子市", "659001", True),
        ("新疆维吾尔自治区", "自治区直辖县级行政区划", "石河子市", "659001", True),
        ("内蒙古自治区", "兴安盟", "科尔沁右翼中旗", "152222", True),
        ("四川省", "凉山州", "木里县", "513422", False),
        ("陕西省", "宝鸡市", "蓝田县", None, None),
        ("陕西省", "无此市", "蓝田县", None, None),
        ("河南省", "", "蓝田县", None, None),
        ("无此省", "西安市", "蓝田县", None, None),
        ("", "", "鼓楼区", None, None),  # four of them
        ("江苏省", "南京市", "鼓楼区", "320106", True),
        ("陕西省", "西安市", "", None, None),
    ],
)
def test_counties(
    finder: Finder, province: str, city: str, county: str, code: str | None, exact: bool | None
) -> None:
    match = finder.county(province, city, county)
    assert (match and match.place.code[:6]) == code
    assert (match and match.exact) == exact


def test_names_of_a_real_list(finder: Finder) -> None:
    """The kinds of spelling that a real list of 蓝田县 brings."""
    county = finder.county("陕西省", "西安市", "蓝田县")
    assert county is not None
    found = {}
    for town, village in [
        ("灞源镇", "秦谷村委会"),
        ("蓝关街道", "向阳路社区"),
        ("蓝桥镇", "狮峰村"),
        ("三里镇", "杨岩子村"),
        ("三里镇", "幸福新村"),
        ("蓝关街道办事处", "坡底村"),
    ]:
        place = finder.town(county.place, town)
        assert place is not None
        match = finder.village(place.place, village)
        found[town, village] = match and match.place.full_name.removeprefix("陕西省西安市蓝田县")
    assert found == {
        ("灞源镇", "秦谷村委会"): "灞源镇秦谷村委会",
        ("蓝关街道", "向阳路社区"): "蓝关街道向阳路社区",
        ("蓝桥镇", "狮峰村"): "蓝桥镇狮峰村委会",
        ("三里镇", "杨岩子村"): "三里镇杨岩子村委会",
        ("三里镇", "幸福新村"): None,
        ("蓝关街道办事处", "坡底村"): "蓝关街道坡底村委会",
    }
    assert finder.town(county.place, "") is None


def test_a_town_is_asked_of_the_database_once(finder: Finder) -> None:
    county = regions.by_code("610122")
    assert county is not None
    with Recorded() as statements:
        for _row in range(100):
            town = finder.town(county, "灞源镇")
            assert town is not None
            assert finder.village(town.place, "秦谷村") is not None
            assert finder.county("陕西省", "西安市", "蓝田县") is not None
    assert len(statements) == 3
