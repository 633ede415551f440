"""Files: only through their record, in their field, as what they are."""

from __future__ import annotations

import io
import uuid
from email.message import Message
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.files.storage import FolderStorage, storage
from app.kernel.declare.flow import State
from app.kernel.households.exchange import importing as household_import
from app.kernel.records import files as attachments
from app.kernel.records.files import Sent
from app.kernel.rows.file import Attachment
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import pictures
from tests.builders import COUNTY_MANAGER, VILLAGE_CLERK, actor, attach, household
from tests.clicks import begin_import, click, take_in
from tests.hands import Hands

#: Bytes and names of files; what two do at the same time is asked of both.
pytestmark = pytest.mark.one_database

ODD_NAMES = ["../../etc/passwd", "..\\..\\a.jpg", "a%0d%0aX-Evil: 1.jpg", 'a".jpg', "<img src=x>.jpg",
             "\u202egpj.exe", "a\x00b.jpg", "名" * 300, ".", "", "CON", "a;b=c.jpg"]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_only_names(
    clerk: Hands, survey: Lookback, picture: bytes, name: str
) -> None:
    kept = clerk.upload(f"/lookback/{survey.id}/files/front_photos", picture, name).json
    answer = clerk.get(f"{kept['url']}?download=1")
    assert answer.status_code == 200
    assert "X-Evil" not in answer.headers
    assert answer.mimetype == "image/jpeg"
    shown = Message()
    shown["Content-Disposition"] = answer.headers["Content-Disposition"]
    assert shown.get_filename().endswith(".jpg")
    assert not {"/", "\\", "\r", "\n", "\x00"} & set(kept["name"])
    assert len(kept["name"]) < 100
    assert "<img src=x>" not in clerk.get(f"/lookback/{survey.id}/edit").text


@pytest.mark.parametrize("name", [*ODD_NAMES, "a\nb.xlsx"])
def test_odd_names_of_lists_are_only_names(app: Flask, name: str) -> None:
    with app.app_context(), acting_as(actor(COUNTY_MANAGER)):
        job = begin_import(
            household_import.start, io.BytesIO(b"PK"), name, dry_run=True, whole=False
        )
        assert all(c.isprintable() and c != "/" for c in job.files[0]["name"])


def test_a_file_is_asked_for_each_time(clerk: Hands, app: Flask, survey: Lookback, picture: bytes):
    kept = clerk.upload(f"/lookback/{survey.id}/files/front_photos", picture).json
    for url in (kept["url"], kept["thumb"]):
        first = clerk.get(url)
        assert first.headers["Cache-Control"] == "private, no-cache"
        again = clerk.get(url, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        nobody = app.test_client().get(url, headers={"If-None-Match": first.headers["ETag"]})
        assert nobody.status_code == 302


def test_no_form_reaches_another_records_files(
    clerk: Hands, app: Flask, survey: Lookback, picture: bytes
) -> None:
    with app.app_context():
        other = household()[1]
        theirs = attach(other, "front_photos")[0]
    mine = clerk.upload(f"/lookback/{survey.id}/files/front_photos", picture).json["id"]
    form = {
        "version": str(survey.version), "died": "no", "intent": "save",
        "removed_files": str(theirs.id), "judged_paper": mine, "front_photos": str(theirs.id),
    }  # fmt: skip
    assert clerk.post(f"/lookback/{survey.id}/edit", form).status_code == 302
    with app.app_context(), unscoped("tests look") as session:
        found = {str(a.id): (a.record_id, a.field) for a in session.scalars(select(Attachment))}
    assert found == {
        str(theirs.id): (other.id, "front_photos"),
        mine: (survey.id, "front_photos"),
    }


@pytest.mark.parametrize("state", [State.SUBMITTED, State.APPROVED])
@pytest.mark.both_databases
def test_a_record_submitted_meanwhile_keeps_its_files(app: Flask, state: State) -> None:
    with app.app_context():
        row = household(state=state)[1]
        seen = attach(row, "front_photos")[0]
        with acting_as(actor(VILLAGE_CLERK)), pytest.raises(Conflict):
            click(attachments.arrange, LOOKBACK, row, [str(seen.id)], [])
        db.session.rollback()
        with unscoped("tests look") as session:
            assert session.get(Attachment, seen.id) is not None


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "aa/bb/aabb.jpg", "/etc/passwd", "", "a" * 80, "aa/bb/\0"]
)
def test_no_key_leads_out_of_the_store(app: Flask, key: str) -> None:
    with app.app_context():
        for use in (storage().open, storage().size, storage().delete):
            with pytest.raises(BadInput):
                use(key)


# ---- turned, and sent twice --------------------------------------------------------------------


def turn(hands: Hands, survey: Lookback, photo: str, turned: object) -> TestResponse:
    return hands.post(f"/lookback/{survey.id}/turn", {"photo": photo, "turned": turned})


def send(hands: Hands, survey: Lookback, content: bytes, **said: str) -> TestResponse:
    url = f"/lookback/{survey.id}/files/front_photos"
    form = {"file": (io.BytesIO(content), "照片.jpg")} | said
    return hands.post(url, form, content_type="multipart/form-data")


def size_of(hands: Hands, url: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(hands.get(url).data)) as image:
        return image.size


def stored_files(app: Flask) -> int:
    with app.app_context():
        folder = storage()
        assert isinstance(folder, FolderStorage)
        return sum(p.is_file() for p in folder.root.glob("??/??/*"))


def test_a_photo_is_turned(clerk: Hands, app: Flask, survey: Lookback, picture: bytes) -> None:
    kept = send(clerk, survey, picture).json
    turned = turn(clerk, survey, kept["id"], 90).json
    assert (turned["turned"], turned["width"], turned["height"]) == (90, 300, 400)
    assert turned["url"] != kept["url"]  # or the browser would show the old one
    assert size_of(clerk, turned["url"]) == (300, 400)
    assert size_of(clerk, turned["thumb"]) == (270, 360)
    etag = {"If-None-Match": clerk.get(kept["url"]).headers["ETag"]}
    assert turn(clerk, survey, kept["id"], 90).json == turned  # said twice, turned once
    assert clerk.get(turned["url"], headers=etag).status_code == 304
    assert turn(clerk, survey, kept["id"], 0).json["width"] == 400
    assert clerk.get(turned["url"], headers=etag).status_code == 200
    assert stored_files(app) == 2


def test_a_photo_that_was_turned_before_it_was_sent(
    clerk: Hands, survey: Lookback, picture: bytes
) -> None:
    kept = send(clerk, survey, picture, turned="270").json
    assert (kept["turned"], kept["width"], kept["height"]) == (270, 300, 400)


@pytest.mark.parametrize("turned", ["45", "", "x", "-90", "9" * 400])
def test_photos_turn_by_quarters(
    clerk: Hands, survey: Lookback, picture: bytes, turned: str
) -> None:
    kept = send(clerk, survey, picture).json
    assert "90度" in turn(clerk, survey, kept["id"], turned).json["error"]
    assert "90度" in send(clerk, survey, picture, turned=turned).json["error"]


def test_only_photos_of_the_record_that_may_be_edited_are_turned(
    clerk: Hands, app: Flask, survey: Lookback, picture: bytes
) -> None:
    kept = send(clerk, survey, picture).json["id"]
    with app.app_context():
        other = household()[1]
    assert turn(clerk, other, kept, 90).status_code == 404
    assert turn(clerk, survey, str(other.id), 90).status_code == 404
    assert turn(clerk, survey, "x", 90).status_code == 400
    with app.app_context(), unscoped("tests arrange") as session:
        session.get_one(Lookback, survey.id).state = State.SUBMITTED
        session.commit()
    answer = turn(clerk, survey, kept, 90)
    assert answer.status_code == 409
    assert "待审核" in answer.json["error"]
    assert stored_files(app) == 2


def test_a_photo_sent_twice_is_one_photo(
    clerk: Hands, app: Flask, survey: Lookback, picture: bytes
) -> None:
    key = str(uuid.uuid4())
    first = send(clerk, survey, picture, key=key)
    again = send(clerk, survey, picture, key=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == again.json
    other = send(clerk, survey, picture, key=str(uuid.uuid4()))
    assert other.json["id"] != first.json["id"]  # the same picture, but meant twice
    assert stored_files(app) == 4


@pytest.mark.both_databases
def test_a_photo_that_arrives_twice_at_the_same_time_is_one_photo(
    app: Flask, survey: Lookback, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were read before either was written down."""
    read = attachments.inspect_upload

    def read_while_the_other_arrives(*given: Any) -> Any:
        monkeypatch.setattr(attachments, "inspect_upload", read)
        take_in(LOOKBACK, survey.id, "front_photos", sent())
        return read(*given)

    def sent() -> Sent:
        return Sent(io.BytesIO(picture), "a.jpg", key)

    key = uuid.uuid4()
    monkeypatch.setattr(attachments, "inspect_upload", read_while_the_other_arrives)
    with app.app_context(), acting_as(actor(VILLAGE_CLERK)):
        take_in(LOOKBACK, survey.id, "front_photos", sent())
        assert len(db.session.scalars(select(Attachment)).all()) == 1
    assert stored_files(app) == 2


def test_a_key_of_another_record_opens_nothing(
    clerk: Hands, app: Flask, survey: Lookback, picture: bytes
) -> None:
    with app.app_context():
        other = household()[1]
    key = str(uuid.uuid4())
    mine = send(clerk, survey, picture, key=key).json["id"]
    assert send(clerk, other, picture, key=key).json["id"] != mine


def test_the_form_warns_of_a_photo_of_another_day(clerk: Hands, survey: Lookback) -> None:
    exif = pictures.camera("2024:09:09 10:00:00", (34.34, 108.94))
    kept = send(clerk, survey, pictures.picture(exif=exif)).json
    assert kept["note"] == "拍摄于2024-09-09 10:00 · 未央区 · HUAWEI LYA-AL00"
    assert "该户所在县" in kept["elsewhere"]
    form = {
        "version": str(survey.version), "died": "no", "surveyed_on": "2024-09-12",
        "intent": "save", "front_photos": kept["id"],
    }  # fmt: skip
    assert clerk.post(f"/lookback/{survey.id}/edit", form).status_code == 302
    page = clerk.get(f"/lookback/{survey.id}/edit").text
    assert "拍摄日期2024-09-09与排查时间2024-09-12不一致" in page


# ---- what is refused, over HTTP, and how the rest is served ----------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0字节"),
        (b"\xff\xd8\xff" + b"x" * 21_000_000, "20 MB"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "不是照片"),
        (pictures.picture(form="GIF", mode="P"), "不是照片"),
        (pictures.picture()[:3000], "损坏"),
        (pictures.picture() + b"<html><script>alert(1)</script></html>", "夹带"),
    ],
)
def test_what_is_refused_says_why(
    clerk: Hands, app: Flask, survey: Lookback, content: bytes, message: str
) -> None:
    answer = send(clerk, survey, content)
    assert answer.status_code == 400
    assert message in answer.json["error"]
    assert stored_files(app) == 0


def test_fifty_megabytes_are_refused_before_they_are_read(
    clerk: Hands, app: Flask, survey: Lookback
) -> None:
    answer = clerk.client.post(
        f"/lookback/{survey.id}/files/front_photos",
        data={"file": (io.BytesIO(bytes(50_000_000)), "大.jpg")},
        headers={"X-CSRFToken": clerk.token(), "Accept": "application/json"},
    )
    assert answer.status_code == 413
    assert "过大" in answer.json["message"]
    assert stored_files(app) == 0


def test_refusals_are_said_in_the_users_language(clerk: Hands, survey: Lookback) -> None:
    clerk.post("/language/en")
    assert "not a photo" in send(clerk, survey, b"GIF89a").json["error"]


def test_files_are_only_what_they_are(clerk: Hands, survey: Lookback, picture: bytes) -> None:
    photo = send(clerk, survey, picture).json
    paper = clerk.upload(
        f"/lookback/{survey.id}/files/judged_paper", pictures.paper(3), "报告.html"
    ).json
    assert (paper["name"], paper["note"], paper["photo"]) == ("报告.pdf", "共3页", False)
    for url, mime in (
        (photo["url"], "image/jpeg"), (photo["thumb"], "image/jpeg"),
        (paper["url"], "application/pdf"), (paper["thumb"], "image/jpeg"),
    ):  # fmt: skip
        answer = clerk.get(url)
        assert answer.mimetype == mime
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("inline; filename")
        saved = clerk.get(f"{url}&download=1")
        assert saved.headers["Content-Disposition"].startswith("attachment; filename")
