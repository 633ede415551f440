"""审计日志: what managers find in their own area, what they read there, what they export."""

from __future__ import annotations

import datetime as dt
import io
import re
import uuid
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from app.access.actor import Actor
from app.access.audit import search as audit_search
from app.access.audit.log import Act, AuditEntry
from app.access.audit.search import Search
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.admin.audit import exporting as audit_export
from app.core.clock import now
from app.core.db import db
from app.core.errors import Forbidden
from app.core.files.storage import storage
from app.core.jobs.table import Job
from tests.builders import (
    CITY,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_READER,
    FAR_COUNTY,
    MINISTRY,
    NEXT_COUNTY,
    PROVINCE,
    TOWN_CLERK,
    TOWN_MANAGER,
    VILLAGE_CLERK,
    above,
    actor,
    below,
    household,
    id_number,
    region,
)
from tests.clicks import click


def noted(app: Flask, count: int = 1, place: Any = None, **columns: Any) -> list[AuditEntry]:
    """Entries of a place, a second apart, the newest last."""
    with app.app_context():
        place = place or region(COUNTY)
        start = columns.pop("at", now() - dt.timedelta(days=1))
        made = [
            AuditEntry(
                act=columns.get("act", Act.UPDATE),
                at=start + dt.timedelta(seconds=n),
                path=place.path,
                account_name=columns.get("account_name", "x 某人"),
                account_id=columns.get("account_id"),
                register=columns.get("register"),
                record_id=columns.get("record_id"),
                detail=columns.get("detail", {"reason": f"第{n}条"}),
            )
            for n in range(count)
        ]
        db.session.rollback()
        with unscoped("tests arrange") as session:
            session.add_all(made)
            session.commit()
        return made


# ---- search -------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [MINISTRY, PROVINCE, CITY, COUNTY_MANAGER], ids=str)
def test_everybody_sees_their_own_area(
    app: Flask, as_account: Callable[..., Any], who: Any
) -> None:
    with app.app_context():
        places = {
            Level.NATION: region(FAR_COUNTY), Level.CITY: region(NEXT_COUNTY),
            Level.COUNTY: region(COUNTY), Level.TOWN: below(region(COUNTY), Level.TOWN),
            Level.VILLAGE: below(region(COUNTY), Level.VILLAGE),
        }  # fmt: skip
        area = (
            above(region(COUNTY), who.level).path
            if who.level < Level.COUNTY
            else region(COUNTY).path
        )
        db.session.rollback()
    for level, place in places.items():
        noted(app, place=place, detail={"reason": f"在{level.name}"})
    page = as_account(who).get("/audit/").text
    for level, place in places.items():
        assert (f"在{level.name}" in page) is place.path.startswith(area), level


def test_pages_follow_each_other(app: Flask, as_account: Callable[..., Any]) -> None:
    noted(app, 45)
    noted(app, 3, act=Act.EXPORT, at=now() - dt.timedelta(days=2), detail={"reason": "更早"})
    county = as_account(COUNTY_MANAGER)
    seen: list[str] = []
    url, positions = "/audit/?size=20", []
    while url:
        page = county.get(url).text
        seen += re.findall(r"原因：(第\d+条|更早)", page)
        positions += re.findall(r"第 (\d+–\d+) 条，共 (\d+) 条", page)
        later = re.search(r'rel="next" href="([^"]+)"', page)
        url = later[1].replace("&amp;", "&") if later else ""
    assert seen == [*(f"第{n}条" for n in range(44, -1, -1)), *["更早"] * 3]
    assert positions == [("1–20", "48"), ("21–40", "48"), ("41–48", "48")]
    (back,) = re.findall(r'rel="prev" href="([^"]+)"', page)
    assert "第 21–40 条，共 48 条" in county.get(back.replace("&amp;", "&")).text


def test_entries_of_one_moment_are_all_shown(app: Flask) -> None:
    moment = now()
    with app.app_context():
        path = region(COUNTY).path
        db.session.rollback()
        with unscoped("tests arrange") as session:
            session.add_all(
                AuditEntry(act=act, at=moment, path=path) for act in [Act.UPDATE, Act.LOGIN] * 13
            )
            session.commit()
        seen, cursor = [], None
        while True:
            page = audit_search.page(db.session, Search(path), 10, older=cursor)
            seen += [e.id for e in page.entries]
            cursor = page.older
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 26
        assert [e.id for e in page.entries] == sorted([e.id for e in page.entries], reverse=True)


def test_filters(app: Flask, as_account: Callable[..., Any]) -> None:
    county = as_account(COUNTY_MANAGER)
    with app.app_context():
        clerk = actor(TOWN_CLERK)
        home, survey = household(number=id_number(77))
        db.session.rollback()
    noted(app, act=Act.EXPORT, detail={"reason": "导出的"})
    noted(app, account_id=clerk.account_id, detail={"reason": "此人的"})
    noted(app, register="lookback", record_id=survey.id, detail={"reason": "此户的"})
    noted(app, at=now() - dt.timedelta(days=400), detail={"reason": "去年的"})
    day = (now() - dt.timedelta(days=30)).date()
    town = f"/audit/?region={region_id(app, Level.TOWN)}"
    texts = ("导出的", "此人的", "此户的", "去年的")
    for url, wanted in [
        ("/audit/", texts),
        ("/audit/?act=export", texts[:1]),
        ("/audit/?act=export&act=update", texts),
        (f"/audit/?account={clerk.login}", texts[1:2]),
        (f"/audit/?account={clerk.name[:2]}", texts[1:2]),
        ("/audit/?account=没有此人", ()),
        ("/audit/?account=%25", ()),
        (f"/audit/?head_id={id_number(77)}", texts[2:3]),
        (f"/audit/?head_id={id_number(77).lower()}&act=export", ()),
        (f"/audit/?head_id={id_number(78)}", ()),
        ("/audit/?register=lookback", texts[2:3]),
        ("/audit/?register=role", ()),
        (f"/audit/?at_from={day}", texts[:3]),
        (f"/audit/?at_to={day}", texts[3:]),
        (town, ()),
    ]:
        page = county.get(url).text
        assert tuple(t for t in texts if t in page) == wanted, url
        if not wanted:
            assert "没有符合条件的记录" in page
    assert home.id


def region_id(app: Flask, level: Level) -> int:
    with app.app_context():
        found = below(region(COUNTY), level).id
        db.session.rollback()
        return found


def test_odd_filters_are_refused(app: Flask, as_account: Callable[..., Any]) -> None:
    county = as_account(COUNTY_MANAGER)
    for query in (
        "act=nothing", "register=nothing", "at_from=gestern", "at_from=2024-02-30", "size=7",
        "after=abc", "before=1~2", "at_from=2024-02-02&at_to=2024-02-01", "region=abc",
        "at_to=9999-12-31",
    ):  # fmt: skip
        assert county.get(f"/audit/?{query}").status_code == 400, query
    with app.app_context():
        foreign = region(FAR_COUNTY).id
    assert county.get(f"/audit/?region={foreign}").status_code == 404
    for who in (COUNTY_READER, TOWN_MANAGER, VILLAGE_CLERK):
        assert as_account(who).get("/audit/").status_code == 403


def test_what_happened_nowhere_is_the_nations(app: Flask, as_account: Callable[..., Any]) -> None:
    county = as_account(COUNTY_MANAGER)
    app.test_client().post("/login/", data={"username": "niemand", "password": "x"})
    with app.app_context(), unscoped("tests arrange") as session:
        entry = AuditEntry(act=Act.LOGIN_FAILED, detail={"login": "niemand"})
        session.add(entry)
        session.commit()
    assert "niemand" in as_account(MINISTRY).get("/audit/").text
    assert "niemand" not in county.get("/audit/").text
    assert county.get(f"/audit/{entry.id}").status_code == 404


# ---- reading ------------------------------------------------------------------------------


def test_an_entry_in_words(app: Flask, as_account: Callable[..., Any]) -> None:
    number = id_number(5)
    (entry,) = noted(
        app, register="lookback",
        detail={
            "changes": {
                "storeys": [1, 2], "phone": ["13909180000", None], "grade": ["A", "C"],
                "corrected_id": [None, number], "risky_parts": [None, ["01", "04"]],
                "split_heads": [None, [{"name": "王小", "id_number": number, "phone": "13909180002"}]],
                "address": ["电话13909180003", f"证{number}"],
            }
        },
    )  # fmt: skip
    page = as_account(COUNTY_MANAGER).get(f"/audit/{entry.id}").text
    for text in ("A级", "C级", "地基、楼板", "王小", "139****0000", f"{number[:4]}*****{number[-4:]}",
                 "139****0003"):  # fmt: skip
        assert text in page, text
    for text in (number, "13909180000", "13909180002", "13909180003", "storeys", "split_heads"):
        assert text not in page, text


def test_the_list_masks_too(app: Flask, as_account: Callable[..., Any]) -> None:
    number = id_number(6)
    noted(app, act=Act.EXPORT, register="lookback",
          detail={"filter": {"head_id": [number], "grade": ["C"]}, "reason": f"核实{number}"})  # fmt: skip
    page = as_account(COUNTY_MANAGER).get("/audit/").text
    assert number not in page
    assert "C级" in page


def test_entries_of_others_do_not_exist(app: Flask, as_account: Callable[..., Any]) -> None:
    with app.app_context():
        far = region(FAR_COUNTY)
        db.session.rollback()
    (entry,) = noted(app, place=far)
    county = as_account(COUNTY_MANAGER)
    assert county.get(f"/audit/{entry.id}").status_code == 404
    assert county.get(f"/audit/{uuid.uuid4()}").status_code == 404
    assert as_account(MINISTRY).get(f"/audit/{entry.id}").status_code == 200


def test_one_record_from_its_page(app: Flask, as_account: Callable[..., Any]) -> None:
    """Who looked at it, changed it, decided on it, exported it."""
    with app.app_context():
        home, survey = household(name="甲户主", number=id_number(9))
        other, _ = household(name="乙户主")
        town = below(region(COUNTY), Level.TOWN, 1)
        county, far = region(COUNTY), region(NEXT_COUNTY)
        db.session.rollback()
    keys: dict[str, Any] = {"register": "lookback", "record_id": survey.id}
    for act in (Act.REVEAL, Act.UPDATE, Act.TRANSITION):
        noted(app, act=act, **keys, detail={"reason": f"本户{act.value}"})
    noted(app, register="household", record_id=home.id, detail={"reason": "农户的"})
    noted(app, register="household", record_id=other.id, detail={"reason": "别户的"})
    soon = now() + dt.timedelta(minutes=1)
    for place, text in ((county, "本县导出"), (town, "别镇导出"), (far, "邻县导出")):
        noted(
            app, place=place, act=Act.EXPORT, register="lookback", at=soon, detail={"reason": text}
        )
    noted(app, act=Act.EXPORT, register="lookback", detail={"reason": "入册前导出"})
    noted(app, act=Act.EXPORT, register="household", at=soon, detail={"reason": "名单导出"})
    manager = as_account(COUNTY_MANAGER)
    assert f"/audit/of/lookback/{survey.id}" in manager.get(f"/lookback/{survey.id}").text
    page = manager.get(f"/audit/of/lookback/{survey.id}").text
    for text in ("本户reveal", "本户update", "本户transition", "农户的", "本县导出"):
        assert text in page, text
    for text in ("别户的", "别镇导出", "邻县导出", "入册前导出"):
        assert text not in page, text
    of_home = manager.get(f"/audit/of/household/{home.id}").text
    assert "本县导出" in of_home, "of every register that has a record of the household"
    assert "名单导出" in of_home
    assert "名单导出" not in page
    assert manager.get(f"/audit/of/lookback/{uuid.uuid4()}").status_code == 404
    assert as_account(COUNTY_MANAGER, far).get(f"/audit/of/lookback/{survey.id}").status_code == 404
    assert "/audit/of/" not in as_account(TOWN_CLERK).get(f"/lookback/{survey.id}").text


# ---- export -------------------------------------------------------------------------------


def test_export_states_its_reason(app: Flask, as_account: Callable[..., Any]) -> None:
    number = id_number(6)
    noted(app, 3, detail={"opinion": f"核实{number}", "reason": "=1+1"})
    noted(app, act=Act.EXPORT, detail={"reason": "别的操作"})
    county = as_account(COUNTY_MANAGER)
    for reason, message in (
        ("", "请填写导出原因"),
        ("查", "至少 4 个字"),
        ("长" * 201, "最多 200 个字"),
    ):
        answer = county.post("/audit/export?act=update", {"other_reason": reason})
        assert answer.status_code == 422
        assert message in answer.text
    assert county.post("/audit/export?act=update", {"reason": "日常检查"}).status_code == 302
    with app.app_context():
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.act == Act.EXPORT).order_by(AuditEntry.at.desc())
        ).first()
        assert entry is not None
        assert entry.detail == {"filter": {"act": "修改"}, "rows": "3", "reason": "日常检查"}
        db.session.rollback()
    rows = workbook(app)
    assert [row[6] for row in rows[1:]] == [
        f"意见：核实{number[:4]}*****{number[-4:]}；原因：=1+1"
    ] * 3
    assert rows[0][:3] == ("时间", "账号", "操作")
    for who in (COUNTY_READER, TOWN_MANAGER):
        assert as_account(who).post("/audit/export", {"reason": "日常检查"}).status_code == 403


def workbook(app: Flask) -> list[tuple[Any, ...]]:
    """The first sheet of what the last job made."""
    result = app.test_cli_runner().invoke(args=["jobs", "work", "--once"])
    assert result.exit_code == 0, result.output
    with app.app_context():
        job = db.session.scalars(select(Job).where(Job.kind == "audit.export")).one()
        assert job.files_of("result"), job.message
        with storage().open(job.files_of("result")[0]["key"]) as file:
            book = openpyxl.load_workbook(io.BytesIO(file.read()))
    return list(book.worksheets[0].iter_rows(values_only=True))


def test_an_export_needs_the_right_below_the_pages_too(app: Flask) -> None:
    with app.app_context():
        reader: Actor = actor(COUNTY_READER)
        search = Search(reader.path)
        found = audit_search.page(db.session, search, 1)
        with acting_as(reader), pytest.raises(Forbidden, match="没有“审计日志”的权限"):
            click(audit_export.start, search, found, "日常检查", {})
