"""gunicorn's settings: ``gunicorn -c tools/gunicorn.py``. Address and numbers come from config.py."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask import Flask  # noqa: E402

from config import load  # noqa: E402  (gunicorn takes the name config for a setting)

_settings = load()

chdir = str(ROOT)
wsgi_app = "app:create_app()"
bind = f"{_settings['HOST']}:{_settings['PORT']}"
worker_class = "gthread"
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
