"""The papers of a register: what stands on them, of one record, of many, of none; what goes wrong."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import now, uuid7
from app.core.db import db
from app.core.files.storage import storage
from app.core.jobs.table import Job, JobContext, JobState
from app.core.jobs.worker import work
from app.core.transactions import transaction
from app.kernel.exchange import printing
from app.kernel.exchange.printed import many
from app.kernel.exchange.printed.content import Form
from app.kernel.records import creations
from app.kernel.rows.file import Attachment
from app.modules.archives.choices import (
    ArchiveStructure,
    ArchiveWay,
    OldDecade,
    PovertyKind,
    RenovationReason,
)
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from tests import builders
from tests.hands import Hands

pytestmark = pytest.mark.one_database

TITLE = "农村危房改造农户纸质档案表"
NUMBER = builders.id_number(77)
REASON = {"reason": "资料留存"}


def text_of(content: bytes) -> str:
    """The whole text, without ends of lines and the places where lines may end."""
    paper = pypdfium2.PdfDocument(content)
    whole = "".join(page.get_textpage().get_text_range() for page in paper)
    return re.sub(r"[\s\u200b\ufffe]+", "", whole)


def archive(**more: Any) -> Archive:
    """One that a county manager enters, completed, with an answer to most."""
    said = {
        "head_name": "张建国", "head_id": NUMBER, "phone": "13909170001", "plan_year": 2012, "population": 4,
        "ethnicity": "01", "poverty_kind": PovertyKind.ALLOWANCE, "old_decade": OldDecade.SEVENTIES,
        "old_area": Decimal("45.50"), "old_structure": ArchiveStructure.ADOBE, "reason": RenovationReason.D,
        "way": ArchiveWay.REBUILD, "approved_on": dt.date(2012, 3, 5), "started_on": dt.date(2012, 4, 1),
        "completed_on": dt.date(2012, 9, 20), "subsidy": Decimal("7500.00"), "village_group": "三组",
    } | more  # fmt: skip
    who = builders.account(builders.COUNTY_MANAGER)
    db.session.rollback()
    with acting_as(builders.actor_of(who)), transaction():
        row: Archive = creations.new(ARCHIVE, uuid7(), builders.seat(Level.VILLAGE).id, said)
    return row


def jpeg(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (360, 270), colour).save(out, "JPEG")
    return out.getvalue()


def photo(row: Archive, field: str, content: bytes | None) -> None:
    """A photo of the record with this small picture; None: the store has lost it."""
    [file] = builders.attach(row, field, register="archive")
    with unscoped("tests attach files") as session:
        kept = session.get_one(Attachment, file.id)
        kept.thumb_key = storage().put(io.BytesIO(content or b"x"), "jpg")
        if content is None:
            storage().delete(kept.thumb_key)
        session.commit()


@pytest.fixture
def record(app: Flask) -> Archive:
    with app.app_context():
        row = archive()
        db.session.expunge(row)
    return row


def printed(app: Flask) -> bytes:
    """What the newest job made, done now."""
    work(app, once=True)
    with app.app_context(), unscoped("the test reads jobs") as session:
        job = session.scalars(select(Job).order_by(Job.created.desc())).first()
        assert job is not None
        assert job.state == JobState.DONE, job.message
        [file] = job.files_of("result")
        assert file["name"].startswith(TITLE)
        with storage().open(file["key"]) as stream:
            return stream.read()


def entries() -> list[AuditEntry]:
    with unscoped("the test reads the log") as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.act == Act.EXPORT)))


def test_a_record_on_paper_says_what_it_says(app: Flask, record: Archive, as_account: Any) -> None:
    with app.app_context():
        photo(record, "photos_before", jpeg())
        photo(record, "photos_after", None)
        photo(record, "photos_during", jpeg()[:-300])
    reader = as_account(builders.COUNTY_READER)
    assert f"/archive/{record.id}/paper/form" in reader.get(f"/archive/{record.id}").text
    answer = reader.get(f"/archive/{record.id}/paper/form")
    assert answer.mimetype == "application/pdf"
    paper = pypdfium2.PdfDocument(answer.data)
    assert [round(side) for side in paper[0].get_size()] == [595, 842]
    text = text_of(answer.data)
    for said in (
        TITLE, f"档案编号：610122-2012-{record.id.hex[-8:].upper()}", "张建国", "三组", "45.5平方米", "2012-09-20",
        "7500.00元", "地址情况", "农户签字：", "单位（盖章）：", "照片无法读取",
        "土坯、夯土房（无立柱）", "身份证号和联系电话已部分隐藏。",
    ):  # fmt: skip
        assert said in text.replace(",", ""), said
    assert text.count("照片无法读取") == 2
    assert NUMBER not in text
    assert "13909170001" not in text
    with app.app_context():
        [entry] = entries()
        assert (entry.detail, entry.record_id) == ({"name": TITLE}, record.id)


def test_whole_numbers_take_the_right_and_a_reason(
    app: Flask, record: Archive, as_account: Any
) -> None:
    url = f"/archive/{record.id}/print/form"
    assert as_account(builders.COUNTY_READER).get(url).status_code == 403
    manager = as_account(builders.COUNTY_MANAGER)
    assert url in manager.get(f"/archive/{record.id}").text
    assert "张建国" in manager.get(url).text
    assert manager.post(url, {"reason": ""}).status_code == 422
    text = text_of(manager.post(url, REASON).data)
    assert NUMBER in text
    assert "13909170001" in text
    with app.app_context():
        assert [entry.detail["reason"] for entry in entries()] == ["资料留存"]
        there = builders.seat(Level.COUNTY, builders.NEXT_COUNTY)
    far = as_account(builders.COUNTY_MANAGER, there)
    for tail in ("paper/form", "print/form"):
        assert far.get(f"/archive/{record.id}/{tail}").status_code == 404
    assert manager.get(f"/archive/{record.id}/paper/nothing").status_code == 404


def test_a_form_without_a_record(app: Flask, as_account: Any) -> None:
    clerk = as_account(builders.TOWN_CLERK)
    assert "/archive/papers/form/blank" in clerk.get("/archive/query").text
    text = text_of(clerk.get("/archive/papers/form/blank").data)
    for label in ("村民委员会", "户主姓名", "对口援疆补助资金", "建筑节能增加的投资", "改造后照片"):
        assert label in text, label
    assert text.count("贴照片处") == 9
    assert "无身份证号" not in text, "it stands beside the number"
    assert "申请材料" not in text


@pytest.mark.parametrize(
    ("year", "kind", "offered"),
    [
        (2012, PovertyKind.ALLOWANCE, "FIVE_GUARANTEES ALLOWANCE OTHER_POOR"),
        (2018, PovertyKind.DISABLED, "REGISTERED ALLOWANCE DESTITUTE DISABLED"),
        (2018, PovertyKind.OTHER_POOR, "REGISTERED ALLOWANCE DESTITUTE DISABLED OTHER_POOR"),
    ],
)
def test_the_kinds_of_the_year_and_what_was_chosen_are_to_be_ticked(
    app: Flask, as_account: Any, year: int, kind: PovertyKind, offered: str
) -> None:
    with app.app_context():
        row = archive(plan_year=year, poverty_kind=PovertyKind.ALLOWANCE)
        with unscoped("its year was changed since") as session:
            session.get_one(Archive, row.id).poverty_kind = kind
            session.commit()
    text = text_of(as_account(builders.COUNTY_READER).get(f"/archive/{row.id}/paper/form").data)
    [boxes] = re.findall("农户贫困类型(.*?)是否贫困残疾人家庭", text)
    assert {one for one in PovertyKind if one.zh in boxes} == {
        PovertyKind[name] for name in offered.split()
    }


def test_long_and_odd_answers_are_whole_on_paper(app: Flask, as_account: Any) -> None:
    long = "W" * 40
    odd = "\U000f1234"
    with app.app_context():
        row = archive(
            head_name="阿不都热合曼·买买提伊明", village_group=long, head_id=None, no_number=True,
            no_number_why="原因" * 50, phone=None, no_phone=True, no_phone_why=f"ئۇيغۇر{odd}",
            completed_on=None, old_decade=OldDecade.HOUSELESS,
        )  # fmt: skip
    text = text_of(as_account(builders.COUNTY_READER).get(f"/archive/{row.id}/paper/form").data)
    assert "阿不都热合曼·买买提伊明" in text
    assert long in text
    assert "无（" + "原因" * 50 + "）" in text
    assert "〓" in text
    assert "U+F1234" in text


def test_what_a_list_finds_is_printed_in_the_background(
    app: Flask, as_account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "_PART", 2)
    with app.app_context():
        names = ("张一", "李二", "王三")
        for n, name in enumerate(names):
            archive(head_name=name, head_id=builders.id_number(80 + n), plan_year=2012 + n % 2)
    manager = as_account(builders.COUNTY_MANAGER)
    page = manager.get("/archive/query?plan_year=2012").text
    assert "/archive/papers/form?plan_year=2012" in page
    url = "/archive/papers/form?plan_year=2012"
    assert ">2<" in manager.get(url).text.replace("\n", "")
    answer = manager.post(url, REASON)
    assert (answer.status_code, answer.location) == (302, "/exchange/jobs")
    content = printed(app)
    text = text_of(content)
    assert [name in text for name in names] == [True, False, True]
    assert builders.id_number(80) in text
    with app.app_context():
        [entry] = entries()
        assert entry.detail["rows"] == "2"
        assert entry.detail["filter"] == {"plan_year": ["2012"]}
    assert manager.post("/archive/papers/form", REASON).status_code == 302
    assert [name in text_of(printed(app)) for name in names] == [True] * 3


def test_a_combined_search_is_told_in_words_before_and_in_the_log(
    app: Flask, as_account: Any
) -> None:
    with app.app_context():
        archive(), archive(head_name="李二", head_id=builders.id_number(78), way=ArchiveWay.REPAIR)
    manager = as_account(builders.COUNTY_MANAGER)
    url = "/archive/papers/form?where=way:any:rebuild&where=subsidy:in:5000.."
    words = "改造方式是“原址翻建”，且各级政府补助资金不少于5,000.00元"
    page = re.sub(r"\s+", "", manager.get(url).text)
    assert "综合查询" in page
    assert words in page
    assert 'name="keys"' not in page, "papers have no column of keys"
    assert manager.post(url, REASON).status_code == 302
    with app.app_context():
        [entry] = entries()
        assert (entry.detail["filter"], entry.detail["rows"]) == ({"where": [words]}, "1")


def test_a_part_holds_no_more_pictures_than_a_typesetter() -> None:
    forms = [
        Form({"n": n}, dict.fromkeys(map(str, range(k)), b"x"))
        for n, k in enumerate((19, 19, 19, 19, 90, 1))
    ]
    parts = many.parts_of(iter(forms))
    assert [[form.data["n"] for form in part] for part in parts] == [[0, 1, 2], [3], [4], [5]]
    assert list(many.parts_of([])) == []


def test_each_part_begins_on_the_front_of_a_sheet(tmp_path: Path) -> None:
    parts = []
    for width, pages in ((100, 3), (200, 2), (300, 1), (400, 1)):
        parts.append(tmp_path / f"{width}.pdf")
        with pikepdf.Pdf.new() as paper:
            for _page in range(pages):
                paper.add_blank_page(page_size=(width, 100))
            paper.save(parts[-1])
    printing.joined(parts, tmp_path / "whole.pdf")
    with pikepdf.open(tmp_path / "whole.pdf") as whole:
        widths = [int(page.mediabox[2]) for page in whole.pages]
    assert widths == [100, 100, 100, 595, 200, 200, 300, 595, 400]


def test_ticked_rows_are_printed(app: Flask, as_account: Any) -> None:
    with app.app_context():
        one, other = archive(head_name="张一"), archive(head_name="李二", plan_year=2013)
        far = builders.seat(Level.COUNTY, builders.NEXT_COUNTY)
    manager = as_account(builders.COUNTY_MANAGER)
    assert 'value="form"' in manager.get("/archive/query").text
    page = manager.post("/archive/papers/form", {"action": "form", "id": [str(other.id)]})
    assert page.status_code == 200
    assert f'name="id" value="{other.id}"' in page.text
    manager.post("/archive/papers/form", {"id": [str(other.id)]} | REASON)
    text = text_of(printed(app))
    assert ("张一" in text, "李二" in text) == (False, True)
    elsewhere = as_account(builders.COUNTY_MANAGER, far)
    answer = elsewhere.post("/archive/papers/form", {"id": [str(one.id)]} | REASON)
    assert answer.status_code == 422
    assert "没有可以打印的记录" in answer.text


@pytest.mark.parametrize(
    ("url", "form", "message"),
    [
        ("?plan_year=2013", REASON, "没有可以打印的记录，请重新选择。"),
        ("", {}, "请填写导出原因。"),
        ("", REASON, "共 2 户，一次最多打印 1 户，请缩小范围。"),
    ],
)
def test_what_cannot_be_printed_is_told(
    app: Flask, as_account: Any, monkeypatch: pytest.MonkeyPatch, url: str, form: Any, message: str
) -> None:
    monkeypatch.setattr(many, "MOST", 1)
    with app.app_context():
        archive(), archive(head_name="李二", head_id=builders.id_number(78))
    answer = as_account(builders.COUNTY_MANAGER).post(f"/archive/papers/form{url}", form)
    assert answer.status_code == 422
    assert message in answer.text
    with app.app_context(), unscoped("the test reads jobs") as session:
        assert session.scalars(select(Job)).all() == []


def test_nobody_without_the_right_prints_many(as_account: Any) -> None:
    for who in (builders.COUNTY_READER, builders.VILLAGE_CLERK):
        client: Hands = as_account(who)
        assert client.post("/archive/papers/form", REASON).status_code == 403
        assert "打印所选" not in client.get("/archive/query").text


def test_a_print_killed_half_way_is_done_again_whole(
    app: Flask, as_account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        archive(head_name="张一"), archive(head_name="李二", plan_year=2013)
    manager = as_account(builders.COUNTY_MANAGER)
    assert manager.post("/archive/papers/form", REASON).status_code == 302
    monkeypatch.setattr(many, "_PART", 1)
    child = os.fork()
    if child == 0:  # a worker of its own, which dies after the first part
        with app.app_context():
            db.engine.dispose(close=False)
        monkeypatch.setattr(JobContext, "progress", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        work(app, once=True)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    with app.app_context(), unscoped("the test lets the heartbeat grow old") as session:
        job = session.scalars(select(Job)).one()
        assert (job.state, job.files_of("result")) == (JobState.RUNNING, [])
        job.heartbeat = now() - dt.timedelta(minutes=5)
        session.commit()
    text = text_of(printed(app))
    assert ("张一" in text, "李二" in text) == (True, True)


def test_a_list_beyond_the_own_area_is_not_printed(
    record: Archive, as_account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "reaches_beyond", lambda *_asked: True)
    assert (
        as_account(builders.COUNTY_MANAGER).post("/archive/papers/form", REASON).status_code == 400
    )
