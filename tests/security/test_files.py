"""Files: only through their record, in their field, as what they are; and when the disk is full."""

from __future__ import annotations

import datetime as dt
import errno
import io
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select, update

from app.access.scope import acting_as, unscoped
from app.actions import attachments
from app.core.bucket import BucketStorage
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.jobs import MAX_ATTEMPTS, Job, JobState
from app.core.storage import FolderStorage, storage
from app.core.worker import work
from app.exchange import household_import
from app.registers.lookback.model import Lookback
from app.registers.lookback.register import LOOKBACK
from app.registry.attachments import Attachment
from app.registry.flow import State
from tests.bucket_server import BucketServer, bucket_server
from tests.builders import COUNTY_MANAGER, VILLAGE_CLERK, actor, attach, household
from tests.hands import Hands

FULL = OSError(errno.ENOSPC, "No space left on device")
ODD_NAMES = ["../../etc/passwd", "..\\..\\a.jpg", "a%0d%0aX-Evil: 1.jpg", 'a".jpg', "<img src=x>.jpg",
             "\u202egpj.exe", "a\x00b.jpg", "名" * 300, ".", "", "CON", "a;b=c.jpg"]  # fmt: skip


@pytest.fixture
def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "green").save(out, "JPEG")
    return out.getvalue()


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
        job = household_import.start(io.BytesIO(b"PK"), name, dry_run=True, whole=False)
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
def test_a_record_submitted_meanwhile_keeps_its_files(app: Flask, state: State) -> None:
    with app.app_context():
        row = household(state=state)[1]
        seen = attach(row, "front_photos")[0]
        with acting_as(actor(VILLAGE_CLERK)), pytest.raises(Conflict):
            attachments.arrange(LOOKBACK, row, [str(seen.id)], [])
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


# ---- a full disk -----------------------------------------------------------------------------


class _FullFile(io.BytesIO):
    def write(self, _data: Any) -> int:
        raise FULL


def test_an_upload_on_a_full_disk(
    clerk: Hands, app: Flask, survey: Lookback, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.storage.os.fsync", _refuse)
    answer = clerk.client.post(
        f"/lookback/{survey.id}/files/front_photos",
        data={"file": (io.BytesIO(picture), "a.jpg")},
        headers={"X-CSRFToken": clerk.token(), "Accept": "application/json"},
    )
    assert answer.status_code == 507
    assert "存储空间已满" in answer.json["message"]
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(Attachment)).all() == []
        folder = storage()
        assert isinstance(folder, FolderStorage)
        assert [p for p in folder.root.rglob("*") if p.is_file()] == []


def _refuse(_handle: int) -> None:
    raise FULL


def test_jobs_on_a_full_disk(app: Flask, manager: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        household()
        with acting_as(actor(COUNTY_MANAGER)):
            household_import.start(io.BytesIO(b"PK"), "a.xlsx", dry_run=False, whole=False)
            db.session.commit()
    manager.post("/exchange/export/lookback", {"reason": "工作调度"})
    monkeypatch.setattr("app.exchange.ledger_export.tempfile.TemporaryFile", _FullFile)
    monkeypatch.setattr("app.exchange.household_import.shutil.copyfileobj", _refuse_copy)
    assert work(app, once=True) == 2
    with app.app_context():
        jobs = db.session.scalars(select(Job)).all()
        assert {job.state for job in jobs} == {JobState.FAILED}
        assert all("存储空间已满" in job.message for job in jobs)
        assert all(not job.files_of("result") for job in jobs)


def _refuse_copy(_from: Any, _to: Any) -> None:
    raise FULL


# ---- a store of its own ----------------------------------------------------------------------


@pytest.fixture
def bucket(app: Flask) -> Iterator[BucketServer]:
    """The application's files lie in a bucket."""
    with bucket_server() as server:
        app.extensions["storage"] = BucketStorage(**server.settings())
        yield server


def test_photos_in_a_bucket(
    clerk: Hands, survey: Lookback, picture: bytes, bucket: BucketServer
) -> None:
    kept = clerk.upload(f"/lookback/{survey.id}/files/front_photos", picture).json
    whole, small = (clerk.get(kept[size]).data for size in ("url", "thumb"))
    assert {whole, small} == set(bucket.objects.values())
    with Image.open(io.BytesIO(small)) as opened:
        assert opened.size == (360, 270)


def test_an_upload_while_the_store_is_away(
    clerk: Hands, app: Flask, survey: Lookback, picture: bytes, bucket: BucketServer
) -> None:
    bucket.trouble = lambda _method, _path: 503
    answer = clerk.client.post(
        f"/lookback/{survey.id}/files/front_photos",
        data={"file": (io.BytesIO(picture), "a.jpg")},
        headers={"X-CSRFToken": clerk.token(), "Accept": "application/json"},
    )
    assert (answer.status_code, answer.json["error"]) == (503, "storage_away")
    assert "文件存储暂时无法访问" in answer.json["message"]
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(Attachment)).all() == []


def test_a_photo_taken_off_while_the_store_is_away(
    clerk: Hands, app: Flask, survey: Lookback, picture: bytes, bucket: BucketServer
) -> None:
    """What is saved is saved: the bytes that nobody owns stay for an administrator."""
    kept = clerk.upload(f"/lookback/{survey.id}/files/front_photos", picture).json["id"]
    bucket.trouble = lambda _method, _path: 503
    form = {
        "version": str(survey.version), "died": "no", "intent": "save", "removed_files": kept,
    }  # fmt: skip
    assert clerk.post(f"/lookback/{survey.id}/edit", form).status_code == 302
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(Attachment)).all() == []
    assert len(bucket.objects) == 2  # the photo and its small picture


def take_over(app: Flask) -> None:
    """Work as if the time had passed after which a silent job is taken over."""
    with app.app_context():
        db.session.execute(update(Job).values(heartbeat=now() - dt.timedelta(hours=1)))
        db.session.commit()
    work(app, once=True)


def test_a_job_waits_for_the_store(app: Flask, manager: Hands, bucket: BucketServer) -> None:
    with app.app_context():
        household()
    manager.post("/exchange/export/lookback", {"reason": "工作调度"})
    bucket.trouble = lambda _method, _path: 503
    take_over(app)
    bucket.trouble = lambda _method, _path: None
    take_over(app)
    with app.app_context():
        (job,) = db.session.scalars(select(Job)).all()
        assert (job.state, job.attempt) == (JobState.DONE, 2)
        assert [file["key"] for file in job.files_of("result")] == list(bucket.objects)


def test_a_job_gives_up_on_a_store_that_stays_away(
    app: Flask, manager: Hands, bucket: BucketServer
) -> None:
    with app.app_context():
        household()
    manager.post("/exchange/export/lookback", {"reason": "工作调度"})
    bucket.trouble = lambda _method, _path: 503
    for _attempt in range(MAX_ATTEMPTS):
        take_over(app)
    with app.app_context():
        (job,) = db.session.scalars(select(Job)).all()
        assert (job.state, job.attempt) == (JobState.FAILED, MAX_ATTEMPTS)
        assert "文件存储暂时无法访问" in job.message
