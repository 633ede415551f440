"""The tree of divisions: every oddity of the real data, one index range a subtree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, Executable, event, func, select, text
from sqlalchemy.exc import IntegrityError

from app.access.divisions import regions
from app.access.divisions.names import initials
from app.access.divisions.regions import Level, Region
from app.access.divisions.search import entries_below, search
from app.core.db import db


def found(query: str, area: str = "0.", *levels: Level) -> list[str]:
    return [entry.full_name for entry in search(query, area, levels or tuple(Level))]


def path(code: str, level: Level | None = None) -> str:
    region = regions.by_code(code, level)
    assert region is not None
    return region.path


def test_every_division_of_the_statistics_is_there(tree: Flask) -> None:
    counts = db.session.execute(select(Region.level, func.count()).group_by(Region.level)).all()
    # 31 provinces and the corps, the nation above
    assert dict(map(tuple, counts)) == {0: 1, 1: 32, 2: 342, 3: 2978, 4: 41_352, 5: 620_573}


def test_colliding_codes_are_told_apart_by_level(tree: Flask) -> None:
    for code, levels in {
        "441900": [Level.CITY, Level.COUNTY],
        "442000": [Level.CITY, Level.COUNTY],
        "460400": [Level.CITY, Level.COUNTY],
        "350527": [Level.COUNTY, Level.TOWN, Level.VILLAGE],
    }.items():
        rows = db.session.scalars(
            select(Region).where(Region.code == code.ljust(12, "0")).order_by(Region.level)
        ).all()
        assert [row.level for row in rows] == levels
        assert len({row.path for row in rows}) == len(levels)
        assert regions.by_code(code) is rows[0]
        assert regions.by_code(code, levels[-1]) is rows[-1]
        for above, below in pairwise(rows):
            assert below.parent_id == above.id
            assert regions.ancestors(below)[-1] is above


def test_a_city_without_counties_is_named_once(tree: Flask) -> None:
    town = regions.by_code("441900101", Level.TOWN)
    assert town is not None
    assert town.full_name == "广东省东莞市石碣镇"
    county = regions.county_of(town)
    assert county is not None
    assert (county.level, county.full_name) == (Level.COUNTY, "广东省东莞市")


def test_structural_nodes_are_never_shown(tree: Flask) -> None:
    structural = db.session.scalars(select(Region).where(Region.structural)).all()
    assert sorted(node.code[:4] for node in structural) == [
        "1101", "1201", "3101", "4190", "4290", "4690", "5001", "5002", "6590",
    ]  # fmt: skip
    for node in structural:
        province = regions.get(node.province_id or 0)
        assert province is not None
        assert node.path == province.path
        shown = regions.children(province)
        assert node not in shown
        assert set(regions.children(node)) <= set(shown)
        assert node in regions.children(province, include_structural=True)
        assert node.name not in found(node.name, province.path)
    dongcheng = regions.by_code("110101")
    assert dongcheng is not None
    assert dongcheng.full_name == "北京市东城区"
    assert [node.name for node in regions.ancestors(dongcheng)] == ["全国", "北京市"]


def test_counties_directly_under_a_province_stand_behind_its_cities(tree: Flask) -> None:
    hubei = regions.by_code("42", Level.PROVINCE)
    assert hubei is not None
    names = [node.name for node in regions.children(hubei)]
    assert names[0] == "武汉市"
    assert names[-5:] == ["恩施土家族苗族自治州", "仙桃市", "潜江市", "天门市", "神农架林区"]
    xiantao = regions.by_code("429004")
    assert xiantao is not None
    assert (xiantao.level, xiantao.full_name) == (Level.COUNTY, "湖北省仙桃市")
    assert xiantao.path.count(".") == 3


def test_the_corps_reports_beside_the_autonomous_region(tree: Flask) -> None:
    corps = regions.by_code("66", Level.PROVINCE)
    assert corps is not None
    assert corps.name == "新疆生产建设兵团"
    cities = regions.children(corps)
    assert [city.code[:6] for city in cities] == [f"6590{n:02}" for n in range(1, 13)]
    assert {city.level for city in cities} == {Level.COUNTY}
    assert cities[0].full_name == "新疆生产建设兵团石河子市"
    regiment = regions.by_code("659001500", Level.TOWN)
    assert regiment is not None
    assert regiment.full_name == "新疆生产建设兵团石河子市兵团一五二团"
    assert regiment.province_id == corps.id
    xinjiang = path("65", Level.PROVINCE)
    inside = select(func.count()).where(
        regions.in_subtree(Region.path, xinjiang), Region.code.like("659%"), ~Region.structural
    )
    assert db.session.scalar(inside) == 0


def test_paths_number_siblings_in_code_order(tree: Flask) -> None:
    assert path("0") == "0."
    assert path("61", Level.PROVINCE) == "0.0r."
    assert path("610122") == "0.0r.01.0c."
    assert path("610122001001", Level.VILLAGE) == "0.0r.01.0c.01.001."
    shared = db.session.execute(
        select(Region.path).where(~Region.structural).group_by(Region.path).having(func.count() > 1)
    ).all()
    assert shared == []


def test_a_subtree_holds_exactly_what_lies_below(tree: Flask) -> None:
    for code in ("61", "6101", "610122", "429004", "659001", "441900"):
        region = regions.by_code(code)
        assert region is not None
        by_path = set(
            db.session.scalars(
                select(Region.id).where(
                    regions.in_subtree(Region.path, region.path), ~Region.structural
                )
            )
        )
        below = select(Region.id).where(Region.id == region.id).cte(recursive=True)
        below = below.union_all(select(Region.id).join(below, Region.parent_id == below.c.id))
        by_parent = set(
            db.session.scalars(
                select(Region.id).where(Region.id.in_(select(below.c.id)), ~Region.structural)
            )
        )
        assert by_path == by_parent


def test_every_parent_is_of_a_higher_level_and_holds_its_child(tree: Flask) -> None:
    wrong = text(
        "SELECT count(*) FROM region c JOIN region p ON p.id = c.parent_id WHERE p.level >= c.level"
        " OR substr(c.path, 1, length(p.path)) <> p.path"
        " OR (c.level >= 3) <> (c.county_id IS NOT NULL) OR c.province_id IS NULL"
    )
    assert db.session.scalar(wrong) == 0
    assert db.session.scalar(text("SELECT count(*) FROM region WHERE parent_id IS NULL")) == 1


def test_a_subtree_is_one_index_range(tree: Flask) -> None:
    query = select(func.count()).where(regions.in_subtree(Region.path, path("610122")))
    plan = explain(query)
    assert "ix_region_path" in plan
    assert "Seq Scan" not in plan
    assert "(path>? AND path<?)" in plan or "((path >= '0.0r.01.0c.'::text) AND" in plan


def test_no_question_of_the_tree_reads_the_whole_table(tree: Flask) -> None:
    with Recorded() as statements:
        search("蓝田", "0.")
        search("d", path("61", Level.PROVINCE))
        search("6101", "0.")
        search("谷", path("610122"))
        search("洛南县东街", "0.", near=[path("610122")])
        search("兵团", "0.")
        entries_below(1)
        regions.by_code("610122")
        region = regions.by_code("610122001001", Level.VILLAGE)
        assert region is not None
        regions.ancestors(region)
        regions.children(region)
    for statement, values in statements:
        plan = explain_raw(statement, values)
        assert "Seq Scan on region" not in plan, statement
        assert "SCAN region" not in plan, statement


def test_search_by_name_code_and_initials(tree: Flask) -> None:
    assert found("蓝田")[0] == "陕西省西安市蓝田县"
    assert found("610122")[0] == "陕西省西安市蓝田县"
    assert found("６１０１２２")[0] == "陕西省西安市蓝田县"
    assert found("CQ")[0] == "重庆市"
    assert "陕西省西安市蓝田县" in found("ltx", "0.", Level.COUNTY)
    assert found("蓝田 秦谷") == ["陕西省西安市蓝田县灞源镇秦谷村委会"]
    assert found("东莞")[:2] == ["广东省东莞市", "广东省东莞市"]
    assert found("") == found("   ") == []


def test_names_of_ancestors_are_part_of_the_search(tree: Flask) -> None:
    village = "陕西省西安市蓝田县灞源镇秦谷村委会"
    for query in ("蓝田县秦谷", "蓝田秦谷村", "陕西省西安市蓝田县灞源镇秦谷", "陕西蓝田灞源秦谷"):
        for area in ("0.", path("61", Level.PROVINCE), path("610122")):
            assert found(query, area) == [village], query
    assert found("洛南县东街")[0] == "陕西省商洛市洛南县城关街道东街社区居委会"
    elsewhere = [name for name in found("洛南县东街") if "洛南县" not in name]
    assert elsewhere == []
    assert found("蓝田%秦谷") == found("蓝_秦谷") == found("周至县秦谷") == []


def test_a_county_and_what_is_above_is_found_by_the_middle_of_its_name(tree: Flask) -> None:
    assert found("兵团")[0] == "新疆生产建设兵团"
    assert found("生产建设", "0.", Level.PROVINCE) == ["新疆生产建设兵团"]


def test_search_in_the_middle_of_a_name_only_where_the_area_is_small(tree: Flask) -> None:
    assert found("谷村", path("610122")) == ["陕西省西安市蓝田县灞源镇秦谷村委会"]
    assert found("谷村", path("6101"))
    assert not any("秦谷" in name for name in found("谷村"))


def test_search_stays_in_the_area_and_counts_its_answers(tree: Flask) -> None:
    area = path("610122")
    assert found("周至", area) == []
    assert found("西安", area) == []  # ancestors are named, not offered
    assert all(name.startswith("陕西省西安市蓝田县") for name in found("x", area))
    assert len(search("大", "0.")) == 30
    assert len(search("大", "0.", limit=5)) == 5
    assert {entry.level for entry in search("大", "0.", [Level.TOWN])} == {Level.TOWN}


@pytest.mark.parametrize("query", ["%", "_", "蓝%", "_田", "\\", "'", "蓝田/", "谷%村"])
def test_wildcards_are_text(tree: Flask, query: str) -> None:
    assert found(query) == []
    assert found(query, path("610122")) == []


def test_entries_know_whether_there_is_more_below(tree: Flask) -> None:
    county = regions.by_code("610122")
    assert county is not None
    towns = entries_below(county.id)
    assert len(towns) == 19
    assert all(town.has_children for town in towns)
    assert not any(village.has_children for village in entries_below(towns[0].id))
    assert [entry.name for entry in entries_below(1)][-2:] == [
        "新疆维吾尔自治区",
        "新疆生产建设兵团",
    ]


def test_initials_of_a_new_name() -> None:
    assert initials("周至县") == "zzx"
    assert initials("第７居委会（A区）") == "d7jwhaq"
    assert initials("·、") == ""


def test_ancestor_paths_and_ranges() -> None:
    assert regions.ancestor_paths("0.0r.01.0c.") == ["0.", "0.0r.", "0.0r.01."]
    assert regions.ancestor_paths("0.") == []
    low, high = regions.subtree("0.0r.")
    inside = ["0.0r.", "0.0r.01.", "0.0r.zz.zz.zz.zzz."]
    outside = ["0.", "0.0q.zz.", "0.0s.", "0.0s.01."]
    assert [path for path in (*outside, *inside) if low <= path < high] == inside
    with pytest.raises(ValueError, match="not a region path"):
        regions.subtree("0.0r")


def test_level_and_code_are_unique(tree: Flask) -> None:
    county = regions.by_code("610122")
    assert county is not None
    same = {c.name: getattr(county, c.name) for c in Region.__table__.columns if c.name != "id"}
    db.session.add(Region(**same))
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_a_development_zone_with_a_foreign_code(tree: Flask) -> None:
    """The parent is the truth: a code of another province below 蓝田县 lies in 蓝田县."""
    county = regions.by_code("610122")
    assert county is not None
    zone = Region(
        parent_id=county.id, level=Level.TOWN, code="340171990000", national_code="340171990000",
        name="开发区", full_name=county.full_name + "开发区", path=county.path + "zz.", sort=990,
        initials="kfq", county_id=county.id, province_id=county.province_id,
    )  # fmt: skip
    db.session.add(zone)
    db.session.flush()
    assert zone.id > 665_278
    assert "陕西省西安市蓝田县开发区" in found("kfq", county.path)
    assert found("340171990", county.path) == ["陕西省西安市蓝田县开发区"]
    assert found("340171990", path("34", Level.PROVINCE)) == []
    assert regions.children(county)[-1] is zone
    db.session.rollback()


def explain(query: Executable) -> str:
    with Recorded() as statements:
        db.session.execute(query)
    return explain_raw(*statements[-1])


def explain_raw(statement: str, values: Any) -> str:
    connection: Connection = db.session.connection()
    sqlite = connection.dialect.name == "sqlite"
    prefix = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
    rows = connection.exec_driver_sql(prefix + statement, values).all()
    return "\n".join(str(row[3] if sqlite else row[0]) for row in rows)


class Recorded:
    """Statements with their values that run inside the block."""

    def __enter__(self) -> list[tuple[str, object]]:
        self.seen: list[tuple[str, object]] = []
        event.listen(db.engine, "before_cursor_execute", self._note)
        return self.seen

    def __exit__(self, *_error: object) -> None:
        event.remove(db.engine, "before_cursor_execute", self._note)

    def _note(self, _connection, _cursor, statement, values, *_rest) -> None:
        self.seen.append((statement, values))


@pytest.fixture
def tree(whole_tree: Flask) -> Iterator[Flask]:
    with whole_tree.app_context():
        yield whole_tree
        db.session.rollback()
