"""Background jobs that survive kill -9. The table ``job`` is the only truth.

A worker claims a job by a compare-and-set, beats its heart while it runs, and stores a checkpoint
in the same transaction as the work that it stands for. A job whose heart stopped is claimed again
and goes on from there, however often, as long as ``MAX_TRIES`` attempts in a row do not end before
the next checkpoint. Every write of a run names its attempt: a run that was overtaken changes nothing
any more. Why no queue library: docs/adr/ (jobs in a table).

    @job_kind("household.import", title="导入农户名单")
    def import_households(job: JobContext) -> dict: ...

    with transaction():          # the job exists when its cause exists
        enqueue("household.import", {"mode": "rows"}, owner=Owner(...), inputs=[...])

A run begins reading, as a request does; each batch of what it writes is one ``transaction()``, with
the checkpoint that stands for it.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import sqlalchemy as sa
from flask import Flask, has_request_context
from flask_babel import get_locale
from sqlalchemy import JSON, BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.choices import Choices
from app.core.clock import now, today, uuid7
from app.core.db import Model, db, read_only
from app.core.files.storage import discard, new_key, storage
from app.core.i18n import translate
from app.core.transactions import transaction
from app.core.types import CodeType, NfcText, PathType, UtcDateTime, UuidType

log = logging.getLogger(__name__)

#: So many attempts of which none reached a checkpoint end a job.
MAX_TRIES = 5
KEPT_DAYS = 7


class JobState(Choices):
    """Where a job stands."""

    QUEUED = "queued", "排队中"
    RUNNING = "running", "进行中"
    DONE = "done", "已完成"
    FAILED = "failed", "失败"
    CANCELLED = "cancelled", "已取消"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


class Job(Model):
    """One piece of background work, shown to its account under 导入导出记录.

    ``files`` lists ``{"role": "input" | "result", "key", "name", "media_type"}``; they are deleted
    from the store when the job expires. ``checkpoint`` and ``result`` belong to the kind.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_claim", "state", "created"),
        Index("ix_job_owner", "account_id", "created"),
        Index("ix_job_expires", "expires"),
    )

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    kind: Mapped[str] = mapped_column(String(64), nullable=False)
    subject: Mapped[str] = mapped_column(NfcText(200), nullable=False, default="")
    args: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    account_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    account_name: Mapped[str | None] = mapped_column(NfcText(128))
    path: Mapped[str | None] = mapped_column(PathType)
    locale: Mapped[str] = mapped_column(String(8), nullable=False, default="zh")

    state: Mapped[JobState] = mapped_column(
        CodeType(JobState), nullable=False, default=JobState.QUEUED
    )
    done: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0)
    total: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0)
    message: Mapped[str] = mapped_column(Text, nullable=False, default="")
    heartbeat: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    worker: Mapped[str | None] = mapped_column(String(128))
    attempt: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    #: Attempts since the last checkpoint, but those that the job was not to blame for.
    tries: Mapped[int] = mapped_column(
        Integer, nullable=False, default=0, server_default=sa.text("0")
    )
    checkpoint: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    files: Mapped[list[dict[str, str]]] = mapped_column(JSON, nullable=False, default=list)

    created: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    started: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    finished: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    expires: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    @property
    def title(self) -> str:
        """What the job does, in the reader's language, with what it does it to."""
        known = KINDS.get(self.kind)
        text = translate(known.title) if known else self.kind
        return f"{text} {self.subject}".strip()

    @property
    def percent(self) -> int:
        """0–100; 100 only when it is done."""
        if self.state == JobState.DONE:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0

    def files_of(self, role: str) -> list[dict[str, str]]:
        """The files of one role, ``input`` or ``result``."""
        return [file for file in self.files if file["role"] == role]


@dataclass(frozen=True)
class Owner:
    """Who asked: the job runs with the rights that this account has then, not now."""

    account_id: uuid.UUID
    name: str
    path: str


@dataclass(frozen=True)
class Kind:
    """One registered kind of job: its Chinese title, the function that does it, and the one that
    drops what it kept beside its files when it expires.
    """

    title: str
    run: Callable[[JobContext], dict[str, Any] | None]
    forget: Callable[[uuid.UUID], None] | None = None


KINDS: dict[str, Kind] = {}
_DAILY: list[str] = []
_ONCE: list[str] = []
_DAILY_KEYS = uuid.UUID("6f0d3d0e-5b0c-4c0e-9d55-8c2f6c1a7e11")


def job_kind(
    name: str, *, title: str, forget: Callable[[uuid.UUID], None] | None = None
) -> Callable[[Any], Any]:
    """Register the function that runs jobs of kind ``name``.

    It must be able to start again from its last checkpoint at any moment. What it returns is kept
    as the job's result; an AnjuError that it raises is the message that the account reads.
    """

    def keep(run: Callable[[JobContext], dict[str, Any] | None]) -> Any:
        if name in KINDS:
            raise ValueError(f"two jobs are called {name!r}")
        KINDS[name] = Kind(title, run, forget)
        return run

    return keep


def daily_job(name: str, *, title: str) -> Callable[[Any], Any]:
    """Register a kind that the worker adds by itself once a day of China, as the system."""
    _DAILY.append(name)
    return job_kind(name, title=title)


def once_job(name: str, *, title: str) -> Callable[[Any], Any]:
    """Register a kind that the deploy step adds once in a database's life, as the system: it gives
    what is already there what new records get by themselves. A deploy adds it again while it fails.
    """
    _ONCE.append(name)
    return job_kind(name, title=title)


def enqueue_daily() -> int:
    """Add today's daily jobs that are not there yet; gives how many. Many may call it at once."""
    expires = now() + dt.timedelta(days=KEPT_DAYS)
    return sum(_add_once(kind, f"{kind} {today()}", expires=expires) for kind in _DAILY)


def enqueue_once(*, done: bool = False) -> int:
    """Add the jobs of :func:`once_job` that this database has not seen done; gives how many. A new
    database, which holds nothing yet, has them all ``done``.
    """
    state = JobState.DONE if done else JobState.QUEUED
    failed = sa.and_(Job.kind.in_(_ONCE), Job.state.in_([JobState.FAILED, JobState.CANCELLED]))
    with db.engine.begin() as connection:
        again = sa.update(Job).where(failed).values(state=JobState.QUEUED, attempt=0, finished=None)
        repeated = connection.execute(again).rowcount
    return repeated + sum(_add_once(kind, kind, state=state) for kind in _ONCE)


def _add_once(kind: str, what: str, **values: Any) -> bool:
    """Add a job of the system unless one of the same meaning was ever added."""
    key = uuid.uuid5(_DAILY_KEYS, what)
    with read_only(), db.engine.connect() as connection:
        if connection.scalar(sa.select(Job.id).where(Job.id == key)) is not None:
            return False
    try:
        with db.engine.begin() as connection:
            connection.execute(sa.insert(Job).values(id=key, kind=kind, **values))
    except sa.exc.IntegrityError:
        return False  # another one was faster
    return True


def enqueue(
    kind: str,
    args: dict[str, Any],
    *,
    owner: Owner | None,
    subject: str = "",
    inputs: list[dict[str, str]] | None = None,
) -> Job:
    """Add a job; it exists with the transaction that it is part of.

    ``inputs`` are stored files ``{"key", "name", "media_type"}`` that the job reads and that go
    when it expires. ``owner`` None is the system itself.
    """
    if kind not in KINDS:
        raise ValueError(f"no job is called {kind!r}")
    job = Job(
        id=uuid7(),
        kind=kind,
        subject=subject,
        args=args,
        account_id=owner.account_id if owner else None,
        account_name=owner.name if owner else None,
        path=owner.path if owner else None,
        locale=str(get_locale() or "zh")[:2] if has_request_context() else "zh",
        files=[{"role": "input", **file} for file in inputs or []],
        expires=now() + dt.timedelta(days=KEPT_DAYS),
    )
    db.session.add(job)
    return job


def cancel(job_id: uuid.UUID) -> bool:
    """Ask an open job to stop. What it has done so far stays."""
    stop = (
        sa.update(Job)
        .where(Job.id == job_id, Job.state.in_(OPEN_STATES))
        .values(state=JobState.CANCELLED, finished=now(), message="")
    )
    return bool(db.session.execute(stop).rowcount)


def cancel_all(account_id: uuid.UUID, message: str) -> int:
    """Ask every open job of an account to stop. Gives how many."""
    stop = (
        sa.update(Job)
        .where(Job.account_id == account_id, Job.state.in_(OPEN_STATES))
        .values(state=JobState.CANCELLED, finished=now(), message=message)
    )
    return int(db.session.execute(stop).rowcount)


class JobStopped(BaseException):
    """Ends a run at once, nothing more is written. No Exception, so that no kind catches it."""


class JobOvertaken(JobStopped):
    """The job was cancelled, or another worker took it over."""


class JobInterrupted(JobStopped):
    """The worker shuts down: the job goes back to the queue, its checkpoint kept."""


@dataclass
class JobContext:
    """What a running job may do.

    What it reads is read without a lock (:func:`app.core.transactions.rest` before anything slow);
    what it writes it writes in a :func:`app.core.transactions.transaction`, on SQLite with the one
    write lock.
    """

    id: uuid.UUID
    kind: str
    args: dict[str, Any]
    account_id: uuid.UUID | None
    locale: str
    attempt: int
    checkpoint: dict[str, Any] | None
    files: list[dict[str, str]]
    stopping: threading.Event = field(default_factory=threading.Event)
    overtaken: threading.Event = field(default_factory=threading.Event)
    report: dict[str, Any] = field(default_factory=dict)
    _advance: dict[str, Any] = field(default_factory=dict)

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Tell how far it is; cheap, call it often. It is also where a run is stopped."""
        if self.overtaken.is_set():
            raise JobOvertaken
        if self.stopping.is_set():
            raise JobInterrupted
        self.report = {"done": done, "total": total, "message": message}

    def further(self, done: int, total: int) -> None:
        """:meth:`progress` of a run that begins anew in each attempt, as one that writes a workbook
        does. To come further than all attempts before is progress too: as long as one does, the job
        is not given up.
        """
        self.progress(done, total)
        if done > (self.checkpoint or {}).get("furthest", 0) + total // 100:
            self.checkpoint = {"furthest": done}
            self._advance = {"checkpoint": self.checkpoint, "tries": 0}
        self.report |= self._advance

    def save(self, checkpoint: dict[str, Any]) -> None:
        """The checkpoint that stands for what the transaction did so far."""
        self._write(checkpoint=checkpoint, tries=0)
        self.checkpoint = checkpoint

    def _write(self, **values: Any) -> None:
        if not db.session.execute(self.mine().values(**values)).rowcount:
            raise JobOvertaken

    def input(self, number: int = 0) -> BinaryIO:
        """One of the files the job was given, open for reading."""
        given = [file for file in self.files if file["role"] == "input"]
        return storage().open(given[number]["key"])

    def attach(self, stream: BinaryIO, name: str, media_type: str) -> str:
        """Store a result file; one of the same name (from an earlier attempt) is replaced.

        A transaction of its own: the key is written down before the file, so that a kill between
        leaves no orphan.
        """
        key = new_key(name.rpartition(".")[2].lower())
        old = [f for f in self.files if f["role"] == "result" and f["name"] == name]
        files = [f for f in self.files if f not in old]
        files.append({"role": "result", "key": key, "name": name, "media_type": media_type})
        with transaction():
            self._write(files=files)
        self.files = files
        storage().put(stream, key.rpartition(".")[2], key)
        for file in old:
            discard(file["key"])
        return key

    def mine(self) -> sa.Update:
        """UPDATE of the job's row that hits nothing once this run was overtaken."""
        return sa.update(Job).where(
            Job.id == self.id, Job.attempt == self.attempt, Job.state == JobState.RUNNING
        )


def init_jobs(
    app: Flask, run_as: Callable[[uuid.UUID | None], AbstractContextManager[Any]] | None = None
) -> None:
    """Give ``app`` its jobs. ``run_as(account_id)`` makes the account the actor of a run and
    raises an AnjuError when the account is gone or closed; None is the system.
    """
    app.extensions["jobs"] = run_as or (lambda _account_id: nullcontext())


def queue_state() -> dict[str, Any]:
    """For /health: how many wait and run, and for how long the oldest has waited (seconds)."""
    found = db.session.execute(
        sa.select(Job.state, sa.func.count(), sa.func.min(Job.created))
        .where(Job.state.in_(OPEN_STATES))
        .group_by(Job.state)
    ).all()
    state: dict[str, Any] = {"queued": 0, "running": 0, "oldest_queued_seconds": 0}
    for name, count, oldest in found:
        state[str(name)] = count
        if name == JobState.QUEUED:
            state["oldest_queued_seconds"] = max(0, int((now() - oldest).total_seconds()))
    return state


def worker_name() -> str:
    """Which process runs a job, for people who look after the machines."""
    return f"{socket.gethostname()[:80]}:{os.getpid()}:{threading.get_ident()}"
