"""``tools/serve.py``, the supervisor of one machine, as a process whose parts are killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.running.programs import ROOT

#: Three are promised; a machine that does other work too may take longer.
SOON = 15.0


def until(happened: Callable[[], bool], seconds: float = SOON) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


def tree() -> dict[int, int]:
    """Process -> its parent; of processes that have not ended."""
    told = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    )
    lines = (line.split() for line in told.stdout.splitlines())
    return {int(pid): int(above) for pid, above, state in lines if state[0] != "Z"}


class Machine:
    """The supervisor with its port."""

    def __init__(self, environment: dict[str, str], port: int, told: Path) -> None:
        self.environment, self.port, self.told = environment, port, told
        self.start()

    def start(self) -> None:
        with self.told.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "tools/serve.py", "--no-demo"], cwd=ROOT, env=self.environment,
                start_new_session=True, stdout=out,
            )  # fmt: skip

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                return True
        except OSError:
            return False

    def below(self) -> set[int]:
        """All processes that it started, and theirs."""
        all_of_them, found = tree(), {self.process.pid}
        while more := {p for p, above in all_of_them.items() if above in found} - found:
            found |= more
        return found - {self.process.pid}

    def master(self) -> int:
        """Gunicorn's master, as the supervisor told last."""
        return int(
            re.findall(r"^web runs as process (\d+)$", self.told.read_text(), re.MULTILINE)[-1]
        )

    def workers(self) -> set[int]:
        """The processes that it started, which answer."""
        return {pid for pid, above in tree().items() if above == self.master()}


@pytest.fixture
def machine(databases: Databases, tmp_path: Path) -> Iterator[Machine]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = databases.copy("sqlite", f"served_{port}")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(
            "INSERT INTO region_seed VALUES ('', 0, '2026-01-01')"
        )  # the nation need not come
    running = Machine(
        os.environ | {
            "DATABASE_URL": url,
            "STORAGE_DIR": str(tmp_path), "SECRET_KEY": "only for tests",
            "HOST": "127.0.0.1", "PORT": str(port), "WEB_WORKERS": "1",
        },
        port, tmp_path / "told",
    )  # fmt: skip
    until(running.answers, 60)
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.process.wait(20)


def test_whatever_dies_the_service_is_back_and_nothing_runs_twice(machine: Machine) -> None:
    master = machine.master()
    (worker,) = machine.workers()
    os.kill(worker, signal.SIGKILL)
    until(lambda: len(machine.workers() - {worker}) == 1 and worker not in tree())
    until(machine.answers)
    assert machine.master() == master

    (worker,) = machine.workers()
    os.kill(master, signal.SIGKILL)
    until(lambda: machine.master() != master and len(machine.workers()) == 1 and machine.answers())
    assert not {master, worker} & set(tree())

    left = machine.below()
    machine.process.kill()
    machine.process.wait(20)
    until(lambda: not left & set(tree()))

    machine.start()
    until(machine.answers, 60)
    left = machine.below()
    machine.process.terminate()
    assert machine.process.wait(40) == 0
    until(lambda: not left & set(tree()))
