"""What was acknowledged survives kill -9 of the web process; what was not left no half of itself. Once,
at any moment, with everything as it runs; at each moment that matters: test_killed_requests.
"""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from os import kill
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from app.access.audit.log import Act, AuditEntry
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders

_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
_VERSION = re.compile(r'name="version" value="(\d+)"')
SAVERS, KILLS = 4, 1


def signed_in(url: str, login: str) -> httpx.Client:
    client = httpx.Client(base_url=url, timeout=5)
    page = client.get("/login/")
    form = {
        "username": login,
        "password": builders.PASSWORD,
        "csrf_token": _field(_TOKEN, page.text),
    }
    assert client.post("/login/", data=form).status_code == 302
    return client


def _field(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    assert found, page[:500]
    return found[1]


def save_all(client: httpx.Client, keys: list[UUID], saved: dict[UUID, str]) -> None:
    """Save every record once with a name of its own; note only what the server acknowledged."""
    for key in keys:
        for _try in range(40):
            try:
                page = client.get(f"/lookback/{key}/edit")
                form = {
                    "csrf_token": _field(_TOKEN, page.text), "version": _field(_VERSION, page.text),
                    "died": "no", "surveyor": f"排查人{key.hex[:6]}", "intent": "save",
                }  # fmt: skip
                answer = client.post(f"/lookback/{key}/edit", data=form)
            except (httpx.TransportError, AssertionError):
                time.sleep(0.1)  # the server is gone for a moment: the clerk tries again
                continue
            assert answer.status_code == 302, answer.text[:800]
            saved[key] = form["surveyor"]
            break


def children(parent: int) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False, timeout=20
    )
    return [int(pid) for pid in found.stdout.split()]


@pytest.mark.one_database(turn=0)
def test_acknowledged_saves_survive_kill_of_the_worker(serve: Callable[..., Any]) -> None:
    server = serve()
    with server.app.app_context():
        clerk = builders.account(builders.COUNTY_MANAGER)
        keys = [builders.household()[1].id for _ in range(40)]
    saved: dict[UUID, str] = {}
    clients = [signed_in(server.url, clerk.username) for _ in range(SAVERS)]
    threads = [
        threading.Thread(target=save_all, args=(client, keys[n::SAVERS], saved))
        for n, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for number in range(KILLS):
        while len(saved) <= number * len(keys) // (KILLS + 1):
            assert any(thread.is_alive() for thread in threads), "nobody saves any more"
            time.sleep(0.01)  # some are saved, some are under way, some have not begun
        for worker in children(server.process.pid):
            kill(worker, signal.SIGKILL)
    for thread in threads:
        thread.join(60)
    assert len(saved) == len(keys)
    with server.app.app_context(), unscoped("the test looks at all records") as session:
        rows = {row.id: row for row in session.scalars(select(Lookback))}
        entries = dict(
            session.execute(
                select(AuditEntry.record_id, func.count()).where(
                    AuditEntry.record_id.in_(keys), AuditEntry.act != Act.VIEW
                ).group_by(AuditEntry.record_id)
            ).all()
        )  # fmt: skip
        for key, surveyor in saved.items():
            assert (rows[key].surveyor, rows[key].state) == (surveyor, State.DRAFT)
            assert entries[key] == rows[key].version - 1  # each change has its entry, none has two
        live, kept = (
            counters.live_counts(session, LOOKBACK),
            counters.kept_counts(session, LOOKBACK),
        )
        assert live == kept
