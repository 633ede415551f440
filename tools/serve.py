"""Serve Anju: brings the database up to date, then keeps web workers and the job worker running.

    python tools/serve.py            upgrade, demonstration data if the database is empty, serve
    python tools/serve.py --no-demo  the same without demonstration data (as in production)

A process that dies is started again at once, one that dies again and again after a growing pause.
SIGTERM or Ctrl-C stops all of them, and each finishes what it is doing; when this one is killed they end
by themselves, so that nothing runs twice and the port is free. Address, port and number of workers: see
config.py.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import config  # noqa: E402  (needs the line above)
from tools import programs  # noqa: E402

BIN = Path(sys.executable).parent
STOP_SECONDS = 25  # a worker that has not finished its request or job step by then is killed
STEADY_SECONDS = 20.0  # what lived so long does not die at its start


class Stopping(Exception):
    """Somebody asked the supervisor to stop."""


def main(*, demo: bool) -> None:
    settings = config.load()
    os.chdir(ROOT)
    programs.warm_up()
    prepare("deploy", *(["--demo"] if demo and not settings["PRODUCTION"] else []))
    supervise(settings["HOST"], settings["PORT"])


def prepare(*arguments: str) -> None:
    """Run a command of the program that must succeed before anything is served."""
    done = subprocess.run([str(BIN / "flask"), *arguments], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"flask {' '.join(arguments)} failed; nothing was started")


def supervise(host: str, port: int) -> None:
    """Keep web and jobs running until a signal comes."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    services = [
        Service("web", programs.gunicorn, "-c", str(ROOT / "tools" / "gunicorn.py")),
        Service("jobs", programs.flask, "jobs", "work"),
    ]
    answering = False
    try:
        while True:
            if not answering and (answering := answers(host, port)):
                say(f"安居 http://{host}:{port}/ (Ctrl-C stops)")
            for service in services:
                service.keep()
            time.sleep(0.2)
    except Stopping:
        say("stopping")
    finally:
        stop([service.process for service in services if service.process])


class Service:
    """A command that runs all the time."""

    def __init__(self, name: str, main: Callable[[], object], *arguments: str) -> None:
        self.name, self.command = name, (main, *arguments)
        self.process: BaseProcess | None = None
        self.started = self.due = 0.0
        self.deaths = 0  # one after the other, each soon after its start

    def keep(self) -> None:
        """Start it if it does not run and is due."""
        now = time.monotonic()
        if self.process is None and now >= self.due:
            self.process, self.started = programs.start(programs.command, *self.command), now
            say(f"{self.name} runs as process {self.process.pid}")
        elif self.process is not None and self.process.exitcode is not None:
            code = self.process.exitcode
            programs.end(self.process)  # the workers of a dead master hold the port
            self.process = None
            self.deaths = 1 if now - self.started > STEADY_SECONDS else self.deaths + 1
            pause = min(2 ** (self.deaths - 2), 30) if self.deaths > 1 else 0
            self.due = now + pause
            say(f"{self.name} ended with {code}; starts again in {pause} s")


def answers(host: str, port: int) -> bool:
    """Does somebody listen there?"""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((host if host != "0.0.0.0" else "127.0.0.1", port)) == 0  # noqa: S104


def stop(running: list[BaseProcess]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for process in running:
        process.terminate()
    end = time.monotonic() + STOP_SECONDS
    for process in running:
        process.join(max(0.1, end - time.monotonic()))
        programs.end(process)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopping


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--no-demo"]):
        raise SystemExit(__doc__)
    try:
        main(demo="--no-demo" not in sys.argv)
    except config.ConfigError as error:
        raise SystemExit(str(error)) from None
