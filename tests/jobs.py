"""Background jobs, done at once."""

from __future__ import annotations

import threading

from flask import Flask

from app.core.db import db
from app.core.jobs import worker
from app.core.jobs.table import Job


def run(app: Flask, job: Job) -> Job:
    """Do a job that was queued and committed; it must end well. Gives it as it ended."""
    claimed = worker.claim(job.id)
    assert claimed is not None
    worker.run(app, claimed, threading.Event())
    done = db.session.get(Job, job.id, populate_existing=True)
    assert done is not None
    db.session.commit()
    assert done.result is not None, done.message
    return done
