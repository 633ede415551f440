"""kill -9 in the middle of a request, at the commit of what it does: what was not acknowledged is there
whole or not at all, and the same request once more gives the same answer.
"""

from __future__ import annotations

import io
import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.access.repeats import Repeat
from app.access.scope import unscoped
from app.core.db import db
from app.core.files.storage import storage
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.rows.file import Attachment
from app.kernel.rows.record import HistoryEntry
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from app.web.frame.clicks import FIELD
from tests import builders, pictures
from tests.hands import Hands

AsAccount = Callable[..., Hands]
Post = Callable[[], TestResponse]


def post_and_be_killed(app: Flask, post: Post, model: Any, moment: str) -> None:
    """Post in a process of its own, which is killed at that moment of the commit that writes a row of
    the model.
    """
    child = os.fork()
    if child == 0:
        with app.app_context():
            db.engine.dispose(close=False)  # the connections are the parent's
        written: list[bool] = []

        def note(session: Session, *_more: Any) -> None:
            written.extend(isinstance(row, model) for row in (*session.new, *session.dirty))

        def die(session: Session) -> None:
            if any(written) and not session.in_nested_transaction():
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Session, "after_flush", note)
        event.listen(Session, moment, die)
        post()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.fixture
def survey(app: Flask) -> Lookback:
    with app.app_context():
        made: Lookback = builders.household()[1]
        db.session.remove()
        return made


def rest(app: Flask) -> None:
    """No connection is open while a process is forked off."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.mark.both_databases
@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
def test_killed_in_a_form(app: Flask, as_account: AsAccount, survey: Lookback, moment: str) -> None:
    clerk = as_account(builders.VILLAGE_CLERK)
    form = builders.texts(builders.died()) | {
        "version": "1", "intent": "submit", "contact_name": "李明", "contact_phone": "13909180000",
        "csrf_token": clerk.token(), FIELD: uuid.uuid4().hex,
    }  # fmt: skip
    done = moment == "after_commit"

    def post() -> TestResponse:
        return clerk.client.post(f"/lookback/{survey.id}/edit", data=form)

    rest(app)
    post_and_be_killed(app, post, Lookback, moment)
    with app.app_context(), unscoped("tests look") as session:
        state = State.SUBMITTED if done else State.MISSING
        assert session.get_one(Lookback, survey.id).state == state
        assert len(session.scalars(select(Repeat)).all()) == done
    answer = post()
    assert (answer.status_code, answer.headers["Location"]) == (302, "/lookback/entry")
    assert ("Idempotency-Replayed" in answer.headers) is done
    assert "已上报，等待审核。" in clerk.get("/help/").text
    with app.app_context(), unscoped("tests look") as session:
        assert session.scalars(select(HistoryEntry.step)).all() == ["submit"]
        kept = counters.kept_counts(session, LOOKBACK)
        assert kept == counters.live_counts(session, LOOKBACK)


@pytest.mark.both_databases
@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
def test_killed_between_a_file_and_its_row(
    app: Flask, as_account: AsAccount, survey: Lookback, moment: str
) -> None:
    """A file may be left that has no row; never a row without its file."""
    clerk = as_account(builders.VILLAGE_CLERK)
    photo, token, key = pictures.picture((640, 480)), clerk.token(), str(uuid.uuid4())
    folder, done = Path(app.config["STORAGE_DIR"]), moment == "after_commit"

    def post() -> TestResponse:
        data = {"csrf_token": token, "key": key, "file": (io.BytesIO(photo), "正面.jpg")}
        return clerk.client.post(f"/lookback/{survey.id}/files/front_photos", data=data)

    def files() -> list[Attachment]:
        with app.app_context(), unscoped("tests look") as session:
            found = list(session.scalars(select(Attachment)))
            assert [storage().size(one.key) for one in found] == [one.size for one in found]
            assert all(storage().size(one.thumb_key) for one in found)
            return found

    rest(app)
    post_and_be_killed(app, post, Attachment, moment)
    assert len(files()) == done
    left = [path for path in folder.rglob("*") if path.is_file()]
    assert len(left) == 2  # the photo and its small one
    answer = post()
    assert answer.status_code == 200
    (one,) = files()
    assert answer.json is not None
    assert answer.json["id"] == str(one.id)
