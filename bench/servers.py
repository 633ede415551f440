"""The program and the floor as processes, each with the same number of workers."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from bench.database import FOLDER, ROOT, environment

WORKERS, THREADS = 2, 3


@dataclass(frozen=True)
class Served:
    """A running gunicorn."""

    address: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time of all its workers so far: tells what a request costs on a busy machine."""
        workers = psutil.Process(self.pid).children(recursive=True)
        return sum(sum(worker.cpu_times()[:2]) for worker in workers)


@contextmanager
def serving(application: str, url: str, *, ready: str) -> Iterator[Served]:
    """A running gunicorn with the program's own settings; ``ready`` is a path that
    answers once it is up.
    """
    port = _free_port()
    log = FOLDER / f"{application.partition(':')[0]}.log"
    settings = environment(
        url, PORT=str(port), WEB_WORKERS=str(WORKERS), WEB_THREADS=str(THREADS)
    )  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "tools/gunicorn.py", application],
            cwd=ROOT, env=settings, stdout=output, stderr=output,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _await(f"{address}{ready}", process)
        yield Served(address, process.pid)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def working(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs background jobs."""
    with (FOLDER / "jobs.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "jobs", "work"],
            cwd=ROOT, env=environment(url), stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    for _attempt in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"{address}: the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(address, timeout=10):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{address} does not answer")
