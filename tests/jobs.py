"""Background jobs, done at once."""

from __future__ import annotations

import threading

from flask import Flask
from sqlalchemy import select

from app.core.db import db
from app.core.jobs import worker
from app.core.jobs.table import Job, JobState


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


def run_waiting(app: Flask, kind: str) -> None:
    """Do all that are queued of a kind."""
    db.session.rollback()
    waiting = select(Job).where(Job.kind == kind, Job.state == JobState.QUEUED)
    found = db.session.scalars(waiting).all()
    db.session.expunge_all()
    db.session.rollback()
    for job in found:
        assert run(app, job).state == JobState.DONE
