"""Loading the divisions: whole or in parts, twice, at once, killed in the middle."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, func, insert, inspect, select
from sqlalchemy.orm import Session

from app.access.divisions import seed as regions_seed
from app.access.divisions.names import initials, readable
from app.access.divisions.regions import Level, Region, RegionSeed
from app.access.divisions.seed import LAST_ID, Row, load, rows
from app.core.db import Model

COUNTY = {"610122"}
WITH_ALL_ABOVE = 1 + 1 + 1 + 1 + 19 + 352  # nation, province, city, county, towns, villages


@pytest.fixture
def empty(engine: Engine) -> Engine:
    Model.metadata.create_all(engine, [Region.__table__, RegionSeed.__table__])
    return engine


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(Region)) or 0


def test_a_part_is_loaded_with_all_that_stands_above_it(empty: Engine) -> None:
    assert load(empty, COUNTY) == count(empty) == WITH_ALL_ABOVE
    with Session(empty) as session:
        names = session.scalars(
            select(Region.name).where(Region.level <= Level.COUNTY).order_by(Region.level)
        ).all()
    assert names == ["全国", "陕西省", "西安市", "蓝田县"]


def test_a_second_load_does_nothing(empty: Engine) -> None:
    load(empty, COUNTY)
    with empty.begin() as connection:
        village = select(Region.id).where(Region.level == Level.VILLAGE).limit(1).scalar_subquery()
        connection.execute(Region.__table__.delete().where(Region.id == village))
    assert load(empty, COUNTY) == 0
    assert load(empty, {"610122001"}) == 0  # a part of what was loaded
    assert count(empty) == WITH_ALL_ABOVE - 1, "a deleted division must not come back"


def test_parts_fit_together(empty: Engine) -> None:
    load(empty, {"6101"})
    load(empty, {"4290", "610122", "66"})
    with empty.connect() as connection:
        columns = [Region.__table__.c[name] for name in Row._fields]
        stored = {tuple(row) for row in connection.execute(select(*columns))}
    expected = {tuple(row) for row in rows({"6101", "4290", "66"})}
    assert {(*row[:10], bool(row[10]), *row[11:]) for row in stored} == expected


def test_part_of_a_town(empty: Engine) -> None:
    load(empty, {"610122001002"})
    with Session(empty) as session:
        village = session.scalars(select(Region).where(Region.level == Level.VILLAGE)).one()
    assert (village.code, village.path) == ("610122001002", "0.0r.01.0c.01.002.")


def test_new_divisions_get_ids_behind_all_real_ones(empty: Engine) -> None:
    load(empty, COUNTY)
    with Session(empty) as session:
        county = session.scalars(select(Region).where(Region.level == Level.COUNTY)).one()
        values = {c.name: getattr(county, c.name) for c in Region.__table__.columns}
        del values["id"]
        new = session.scalar(
            insert(Region).values(values | {"level": Level.TOWN, "path": "x."}).returning(Region.id)
        )
    assert new is not None
    assert new > LAST_ID


def test_ids_are_counted_to_the_last_line() -> None:
    *_others, last = rows({"659012"})
    assert last.id == LAST_ID


def test_nobody_may_lie_outside(empty: Engine) -> None:
    assert load(empty, {"99"}) == 0
    assert count(empty) == 0


def test_several_processes_may_load_at_once(empty: Engine) -> None:
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(load(empty, COUNTY))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == [0, 0, 0, WITH_ALL_ABOVE]
    assert count(empty) == WITH_ALL_ABOVE


def test_a_load_that_fails_leaves_nothing(empty: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(prefixes):
        for number, row in enumerate(rows(prefixes)):
            if number == 100:
                raise KeyboardInterrupt
            yield row

    monkeypatch.setattr(regions_seed, "rows", break_off)
    with pytest.raises(KeyboardInterrupt):
        load(empty, COUNTY)
    assert count(empty) == 0
    monkeypatch.undo()
    assert load(empty, COUNTY) == WITH_ALL_ABOVE
    with empty.connect() as connection:
        indexes = {i["name"] for i in inspect(connection).get_indexes("region")}
        (parent,) = inspect(connection).get_foreign_keys("region")
    assert {i.name for i in Region.__table__.indexes} <= indexes
    assert parent["constrained_columns"] == ["parent_id"]


def test_a_caller_s_transaction_is_his(empty: Engine) -> None:
    with empty.connect() as connection:
        transaction = connection.begin()
        assert load(connection, COUNTY) == WITH_ALL_ABOVE
        transaction.rollback()
    assert count(empty) == 0


def test_packed_initials_differ_only_where_context_reads_otherwise() -> None:
    by_name = {row.name: row.initials for row in rows({"50", "6101"}) if not row.structural}
    assert by_name["重庆市"] == "cqs" != initials("重庆市")
    assert by_name["长安区"] == "caq"
    assert by_name["蓝田县"] == "ltx" == initials("蓝田县")
    for name, letters in by_name.items():
        assert letters.isascii(), name
        assert len(letters) == len(readable(name)), name
