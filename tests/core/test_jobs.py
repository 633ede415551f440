"""Jobs end once, whatever happens to their workers. On both databases."""

from __future__ import annotations

import datetime as dt
import io
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import now, uuid7
from app.core.db import db, read_only
from app.core.errors import Forbidden, NotFound
from app.core.jobs import table as jobs
from app.core.jobs import worker
from app.core.jobs.table import Job, JobContext, JobState, Owner, enqueue
from app.core.transactions import transaction
from tests.core import jobs_app
from tests.core.jobs_app import make_app, steps
from tests.running import programs

CLERK = Owner(uuid7(), "蓝田县住建局", "0.0r.01.05.")


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, str(tmp_path / "files"))
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


def add(kind: str = "test.count", **args: Any) -> uuid.UUID:
    job = enqueue(kind, args, owner=CLERK, subject="名单.xlsx")
    db.session.commit()
    return job.id


def write_late(job: JobContext) -> None:
    with transaction():
        db.session.execute(sa.insert(steps), [{"n": 99, "run": 1}])
        job.save({"next": 99})


def seen(job_id: uuid.UUID) -> Job:
    with read_only():
        job = db.session.get(Job, job_id, populate_existing=True)
        assert job is not None
        db.session.expunge(job)
        db.session.rollback()
    return job


def numbers() -> list[int]:
    with read_only(), db.engine.connect() as connection:
        return list(connection.scalars(sa.select(steps.c.n).order_by(steps.c.n)))


def wait_for(condition: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)


def test_a_job_runs_once_and_tells_its_result(app: Flask) -> None:
    job_id = add(total=100)
    waiting = seen(job_id)
    assert (waiting.state, waiting.percent, waiting.title) == (
        JobState.QUEUED,
        0,
        "Count 名单.xlsx",
    )
    assert jobs.queue_state()["queued"] == 1
    db.session.rollback()
    assert worker.work(app, once=True) == 1
    done = seen(job_id)
    assert (done.state, done.percent, done.result) == (
        JobState.DONE, 100, {"total": 100, "attempt": 1},
    )  # fmt: skip
    assert done.started
    assert done.finished
    assert done.account_id == CLERK.account_id
    assert numbers() == list(range(100))
    assert worker.work(app, once=True) == 0


def test_a_job_exists_only_with_its_cause(app: Flask) -> None:
    enqueue("test.count", {"total": 1}, owner=CLERK)
    db.session.rollback()
    assert worker.work(app, once=True) == 0
    with pytest.raises(ValueError, match="no job"):
        enqueue("test.unknown", {}, owner=CLERK)


def test_two_workers_never_take_the_same_job(app: Flask) -> None:
    wanted = {add(total=0) for _ in range(20)}
    taken: list[uuid.UUID] = []

    def grab() -> None:
        with app.app_context():
            while job := worker.claim():
                taken.append(job.id)

    threads = [threading.Thread(target=grab) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(taken) == 20
    assert set(taken) == wanted


@pytest.fixture
def start(app: Flask, database_url: str, tmp_path: Path) -> Callable[[], BaseProcess]:
    """Start a process that works."""
    arguments = (database_url, app.config["STORAGE_DIR"])
    return lambda: programs.start(jobs_app.main, os.environ, tmp_path / "log", *arguments)


def test_kill_9_in_the_middle_loses_and_doubles_nothing(start: Callable[[], BaseProcess]) -> None:
    job_id = add(total=400, pause=0.05)
    first = start()
    wait_for(lambda: len(numbers()) >= 100)
    first.kill()
    first.join(20)
    broken = seen(job_id)
    assert broken.state == JobState.RUNNING
    assert len(numbers()) < 400
    second = start()
    wait_for(lambda: seen(job_id).state == JobState.DONE)
    second.terminate()
    second.join(20)
    assert second.exitcode == 0
    assert numbers() == list(range(400))
    runs = set(db.session.scalars(sa.select(steps.c.run)))
    assert runs == {1, 2}
    assert seen(job_id).result == {"total": 400, "attempt": 2}


def test_sigterm_puts_the_job_back(app: Flask, start: Callable[[], BaseProcess]) -> None:
    job_id = add(total=400, pause=0.05)
    process = start()
    wait_for(lambda: len(numbers()) >= 50)
    process.terminate()
    process.join(20)
    assert process.exitcode == 0
    job = seen(job_id)
    assert (job.state, job.attempt, job.tries) == (JobState.QUEUED, 1, 0)
    assert job.checkpoint == {"next": len(numbers())}
    db.session.execute(sa.update(Job).values(args={"total": 400}))
    db.session.commit()
    worker.work(app, once=True)
    assert seen(job_id).state == JobState.DONE
    assert numbers() == list(range(400))


def make_stale(job_id: uuid.UUID, **values: Any) -> None:
    old = now() - dt.timedelta(minutes=1)
    db.session.execute(sa.update(Job).where(Job.id == job_id).values(heartbeat=old, **values))
    db.session.commit()


def test_a_run_that_was_overtaken_writes_nothing_more(app: Flask) -> None:
    job_id = add(total=10)
    slow = worker.claim()
    assert slow is not None
    assert worker.claim() is None  # its heart beats
    make_stale(job_id)
    assert worker.work(app, once=True) == 1
    with pytest.raises(jobs.JobOvertaken):
        write_late(slow)
    with pytest.raises(jobs.JobOvertaken):
        slow.attach(io.BytesIO(b"late"), "late.xlsx", "x")
    worker.run(app, slow, threading.Event())
    assert numbers() == list(range(10))
    assert seen(job_id).state == JobState.DONE


def test_five_deaths_are_enough(app: Flask) -> None:
    job_id = add(total=10)
    make_stale(job_id, state=JobState.RUNNING, attempt=7, tries=5, done=120, total=1000)
    assert worker.claim() is None
    job = seen(job_id)
    assert job.state == JobState.FAILED
    assert job.message == "多次中断且没有进展，已停止重试（处理到 120 / 1,000）。请联系管理员。"


def test_a_job_that_gets_on_is_taken_up_however_often_it_dies(app: Flask) -> None:
    job_id = add(total=200)
    for n in range(20):
        job = worker.claim()
        assert job is not None
        assert job.attempt == n + 1
        with transaction():  # ten numbers and their checkpoint, then it is killed
            start = (job.checkpoint or {"next": 0})["next"]
            rows = [{"n": k, "run": job.attempt} for k in range(start, start + 10)]
            db.session.execute(sa.insert(steps), rows)
            job.save({"next": start + 10})
        make_stale(job_id)
    assert worker.work(app, once=True) == 1
    assert seen(job_id).state == JobState.DONE
    assert numbers() == list(range(200))


def test_a_job_that_begins_anew_is_taken_up_while_it_comes_further(app: Flask) -> None:
    """It is killed ten times, each time later; then at one place again and again."""
    job_id = add(total=1000)
    for n in (*range(1, 11), *[10] * jobs.MAX_TRIES):
        job = worker.claim()
        assert job is not None, n
        for done in range(0, n * 50 + 1, 50):
            job.further(done, 1000)
        worker._write(job, job.report)  # the heart beats, and it is killed
        make_stale(job_id)
    assert worker.claim() is None
    job = seen(job_id)
    assert (job.state, job.attempt, job.checkpoint) == (JobState.FAILED, 16, {"furthest": 500})
    assert job.message.startswith(
        "多次中断，每次都要从头开始，已停止重试（最多处理到 500 / 1,000），没有生成文件。"
    )


def test_a_lost_database_is_tried_again(app: Flask) -> None:
    job_id = add("test.fail", how="database")
    worker.work(app, once=True)
    assert seen(job_id).state == JobState.RUNNING
    for n in range(2, 9):
        make_stale(job_id)
        worker.work(app, once=True)
        job = seen(job_id)
        assert (job.attempt, job.tries, job.state) == (n, 0, JobState.RUNNING)
    assert numbers() == []


def test_a_job_that_this_program_does_not_know_is_left_for_one_that_does(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a module that is left out, or of the version that is about to be deployed; others go on."""
    foreign, known = add(total=3), add("test.fail", how="message")
    with monkeypatch.context() as without:
        without.delitem(jobs.KINDS, "test.count")
        assert worker.work(app, once=True) == 1
        job = seen(foreign)
        assert (job.state, job.attempt, job.started) == (JobState.QUEUED, 0, None)
        assert job.title == "test.count 名单.xlsx"
        assert worker.claim(foreign) is None
    assert seen(known).state == JobState.FAILED
    assert numbers() == []
    assert worker.work(app, once=True) == 1
    assert seen(foreign).state == JobState.DONE
    assert numbers() == list(range(10))


@pytest.mark.parametrize(
    ("how", "words"),
    [("message", "户主姓名"), ("bug", "管理员"), ("beside", "管理员"), ("meanwhile", "多次中断")],
)
def test_a_failure_says_why_and_writes_nothing(app: Flask, how: str, words: str) -> None:
    job_id = add("test.fail", how=how)
    worker.work(app, once=True)
    job = seen(job_id)
    assert job.state == JobState.FAILED
    assert words in job.message
    assert job.finished is not None
    assert numbers() == []


def test_a_cancelled_job_stops_and_keeps_what_it_committed(app: Flask) -> None:
    job_id = add(total=4000, pause=0.05)
    thread = threading.Thread(target=worker.work, args=(app,), kwargs={"once": True})
    thread.start()
    wait_for(lambda: len(numbers()) >= 20)
    db.session.rollback()
    assert jobs.cancel(job_id)
    db.session.commit()
    thread.join(20)
    assert not thread.is_alive()
    job = seen(job_id)
    assert job.state == JobState.CANCELLED
    assert job.checkpoint == {"next": len(numbers())}
    assert not jobs.cancel(job_id)


def test_progress_shows_while_it_runs(app: Flask) -> None:
    job_id = add(total=60, pause=0.4)
    thread = threading.Thread(target=worker.work, args=(app,), kwargs={"once": True})
    thread.start()
    wait_for(lambda: 0 < seen(job_id).percent < 100)
    thread.join(60)
    assert seen(job_id).percent == 100


def test_a_job_runs_as_its_account_or_not_at_all(app: Flask) -> None:
    asked: list[uuid.UUID | None] = []

    @contextmanager
    def run_as(account_id: uuid.UUID | None) -> Iterator[None]:
        asked.append(account_id)
        if len(asked) > 1:
            raise Forbidden("账号已注销。")
        yield

    jobs.init_jobs(app, run_as)
    first, second = add(total=10), add(total=10)
    worker.work(app, once=True)
    assert asked == [CLERK.account_id] * 2
    assert seen(first).state == JobState.DONE
    refused = seen(second)
    assert (refused.state, refused.message) == (JobState.FAILED, "账号已注销。")


def test_files_belong_to_the_job_and_expire_with_it(app: Flask) -> None:
    store = jobs.storage()
    given = {"key": store.put(io.BytesIO(b"in"), "xlsx"), "name": "名单.xlsx", "media_type": "x"}
    job = enqueue("test.count", {"total": 0}, owner=CLERK, inputs=[given])
    db.session.commit()
    running = worker.claim()
    assert running is not None
    assert running.input().read() == b"in"
    old = running.attach(io.BytesIO(b"first"), "结果.xlsx", "x")
    new = running.attach(io.BytesIO(b"second"), "结果.xlsx", "x")
    assert [file["key"] for file in seen(job.id).files_of("result")] == [new]
    assert store.open(new).read() == b"second"
    with pytest.raises(NotFound):
        store.open(old)
    db.session.execute(sa.update(Job).values(expires=now() - dt.timedelta(1)))
    db.session.commit()
    assert worker.keep_house() == 0  # it still runs
    worker.run(app, running, threading.Event())
    assert worker.keep_house() == 1
    assert seen(job.id).files == []
    assert list(Path(app.config["STORAGE_DIR"]).rglob("*.xlsx")) == []
