"""The running program: processes that answer over HTTP."""

from __future__ import annotations

import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from flask import Flask

from tests.databases import Databases
from tests.running import programs
from tests.running.applications import dispose, make_app
from tools.programs import end, gunicorn


@dataclass
class Server:
    """The program as a process of its own. ``app`` is on the same database, to arrange and to look."""

    url: str
    app: Flask
    environment: dict[str, str]
    process: BaseProcess

    def flask(self, *arguments: str, timeout: float = 120) -> programs.Done:
        """Run a command such as ``flask jobs work --once`` on the server's database."""
        return programs.run(self.environment, *arguments, timeout=timeout)


@pytest.fixture
def serve(
    db_kind: str, databases: Databases, worker: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Server]]:
    """Start servers: ``serve()``, or ``serve(ANJU_BENCH="1")`` with settings as environment variables."""
    running: list[Server] = []

    def start(**settings: str) -> Server:
        server = start_server(
            databases.copy(db_kind, f"anju_{worker}_{os.getpid()}_served{len(running)}"),
            tmp_path_factory.mktemp("served"), settings,
        )  # fmt: skip
        running.append(server)
        return server

    yield start
    for server in running:
        stop_server(server)


@pytest.fixture(scope="module")
def server(
    db_kind: str, databases: Databases, worker: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One running program for all tests of a module: they share its database."""
    running = start_server(
        databases.copy(db_kind, f"anju_{worker}_{os.getpid()}_module"),
        tmp_path_factory.mktemp("served"), {},
    )  # fmt: skip
    yield running
    stop_server(running)


def start_server(
    url: str, folder: Path, settings: dict[str, str], program: str = "app:create_app()"
) -> Server:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "DATABASE_URL": url.replace("postgresql+psycopg", "postgresql"),
        "STORAGE_DIR": str(folder / "files"),
        "SECRET_KEY": "only for tests",
        "CAPTCHA_ENABLED": "0",
        "FLASK_APP": "app:create_app",
    }  # fmt: skip
    environment |= settings
    process = programs.start(
        gunicorn, environment, folder / "log", program, "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--workers", "1", "--threads", "8", "--log-level", "warning",
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        await_answer(f"{address}/health", lambda: process.exitcode)
    except AssertionError as error:
        process.kill()
        raise AssertionError(f"{error}\n{(folder / 'log').read_text()}") from None
    return Server(address, make_app(url, folder / "files"), environment, process)


def await_answer(address: str, code: Callable[[], int | None], seconds: float = 40) -> None:
    """``code`` tells with what the process ended, None while it runs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert (ended := code()) is None, f"the server ended with {ended}"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"no answer from {address} within {seconds} s")


def stop_server(server: Server) -> None:
    end(server.process)  # asked to end, it waits for connections that browsers keep
    dispose(server.app)
