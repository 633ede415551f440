"""Sessions that post what is refused keep nobody waiting: not for the write lock of SQLite, and not
for a lock of ours that is held meanwhile.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests import builders
from tests.faults.test_kill_in_save import _TOKEN, _VERSION, _field, signed_in

SESSIONS, SECONDS = 8, 4.0
#: What a request may take while the others post: the lock is waited for up to 20 s.
PATIENCE = 10.0


@dataclass
class Clerk:
    """One session, and what came of its posts."""

    client: httpx.Client
    record: uuid.UUID
    foreign: uuid.UUID
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    slowest: float = 0.0
    version: int = 0
    form: dict[str, str] = field(default_factory=dict)

    def post(self, what: str, url: str, data: dict[str, str]) -> None:
        begun = time.monotonic()
        answer = self.client.post(url, data=data)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.answers[what, answer.status_code] += 1

    def begin(self) -> None:
        """The form, once: what is posted after it counts its versions on."""
        page = self.client.get(f"/lookback/{self.record}/edit").text
        self.version = int(_field(_VERSION, page))
        self.form = {"csrf_token": _field(_TOKEN, page), "died": "no", "intent": "save"}

    def save(self) -> None:
        """One form that is right, one that is not."""
        edit, form = f"/lookback/{self.record}/edit", self.form | {"version": str(self.version)}
        self.post("right", edit, form | {"surveyor": uuid.uuid4().hex[:6]})
        self.version += 1
        self.post("wrong", edit, self.form | {"version": str(self.version), "surveyor": "长" * 201})

    def refused(self) -> None:
        """Two that are refused before anybody looks at the form."""
        form = self.form | {"version": "1"}
        self.post("elsewhere", f"/lookback/{self.foreign}/edit", form)
        self.post("no token", f"/lookback/{self.record}/edit", form | {"csrf_token": "no"})


def repeat(act: Callable[[], None], until: float) -> None:
    while time.monotonic() < until:
        act()


def test_eight_sessions_of_good_and_bad_posts_never_wait_long(serve: Callable[..., Any]) -> None:
    server = serve()
    with server.app.app_context():
        login = builders.account(builders.COUNTY_MANAGER).username
        foreign = builders.household(builders.region(builders.NEXT_COUNTY))[1].id
        keys = [builders.household()[1].id for _ in range(SESSIONS)]
    clerks = [Clerk(signed_in(server.url, login), key, foreign) for key in keys]
    for clerk in clerks:
        clerk.client.timeout = httpx.Timeout(60)
        clerk.begin()
    acts = [clerk.save if n % 2 else clerk.refused for n, clerk in enumerate(clerks)]
    until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=repeat, args=(act, until)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    answers: Counter[tuple[str, int]] = sum((c.answers for c in clerks), Counter())
    asked = {"right": 302, "wrong": 422, "no token": 400, "elsewhere": 404}
    assert set(answers) == set(asked.items()), answers
    assert max(clerk.slowest for clerk in clerks) < PATIENCE
    assert all(sum(clerk.answers.values()) >= 2 for clerk in clerks)
