"""Several at the same moment: each in a thread of its own, started together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask

from app.access.actor import Actor
from app.access.scope import acting_as
from app.core.db import db


def at_once(app: Flask, *works: Callable[[], Any]) -> list[Any]:
    """What each gave, or its error: the test looks at what it is."""
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        with app.app_context():
            ready.wait(20)
            try:
                return work()
            except Exception as error:  # noqa: BLE001 (whatever it is, the test must tell)
                db.session.rollback()
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def acting(who: Actor, work: Callable[[], Any]) -> Callable[[], Any]:
    """The work, done as that actor."""

    def run() -> Any:
        with acting_as(who):
            return work()

    return run
