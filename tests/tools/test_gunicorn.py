"""The settings under which the program is served for real: connections are shared evenly."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running.programs import ROOT
from tests.running.servers import await_answer

_WHO = """
import os


def answer(environ, start):
    body = str(os.getpid()).encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Two workers whose every answer is their process."""
    (tmp_path / "who.py").write_text(_WHO)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = {"PORT": str(port), "WEB_WORKERS": "2", "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "gunicorn", "-c", "tools/gunicorn.py", "who:answer"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings)
    try:
        await_answer(f"http://127.0.0.1:{port}/", process.poll)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def kept(port: int, number: int) -> list[http.client.HTTPConnection]:
    return [http.client.HTTPConnection("127.0.0.1", port, timeout=10) for _ in range(number)]


def workers_of(connections: list[http.client.HTTPConnection]) -> Counter[int]:
    """worker -> how many of the connections it holds; all of them are open before one is asked."""
    for connection in connections:
        connection.connect()
    for connection in connections:
        connection.request("GET", "/")
    return Counter(int(connection.getresponse().read()) for connection in connections)


def test_workers_hold_equally_many_connections_also_after_one_died(port: int) -> None:
    await_workers(port, 2)
    first = kept(port, 20)
    held = workers_of(first)
    assert min(held.values()) >= 8, held

    dead, alive = held
    os.kill(dead, signal.SIGKILL)
    await_workers(port, 3, {dead, alive})
    later = workers_of(kept(port, 8))
    assert dead not in later
    assert later[alive] < 4, later  # it still holds those of before


def await_workers(port: int, number: int, known: frozenset[int] | set[int] = frozenset()) -> None:
    """Ask on new connections until so many workers have answered, with those that are known."""
    seen = set(known)
    for _attempt in range(400):
        connections = kept(port, 1)
        seen |= set(workers_of(connections))
        connections[0].close()
        if len(seen) >= number:
            return
        time.sleep(0.01)
    raise AssertionError(f"only {seen} took a connection")
