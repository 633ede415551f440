"""Serve Anju: brings the database up to date, then keeps web workers and the job worker running.

    python tools/serve.py            upgrade, demonstration data if the database is empty, serve
    python tools/serve.py --no-demo  the same without demonstration data (as in production)

A process that dies is started again; SIGTERM or Ctrl-C stops all of them, and each finishes what it
is doing. Address, port and number of workers: see config.py.
"""

from __future__ import annotations

import signal
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
    flask("deploy")
    if demo and not settings["PRODUCTION"]:
        flask("demo", "load", "--if-empty")
    commands = {
        "web": [
            str(BIN / "gunicorn"), "app:create_app()", "--chdir", str(ROOT),
            "--bind", f"{settings['HOST']}:{settings['PORT']}",
            "--worker-class", "gthread",
            "--workers", str(settings["WEB_WORKERS"]), "--threads", str(settings["WEB_THREADS"]),
            "--timeout", "120", "--graceful-timeout", "20", "--keep-alive", "30",
            "--worker-tmp-dir", shared_memory(), "--log-level", "warning",
        ],
        "jobs": [str(BIN / "flask"), "jobs", "work"],
    }  # fmt: skip
    supervise(commands, f"http://{settings['HOST']}:{settings['PORT']}/")


def flask(*arguments: str) -> None:
    done = subprocess.run([str(BIN / "flask"), *arguments], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"flask {' '.join(arguments)} failed; nothing was started")


def supervise(commands: dict[str, list[str]], address: str) -> None:
    """Run the commands until a signal comes; one that ends is started again after a growing pause."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    running: dict[str, subprocess.Popen[bytes]] = {}
    started: dict[str, float] = {}
    pause = dict.fromkeys(commands, 1.0)
    due = dict.fromkeys(commands, 0.0)
    say(f"安居 {address} (Ctrl-C stops)")
    try:
        while True:
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
            time.sleep(0.5)
    except Stopping:
        say("stopping")
    finally:
        stop(running)


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


def shared_memory() -> str:
    """gunicorn's heartbeat files belong into memory: on a slow disk a heartbeat can block a worker."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else "/tmp"  # noqa: S108


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--no-demo"]):
        raise SystemExit(__doc__)
    try:
        main(demo="--no-demo" not in sys.argv)
    except config.ConfigError as error:
        raise SystemExit(str(error)) from None
