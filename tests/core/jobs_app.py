"""A bare application with two kinds of job, run by the tests and by the workers that they kill."""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import nullcontext
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_babel import Babel

from app.core.db import db
from app.core.errors import BadInput
from app.core.files.storage import init_storage, storage
from app.core.jobs.table import KINDS, Job, JobContext, init_jobs, job_kind
from app.core.jobs.worker import work
from app.core.transactions import transaction

HOW = {
    "message": BadInput("第3列缺少“户主姓名”。"),
    "database": sa.exc.OperationalError("select", {}, Exception("gone")),
    "meanwhile": sa.exc.IntegrityError("insert", {}, Exception("it is there already")),
    "bug": ZeroDivisionError(),
}
steps = sa.Table(
    "job_step", sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("run", sa.Integer)
)

if "test.count" not in KINDS:

    @job_kind("test.count", title="Count")
    def count(job: JobContext) -> dict[str, Any]:
        """Write the numbers 0 … total-1, ten a transaction."""
        total, start = job.args["total"], (job.checkpoint or {"next": 0})["next"]
        for first in range(start, total, 10):
            rows = [{"n": n, "run": job.attempt} for n in range(first, first + 10)]
            with transaction():
                db.session.execute(sa.insert(steps), rows)
                job.save({"next": first + 10})
            job.progress(first + 10, total, f"{first + 10}")
            time.sleep(job.args.get("pause", 0))
        return {"total": total, "attempt": job.attempt}

    @job_kind("test.fail", title="Fail")
    def fail(job: JobContext) -> None:
        """End badly, as the argument says; "beside" writes outside a transaction."""
        with nullcontext() if job.args["how"] == "beside" else transaction():
            db.session.execute(sa.insert(steps), [{"n": -1, "run": job.attempt}])
            raise HOW[job.args["how"]]


def make_app(url: str, folder: str, **config: Any) -> Flask:
    app = Flask("jobs_app")
    app.config.update(
        SQLALCHEMY_DATABASE_URI=url, STORAGE_DIR=folder, JOB_STALE_SECONDS=2.0, **config
    )
    db.init_app(app)
    Babel(app, default_locale="zh")
    init_storage(app)
    init_jobs(app)
    with app.app_context():
        storage().prepare()
        Job.__table__.create(db.engine, checkfirst=True)
        steps.create(db.engine, checkfirst=True)
    return app


def main() -> None:
    """A process that works on what DATABASE_URL and FOLDER, its arguments, hold until it is stopped."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    work(make_app(sys.argv[1], sys.argv[2]), stopping=stop)
