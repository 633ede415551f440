"""房屋图斑 from GeoJSON: each thing that can be wrong, twice the same, a kill, the command line."""

from __future__ import annotations

import copy
import datetime as dt
import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput
from app.core.files.storage import storage
from app.core.jobs.table import Job, JobContext, JobState
from app.core.jobs.worker import work
from app.modules.homes.choices import ParcelState
from app.modules.house_map.parcels import geojson
from app.modules.house_map.parcels.table import Parcel
from tests.builders import (
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    NEXT_COUNTY,
    PROVINCE,
    Who,
    account,
    below,
    household,
    region,
    seat,
    sign_in,
)
from tests.hands import Hands
from tests.modules.samples import parcel, square

#: Rows of a file and what is said of them; what a kill leaves is asked of both.
pytestmark = pytest.mark.one_database

URL = "/exchange/import/parcel/"


def feature(number: Any, at: int = 0, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"图斑编号": number} | properties,
        "geometry": {"type": "Polygon", "coordinates": square(at * 30)},
    }


def collection(*features: Any, **members: Any) -> str:
    return json.dumps({"type": "FeatureCollection"} | members | {"features": list(features)})


@pytest.fixture
def village(app: Flask) -> str:
    """The code of a village of the county."""
    with app.app_context():
        return seat(Level.VILLAGE).code


class Desk(Hands):
    """Somebody who imports."""

    def send(self, text: str | bytes, **form: str) -> Any:
        raw = text if isinstance(text, bytes) else text.encode()
        file = io.BytesIO(raw), "图斑.geojson"
        return self.post(
            URL, {"file": file, "mode": "import"} | form, content_type="multipart/form-data"
        )

    def job(self) -> Job:
        with self.app.app_context(), unscoped("the test reads jobs") as session:
            found = session.scalars(select(Job).order_by(Job.created.desc())).first()
            assert found
            return found

    def result(self, text: str | bytes, **form: str) -> tuple[dict[str, Any], dict[int, str]]:
        """The counts, and what the marked workbook says by the number of the feature."""
        assert self.send(text, **form).status_code == 302
        work(self.app, once=True)
        job = self.job()
        assert job.state == JobState.DONE, job.message
        said = {}
        for made in job.files_of("result"):
            with self.app.app_context(), storage().open(made["key"]) as file:
                book = openpyxl.load_workbook(io.BytesIO(file.read()))
            rows = list(book.worksheets[0].iter_rows(min_row=2, values_only=True))
            said = {int(row[0]): f"{row[2]} {row[3]}" for row in rows}
        counts = {n: v for n, v in (job.result or {}).items() if v and n != "workbook"}
        return counts, said

    def refused(self, text: str | bytes) -> str:
        """What is said of a file that is refused as a whole."""
        assert self.send(text).status_code == 302
        work(self.app, once=True)
        job = self.job()
        assert job.state == JobState.FAILED
        return job.message


def desk(app: Flask, who: Who = COUNTY_MANAGER) -> Desk:
    return Desk(app, sign_in(app, who))


def stored(app: Flask) -> dict[str, Parcel]:
    with app.app_context(), unscoped("tests look") as session:
        return {parcel.number: parcel for parcel in session.scalars(select(Parcel))}


def test_a_good_file_goes_in_once(app: Flask, village: str) -> None:
    mine = desk(app)
    facts = {"建筑层数": 2, "建筑面积": "120.5", "建筑年代": "1991-2000年", "结构类型": "砖石结构",
             "建造方式": "自行建造", "土地性质": "集体土地", "房屋地址": "甲村 1 号", "房屋用途": "住宅",
             "行政区划代码": village, "别的": {"a": 1}}  # fmt: skip
    file = collection(feature("P1", **facts), feature("P2", 1, 行政区划代码=village))
    assert mine.result(file) == ({"created": 2}, {})
    one = stored(app)["P1"]
    assert (one.storeys, str(one.floor_area), one.year_built, one.structure) == (
        2,
        "120.50",
        "03",
        "01",
    )
    assert (one.address, one.use) == ("甲村 1 号", "住宅")
    with app.app_context():
        assert one.path == seat(Level.VILLAGE).path
    assert mine.result(file) == ({"unchanged": 2}, {})
    changed = collection(feature("P1", 0, 行政区划代码=village, 建筑层数=3))
    assert mine.result(changed) == ({"updated": 1}, {})
    again = stored(app)["P1"]
    assert (again.storeys, again.structure) == (3, "01"), "a property that the file has not stays"


def test_a_check_writes_nothing(app: Flask, village: str) -> None:
    mine = desk(app)
    file = collection(feature("P1", 行政区划代码=village))
    assert mine.result(file, mode="dry_run") == ({"created": 1}, {})
    assert stored(app) == {}
    page = mine.get(f"{URL}?job={mine.job().id}")
    assert "导入这个文件（1 行）" in page.text
    assert mine.post(f"/exchange/import/parcel/again/{mine.job().id}").status_code == 302
    work(app, once=True)
    assert list(stored(app)) == ["P1"]


@pytest.mark.both_databases
def test_whole_or_nothing(app: Flask, village: str) -> None:
    file = collection(feature("P1", 行政区划代码=village), feature("", 1))
    counts, said = desk(app).result(file, whole="yes")
    assert counts == {"rejected": 1}
    assert "没有图斑编号" in said[2]
    assert stored(app) == {}


def test_a_parcel_that_a_survey_has_chosen_stays_when_its_import_is_taken_back(
    app: Flask, village: str
) -> None:
    mine = desk(app)
    mine.result(collection(*(feature(f"P{n}", n, 行政区划代码=village) for n in (1, 2))))
    imported = mine.job().id
    with app.app_context(), unscoped("tests arrange") as session:
        survey = session.merge(household()[1])
        survey.parcel_state, survey.parcel_number = ParcelState.CHOSEN, "P1"
        session.commit()
    url = f"/exchange/imports/{imported}/"
    assert mine.post(url, {"mode": "take_back", "reason": "导错了"}).status_code == 302
    work(app, once=True)
    result = mine.job().result or {}
    assert (result["gone"], result["stays"]) == (1, 1)
    assert list(stored(app)) == ["P1"]
    page = mine.get(f"{url}?job={mine.job().id}")
    assert "已有农户在调查中选择了这个图斑。" in page.text


def test_what_rejects_a_parcel(app: Flask, village: str) -> None:
    with app.app_context():
        parcel(below(region(NEXT_COUNTY), Level.VILLAGE), "P-next")
        foreign = below(region(NEXT_COUNTY), Level.VILLAGE).code
    open_ring = copy.deepcopy(feature("P2", 行政区划代码=village))
    open_ring["geometry"]["coordinates"][0].pop()
    bad = [
        (feature(None), "没有图斑编号"),
        (open_ring, "没有闭合"),
        (feature("P3", 行政区划代码=foreign), "不在您的管辖范围内"),
        (feature("P4", 行政区划代码="999999"), "无法确定所在区县"),
        (feature("P-next", 行政区划代码=village), "已在其他地区"),
        (feature("P" * 41, 行政区划代码=village), "最多40个字"),
        (17, "不是要素"),
        ({"type": "Feature", "properties": None, "geometry": None}, "没有图斑编号"),
        (feature("P5", 行政区划代码=village), None),
        (feature("P5", 2, 行政区划代码=village), "与第9个图斑的编号重复"),
    ]
    counts, said = desk(app).result(collection(*(one for one, _text in bad)))
    assert counts == {"created": 1, "rejected": 9}
    for number, (_one, text) in enumerate(bad, 1):
        assert text is None or text in said[number], (number, said.get(number))
        assert text is None or said[number].startswith("未导入")
    assert set(stored(app)) == {"P-next", "P5"}


def test_what_is_mended_and_what_is_flagged(app: Flask, village: str) -> None:
    turned = feature("P1", 行政区划代码=village)
    turned["geometry"]["coordinates"][0].reverse()
    far = feature("P4", 行政区划代码=village)
    far["geometry"]["coordinates"] = [[[x + 5, y] for x, y in far["geometry"]["coordinates"][0]]]
    file = collection(
        turned,
        feature("P2", 1, 行政区划代码=village, 建成年份=1995, 层数="三层", 结构="砖混", 面积=0.2),
        feature("P3", 2, 行政区划代码=COUNTY),
        far,
        feature("P5", 3),
    )
    counts, said = desk(app).result(file)
    assert counts == {"created": 5, "mended": 2, "flagged": 4}
    assert "请填写整数" in said[2]
    assert "“砖混”不在选项中" in said[2]
    assert "“0.2”不能小于 1" in said[2]
    assert "没有写明行政村" in said[3]
    assert "请核对坐标" in said[4]
    assert "没有写明行政村" in said[5]
    found = stored(app)
    assert found["P2"].year_built == "03"
    assert (found["P2"].storeys, found["P2"].structure, found["P2"].floor_area) == (
        None,
        None,
        None,
    )
    with app.app_context():
        assert found["P3"].path == found["P5"].path == region(COUNTY).path


def test_the_place_by_number_and_by_names(app: Flask, village: str) -> None:
    with app.app_context():
        place, town = seat(Level.VILLAGE), seat(Level.TOWN)
    file = collection(
        feature(f"{village}00017"),
        feature("P2", 1, 行政区划代码=COUNTY, 乡镇=town.name, 村=place.name),
    )
    counts, _said = desk(app, PROVINCE).result(file)
    assert counts == {"created": 2}
    assert {parcel.path for parcel in stored(app).values()} == {place.path}


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ('{"type": "FeatureCollection", "features": [{"type": "Feature", ', "不是完整的 GeoJSON"),
        ("[1, 2]", "不是完整的 GeoJSON"),
        ("PK\x03\x04", "不是完整的 GeoJSON"),
        ("[" * 100_000, "不是完整的 GeoJSON"),
        ('{"features": [' + "[" * 100_000, "不是完整的 GeoJSON"),
        ('{"a": ' + "9" * 6000 + "}", "不是完整的 GeoJSON"),
        ("{}", "不是 GeoJSON 要素集合"),
        ('{"type": "Feature", "features": [1]}', "不是 GeoJSON 要素集合"),
        (collection(), "没有图斑"),
        ("图斑".encode("gb18030"), "UTF-8"),
        (collection(feature("P1"), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}),
         "EPSG:3857（Web 墨卡托）"),
        (collection(feature("P1"), crs={"type": "name", "properties": {"name": "EPSG:4527"}}),
         "EPSG:4527（CGCS2000 投影坐标）"),
        (collection(feature("P1"), crs={"type": "EPSG", "properties": {"code": 4214}}), "北京54"),
        (collection(feature("P1"), crs={"type": "link", "properties": {"href": "x.prj"}}), "x.prj"),
        (collection(feature("P1"), crs=7), "未知"),
        (collection({"type": "Feature", "properties": {}, "geometry": {
            "type": "Polygon", "coordinates": [[[39512345.1, 3778899.2]]]}}), "EPSG:4527"),
        (collection({"type": "Feature", "properties": {}, "geometry": {
            "type": "Polygon", "coordinates": [[[12167000.1, 4045000.2]]]}}), "EPSG:3857"),
    ],
)  # fmt: skip
def test_a_file_that_is_refused_as_a_whole(tmp_path: Path, file: str | bytes, said: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_bytes(file if isinstance(file, bytes) else file.encode())
    with pytest.raises(geojson.BadInput, match=said):
        geojson.survey(path)


@pytest.mark.parametrize(
    "name",
    ["urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "EPSG:4326", "epsg:4490",
     "urn:ogc:def:crs:EPSG::4490", "urn:ogc:def:crs:EPSG:8.8:4326"],
)  # fmt: skip
def test_degrees_of_wgs84_and_cgcs2000_are_read(name: str) -> None:
    geojson.require_degrees({"type": "name", "properties": {"name": name}})


def test_the_crs_may_stand_behind_the_features_and_memory_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    text = collection(*(feature(f"P{n}", n % 100) for n in range(2000)))
    path.write_text(text[:-1] + ', "crs": {"properties": {"name": "EPSG:3857"}}}')
    with pytest.raises(geojson.BadInput, match="EPSG:3857"):
        geojson.survey(path)
    path.write_text(text, encoding="utf-8-sig")
    assert geojson.survey(path) == 2000
    assert [number for number, _one in geojson.features(path)] == list(range(1, 2001))


def test_more_parcels_than_a_file_may_have_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geojson, "MAX_ROWS", 3)
    path = tmp_path / "many.json"
    path.write_text('{"type": "FeatureCollection", "features": [' + ", ".join(["{}"] * 4) + "]}")
    with pytest.raises(BadInput, match="图斑超过3个"):
        geojson.survey(path)


def test_a_refused_file_says_why_on_the_page(app: Flask) -> None:
    mine = desk(app)
    crs = {"type": "name", "properties": {"name": "EPSG:3857"}}
    assert "EPSG:3857" in mine.refused(collection(feature("P1"), crs=crs))
    assert "EPSG:3857（Web 墨卡托）" in mine.get(f"{URL}?job={mine.job().id}").text
    assert "0字节" in mine.send(b"").text


def test_who_may_not(app: Flask) -> None:
    reader = desk(app, COUNTY_READER)
    assert reader.get(URL).status_code == 403
    assert reader.send(collection(feature("P1"))).status_code == 403


@pytest.mark.both_databases
def test_a_killed_import_goes_on_and_makes_nothing_twice(
    app: Flask, village: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.modules.house_map.parcels.imports._Import.rows_a_commit", 2)
    mine = desk(app)
    assert (
        mine.send(
            collection(
                *(feature(f"P{n}", n, 行政区划代码=village) for n in range(7)), feature("P1", 9)
            )
        ).status_code
        == 302
    )
    child = os.fork()
    if child == 0:  # a worker of its own, which dies after its first two parcels
        with app.app_context():
            db.engine.dispose(close=False)
        dying = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        monkeypatch.setattr(JobContext, "progress", dying)
        work(app, once=True)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert len(stored(app)) == 2
    with app.app_context(), unscoped("the test lets the heartbeat grow old") as session:
        job = session.get_one(Job, mine.job().id)
        job.heartbeat = now() - dt.timedelta(minutes=5)
        session.commit()
    work(app, once=True)
    job = mine.job()
    assert job.state == JobState.DONE, job.message
    assert job.result is not None
    assert (job.result["created"], job.result["rejected"]) == (7, 1)
    assert len(stored(app)) == 7


def test_from_the_command_line(app: Flask, village: str, tmp_path: Path) -> None:
    file = tmp_path / "图斑.geojson"
    file.write_text(collection(feature("P1", 行政区划代码=village), feature("P2", 1)), "utf-8")
    with app.app_context():
        login = account(COUNTY_MANAGER).username
    args = [
        "exchange",
        "import",
        "parcel",
        str(file),
        "--as",
        login,
        "--json",
        "--workbook",
        str(tmp_path / "m.xlsx"),
    ]
    result = app.test_cli_runner().invoke(args=args)
    assert result.exit_code == 0, result.output
    counts = json.loads(result.output.splitlines()[-1])
    assert (counts["created"], counts["flagged"]) == (2, 1)
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalar(select(func.count()).select_from(Parcel)) == 2
