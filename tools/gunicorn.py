"""gunicorn's settings: ``gunicorn -c tools/gunicorn.py``. Address and numbers come from config.py."""

from __future__ import annotations

import gc
import sys
import time
from multiprocessing import RawArray
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask import Flask  # noqa: E402
from gunicorn.workers.gthread import ThreadWorker  # noqa: E402

from config import load  # noqa: E402  (gunicorn takes the name config for a setting)

_NOBODY = -1
_PATIENCE, _PAUSE = 0.1, 0.002  # seconds that a connection may wait for a worker that holds fewer
_settings = load()

chdir = str(ROOT)
wsgi_app = "app:create_app()"
bind = f"{_settings['HOST']}:{_settings['PORT']}"
workers = _settings["WEB_WORKERS"]
threads = _settings["WEB_THREADS"]
timeout = 120  # an upload of 40 MiB over a slow line is read by the thread that answers it
graceful_timeout = 20
keepalive = 75
loglevel = "warning"
# Heartbeat files belong into memory: on a slow disk a heartbeat can block a worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

# Loaded once and shared by the workers: they start at once, and their memory is mostly one.
preload_app = True


#: How many connections each worker holds, in memory that all of them share; none where nobody works.
_held = RawArray("l", [_NOBODY] * max(64, 4 * workers))


class EvenWorker(ThreadWorker):
    """A worker with threads that takes a new connection only while no other one holds fewer: else
    whoever wakes first takes them all and keeps them, and its users wait for each other while
    another worker rests.
    """

    slot: int
    _passed_since: float | None = None

    @property
    def nr_conns(self) -> int:
        return int(_held[self.slot])

    @nr_conns.setter
    def nr_conns(self, number: int) -> None:
        if hasattr(self, "slot"):
            _held[self.slot] = number

    def accept(self, listener: Any) -> None:
        if self.nr_conns > min(held for held in _held if held != _NOBODY):
            self._passed_since = self._passed_since or time.monotonic()
            if time.monotonic() - self._passed_since < _PATIENCE:
                time.sleep(_PAUSE)
                return
        self._passed_since = None
        super().accept(listener)


worker_class = EvenWorker


def pre_fork(server: Any, worker: EvenWorker) -> None:
    taken = {other.slot for other in server.WORKERS.values()}
    worker.slot = next(slot for slot in range(len(_held)) if slot not in taken)
    _held[worker.slot] = 0


def child_exit(server: Any, worker: EvenWorker) -> None:
    _held[worker.slot] = _NOBODY


def when_ready(server: Any) -> None:
    """What is loaded stays: the garbage collector of a worker need never look at it again."""
    gc.collect()
    gc.freeze()
    # A page makes some 20,000 objects and drops nearly all: looking after every 700 finds nothing.
    gc.set_threshold(20_000, 20, 50)


def post_fork(server: Any, worker: Any) -> None:
    """No two processes share a database connection, and threads do not push each other aside: a
    page is some five milliseconds of work, which is how often Python would change threads.
    """
    sys.setswitchinterval(0.05)
    application = server.app.wsgi()
    if isinstance(application, Flask):
        with application.app_context():
            application.extensions["sqlalchemy"].engine.dispose(close=False)
