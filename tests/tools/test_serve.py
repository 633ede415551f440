"""``tools/serve.py``, the supervisor of one machine, as a process whose parts are killed."""

from __future__ import annotations

import os
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


def tree() -> dict[int, tuple[int, str]]:
    """Process -> its parent, its command; of processes that have not ended."""
    told = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    lines = (line.split(None, 3) for line in told.stdout.splitlines())
    return {int(pid): (int(above), said) for pid, above, state, said in lines if state[0] != "Z"}


class Machine:
    """The supervisor with its port."""

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.environment, self.port = environment, port
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "tools/serve.py", "--no-demo"], cwd=ROOT, env=self.environment,
            start_new_session=True,
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
        while more := {p for p, (above, _) in all_of_them.items() if above in found} - found:
            found |= more
        return found - {self.process.pid}

    def listening(self) -> set[int]:
        """The processes that hold the port: gunicorn's master, and its workers."""
        inodes = {
            line.split()[9]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[1].endswith(f":{self.port:04X}") and line.split()[3] == "0A"
        }
        return {pid for pid in self.below() if inodes & set(sockets_of(pid))}

    def master(self) -> int:
        """The one whose parent does not listen."""
        held, all_of_them = self.listening(), tree()
        (found,) = {pid for pid in held if all_of_them[pid][0] not in held}
        return found


def sockets_of(pid: int) -> Iterator[str]:
    """The inodes of its sockets."""
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            yield str(entry.readlink()).removeprefix("socket:[").removesuffix("]")
    except OSError:
        return  # it ended meanwhile


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
        port,
    )  # fmt: skip
    until(running.answers, 60)
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.process.wait(20)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find who holds the port")
def test_whatever_dies_the_service_is_back_and_nothing_runs_twice(machine: Machine) -> None:
    master = machine.master()
    (worker,) = machine.listening() - {master}
    os.kill(worker, signal.SIGKILL)
    until(lambda: worker not in machine.listening() and len(machine.listening()) == 2)
    until(machine.answers)
    assert machine.master() == master

    os.kill(master, signal.SIGKILL)
    until(lambda: len(machine.listening() - {master, worker}) == 2 and machine.answers())

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
