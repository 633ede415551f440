"""What the worker holds after the jobs that once made it grow, one after the other.

``python -m bench.memory KIND [FILE]`` asks for one of them, in a process of the program.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine, select, text

from app import create_app
from app.access.account import Account
from app.access.policy import actor_of
from app.access.scope import acting_as, unscoped
from app.core.db import db, set_read_only
from app.core.jobs.table import Owner, enqueue
from app.core.transactions import transaction
from app.kernel.exchange import inbox
from bench.database import ROOT, environment
from bench.exports import province
from bench.imports import FIRST, ROWS, own_memory, workbook
from bench.measure import Result
from bench.servers import working

MOST = 150  # MB
LONGEST = 1800  # seconds
COUNTERS, EXPORT, IMPORT = "stats.snapshot", "ledger.export", "household.import"


def remembered(copy: str) -> Result:
    """On a copy of the database, whose import was measured before."""
    held: list[float] = []
    began = time.perf_counter()
    with (
        working(copy) as worker,
        create_engine(copy, poolclass=NullPool).connect() as connection,
    ):
        set_read_only(True)
        said = {
            COUNTERS: "",
            EXPORT: str(province(connection)[0]),
            IMPORT: str(workbook(copy, FIRST + ROWS)),
        }
        for kind, argument in said.items():
            command = [sys.executable, "-m", "bench.memory", kind, argument]
            subprocess.run(command, cwd=ROOT, env=environment(copy), check=True)
            _await(connection)
            held.append(own_memory(worker.pid))
        whole = int(_status(worker.pid).split("VmRSS:")[1].split()[0]) / 1024
    took = round((time.perf_counter() - began) * 1000)
    note = (
        "{:.0f}, {:.0f}, {:.0f} MB".format(*held)
        + f" (must: {MOST}{' !' if max(held) > MOST else ''}); {whole:.0f} MB with what is mapped"
    )
    return Result("worker after counters, export, import", took, took, None, None, None, None, note)


def _await(connection: Any) -> None:
    """Until no job waits or runs."""
    end = time.perf_counter() + LONGEST
    while time.perf_counter() < end:
        states = connection.execute(text("SELECT state, kind, message FROM job")).all()
        connection.rollback()
        failed = [job for job in states if job.state in ("failed", "cancelled")]
        if failed:
            raise RuntimeError(f"a job failed: {failed}")
        if all(job.state not in ("queued", "running") for job in states):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the jobs took more than {LONGEST} s")


def _status(process: int) -> str:
    return Path(f"/proc/{process}/status").read_text()


def main(kind: str, argument: str) -> None:
    with create_app().app_context():
        login = {COUNTERS: "nation", EXPORT: "nation", IMPORT: "county"}[kind]
        with unscoped("the accounts for measuring") as session:
            account = session.scalars(select(Account).where(Account.username == login)).one()
            actor = actor_of(session, account)
        args: dict[str, Any] = {}
        inputs = []
        if kind == EXPORT:
            args = {"register": "lookback", "args": {"region": [argument]}, "area": ""}
            args |= {"columns": None, "keys": None}
        if kind == IMPORT:
            args = {"dry_run": False, "whole": False}
            with Path(argument).open("rb") as stream:
                inputs = [inbox.keep(stream, Path(argument).name)]
        owner = None if kind == COUNTERS else Owner(actor.account_id, actor.name, actor.path)
        with acting_as(actor), transaction():
            enqueue(kind, args, owner=owner, inputs=inputs)
            db.session.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
