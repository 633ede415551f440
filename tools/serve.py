"""Serve Anju: brings the database up to date, then keeps web workers and the job worker running.

    python tools/serve.py            upgrade, demonstration data if the database is empty, serve
    python tools/serve.py --no-demo  the same without demonstration data (as in production)

A process that dies is started again; SIGTERM or Ctrl-C stops all of them, and each finishes what it
is doing. Address, port and number of workers: see config.py.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import config  # noqa: E402  (needs the line above)

BIN = Path(sys.executable).parent
STOP_SECONDS = 25  # a worker that has not finished its request or job step by then is killed


class Stopping(Exception):
    """Somebody asked the supervisor to stop."""


def main(*, demo: bool) -> None:
    settings = config.load()
    prepare("deploy", *(["--demo"] if demo and not settings["PRODUCTION"] else []))
    commands = {
        "web": [str(BIN / "gunicorn"), "-c", str(ROOT / "tools" / "gunicorn.py")],
        "jobs": [str(BIN / "flask"), "jobs", "work"],
    }
    supervise(commands, settings["HOST"], settings["PORT"])


def prepare(*arguments: str) -> None:
    """Run a command of the program that must succeed before anything is served."""
    done = subprocess.run([str(BIN / "flask"), *arguments], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"flask {' '.join(arguments)} failed; nothing was started")


def supervise(commands: dict[str, list[str]], host: str, port: int) -> None:
    """Run the commands until a signal comes; one that ends is started again after a growing pause."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    running: dict[str, subprocess.Popen[bytes]] = {}
    started: dict[str, float] = {}
    pause = dict.fromkeys(commands, 1.0)
    due = dict.fromkeys(commands, 0.0)
    answering = False
    try:
        while True:
            if not answering and (answering := answers(host, port)):
                say(f"安居 http://{host}:{port}/ (Ctrl-C stops)")
            now = time.monotonic()
            for name, command in commands.items():
                process = running.get(name)
                if process is None and now >= due[name]:
                    # Own session: Ctrl-C in the terminal reaches us alone, and we stop them in order.
                    running[name] = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
                    started[name] = now
                elif process is not None and process.poll() is not None:
                    lived = now - started[name]
                    pause[name] = 1.0 if lived > 60 else min(pause[name] * 2, 30.0)
                    due[name] = now + pause[name]
                    del running[name]
                    say(
                        f"{name} ended with {process.returncode}; starts again in {pause[name]:.0f} s"
                    )
            time.sleep(0.2)
    except Stopping:
        say("stopping")
    finally:
        stop(running)


def answers(host: str, port: int) -> bool:
    """Does somebody listen there?"""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((host if host != "0.0.0.0" else "127.0.0.1", port)) == 0  # noqa: S104


def stop(running: dict[str, subprocess.Popen[bytes]]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for process in running.values():
        process.terminate()
    end = time.monotonic() + STOP_SECONDS
    for process in running.values():
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
