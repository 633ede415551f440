"""The loop that claims and runs jobs: ``flask jobs work``. Start as many as there is work for."""

from __future__ import annotations

import datetime as dt
import logging
import signal
import threading
import time
import uuid
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from flask.globals import app_ctx
from flask_babel import force_locale
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.db import db, read_only
from app.core.errors import AnjuError, TryAgain
from app.core.files.storage import StorageAway, is_away, is_full, storage
from app.core.i18n import mark, translate
from app.core.jobs.table import (
    KINDS,
    MAX_TRIES,
    Job,
    JobContext,
    JobInterrupted,
    JobOvertaken,
    JobState,
    enqueue_daily,
    worker_name,
)
from app.core.transactions import give_up, rest

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
HOUSEKEEPING_SECONDS = 600.0
_FULL = mark("服务器存储空间已满，请联系管理员清理空间；清理后自动继续。")


def work(app: Flask, *, once: bool = False, stopping: threading.Event | None = None) -> int:
    """Run jobs until told to stop, or with ``once`` until none waits; gives how many ran.

    ``JOB_STALE_SECONDS`` (15): a job whose heart has not beaten for so long is taken over.
    """
    stopping = stopping or threading.Event()
    ran, kept_house = 0, 0.0
    with app.app_context():
        while not stopping.is_set():
            try:
                if not once and time.monotonic() > kept_house:
                    kept_house = time.monotonic() + HOUSEKEEPING_SECONDS
                    enqueue_daily()
                    keep_house()
                job = claim()
            except (sa.exc.DBAPIError, sa.exc.TimeoutError):  # away, read-only, full
                log.exception("the database does not answer; trying again")
                job = None
            except (StorageAway, OSError):  # only the house is kept with it
                log.warning("the file store does not answer; house-keeping waits")
                continue
            if job is None:
                if once:
                    break
                stopping.wait(POLL_SECONDS)
                continue
            run(app, job, stopping)
            ran += 1
    return ran


def claim(only: uuid.UUID | None = None) -> JobContext | None:
    """Take the oldest job that waits, or whose worker died; ``only`` means that one job. What this program
    does not know, being of a module that it leaves out or of a later version, is left for one that does.

    Two workers never take the same.
    """
    stale = now() - dt.timedelta(seconds=_stale_seconds())
    left = sa.or_(
        Job.state == JobState.QUEUED,
        sa.and_(Job.state == JobState.RUNNING, Job.heartbeat < stale),
    )
    free = sa.and_(left, Job.kind.in_(KINDS))
    with read_only(), db.engine.connect() as connection:
        wanted = sa.and_(free, Job.id == only) if only else free
        waiting = connection.execute(
            sa.select(
                Job.id, Job.attempt, Job.tries, Job.started, Job.done, Job.total, Job.checkpoint
            )
            .where(wanted)
            .order_by(Job.created)
            .limit(8)
        ).all()
    for job_id, attempt, tries, started, done, total, checkpoint in waiting:
        taken: dict[str, Any] = {"heartbeat": now(), "attempt": attempt + 1, "tries": tries + 1}
        if tries >= MAX_TRIES:
            taken |= {
                "state": JobState.FAILED,
                "finished": now(),
                "message": _given_up(checkpoint, done, total),
            }
        else:
            taken |= {
                "state": JobState.RUNNING,
                "started": started or now(),
                "worker": worker_name(),
            }
        mine = sa.update(Job).where(Job.id == job_id, Job.attempt == attempt, free).values(**taken)
        with db.engine.begin() as connection:
            if not connection.execute(mine).rowcount or tries >= MAX_TRIES:
                continue
            row = (
                connection.execute(
                    sa.select(
                        Job.kind, Job.args, Job.account_id, Job.locale, Job.checkpoint, Job.files
                    ).where(Job.id == job_id)
                )
                .mappings()
                .one()
            )
        return JobContext(id=job_id, attempt=attempt + 1, **row)
    return None


def _given_up(checkpoint: Any, done: int, total: int) -> str:
    """What its account reads of a job that is tried no more: how far it came, and what there is of it."""
    if furthest := (checkpoint or {}).get("furthest"):
        text = mark(
            "多次中断，每次都要从头开始，已停止重试（最多处理到 %(done)s / %(total)s），没有生成文件。请缩小范围后重试，或联系管理员。"
        )
        return translate(text, done=f"{furthest:,}", total=f"{total:,}")
    text = mark("多次中断且没有进展，已停止重试（处理到 %(done)s / %(total)s）。请联系管理员。")
    return translate(text, done=f"{done:,}", total=f"{total:,}")


def run(app: Flask, job: JobContext, stopping: threading.Event) -> None:
    """Run one claimed job to its end, whatever that is."""
    job.stopping = stopping
    beating = threading.Event()
    heart = threading.Thread(target=_beat, args=(app, job, beating), daemon=True)
    heart.start()
    try:
        outcome = _outcome(app, job)
    finally:
        beating.set()
        heart.join()
    if outcome is not None:
        _tell(job, {**job.report, **outcome})


def _outcome(app: Flask, job: JobContext) -> dict[str, Any] | None:
    """What to write of a run that ended; None leaves the job to whoever finds it stale."""
    with app.app_context():
        with force_locale(job.locale):
            try:
                with read_only(), app.extensions["jobs"](job.account_id):
                    rest()  # who it is was read
                    result = KINDS[job.kind].run(job)
            except JobOvertaken:
                log.info("job %s was cancelled or taken over", job.id)
                return None
            except JobInterrupted:
                return {"state": JobState.QUEUED, "tries": _without_this()}
            except TryAgain as error:
                if isinstance(error.__cause__, IntegrityError):  # that it ends is not certain
                    log.exception("job %s met what came in elsewhere", job.id)
                    return {"state": JobState.QUEUED}
                return {"state": JobState.QUEUED, "tries": _without_this()}
            except StorageAway as error:
                return _later(job, error.message)
            except AnjuError as error:
                return _ended(JobState.FAILED, message=error.message)
            except sa.exc.OperationalError as error:
                log.exception("job %s lost its database in attempt %s", job.id, job.attempt)
                if is_full(error):
                    return _later(job, translate(_FULL))
                return _later(job, translate("数据库暂时无法访问，恢复后自动继续。"))
            except Exception as error:
                log.exception("job %s (%s) failed", job.id, job.kind)
                if is_full(error):
                    return _later(job, translate(_FULL))
                if is_away(error):
                    return _later(job, translate("系统暂时不能写入，恢复后自动继续。"))
                text = translate(
                    "程序出错，没有完成。请把编号 %(number)s 告诉管理员。", number=job.id
                )
                return _ended(JobState.FAILED, message=text)
            finally:
                give_up()
        return _ended(JobState.DONE, result=result or {}, message="")


def _tell(job: JobContext, values: dict[str, Any]) -> None:
    """Write how a run ended. While the database is away nobody can: whoever finds the job stale takes
    it up, and what it has done stands in its checkpoint.
    """
    try:
        _write(job, values)
    except (sa.exc.DBAPIError, sa.exc.TimeoutError):
        log.exception("job %s could not tell how it ended", job.id)


def _later(job: JobContext, why: str) -> dict[str, Any]:
    """What no job can help: it is taken up again when its heart is stale, however often."""
    log.warning("job %s waits: %s", job.id, why)
    return {"tries": _without_this(), "message": why, "heartbeat": now()}


def _without_this() -> Any:
    """SQL: the tries without the one that was cut off by what is no fault of the job."""
    return sa.case((Job.tries > 0, Job.tries - 1), else_=0)


def _ended(state: JobState, **values: Any) -> dict[str, Any]:
    return {"state": state, "finished": now(), **values}


def _beat(app: Flask, job: JobContext, done: threading.Event) -> None:
    """Tell the table once a second what changed, and at least thrice a stale time that we live."""
    with app.app_context():
        quiet = _stale_seconds() / 3
        told, last = job.report, time.monotonic()
        while not done.wait(min(1.0, quiet)):
            if job.report is told and time.monotonic() - last < quiet:
                continue
            told, last = job.report, time.monotonic()
            try:
                _write(job, {**told, "heartbeat": now()})
            except (sa.exc.DBAPIError, sa.exc.TimeoutError):
                log.warning("job %s could not tell that it lives", job.id)


def _write(job: JobContext, values: dict[str, Any]) -> None:
    with db.engine.begin() as connection:
        if not connection.execute(job.mine().values(**values)).rowcount:
            job.overtaken.set()


def _stale_seconds() -> float:
    return float(current_app.config.get("JOB_STALE_SECONDS", 15))


def keep_house() -> int:
    """Delete the files of expired jobs and what broken-off uploads left; gives how many jobs."""
    storage().sweep()
    old = sa.and_(Job.expires < now(), Job.state.not_in([JobState.QUEUED, JobState.RUNNING]))
    with read_only(), db.engine.connect() as connection:
        expired = connection.execute(
            sa.select(Job.id, Job.kind, Job.files).where(old).limit(500)
        ).all()
    for job_id, kind, files in expired:
        if kind in KINDS and (forget := KINDS[kind].forget):
            forget(job_id)
        for file in files:
            storage().delete(file["key"])
        with db.engine.begin() as connection:
            connection.execute(
                sa.update(Job).where(Job.id == job_id).values(files=[], expires=None)
            )
    return len(expired)


jobs_cli = AppGroup("jobs", help="Background jobs.")


@jobs_cli.command("work")
@click.option("--once", is_flag=True, help="Run what waits, then stop.")
@with_appcontext
def work_command(*, once: bool) -> None:
    """Claim and run jobs until SIGTERM; a running job is put back with its checkpoint."""
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    app = app_ctx.app
    ran = work(app, once=once, stopping=stopping)
    log.info("worker stops after %s jobs", ran)


@jobs_cli.command("tidy")
@with_appcontext
def tidy_command() -> None:
    """Delete the files of expired jobs now."""
    click.echo(keep_house())
