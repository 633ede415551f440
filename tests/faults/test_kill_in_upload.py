"""Photos whose upload kill -9 of the web process cut off: sent once more they are there, once. As a whole;
at each moment that matters: test_killed_requests.
"""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Callable
from os import kill
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.access.scope import unscoped
from app.core.files.storage import storage
from app.kernel.rows.file import Attachment
from tests import builders, pictures
from tests.faults.test_kill_in_save import _TOKEN, _field, children, signed_in

PHOTOS, KILLS = 6, 1


def send_all(client: httpx.Client, keys: dict[uuid.UUID, uuid.UUID], had: set[uuid.UUID]) -> None:
    """As the outbox does: each again and again under its key, until the server says that it has it."""
    photo = pictures.picture((1600, 1200))
    for key, record in keys.items():
        for _try in range(60):
            try:
                token = _field(_TOKEN, client.get("/help/").text)
                answer = client.post(
                    f"/lookback/{record}/files/front_photos",
                    data={"csrf_token": token, "key": str(key)},
                    files={"file": ("正面.jpg", photo)},
                )
            except (httpx.TransportError, AssertionError):
                time.sleep(0.1)
                continue
            assert answer.status_code == 200, answer.text[:400]
            had.add(key)
            break


@pytest.mark.one_database(turn=1)
def test_photos_cut_off_by_a_kill_are_there_once(serve: Callable[..., Any]) -> None:
    server = serve()
    with server.app.app_context():
        clerk = builders.account(builders.COUNTY_MANAGER)
        records = [builders.household()[1].id for _ in range(PHOTOS // 3)]
    keys = {uuid.uuid4(): records[n // 3] for n in range(PHOTOS)}
    had: set[uuid.UUID] = set()
    sender = threading.Thread(
        target=send_all, args=(signed_in(server.url, clerk.username), keys, had)
    )
    sender.start()
    for number in range(KILLS):
        while len(had) <= number * PHOTOS // (KILLS + 1):
            assert sender.is_alive(), "nobody sends any more"
            time.sleep(0.01)
        time.sleep(0.1)  # the next one is under way
        for worker in children(server.process.pid):
            kill(worker, signal.SIGKILL)
    sender.join(60)
    assert had == set(keys)
    with server.app.app_context(), unscoped("the test looks at all files") as session:
        files = session.scalars(select(Attachment)).all()
        assert sorted(str(file.sent_key) for file in files) == sorted(map(str, keys))
        for file in files:
            assert storage().size(file.key) == file.size
            assert storage().size(file.thumb_key) > 0
