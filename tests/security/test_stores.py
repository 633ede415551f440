"""While a disk is full or takes nothing, or the database or the store of files is away: nobody loses
anything, everybody is told, and jobs go on when it is back.
"""

from __future__ import annotations

import datetime as dt
import errno
import io
import os
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import select, update
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.test import TestResponse

from app.access.scope import acting_as, unscoped
from app.core.clock import now
from app.core.db import db
from app.core.files.bucket import BucketStorage
from app.core.files.storage import FolderStorage, storage
from app.core.jobs.table import MAX_TRIES, Job, JobState
from app.core.jobs.worker import work
from app.kernel.households.exchange import importing as household_import
from app.kernel.rows.file import Attachment
from app.modules.surveys.lookback.model import Lookback
from tests.builders import COUNTY_MANAGER, actor, household
from tests.clicks import begin_import
from tests.core.bucket_server import BucketServer, bucket_server
from tests.hands import Hands

#: What databases say while they are away is raised here, whichever there is.
pytestmark = pytest.mark.one_database


# ---- disks and databases ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [(errno.ENOSPC, 507, "存储空间已满"), (errno.EROFS, 503, "文件存储暂时无法访问")],
)
def test_an_upload_on_a_disk_that_takes_nothing(
    clerk: Hands, app: Flask, survey: Lookback, picture: bytes, monkeypatch: pytest.MonkeyPatch,
    error: int, status: int, message: str,
) -> None:  # fmt: skip
    def refuse(_handle: int) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr("app.core.files.storage.os.fsync", refuse)
    answer = upload(clerk, survey, picture)
    assert answer.status_code == status
    assert message in answer.json["message"]
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(Attachment)).all() == []
        folder = storage()
        assert isinstance(folder, FolderStorage)
        assert [p for p in folder.root.rglob("*") if p.is_file()] == []


def upload(clerk: Hands, survey: Lookback, picture: bytes) -> TestResponse:
    """A photo, sent as a program does that reads JSON."""
    return clerk.client.post(
        f"/lookback/{survey.id}/files/front_photos",
        data={"file": (io.BytesIO(picture), "a.jpg")},
        headers={"X-CSRFToken": clerk.token(), "Accept": "application/json"},
    )


@pytest.mark.parametrize(
    "error",
    [
        InternalError("update", {}, ReadOnlySqlTransaction()),
        InterfaceError("select", {}, Exception("the connection is closed")),
        OperationalError("select", {}, Exception("the server closed the connection")),
        NoConnection(),
        OSError(errno.EIO, "Input/output error"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_page_while_the_database_is_away_says_so(
    clerk: Hands, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def away(*_args: Any, **_more: Any) -> None:
        raise error from getattr(error, "orig", None)  # as the driver's error is wrapped

    monkeypatch.setattr("app.kernel.lists.ledger.Ledger.page", away)
    answer = clerk.get("/lookback/query")
    assert answer.status_code == 503
    assert "请稍后重试" in answer.text


FULL = OSError(errno.ENOSPC, "No space left on device")


class _FullFile(io.BytesIO):
    def write(self, _data: Any) -> int:
        raise FULL


def _refuse_copy(_from: Any, _to: Any) -> None:
    raise FULL


def test_jobs_on_a_full_disk(app: Flask, manager: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        household()
        with acting_as(actor(COUNTY_MANAGER)):
            start, file = household_import.start, io.BytesIO(b"PK")
            begin_import(start, file, "a.xlsx", dry_run=False, whole=False)
    manager.post("/exchange/export/lookback", {"reason": "工作调度"})
    monkeypatch.setattr("app.kernel.exchange.ledger_export.tempfile.TemporaryFile", _FullFile)
    monkeypatch.setattr("app.kernel.exchange.inbox.shutil.copyfileobj", _refuse_copy)
    assert work(app, once=True) == 2
    with app.app_context():
        jobs = db.session.scalars(select(Job)).all()
        assert {job.state for job in jobs} == {JobState.RUNNING}, "taken up again later"
        assert {job.tries for job in jobs} == {0}
        assert all("存储空间已满" in job.message for job in jobs)
        assert all(not job.files_of("result") for job in jobs)


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
    answer = upload(clerk, survey, picture)
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


def test_a_job_waits_for_a_store_however_long_it_stays_away(
    app: Flask, manager: Hands, bucket: BucketServer
) -> None:
    with app.app_context():
        household()
    manager.post("/exchange/export/lookback", {"reason": "工作调度"})
    bucket.trouble = lambda _method, _path: 503
    for _attempt in range(MAX_TRIES + 2):
        take_over(app)
    with app.app_context():
        (job,) = db.session.scalars(select(Job)).all()
        assert (job.state, job.tries) == (JobState.RUNNING, 0)
        assert "文件存储暂时无法访问" in job.message
